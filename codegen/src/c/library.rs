//! `library/`: a crate whose static library has the frozen Rust code behind the functions of the
//! header.

use super::options::{ABI, FreezeOptions, Prefix};
use crate::emulator::Emulator;
use crate::rust::{self, emit_model, in_section, provenance};

/// Every file: path and text.
pub(super) fn files(emulator: &Emulator, options: &FreezeOptions) -> Vec<(String, String)> {
    let prefix = &options.prefix;
    let compact = if outweighs_its_numbers(emulator) {
        ", \"compact\""
    } else {
        ""
    };
    let abi = ABI.to_string();
    let carrier = format!("{}-library", prefix.as_str());
    let file = |path: &str, text: String| (format!("library/{path}"), text);
    let filled = |path: &str, template: &str, values: &[(&str, &str)]| {
        file(path, prefix.fill(template, values))
    };
    let mut files = vec![
        filled(
            "Cargo.toml",
            include_str!("templates/library/Cargo.toml.txt"),
            &[("compact", compact)],
        ),
        filled("build", include_str!("templates/library/build.txt"), &[]),
        filled(
            "src/lib.rs",
            include_str!("templates/library/lib.rs.txt"),
            &[("abi", &abi)],
        ),
        filled(
            "dense-runtime/Cargo.toml",
            include_str!("../rust/templates/runtime.toml.txt"),
            &[("carrier", &carrier)],
        ),
    ];
    let section = options.section.as_deref();
    let modules = emit_model(emulator).into_iter();
    let modules = modules.map(|(path, text)| (path, in_section(text, section)));
    files.extend(modules.map(|(path, text)| file(&format!("src/{path}"), text)));
    files.extend(rust::carried_runtime().map(|(path, text)| file(&path, text)));
    files
}

/// Whether the code of the fast kernels would be larger than the constants: those of convolutions,
/// for every kind of block.
fn outweighs_its_numbers(emulator: &Emulator) -> bool {
    const FEW_BYTES: usize = 16 << 10;
    let mut nodes = emulator.graph().nodes().iter();
    let has_convolutions = nodes.any(|node| node.operation().is_convolution());
    has_convolutions && emulator.flash_bytes() <= FEW_BYTES
}

/// Describes the folder and its use.
pub(super) fn readme(emulator: &Emulator, prefix: &Prefix) -> String {
    prefix.fill(
        include_str!("templates/README.md.txt"),
        &[("provenance", &provenance(emulator))],
    )
}
