//! The best, the median and the worst of the judged rows, as curves or images, with the band.

use super::facts::{Answer, Facts, OUT_OF_FOLD};
use super::outputs::{coordinate, output_name};
use super::page::{Page, figure, grid};
use super::plot::{Axis, Plot, SIZE};
use super::scale::Scale;
use super::text::{escape, number, percent};
use crate::calibration::Z_90;
use crate::data::relative_words;
use dense_codegen::emulator::Layout;

/// Largest number of curves and images shown per row.
const CHANNELS: usize = 3;
/// Largest number of values named individually.
const NAMED: usize = 24;
/// Largest number of rows and columns of an image; larger images are averaged.
const PIXELS: usize = 96;
/// Number of shades of an image.
const SHADES: usize = 24;

pub(super) fn section(facts: &Facts, page: &mut Page) {
    let mut order: Vec<(f64, usize)> = (0..facts.rows.len())
        .map(|index| (facts.relative_error(index), index))
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let last = order.len() - 1;
    let chosen = [("Best", 0), ("Median", order.len() / 2), ("Worst", last)];
    let figures: Vec<_> = chosen
        .into_iter()
        .map(|(name, place)| sample(facts, name, order[place]))
        .collect();
    let mut about = format!(
        "Of {} {} runs, {}. The band is where the emulator expects 90\u{a0}% of the values.",
        facts.rows.len(),
        facts.part,
        match facts.part {
            "test" => "none of which trained or chose anything",
            OUT_OF_FOLD =>
                "which train; what is shown was said by networks and processes that have not seen them, with errors of \
                 the size that is expected of the emulator on new runs",
            _ if facts.description.plan.space.is_race() =>
                "which trained and chose nothing, but a half of which fitted the band: on new runs expect it to hold a little less",
            _ =>
                "which trained nothing, but chose what ships and fitted its band: on new runs expect more error",
        }
    );
    if facts.is_mixed() {
        about += " Outputs are shown from their mean over these runs, in training deviations.";
    }
    if let Some(relative) = facts.data.relative() {
        about += &format!(" The plots show {}.", relative_words(&facts.data, relative));
    }
    page.section("What it predicts", &about, &grid(&figures));
}

/// The figure of one row, limited to the curves or images that are shown.
fn sample(facts: &Facts, name: &str, (error, index): (f64, usize)) -> String {
    let outputs = facts.emulator.outputs();
    let answer = facts.answer(index);
    let inputs = facts.data.inputs().iter();
    let inputs: Vec<_> = inputs
        .zip(facts.data.x_row(facts.rows[index]))
        .map(|(input, &x)| format!("{} = {}", input.name, number(x)))
        .collect();
    let size = match (outputs.layout, &outputs.shape[..]) {
        (Layout::Image | Layout::Images, &[.., height, width]) => height * width,
        (Layout::Curve | Layout::Curves, &[.., length]) => length,
        _ => answer.y.len(),
    };
    let channels = answer.y.len() / size;
    let constants = facts.deviation.iter().filter(|&&unit| unit == 0.0).count();
    let picture = |channel: usize| {
        let part = part(answer, channel, size);
        let title = match outputs.names.get(channel) {
            _ if channels == 1 => String::new(),
            Some(name) => name.clone(),
            None => format!("{} of {channels}", channel + 1),
        };
        match (outputs.layout, &outputs.shape[..]) {
            (Layout::Image | Layout::Images, &[.., height, width]) => {
                images(facts, part, [height, width], &title)
            }
            (Layout::Scalars, _) if (2..=NAMED).contains(&size) => numbers(facts, part),
            _ => curve(facts, part, &title),
        }
    };
    let pictures: String = (0..channels.min(CHANNELS)).map(picture).collect();
    let mut shows = format!("{name} run: error {}.", percent(error));
    if channels > CHANNELS {
        shows += &format!(" The first {CHANNELS} of {channels} are shown.");
    }
    let keys = [
        ("ink", "simulator"),
        ("a", "emulator"),
        ("a area", "90 % band"),
    ];
    if outputs.layout == Layout::Scalars && constants > 0 && answer.y.len() <= NAMED {
        shows += &format!(" {constants} outputs that are constant are left out.");
    }
    let keys = match outputs.layout {
        Layout::Image | Layout::Images => &[],
        _ => &keys[..],
    };
    figure(&pictures, &shows, &inputs.join(", "), keys)
}

fn part(answer: Answer<'_>, channel: usize, size: usize) -> Answer<'_> {
    let place = channel * size..(channel + 1) * size;
    Answer {
        y: &answer.y[place.clone()],
        mean: &answer.mean[place.clone()],
        std: &answer.std[place],
    }
}

fn curve(facts: &Facts, answer: Answer<'_>, title: &str) -> String {
    let (x, label) = coordinate(facts, answer.y.len());
    let half = |std: f64| f64::from(Z_90) * std;
    let band: Vec<_> = (x.iter().zip(answer.mean).zip(answer.std))
        .map(|((&x, &mean), &std)| (x, mean - half(std), mean + half(std)))
        .collect();
    let points = |values: &[f64]| {
        let pairs = x.iter().zip(values);
        pairs.map(|(&x, &y)| (x, y)).collect::<Vec<_>>()
    };
    let all = band.iter().flat_map(|&(_, low, high)| [low, high]);
    let all = all.chain(answer.y.iter().copied());
    let mut plot = Plot::new(
        Axis::new(Scale::around(x.iter().copied()), label),
        Axis::new(Scale::around(all), format!("output ({})", facts.unit())),
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
    match title {
        "" => plot.svg("Simulator and emulator"),
        title => plot.titled(title),
    }
}

/// A few scalars, which may have different units: in a column, in training deviations.
fn numbers(facts: &Facts, answer: Answer<'_>) -> String {
    let centres = facts.centres();
    let known: Vec<usize> = (0..answer.y.len())
        .filter(|&output| facts.deviation[output] > 0.0)
        .collect();
    let places = || (0..).map(f64::from).zip(&known);
    let at = |output: usize, value: f64| facts.in_deviations(output, centres[output], value);
    let band = |output: usize| {
        let half = f64::from(Z_90) * answer.std[output];
        [-half, half].map(|distance| at(output, answer.mean[output] + distance))
    };
    let shown = known.iter().flat_map(|&output| {
        [
            band(output)[0],
            band(output)[1],
            at(output, answer.y[output]),
        ]
    });
    let names = places().map(|(place, &output)| (place, output_name(facts, output)));
    let mut plot = Plot::sized(
        Axis::new(Scale::around(shown), "output (training deviations)"),
        Axis::new(
            Scale::between(known.len() as f64 - 0.5, -0.5, false),
            "output (name)",
        ),
        [SIZE[0], 80.0 + 17.0 * known.len().max(4) as f64],
    )
    .named(names.collect());
    plot.bars(
        "a pale",
        places().map(|(place, &output)| {
            let [low, high] = band(output);
            [low, high, place - 0.3, place + 0.3]
        }),
    );
    let points = |values: &[f64]| {
        let points = places().map(|(place, &output)| (at(output, values[output]), place));
        points.collect::<Vec<_>>()
    };
    plot.points("ink", 3.5, points(answer.y));
    plot.points("a", 2.2, points(answer.mean));
    plot.svg("Simulator and emulator")
}

/// Simulator and emulator on one colour scale; error and standard deviation on another.
fn images(facts: &Facts, answer: Answer<'_>, size: [usize; 2], title: &str) -> String {
    let errors = answer.y.iter().zip(answer.mean);
    let errors: Vec<f64> = errors.map(|(y, mean)| (y - mean).abs()).collect();
    let level = Scale::around([answer.y, answer.mean].concat());
    let largest = errors.iter().chain(answer.std);
    let largest = largest.copied().fold(f64::MIN_POSITIVE, f64::max);
    let distance = Scale::between(0.0, largest, false);
    let mut out = match title {
        "" => String::new(),
        title => format!("<div class=\"title\">{}</div>", escape(title)),
    };
    out += "<div class=\"pictures\">";
    for (name, values, range) in [
        ("simulator", answer.y, level),
        ("emulator", answer.mean, level),
        ("|error|", &errors[..], distance),
        ("std", answer.std, distance),
    ] {
        out += &image(facts, values, size, range, name, [0.62 * SIZE[0]; 2]);
    }
    out + "</div>"
}

/// An image in shades from the low to the high end of a range, with the range printed below.
pub(super) fn image(
    facts: &Facts,
    values: &[f64],
    [height, width]: [usize; 2],
    range: Scale,
    name: &str,
    extent: [f64; 2],
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
        extent,
    );
    let (rows, columns) = (height.min(PIXELS), width.min(PIXELS));
    let cell = |row: usize, column: usize| {
        let (top, end) = (row * height / rows, (row + 1) * height / rows);
        let (left, right) = (column * width / columns, (column + 1) * width / columns);
        let area = (top..end)
            .flat_map(|row| (left..right).map(move |column| values[row * width + column]));
        let mean = area.sum::<f64>() / ((end - top) * (right - left)) as f64;
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

/// The colour map viridis (van der Walt and Smith, 2015), interpolated between nine of its colours.
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
