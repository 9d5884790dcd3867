//! Freezing to C: an emulator as one portable C99 file with its header, and as a static library
//! with the same header.
//!
//! `PREFIX.c` needs only a C compiler. `library/` is a crate whose static library has the runtime's
//! kernels behind the same functions. All symbols and macros begin with the prefix, so that several
//! emulators fit into one program.
//!
//! - `header` writes the interface of both,
//! - `source` assembles the file from `arrays` (the constants), `calls` (one line for each step of
//!   the buffer plan, from the operations' own `c.rs`) and the functions of `templates/` that are
//!   called (`functions`),
//! - `costs` compiles it for a processor and measures it,
//! - `names` avoids collisions of names,
//! - `library` writes the crate.

mod arrays;
mod calls;
mod costs;
mod functions;
mod header;
mod library;
mod names;
mod options;
mod source;

use crate::emulator::Emulator;
use crate::interpreter::Order;
use crate::rust::{self, Carried, check_section, write_folder};
use crate::{Error, Result};
pub use costs::CCosts;
pub use options::{ABI, FreezeOptions, Prefix};
use source::Source;
use std::path::{Path, PathBuf};

/// The result of freezing to C.
#[derive(Clone, Debug, PartialEq)]
pub struct FrozenC {
    /// The folder.
    pub path: PathBuf,
    /// The prefix of every symbol.
    pub prefix: Prefix,
    /// Multiply-accumulates of one call.
    pub macs: u64,
    /// Bytes of constants that one call of the C file reads.
    pub flash_bytes: usize,
    /// Bytes of workspace and results on a target without wide vectors.
    pub ram_bytes: usize,
    /// Ensemble members.
    pub members: usize,
    /// Third-party software that the folder carries.
    pub carries: Vec<Carried>,
    /// The costs of the C file on the requested processor, or the reason why they are not known.
    pub costs: Option<std::result::Result<CCosts, String>>,
}

/// Writes the emulator in C to the folder `out`, replacing an older one.
///
/// The folder is written aside and renamed, so that `out` is either complete or unchanged.
///
/// # Errors
/// A section name is not valid, `out` holds something else, or the files cannot be written.
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
        carries: vec![Carried {
            folder: "library/dense-runtime",
            ..rust::RUNTIME
        }],
        costs,
    })
}

/// Rejects invalid names of sections, and names to which compilers give another meaning than
/// constants or code.
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

/// The costs of the C file on the requested processor.
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

/// The constants of the C file as an image, which the C file of another emulator with the same
/// structure can load at run time if it is compiled for this order of rounding.
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
