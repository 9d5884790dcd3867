//! The report on a run: one self-contained page, with the answer first.
//!
//! In the order of the data flow: [`facts`] gathers the contents. The parts of the page, from top
//! to bottom, are `answer`, `samples`, `errors` with its `residuals`, `band`, `race`,
//! `architecture`, `progress`, `cost` and `settings`. They consist of `plot`s with their `scale`s and of `text`.
//! `page` adds the document around them. If a run lacks something, one line in its place says so.

mod answer;
mod architecture;
mod band;
mod cost;
mod errors;
pub mod facts;
mod file;
mod outputs;
mod page;
mod plot;
mod progress;
mod race;
mod residuals;
mod samples;
mod scale;
mod settings;
mod spread;
mod text;

pub use facts::Facts;
pub use file::{Latency, write_page};

use page::Page;

/// The HTML text of the page.
#[must_use]
pub fn html(facts: &Facts) -> String {
    let mut page = Page::new(&format!("Emulator of {}", facts.name()));
    page.begin(&answer::answer(facts));
    samples::section(facts, &mut page);
    errors::section(facts, &mut page);
    band::section(facts, &mut page);
    race::section(facts, &mut page);
    architecture::section(facts, &mut page);
    progress::section(facts, &mut page);
    cost::section(facts, &mut page);
    settings::section(facts, &mut page);
    page.html()
}
