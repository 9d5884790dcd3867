//! Answers to rows that trained nothing of what gave them.
//!
//! Where every row trains, what ships has no rows to be judged on. Networks of folds, and processes
//! without one of their rows, answer for it: their errors, times the ratio by which what ships is
//! estimated to err less, stand for its own.

use crate::components::Learnt;
use crate::data::Split;
use crate::error::{Result, ensure};
use dense_codegen::executor::Executor;
use dense_codegen::{Calibration, Emulator};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// Answers to some rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Unseen {
    /// The rows of the data.
    pub rows: Vec<usize>,
    /// The answers, `[rows][outputs]`, as the emulator computes them: in the units and order of the
    /// data.
    pub mean: Vec<f32>,
    /// The standard deviation between members of what answered, as it is expected between those of
    /// what ships, `[rows][outputs]`, in the units of the outputs; zeros where it is not known.
    pub spread: Vec<f32>,
}

impl Unseen {
    /// Returns answers with these errors times `ratio`, and members' differences from their mean times
    /// `ratio`.
    ///
    /// *Shapes*: `said`, and each of `members`, of which there may be none: `[rows][targets]`, as
    /// [`Learnt::y`].
    #[must_use]
    pub fn new(
        rows: Vec<usize>,
        said: &[f32],
        members: &[Vec<f32>],
        learnt: Learnt<'_>,
        ratio: f64,
    ) -> Self {
        let mut mean = Vec::with_capacity(rows.len() * learnt.data.output_count());
        let truth = learnt.y(&rows);
        let each = said.chunks_exact(learnt.count());
        for (said, truth) in each.zip(truth.chunks_exact(learnt.count())) {
            let pairs = said.iter().zip(truth);
            let z: Vec<f32> = pairs
                .map(|(&said, &truth)| truth + (said - truth) * ratio as f32)
                .collect();
            mean.extend(learnt.outputs(&z).into_iter().map(|y| y as f32));
        }
        let mut spread = vec![0.0; mean.len()];
        let targets = learnt.count();
        let of_row = spread.chunks_exact_mut(learnt.data.output_count());
        for (row, spread) in of_row.enumerate() {
            let said = members
                .iter()
                .map(|said| learnt.outputs(&said[row * targets..][..targets]));
            let said: Vec<Vec<f64>> = said.collect();
            for (place, spread) in spread.iter_mut().enumerate() {
                let values = said.iter().map(|said| said[place]);
                let count = said.len().max(1) as f64;
                let mean = values.clone().sum::<f64>() / count;
                let squares = values.map(|value| (ratio * (value - mean)).powi(2));
                *spread = (squares.sum::<f64>() / count).sqrt() as f32;
            }
        }
        Self { rows, mean, spread }
    }

    /// Returns the standard deviations that an emulator states at these rows if its members differ so
    /// there, `[rows][outputs]`, in the units of the outputs.
    ///
    /// *Shapes*: `x: [rows][inputs]`; `mean`, the emulator's own answers: `[rows][outputs]`.
    ///
    /// # Panics
    /// If the rows are of other data than the emulator's.
    #[must_use]
    pub fn std(&self, emulator: &Emulator, x: &[f32], mean: &[f32]) -> Vec<f32> {
        let Calibration {
            gain,
            floor,
            unit,
            slope,
        } = emulator.calibration();
        let outputs = unit.len();
        let scales = Executor::new(emulator).error_scales(x);
        let values = self.spread.iter().zip(mean).enumerate();
        let stated = values.map(|(place, (&spread, &mean))| {
            let (row, j) = (place / outputs, place % outputs);
            let square = |value: f32| f64::from(value).powi(2);
            let agreed = square(unit[j]) * f64::from(floor[j]);
            let differing = f64::from(*gain) * square(spread);
            let sloped = slope.as_ref();
            let sloped =
                sloped.map_or(0.0, |slope| (f64::from(slope[j]) * f64::from(mean)).powi(2));
            (f64::from(scales[row]) * (agreed + differing + sloped).sqrt()) as f32
        });
        stated.collect()
    }

    /// Returns the bytes of a file of these answers.
    ///
    /// # Errors
    /// None that is known.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let rows = self.rows.iter().flat_map(|&row| (row as u64).to_le_bytes());
        let rows: Vec<u8> = rows.collect();
        let mean = self.mean.iter().flat_map(|mean| mean.to_le_bytes());
        let mean: Vec<u8> = mean.collect();
        let spread = self.spread.iter().flat_map(|value| value.to_le_bytes());
        let spread: Vec<u8> = spread.collect();
        let views = [
            (
                ROWS,
                TensorView::new(Dtype::U64, vec![self.rows.len()], &rows)?,
            ),
            (
                MEAN,
                TensorView::new(Dtype::F32, vec![self.mean.len()], &mean)?,
            ),
            (
                SPREAD,
                TensorView::new(Dtype::F32, vec![self.spread.len()], &spread)?,
            ),
        ];
        Ok(safetensors::serialize(views, None)?)
    }

    /// Reads the bytes of [`Unseen::to_bytes`].
    ///
    /// # Errors
    /// They are not those of such a file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes)?;
        let (rows, mean, spread) = (file.tensor(ROWS)?, file.tensor(MEAN)?, file.tensor(SPREAD)?);
        let is_sound = rows.dtype() == Dtype::U64
            && [&mean, &spread].map(TensorView::dtype) == [Dtype::F32; 2]
            && mean.data().len() == spread.data().len();
        ensure!(
            Run,
            is_sound,
            "the answers to unseen rows are of other types"
        );
        let rows = rows.data().as_chunks::<8>().0.iter();
        let numbers = |of: &TensorView<'_>| -> Vec<f32> {
            let all = of.data().as_chunks::<4>().0.iter();
            all.map(|value| f32::from_le_bytes(*value)).collect()
        };
        Ok(Self {
            rows: rows.map(|row| u64::from_le_bytes(*row) as usize).collect(),
            mean: numbers(&mean),
            spread: numbers(&spread),
        })
    }
}

/// Names in the file.
const ROWS: &str = "rows";
const MEAN: &str = "mean";
const SPREAD: &str = "spread";

/// The rows that judge an emulator and calibrate its uncertainty.
#[derive(Debug, Clone, Copy)]
pub enum Evidence<'a> {
    /// Rows that are held out, and the emulator's own answers to them.
    HeldOut(&'a Split),
    /// Rows that train, and the answers of others that have not seen them.
    Unseen(&'a Unseen),
}

impl<'a> Evidence<'a> {
    /// Returns the rows that judge.
    #[must_use]
    pub fn rows(self) -> &'a [usize] {
        match self {
            Self::HeldOut(split) => &split.validation,
            Self::Unseen(unseen) => &unseen.rows,
        }
    }

    /// Returns the rows that calibrate.
    #[must_use]
    pub fn calibration(self) -> &'a [usize] {
        match self {
            Self::HeldOut(split) => &split.calibration,
            Self::Unseen(unseen) => &unseen.rows,
        }
    }

    /// Returns the answers of others, if there are any.
    #[must_use]
    pub fn answers(self) -> Option<&'a Unseen> {
        match self {
            Self::HeldOut(_) => None,
            Self::Unseen(unseen) => Some(unseen),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, Normalisation, ReadOptions};

    #[test]
    fn errors_are_scaled_and_answers_are_read_back_equal() {
        let options = ReadOptions {
            inputs: vec!["a".into()],
            outputs: vec!["y".into(), "z".into()],
            ..ReadOptions::default()
        };
        let lines = (0..20).map(|row| format!("{row},{},{}\n", row * row, 3 - row));
        let text = "a,y,z\n".to_owned() + &lines.collect::<String>();
        let data = Dataset::from_csv_bytes(text.as_bytes(), "test.csv", &options).unwrap();
        let rows: Vec<usize> = (0..20).collect();
        let normalisation = Normalisation::fit(&data, &rows);
        let learnt = Learnt {
            data: &data,
            normalisation: &normalisation,
            components: None,
        };
        let said: Vec<f32> = learnt.y(&rows).iter().map(|y| y + 0.5).collect();
        let members = [2.0, -1.0].map(|by| learnt.y(&rows).iter().map(|y| y + by).collect());
        let unseen = Unseen::new(rows.clone(), &said, &members, learnt, 0.25);
        let scale = normalisation.output_scale();
        for (row, mean) in unseen.mean.chunks_exact(data.output_count()).enumerate() {
            for (j, mean) in mean.iter().enumerate() {
                let expected = data.y_row(row)[j] + 0.125 * scale[j];
                // Rounding of standardised values to f32.
                let error = (f64::from(*mean) - expected).abs();
                assert!(
                    error < 1e-5 * scale[j].max(expected.abs()),
                    "{row}, {j}: {error:e}"
                );
            }
        }
        // Members that lie 1.5 standardised units about their mean, a quarter of that.
        for spread in unseen.spread.chunks_exact(data.output_count()) {
            for (spread, scale) in spread.iter().zip(scale) {
                let expected = 0.25 * 1.5 * scale;
                assert!((f64::from(*spread) / expected - 1.0).abs() < 1e-4);
            }
        }
        let bytes = unseen.to_bytes().unwrap();
        assert_eq!(Unseen::from_bytes(&bytes).unwrap(), unseen);
        assert!(Unseen::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    }
}
