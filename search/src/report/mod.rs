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
mod page;
mod plot;
mod progress;
mod residuals;
mod samples;
mod scale;
mod settings;
mod text;

pub use facts::Facts;
pub use file::{Latency, write_page};

use page::Page;

/// The classes of colours, in the order in which they are taken.
const COLOURS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

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

/// At most `most` of a list's places, evenly spread.
fn spread(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let shown = count.min(most);
    (0..shown).map(move |index| index * count / shown)
}
