//! `model.rs` of a frozen crate: the public items, the buffers and the calls.

use super::calls;
use crate::domain::Range;
use crate::emulator::{Emulator, Relative};
use crate::local::Local;
use crate::operation::rust::Import;
use crate::plan::BufferPlan;
use crate::template::fill;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The file's text.
pub(super) fn text(emulator: &Emulator) -> String {
    let plan = BufferPlan::new(emulator.graph(), emulator.members());
    let slots = || plan.sizes().iter().enumerate();
    let mut fields = String::new();
    let mut zeros = String::new();
    let mut names = Vec::new();
    for (slot, size) in slots() {
        let _ = writeln!(fields, "    slot{slot}: Aligned<[[f32; {size}]; ROWS]>,");
        let _ = writeln!(zeros, "        slot{slot}: Aligned([[0.0; {size}]; ROWS]),");
        names.push(format!("slot{slot}: Aligned(slot{slot})"));
    }
    let several = emulator.members().len() > 1;
    let body = calls::body(emulator);
    let local = emulator.local();
    let (coverage, far) = match local.coverage {
        None => ("", ""),
        Some(_) => (
            include_str!("templates/coverage.rs.txt"),
            "        local::far_from_data(coverage, slot0, status);\n",
        ),
    };
    let number = |number: usize| number.to_string();
    let text = fill(
        include_str!("templates/model.rs.txt"),
        &[
            ("imports", &imports(&body.imports)),
            ("local_import", &local_import(local)),
            ("local", &logarithmic(emulator)),
            ("coverage", coverage),
            ("far", far),
            ("inputs", &number(emulator.input_count())),
            ("outputs", &number(emulator.output_count())),
            ("members", &number(emulator.members().len())),
            ("macs", &emulator.macs().to_string()),
            ("member_macs", &emulator.member_macs().to_string()),
            ("flash", &number(emulator.flash_bytes())),
            ("ram", &number(emulator.ram_bytes())),
            (
                "ensemble",
                if several {
                    "{self, Calibration}"
                } else {
                    "{self}"
                },
            ),
            ("batch", &number(plan.batch())),
            ("fields", &fields),
            ("zeros", &zeros),
            ("slots", &destructured(&names)),
            ("calls", &body.text),
            ("names", &(self::names(emulator) + &relative(emulator))),
        ],
    );
    if body.copies {
        text + include_str!("templates/copy.rs.txt")
    } else {
        text
    }
}

/// The pattern that destructures the workspace, formatted as rustfmt would.
fn destructured(names: &[String]) -> String {
    let fields: String = names
        .iter()
        .map(|name| format!("        {name},\n"))
        .collect();
    format!("    let Workspace {{\n{fields}    }} = workspace;")
}

/// The imports of the kernels that are called, in rustfmt's order.
fn imports(imports: &BTreeSet<Import>) -> String {
    let mut lines = Vec::new();
    let mut names = Vec::new();
    for import in imports {
        match import {
            Import::Kernel(path) => lines.push(format!("use dense_runtime::kernels::{path};\n")),
            Import::Elementwise(name) => names.push(*name),
        }
    }
    let path = "use dense_runtime::kernels::elementwise";
    match &names[..] {
        [] => {}
        [name] => lines.push(format!("{path}::{name};\n")),
        several => {
            let line = format!("{path}::{{{}}};\n", several.join(", "));
            let wrapped = format!("{path}::{{\n    {},\n}};\n", several.join(", "));
            // rustfmt's lines have at most 100 characters; the line here ends in one more.
            lines.push(if line.len() <= 101 { line } else { wrapped });
        }
    }
    // By whole names, as rustfmt does: a name comes before those that it is a prefix of.
    lines.sort_by_key(|line| line.replace("::", " "));
    lines.concat()
}

/// The names used of the runtime's module for local estimates.
fn local_import(local: &Local) -> String {
    let names = match (&local.error_scale, &local.coverage) {
        (None, None) => return String::new(),
        (Some(_), None) => "Coordinates, ErrorScale",
        (None, Some(_)) => "Coordinates, Coverage",
        (Some(_), Some(_)) => "Coordinates, Coverage, ErrorScale",
    };
    format!("use dense_runtime::local::{{self, {names}}};\n")
}

/// Which inputs are logarithmic, if the local estimates need it.
fn logarithmic(emulator: &Emulator) -> String {
    let Local {
        error_scale,
        coverage,
    } = emulator.local();
    if error_scale.is_none() && coverage.is_none() {
        return String::new();
    }
    let inputs = emulator.inputs().iter();
    let flags = inputs.map(|input| input.logarithmic.to_string()).collect();
    format!(
        "\n/// Which inputs are taken by their logarithm.\n#[rustfmt::skip]\nstatic LOGARITHMIC: [bool; INPUTS] = [{}];\n",
        list(flags)
    )
}

/// Literals in lines, for the body of an array.
fn list(items: Vec<String>) -> String {
    super::weights::literals(items.into_iter())
}

/// Rust expressions for an output and its standard deviation.
pub(super) fn formulas(relative: &Relative) -> [String; 2] {
    let offset = if relative.has_offset() {
        "OFFSET[j] + "
    } else {
        ""
    };
    let scale = if relative.has_scale() {
        "SCALE[j] * "
    } else {
        ""
    };
    [
        format!("{offset}{scale}f64::from(mean[j])"),
        format!("{scale}f64::from(std[j])"),
    ]
}

/// The constants `OFFSET` and `SCALE`, if the emulator has them.
fn relative(emulator: &Emulator) -> String {
    let Some(relative) = &emulator.outputs().relative else {
        return String::new();
    };
    let mut text = String::new();
    let mut write = |name: &str, about: &str, values: &[f64]| {
        let items = values.iter().map(|value| format!("{value:?}")).collect();
        let _ = write!(
            text,
            "\n/// {about}\n#[rustfmt::skip]\npub const {name}: [f64; OUTPUTS] = [{}];\n",
            list(items)
        );
    };
    let [output, deviation] = formulas(relative);
    if relative.has_offset() {
        let about = format!("Output j is `{output}`: float32 cannot represent it.");
        write("OFFSET", &about, &relative.offset);
    }
    if relative.has_scale() {
        let about = format!("Output j is `{output}`, its standard deviation `{deviation}`.");
        write("SCALE", &about, &relative.scale);
    }
    text
}

/// Names and limits of inputs, names of outputs.
fn names(emulator: &Emulator) -> String {
    let quoted = |name: &str| format!("{name:?}");
    let each = |value: fn(&Range) -> f32| {
        let values = emulator.domain().iter().map(value).collect::<Vec<_>>();
        values
            .into_iter()
            .map(|value| format!("{value:?}"))
            .collect::<Vec<_>>()
    };
    let floats = [
        (
            "INPUT_LOW",
            "Lower limit of each input.",
            each(|range| range.low),
        ),
        (
            "INPUT_HIGH",
            "Upper limit of each input.",
            each(|range| range.high),
        ),
        (
            "INPUT_CENTRE",
            "Middle of each input's range.",
            each(|range| range.low * 0.5 + range.high * 0.5),
        ),
    ];
    let mut text = String::new();
    for (name, about, items) in floats {
        let _ = write!(
            text,
            "\n/// {about}\n#[rustfmt::skip]\npub const {name}: [f32; INPUTS] = [{}];\n",
            list(items)
        );
    }
    let names = emulator
        .inputs()
        .iter()
        .map(|input| quoted(&input.name))
        .collect();
    let _ = write!(
        text,
        "\n/// Name of each input.\n#[rustfmt::skip]\npub const INPUT_NAMES: [&str; INPUTS] = [{}];\n",
        list(names)
    );
    let names: Vec<_> = emulator
        .outputs()
        .names
        .iter()
        .map(|name| quoted(name))
        .collect();
    let count = names.len();
    let _ = write!(
        text,
        "\n/// Names of the outputs: of each number, of each channel, or none.\n#[rustfmt::skip]\npub const OUTPUT_NAMES: [&str; {count}] = [{}];\n",
        list(names)
    );
    text
}
