//! Checks the inputs of a data file before it exists, for a design or for a simulator's parameters
//! alone. It finds the problems for which a search would refuse the data. The checks are those of
//! data files ([`Draft::check_inputs`]); the messages are worded for designs.

use super::draft::Draft;
use super::error::DataError;

/// Names with another meaning in a simulator's command.
const PLACES: [&str; 4] = ["input", "output", "folder", "here"];

/// The inputs of a data set that does not exist yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FutureInputs<'a> {
    /// The name of the design or the parameters in errors.
    pub(crate) file: &'a str,
    /// The name of each input.
    pub(crate) names: &'a [String],
    /// Whether the logarithm of each input is used.
    pub(crate) logarithmic: &'a [bool],
    /// Lower and upper limits, if known.
    pub(crate) limits: Option<(&'a [f64], &'a [f64])>,
    /// `[rows][names]`, row-major; may be empty if there are limits.
    pub(crate) x: &'a [f64],
    /// The line of each row.
    pub(crate) lines: &'a [u64],
}

impl FutureInputs<'_> {
    /// Makes all checks of a search. Returns messages for the user.
    ///
    /// # Errors
    /// As [`super::Dataset::read`], as far as it concerns inputs; also a name that has another
    /// meaning in a command.
    pub(crate) fn check(&self) -> Result<Vec<String>, DataError> {
        let refuse = |reason: String| DataError::Options {
            file: self.file.to_owned(),
            reason,
        };
        if let Some(name) = self
            .names
            .iter()
            .find(|name| PLACES.contains(&name.as_str()))
        {
            return Err(refuse(format!(
                "no parameter can be called {name:?}: {{{name}}} means something else in a simulator's command; rename it"
            )));
        }
        let limits = self.limits.map(|(low, high)| (low.to_vec(), high.to_vec()));
        let mut draft = Draft {
            file: self.file.to_owned(),
            lines: Some(self.lines.to_vec()),
            input_names: self.names.to_vec(),
            logarithmic: self.logarithmic.to_vec(),
            limits,
            x: self.x.to_vec(),
            rows: self.lines.len(),
            ..Draft::default()
        };
        match draft.check_inputs() {
            Ok(_) => Ok(draft.notes.iter().map(|note| in_our_words(note)).collect()),
            Err(DataError::InputCount { got, .. }) => Err(refuse(format!(
                "an emulator has 1 to 64 inputs, got {got} parameters; leave out those that do not matter"
            ))),
            Err(DataError::Name { name, .. }) if name.trim().is_empty() => {
                let column = self.names.iter().position(|other| *other == name);
                Err(refuse(format!(
                    "parameter {} has no name; name it or leave its column out (pandas writes such a column unless it is \
                     told index=False)",
                    column.unwrap_or_default() + 1
                )))
            }
            Err(DataError::Name { name, .. }) => Err(refuse(format!(
                "two parameters are called {name:?}, or the name has a line break or a tab; rename it"
            ))),
            Err(DataError::NotPositive { place, value, .. }) => Err(refuse(format!(
                "{place}: its scale is \"log\": expected a number above 1.2e-38, got {value:e}; repair the value or write \
                 scale = \"linear\""
            ))),
            Err(DataError::Box {
                input, low, high, ..
            }) => Err(refuse(self.narrow(&input, low, high))),
            Err(other) => Err(other),
        }
    }

    /// The reason for which the limits of a parameter are not a valid box.
    fn narrow(&self, name: &str, low: f64, high: f64) -> String {
        let place = self.names.iter().position(|other| other == name);
        let logarithmic = place.is_some_and(|place| self.logarithmic[place]);
        let limits = match self.limits {
            Some(_) => "low and high",
            None => "its range",
        };
        let advice = if !(low < high && low.abs().max(high.abs()) <= 1e30) {
            "expected low < high, both of at most 1e30 in magnitude"
        } else if logarithmic && low < f64::from(f32::MIN_POSITIVE) {
            "scale = \"log\" needs low above 1.2e-38; raise it or write scale = \"linear\""
        } else if logarithmic {
            "too narrow for a logarithm in the single precision of an emulator; write scale = \"linear\""
        } else {
            "too narrow beside its magnitude for the single precision of an emulator; let the simulator add a constant, and \
             vary what is added"
        };
        format!("parameter {name:?}: {limits}, {low:?} and {high:?}: {advice}")
    }
}

/// Rewords a note on the arrays of a data file for a file that does not exist yet.
fn in_our_words(note: &str) -> String {
    note.replace("no x_low and x_high", "no parameters with limits")
        .replace("x_low to x_high", "the parameters' limits")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NpzFile, doubles, read};
    use super::*;

    /// A design is refused exactly where a search would refuse its data.
    #[test]
    fn a_design_is_judged_as_the_data_set_that_it_becomes() {
        struct Case(
            Vec<&'static str>,
            bool,
            Option<(f64, f64)>,
            Vec<f64>,
            &'static str,
        );
        let many: Vec<&'static str> = (0..65)
            .map(|index| &*Box::leak(format!("p{index}").into_boxed_str()))
            .collect();
        let two = vec!["a", "b"];
        let table = [
            Case(two.clone(), false, None, vec![1., 2., 3., 4.], ""),
            Case(two.clone(), false, Some((0., 9.)), vec![1., 2., 3., 4.], ""),
            Case(two.clone(), true, Some((1., 9.)), vec![1., 2., 3., 4.], ""),
            // A constant parameter.
            Case(two.clone(), false, None, vec![7., 2., 7., 4.], ""),
            Case(
                vec!["a", ""],
                false,
                None,
                vec![1., 2.],
                "parameter 2 has no name",
            ),
            Case(
                vec!["a", "a"],
                false,
                None,
                vec![1., 2.],
                "two parameters are called",
            ),
            Case(vec!["a", "b\n"], false, None, vec![1., 2.], "line break"),
            Case(many, false, None, vec![0.5; 65], "got 65 parameters"),
            Case(
                two.clone(),
                false,
                None,
                vec![1., 1e35, 2., 3.],
                "line 2, column \"b\"",
            ),
            Case(
                two.clone(),
                true,
                None,
                vec![1., 0., 2., 3.],
                "expected a number above 1.2e-38",
            ),
            Case(
                two.clone(),
                true,
                Some((0., 9.)),
                vec![1., 2.],
                "needs low above 1.2e-38",
            ),
            Case(
                two.clone(),
                false,
                Some((9., 9.)),
                vec![1., 2.],
                "expected low < high",
            ),
            Case(
                two.clone(),
                false,
                Some((0., f64::NAN)),
                vec![1., 2.],
                "expected low < high",
            ),
            Case(
                two.clone(),
                false,
                Some((1e6, 1e6 + 1.)),
                vec![1e6; 4],
                "too narrow beside",
            ),
            Case(
                two.clone(),
                false,
                None,
                vec![1e6, 1., 1e6 + 1., 2.],
                "too narrow beside",
            ),
            Case(
                two.clone(),
                true,
                Some((1., 1.0001)),
                vec![1.; 4],
                "too narrow for a logarithm",
            ),
        ];
        for Case(names, logarithmic, limits, x, expected) in table {
            let count = names.len();
            let rows = x.len() / count;
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            let all = |value: f64| vec![value; count];
            let limits = limits.map(|(low, high)| (all(low), all(high)));
            let lines: Vec<u64> = (2..rows as u64 + 2).collect();
            let checked = FutureInputs {
                file: "design.csv",
                names: &names,
                logarithmic: &vec![logarithmic; count],
                limits: limits.as_ref().map(|(low, high)| (&low[..], &high[..])),
                x: &x,
                lines: &lines,
            }
            .check();
            let texts: Vec<u32> = names
                .iter()
                .flat_map(|name| (0..4).map(|at| name.chars().nth(at).map_or(0, u32::from)))
                .collect();
            let texts: Vec<u8> = texts.into_iter().flat_map(u32::to_le_bytes).collect();
            let mut file = NpzFile::new()
                .with("x", "<f8", &[rows, count], doubles(&x))
                .with("y", "<f8", &[rows], doubles(&vec![1.0; rows]))
                .with("x_log", "|b1", &[count], vec![u8::from(logarithmic); count])
                .with("x_names", "<U4", &[count], texts);
            if let Some((low, high)) = &limits {
                file = file.with("x_low", "<f8", &[count], doubles(low)).with(
                    "x_high",
                    "<f8",
                    &[count],
                    doubles(high),
                );
            }
            let searched = read(&file.bytes());
            match expected {
                "" => {
                    assert!(
                        checked.is_ok() && searched.is_ok(),
                        "{checked:?} {searched:?}"
                    );
                }
                expected => {
                    let error = checked.unwrap_err().to_string();
                    assert!(error.contains(expected), "{expected}: {error}");
                    assert!(searched.is_err(), "{expected}");
                }
            }
        }
    }

    #[test]
    fn names_that_mean_something_else_in_a_command_are_refused() {
        for name in PLACES {
            let names = [name.to_owned()];
            let inputs = FutureInputs {
                file: "p.toml",
                names: &names,
                logarithmic: &[false],
                limits: Some((&[0.0], &[1.0])),
                x: &[],
                lines: &[],
            };
            let error = inputs.check().unwrap_err().to_string();
            assert!(error.contains("rename it"), "{error}");
        }
    }
}
