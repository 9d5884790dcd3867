//! Puts the columns of a data set into the order of an emulator, by name: the order of columns
//! carries meaning.
//!
//! If both sides have names, the names decide. If one side has none, columns are taken in their
//! order, with a note. Anything that fits neither way is refused.

use super::columns::{pick, positions};
use super::dataset::Dataset;
use super::error::{DataError, list, shape_text};
use dense_codegen::emulator::Axis;

/// Largest difference between two coordinates of an axis, relative to the axis' extent, at which
/// they count as equal.
const SAME_COORDINATE: f64 = 1e-6;

/// The target order of the columns of a data set.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    /// Names of the inputs.
    pub inputs: &'a [String],
    /// Names of the outputs: one per value, one per channel, or none.
    pub outputs: &'a [String],
    /// The shape of one output.
    pub shape: &'a [usize],
    /// Coordinates along the output.
    pub axes: &'a [Axis],
}

/// A data set in the requested order.
#[derive(Debug)]
pub struct Arranged {
    /// The data.
    pub data: Dataset,
    /// Messages for the user: columns that were moved, columns that could not be compared.
    pub notes: Vec<String>,
}

impl Dataset {
    /// Returns the data with the inputs and outputs of `columns`, in that order.
    ///
    /// # Errors
    /// [`DataError::Options`], where a name is missing or sizes differ.
    pub fn arranged(mut self, columns: Columns<'_>) -> Result<Arranged, DataError> {
        let mut notes = Vec::new();
        self.arrange_inputs(columns.inputs, &mut notes)?;
        self.arrange_outputs(&columns, &mut notes)?;
        self.compare_axes(columns.axes, &mut notes);
        Ok(Arranged { data: self, notes })
    }

    fn arrange_inputs(
        &mut self,
        wanted: &[String],
        notes: &mut Vec<String>,
    ) -> Result<(), DataError> {
        let names: Vec<String> = self.inputs.iter().map(|input| input.name.clone()).collect();
        if names == wanted {
            return Ok(());
        }
        if has_all(&names, wanted) {
            let places = positions(&self.label, wanted, &names)?;
            self.x = pick(&self.x, names.len(), &places);
            self.inputs = places
                .iter()
                .map(|&place| self.inputs[place].clone())
                .collect();
            notes.push(self.moved("inputs", &names, wanted));
            return Ok(());
        }
        let is_unnamed = is_numbered(&names) || is_numbered(wanted);
        if is_unnamed && names.len() == wanted.len() {
            notes.push(format!(
                "{}: the inputs cannot be compared by name ({} here, {} of the emulator): they are taken in their order",
                self.label,
                shown(&names),
                shown(wanted)
            ));
            return Ok(());
        }
        Err(self.other("inputs", "--inputs", &names, wanted))
    }

    fn arrange_outputs(
        &mut self,
        columns: &Columns<'_>,
        notes: &mut Vec<String>,
    ) -> Result<(), DataError> {
        let Columns {
            outputs: wanted,
            shape,
            ..
        } = *columns;
        let names = self.output_names.clone();
        let count: usize = shape.iter().product();
        let is_compared = !names.is_empty() && !wanted.is_empty();
        if is_compared && names != wanted {
            // Names belong to values or to channels; a channel is a block of values.
            let block = self.output_count() / names.len();
            if !has_all(&names, wanted) || block * wanted.len() != count {
                return Err(self.other("outputs", "--outputs", &names, wanted));
            }
            let places = positions(&self.label, wanted, &names)?;
            let values: Vec<usize> = places
                .iter()
                .flat_map(|&place| place * block..(place + 1) * block)
                .collect();
            self.y = pick(&self.y, self.output_count(), &values);
            self.output_names = wanted.to_vec();
            self.shape = match block {
                1 => vec![values.len()],
                _ => [&[wanted.len()], &self.shape[1..]].concat(),
            };
            notes.push(self.moved("outputs", &names, wanted));
        }
        let sizes = |shape: &[usize]| -> Vec<usize> {
            shape.iter().copied().filter(|&size| size != 1).collect()
        };
        if sizes(shape) != sizes(&self.shape) {
            return Err(DataError::Options {
                file: self.label.clone(),
                reason: format!(
                    "expected outputs of shape {}, as the emulator has, got {}; give a file of the same simulator",
                    shape_text(shape),
                    shape_text(&self.shape)
                ),
            });
        }
        if count > 1 && names.is_empty() != wanted.is_empty() {
            notes.push(format!(
                "{}: the outputs cannot be compared by name ({} here, {} of the emulator): they are taken in their order",
                self.label,
                shown(&names),
                shown(wanted)
            ));
        }
        Ok(())
    }

    /// Notes axes that have the same name but other coordinates.
    fn compare_axes(&self, wanted: &[Axis], notes: &mut Vec<String>) {
        for axis in wanted {
            let Some(own) = self.axes.iter().find(|own| own.name == axis.name) else {
                continue;
            };
            let (low, high) = axis
                .values
                .iter()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| {
                    (low.min(value), high.max(value))
                });
            let tolerance = SAME_COORDINATE * (high - low);
            let mut pairs = own.values.iter().zip(&axis.values);
            let differs = own.values.len() != axis.values.len()
                || pairs.any(|(own, value)| (own - value).abs() > tolerance);
            if differs {
                notes.push(format!(
                    "{}: the axis {:?} has other coordinates than the emulator's ({low} to {high} there): outputs are compared \
                     point by point all the same",
                    self.label, axis.name
                ));
            }
        }
    }

    fn moved(&self, what: &str, names: &[String], wanted: &[String]) -> String {
        format!(
            "{}: the {what} {} are taken by name, as the emulator has them: {}",
            self.label,
            shown(names),
            shown(wanted)
        )
    }

    fn other(&self, what: &str, option: &str, names: &[String], wanted: &[String]) -> DataError {
        DataError::Options {
            file: self.label.clone(),
            reason: format!(
                "expected the {what} {}, as the emulator has, got {}; choose them with {option}",
                shown(wanted),
                shown(names)
            ),
        }
    }
}

fn shown(names: &[String]) -> String {
    list(names.iter().map(String::as_str))
}

fn has_all(names: &[String], wanted: &[String]) -> bool {
    wanted.iter().all(|name| names.contains(name))
}

/// Whether these are the default names of inputs without names.
pub(super) fn is_numbered(names: &[String]) -> bool {
    let mut numbered = names.iter().enumerate();
    numbered.all(|(index, name)| *name == format!("x{index}"))
}

#[cfg(test)]
mod tests {
    use super::super::files::ReadOptions;
    use super::super::testing::{NpzFile, doubles, read, unicode};
    use super::*;

    const CSV: &[u8] = b"a,b,p,q\n1,2,30,40\n5,6,70,80\n";

    fn names(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    fn csv(inputs: &str, outputs: &str) -> Dataset {
        let options = ReadOptions {
            inputs: names(inputs),
            outputs: names(outputs),
            ..ReadOptions::default()
        };
        Dataset::from_csv_bytes(CSV, "t.csv", &options).unwrap()
    }

    fn arranged(data: Dataset, inputs: &str, outputs: &str) -> Result<Arranged, DataError> {
        let (inputs, outputs) = (names(inputs), names(outputs));
        data.arranged(Columns {
            inputs: &inputs,
            outputs: &outputs,
            shape: &[outputs.len()],
            axes: &[],
        })
    }

    #[test]
    fn columns_in_another_order_are_put_right_by_name() {
        let found = arranged(csv("b,a", "q,p"), "a,b", "p,q").unwrap();
        assert_eq!(found.data.x(), [1.0, 2.0, 5.0, 6.0]);
        assert_eq!(found.data.y(), [30.0, 40.0, 70.0, 80.0]);
        assert_eq!(found.data.output_names(), names("p,q"));
        let input: Vec<_> = found.data.inputs().iter().map(|one| one.low).collect();
        assert_eq!(input, [1.0, 2.0]);
        assert!(found.notes[1].contains("outputs q, p are taken by name"));

        let found = arranged(csv("b,a", "q,p"), "a", "p").unwrap();
        assert_eq!(
            (found.data.x(), found.data.y()),
            (&[1.0, 5.0][..], &[30.0, 70.0][..])
        );
        assert_eq!(found.data.shape(), [1]);

        let found = arranged(csv("a,b", "p,q"), "a,b", "p,q").unwrap();
        assert!(found.notes.is_empty(), "{:?}", found.notes);
    }

    #[test]
    fn other_columns_are_refused() {
        for (data, expected) in [
            (
                csv("a,q", "p"),
                "expected the inputs a, b, as the emulator has, got a, q",
            ),
            (
                csv("a", "p"),
                "expected the inputs a, b, as the emulator has, got a",
            ),
            (
                csv("a,b", "q"),
                "expected the outputs p, as the emulator has, got q",
            ),
        ] {
            let error = arranged(data, "a,b", "p").unwrap_err().to_string();
            assert!(
                error.starts_with("t.csv: ") && error.contains(expected),
                "{error}"
            );
        }
    }

    /// The emulator's own columns may be named x0 and x1.
    #[test]
    fn numbers_for_names_are_compared_like_names() {
        let text = b"x0,x1,y\n1,2,3\n4,5,6\n";
        let options = ReadOptions {
            inputs: names("x1,x0"),
            outputs: names("y"),
            ..ReadOptions::default()
        };
        let data = Dataset::from_csv_bytes(text, "t.csv", &options).unwrap();
        let found = arranged(data, "x0,x1", "y").unwrap();
        assert_eq!(found.data.x(), [1.0, 2.0, 4.0, 5.0]);
    }

    #[test]
    fn columns_without_names_keep_their_order_and_that_is_noted() {
        let data = read(&NpzFile::simple(10).bytes()).unwrap();
        let count = data.input_count();
        let before = data.x().to_vec();
        let inputs: Vec<String> = (0..count).map(|k| format!("p{k}")).collect();
        let shape = data.shape().to_vec();
        let found = data.arranged(Columns {
            inputs: &inputs,
            outputs: &[],
            shape: &shape,
            axes: &[],
        });
        let found = found.unwrap();
        assert_eq!(found.data.x(), before);
        assert!(
            found.notes[0].contains("taken in their order"),
            "{:?}",
            found.notes
        );
    }

    #[test]
    fn channels_move_as_a_whole_and_other_shapes_are_refused() {
        let y: Vec<f64> = (0..12).map(f64::from).collect();
        let file = NpzFile::new()
            .with("x", "<f8", &[2, 1], doubles(&[1.0, 2.0]))
            .with("y", "<f8", &[2, 2, 3], doubles(&y))
            .with("y_names", "<U2", &[2], unicode(&["e", "i"], 2))
            .with("y_layout", "<U6", &[], unicode(&["curves"], 6));
        let data = read(&file.bytes()).unwrap();
        let (inputs, outputs) = (names("x0"), names("i,e"));
        let columns = Columns {
            inputs: &inputs,
            outputs: &outputs,
            shape: &[2, 3],
            axes: &[],
        };
        let found = data.clone().arranged(columns).unwrap();
        assert_eq!(
            found.data.y(),
            [3.0, 4.0, 5.0, 0.0, 1.0, 2.0, 9.0, 10.0, 11.0, 6.0, 7.0, 8.0]
        );
        let transposed = Columns {
            shape: &[3, 2],
            outputs: &[],
            ..columns
        };
        let error = data.clone().arranged(transposed).unwrap_err().to_string();
        assert!(
            error.contains("expected outputs of shape (3, 2)"),
            "{error}"
        );
        let one = names("i");
        let columns = Columns {
            outputs: &one,
            shape: &[1, 3],
            ..columns
        };
        let found = data.arranged(columns).unwrap();
        assert_eq!(found.data.shape(), [1, 3]);
        assert_eq!(found.data.y(), [3.0, 4.0, 5.0, 9.0, 10.0, 11.0]);
    }

    #[test]
    fn an_axis_with_other_coordinates_is_noted() {
        let file = NpzFile::new()
            .with("x", "<f8", &[2, 1], doubles(&[1.0, 2.0]))
            .with("y", "<f8", &[2, 3], doubles(&[0.0; 6]))
            .with("nm", "<f8", &[3], doubles(&[400.0, 500.0, 600.0]));
        let data = read(&file.bytes()).unwrap();
        let inputs = names("x0");
        let notes = |last: f64| {
            let axes = [Axis {
                name: "nm".to_owned(),
                values: vec![400.0, 500.0, last],
            }];
            let columns = Columns {
                inputs: &inputs,
                outputs: &[],
                shape: &[3],
                axes: &axes,
            };
            data.clone().arranged(columns).unwrap().notes
        };
        assert!(notes(600.0).is_empty());
        assert!(notes(601.0)[0].contains("\"nm\" has other coordinates"));
    }
}
