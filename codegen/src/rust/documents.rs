//! The files of a frozen crate around its code: manifests, the crate's documentation, test, example
//! and README.

use super::inputs;
use super::model::formulas;
use super::options::{FreezeOptions, RUNTIME, Runtime};
use super::text::{cell, provenance};
use crate::emulator::{Emulator, InputVariable};
use crate::template::{fill, fill_also};
use std::fmt::Write as _;

/// Path and text of each document.
pub(super) fn files(emulator: &Emulator, options: &FreezeOptions) -> Vec<(String, String)> {
    let name = &options.crate_name[..];
    // Members of a workspace share a folder of examples.
    let (standalone, example) = if options.member {
        ("", format!("{name}-latency"))
    } else {
        let standalone = include_str!("templates/standalone.toml.txt");
        (standalone, "latency".to_owned())
    };
    let runtime = match &options.runtime {
        Runtime::Carried => format!(
            "package = \"{name}-runtime\", path = \"{}\"",
            RUNTIME.folder
        ),
        Runtime::Path(path) => {
            let path = toml_string(&path.to_string_lossy());
            format!("package = \"{}\", path = {path}", RUNTIME.name)
        }
        Runtime::Registry => format!("version = \"={}\"", RUNTIME.version),
    };
    let carried = match options.runtime {
        Runtime::Carried => {
            "`dense-runtime/` is under the MIT licence or the Apache licence 2.0, at your option; their texts are\nin it."
        }
        Runtime::Path(_) | Runtime::Registry => {
            "The crate carries no code of others; dense-runtime is under the MIT licence or\nthe Apache licence 2.0, at your option."
        }
    };
    let values = [
        ("runtime", &runtime[..]),
        ("carried", carried),
        ("version", env!("CARGO_PKG_VERSION")),
        ("name", name),
        ("carrier", name),
        ("standalone", standalone),
        ("example", &example),
        ("crate", &name.replace('-', "_")),
    ];
    let filled = |template: &str| fill_also(template, &[], &values);
    let file = |path: &str, template: &str| (path.to_owned(), filled(template));
    let about = about(emulator, name);
    let mut files = vec![
        file("Cargo.toml", include_str!("templates/Cargo.toml.txt")),
        file("build.rs", include_str!("templates/build.rs.txt")),
        file(
            "tests/golden.rs",
            include_str!("templates/golden_test.rs.txt"),
        ),
        file(
            "examples/latency.rs",
            include_str!("templates/latency.rs.txt"),
        ),
        ("src/lib.rs".into(), library(emulator, &about)),
        ("src/inputs.rs".into(), inputs::text(emulator)),
        (
            "README.md".into(),
            format!(
                "# {name}\n\n{about}\n{}",
                filled(include_str!("templates/README.md.txt"))
            ),
        ),
    ];
    if options.runtime == Runtime::Carried {
        files.extend([
            file(
                "dense-runtime/Cargo.toml",
                include_str!("templates/runtime.toml.txt"),
            ),
            file(
                "dense-runtime/build.rs",
                include_str!("templates/build.rs.txt"),
            ),
        ]);
    }
    files
}

/// A text as a basic string in TOML.
fn toml_string(text: &str) -> String {
    // The escapes of JSON are those of TOML.
    serde_json::Value::from(text).to_string()
}

/// The crate's root: documentation and modules.
fn library(emulator: &Emulator, about: &str) -> String {
    let mut text = String::new();
    for line in about.lines() {
        let _ = writeln!(text, "{}", format!("//! {line}").trim_end());
    }
    let relative = emulator.outputs().relative.as_ref();
    let relative = relative.map_or(String::new(), |relative| {
        let constants = [
            ("OFFSET", relative.has_offset()),
            ("SCALE", relative.has_scale()),
        ];
        let constants = constants.into_iter().filter(|(_, there)| *there);
        constants
            .map(|(name, _)| format!("pub use model::{name};\n"))
            .collect()
    });
    text + &fill(
        include_str!("templates/lib.rs.txt"),
        &[("relative", &relative)],
    )
}

/// A description of the emulator of the crate `name`, in Markdown.
fn about(emulator: &Emulator, name: &str) -> String {
    let outputs = emulator.outputs();
    let mut inputs = String::new();
    for InputVariable {
        name,
        low,
        high,
        logarithmic,
    } in emulator.inputs()
    {
        let scale = if *logarithmic {
            "logarithmic"
        } else {
            "linear"
        };
        let _ = writeln!(inputs, "| {} | {low} | {high} | {scale} |", cell(name));
    }
    let mut notes = format!(
        "{:?}, shape `{:?}`, {} numbers.\n",
        outputs.layout,
        outputs.shape,
        emulator.output_count()
    );
    if !outputs.names.is_empty() {
        let names: Vec<_> = outputs.names.iter().map(|name| cell(name)).collect();
        let _ = writeln!(notes, "Names: {}.", names.join(", "));
    }
    for axis in &outputs.axes {
        if let [first, .., last] = axis.values[..] {
            let _ = writeln!(
                notes,
                "Axis {}: {} points from {first} to {last}.",
                cell(&axis.name),
                axis.values.len()
            );
        }
    }
    if let Some(relative) = &outputs.relative {
        let [output, deviation] = formulas(relative);
        let _ = writeln!(
            notes,
            "\nfloat32 cannot represent them: output j is `{output}`, its standard deviation `{deviation}`."
        );
    }
    let far_note = match emulator.local().coverage {
        None => "",
        Some(_) => {
            "- The training points leave holes in the box; the status says where an input is far from all of them.\n"
        }
    };
    fill(
        include_str!("templates/about.md.txt"),
        &[
            ("inputs", &inputs),
            ("version", env!("CARGO_PKG_VERSION")),
            ("crate", &name.replace('-', "_")),
            ("far_note", far_note),
            ("outputs", &notes),
            ("members", &emulator.members().len().to_string()),
            ("macs", &emulator.macs().to_string()),
            ("member_macs", &emulator.member_macs().to_string()),
            ("flash", &emulator.flash_bytes().to_string()),
            ("ram", &emulator.ram_bytes().to_string()),
            ("provenance", &provenance(emulator)),
        ],
    )
}
