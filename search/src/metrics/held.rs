//! Coverage of the 90 % band by the magnitude of the prediction, and in the part of the outputs
//! where it is smallest.
//!
//! The coverage of all values does not show where the others lie: a band that is too narrow for the
//! largest values and too wide for the rest may still cover 90 %. Therefore the rows of each output
//! are ranked by the magnitude of the prediction, |mean|, and divided into fifths; the fifths of
//! all outputs are pooled. The parts of the outputs are the scalars, or the tenths of each curve,
//! or of each image by its rows.

use crate::data::{Axis, Dataset, Layout};
use serde::{Deserialize, Serialize};

/// Number of groups by magnitude: fifths.
pub(super) const SIZES: usize = 5;
/// Number of parts of a curve or an image.
const PARTS: usize = 10;

/// A part of the outputs with the coverage of its 90 % band.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeldPart {
    /// The outputs: the name of a scalar, or `wavelength_nm 520 to 544`, preceded by the name of
    /// the channel if there are several.
    pub name: String,
    /// The coverage.
    pub coverage_90: f64,
}

/// Returns the coverage in each fifth of the outputs' rows, the smallest predictions first; `None`
/// for fewer than five rows, or if all outputs are constant.
///
/// *Shapes*: `mean` and `inside`: rows x outputs. `kept`: indices of the outputs that are included.
pub(super) fn by_size(
    mean: &[f32],
    inside: &[bool],
    outputs: usize,
    kept: &[usize],
) -> Option<[f64; SIZES]> {
    let rows = mean.len() / outputs;
    if rows < SIZES || kept.is_empty() {
        return None;
    }
    let (mut held, mut count) = ([0usize; SIZES], [0usize; SIZES]);
    let mut order: Vec<usize> = (0..rows).collect();
    for &j in kept {
        let size = |row: usize| mean[row * outputs + j].abs();
        order.sort_by(|&a, &b| size(a).total_cmp(&size(b)));
        for (rank, &row) in order.iter().enumerate() {
            let fifth = rank * SIZES / rows;
            count[fifth] += 1;
            held[fifth] += usize::from(inside[row * outputs + j]);
        }
    }
    Some(std::array::from_fn(|fifth| {
        held[fifth] as f64 / count[fifth] as f64
    }))
}

/// Returns the part of the outputs with the smallest coverage; `None` if there is only one part.
///
/// *Shapes*: `inside`: rows x outputs. `kept`: indices of the outputs that are included, ascending.
pub(super) fn least_held(data: &Dataset, inside: &[bool], kept: &[usize]) -> Option<HeldPart> {
    let outputs = data.output_count();
    let share = |part: &[usize]| {
        let rows = inside.chunks_exact(outputs);
        let held = rows.flat_map(|row| part.iter().map(|&j| row[j]));
        let held = held.filter(|held| *held).count();
        held as f64 / (part.len() * (inside.len() / outputs)) as f64
    };
    let parts = parts(data).into_iter().filter_map(|(name, places)| {
        let part: Vec<usize> = places.filter(|j| kept.binary_search(j).is_ok()).collect();
        (!part.is_empty()).then(|| HeldPart {
            coverage_90: share(&part),
            name,
        })
    });
    let parts: Vec<HeldPart> = parts.collect();
    if parts.len() < 2 {
        return None;
    }
    let by_share = |a: &HeldPart, b: &HeldPart| a.coverage_90.total_cmp(&b.coverage_90);
    parts.into_iter().min_by(by_share)
}

/// Returns the parts of the outputs: name and range of each.
fn parts(data: &Dataset) -> Vec<(String, std::ops::Range<usize>)> {
    let names = data.output_names();
    let channel = |count: usize, index: usize| match names.get(index) {
        Some(name) if names.len() == count => name.clone(),
        _ => format!("y[{index}]"),
    };
    if data.layout() == Layout::Scalars {
        let count = data.output_count();
        return (0..count)
            .map(|output| (channel(count, output), output..output + 1))
            .collect();
    }
    let shape = data.shape();
    // Steps are the points of a curve, or the rows of an image with this number of points each.
    let (channels, steps, points) = match (data.layout(), shape) {
        (Layout::Curves, &[channels, length]) => (channels, length, 1),
        (Layout::Image, &[height, width]) => (1, height, width),
        (Layout::Images, &[channels, height, width]) => (channels, height, width),
        _ => (1, data.output_count(), 1),
    };
    let dimension = match data.layout() {
        Layout::Image | Layout::Images => 2,
        _ => 1,
    };
    let axis = data.axes().len().checked_sub(dimension);
    let axis = axis.map(|place| &data.axes()[place]);
    let axis = axis.filter(|axis| axis.values.len() == steps);
    let kind = if dimension == 1 { "points" } else { "rows" };
    let count = PARTS.min(steps);
    let mut parts = Vec::new();
    for channel_index in 0..channels {
        for part in 0..count {
            let (first, end) = (part * steps / count, (part + 1) * steps / count);
            let place = stretch(axis, kind, first, end - 1);
            let name = match channels {
                1 => place,
                _ => format!("{}, {place}", channel(channels, channel_index)),
            };
            let start = channel_index * steps * points;
            parts.push((name, start + first * points..start + end * points));
        }
    }
    parts
}

/// Returns the name of the steps from `first` to `last`.
fn stretch(axis: Option<&Axis>, kind: &str, first: usize, last: usize) -> String {
    match axis {
        Some(Axis { name, values }) => {
            // Five digits are enough to identify the place.
            let short = |value: f64| -> f64 { format!("{value:.4e}").parse().unwrap_or(value) };
            format!("{name} {} to {}", short(values[first]), short(values[last]))
        }
        None => format!("{kind} {first} to {last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::ReadOptions;
    use crate::data::testing::{NpzFile, doubles};

    /// Four rows of outputs of this layout and shape, with these coordinates.
    fn data(layout: Layout, shape: &[usize], arrays: &[(&str, &[f64])]) -> Dataset {
        let rows = 4;
        let x: Vec<f64> = (0..rows).map(|row| row as f64).collect();
        let count = rows * shape.iter().product::<usize>();
        let y: Vec<f64> = (0..count).map(|k| (k as f64).sin()).collect();
        let mut file = NpzFile::new()
            .with("x", "<f8", &[rows, 1], doubles(&x))
            .with("y", "<f8", &[&[rows], shape].concat(), doubles(&y));
        for (name, values) in arrays {
            file = file.with(name, "<f8", &[values.len()], doubles(values));
        }
        let options = ReadOptions {
            layout: Some(layout),
            ..ReadOptions::default()
        };
        Dataset::from_npz_bytes(&file.bytes(), "test.npz", &options).unwrap()
    }

    #[test]
    fn fifths_are_of_each_output_by_the_size_of_its_prediction() {
        // Two outputs of very different size, and an excluded one; ten rows in random order.
        let ranks = [3, 9, 0, 7, 4, 2, 8, 6, 5, 1];
        let mut mean = Vec::new();
        let mut inside = Vec::new();
        for rank in ranks {
            // The band of the first output covers all but the largest fifth, that of the second all
            // but the smallest value.
            mean.extend([rank as f32 * 1e-9, -1e9 * rank as f32 - 5.0, 0.0]);
            inside.extend([rank < 8, rank == 0, true]);
        }
        let found = by_size(&mean, &inside, 3, &[0, 1]).unwrap();
        assert_eq!(found, [0.75, 0.5, 0.5, 0.5, 0.0]);
        assert_eq!(by_size(&mean[..12], &inside[..12], 3, &[0, 1]), None);
        assert_eq!(by_size(&mean, &inside, 3, &[]), None);
    }

    #[test]
    fn the_part_that_is_held_least_is_a_scalar_or_a_tenth_of_a_curve_or_of_an_image() {
        let length: Vec<f64> = (0..25).map(|k| 400.0 + 0.5 * f64::from(k)).collect();
        let curve = data(Layout::Curve, &[25], &[("wavelength_nm", &length)]);
        // The third tenth consists of points 5 and 6: 6 of its 8 values are outside.
        let inside = |outputs: usize, outside: &dyn Fn(usize, usize) -> bool| -> Vec<bool> {
            let all = (0..4).flat_map(|row| (0..outputs).map(move |j| (row, j)));
            all.map(|(row, j)| !outside(row, j)).collect()
        };
        let all: Vec<usize> = (0..25).collect();
        let outside = |row: usize, j: usize| (j == 5 || j == 6) && row > 0;
        let found = least_held(&curve, &inside(25, &outside), &all).unwrap();
        assert_eq!(found.name, "wavelength_nm 402.5 to 403");
        assert_eq!(found.coverage_90, 0.25);
        // If point 5 is constant, only point 6 counts.
        let kept: Vec<usize> = all.iter().copied().filter(|&j| j != 5).collect();
        let only_five = |_: usize, j: usize| j == 5;
        let found = least_held(&curve, &inside(25, &only_five), &kept).unwrap();
        assert_eq!(found.coverage_90, 1.0);
        let images = data(Layout::Images, &[2, 20, 3], &[]);
        // Row 19 of the second image.
        let outside = |_: usize, j: usize| j / 3 == 20 + 19;
        let all: Vec<usize> = (0..120).collect();
        let found = least_held(&images, &inside(120, &outside), &all).unwrap();
        assert_eq!(
            (&*found.name, found.coverage_90),
            ("y[1], rows 18 to 19", 0.5)
        );
        let scalars = data(Layout::Scalars, &[3], &[]);
        let outside = |row: usize, j: usize| j == 1 && row == 2;
        let found = least_held(&scalars, &inside(3, &outside), &[0, 1, 2]).unwrap();
        assert_eq!((&*found.name, found.coverage_90), ("y[1]", 0.75));
        assert_eq!(least_held(&scalars, &inside(3, &outside), &[1]), None);
    }
}
