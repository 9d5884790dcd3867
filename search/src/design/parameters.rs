//! A simulator's parameters as TOML: name, unit, limits and scale of each.
//!
//! ```toml
//! [[parameter]]
//! name = "T_e_eV"
//! unit = "eV"       # may be left out
//! low = 50
//! high = 800
//! scale = "log"     # or "integer", or "linear", as if left out
//! ```

use crate::data::{DataError, FutureInputs};
use crate::error::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::fs;
use std::path::Path;

/// Every whole number up to here is a double.
const LARGEST_INTEGER: f64 = 9_007_199_254_740_992.0;

/// How a parameter is spread between its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Evenly.
    #[default]
    Linear,
    /// Evenly in its logarithm, which the emulator then takes too.
    Log,
    /// Whole numbers, each as often as any other; the emulator takes them as [`Scale::Linear`].
    Integer,
}

/// One parameter; its limits are finite and `low < high`, above zero where the scale is logarithmic.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Its name, unlike that of any other.
    pub name: String,
    /// Its unit; empty where none is given.
    #[serde(default)]
    pub unit: String,
    /// The lower limit.
    pub low: f64,
    /// The upper limit.
    pub high: f64,
    /// How it is spread.
    #[serde(default)]
    pub scale: Scale,
}

impl Parameter {
    /// The value at a share of the way from the lower to the upper limit, from 0 to 1.
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

    /// A value as a design has it.
    #[must_use]
    pub fn text(&self, value: f64) -> String {
        match self.scale {
            // Without the negative zero.
            Scale::Integer => format!("{:.0}", value + 0.0),
            Scale::Linear | Scale::Log => format!("{value:?}"),
        }
    }

    /// How many values it can have, where they are whole numbers.
    #[must_use]
    pub fn count(&self) -> Option<f64> {
        (self.scale == Scale::Integer).then_some(self.high - self.low + 1.0)
    }

    /// Checks what concerns whole numbers alone; the rest is checked as of a data set.
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
/// The file cannot be read or is not of that form; there are none; a search would refuse their number, names or limits.
pub fn read(path: &Path) -> Result<Vec<Parameter>> {
    let file = path.display();
    let text = fs::read_to_string(path)
        .with_context(|| format!("{file}: cannot be read; check the path and its permissions"))?;
    parse(&text).with_context(|| format!("{file}: not the parameters of a simulator"))
}

/// Reads the parameters in a text.
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

/// Checks all that a search would refuse about parameters that are run at the points `x`, which stand on these lines of
/// `file`; returns what the user should be told.
///
/// # Errors
/// As a search would say of the data set.
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
