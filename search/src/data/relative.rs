//! Offsets and scales for outputs that float32 cannot represent.
//!
//! Emulators compute in float32. If an output varies little compared with its size (1e6 + 1e-3 f),
//! or its size is outside the range of float32 (cross-sections of 1e-44 m2), it is trained as
//! `(y - offset) / scale`, with an offset and a scale for each output in float64. The emulator file
//! stores both, and `predict` converts back.
//!
//! - Offset: used where the mean exceeds [`STEPS`] standard deviations s, so that one step of
//!   float32 exceeds s / 2048. It is the mean rounded to the power of ten at or below 100 s: a
//!   short number that seldom changes when rows are added. If one point of a curve or image needs
//!   an offset, all its points have one.
//! - Scale: used where s is outside 1e-30 to 1e30, or where a value minus its offset exceeds 1e30.
//!   It is the power of ten nearest to s. The points of a curve or image share the largest scale,
//!   except those at least 1e20 times smaller.
//!
//! A constant output outside the range of float32 has its value as offset.

use super::dataset::Dataset;
use super::normalise::Moments;
use dense_codegen::emulator::Relative;
use std::borrow::Cow;

/// Largest mean without an offset, in standard deviations.
const STEPS: f64 = 4096.0;
/// Magnitudes whose squares and ratios stay within the range of float32.
const SINGLE: std::ops::RangeInclusive<f64> = 1e-30..=1e30;
/// Powers of ten below the largest scale of a curve at which a point has its own.
const FAR_BELOW: i32 = 20;

impl Dataset {
    /// Returns the offsets and scales of an emulator trained on the rows `train`; `None` if float32
    /// can represent every output.
    #[must_use]
    pub fn relative_needed(&self, train: &[usize]) -> Option<Relative> {
        let count = self.output_count();
        let columns = Column::all(self, train);
        let mut relative = Relative {
            offset: vec![0.0; count],
            scale: vec![1.0; count],
        };
        let points = self.points_of_a_channel();
        for (group, columns) in columns.chunks(points).enumerate() {
            let first = group * points;
            let shifted = columns.iter().any(Column::needs_offset);
            for (place, column) in columns.iter().enumerate() {
                relative.offset[first + place] = match (column.varies(), shifted) {
                    (true, true) => column.rounded_mean(),
                    (false, _) if shifted || !column.is_in_range() => column.moments.mean,
                    _ => 0.0,
                };
            }
            let varying = || columns.iter().enumerate().filter(|(_, one)| one.varies());
            let needed =
                varying().any(|(place, one)| one.needs_scale(relative.offset[first + place]));
            let largest = varying().map(|(_, one)| one.exponent()).max();
            for (place, column) in varying().filter(|_| needed) {
                let exponent = column.exponent();
                let shared = largest.filter(|largest| largest - exponent < FAR_BELOW);
                relative.scale[first + place] = power_of_ten(shared.unwrap_or(exponent));
            }
        }
        (relative.has_offset() || relative.has_scale()).then_some(relative)
    }

    /// Returns the data with outputs `(y - offset) / scale`, as the emulator computes them; `None`
    /// returns the outputs of the file.
    ///
    /// # Panics
    /// The number of offsets or scales differs from the number of outputs.
    #[must_use]
    pub fn relative_to(&self, wanted: Option<&Relative>) -> Cow<'_, Self> {
        if self.relative.as_ref() == wanted {
            return Cow::Borrowed(self);
        }
        let mut data = self.clone();
        let count = self.output_count();
        if let Some(Relative { offset, scale }) = data.relative.take() {
            for (k, y) in data.y.iter_mut().enumerate() {
                *y = offset[k % count] + scale[k % count] * *y;
            }
        }
        if let Some(Relative { offset, scale }) = wanted {
            assert_eq!((offset.len(), scale.len()), (count, count), "one an output");
            for (k, y) in data.y.iter_mut().enumerate() {
                *y = (*y - offset[k % count]) / scale[k % count];
            }
        }
        data.relative = wanted.cloned();
        Cow::Owned(data)
    }

    /// Offsets and scales that have been applied to the outputs; `None` if the outputs are those of
    /// the file.
    #[must_use]
    pub fn relative(&self) -> Option<&Relative> {
        self.relative.as_ref()
    }

    /// Number of values of one scalar, curve or image.
    pub(super) fn points_of_a_channel(&self) -> usize {
        self.output_count() / self.channels().max(1)
    }
}

/// The note that a search prints at its start.
#[must_use]
pub fn note(data: &Dataset, relative: &Relative) -> String {
    format!(
        "float32 cannot represent every output: the emulator predicts {}; `predict` converts back, and frozen code has OFFSET \
         and SCALE",
        words(data, relative)
    )
}

/// Describes the predicted quantity:
/// `output "T_K" as its difference from 300.0 (2 more outputs likewise)`.
#[must_use]
pub fn words(data: &Dataset, relative: &Relative) -> String {
    let points = data.points_of_a_channel();
    let is_relative =
        |&place: &usize| (relative.offset[place], relative.scale[place]) != (0.0, 1.0);
    let places: Vec<usize> = (0..data.output_count()).filter(is_relative).collect();
    let mut channels: Vec<usize> = places.iter().map(|place| place / points).collect();
    channels.dedup();
    let first = places.first().copied().unwrap_or_default();
    let made = match (relative.offset[first], relative.scale[first]) {
        (0.0, scale) => format!("in units of {scale:e}"),
        (offset, 1.0) => format!("as its difference from {offset:?}"),
        (offset, scale) => format!("as its difference from {offset:?}, in units of {scale:e}"),
    };
    let place = if points == 1 {
        ""
    } else {
        ", at its first point,"
    };
    let others = match channels.len() {
        0 | 1 => String::new(),
        2 => " (1 more output likewise)".to_owned(),
        count => format!(" ({} more outputs likewise)", count - 1),
    };
    format!(
        "{}{place} {made}{others}",
        data.channel_name(first / points)
    )
}

/// Statistics of one output.
struct Column {
    /// Over the training rows.
    moments: Moments,
    /// Least and greatest value of all rows.
    ends: [f64; 2],
}

impl Column {
    /// Returns the statistics of every output.
    fn all(data: &Dataset, train: &[usize]) -> Vec<Self> {
        let mut ends = vec![[f64::INFINITY, f64::NEG_INFINITY]; data.output_count()];
        for row in 0..data.rows() {
            for (ends, &y) in ends.iter_mut().zip(data.y_row(row)) {
                *ends = [ends[0].min(y), ends[1].max(y)];
            }
        }
        let of = |(column, ends)| Self {
            moments: Moments::of(|| train.iter().map(move |&row| data.y_row(row)[column])),
            ends,
        };
        ends.into_iter().enumerate().map(of).collect()
    }

    fn varies(&self) -> bool {
        !self.moments.is_rounding()
    }

    fn is_in_range(&self) -> bool {
        let magnitude = self.moments.mean.abs();
        magnitude == 0.0 || SINGLE.contains(&magnitude)
    }

    fn needs_offset(&self) -> bool {
        self.varies() && self.moments.mean.abs() > STEPS * self.moments.deviation
    }

    fn needs_scale(&self, offset: f64) -> bool {
        let farthest = self.ends.map(|end| (end - offset).abs());
        !SINGLE.contains(&self.moments.deviation) || farthest.iter().any(|far| far > SINGLE.end())
    }

    /// The mean, rounded to the power of ten at or below 100 standard deviations.
    fn rounded_mean(&self) -> f64 {
        let Moments {
            mean, deviation, ..
        } = self.moments;
        let exponent = (100.0 * deviation).log10().floor() as i32;
        // Dividing by 10^n gives the double nearest to the decimal; multiplying by 10^-n does not.
        match power_of_ten(exponent.abs()) {
            unit if exponent >= 0 => (mean / unit).round() * unit,
            inverse => (mean * inverse).round() / inverse,
        }
    }

    /// Exponent of the power of ten nearest to the standard deviation.
    fn exponent(&self) -> i32 {
        self.moments.deviation.log10().round() as i32
    }
}

/// The double nearest to a power of ten.
fn power_of_ten(exponent: i32) -> f64 {
    let text = format!("1e{exponent}");
    text.parse().expect("a power of ten is a number")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NpzFile, doubles, read};
    use super::*;
    use crate::streams::stream;
    use rand::Rng;

    const ROWS: usize = 40;

    /// 40 rows with one input, uniform in 0 to 1, and these functions of it as outputs.
    fn data(columns: &[&dyn Fn(f64) -> f64], layout: &str) -> Dataset {
        let mut random = stream(7, "relative test");
        let x: Vec<f64> = (0..ROWS).map(|_| random.random_range(0.0..1.0)).collect();
        let y: Vec<f64> = x
            .iter()
            .flat_map(|&x| columns.iter().map(move |column| column(x)))
            .collect();
        let text = super::super::testing::unicode(&[layout], layout.len());
        let bytes = NpzFile::new()
            .with("x", "<f8", &[ROWS, 1], doubles(&x))
            .with("y", "<f8", &[ROWS, columns.len()], doubles(&y))
            .with("y_layout", &format!("<U{}", layout.len()), &[], text)
            .bytes();
        read(&bytes).unwrap()
    }

    fn all() -> Vec<usize> {
        (0..ROWS).collect()
    }

    #[test]
    fn what_single_precision_holds_is_as_it_is() {
        let plain = data(
            &[
                &|x| x,
                &|x| 300.0 + x,
                &|_| 101_325.0,
                &|x| 1e-29 * x,
                &|_| 0.0,
            ],
            "scalars",
        );
        assert_eq!(plain.relative_needed(&all()), None);
        assert!(matches!(plain.relative_to(None), Cow::Borrowed(_)));
    }

    #[test]
    fn each_output_has_an_offset_or_a_scale_of_its_own_where_it_needs_one() {
        let columns: [&dyn Fn(f64) -> f64; 8] = [
            &|x| 1e6 + 1e-3 * x,
            &|x| -291_230.0 + 0.02 * x,
            &|x| 9.5e-44 * (1.0 + x),
            &|x| 9e299 * x,
            &|x| 5e-290 + 3e-297 * x,
            &|x| x,
            &|_| 3e-50,
            &|x| 0.1 + f64::EPSILON * 0.1 * x.round(),
        ];
        let found = data(&columns, "scalars").relative_needed(&all()).unwrap();
        assert_eq!(found.offset[..4], [1e6, -291_230.0, 0.0, 0.0]);
        assert!((found.offset[4] - 5e-290).abs() < 1e-294);
        assert_eq!(found.offset[5..], [0.0, 3e-50, 0.0]);
        assert_eq!(found.scale[..2], [1.0, 1.0]);
        assert_eq!(found.scale[2..5], [1e-44, 1e299, 1e-297]);
        assert_eq!(found.scale[5..], [1.0; 3]);
    }

    #[test]
    fn the_points_of_a_curve_share_what_they_can() {
        let columns: [&dyn Fn(f64) -> f64; 4] =
            [&|x| 1e-40 * x, &|x| 1e-44 * x, &|x| 1e-90 * x, &|_| 0.0];
        let found = data(&columns, "curve").relative_needed(&all()).unwrap();
        let [first, second, third, fourth] = found.scale[..] else {
            panic!("four points");
        };
        assert!(first == second && (1e-42..1e-39).contains(&first));
        assert!((1e-92..1e-89).contains(&third) && fourth == 1.0);
        let columns: [&dyn Fn(f64) -> f64; 3] = [&|x| 1e6 + 1e-3 * x, &|x| x, &|_| 2.5];
        let found = data(&columns, "curve").relative_needed(&all()).unwrap();
        assert_eq!((found.offset[0], found.offset[2]), (1e6, 2.5));
        assert!(found.offset[1].abs() < 60.0 && !found.has_scale());
    }

    #[test]
    fn relative_outputs_are_those_of_the_file_again_to_the_last_digits() {
        let file = data(&[&|x| 1e6 + 1e-3 * x, &|x| 1e-44 * x], "scalars");
        let needed = file.relative_needed(&all()).unwrap();
        let relative = file.relative_to(Some(&needed));
        assert_eq!(relative.relative(), Some(&needed));
        for row in 0..ROWS {
            let (y, less) = (file.y_row(row), relative.y_row(row));
            assert_eq!(less[0], y[0] - 1e6);
            assert_eq!(less[1], y[1] / needed.scale[1]);
        }
        let back = relative.relative_to(None);
        for (a, b) in file.y().iter().zip(back.y()) {
            assert!((a - b).abs() <= 2.0 * f64::EPSILON * a.abs());
        }
        assert!(note(&file, &needed).contains(
            "predicts output 0 as its difference from 1000000.0 (1 more output likewise)"
        ));
    }
}
