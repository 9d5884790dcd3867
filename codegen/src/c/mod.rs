//! Freezing to C: an emulator as one portable C99 file with its header, and as a static library with the same header.
//!
//! `PREFIX.c` needs a C compiler alone. `library/` is a crate whose static library has the runtime's kernels behind the
//! same functions. All symbols and macros begin with the prefix, so that several emulators fit into one program.
//!
//! - `header` writes what both have in common,
//! - `source` puts the file together from `arrays` (the numbers), `calls` (one line a step of the buffer plan, as the operations'
//!   own `c.rs` write it) and the functions of `templates/` that are called (`functions`),
//! - `costs` compiles it for a processor, and says what it takes there,
//! - `names` sees to it that no name is in the way of another,
//! - `library` writes the crate.

mod arrays;
mod calls;
mod costs;
mod functions;
mod header;
mod library;
mod names;
mod source;

use crate::emulator::Emulator;
use crate::interpreter::Order;
use crate::resources::Processor;
use crate::rust::{self, check_section, write_folder};
use crate::template::fill_also;
use crate::{Error, Result};
pub use costs::CCosts;
use source::Source;
use std::path::{Path, PathBuf};

/// The version of the interface that the header describes: of functions, structures and codes.
pub const ABI: u32 = 4;

/// What the user chooses about the C form.
#[derive(Clone, Debug)]
pub struct FreezeOptions {
    /// What every name begins with.
    pub prefix: Prefix,
    /// The linker's section for all numbers, weights and golden vectors, for example `.qspi_weights`; the usual one if left
    /// out.
    pub section: Option<String>,
    /// The linker's section for the functions, for example `.itcm_code`; the usual one if left out.
    pub code_section: Option<String>,
    /// The processor whose code and stack the header states.
    pub processor: Option<Processor>,
}

impl From<Prefix> for FreezeOptions {
    fn from(prefix: Prefix) -> Self {
        Self {
            prefix,
            section: None,
            code_section: None,
            processor: None,
        }
    }
}

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
    /// What the C file takes on the processor that was asked for; why it is not known where it is not.
    pub costs: Option<std::result::Result<CCosts, String>>,
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

    /// The template with these values, and with `{{prefix}}`, `{{PREFIX}}` (of macros), `{{indent}}` (as wide as the prefix)
    /// and `{{version}}` where it has places for them.
    fn fill(&self, template: &str, values: &[(&str, &str)]) -> String {
        let also = [
            ("prefix", &self.0[..]),
            ("PREFIX", &self.0.to_uppercase()),
            ("indent", &" ".repeat(self.0.len())),
            ("version", env!("CARGO_PKG_VERSION")),
        ];
        fill_also(template, values, &also)
    }
}

/// Writes the emulator in C to the folder `out`, in the place of an older one if there is one.
///
/// The folder is written aside and renamed, so that `out` is whole or as it was.
///
/// # Errors
/// A section cannot have its name, `out` holds something else, or the files cannot be written.
pub fn freeze(emulator: &Emulator, out: &Path, options: &FreezeOptions) -> Result<FrozenC> {
    const MARK: &str = "A frozen DENSE emulator in C";
    check_sections(out, options)?;
    let costs = costs(emulator, options);
    let files = files(emulator, options, costs.as_ref());
    write_folder(out, &files, "README.md", MARK)?;
    Ok(FrozenC {
        path: out.into(),
        prefix: options.prefix.clone(),
        macs: emulator.macs(),
        flash_bytes: arrays::flash_bytes(emulator),
        ram_bytes: emulator.ram_bytes(),
        members: emulator.members().len(),
        costs,
    })
}

/// Refuses names of sections, and those that have a meaning for compilers which is not that of numbers, or of code.
fn check_sections(out: &Path, options: &FreezeOptions) -> Result<()> {
    const WITHOUT_CONTENTS: [&str; 4] = [".bss", ".tbss", ".sbss", ".noinit"];
    const OF_CODE: [&str; 3] = [".text", ".init", ".fini"];
    const OF_NUMBERS: [&str; 4] = [".data", ".rodata", ".sdata", ".tdata"];
    for (section, others, what) in [
        (&options.section, &OF_CODE[..], "code"),
        (&options.code_section, &OF_NUMBERS, "data"),
    ] {
        let section = section.as_deref();
        check_section(out, section)?;
        let is_one_of = |names: &[&str]| {
            let is = |name: &&str| {
                let rest = section.and_then(|section| section.strip_prefix(*name));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            names.iter().any(is)
        };
        let meaning = match () {
            () if is_one_of(&WITHOUT_CONTENTS) => "memory without contents",
            () if is_one_of(others) => what,
            () => continue,
        };
        return Err(Error::Freeze {
            path: out.into(),
            problem: format!(
                "the section {:?} is for {meaning} by its name",
                section.unwrap_or_default()
            ),
            advice: "take a name of your own, for example .emulator_weights, or .emulator_code for code",
        });
    }
    Ok(())
}

/// The emulator as two files: name and text of the C99 file and of its header.
#[must_use]
pub fn emit(emulator: &Emulator, options: &FreezeOptions) -> Vec<(String, String)> {
    emit_with(emulator, options, costs(emulator, options).as_ref())
}

/// What the C file takes on the processor that is asked for.
fn costs(
    emulator: &Emulator,
    options: &FreezeOptions,
) -> Option<std::result::Result<CCosts, String>> {
    let processor = options.processor?;
    let files = emit_with(emulator, options, None);
    Some(CCosts::measure(&files, &options.prefix.0, processor))
}

fn emit_with(
    emulator: &Emulator,
    options: &FreezeOptions,
    costs: Option<&std::result::Result<CCosts, String>>,
) -> Vec<(String, String)> {
    let name = &options.prefix.0;
    let source = Source::new(emulator);
    let memory = header::Memory {
        numbers: source.images[0].bytes().len(),
        tables: source.table_bytes,
        costs,
    };
    vec![
        (
            format!("{name}.h"),
            header::text(emulator, &options.prefix, &memory),
        ),
        (format!("{name}.c"), source.text(options)),
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
fn files(
    emulator: &Emulator,
    options: &FreezeOptions,
    costs: Option<&std::result::Result<CCosts, String>>,
) -> Vec<(String, Vec<u8>)> {
    let mut files = emit_with(emulator, options, costs);
    files.extend(library::files(emulator, options));
    files.push((
        "README.md".into(),
        library::readme(emulator, &options.prefix),
    ));
    // The functions of the C file are the product's own too.
    let licences = dense_runtime::LICENCES.iter();
    files.extend(licences.map(|(path, text)| ((*path).into(), (*text).into())));
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
