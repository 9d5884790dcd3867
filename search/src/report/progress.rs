//! The course of training: losses of all contenders, and the entropy of the search.

use super::facts::{Facts, moving};
use super::page::{Page, figure, grid, missing};
use super::plot::{Axis, Plot};
use super::scale::Scale;
use super::spread::COLOURS;
use crate::contenders::Role;
use crate::search::TrainingRecords;
use crate::training::Record;

pub(super) fn section(facts: &Facts, page: &mut Page) {
    let heading = "How it was trained";
    let Some(history) = &facts.history else {
        let line = "Loss and entropy over time are not known: the run has no history.json.";
        return page.section(heading, "", &missing(line));
    };
    let mut figures: Vec<_> = history.trainings.iter().map(losses).collect();
    figures.extend(facts.searched().map(entropy));
    let about = "Losses are mean squared errors in training deviations; entropy is 0 where a group is decided.";
    page.section(heading, about, &grid(&figures));
}

fn time<'a>(records: impl Iterator<Item = &'a Record>) -> Axis {
    Axis::new(
        Scale::around(records.map(|record| record.seconds)),
        "time (s)",
    )
}

/// Marks the start of each phase.
fn phases(plot: &mut Plot, records: &[Record]) {
    let phases = records.chunk_by(|a, b| a.phase == b.phase);
    for (line, phase) in phases.enumerate() {
        plot.mark(
            phase[0].seconds,
            &phase[0].phase.name().replace('-', " "),
            line,
        );
    }
}

fn losses(training: &TrainingRecords) -> String {
    let records = &training.records;
    let of = |loss: fn(&Record) -> Option<f64>| {
        let known = records
            .iter()
            .filter_map(move |record| Some((record.seconds, loss(record)?)));
        known.collect::<Vec<_>>()
    };
    let trained = of(|record| record.training_loss);
    let validated = of(|record| record.validation_loss);
    let all = trained.iter().chain(&validated).map(|point| point.1);
    let mut plot = Plot::new(
        time(records.iter()),
        Axis::new(Scale::decades(all), "loss (squared deviations)"),
    );
    phases(&mut plot, records);
    plot.line("a thin", trained);
    plot.line("b", validated);
    let shows = format!("Loss of {}, the {}.", training.name, role(training));
    let read = "Dotted lines begin a phase.";
    figure(
        &plot.svg(&shows),
        &shows,
        read,
        &[("a", "training batch"), ("b", "rows that choose")],
    )
}

fn role(training: &TrainingRecords) -> &'static str {
    match training.role {
        Role::Random => "random search",
        other => other.name(),
    }
}

fn entropy(training: &TrainingRecords) -> String {
    let records = moving(training);
    let known = || records.iter().filter(|record| !record.entropy.is_empty());
    let all = known().flat_map(|record| record.entropy.iter().copied());
    let mut plot = Plot::new(
        time(records.iter()),
        Axis::new(Scale::around(all), "entropy (nat)"),
    );
    phases(&mut plot, records);
    let mut keys = Vec::new();
    let open = training
        .groups
        .iter()
        .enumerate()
        .filter(|(_, group)| group.candidates.len() > 1);
    for ((group, about), place) in open.zip(0..) {
        let colour = COLOURS[place % COLOURS.len()];
        let points =
            known().filter_map(|record| Some((record.seconds, *record.entropy.get(group)?)));
        plot.line(colour, points.collect::<Vec<_>>());
        keys.push((colour, about.name.as_str()));
    }
    figure(
        &plot.svg("Entropy of each group"),
        "Entropy of each group.",
        "Until a while after all settled.",
        &keys,
    )
}
