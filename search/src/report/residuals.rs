//! Bias: signed residuals, predicted minus simulated, of each output.

use super::facts::Facts;
use super::outputs::{coordinate, output_name};
use super::page::figure;
use super::plot::{Axis, Plot, SIZE};
use super::samples::image;
use super::scale::Scale;
use dense_codegen::emulator::Layout;

/// Largest number of curves, images and scalars shown.
const CHANNELS: usize = 3;
const NAMED: usize = 24;
/// Quantiles of the residuals that are drawn: the outer pair, the inner pair, and the median.
const SHARES: [f64; 5] = [0.05, 0.95, 0.25, 0.75, 0.5];
const LABEL: &str = "residual (training deviations)";

/// The figures of signed residuals, in the form that suits the layout.
pub(super) fn figures(facts: &Facts) -> Vec<String> {
    let outputs = facts.emulator.outputs();
    match (outputs.layout, &outputs.shape[..]) {
        (Layout::Image | Layout::Images, &[.., height, width]) => {
            over_images(facts, [height, width])
        }
        (Layout::Scalars, _) if facts.deviation.len() <= NAMED => vec![of_numbers(facts)],
        (_, shape) => along_curves(facts, shape.last().copied().unwrap_or(1)),
    }
}

/// An output's residuals over the rows, in training deviations; `None` for a constant output.
fn residuals(facts: &Facts, output: usize) -> Option<Vec<f64>> {
    let unit = facts.deviation[output];
    let of = |answer: super::facts::Answer<'_>| (answer.mean[output] - answer.y[output]) / unit;
    (unit > 0.0).then(|| facts.answers().map(of).collect())
}

/// The quantiles [`SHARES`] of an output's residuals; NaN for a constant output.
fn quantiles(facts: &Facts, output: usize) -> [f64; 5] {
    let Some(mut all) = residuals(facts, output) else {
        return [f64::NAN; 5];
    };
    all.sort_by(f64::total_cmp);
    SHARES.map(|share| all[((all.len() - 1) as f64 * share).round() as usize])
}

const READ: &str = "Predicted less simulated: of half of the rows within the inner band, of 90 % within the outer one. A middle off 0 is a bias.";
const KEYS: [(&str, &str); 3] = [
    ("a", "middle row"),
    ("a area", "half of the rows"),
    ("b area", "90 % of the rows"),
];

fn along_curves(facts: &Facts, length: usize) -> Vec<String> {
    let (x, label) = coordinate(facts, length);
    let channels = facts.deviation.len() / length;
    let curve = |channel: usize| {
        let known: Vec<_> = (0..length)
            .map(|place| (x[place], quantiles(facts, channel * length + place)))
            .filter(|(_, quantiles)| quantiles[0].is_finite())
            .collect();
        let all = known.iter().flat_map(|(_, quantiles)| *quantiles);
        let mut plot = Plot::new(
            Axis::new(Scale::around(x.iter().copied()), label.clone()),
            Axis::new(Scale::around(all.chain([0.0])), LABEL),
        );
        let band = |low: usize| {
            let points = known.iter();
            let points = points.map(|(x, quantiles)| (*x, quantiles[low], quantiles[low + 1]));
            points.collect::<Vec<_>>()
        };
        plot.band("b", &band(0));
        plot.band("a", &band(2));
        plot.line("quiet dash", [(x[0], 0.0), (x[length - 1], 0.0)]);
        plot.line("a", known.iter().map(|(x, quantiles)| (*x, quantiles[4])));
        let shows = match channels {
            1 => "Residuals along the outputs.".to_owned(),
            _ => format!("Residuals along curve {} of {channels}.", channel + 1),
        };
        figure(&plot.svg(&shows), &shows, READ, &KEYS)
    };
    (0..channels.min(CHANNELS)).map(curve).collect()
}

fn of_numbers(facts: &Facts) -> String {
    let count = facts.deviation.len();
    let known: Vec<_> = (0..count)
        .map(|output| (output as f64, quantiles(facts, output)))
        .filter(|(_, quantiles)| quantiles[0].is_finite())
        .collect();
    let names = (0..count).map(|output| (output as f64, output_name(facts, output)));
    let all = known.iter().flat_map(|(_, quantiles)| *quantiles);
    let mut plot = Plot::sized(
        Axis::new(Scale::around(all.chain([0.0])), LABEL),
        Axis::new(
            Scale::between(count as f64 - 0.5, -0.5, false),
            "output (name)",
        ),
        [SIZE[0], 80.0 + 17.0 * count.max(4) as f64],
    )
    .named(names.collect());
    let bars = |low: usize, half: f64| {
        let bars = known.iter();
        let bars = bars
            .map(move |(y, quantiles)| [quantiles[low], quantiles[low + 1], y - half, y + half]);
        bars.collect::<Vec<_>>()
    };
    plot.bars("b pale", bars(0, 0.16));
    plot.bars("a pale", bars(2, 0.34));
    plot.line("quiet dash", [(0.0, -0.5), (0.0, count as f64 - 0.5)]);
    plot.points(
        "a",
        3.0,
        known.iter().map(|(y, quantiles)| (quantiles[4], *y)),
    );
    let shows = "Residuals by output.";
    figure(&plot.svg(shows), shows, READ, &KEYS)
}

fn over_images(facts: &Facts, [height, width]: [usize; 2]) -> Vec<String> {
    let size = height * width;
    let channels = facts.deviation.len() / size;
    let picture = |channel: usize| {
        let middle = |place: usize| quantiles(facts, channel * size + place)[4];
        let middles = (0..size).map(middle);
        let values: Vec<f64> = middles
            .map(|value| if value.is_finite() { value } else { 0.0 })
            .collect();
        let largest = values
            .iter()
            .fold(f64::MIN_POSITIVE, |most, value| most.max(value.abs()));
        let range = Scale::between(-largest, largest, false);
        let name = match channels {
            1 => "residual of the middle row".to_owned(),
            _ => format!("{}, residual of the middle row", image_name(facts, channel)),
        };
        figure(
            &image(facts, &values, [height, width], range, &name, SIZE),
            "Residuals over the image.",
            "Predicted less simulated, in training deviations: dark where it is predicted too low, bright where too high.",
            &[],
        )
    };
    (0..channels.min(CHANNELS)).map(picture).collect()
}

fn image_name(facts: &Facts, channel: usize) -> String {
    let names = &facts.emulator.outputs().names;
    names
        .get(channel)
        .cloned()
        .unwrap_or_else(|| format!("image {}", channel + 1))
}
