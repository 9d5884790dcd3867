//! Assigns rows to training, selection, calibration and test.
//!
//! ```text
//! train ─ gradients │ validation ─┬─ selection: chooses the architecture │ test ─ scores only
//!                   │             └─ calibration: fits the uncertainty   │
//! ```
//!
//! The uncertainty is fitted on rows that chose nothing; otherwise it would be as optimistic as the
//! choice. Draws come from the streams "split", "validation" and "calibration" of the seed
//! ([`crate::streams`]).

use serde::{Deserialize, Serialize};

use super::dataset::Dataset;
use super::error::{DataError, list};
use super::limits::MINIMUM_TRAIN_ROWS;
use super::normalise::Normalisation;
use super::part::{Part, rows_of};
use crate::streams::{permutation, stream};

/// From this number of rows on, a tenth is held out for a test where every other row trains: a
/// thousand rows judge well, and the other nine tenths train almost as well as all.
const TEST_FROM: usize = 10_000;
/// The largest number of rows that are held out so.
const TEST_MOST: usize = 2_000;

/// A validation part of fewer rows is pooled by [`Pooling::Auto`]. The mean of 600 squared errors is
/// known to 6 % if they are those of a Gaussian, twice as badly if their tails are heavy, and a half
/// of them, which calibrates, has three values in a hundred beyond the 99 % band of each output: as
/// many rows judge the kinds of a race. The errors of fewer rows say little more than an estimate
/// out of fold.
const VALIDATION_FROM: usize = 600;
/// So is one of any size if training and validation rows together are fewer than this, from which on
/// a race holds rows out for a test, too: a tenth of fewer rows teaches more than it judges.
const POOLED_BELOW: usize = TEST_FROM;

/// Whether validation rows that a file has train in a race.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "program", derive(clap::ValueEnum))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pooling {
    /// They do where there are fewer than 600, or fewer than 10,000 with the training rows.
    #[default]
    Auto,
    /// They do; folds of all rows judge and calibrate.
    Yes,
    /// They do not: they judge and calibrate what ships.
    No,
}

impl Pooling {
    /// Returns whether this number of `validation` rows trains beside `train` other rows.
    #[must_use]
    pub fn pools(self, train: usize, validation: usize) -> bool {
        match self {
            Self::Auto => validation < VALIDATION_FROM || train + validation < POOLED_BELOW,
            Self::Yes => true,
            Self::No => false,
        }
    }

    fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

/// What rows are for.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Division {
    /// Validation rows choose and calibrate; they do not train.
    #[default]
    HeldOut,
    /// Every row but those of a test trains; folds of them choose and calibrate. Validation rows of
    /// the file that are not pooled train nothing, and judge and calibrate instead.
    Folds {
        /// The share that is held out for a test where the file has no split; `None`: none below
        /// 10,000 rows, and a tenth from there on, at most 2,000.
        hold_out: Option<f64>,
        /// Whether validation rows of the file train.
        #[serde(default, skip_serializing_if = "Pooling::is_auto")]
        pool: Pooling,
    },
}

/// What is said where nothing calibrates.
const NOT_CALIBRATED: &str = "a single validation row: none is left to calibrate the uncertainty";

/// Smallest number of validation rows to draw, so that selection and calibration have at least one
/// each.
const MINIMUM_VALIDATION_ROWS: usize = 2;

/// The rows of every part, each list ascending; no row belongs to two parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Split {
    /// Rows that train the weights; at least [`MINIMUM_TRAIN_ROWS`].
    pub train: Vec<usize>,
    /// Rows that choose and calibrate: `selection` and `calibration` together; at least one, or none
    /// where every row trains.
    pub validation: Vec<usize>,
    /// Rows that only measure the error; may be empty.
    pub test: Vec<usize>,
    /// Half of the validation rows (the larger half if their count is odd), which chooses the
    /// architecture.
    pub selection: Vec<usize>,
    /// The other half, which fits the uncertainty. Empty only if the file has a single validation
    /// row.
    pub calibration: Vec<usize>,
    /// Messages for the user: parts that were drawn, parts that are missing.
    pub notes: Vec<String>,
}

impl Split {
    /// Takes the parts from the file, or draws them with `seed`: 70 % train, 10 % validation, 20 %
    /// test.
    ///
    /// A file with a split but no validation rows gives up an eighth of its training rows for
    /// validation.
    ///
    /// # Errors
    /// [`DataError::TooFewTrainRows`] if fewer than [`MINIMUM_TRAIN_ROWS`] training rows are left.
    pub fn resolve(data: &Dataset, seed: u64) -> Result<Self, DataError> {
        Self::divide(data, seed, Division::HeldOut)
    }

    /// Takes the parts from the file, or draws them with `seed`, for this division of rows. Where
    /// every row trains, validation rows of the file train too if they are pooled, and there are none
    /// of them.
    ///
    /// # Errors
    /// As [`Split::resolve`].
    pub fn divide(data: &Dataset, seed: u64, division: Division) -> Result<Self, DataError> {
        let mut notes = Vec::new();
        let (train, validation, test) = match division {
            Division::HeldOut => held_out(data, seed, &mut notes),
            Division::Folds { hold_out, pool } => folded(data, seed, (hold_out, pool), &mut notes),
        };
        check_count(data, train.len())?;
        let (selection, calibration) = halve(&validation, seed);
        if validation.len() == 1 {
            notes.push(NOT_CALIBRATED.to_owned());
        }
        Ok(Self {
            train,
            validation,
            test,
            selection,
            calibration,
            notes,
        })
    }

    /// Refuses data from which nothing can be learnt: no input or no output varies over the
    /// training rows.
    ///
    /// # Errors
    /// [`DataError::NothingVaries`], with the values.
    pub fn check_varies(&self, data: &Dataset) -> Result<(), DataError> {
        let normalisation = Normalisation::fit(data, &self.train);
        let first = self.train.first().copied().unwrap_or_default();
        let refuse = |what, names: Vec<String>, values: Vec<f64>| {
            let values = names.iter().zip(&values);
            let values: Vec<String> = values
                .map(|(name, value)| format!("{name} = {value:?}"))
                .collect();
            DataError::NothingVaries {
                file: data.label().to_owned(),
                what,
                rows: self.train.len(),
                values: list(values.iter().map(String::as_str)),
            }
        };
        if normalisation.scale().iter().all(|&scale| scale == 0.0) {
            let names = data.inputs().iter().map(|input| input.name.clone());
            return Err(refuse("input", names.collect(), data.x_row(first).to_vec()));
        }
        if normalisation.output_constant().iter().all(|&is| is) {
            let count = data.output_count();
            let names = match data.output_names() {
                names if names.len() == count => names.to_vec(),
                _ if count == 1 => vec!["y".to_owned()],
                _ => (0..count).map(|output| format!("y[{output}]")).collect(),
            };
            return Err(refuse("output", names, data.y_row(first).to_vec()));
        }
        Ok(())
    }
}

impl Dataset {
    /// The rows of one part, according to the file.
    ///
    /// # Errors
    /// [`DataError::NoSplit`]; [`DataError::EmptyPart`], which names the existing parts.
    pub fn part_rows(&self, part: Part) -> Result<Vec<usize>, DataError> {
        let Some(parts) = &self.parts else {
            return Err(DataError::NoSplit {
                file: self.label.clone(),
                part,
            });
        };
        self.not_empty(part, Part::ALL.map(|part| rows_of(parts, part)))
    }

    /// The rows of one part, according to a search with this `seed`.
    ///
    /// # Errors
    /// As [`Split::resolve`]; [`DataError::EmptyPart`].
    pub fn part_rows_of_run(
        &self,
        part: Part,
        seed: u64,
        division: Division,
    ) -> Result<Vec<usize>, DataError> {
        let split = Split::divide(self, seed, division)?;
        self.not_empty(part, [split.train, split.validation, split.test])
    }

    /// Returns one of the parts, or an error if it has no rows.
    fn not_empty(&self, part: Part, mut parts: [Vec<usize>; 3]) -> Result<Vec<usize>, DataError> {
        let rows = std::mem::take(&mut parts[usize::from(part.number())]);
        if !rows.is_empty() {
            return Ok(rows);
        }
        let found = Part::ALL.into_iter().zip(&parts);
        let found: Vec<String> = found
            .filter(|(_, rows)| !rows.is_empty())
            .map(|(part, rows)| format!("{part} ({} rows)", rows.len()))
            .collect();
        Err(DataError::EmptyPart {
            file: self.label.clone(),
            part,
            found: list(found.iter().map(String::as_str)),
        })
    }
}

/// Refuses too few training rows.
fn check_count(data: &Dataset, train: usize) -> Result<(), DataError> {
    match train < MINIMUM_TRAIN_ROWS {
        true => Err(DataError::TooFewTrainRows {
            file: data.label().to_owned(),
            got: train,
            rows: data.rows(),
        }),
        false => Ok(()),
    }
}

/// Draws all three parts.
fn draw(rows: usize, seed: u64, notes: &mut Vec<String>) -> (Vec<usize>, Vec<usize>, Vec<usize>) {
    let order = permutation(&mut stream(seed, "split"), rows);
    let test_count = ((rows + 2) / 5).max(1).min(rows);
    let validation_count = ((rows + 5) / 10)
        .max(MINIMUM_VALIDATION_ROWS)
        .min(rows - test_count);
    let (test, rest) = order.split_at(test_count);
    let (validation, train) = rest.split_at(validation_count);
    notes.push(format!(
        "no split in the file: {} train, {} validation and {} test rows drawn by the seed",
        train.len(),
        validation.len(),
        test.len()
    ));
    (ascending(train), ascending(validation), ascending(test))
}

/// Divides training rows into those that stay and those that validate, 7 to 1.
fn draw_validation(train: &[usize], seed: u64) -> (Vec<usize>, Vec<usize>) {
    let order = permutation(&mut stream(seed, "validation"), train.len());
    let count = ((train.len() + 4) / 8)
        .max(MINIMUM_VALIDATION_ROWS)
        .min(train.len());
    let rows = |places: &[usize]| {
        let rows: Vec<usize> = places.iter().map(|&place| train[place]).collect();
        ascending(&rows)
    };
    (rows(&order[count..]), rows(&order[..count]))
}

/// Rows that train, that choose and calibrate, and that only measure the error.
type Parts = (Vec<usize>, Vec<usize>, Vec<usize>);

/// The parts of a file, or parts drawn by the seed, where validation rows are kept apart.
fn held_out(data: &Dataset, seed: u64, notes: &mut Vec<String>) -> Parts {
    match data.parts() {
        None => draw(data.rows(), seed, notes),
        Some(parts) => {
            let mut train = rows_of(parts, Part::Train);
            let mut validation = rows_of(parts, Part::Validation);
            let test = rows_of(parts, Part::Test);
            if validation.is_empty() {
                (train, validation) = draw_validation(&train, seed);
                notes.push(format!(
                    "no validation rows in the file: {} of the training rows drawn for it by the seed",
                    validation.len()
                ));
            }
            if test.is_empty() {
                notes.push("no test rows in the file: no test score can be given".to_owned());
            }
            (train, validation, test)
        }
    }
}

/// The parts in which every row trains that is not held out for a test, or by the file.
fn folded(
    data: &Dataset,
    seed: u64,
    (hold_out, pool): (Option<f64>, Pooling),
    notes: &mut Vec<String>,
) -> Parts {
    let rows = data.rows();
    let mut validation = Vec::new();
    let (train, test) = match data.parts() {
        Some(parts) => {
            let mut train = rows_of(parts, Part::Train);
            let of_file = rows_of(parts, Part::Validation);
            let (count, others) = (of_file.len(), train.len());
            if count == 0 && pool == Pooling::No {
                notes.push(
                    "no validation rows in the file: --pool-validation no keeps none apart"
                        .to_owned(),
                );
            } else if count > 0 && pool.pools(others, count) {
                notes.push(format!(
                    "the {count} validation rows of the file train too, beside {others} others: folds of all of them choose \
                     and calibrate (--pool-validation no keeps them apart)"
                ));
                train = ascending(&[train, of_file].concat());
            } else if count > 0 {
                notes.push(format!(
                    "the {count} validation rows of the file do not train, as {others} others do: the error of what ships is \
                     measured on them, and a half of them calibrates it (--pool-validation yes trains on them, too)"
                ));
                validation = of_file;
            }
            (train, rows_of(parts, Part::Test))
        }
        None => {
            let count = match hold_out {
                Some(share) => (share * rows as f64).round() as usize,
                None if rows >= TEST_FROM => (rows / 10).min(TEST_MOST),
                None => 0,
            };
            let order = permutation(&mut stream(seed, "split"), rows);
            let (test, train) = order.split_at(count.min(rows));
            notes.push(match test.len() {
                    0 => "no split in the file: every row trains, folds of them choose and calibrate, and the error on new \
                          runs is an estimate (--hold-out 0.2 keeps a fifth for a test)"
                        .to_owned(),
                    count => format!("no split in the file: {count} rows are held out for a test, drawn by the seed"),
                });
            (ascending(train), ascending(test))
        }
    };
    (train, validation, test)
}

/// Divides validation rows into the half that selects and the half that calibrates.
fn halve(validation: &[usize], seed: u64) -> (Vec<usize>, Vec<usize>) {
    let order = permutation(&mut stream(seed, "calibration"), validation.len());
    let shuffled: Vec<usize> = order.iter().map(|&place| validation[place]).collect();
    let (selection, calibration) = shuffled.split_at(validation.len().div_ceil(2));
    (ascending(selection), ascending(calibration))
}

fn ascending(rows: &[usize]) -> Vec<usize> {
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NpzFile, doubles, read};
    use super::*;

    fn data(rows: usize, split: Option<Vec<u8>>) -> Dataset {
        let mut file = NpzFile::simple(rows);
        if let Some(split) = split {
            file = file.with("split", "|i1", &[rows], split);
        }
        read(&file.bytes()).unwrap()
    }

    fn assert_partition(split: &Split, rows: usize) {
        let all = [&split.train[..], &split.validation, &split.test].concat();
        assert_eq!(ascending(&all), (0..rows).collect::<Vec<_>>());
        let halves = [&split.selection[..], &split.calibration].concat();
        assert_eq!(ascending(&halves), split.validation);
    }

    #[test]
    fn a_file_without_parts_is_drawn_70_10_20_by_the_seed() {
        for (rows, train, validation, test) in [(1000, 700, 100, 200), (12, 8, 2, 2), (11, 7, 2, 2)]
        {
            match Split::resolve(&data(rows, None), 5) {
                Ok(split) => {
                    assert_partition(&split, rows);
                    let sizes = (split.train.len(), split.validation.len(), split.test.len());
                    assert_eq!(sizes, (train, validation, test));
                }
                Err(error) => assert!(train < MINIMUM_TRAIN_ROWS, "{error}"),
            }
        }
        let split = |seed| Split::resolve(&data(200, None), seed).unwrap();
        assert_eq!(split(1), split(1));
        assert_ne!(split(1).train, split(2).train);
        assert!(
            split(1).notes[0].contains("140 train"),
            "{:?}",
            split(1).notes
        );
    }

    #[test]
    fn parts_of_the_file_are_kept_and_missing_ones_are_said() {
        let parts: Vec<u8> = (0..40).map(|row| [0, 0, 1, 2][row % 4]).collect();
        let split = Split::resolve(&data(40, Some(parts)), 0).unwrap();
        assert_partition(&split, 40);
        assert_eq!(&split.test[..2], &[3, 7]);
        assert_eq!((split.selection.len(), split.calibration.len()), (5, 5));
        assert!(split.notes.is_empty());

        let split = Split::resolve(&data(40, Some(vec![0; 40])), 0).unwrap();
        assert_partition(&split, 40);
        assert_eq!((split.train.len(), split.validation.len()), (35, 5));
        assert!(split.notes[0].contains("no validation rows"));
        assert!(split.notes[1].contains("no test score"));
    }

    #[test]
    fn a_race_pools_validation_rows_or_keeps_them_apart() {
        let folds = |pool| Division::Folds {
            hold_out: None,
            pool,
        };
        let parts: Vec<u8> = (0..40).map(|row| [0, 0, 1, 2][row % 4]).collect();
        let of_file = data(40, Some(parts));
        let split = |pool| Split::divide(&of_file, 7, folds(pool)).unwrap();
        for pool in [Pooling::Auto, Pooling::Yes] {
            let pooled = split(pool);
            assert_partition(&pooled, 40);
            assert_eq!((pooled.train.len(), pooled.validation.len()), (30, 0));
            assert_eq!(pooled.train[..4], [0, 1, 2, 4]);
            let expected = "the 10 validation rows of the file train too, beside 20 others";
            assert!(pooled.notes[0].starts_with(expected), "{:?}", pooled.notes);
        }
        let apart = split(Pooling::No);
        assert_partition(&apart, 40);
        // What a search by name does with the same rows.
        let named = Split::resolve(&of_file, 7).unwrap();
        assert_eq!(apart.train, named.train);
        assert_eq!(apart.test, named.test);
        assert_eq!(apart.selection, named.selection);
        assert_eq!(apart.calibration, named.calibration);
        let expected = "the 10 validation rows of the file do not train, as 20 others do";
        assert!(apart.notes[0].starts_with(expected), "{:?}", apart.notes);

        let without = data(40, Some(vec![0; 40]));
        let split = Split::divide(&without, 7, folds(Pooling::No)).unwrap();
        assert_eq!((split.train.len(), split.validation.len()), (40, 0));
        assert!(split.notes[0].starts_with("no validation rows in the file"));
    }

    #[test]
    fn many_validation_rows_beside_many_others_are_obeyed() {
        let pools = |train, validation| Pooling::Auto.pools(train, validation);
        assert!(pools(9_399, 600) && !pools(9_400, 600));
        assert!(pools(20_000, 599) && !pools(20_000, 600));
        assert!(Pooling::Yes.pools(20_000, 5_000) && !Pooling::No.pools(20, 5));
    }

    #[test]
    fn a_division_without_a_word_on_pooling_is_automatic_and_has_none() {
        let text = r#"{"folds":{"hold_out":0.25}}"#;
        let found: Division = serde_json::from_str(text).unwrap();
        let pool = Pooling::Auto;
        let hold_out = Some(0.25);
        assert_eq!(found, Division::Folds { hold_out, pool });
        assert_eq!(serde_json::to_string(&found).unwrap(), text);
    }

    #[test]
    fn data_that_do_not_vary_where_they_train_are_refused() {
        let said = |x: &[f64], y: &[f64], split: Option<Vec<u8>>| {
            let mut file = NpzFile::new().with("x", "<f8", &[20], doubles(x)).with(
                "y",
                "<f8",
                &[20, 2],
                doubles(y),
            );
            if let Some(split) = split {
                file = file.with("split", "|i1", &[20], split);
            }
            let data = read(&file.bytes()).unwrap();
            let split = Split::resolve(&data, 0).unwrap();
            split
                .check_varies(&data)
                .err()
                .map(|error| error.to_string())
        };
        let varying: Vec<f64> = (0..20).map(f64::from).collect();
        let constant = [7.5, -2.0].repeat(20);
        let one_varies: Vec<f64> = (0..20).flat_map(|row| [f64::from(row), 7.5]).collect();
        let error = said(&varying, &constant, None).unwrap();
        assert!(
            error.contains("no output varies over the 14 training rows"),
            "{error}"
        );
        assert!(error.contains("y[0] = 7.5, y[1] = -2.0"), "{error}");
        let error = said(&[3.0; 20], &one_varies, None).unwrap();
        assert!(
            error.contains("no input varies") && error.contains("x0 = 3.0"),
            "{error}"
        );
        assert_eq!(said(&varying, &one_varies, None), None);

        // An output that varies only in the test rows cannot be learnt.
        let mut y = [7.5, -2.0].repeat(20);
        y[39] = 3.0;
        let mut parts = vec![0; 20];
        parts[19] = 2;
        assert!(said(&varying, &y, Some(parts.clone())).is_some());
        parts.swap(0, 19);
        assert_eq!(said(&varying, &y, Some(parts)), None);
    }

    #[test]
    fn too_few_training_rows_are_refused() {
        let mut parts = vec![2; 40];
        for (train, expected) in [(0, "got 0 of 40"), (7, "got 7 of 40")] {
            parts[..train].fill(0);
            parts[20..22].fill(1);
            let error = Split::resolve(&data(40, Some(parts.clone())), 0).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
        for rows in 1..11 {
            assert!(Split::resolve(&data(rows, None), 0).is_err(), "{rows}");
        }
    }
}
