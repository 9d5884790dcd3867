//! Holes: checks whether the training points leave a part of the box empty, and chooses the points
//! that the emulator keeps to detect this.
//!
//! Distances are between inputs in whitened coordinates: standardised over the training rows (after
//! the logarithm, for logarithmic inputs), then rotated and scaled so that the training points have
//! unit variance in every direction. The distinct training rows are split at random into halves A
//! and B. Rows of B stand for new rows of the same design.
//!
//! 1. *Are there holes?* Let t be the 99 % point of the distances from rows of B to their nearest
//!    row of A. The share s of uniform draws of the box that lie farther than t from A is about 1 %
//!    if the rows fill the box. The box has holes if s is above 10 %. With few rows the limit is
//!    higher, so that a filled box is misjudged for about one in 10,000 designs. Without holes
//!    nothing is kept, and calls cost nothing extra.
//! 2. *Which points are kept?* K rows of A as centres, each the farthest from those before it
//!    (Gonzalez, Theor. Comput. Sci. 38, 293, 1985: at most twice the least possible radius). The
//!    radius is the 99.5 % point of the distances from rows of B to their nearest centre: one in
//!    200 new rows of the same design is reported as far. K is the smallest power of two for which
//!    nine tenths of the share s are reported as far, and at most 512.
//! 3. *No training row is far.* Rows beyond the radius become centres too, the farthest first. If
//!    that would give more than 512 centres, the radius grows instead.
//!
//! With fewer than 200 rows the 99.5 % point is beyond the largest distance r of n. For evenly
//! distributed rows, the probability of a distance above r falls as exp(-c r^d) in d dimensions;
//! the 99.5 % point is then r (ln 200 / ln (n + 1))^(1/d). The probability falls more slowly near
//! edges and corners; using the 99.9 % point compensates for this.

use crate::data::{Dataset, Normalisation};
use crate::streams::{permutation, stream, uniform};
use dense_codegen::local::{Coordinates, Coverage};
use faer::{Mat, Side};
use std::collections::BTreeSet;

/// Maximum number of rows examined; even.
const ROWS: usize = 2000;
/// Minimum number of rows for statements about a design.
const FEWEST: usize = 40;
/// Number of uniform draws in the box.
const DRAWS: usize = 2000;
/// The box has holes if a larger share of the draws is beyond the reach of the rows.
const EMPTY: f64 = 0.1;
/// Approximate probability that a filled box with few rows is reported to have holes.
const CHANCE: f64 = 1e-4;
/// The share of rows of the same design that are within reach, and within the radius.
const REACH: f64 = 0.99;
const NEAR: f64 = 0.995;
/// The target share of new rows beyond the radius if there are few rows, for a design without
/// edges.
const NEAR_EDGES: f64 = 1e-3;
/// The share of the empty part that the centres have to detect, and the maximum number of centres.
const FOUND: f64 = 0.9;
const CENTRES: usize = 512;
/// Rows closer than this, in standard deviations, count as one; no radius is smaller.
const SAME: f32 = 1e-3;
/// Safety factor of the radius: training rows are within it in single precision, too.
const MARGIN: f32 = 1.001;
/// Directions in which the rows vary less than this share of the widest one are treated as that
/// wide.
const FLAT: f64 = 1e-4;

/// Holes in the box, and the points that the emulator keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Holes {
    /// The share of the box beyond the reach of the training points.
    pub empty: f64,
    /// The share of the box that is reported as far.
    pub flagged: f64,
    /// The points that the emulator keeps.
    pub coverage: Coverage,
}

/// Returns the holes of the box of these training rows, or `None` if they fill it.
#[must_use]
pub fn find(data: &Dataset, train: &[usize]) -> Option<Holes> {
    if train.len() < FEWEST {
        return None;
    }
    let normalisation = Normalisation::fit(data, train);
    let inputs = data.input_count();
    let order = permutation(&mut stream(0, "holes: rows"), train.len());
    let order: Vec<usize> = order.into_iter().map(|place| train[place]).collect();
    let u = normalisation.encode_x(data, &order);
    let whitening = whitening(&u[..u.len().min(ROWS * inputs)], inputs);
    let all = distinct(&whitened(&u, &whitening, inputs), inputs);
    let rows = &all[..all.len().min(ROWS * inputs)];
    if rows.len() < FEWEST * inputs {
        return None;
    }
    let (a, b) = rows.split_at(rows.len() / inputs / 2 * inputs);
    let drawn = whitened(&draws(data, &normalisation), &whitening, inputs);

    let reach = point(&nearest(b, a, inputs), REACH);
    let share_beyond = |centres: &[f32], radius: f32| {
        let distances = nearest(&drawn, centres, inputs);
        distances
            .iter()
            .filter(|&&distance| distance > radius)
            .count() as f64
            / DRAWS as f64
    };
    let empty = share_beyond(a, reach);
    // With few rows the reach is uncertain: in a filled box, a share s lies beyond the farthest of
    // n rows of B with probability (1 - s)^n.
    let by_chance = 1.0 - CHANCE.powf(inputs as f64 / b.len() as f64);
    if empty <= EMPTY.max(by_chance) {
        return None;
    }
    let spread = farthest_first(a, inputs, CENTRES);
    let sizes = std::iter::successors(Some(8), |count| Some(2 * count))
        .take_while(|&count| count <= CENTRES);
    let mut kept = None;
    for count in sizes {
        let centres = &spread[..spread.len().min(count * inputs)];
        let distances = nearest(b, centres, inputs);
        let beyond = beyond_the_largest(distances.len(), inputs);
        let radius = (point(&distances, NEAR) * beyond).max(SAME);
        let (centres, radius) = covering(centres, radius, &all, inputs);
        let flagged = share_beyond(&centres, radius);
        kept = Some((centres, radius, flagged));
        if flagged >= FOUND * empty {
            break;
        }
    }
    let (centres, radius, flagged) = kept?;
    Some(Holes {
        empty,
        flagged,
        coverage: Coverage {
            coordinates: Coordinates {
                centre: normalisation.centre().to_vec(),
                scale: normalisation.scale().to_vec(),
            },
            whitening,
            centres,
            square_radius: radius * radius,
        },
    })
}

/// Returns the rows without those within about [`SAME`] of an earlier one along every axis.
fn distinct(rows: &[f32], inputs: usize) -> Vec<f32> {
    let mut seen = BTreeSet::new();
    let rows = rows.chunks_exact(inputs);
    let place = |row: &[f32]| -> Vec<i64> {
        let places = row.iter().map(|w| (w / SAME).round() as i64);
        places.collect()
    };
    let new = rows.filter(|row| seen.insert(place(row)));
    new.flatten().copied().collect()
}

/// Returns the factor from the largest of `count` distances to the [`NEAR`] point if that lies
/// beyond it, else 1.
fn beyond_the_largest(count: usize, inputs: usize) -> f32 {
    let share_beyond = 1.0 / (count as f64 + 1.0);
    if share_beyond <= 1.0 - NEAR {
        return 1.0;
    }
    (NEAR_EDGES.ln() / share_beyond.ln()).powf(1.0 / inputs as f64) as f32
}

/// Adds rows beyond the radius to the centres, the farthest first, up to [`CENTRES`] in total.
/// Returns the centres and a radius that covers every row.
fn covering(centres: &[f32], radius: f32, rows: &[f32], inputs: usize) -> (Vec<f32>, f32) {
    let mut centres = centres.to_vec();
    let mut distances = nearest(rows, &centres, inputs);
    let farthest = |distances: &[f32]| {
        let places = 0..distances.len();
        places.max_by(|&a, &b| distances[a].total_cmp(&distances[b]))
    };
    for _ in 0..CENTRES {
        match farthest(&distances) {
            Some(row) if distances[row] * MARGIN > radius => {
                let new = &rows[row * inputs..][..inputs];
                let pairs = distances.iter_mut().zip(rows.chunks_exact(inputs));
                pairs.for_each(|(least, row)| *least = least.min(square(row, new).sqrt()));
                centres.extend_from_slice(new);
            }
            _ => break,
        }
    }
    let needed = farthest(&distances).map_or(0.0, |row| distances[row]);
    (centres, radius.max(needed * MARGIN))
}

/// Returns the matrix `[inputs][inputs]` that transforms the covariance of these coordinates to the
/// identity.
fn whitening(u: &[f32], inputs: usize) -> Vec<f32> {
    let rows = u.len() / inputs;
    let matrix = Mat::<f64>::from_fn(rows, inputs, |r, c| f64::from(u[r * inputs + c]));
    let covariance = matrix.transpose() * &matrix;
    let identity = || {
        (0..inputs * inputs)
            .map(|k| if k % (inputs + 1) == 0 { 1.0 } else { 0.0 })
            .collect()
    };
    let Ok(found) = covariance.self_adjoint_eigen(Side::Lower) else {
        return identity();
    };
    let (values, vectors) = (found.S().column_vector(), found.U());
    let largest = values[inputs - 1];
    if largest.is_nan() || largest <= 0.0 {
        return identity();
    }
    let entry = |k: usize| {
        let (row, column) = (k / inputs, k % inputs);
        let variance = values[row].max(FLAT * largest) / rows as f64;
        (vectors[(column, row)] / variance.sqrt()) as f32
    };
    (0..inputs * inputs).map(entry).collect()
}

fn whitened(u: &[f32], whitening: &[f32], inputs: usize) -> Vec<f32> {
    let rows = u.chunks_exact(inputs);
    rows.flat_map(|u| {
        let product =
            move |row: &[f32]| row.iter().zip(u).map(|(factor, u)| factor * u).sum::<f32>();
        whitening.chunks_exact(inputs).map(product)
    })
    .collect()
}

/// Returns standardised coordinates of inputs drawn uniformly in the box, or in its logarithm for
/// logarithmic inputs.
fn draws(data: &Dataset, normalisation: &Normalisation) -> Vec<f32> {
    let mut random = stream(0, "holes: draws");
    let mut drawn = Vec::with_capacity(DRAWS * data.input_count());
    for _ in 0..DRAWS {
        for (j, input) in data.inputs().iter().enumerate() {
            let share = uniform(&mut random);
            let (low, high) = match input.logarithmic {
                true => (input.low.ln(), input.high.ln()),
                false => (input.low, input.high),
            };
            let value = (low + share * (high - low)) as f32;
            drawn.push((value - normalisation.centre()[j]) * normalisation.scale()[j]);
        }
    }
    drawn
}

fn square(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Returns the distance of each point to the nearest of the others.
fn nearest(points: &[f32], others: &[f32], inputs: usize) -> Vec<f32> {
    let least = |point: &[f32]| {
        let squares = others
            .chunks_exact(inputs)
            .map(|other| square(point, other));
        squares.fold(f32::INFINITY, f32::min).sqrt()
    };
    points.chunks_exact(inputs).map(least).collect()
}

/// Returns the quantile of the values at this share.
fn point(values: &[f32], share: f64) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted[place.clamp(1, sorted.len()) - 1]
}

/// Returns up to `count` of the points, each the farthest from those before it; the first is the
/// nearest to the mean.
fn farthest_first(points: &[f32], inputs: usize, count: usize) -> Vec<f32> {
    let all: Vec<&[f32]> = points.chunks_exact(inputs).collect();
    let origin = vec![0.0; inputs];
    let mut next = (0..all.len())
        .min_by(|&a, &b| square(all[a], &origin).total_cmp(&square(all[b], &origin)))
        .unwrap_or(0);
    let mut squares = vec![f32::INFINITY; all.len()];
    let mut chosen = Vec::new();
    while chosen.len() < count.min(all.len()) * inputs {
        chosen.extend_from_slice(all[next]);
        for (least, one) in squares.iter_mut().zip(&all) {
            *least = least.min(square(one, all[next]));
        }
        next = (0..all.len())
            .max_by(|&a, &b| squares[a].total_cmp(&squares[b]))
            .unwrap_or(0);
    }
    chosen
}

#[cfg(test)]
mod tests;
