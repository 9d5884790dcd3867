//! `library/`: a crate whose static library has the frozen Rust code behind the functions of the header.

use super::{ABI, Prefix};
use crate::emulator::Emulator;
use crate::rust::{emit_model, provenance};

/// Every file: path and text.
pub(super) fn files(emulator: &Emulator, prefix: &Prefix) -> Vec<(String, String)> {
    let filled = |template: &str| prefix.fill(template).replace("{{abi}}", &ABI.to_string());
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
    let modules = emit_model(emulator).into_iter();
    files.extend(modules.map(|(path, text)| file(&format!("src/{path}"), text)));
    let sources = dense_runtime::SOURCES.iter();
    files.extend(
        sources.map(|(path, text)| file(&format!("dense-runtime/src/{path}"), (*text).into())),
    );
    files
}

/// What the folder is and how it is used.
pub(super) fn readme(emulator: &Emulator, prefix: &Prefix) -> String {
    // Last, so that nothing in it is taken for a place to fill in.
    prefix
        .fill(include_str!("templates/README.md.txt"))
        .replace("{{provenance}}", &provenance(emulator))
}
