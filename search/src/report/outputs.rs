//! Names and coordinates of the outputs, as axis labels.

use super::facts::Facts;

/// The name of an output.
pub(super) fn output_name(facts: &Facts, output: usize) -> String {
    let names = &facts.emulator.outputs().names;
    let name = names.get(output).cloned();
    name.unwrap_or_else(|| format!("output {output}"))
}

/// The coordinate along the last axis of the outputs.
pub(super) fn coordinate(facts: &Facts, length: usize) -> (Vec<f64>, String) {
    let axes = &facts.emulator.outputs().axes;
    match axes.last().filter(|axis| axis.values.len() == length) {
        Some(axis) => (axis.values.clone(), axis.name.clone()),
        None => (
            (0..length).map(|index| index as f64).collect(),
            "output (index)".into(),
        ),
    }
}
