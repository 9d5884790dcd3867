//! Activations in the JSON of spaces: `"Silu"`, while graphs and TOML write `"silu"`.
//!
//! Runs and the history are stored in this form, so it stays, although the function type is the one
//! of graphs.

use dense_codegen::graph::Function;
use serde::{Deserialize, Serialize};

/// The names in JSON.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Function")]
enum Name {
    Relu,
    Silu,
    Tanh,
    Sine,
}

/// A function, written as its name.
#[derive(Serialize, Deserialize)]
struct Named(#[serde(with = "Name")] Function);

/// Returns the name of a function.
pub(crate) fn name(function: Function) -> impl Serialize {
    Named(function)
}

/// The activation of a group, if it has one.
pub(super) mod optional {
    use super::{Function, Named};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::space) fn serialize<S: Serializer>(
        function: &Option<Function>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        function.map(Named).serialize(serializer)
    }

    pub(in crate::space) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Function>, D::Error> {
        let named: Option<Named> = Option::deserialize(deserializer)?;
        Ok(named.map(|Named(function)| function))
    }
}

/// Activations of single candidates, by the candidate's index.
pub(super) mod by_candidate {
    use super::{Function, Named};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::collections::BTreeMap;

    pub(in crate::space) fn serialize<S: Serializer>(
        functions: &BTreeMap<usize, Function>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            functions
                .iter()
                .map(|(candidate, &function)| (candidate, Named(function))),
        )
    }

    /// Keys of JSON are strings. They stay strings where serde tries several forms of a value, as
    /// it does for the space of a run.
    pub(in crate::space) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<usize, Function>, D::Error> {
        let named: BTreeMap<String, Named> = BTreeMap::deserialize(deserializer)?;
        let pair = |(candidate, Named(function)): (String, Named)| {
            let candidate = candidate.parse().map_err(|_| {
                D::Error::custom(format!(
                    "own_activations: expected the index of a candidate, got {candidate:?}"
                ))
            })?;
            Ok((candidate, function))
        };
        named.into_iter().map(pair).collect()
    }
}
