//! The best, the median and the worst of the judged runs, as curves or images, with the band.

use super::facts::{Answer, Facts};
use super::page::{Page, figure, grid};
use super::plot::{Axis, Plot, SIZE, Scale};
use super::text::{number, percent};
use crate::assemble::Z_90;
use dense_codegen::emulator::Layout;

/// Curves and images of a run that are shown, at most.
const CHANNELS: usize = 3;
/// Images are averaged to so many rows and columns, at most.
const PIXELS: usize = 96;
/// Shades of an image.
const SHADES: usize = 24;

pub(super) fn section(facts: &Facts, page: &mut Page) {
    let mut order: Vec<(f64, usize)> = facts
        .answers()
        .map(|answer| answer.relative_error())
        .zip(0..)
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let last = order.len() - 1;
    let chosen = [("Best", 0), ("Median", order.len() / 2), ("Worst", last)];
    let figures: Vec<_> = chosen
        .into_iter()
        .flat_map(|(name, place)| sample(facts, name, order[place]))
        .collect();
    let about = format!(
        "Of {} {} runs, none of which trained or chose anything. The band is where the emulator expects 90 % of the values.",
        facts.rows.len(),
        facts.part
    );
    page.section("What it predicts", &about, &grid(&figures));
}

/// The figures of one run, one for each curve or image that is shown.
fn sample(facts: &Facts, name: &str, (error, index): (f64, usize)) -> Vec<String> {
    let outputs = facts.emulator.outputs();
    let answer = facts.answer(index);
    let x = facts.data.x_row(facts.rows[index]);
    let inputs: Vec<_> = facts
        .data
        .inputs()
        .iter()
        .zip(x)
        .map(|(input, &x)| format!("{} = {}", input.name, number(x)))
        .collect();
    let shows = |channel: usize, channels: usize| {
        let part = match outputs.names.get(channel) {
            Some(name) if channels > 1 => format!(", {name}"),
            _ if channels > 1 => format!(", {} of {channels}", channel + 1),
            _ => String::new(),
        };
        format!("{name} run{part}: error {}.", percent(error))
    };
    let read = inputs.join(", ");
    match (outputs.layout, &outputs.shape[..]) {
        (Layout::Image | Layout::Images, &[.., height, width]) => {
            let channels = answer.y.len() / (height * width);
            (0..channels.min(CHANNELS))
                .map(|channel| {
                    let part = part(answer, channel, height * width);
                    let pictures = images(facts, part, [height, width]);
                    figure(&pictures, &shows(channel, channels), &read, &[])
                })
                .collect()
        }
        (Layout::Curve | Layout::Curves, &[.., length]) => {
            let channels = answer.y.len() / length;
            (0..channels.min(CHANNELS))
                .map(|channel| {
                    let part = part(answer, channel, length);
                    curve(facts, part, &shows(channel, channels), &read)
                })
                .collect()
        }
        _ => vec![curve(facts, answer, &shows(0, 1), &read)],
    }
}

fn part(answer: Answer<'_>, channel: usize, size: usize) -> Answer<'_> {
    let place = channel * size..(channel + 1) * size;
    Answer {
        y: &answer.y[place.clone()],
        mean: &answer.mean[place.clone()],
        std: &answer.std[place],
    }
}

/// The coordinate along the last axis of the outputs.
pub(super) fn coordinate(facts: &Facts, length: usize) -> (Vec<f64>, String) {
    let axes = &facts.emulator.outputs().axes;
    match axes.last().filter(|axis| axis.values.len() == length) {
        Some(axis) => (axis.values.clone(), axis.name.clone()),
        None => (
            (0..length).map(|index| index as f64).collect(),
            "output (index)".into(),
        ),
    }
}

fn curve(facts: &Facts, answer: Answer<'_>, shows: &str, read: &str) -> String {
    let (x, label) = coordinate(facts, answer.y.len());
    let half = |std: f32| f64::from(Z_90 * std);
    let band: Vec<_> = (x.iter().zip(answer.mean).zip(answer.std))
        .map(|((&x, &mean), &std)| (x, f64::from(mean) - half(std), f64::from(mean) + half(std)))
        .collect();
    let points = |values: &[f32]| {
        let pairs = x.iter().zip(values);
        pairs.map(|(&x, &y)| (x, f64::from(y))).collect::<Vec<_>>()
    };
    let all = band.iter().flat_map(|&(_, low, high)| [low, high]);
    let all = all.chain(answer.y.iter().map(|&y| f64::from(y)));
    let mut plot = Plot::new(
        Axis::new(Scale::around(x.iter().copied()), label),
        Axis::new(Scale::around(all), "output (unit of the data)"),
    );
    if x.len() > 24 || facts.emulator.outputs().layout != Layout::Scalars {
        plot.band("a", &band);
        plot.line("ink", points(answer.y));
        plot.line("a", points(answer.mean));
    } else {
        for &(x, low, high) in &band {
            plot.line("a", [(x, low), (x, high)]);
        }
        plot.points("ink", 3.5, points(answer.y));
        plot.points("a", 2.2, points(answer.mean));
    }
    let keys = [
        ("ink", "simulator"),
        ("a", "emulator"),
        ("a area", "90 % band"),
    ];
    figure(&plot.svg(shows), shows, read, &keys)
}

/// Simulator and emulator in one scale of shades; error and standard deviation in another.
fn images(facts: &Facts, answer: Answer<'_>, size: [usize; 2]) -> String {
    let errors = answer.y.iter().zip(answer.mean);
    let errors: Vec<f32> = errors.map(|(y, mean)| (y - mean).abs()).collect();
    let pictures = [
        [("simulator", answer.y), ("emulator", answer.mean)],
        [("|error|", &errors), ("standard deviation", answer.std)],
    ];
    let mut out = String::from("<div class=\"pictures\">");
    for pair in pictures {
        let range = Scale::around(
            pair.iter()
                .flat_map(|(_, values)| values.iter().map(|&y| f64::from(y))),
        );
        for (name, values) in pair {
            out += &image(facts, values, size, range, name);
        }
    }
    out + "</div>"
}

/// An image in shades from the low to the high end of a range, which are stated below it.
pub(super) fn image(
    facts: &Facts,
    values: &[f32],
    [height, width]: [usize; 2],
    range: Scale,
    name: &str,
) -> String {
    let axes = &facts.emulator.outputs().axes;
    let axis = |place: usize, length: usize, else_: &str| {
        let known = axes
            .len()
            .checked_sub(place)
            .and_then(|place| axes.get(place));
        match known.filter(|axis| axis.values.len() == length) {
            Some(axis) => Axis::new(
                Scale::between(axis.values[0], axis.values[length - 1], false),
                axis.name.clone(),
            ),
            None => Axis::new(Scale::between(0.0, length as f64, false), else_),
        }
    };
    let mut plot = Plot::sized(
        axis(1, width, "column (index)"),
        axis(2, height, "row (index)"),
        [0.62 * SIZE[0], 0.62 * SIZE[0]],
    );
    let (rows, columns) = (height.min(PIXELS), width.min(PIXELS));
    let cell = |row: usize, column: usize| {
        let (top, end) = (row * height / rows, (row + 1) * height / rows);
        let (left, right) = (column * width / columns, (column + 1) * width / columns);
        let area = (top..end)
            .flat_map(|row| (left..right).map(move |column| values[row * width + column]));
        let mean = area.map(f64::from).sum::<f64>() / ((end - top) * (right - left)) as f64;
        Some((SHADES as f64 * range.at(mean)).clamp(0.0, SHADES as f64 - 1.0) as usize)
    };
    let cells: Vec<Vec<_>> = (0..rows)
        .map(|row| (0..columns).map(|column| cell(row, column)).collect())
        .collect();
    plot.cells(&cells, |shade| {
        format!("fill=\"{}\"", viridis(shade as f64 / (SHADES - 1) as f64))
    });
    let (low, high) = (number(range.value(0.0)), number(range.value(1.0)));
    plot.titled(&format!("{name}: dark {low}, bright {high}"))
}

/// The colour map viridis (van der Walt and Smith, 2015), between nine of its colours.
fn viridis(place: f64) -> String {
    const COLOURS: [[f64; 3]; 9] = [
        [68.0, 1.0, 84.0],
        [71.0, 44.0, 122.0],
        [59.0, 81.0, 139.0],
        [44.0, 113.0, 142.0],
        [33.0, 144.0, 141.0],
        [39.0, 173.0, 129.0],
        [92.0, 200.0, 99.0],
        [170.0, 220.0, 50.0],
        [253.0, 231.0, 37.0],
    ];
    let place = place.clamp(0.0, 1.0) * (COLOURS.len() - 1) as f64;
    let from = (place as usize).min(COLOURS.len() - 2);
    let part = place - from as f64;
    let [red, green, blue] =
        [0, 1, 2].map(|c| COLOURS[from][c] + part * (COLOURS[from + 1][c] - COLOURS[from][c]));
    format!("#{:02x}{:02x}{:02x}", red as u8, green as u8, blue as u8)
}
