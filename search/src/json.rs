//! JSON of this program's own files: refused with the file, the key and what is wrong with it.

use crate::error::{Context, Result};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::path::Path;

/// Reads the text of a file; `what` says what it is not where it cannot be read as a `T`.
///
/// # Errors
/// The text is not JSON, a key is missing or unknown, or its value is of another type.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8], file: &Path, what: &str) -> Result<T> {
    serde_json::from_slice(text)
        .map_err(|error| {
            let key = match error.to_string().contains(" field `") {
                true => None,
                false => key_before(text, &error),
            };
            (error, key)
        })
        .or_else(|(error, key)| {
            let key = key.map_or_else(String::new, |key| format!(", at the key {key:?}"));
            Err(error).with_context(|| format!("{}: not {what}{key}; search again", file.display()))
        })
}

/// The last key before the place of an error: that of a value of another type.
fn key_before(text: &[u8], error: &serde_json::Error) -> Option<String> {
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    let before: usize = lines
        .take(error.line().checked_sub(1)?)
        .map(<[u8]>::len)
        .sum();
    let text = text.get(..before + error.column())?;
    let end = text.windows(2).rposition(|pair| pair == b"\":")?;
    let begin = text[..end].iter().rposition(|&byte| byte == b'"')?;
    Some(String::from_utf8_lossy(&text[begin + 1..end]).into_owned())
}

/// Reads a float that is written as `null` where it is not finite: NaN then.
pub(crate) fn float<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// Reads floats as [`float`] does.
pub(crate) fn floats<'de, const COUNT: usize, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<[f64; COUNT], D::Error> {
    let values: Vec<Option<f64>> = Vec::deserialize(deserializer)?;
    let values: Vec<f64> = values.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect();
    let count = values.len();
    let wrong = |_| D::Error::custom(format!("expected {COUNT} numbers, got {count}"));
    values.try_into().map_err(wrong)
}

/// The version of a file's form; no other one is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Version<const NUMBER: u32>;

impl<const NUMBER: u32> Serialize for Version<NUMBER> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(NUMBER)
    }
}

impl<'de, const NUMBER: u32> Deserialize<'de> for Version<NUMBER> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            number if number == NUMBER => Ok(Self),
            number => Err(D::Error::custom(format!(
                "expected version {NUMBER}, got {number}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Table {
        version: Version<2>,
        #[serde(deserialize_with = "float")]
        error: f64,
        rows: Vec<usize>,
    }

    #[test]
    fn what_is_wrong_is_said_with_the_file_and_the_key() {
        let read = |text: &str| parse::<Table>(text.as_bytes(), Path::new("a/t.json"), "a table");
        let good = read("{\"version\": 2, \"error\": 0.5, \"rows\": [1]}").unwrap();
        assert_eq!((good.error, good.rows), (0.5, vec![1]));
        let unknown = read("{\"version\": 2, \"error\": null, \"rows\": []}").unwrap();
        assert!(unknown.error.is_nan());
        for (text, key, reason) in [
            (
                "{\"version\": 2, \"rows\": [1]}",
                "",
                "missing field `error`",
            ),
            (
                "{\"version\": 3, \"error\": 1, \"rows\": []}",
                ", at the key \"version\"",
                "expected version 2, got 3",
            ),
            (
                "{\n \"version\": 2,\n \"error\":\"much\",\n \"rows\": []\n}",
                ", at the key \"error\"",
                "invalid type: string \"much\", expected f64",
            ),
            (
                "{\"version\":2,\"error\":1,\"rows\":[1, 2, true]}",
                ", at the key \"rows\"",
                "invalid type: boolean",
            ),
            (
                "{\"version\": 2, \"rows\"",
                ", at the key \"version\"",
                "EOF",
            ),
            ("", "", "EOF"),
        ] {
            let error = read(text).unwrap_err().chain();
            let expected = format!("a/t.json: not a table{key}; search again: {reason}");
            assert!(error.starts_with(&expected), "{text}: {error}");
        }
    }
}
