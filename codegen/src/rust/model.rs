//! `model.rs` of a frozen crate: the public items, the buffers and the calls.

use super::calls;
use crate::domain::Range;
use crate::emulator::{Emulator, Relative};
use crate::local::Local;
use crate::plan::Plan;
use std::fmt::Write as _;

/// The file's text.
pub(super) fn text(emulator: &Emulator) -> String {
    let plan = Plan::new(emulator);
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
    let mut text = include_str!("templates/model.rs.txt")
        .replace("{{imports}}", &imports(&body))
        .replace("{{local_import}}", &local_import(local))
        .replace("{{local}}", &logarithmic(emulator))
        .replace("{{coverage}}", coverage)
        .replace("{{far}}", far)
        .replace("{{inputs}}", &emulator.input_count().to_string())
        .replace("{{outputs}}", &emulator.output_count().to_string())
        .replace("{{members}}", &emulator.members().len().to_string())
        .replace("{{macs}}", &emulator.macs().to_string())
        .replace("{{member_macs}}", &emulator.member_macs().to_string())
        .replace("{{flash}}", &emulator.flash_bytes().to_string())
        .replace("{{ram}}", &emulator.ram_bytes().to_string())
        .replace(
            "{{ensemble}}",
            if several {
                "{self, Calibration}"
            } else {
                "{self}"
            },
        )
        .replace("{{batch}}", &plan.batch().to_string())
        .replace("{{fields}}", &fields)
        .replace("{{zeros}}", &zeros)
        .replace("{{slots}}", &destructured(&names))
        .replace("{{calls}}", &body);
    if body.contains("copy(") {
        text += include_str!("templates/copy.rs.txt");
    }
    // Last, so that no name is taken for a place to fill in.
    let names = self::names(emulator) + &relative(emulator);
    text.replace("{{names}}", &names)
}

/// The pattern that takes the workspace apart, laid out as rustfmt does.
fn destructured(names: &[String]) -> String {
    let fields: String = names
        .iter()
        .map(|name| format!("        {name},\n"))
        .collect();
    format!("    let Workspace {{\n{fields}    }} = workspace;")
}

/// The kernels that are called, sorted as rustfmt sorts them.
fn imports(body: &str) -> String {
    const KERNELS: [(&str, &str); 11] = [
        ("add::add", "add("),
        ("conv1d::{Conv1d, conv1d}", " conv1d("),
        ("conv2d::{Conv2d, conv2d}", " conv2d("),
        ("dense::{Dense, dense}", " dense("),
        ("finish::Then", "Then::"),
        ("multiply::multiply", "multiply("),
        ("resize::{Resize, resize}", "resize("),
        ("resize2d::{Resize2d, resize2d}", "resize2d("),
        ("transpose::transpose", "transpose("),
        (
            "transposed_conv1d::{TransposedConv1d, transposed_conv1d}",
            "transposed_conv1d(",
        ),
        (
            "transposed_conv2d::{TransposedConv2d, transposed_conv2d}",
            "transposed_conv2d(",
        ),
    ];
    const ELEMENTWISE: [(&str, &str); 7] = [
        ("Activation", "activation("),
        ("Transform", "transform("),
        ("activation", "activation("),
        ("logarithm", "logarithm("),
        ("rescale", "rescale("),
        ("standardise", "standardise("),
        ("transform", "transform("),
    ];
    let called = |call: &str| match call {
        "Then::" => body.contains(call),
        _ => body.contains(&format!("    {}", call.trim_start())),
    };
    let mut lines: Vec<_> = KERNELS
        .iter()
        .filter(|(_, call)| called(call))
        .map(|(path, _)| format!("use dense_runtime::kernels::{path};\n"))
        .collect();
    let names: Vec<_> = ELEMENTWISE
        .iter()
        .filter(|(_, call)| called(call))
        .map(|(name, _)| *name)
        .collect();
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
    // By whole names, as rustfmt does: a name comes before those that it begins.
    lines.sort_by_key(|line| line.replace("::", " "));
    lines.concat()
}

/// What is used of the runtime's module for all that depends on where the inputs lie.
fn local_import(local: &Local) -> String {
    let names = match (&local.error_scale, &local.coverage) {
        (None, None) => return String::new(),
        (Some(_), None) => "Coordinates, ErrorScale",
        (None, Some(_)) => "Coordinates, Coverage",
        (Some(_), Some(_)) => "Coordinates, Coverage, ErrorScale",
    };
    format!("use dense_runtime::local::{{self, {names}}};\n")
}

/// Which inputs are logarithmic, where what depends on where the inputs lie asks for it.
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

/// Literals in lines, for the inside of an array.
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

/// The constants `OFFSET` and `SCALE`, as far as the emulator has them.
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
