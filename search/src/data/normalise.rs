//! Maps physical units to values of order one, and back.
//!
//! ```text
//! z_x[j] = (l(x[j]) - centre[j]) * scale[j]      l = ln for logarithmic inputs, else identity
//! y[k]   = z_y[k] * output_scale[k] + output_offset[k]
//! ```
//!
//! Outputs may be learnt in another coordinate ([`Transform`]). Then z_y is the standardised value
//! of `ln y` or `asinh(y / unit)`, with its own mean and deviation; `output_scale` and
//! `output_offset` remain those of `y`.
//!
//! `centre` and `1 / scale` are mean and standard deviation of `l(x)` over the training rows;
//! `output_offset` and `output_scale` are those of `y`. All are the `f32` values in the emulator,
//! so training uses the deployed values. (Values that no `f32` can hold are kept in `f64`. Such
//! outputs can be examined, but they are made relative before training: [`Dataset::relative_to`].)
//! Statistics take two passes in `f64` over values divided by their largest magnitude, so neither
//! squares nor sums leave the range in any unit.

mod file;

use super::dataset::Dataset;
use dense_codegen::graph::Inverse;
use serde::{Deserialize, Serialize};

/// Inputs with a smaller spread than this over the training rows are treated as constant, since
/// single precision cannot divide by it.
const SMALLEST_SPREAD: f64 = 1e-30;
/// Outputs with a smaller spread than this, relative to their magnitude, are treated as constant:
/// the spread is only rounding.
const ROUNDING: f64 = 16.0 * f64::EPSILON;
/// Largest error of a mean rounded to `f32`, in standard deviations.
const CARRIED: f64 = 1e-3;

/// The coordinate in which outputs are learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// The outputs themselves.
    None,
    /// Their natural logarithm.
    Log,
    /// `asinh(y / unit)`, with the median magnitude of an output as its unit.
    Asinh,
}

impl Transform {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "values",
            Self::Log => "logarithm",
            Self::Asinh => "inverse hyperbolic sine",
        }
    }

    /// Returns the graph function that inverts the transform, up to the unit of `asinh`; `None` if
    /// there is no transform.
    #[must_use]
    pub fn inverse(self) -> Option<Inverse> {
        match self {
            Self::None => None,
            Self::Log => Some(Inverse::Exp),
            Self::Asinh => Some(Inverse::Sinh),
        }
    }
}

/// The conversion between physical units and the network's values, as the emulator stores it.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalisation {
    logarithmic: Vec<bool>,
    centre: Vec<f32>,
    scale: Vec<f32>,
    output_offset: Vec<f64>,
    output_scale: Vec<f64>,
    output_constant: Vec<bool>,
    transform: Transform,
    /// Mean and deviation of the transformed outputs, and the units of `asinh`.
    learnt_offset: Vec<f64>,
    learnt_scale: Vec<f64>,
    unit: Vec<f64>,
}

impl Normalisation {
    /// Fits the normalisation on the rows `train` of `data`. Every result is finite.
    ///
    /// An input that is constant in those rows gets the scale 0, so the network never sees it. An
    /// output that is constant there (except for rounding in double precision) gets the scale 1 and
    /// the constant as its offset, and is marked: `mse_z` leaves it out, and the emulator returns
    /// the constant.
    ///
    /// # Panics
    /// A row is not below the number of rows, as with any slice.
    pub fn fit(data: &Dataset, train: &[usize]) -> Self {
        Self::fit_transformed(data, train, Transform::None)
    }

    /// Fits the normalisation for outputs that are learnt in another coordinate.
    ///
    /// # Panics
    /// As [`Normalisation::fit`].
    pub fn fit_transformed(data: &Dataset, train: &[usize], transform: Transform) -> Self {
        let logarithmic: Vec<bool> = data
            .inputs()
            .iter()
            .map(|input| input.logarithmic)
            .collect();
        let (mut centre, mut scale) = (Vec::new(), Vec::new());
        for (column, &logarithmic) in logarithmic.iter().enumerate() {
            let moments = Moments::of(|| {
                train
                    .iter()
                    .map(move |&row| scaled(data.x_row(row)[column], logarithmic).into())
            });
            centre.push(moments.mean as f32);
            scale.push(if moments.is_constant() {
                0.0
            } else {
                (1.0 / moments.deviation) as f32
            });
        }
        let (mut output_offset, mut output_scale) = (Vec::new(), Vec::new());
        let mut output_constant = Vec::new();
        for column in 0..data.output_count() {
            let moments = Moments::of(|| train.iter().map(move |&row| data.y_row(row)[column]));
            let (offset, scale) = moments.carried();
            output_offset.push(offset);
            output_scale.push(scale);
            output_constant.push(moments.is_rounding());
        }
        let (mut learnt_offset, mut learnt_scale) = (output_offset.clone(), output_scale.clone());
        let mut unit = vec![1.0; output_scale.len()];
        for column in (0..unit.len()).filter(|_| transform != Transform::None) {
            unit[column] = median_magnitude(data, train, column);
            let moments = Moments::of(|| {
                let values = train.iter().map(|&row| data.y_row(row)[column]);
                values.map(|y| transformed(y, transform, unit[column]))
            });
            (learnt_offset[column], learnt_scale[column]) = moments.carried();
        }
        Self {
            logarithmic,
            centre,
            scale,
            output_offset,
            output_scale,
            output_constant,
            transform,
            learnt_offset,
            learnt_scale,
            unit,
        }
    }

    /// The coordinate in which outputs are learnt.
    pub fn transform(&self) -> Transform {
        self.transform
    }

    /// Mean and standard deviation of each transformed output over the training rows,
    /// `[output_count]` each.
    pub fn learnt(&self) -> (&[f64], &[f64]) {
        (&self.learnt_offset, &self.learnt_scale)
    }

    /// The divisor of each output before its inverse hyperbolic sine, `[output_count]`.
    pub fn unit(&self) -> &[f64] {
        &self.unit
    }

    /// Whether each input is replaced by its natural logarithm first, `[p]`.
    pub fn logarithmic(&self) -> &[bool] {
        &self.logarithmic
    }

    /// The value subtracted from each input, after its logarithm, `[p]`.
    pub fn centre(&self) -> &[f32] {
        &self.centre
    }

    /// The factor of each input after the subtraction, `[p]`; 0 for a constant one.
    pub fn scale(&self) -> &[f32] {
        &self.scale
    }

    /// Mean of each output over the training rows, `[output_count]`.
    pub fn output_offset(&self) -> &[f64] {
        &self.output_offset
    }

    /// Standard deviation of each output over the training rows, `[output_count]`; 1 for a constant
    /// one.
    pub fn output_scale(&self) -> &[f64] {
        &self.output_scale
    }

    /// The emulator's factor of each output: [`Normalisation::output_scale`], but 0 for a constant
    /// output, whose prediction is then exactly the constant for any value from the network.
    pub fn deployed_output_scale(&self) -> Vec<f64> {
        self.output_scale
            .iter()
            .zip(&self.output_constant)
            .map(|(&scale, &constant)| if constant { 0.0 } else { scale })
            .collect()
    }

    /// Whether each output is constant over the training rows, `[output_count]`. `mse_z` leaves
    /// constant outputs out.
    pub fn output_constant(&self) -> &[bool] {
        &self.output_constant
    }

    /// The encoded inputs of the given rows, as the network receives them, `[rows][p]`.
    ///
    /// # Accuracy
    /// The operations are the deployed ones. Only the logarithm differs: here it is correctly
    /// rounded, while the deployed one is within its stated bound.
    ///
    /// # Panics
    /// A row is not below the number of rows, as with any slice.
    pub fn encode_x(&self, data: &Dataset, rows: &[usize]) -> Vec<f32> {
        let mut encoded = Vec::with_capacity(rows.len() * self.centre.len());
        for &row in rows {
            for (column, &value) in data.x_row(row).iter().enumerate() {
                let value = scaled(value, self.logarithmic[column]);
                encoded.push((value - self.centre[column]) * self.scale[column]);
            }
        }
        encoded
    }

    /// The encoded inputs, `[rows][p]`, of inputs in the units of the data. A logarithmic input that
    /// is not positive counts as the least positive number.
    #[must_use]
    pub fn encode_inputs(&self, x: &[f32]) -> Vec<f32> {
        let inputs = self.centre.len();
        let encoded = |(place, &value): (usize, &f32)| {
            let column = place % inputs;
            let value = match self.logarithmic[column] {
                true => scaled(value.max(f32::MIN_POSITIVE).into(), true),
                false => value,
            };
            (value - self.centre[column]) * self.scale[column]
        };
        x.iter().enumerate().map(encoded).collect()
    }

    /// The standardised outputs of the given rows, `[rows][output_count]`.
    ///
    /// # Panics
    /// A row is not below the number of rows, as with any slice.
    pub fn encode_y(&self, data: &Dataset, rows: &[usize]) -> Vec<f32> {
        let mut encoded = Vec::with_capacity(rows.len() * self.output_offset.len());
        for &row in rows {
            for (column, &value) in data.y_row(row).iter().enumerate() {
                let value = transformed(value, self.transform, self.unit[column]);
                let distance = value - self.learnt_offset[column];
                encoded.push((distance / self.learnt_scale[column]) as f32);
            }
        }
        encoded
    }

    /// Converts standardised outputs to physical units, `[output_count]` each.
    pub fn decode_y(&self, z: &[f32]) -> Vec<f64> {
        let columns = self
            .learnt_offset
            .iter()
            .zip(&self.learnt_scale)
            .zip(&self.unit);
        z.iter()
            .zip(columns)
            .map(|(&z, ((&offset, &scale), &unit))| {
                let value = f64::from(z) * scale + offset;
                match self.transform {
                    Transform::None => value,
                    Transform::Log => value.exp(),
                    Transform::Asinh => value.sinh() * unit,
                }
            })
            .collect()
    }

    /// Small deviations of outputs `y`, to first order in those of their standardised values,
    /// `[output_count]` each; 0 for a constant output.
    #[must_use]
    pub fn decode_deviation(&self, y: &[f64], deviation: &[f64]) -> Vec<f64> {
        let columns = y.iter().zip(deviation).enumerate();
        let decoded = columns.map(|(column, (&y, deviation))| {
            let slope = match self.transform {
                Transform::None => 1.0,
                Transform::Log => y,
                Transform::Asinh => y.hypot(self.unit[column]),
            };
            match self.output_constant[column] {
                true => 0.0,
                false => slope * self.learnt_scale[column] * deviation,
            }
        });
        decoded.collect()
    }
}

/// Transforms an output to the learnt coordinate.
fn transformed(y: f64, transform: Transform, unit: f64) -> f64 {
    match transform {
        Transform::None => y,
        Transform::Log => y.max(f32::MIN_POSITIVE.into()).ln(),
        Transform::Asinh => (y / unit).asinh(),
    }
}

/// The median magnitude of an output over the training rows; 1 if it is too small to divide by.
fn median_magnitude(data: &Dataset, train: &[usize], column: usize) -> f64 {
    let magnitudes = train.iter().map(|&row| data.y_row(row)[column].abs());
    let mut magnitudes: Vec<f64> = magnitudes.collect();
    magnitudes.sort_by(f64::total_cmp);
    match magnitudes.get(magnitudes.len() / 2) {
        Some(&median) if median > SMALLEST_SPREAD => single(median),
        _ => 1.0,
    }
}

/// Rounds a value to `f32`, as the emulator stores it.
fn single(value: f64) -> f64 {
    f64::from(value as f32)
}

/// An input before it is centred, as the deployed arithmetic computes it. The logarithm is taken in
/// double precision and rounded once, so it is the same on every platform.
fn scaled(value: f64, logarithmic: bool) -> f32 {
    let value = value as f32;
    if logarithmic {
        f64::from(value).ln() as f32
    } else {
        value
    }
}

/// Mean and standard deviation (divided by the count) of one column.
pub(super) struct Moments {
    pub(super) mean: f64,
    pub(super) deviation: f64,
    /// The difference between greatest and least value, and the larger of their magnitudes.
    spread: f64,
    magnitude: f64,
}

impl Moments {
    pub(super) fn of<I: Iterator<Item = f64>>(values: impl Fn() -> I) -> Self {
        let least = values().fold(f64::INFINITY, f64::min);
        let greatest = values().fold(f64::NEG_INFINITY, f64::max);
        // Use the constant itself, exact to the last bit, not the computed mean. Without any
        // values, zero.
        if least >= greatest {
            return Self {
                mean: if least.is_finite() { least } else { 0.0 },
                deviation: 0.0,
                spread: 0.0,
                magnitude: 0.0,
            };
        }
        let count = values().count() as f64;
        let unit = least.abs().max(greatest.abs());
        let mean = values().map(|value| value / unit).sum::<f64>() / count;
        let square = values()
            .map(|value| (value / unit - mean).powi(2))
            .sum::<f64>()
            / count;
        Self {
            mean: mean * unit,
            deviation: square.sqrt() * unit,
            spread: greatest - least,
            magnitude: unit,
        }
    }

    fn is_constant(&self) -> bool {
        self.deviation < SMALLEST_SPREAD
    }

    /// Whether an output varies only by the rounding of double precision.
    pub(super) fn is_rounding(&self) -> bool {
        self.spread <= ROUNDING * self.magnitude
    }

    /// Offset and scale of an output, as the `f32` values in the emulator if possible. The scale of
    /// a constant output is 1.
    fn carried(&self) -> (f64, f64) {
        if self.is_rounding() {
            return (self.mean, 1.0);
        }
        let (mean, deviation) = (single(self.mean), single(self.deviation));
        let is_carried = (mean - self.mean).abs() <= CARRIED * self.deviation
            && (deviation - self.deviation).abs() <= CARRIED * self.deviation
            && deviation.is_finite();
        match is_carried {
            true => (mean, deviation),
            false => (self.mean, self.deviation),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NpzFile, doubles, read};
    use super::*;

    /// Values from 0.1 to 0.9 in irregular order.
    const PATTERN: [f64; 9] = [0.3, 0.9, 0.1, 0.7, 0.4, 0.2, 0.8, 0.6, 0.5];

    fn column(unit: f64, shift: f64) -> Vec<f64> {
        PATTERN.iter().map(|value| value * unit + shift).collect()
    }

    fn one_output(y: &[f64]) -> Dataset {
        let bytes = NpzFile::new()
            .with("x", "<f8", &[9, 1], doubles(&PATTERN))
            .with("y", "<f8", &[9, 1], doubles(y))
            .bytes();
        read(&bytes).unwrap()
    }

    #[test]
    fn outputs_of_every_unit_have_mean_zero_and_deviation_one() {
        let rows: Vec<usize> = (0..9).collect();
        for (unit, shift) in [
            (1.0, 0.0),
            (1e-25, 0.0),
            (1e20, 0.0),
            (1e29, -5e29),
            (1.0, 1000.0),
            (1e-3, 1e6),
            (1e-44, 0.0),
            (1e250, -3e250),
        ] {
            let data = one_output(&column(unit, shift));
            let normalisation = Normalisation::fit(&data, &rows);
            let z = normalisation.encode_y(&data, &rows);
            let mean = z.iter().map(|&z| f64::from(z)).sum::<f64>() / 9.0;
            let square = z.iter().map(|&z| f64::from(z).powi(2)).sum::<f64>() / 9.0;
            // The offset is rounded to single precision if that changes little: half a step of the
            // shift, in deviations of 0.258 units.
            let rounding = 1e-6 + (shift.abs() / unit * f64::from(f32::EPSILON) / 0.258).min(1e-3);
            assert!(mean.abs() < rounding, "{unit:e}: mean {mean:e}");
            assert!((square - 1.0).abs() < rounding, "{unit:e}: square {square}");
        }
    }

    #[test]
    fn a_constant_output_is_its_constant_to_the_last_bit() {
        let rows: Vec<usize> = (0..9).collect();
        let data = one_output(&[0.1; 9]);
        let normalisation = Normalisation::fit(&data, &rows);
        assert_eq!(normalisation.output_constant(), [true]);
        assert_eq!(normalisation.output_offset(), [0.1]);
        assert_eq!(normalisation.output_scale(), [1.0]);
        assert_eq!(normalisation.deployed_output_scale(), [0.0]);
        assert!(
            normalisation
                .encode_y(&data, &rows)
                .iter()
                .all(|&z| z == 0.0)
        );
    }

    #[test]
    fn statistics_come_from_the_training_rows_alone() {
        let mut y = column(1.0, 0.0);
        y[8] = 1e6;
        let train: Vec<usize> = (0..8).collect();
        let normalisation = Normalisation::fit(&one_output(&y), &train);
        assert!((normalisation.output_offset()[0] - 0.5).abs() < 1e-6);
    }

    #[test]
    fn logarithmic_and_constant_inputs_are_scaled_so() {
        let x: Vec<f64> = PATTERN
            .iter()
            .flat_map(|v| [10f64.powf(20.0 * v), 7.0, 3.0 * v])
            .collect();
        let bytes = NpzFile::new()
            .with("x", "<f8", &[9, 3], doubles(&x))
            .with("y", "<f8", &[9], doubles(&PATTERN))
            .with("x_log", "|b1", &[3], vec![1, 0, 0])
            .bytes();
        let data = read(&bytes).unwrap();
        let rows: Vec<usize> = (0..9).collect();
        let normalisation = Normalisation::fit(&data, &rows);
        assert_eq!(normalisation.scale()[1], 0.0);
        let encoded = normalisation.encode_x(&data, &rows);
        for row in encoded.chunks_exact(3) {
            // The logarithm of the first input is a linear function of the third input.
            assert!((row[0] - row[2]).abs() < 1e-5, "{row:?}");
            assert_eq!(row[1], 0.0);
        }
        assert!(
            data.notes()
                .iter()
                .any(|note| note.contains("is 7.0 in every row"))
        );
    }
}
