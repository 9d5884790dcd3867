//! Answers to rows that trained nothing of what gave them.
//!
//! Where every row trains, what ships has no rows to be judged on. Networks of folds, and processes
//! without one of their rows, answer for it: their errors, times the ratio by which what ships is
//! estimated to err less, stand for its own.

use crate::components::Learnt;
use crate::data::Split;
use crate::error::{Result, ensure};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// Answers to some rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Unseen {
    /// The rows of the data.
    pub rows: Vec<usize>,
    /// The answers, `[rows][outputs]`, as the emulator computes them: in the units and order of the
    /// data.
    pub mean: Vec<f32>,
}

impl Unseen {
    /// Returns answers with these errors times `ratio`.
    ///
    /// *Shapes*: `said`: `[rows][targets]`, as [`Learnt::y`].
    #[must_use]
    pub fn new(rows: Vec<usize>, said: &[f32], learnt: Learnt<'_>, ratio: f64) -> Self {
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
        Self { rows, mean }
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
        let views = [
            (
                ROWS,
                TensorView::new(Dtype::U64, vec![self.rows.len()], &rows)?,
            ),
            (
                MEAN,
                TensorView::new(Dtype::F32, vec![self.mean.len()], &mean)?,
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
        let (rows, mean) = (file.tensor(ROWS)?, file.tensor(MEAN)?);
        let is_sound = rows.dtype() == Dtype::U64 && mean.dtype() == Dtype::F32;
        ensure!(
            Run,
            is_sound,
            "the answers to unseen rows are of other types"
        );
        let rows = rows.data().as_chunks::<8>().0.iter();
        let mean = mean.data().as_chunks::<4>().0.iter();
        Ok(Self {
            rows: rows.map(|row| u64::from_le_bytes(*row) as usize).collect(),
            mean: mean.map(|mean| f32::from_le_bytes(*mean)).collect(),
        })
    }
}

/// Names in the file.
const ROWS: &str = "rows";
const MEAN: &str = "mean";

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

    /// Returns the answers of others, `[rows][outputs]`, if there are any.
    #[must_use]
    pub fn answers(self) -> Option<&'a [f32]> {
        match self {
            Self::HeldOut(_) => None,
            Self::Unseen(unseen) => Some(&unseen.mean),
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
        let unseen = Unseen::new(rows.clone(), &said, learnt, 0.25);
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
        let bytes = unseen.to_bytes().unwrap();
        assert_eq!(Unseen::from_bytes(&bytes).unwrap(), unseen);
        assert!(Unseen::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    }
}
