//! Valid names of a frozen crate and its sections.

use crate::{Error, Result};
use std::path::Path;

/// Rejects a name that is not valid for a linker section.
pub(crate) fn check_section(out: &Path, section: Option<&str>) -> Result<()> {
    let ordinary = |character: char| character.is_ascii_alphanumeric() || "._".contains(character);
    match section {
        Some(name) if name.len() < 2 || !name.starts_with('.') || !name.chars().all(ordinary) => {
            Err(Error::Freeze {
                path: out.into(),
                problem: format!("{name:?} cannot name a section"),
                advice: "begin with a dot, then take letters, digits, . and _, for example .qspi_weights",
            })
        }
        _ => Ok(()),
    }
}

/// Whether a word is a crate of the compiler or of ours, a keyword of Rust, or a reserved file name
/// on Windows.
pub(super) fn is_taken(name: &str) -> bool {
    const TAKEN: &str = " dense-runtime dense_runtime core std alloc test proc-macro proc_macro \
        abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if impl in \
        let loop macro match mod move mut override priv pub ref return self static struct super trait true try type typeof \
        unsafe unsized use virtual where while yield \
        con prn aux nul com1 com2 com3 com4 com5 com6 com7 com8 com9 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9 ";
    TAKEN.contains(&format!(" {name} "))
}

/// Rejects a name that is not valid for a crate.
pub(super) fn check_name(out: &Path, name: &str) -> Result<()> {
    let ordinary = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || "-_".contains(character)
    };
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
    let refused = |why: &str, advice| {
        Err(Error::Freeze {
            path: out.into(),
            problem: format!("{name:?} cannot name a crate{why}"),
            advice,
        })
    };
    if !begins || !name.chars().all(ordinary) {
        return refused(
            "",
            "take small letters, digits, - and _, a letter first; a crate is named after its folder where no name is given",
        );
    }
    if is_taken(name) {
        let why = ": Rust, cargo or Windows has a meaning of its own for this word";
        return refused(
            why,
            "take another word; a crate is named after its folder where no name is given",
        );
    }
    Ok(())
}
