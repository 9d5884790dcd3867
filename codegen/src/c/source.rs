//! `PREFIX.c`: the functions that are called, the numbers, the call and the self-test.

use super::Prefix;
use super::arrays::{Array, arrays, literal, text as arrays_text};
use super::calls::Calls;
use crate::emulator::Emulator;
use crate::interpreter::Prediction;
use crate::local::Local;
use crate::plan::Plan;
use crate::rust::golden::Golden;
use crate::rust::literals;
use dense_runtime::self_test::crc32;
use std::fmt::Write as _;

/// The functions of C, those that are called before those that call.
const FUNCTIONS: [&str; 6] = [
    include_str!("templates/arithmetic.c.txt"),
    include_str!("templates/elementary.c.txt"),
    include_str!("templates/kernels.c.txt"),
    include_str!("templates/guard.c.txt"),
    include_str!("templates/local.c.txt"),
    include_str!("templates/ensemble.c.txt"),
];

/// The file's text.
pub(super) fn text(emulator: &Emulator, prefix: &Prefix) -> String {
    let plan = Plan::new(emulator);
    let calls = Calls {
        emulator,
        plan: &plan,
    };
    let predict = predict(emulator, &plan, &calls.text());
    let arrays = arrays(emulator);
    let golden = Golden::new(emulator);
    let mut text = String::from(include_str!("templates/prelude.c.txt"));
    text += &functions(&guarded(emulator), &predict);
    text += &arrays_text(&arrays);
    text += &calls.tables();
    text += &ranges(emulator);
    text += &predict;
    text += &golden_text(&golden, &arrays);
    text += &include_str!("templates/self_test.c.txt")
        .replace("{{vectors}}", &golden.inputs.len().to_string())
        .replace("{{hashed}}", &hashed(emulator, &golden, &arrays));
    prefix.fill(&text)
}

/// The functions of the templates, with the guard as this emulator needs it.
fn guarded(emulator: &Emulator) -> String {
    let logarithmic = emulator.domain().iter().any(|range| range.logarithmic);
    let coordinate = match logarithmic {
        true => {
            "/* Which inputs are logarithmic is a constant of the emulator. */\n        \
             const float half =\n            \
             (range->logarithmic ? elementary_ln(select_float(value >= FLT_MIN, value, FLT_MIN)) : value) * 0.5f;"
        }
        false => "const float half = value * 0.5f;",
    };
    let local = match logarithmic {
        true => {
            "const float value =\n            \
             ranges[k].logarithmic ? elementary_ln(select_float(x[k] >= FLT_MIN, x[k], FLT_MIN)) : x[k];"
        }
        false => "const float value = x[k];",
    };
    FUNCTIONS
        .concat()
        .replace("{{coordinate}}", coordinate)
        .replace("{{local_coordinate}}", local)
}

/// Those of the functions that `body`, or one of them, calls.
fn functions(all: &str, body: &str) -> String {
    let mut called = Vec::new();
    let mut calls = body.to_owned();
    let pieces = all
        .split("//! ")
        .skip(1)
        .filter_map(|piece| piece.split_once('\n'));
    for (name, function) in pieces.collect::<Vec<_>>().into_iter().rev() {
        if calls_to(&calls, name) {
            calls += function;
            called.push(function);
        }
    }
    called
        .iter()
        .rev()
        .map(|function| format!("\n{function}"))
        .collect()
}

/// Whether a text calls that function, not one whose name ends alike.
fn calls_to(text: &str, name: &str) -> bool {
    text.match_indices(&format!("{name}(")).any(|(place, _)| {
        !text[..place].ends_with(|before: char| before.is_ascii_alphanumeric() || before == '_')
    })
}

/// `PREFIX_predict`.
fn predict(emulator: &Emulator, plan: &Plan, calls: &str) -> String {
    let mut slots = String::new();
    let mut assignments = String::new();
    let mut offset = 0;
    for (slot, size) in plan.sizes().iter().enumerate() {
        let _ = writeln!(slots, "    float *slot{slot}; /* {size} numbers */");
        let _ = writeln!(
            assignments,
            "    slot{slot} = workspace->values + {offset};"
        );
        offset += size;
    }
    slots += "    int32_t code;\n";
    if calls.contains("k++") {
        slots += "    size_t k;\n";
    }
    let Local {
        error_scale,
        coverage,
    } = emulator.local();
    let mut local = String::new();
    if let Some(coverage) = coverage {
        let count = coverage.count();
        let _ = writeln!(
            local,
            "    here.is_far = far_from_data(RANGES, COVERAGE_CENTRE, COVERAGE_SCALE, WHITENING, {count}, CENTRES, \
             SQUARE_RADIUS, slot0,\n                                here.non_finite);"
        );
    }
    if error_scale.is_some() {
        slots += "    float scale;\n";
        local += "    scale = error_scale(RANGES, ERROR_CENTRE, ERROR_SCALE, LINEAR, SQUARE, EXPONENT, slot0);\n";
    }
    include_str!("templates/predict.c.txt")
        .replace("{{local}}", &local)
        .replace("{{slots}}\n", &slots)
        .replace("{{assignments}}\n", &assignments)
        .replace("{{calls}}\n", calls)
}

/// The guard's constants.
fn ranges(emulator: &Emulator) -> String {
    let mut text = String::from(
        "\n/* The trained box. */\nstatic const struct range RANGES[{{PREFIX}}_INPUTS] = {\n",
    );
    for range in emulator.domain() {
        let [low, high] = range.coordinates().map(|limit| literal(limit * 0.5));
        let centre = literal(range.low * 0.5 + range.high * 0.5);
        let (from, to) = (literal(range.low), literal(range.high));
        let logarithmic = u8::from(range.logarithmic);
        let _ = writeln!(
            text,
            "    {{{from}, {to}, {centre}, {low}, {high}, {logarithmic}}},"
        );
    }
    text + "};\n"
}

/// The golden vectors: inputs, and results as bits in the order that is compiled in.
fn golden_text(golden: &Golden, arrays: &[Array]) -> String {
    let vectors = golden.inputs.len();
    let mut text = format!(
        "\n/* What the emulator must give, bit for bit, by the f32 reference interpreter. */\n\
         static const float GOLDEN_INPUTS[{vectors}][{{{{PREFIX}}}}_INPUTS] = {{\n"
    );
    for input in &golden.inputs {
        let _ = writeln!(
            text,
            "    {{{}    }},",
            literals(input.iter().map(|&value| literal(value)))
        );
    }
    text += "};\n";
    for (directive, predictions) in ["#if FUSED", "#else"].into_iter().zip(&golden.predictions) {
        let _ = writeln!(text, "{directive}");
        let checksum = checksum(golden, arrays, predictions);
        let _ = writeln!(
            text,
            "static const volatile uint32_t CHECKSUM = {checksum:#010X}u;"
        );
        let means: Vec<_> = predictions.iter().map(|row| &row.mean).collect();
        let stds = predictions.iter().map(|row| &row.std).collect();
        for (name, rows) in [("GOLDEN_MEAN", means), ("GOLDEN_STD", stds)] {
            let _ = writeln!(
                text,
                "static const uint32_t {name}[{vectors}][{{{{PREFIX}}}}_OUTPUTS] = {{"
            );
            for row in rows {
                let bits = row.iter();
                let bits = bits.map(|value| format!("{:#010X}u", value.to_bits()));
                let _ = writeln!(text, "    {{{}    }},", literals(bits));
            }
            text += "};\n";
        }
    }
    text + "#endif\n"
}

/// CRC-32 over all arrays, the golden inputs, means and standard deviations.
fn checksum(golden: &Golden, arrays: &[Array], predictions: &[Prediction<f32>]) -> u32 {
    let results = predictions
        .iter()
        .map(|row| &row.mean)
        .chain(predictions.iter().map(|row| &row.std));
    let all = arrays
        .iter()
        .map(|array| &array.values)
        .chain(&golden.inputs)
        .chain(results);
    all.fold(0, |sum, values| crc32(sum, values))
}

/// The statements that take the same checksum.
fn hashed(emulator: &Emulator, golden: &Golden, arrays: &[Array]) -> String {
    let mut text = String::new();
    let mut hash = |name: &str, count: usize| {
        let _ = writeln!(text, "    checksum = crc32(checksum, {name}, {count});");
    };
    for array in arrays {
        hash(&array.name, array.values.len());
    }
    let vectors = golden.inputs.len();
    hash("GOLDEN_INPUTS", vectors * emulator.input_count());
    hash("GOLDEN_MEAN", vectors * emulator.output_count());
    hash("GOLDEN_STD", vectors * emulator.output_count());
    text.trim_end_matches('\n').to_owned()
}
