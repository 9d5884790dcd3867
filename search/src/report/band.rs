//! Uncertainty: how often values lie inside the band, and whether a wide band means a large error.

use super::facts::Facts;
use super::page::{Page, figure, grid};
use super::plot::{Axis, Plot};
use super::scale::Scale;
use super::spread::spread;
use super::text::{digits, number};
use crate::search::Judged;

/// Levels in per cent, each with the half-width of its band in standard deviations of a Gaussian.
const LEVELS: [(f64, f64); 12] = [
    (10.0, 0.125_66),
    (20.0, 0.253_35),
    (30.0, 0.385_32),
    (40.0, 0.524_40),
    (50.0, 0.674_49),
    (60.0, 0.841_62),
    (70.0, 1.036_43),
    (80.0, 1.281_55),
    (90.0, 1.644_85),
    (95.0, 1.959_96),
    (99.0, 2.575_83),
    (99.9, 3.290_53),
];
/// Largest number of points in a scatter plot.
const POINTS: usize = 1500;

pub(super) fn section(facts: &Facts, page: &mut Page) {
    page.section("How sure it is", &about(facts), &grid(&figures(facts)));
}

fn figures(facts: &Facts) -> Vec<String> {
    let mut figures = vec![calibration(facts)];
    figures.extend(by_size(facts));
    figures.push(sharpness(facts));
    figures
}

/// Describes the standard deviation, the width of the band, and the rows that the status flags.
fn about(facts: &Facts) -> String {
    let metrics = &facts.metrics;
    let report = facts.description.report.as_ref();
    let is_estimated = report.is_some_and(|report| report.judged == Judged::OutOfFold);
    let mut about = format!(
        "The standard deviation is calibrated for the 90 % band, {}. Other levels hold as far as the errors are those of a \
         Gaussian.",
        match is_estimated {
            true => "on what was said of rows by networks and processes that have not seen them",
            false => "on rows that neither trained nor chose",
        }
    );
    if let Some(scale) = &facts.emulator.local().error_scale {
        let [least, most] = scale.limits.map(|limit| number(f64::from(limit).exp()));
        about += &format!(
            " It has an error scale: where the inputs lie multiplies the members' spread by {least} to {most}."
        );
    }
    if metrics.width_over_constant.is_finite() {
        about += &format!(
            " The 90 % band is {} times as wide as one that is equally wide everywhere and holds as many values.",
            digits(metrics.width_over_constant, 2)
        );
    }
    let flags = match facts.emulator.local().coverage {
        Some(_) => "outside the trained box or far from the training points",
        None => "outside the trained box",
    };
    about
        + &format!(
            " The status calls {} of the {} {} runs {flags}.",
            metrics.out_of_domain, metrics.samples, facts.part
        )
}

/// The fraction of values inside the band of each level.
fn calibration(facts: &Facts) -> String {
    let mut inside = [0usize; LEVELS.len()];
    let mut count = 0u32;
    for answer in facts.answers() {
        for (j, (&y, &mean)) in answer.y.iter().zip(answer.mean).enumerate() {
            if facts.deviation[j] <= 0.0 {
                continue;
            }
            count += 1;
            let error = (y - mean).abs();
            for (inside, (_, width)) in inside.iter_mut().zip(LEVELS) {
                *inside += usize::from(error <= width * answer.std[j]);
            }
        }
    }
    let share = |inside: usize| 100.0 * inside as f64 / f64::from(count.max(1u32));
    let points: Vec<_> = LEVELS
        .iter()
        .zip(inside)
        .map(|(level, inside)| (level.0, share(inside)))
        .collect();
    let axis = |label| Axis::new(Scale::between(0.0, 100.0, false), label);
    let mut plot = Plot::new(axis("level of the band (%)"), axis("values within (%)"));
    plot.line("quiet dash", [(0.0, 0.0), (100.0, 100.0)]);
    plot.line("a", [(0.0, 0.0)].into_iter().chain(points.iter().copied()));
    plot.points("a", 2.6, points);
    figure(
        &plot.svg("Calibration"),
        "Calibration.",
        "Above the dashed line the band is too wide at that level, below it too narrow.",
        &[],
    )
}

/// The fraction of values inside the 90 % band by the size of the prediction, and its minimum.
fn by_size(facts: &Facts) -> Option<String> {
    const NAMES: [&str; 5] = ["smallest", "2nd fifth", "middle", "4th fifth", "largest"];
    let fifths = facts.metrics.coverage_90_by_size?;
    // The smallest at the bottom.
    let place = |fifth: usize| (NAMES.len() - fifth) as f64;
    let names = NAMES.iter().enumerate();
    let names = names.map(|(fifth, name)| (place(fifth), (*name).to_owned()));
    let mut plot = Plot::new(
        Axis::new(
            // Beyond 100 there is space for the label of a bar.
            Scale::between(0.0, 118.0, false),
            "values within the 90 % band (%)",
        ),
        Axis::new(Scale::between(0.4, 5.6, false), "predicted size"),
    )
    .named(names.collect());
    for (fifth, share) in fifths.into_iter().enumerate() {
        let (percent, at) = (100.0 * share, place(fifth));
        plot.bars("a", [[0.0, percent, at - 0.32, at + 0.32]]);
        plot.beside(percent.max(90.0), at, &format!("{} %", digits(percent, 3)));
    }
    plot.line("ink dash", [(90.0, 0.4), (90.0, 5.6)]);
    let mut read = String::from(
        "Each output's values, by the size of the prediction, in fifths. A bar beyond the dashed line: the band is too wide \
         there; one short of it: too narrow.",
    );
    if let Some(least) = &facts.metrics.coverage_90_least {
        read += &format!(
            " Least is held {}: {} %.",
            least.name,
            digits(100.0 * least.coverage_90, 3)
        );
    }
    Some(figure(
        &plot.svg("Share within the band by predicted size"),
        "Is the band right for small and large values?",
        &read,
        &[],
    ))
}

/// Each row's root mean square error against its root mean square standard deviation, in training
/// deviations.
fn sharpness(facts: &Facts) -> String {
    let kept: Vec<_> = (0..facts.deviation.len())
        .filter(|&j| facts.deviation[j] > 0.0)
        .collect();
    let mean_square = |value: &dyn Fn(usize) -> f64| {
        let squares = kept
            .iter()
            .map(|&j| (value(j) / facts.deviation[j]).powi(2));
        (squares.sum::<f64>() / kept.len().max(1) as f64).sqrt()
    };
    let points: Vec<_> = facts
        .answers()
        .map(|answer| {
            (
                mean_square(&|j| answer.std[j]),
                mean_square(&|j| answer.y[j] - answer.mean[j]),
            )
        })
        .collect();
    let scale = Scale::decades(points.iter().flat_map(|point| [point.0, point.1]));
    let mut plot = Plot::new(
        Axis::new(scale, "standard deviation (training deviations)"),
        Axis::new(scale, "error (training deviations)"),
    );
    plot.points(
        "a",
        1.4,
        spread(points.len(), POINTS).map(|place| points[place]),
    );
    plot.line(
        "quiet dash",
        [0.0, 1.0].map(|place| (scale.value(place), scale.value(place))),
    );
    let mut read =
        String::from("A dot is a run; along the dashed line its error is what was expected.");
    if let Some(correlation) = facts.metrics.error_rank_correlation {
        read += &format!(" Rank correlation: {}.", digits(correlation, 2));
    }
    figure(
        &plot.svg("Error over standard deviation"),
        "Does it know when it is wrong?",
        &read,
        &[],
    )
}
