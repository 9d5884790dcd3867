//! The properties of a model, each a text of its own: a JSON value, except for the hash.

use super::proto::StringStringEntryProto;
use crate::emulator::Emulator;
use crate::file;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Names, units and trained ranges of the inputs; names, shape and axes of the outputs; the origin
/// of the emulator; and the hash of its file, which `sha256sum emulator.safetensors` prints too.
pub(super) fn properties(emulator: &Emulator) -> Vec<StringStringEntryProto> {
    let entry = |key: &str, value: String| StringStringEntryProto {
        key: key.into(),
        value,
    };
    vec![
        entry("inputs", json(emulator.inputs())),
        entry("outputs", json(emulator.outputs())),
        entry("provenance", json(emulator.provenance())),
        entry("emulator_sha256", hash(&file::to_bytes(emulator))),
    ]
}

fn json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).expect("names and finite numbers can be written as JSON")
}

fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes every text");
        text
    })
}
