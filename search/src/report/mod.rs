//! The report on a run: one page that loads nothing else, with the answer first.
//!
//! In the order in which data pass: [`facts`] gathers what is to be told; `answer`, `samples`, `errors` with its `residuals`, `band`,
//! `architecture`, `progress`, `cost` and `settings` are the page's parts from top to bottom, made of `plot`s with their `scale`s and of `text`;
//! `page` puts the document around them. What a run does not have is said in one line where it would be.

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
mod residuals;
mod samples;
mod scale;
mod settings;
mod spread;
mod text;

pub use facts::Facts;
pub use file::{Latency, write_page};

use page::Page;

/// The page's text.
#[must_use]
pub fn html(facts: &Facts) -> String {
    let mut page = Page::new(&format!("Emulator of {}", facts.name()));
    page.begin(&answer::answer(facts));
    samples::section(facts, &mut page);
    errors::section(facts, &mut page);
    band::section(facts, &mut page);
    architecture::section(facts, &mut page);
    progress::section(facts, &mut page);
    cost::section(facts, &mut page);
    settings::section(facts, &mut page);
    page.html()
}
