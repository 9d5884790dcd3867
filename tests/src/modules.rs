//! Frozen emulators as modules of a crate that a test writes and builds.

use crate::cases::Case;
use dense_codegen::emulator::Emulator;
use dense_codegen::rust::emit_model;
use std::fs;
use std::path::Path;

/// Writes the frozen code of `cases` to `src/emulators/NAME/` in the crate's `folder`; returns the
/// declarations of these modules, for `src/emulators.rs`.
pub fn write_modules<'a>(folder: &Path, cases: impl Iterator<Item = &'a Case>) -> String {
    let mut declarations = String::new();
    for case in cases {
        let (declaration, files) = module(&case.name(), &case.emulator);
        declarations += &declaration;
        for (path, text) in files {
            write(&folder.join(path), text);
        }
    }
    declarations
}

/// One emulator's module: its declaration, and its files in `src/emulators/NAME/`.
#[must_use]
pub fn module(name: &str, emulator: &Emulator) -> (String, Vec<(String, Vec<u8>)>) {
    let files = emit_model(emulator).into_iter();
    let files = files.map(|(path, text)| (format!("src/emulators/{name}/{path}"), text.into()));
    // A test need not use everything that a frozen crate exports.
    let declaration = format!(
        "#[allow(dead_code)]\npub mod {name} {{\n    pub mod model;\n    mod weights;\n}}\n"
    );
    (declaration, files.collect())
}

/// Writes a file and the folders above it.
///
/// # Panics
/// The operating system fails.
pub fn write(path: &Path, contents: impl AsRef<[u8]>) {
    let folder = path.parent().expect("a file is in a folder");
    fs::create_dir_all(folder).expect("the folder can be made");
    fs::write(path, contents).expect("the file can be written");
}
