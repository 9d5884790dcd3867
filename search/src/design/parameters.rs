//! The parameters of a simulator as TOML: name, unit, limits and scale of each.
//!
//! ```toml
//! [[parameter]]
//! name = "T_e_eV"
//! unit = "eV"       # optional
//! low = 50
//! high = 800
//! scale = "log"     # or "integer" or "linear" (the default)
//! ```

use crate::data::{DataError, FutureInputs};
use crate::error::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::fs;
use std::path::Path;

/// All integers up to this one are exact in a double.
const LARGEST_INTEGER: f64 = 9_007_199_254_740_992.0;

/// The distribution of a parameter between its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Uniform.
    #[default]
    Linear,
    /// Uniform in the logarithm, which is also the emulator's input.
    Log,
    /// Integers, all equally likely; the emulator treats them as [`Scale::Linear`].
    Integer,
}

/// One parameter. Its limits are finite with `low < high`, and positive if the scale is
/// logarithmic.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// The name, which is unique.
    pub name: String,
    /// The unit, or empty.
    #[serde(default)]
    pub unit: String,
    /// The lower limit.
    pub low: f64,
    /// The upper limit.
    pub high: f64,
    /// The distribution between the limits.
    #[serde(default)]
    pub scale: Scale,
}

impl Parameter {
    /// Returns the value at a fraction (0 to 1) of the way from the lower to the upper limit.
    #[must_use]
    pub fn at(&self, share: f64) -> f64 {
        let Self { low, high, .. } = *self;
        let value = match self.scale {
            Scale::Linear => low + share * (high - low),
            Scale::Log => (low.ln() + share * (high.ln() - low.ln())).exp(),
            Scale::Integer => low + (share * (high - low + 1.0)).floor(),
        };
        value.clamp(low, high)
    }

    /// Formats a value for a design.
    #[must_use]
    pub fn text(&self, value: f64) -> String {
        match self.scale {
            // Adding 0.0 avoids a negative zero.
            Scale::Integer => format!("{:.0}", value + 0.0),
            Scale::Linear | Scale::Log => format!("{value:?}"),
        }
    }

    /// Returns the number of possible values, if they are integers.
    #[must_use]
    pub fn count(&self) -> Option<f64> {
        (self.scale == Scale::Integer).then_some(self.high - self.low + 1.0)
    }

    /// Checks the rules for integers; a data set is checked for the others.
    fn check(&self) -> Result<()> {
        let Self {
            name, low, high, ..
        } = self;
        ensure!(
            Parameters,
            self.scale != Scale::Integer
                || [low, high]
                    .iter()
                    .all(|limit| limit.fract() == 0.0 && limit.abs() <= LARGEST_INTEGER),
            "parameter {name:?}: scale = \"integer\" needs whole limits of at most 2^53, got {low:?} and {high:?}"
        );
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(default)]
    parameter: Vec<Parameter>,
}

/// Reads the parameters in a file.
///
/// # Errors
/// If the file cannot be read or has another format, contains no parameters, or a search would
/// reject their number, names or limits.
pub fn read(path: &Path) -> Result<Vec<Parameter>> {
    let file = path.display();
    let text = fs::read_to_string(path)
        .with_context(|| format!("{file}: cannot be read; check the path and its permissions"))?;
    parse(&text).with_context(|| format!("{file}: not the parameters of a simulator"))
}

/// Parses parameters from a text.
///
/// # Errors
/// As [`read`].
pub fn parse(text: &str) -> Result<Vec<Parameter>> {
    let Text { parameter: all } = toml::from_str(text)?;
    if all.is_empty() {
        bail!(
            Parameters,
            "no [[parameter]]; begin one with that line, then name, low and high"
        );
    }
    check(&all, "its parameters", &[], &[])?;
    all.iter().try_for_each(Parameter::check)?;
    Ok(all)
}

/// Checks everything that a search would reject about the parameters of runs at the points `x`,
/// which are on these lines of `file`; returns warnings for the user.
///
/// # Errors
/// Those that a search would report for the data set.
pub(crate) fn check(
    all: &[Parameter],
    file: &str,
    x: &[f64],
    lines: &[u64],
) -> Result<Vec<String>, DataError> {
    let column = |value: fn(&Parameter) -> f64| all.iter().map(value).collect::<Vec<_>>();
    let names: Vec<String> = all.iter().map(|one| one.name.clone()).collect();
    let logarithmic: Vec<bool> = all.iter().map(|one| one.scale == Scale::Log).collect();
    let inputs = FutureInputs {
        file,
        names: &names,
        logarithmic: &logarithmic,
        limits: Some((&column(|one| one.low), &column(|one| one.high))),
        x,
        lines,
    };
    let notes = inputs.check()?;
    let cells = x.chunks_exact(all.len().max(1)).zip(lines);
    for (point, line) in cells {
        let broken =
            |(one, value): &(&Parameter, &f64)| one.scale == Scale::Integer && value.fract() != 0.0;
        if let Some((one, value)) = all.iter().zip(point).find(broken) {
            return Err(DataError::Options {
                file: file.to_owned(),
                reason: format!(
                    "line {line}, column {:?}: its scale is \"integer\": expected a whole number, got {value:?}; repair the \
                     cell or write scale = \"linear\"",
                    one.name
                ),
            });
        }
    }
    Ok(notes)
}
