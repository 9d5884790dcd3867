//! Freezing to C: an emulator as one portable C99 file with its header, and as a static library with the same header.
//!
//! `PREFIX.c` needs a C compiler alone. `library/` is a crate whose static library has the runtime's kernels behind the
//! same functions. All symbols and macros begin with the prefix, so that several emulators fit into one program.
//!
//! - `header` writes what both have in common,
//! - `source` puts the file together from `arrays` (the numbers), `calls` (one line a step of the buffer plan),
//!   `positions` (which positions of a convolution see the input through the same taps) and the functions of
//!   `templates/` that are called,
//! - `names` sees to it that no name is in the way of another,
//! - `library` writes the crate.

mod arrays;
mod calls;
mod header;
mod library;
mod names;
mod positions;
mod source;

use crate::Result;
use crate::emulator::Emulator;
use crate::interpreter::Order;
use crate::rust::{self, write_folder};
use source::Source;
use std::path::{Path, PathBuf};

/// The version of the interface that the header describes: of functions, structures and codes.
pub const ABI: u32 = 3;

/// What was frozen to C.
#[derive(Clone, Debug, PartialEq)]
pub struct FrozenC {
    /// The folder.
    pub path: PathBuf,
    /// What every symbol begins with.
    pub prefix: Prefix,
    /// Multiply-accumulates of one call.
    pub macs: u64,
    /// Bytes of constants that one call of the C file reads.
    pub flash_bytes: usize,
    /// Bytes of workspace and results on a target without wide vectors.
    pub ram_bytes: usize,
    /// Ensemble members.
    pub members: usize,
}

/// What every function, type and macro of an emulator begins with: small letters, digits and `_`, a letter first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// The prefix of that name.
    ///
    /// # Errors
    /// What is wrong with the name.
    pub fn new(name: &str) -> Result<Self, String> {
        let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
        let ordinary =
            |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '_';
        let is_ordinary = begins && name.chars().all(ordinary);
        if is_ordinary && let Some(trouble) = names::trouble(name) {
            return Err(format!(
                "{name:?} cannot begin the names of C: {trouble}; take another word, for example {name}_emulator"
            ));
        }
        if is_ordinary && !name.contains("__") && name.len() <= 40 {
            return Ok(Self(name.into()));
        }
        Err(format!(
            "{name:?} cannot begin the names of C: take at most 40 small letters, digits and single _, a letter first"
        ))
    }

    /// The nearest prefix to any name.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        let mut prefix = String::new();
        for sign in name.chars().map(|sign| sign.to_ascii_lowercase()) {
            match sign {
                'a'..='z' => prefix.push(sign),
                '0'..='9' if !prefix.is_empty() => prefix.push(sign),
                _ if !prefix.is_empty() && !prefix.ends_with('_') => prefix.push('_'),
                _ => {}
            }
        }
        prefix.truncate(40);
        Self::new(prefix.trim_end_matches('_')).unwrap_or_else(|_| Self("emulator".into()))
    }

    /// The prefix of functions and types.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Fills a template: `{{prefix}}`, `{{PREFIX}}` (of macros), `{{indent}}` (as wide as the prefix) and `{{version}}`.
    fn fill(&self, template: &str) -> String {
        template
            .replace("{{prefix}}", &self.0)
            .replace("{{PREFIX}}", &self.0.to_uppercase())
            .replace("{{indent}}", &" ".repeat(self.0.len()))
            .replace("{{version}}", env!("CARGO_PKG_VERSION"))
    }
}

/// Writes the emulator in C to the folder `out`, in the place of an older one if there is one.
///
/// The folder is written aside and renamed, so that `out` is whole or as it was.
///
/// # Errors
/// `out` holds something else, or the files cannot be written.
pub fn freeze(emulator: &Emulator, out: &Path, prefix: &Prefix) -> Result<FrozenC> {
    const MARK: &str = "A frozen DENSE emulator in C";
    let files = files(emulator, prefix);
    write_folder(out, &files, "README.md", MARK)?;
    Ok(FrozenC {
        path: out.into(),
        prefix: prefix.clone(),
        macs: emulator.macs(),
        flash_bytes: arrays::flash_bytes(emulator),
        ram_bytes: emulator.ram_bytes(),
        members: emulator.members().len(),
    })
}

/// The emulator as two files: name and text of the C99 file and of its header.
#[must_use]
pub fn emit(emulator: &Emulator, prefix: &Prefix) -> Vec<(String, String)> {
    vec![
        (format!("{}.h", prefix.0), header::text(emulator, prefix)),
        (
            format!("{}.c", prefix.0),
            Source::new(emulator).text(emulator, prefix),
        ),
    ]
}

/// The numbers of the C file as an image, which that of another emulator of the same structure takes at run time where it is
/// compiled for this order of rounding.
#[must_use]
pub fn image(emulator: &Emulator, order: Order) -> Vec<u8> {
    let [fused, separate] = Source::new(emulator).images;
    match order {
        Order::Fused => fused.bytes(),
        Order::Separate => separate.bytes(),
    }
}

/// Every file of the folder: path and contents.
fn files(emulator: &Emulator, prefix: &Prefix) -> Vec<(String, Vec<u8>)> {
    let mut files = emit(emulator, prefix);
    files.extend(library::files(emulator, prefix));
    files.push(("README.md".into(), library::readme(emulator, prefix)));
    let files = files.into_iter();
    let mut files: Vec<_> = files
        .map(|(path, text)| (path, text.into_bytes()))
        .collect();
    files.extend([
        ("weights-fused.bin".into(), image(emulator, Order::Fused)),
        (
            "weights-separate.bin".into(),
            image(emulator, Order::Separate),
        ),
        (
            format!("library/{}", rust::IMAGE_FILE),
            rust::image(emulator),
        ),
    ]);
    files
}

#[cfg(test)]
mod tests;
