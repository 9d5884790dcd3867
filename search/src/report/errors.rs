//! Errors: predicted against simulated values, and the error along the outputs and along every
//! input.

use super::facts::Facts;
use super::outputs::{coordinate, output_name};
use super::page::{Page, figure, grid};
use super::plot::{Axis, Plot, SIZE};
use super::residuals;
use super::samples::image;
use super::scale::Scale;
use super::spread::{COLOURS, spread};
use crate::data::Transform;
use dense_codegen::emulator::Layout;
use std::ops::Range;

/// Cells along each side of the parity plot, and number of its shades.
const CELLS: usize = 56;
const SHADES: usize = 8;
/// Largest number of scalars with a parity plot each.
const PARITIES: usize = 6;
/// Largest number of points in a scatter plot, and of inputs shown.
const POINTS: usize = 1500;
const INPUTS: usize = 12;
/// Below this number, points are drawn larger.
const SPARSE: usize = 100;
/// Minimum number of row groups behind a median line, and of rows in a group.
const GROUPS: usize = 10;
const GROUP_ROWS: usize = 5;
/// Largest number of curves in one plot, of images, and of outputs named individually.
const CURVES: usize = 6;
const IMAGES: usize = 3;
const NAMED: usize = 24;

pub(super) fn section(facts: &Facts, page: &mut Page) {
    let mut first = parities(facts);
    first.extend(along_outputs(facts));
    first.extend(residuals::figures(facts));
    let shown = facts.data.input_count().min(INPUTS);
    first.extend((0..shown).map(|input| along_input(facts, input)));
    let mut about = format!("Every value of the {} rows.", facts.part);
    if facts.data.input_count() > INPUTS {
        about += &format!(
            " The first {INPUTS} of {} inputs are shown.",
            facts.data.input_count()
        );
    }
    page.section("Where it is wrong", &about, &grid(&first));
}

/// Predicted against simulated values: one plot per output for a few scalars, which have a unit
/// each, else one plot for all.
fn parities(facts: &Facts) -> Vec<String> {
    let count = facts.deviation.len();
    match facts.emulator.outputs().layout {
        Layout::Scalars if (2..=PARITIES).contains(&count) => (0..count)
            .map(|output| {
                let name = output_name(facts, output);
                parity(
                    facts,
                    output..output + 1,
                    &format!("{name}, predicted over simulated."),
                )
            })
            .collect(),
        _ => vec![parity(facts, 0..count, "Predicted over simulated values.")],
    }
}

/// Predicted against simulated values of these outputs, as the density of points.
fn parity(facts: &Facts, outputs: Range<usize>, shows: &str) -> String {
    let mixed = facts.is_mixed() && outputs.len() > 1;
    let centres = facts.centres();
    let pairs = || {
        facts.answers().flat_map(|answer| {
            outputs.clone().map(|j| match mixed {
                true => [answer.y[j], answer.mean[j]]
                    .map(|value| facts.in_deviations(j, centres[j], value)),
                false => [answer.y[j], answer.mean[j]],
            })
        })
    };
    let report = facts.description.report.as_ref();
    let is_logarithmic = report.is_some_and(|report| report.transform == Transform::Log);
    let decades = is_logarithmic && pairs().all(|[y, _]| y > 0.0);
    let scale = match decades {
        true => Scale::decades(pairs().map(|[y, _]| y)),
        false => Scale::around(pairs().map(|[y, _]| y)),
    };
    let mut counts = vec![vec![0usize; CELLS]; CELLS];
    for pair in pairs() {
        let [column, row] = pair.map(|value| (CELLS as f64 * scale.at(value)).floor());
        let within = |place: f64| (0.0..CELLS as f64).contains(&place);
        if within(column) && within(row) {
            counts[row as usize][column as usize] += 1;
        }
    }
    let most = counts.iter().flatten().copied().max().unwrap_or(1).max(2) as f64;
    let level = |&count: &usize| {
        let place = (count as f64).ln() / most.ln() * (SHADES - 1) as f64;
        (count > 0).then_some(place as usize)
    };
    let cells: Vec<Vec<_>> = counts
        .iter()
        .map(|row| row.iter().map(level).collect())
        .collect();
    let unit = match mixed {
        true => "training deviations",
        false => facts.unit(),
    };
    let mut plot = Plot::new(
        Axis::new(scale, format!("simulated ({unit})")),
        Axis::new(scale, format!("predicted ({unit})")),
    );
    let opacity = |level: usize| 0.18 + 0.82 * level as f64 / (SHADES - 1) as f64;
    plot.cells(&cells, |level| {
        format!("class=\"cell a\" opacity=\"{:.2}\"", opacity(level))
    });
    let (low, high) = (scale.value(0.0), scale.value(1.0));
    plot.line("quiet dash", [(low, low), (high, high)]);
    figure(
        &plot.svg(shows),
        shows,
        "The stronger the colour, the more values; on the dashed line both are equal.",
        &[],
    )
}

/// The root mean squares over rows of the error and of the standard deviation, for each output, in
/// training deviations; `None` for constant outputs.
fn output_errors(facts: &Facts) -> Vec<Option<[f64; 2]>> {
    let rows = facts.rows.len() as f64;
    let mut squares = vec![[0.0f64; 2]; facts.deviation.len()];
    for answer in facts.answers() {
        for (j, square) in squares.iter_mut().enumerate() {
            let error = answer.mean[j] - answer.y[j];
            square[0] += error * error / rows;
            square[1] += answer.std[j].powi(2) / rows;
        }
    }
    let pairs = squares.into_iter().zip(&facts.deviation);
    pairs
        .map(|(squares, &unit)| (unit > 0.0).then(|| squares.map(|square| square.sqrt() / unit)))
        .collect()
}

fn along_outputs(facts: &Facts) -> Vec<String> {
    const LABEL: &str = "rms error (training deviations)";
    let errors = output_errors(facts);
    let outputs = facts.emulator.outputs();
    let known = |place: usize| errors[place].unwrap_or([f64::NAN; 2]);
    match (outputs.layout, &outputs.shape[..]) {
        (Layout::Image | Layout::Images, &[.., height, width]) => {
            let size = height * width;
            let shown = (errors.len() / size).min(IMAGES);
            let values: Vec<f64> = (0..errors.len()).map(|place| known(place)[0]).collect();
            let picture = |channel: usize| {
                let values: Vec<_> = values[channel * size..(channel + 1) * size]
                    .iter()
                    .map(|&value| if value.is_nan() { 0.0 } else { value })
                    .collect();
                let largest = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
                let range = Scale::between(0.0, largest, false);
                let name = outputs
                    .names
                    .get(channel)
                    .map_or("rms error", String::as_str);
                figure(
                    &image(facts, &values, [height, width], range, name, SIZE),
                    "Error over the image.",
                    "Root mean square over the rows, in training deviations of each point.",
                    &[],
                )
            };
            (0..shown).map(picture).collect()
        }
        (Layout::Scalars, _) if errors.len() <= NAMED => {
            let name = |j: usize| (j as f64, output_name(facts, j));
            let names = (0..errors.len()).map(name).collect();
            let highest = errors.iter().flatten().map(|error| error[0]);
            let high = highest.fold(0.0, f64::max).max(1e-12);
            let mut plot = Plot::sized(
                Axis::new(Scale::between(0.0, 1.08 * high, false), LABEL),
                Axis::new(
                    Scale::between(errors.len() as f64 - 0.5, -0.5, false),
                    "output (name)",
                ),
                [SIZE[0], 80.0 + 17.0 * errors.len().max(4) as f64],
            )
            .named(names);
            let places = (0..errors.len()).filter(|&j| errors[j].is_some());
            plot.bars(
                "a",
                places.map(|j| [0.0, known(j)[0], j as f64 - 0.35, j as f64 + 0.35]),
            );
            vec![figure(
                &plot.svg("Error by output"),
                "Error by output.",
                "Root mean square over the rows; outputs that are constant have none.",
                &[],
            )]
        }
        (_, shape) => {
            let length = shape.last().copied().unwrap_or(1);
            let (x, label) = coordinate(facts, length);
            let all = || errors.iter().flatten().flatten().copied();
            let mut plot = Plot::new(
                Axis::new(Scale::around(x.iter().copied()), label),
                Axis::new(Scale::decades(all()), LABEL),
            );
            let channels = errors.len() / length;
            let shown = channels.min(CURVES);
            let line = |channel: usize, which: usize| {
                let place = channel * length;
                x.iter()
                    .enumerate()
                    .map(move |(j, &x)| (x, known(place + j)[which]))
                    .collect::<Vec<_>>()
            };
            let mut keys = Vec::new();
            for (channel, colour) in (0..shown).zip(COLOURS) {
                plot.line(&format!("{colour} dash thin"), line(channel, 1));
                plot.line(colour, line(channel, 0));
                let name = outputs.names.get(channel).cloned();
                let name = name.unwrap_or_else(|| match channels {
                    1 => "error".into(),
                    _ => format!("curve {}", channel + 1),
                });
                keys.push((colour.to_owned(), name));
            }
            keys.push((
                "quiet dash".into(),
                "expected: the standard deviation".into(),
            ));
            let keys: Vec<_> = keys
                .iter()
                .map(|(class, text)| (&class[..], &text[..]))
                .collect();
            vec![figure(
                &plot.svg("Error along the outputs"),
                "Error along the outputs.",
                "Root mean square over the rows.",
                &keys,
            )]
        }
    }
}

/// Each row's error against one of its inputs, with the median of neighbouring rows.
fn along_input(facts: &Facts, input: usize) -> String {
    let about = &facts.data.inputs()[input];
    let mut points: Vec<(f64, f64)> = (0..facts.rows.len())
        .map(|index| {
            let x = facts.data.x_row(facts.rows[index])[input];
            (x, 100.0 * facts.relative_error(index))
        })
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut plot = Plot::new(
        Axis::new(
            Scale::between(about.low, about.high, about.logarithmic),
            about.name.clone(),
        ),
        Axis::new(
            Scale::decades(points.iter().map(|point| point.1)),
            "error of a run (%)",
        ),
    );
    plot.points(
        "a",
        if points.len() < SPARSE { 2.2 } else { 1.4 },
        spread(points.len(), POINTS).map(|place| points[place]),
    );
    let middle = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let size = points.len().div_ceil(GROUPS).max(GROUP_ROWS);
    let medians = points.chunks(size).map(|group| {
        let of =
            |coordinate: fn(&(f64, f64)) -> f64| middle(group.iter().map(coordinate).collect());
        (of(|point| point.0), of(|point| point.1))
    });
    plot.line("b", medians.collect::<Vec<_>>());
    let shows = format!("Error over {}.", about.name);
    figure(
        &plot.svg(&shows),
        &shows,
        "",
        &[("a", "a run"), ("b", "median of neighbours")],
    )
}
