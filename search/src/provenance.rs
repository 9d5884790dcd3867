//! What an emulator says of the search that it is from: the provenance in its file.

use crate::data::Division;
use crate::error::{Context, Error, Result};
use crate::space::Architecture;
use dense_codegen::Emulator;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// This program and its version.
pub(crate) const TOOL: &str = concat!("dense-search ", env!("CARGO_PKG_VERSION"));
/// What it is called in every version.
const NAME: &str = "dense-search ";

/// Where an emulator of a search is from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The program and its version.
    pub tool: String,
    /// The contender that it was.
    pub space: String,
    /// The seed of every draw, the split's among them.
    pub seed: u64,
    /// What the rows were for; absent where some were held out to choose and calibrate.
    #[serde(default, skip_serializing_if = "is_held_out")]
    pub division: Division,
    /// Weight steps.
    pub steps: usize,
    /// SHA-256 of the data file's bytes.
    pub data_sha256: String,
    /// The probability of each candidate of each group at the end.
    pub probabilities: Vec<Vec<f64>>,
    /// The architectures of the members.
    pub members: Vec<Architecture>,
    /// Whether the search was interrupted; absent where it was not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
}

fn is_held_out(division: &Division) -> bool {
    *division == Division::HeldOut
}

impl Provenance {
    /// Reads the provenance of an emulator; `None` where that is from something other than a search.
    ///
    /// # Errors
    /// A key is missing, or its value is of another type.
    pub fn of(emulator: &Emulator) -> Result<Option<Self>> {
        let values = emulator.provenance();
        let tool = values.get("tool").and_then(serde_json::Value::as_str);
        if !tool.is_some_and(|tool| tool.starts_with(NAME)) {
            return Ok(None);
        }
        let object = values.clone().into_iter().collect();
        let found = serde_json::from_value(serde_json::Value::Object(object));
        found
            .map(Some)
            .context("the emulator's provenance is not that of a search; search again")
    }

    /// Returns the values that an emulator's file holds.
    ///
    /// # Errors
    /// None that is known: every value has a form in JSON.
    pub fn values(&self) -> Result<BTreeMap<String, serde_json::Value>> {
        match serde_json::to_value(self)? {
            serde_json::Value::Object(values) => Ok(values.into_iter().collect()),
            other => Err(Error::Fault(format!("expected an object, got {other}"))),
        }
    }
}
