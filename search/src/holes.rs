//! Where a box has holes: whether the training points leave a part of it empty, and what of it the emulator then keeps.
//!
//! Distances are between inputs in whitened coordinates: standardised over the training rows (after the logarithm, where
//! an input has one), then turned and stretched so that the training points have unit variance in every direction. The
//! training rows that differ are split at random in halves A and B; rows of B are to A what new rows of the same design will be.
//!
//! 1. *Are there holes?* With t the 99 % point of the distances from rows of B to their nearest row of A, the share s of
//!    uniform draws of the box that lie farther than t from A is about 1 % where the rows fill the box. Above 10 % (more where
//!    rows are few, so that a filled box is mistaken in about one of 10,000 designs) it has holes; else nothing is kept,
//!    and nothing costs anything.
//! 2. *What is kept?* K rows of A as centres, each the farthest from those before it (Gonzalez, Theor. Comput. Sci. 38,
//!    293, 1985: at most twice the least possible radius), and as radius the 99.5 % point of the distances from rows of B
//!    to their nearest centre: of new rows of the same design one in 200 is called far. K is the least power of two that
//!    calls nine tenths of the share s far; where not even 512 do, 512.
//! 3. *No training row is far*: those that are become centres too, the farthest first; where they would be more than 512, the radius
//!    grows instead.
//!
//! Of fewer than 200 rows the 99.5 % point is beyond the largest distance r of n. Where rows lie evenly, the chance of a distance above
//! r falls as exp(-c r^d) in d dimensions, from which the point follows: r (ln 200 / ln (n + 1))^(1/d). Near edges and corners it
//! falls more slowly, which the 99.9 % point makes up for.

use crate::data::{Dataset, Normalisation};
use crate::streams::{permutation, stream, uniform};
use dense_codegen::local::{Coordinates, Coverage};
use faer::{Mat, Side};
use std::collections::BTreeSet;

/// Rows that are looked at, at most: an even number.
const ROWS: usize = 2000;
/// Rows that say something about a design, at least.
const FEWEST: usize = 40;
/// Uniform draws of the box.
const DRAWS: usize = 2000;
/// The share of them beyond the reach of the rows, above which there are holes.
const EMPTY: f64 = 0.1;
/// The chance that a box of few rows is said to have holes when it is filled, about.
const CHANCE: f64 = 1e-4;
/// The share of rows of the same design that count as within reach, and within the radius.
const REACH: f64 = 0.99;
const NEAR: f64 = 0.995;
/// The share of new rows beyond the radius that is aimed at where so few rows say it, were there no edges.
const NEAR_EDGES: f64 = 1e-3;
/// The share of the empty part that centres have to find, and how many there are at most.
const FOUND: f64 = 0.9;
const CENTRES: usize = 512;
/// Rows that are as near, in standard deviations, count as one; no radius is smaller.
const SAME: f32 = 1e-3;
/// By how much the radius is larger than it has to be for training rows: single precision finds them within it too.
const MARGIN: f32 = 1.001;
/// Directions in which the rows vary less than this share of the widest one count as that wide.
const FLAT: f64 = 1e-4;

/// Holes in the box, and what the emulator keeps of the design.
#[derive(Debug, Clone, PartialEq)]
pub struct Holes {
    /// The share of the box that lies beyond the reach of the training points.
    pub empty: f64,
    /// The share of the box that is called far from data.
    pub flagged: f64,
    /// What is kept.
    pub coverage: Coverage,
}

/// Returns the holes of the box of these training rows, or `None` where they fill it.
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
    // Of few rows the reach is uncertain: with n in B, a filled box has a share s beyond their farthest by (1 - s)^n.
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

/// The rows without those that are as near to an earlier one as [`SAME`], along every axis and about.
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

/// What the largest of so many distances is multiplied by for the [`NEAR`] point, where that lies beyond it; else 1.
fn beyond_the_largest(count: usize, inputs: usize) -> f32 {
    let share_beyond = 1.0 / (count as f64 + 1.0);
    if share_beyond <= 1.0 - NEAR {
        return 1.0;
    }
    (NEAR_EDGES.ln() / share_beyond.ln()).powf(1.0 / inputs as f64) as f32
}

/// The centres with those rows that are beyond the radius of all of them, the farthest first, at most [`CENTRES`] of them; and the radius
/// that then covers every row.
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

/// The matrix `[inputs][inputs]` that makes the covariance of these coordinates the identity.
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

/// Standardised coordinates of inputs evenly likely in the box, in the logarithm where an input has one.
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

/// The distance of each of these points to the nearest of the others.
fn nearest(points: &[f32], others: &[f32], inputs: usize) -> Vec<f32> {
    let least = |point: &[f32]| {
        let squares = others
            .chunks_exact(inputs)
            .map(|other| square(point, other));
        squares.fold(f32::INFINITY, f32::min).sqrt()
    };
    points.chunks_exact(inputs).map(least).collect()
}

/// The value below which this share of the values lies.
fn point(values: &[f32], share: f64) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted[place.clamp(1, sorted.len()) - 1]
}

/// Up to `count` of the points, each the farthest from those before it; the first is the nearest to the mean.
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
