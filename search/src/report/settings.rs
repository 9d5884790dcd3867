//! Settings and provenance: enough to repeat the run and to identify the emulator.

use super::facts::Facts;
use super::page::{Page, table};
use super::text::digits;
use dense_codegen::file;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Settings without meaning for a reader: pages of values, clocks.
const LEFT_OUT: [&str; 3] = [
    "cost_model.rates",
    "cost_model.measured",
    "extent.time.nanos",
];

pub(super) fn section(facts: &Facts, page: &mut Page) {
    let head = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
    let mut settings = vec![head("setting", "value")];
    let plan = serde_json::to_value(&facts.description.plan);
    flatten("", &plan.unwrap_or_default(), &mut settings);
    let mut origin = vec![head("provenance", "value")];
    let hash = Sha256::digest(file::to_bytes(&facts.emulator));
    let hash = hash.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    origin.push(head("tool", &facts.description.tool));
    origin.push(head("data", facts.name()));
    origin.push(head("data, SHA-256", facts.data.sha256()));
    origin.push(head("emulator.safetensors, SHA-256", &hash));
    if let Some(from) = &facts.provenance {
        origin.push(head("space", &from.space));
        origin.push(head("steps", &from.steps.to_string()));
        if from.interrupted {
            origin.push(head("interrupted", "true"));
        }
    }
    let mut inputs = vec![["input", "from", "to", "scale"].map(str::to_owned).to_vec()];
    for input in facts.emulator.inputs() {
        let scale = if input.logarithmic {
            "logarithmic"
        } else {
            "linear"
        };
        inputs.push(vec![
            input.name.clone(),
            digits(input.low, 6),
            digits(input.high, 6),
            scale.into(),
        ]);
    }
    let content = format!(
        "<div class=\"grid settings\">{}{}{}</div>",
        table(&inputs, &[false, true, true, false]),
        table(&settings, &[false, false]),
        table(&origin, &[false, false])
    );
    let mut about = String::from(
        "The box in which it was trained, how it was made, and the hashes by which data and emulator are known again.",
    );
    if let Some(coverage) = &facts.emulator.local().coverage {
        about += &format!(
            " The box has holes: inputs farther than the radius from all of {} training points that are kept are flagged as far.",
            coverage.count()
        );
    }
    page.section("Settings and provenance", &about, &content);
}

/// Lists every leaf of the settings with its path.
fn flatten(path: &str, value: &Value, rows: &mut Vec<Vec<String>>) {
    if LEFT_OUT.contains(&path) {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = match path {
                    "" => name.clone(),
                    path => format!("{path}.{name}"),
                };
                flatten(&path, value, rows);
            }
        }
        Value::Null => {}
        Value::Array(_) => rows.push(vec![path.into(), "see run.json".into()]),
        Value::String(text) => rows.push(vec![path.into(), text.clone()]),
        other => rows.push(vec![path.into(), other.to_string()]),
    }
}
