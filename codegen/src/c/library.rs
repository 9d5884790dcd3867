//! `library/`: a crate whose static library has the frozen Rust code behind the functions of the header.

use super::{ABI, FreezeOptions, Prefix};
use crate::emulator::Emulator;
use crate::graph::Operation;
use crate::rust::{emit_model, in_section, provenance};

/// Every file: path and text.
pub(super) fn files(emulator: &Emulator, options: &FreezeOptions) -> Vec<(String, String)> {
    let prefix = &options.prefix;
    let compact = if outweighs_its_numbers(emulator) {
        ", \"compact\""
    } else {
        ""
    };
    let filled = |template: &str| {
        let text = prefix.fill(template).replace("{{abi}}", &ABI.to_string());
        text.replace("{{compact}}", compact)
    };
    let file = |path: &str, text: String| (format!("library/{path}"), text);
    let mut files = vec![
        file(
            "Cargo.toml",
            filled(include_str!("templates/library/Cargo.toml.txt")),
        ),
        file("build", filled(include_str!("templates/library/build.txt"))),
        file(
            "src/lib.rs",
            filled(include_str!("templates/library/lib.rs.txt")),
        ),
        file(
            "dense-runtime/Cargo.toml",
            filled(include_str!("../rust/templates/runtime.toml.txt"))
                .replace("{{carrier}}", &format!("{}-library", prefix.as_str())),
        ),
    ];
    let section = options.section.as_deref();
    let modules = emit_model(emulator).into_iter();
    let modules = modules.map(|(path, text)| (path, in_section(text, section)));
    files.extend(modules.map(|(path, text)| file(&format!("src/{path}"), text)));
    let sources = dense_runtime::SOURCES.iter();
    files.extend(
        sources.map(|(path, text)| file(&format!("dense-runtime/src/{path}"), (*text).into())),
    );
    files
}

/// Whether the code of the fast kernels would be more than the numbers: those of convolutions, for every kind of block.
fn outweighs_its_numbers(emulator: &Emulator) -> bool {
    const FEW_BYTES: usize = 16 << 10;
    let mut nodes = emulator.graph().nodes().iter();
    let has_convolutions = nodes.any(|node| {
        matches!(
            node.operation(),
            Operation::Conv1d(_)
                | Operation::Conv2d(_)
                | Operation::TransposedConv1d(_)
                | Operation::TransposedConv2d(_)
        )
    });
    has_convolutions && emulator.flash_bytes() <= FEW_BYTES
}

/// What the folder is and how it is used.
pub(super) fn readme(emulator: &Emulator, prefix: &Prefix) -> String {
    // Last, so that nothing in it is taken for a place to fill in.
    prefix
        .fill(include_str!("templates/README.md.txt"))
        .replace("{{provenance}}", &provenance(emulator))
}
