//! Frozen emulators as modules of a crate that a test writes and builds.

use crate::cases::Case;
use dense_codegen::emulator::Emulator;
use dense_codegen::rust::emit_model;
use std::fs;
use std::path::Path;

/// Writes the frozen code of `cases` to `src/emulators/e<number>/` in the crate's `folder`; returns the declarations of
/// these modules, which belong into `src/emulators.rs`.
pub fn write_modules<'a>(folder: &Path, cases: impl Iterator<Item = &'a Case>) -> String {
    cases
        .map(|case| module(folder, &case.name(), &case.emulator))
        .collect()
}

/// The same for one emulator, in `src/emulators/<name>/`.
pub fn module(folder: &Path, name: &str, emulator: &Emulator) -> String {
    for (path, text) in emit_model(emulator) {
        write(
            &folder.join(format!("src/emulators/{name}")).join(path),
            text,
        );
    }
    // What a frozen crate exports and a test does not read is no fault of the code.
    format!("#[allow(dead_code)]\npub mod {name} {{\n    pub mod model;\n    mod weights;\n}}\n")
}

/// Writes a file and the folders above it.
///
/// # Panics
/// The operating system refuses.
pub fn write(path: &Path, contents: impl AsRef<[u8]>) {
    let folder = path.parent().expect("a file is in a folder");
    fs::create_dir_all(folder).expect("the folder can be made");
    fs::write(path, contents).expect("the file can be written");
}
