//! `dense-search completions` and `dense-search man`: completions for shells, and manual pages.

use anyhow::{Context, anyhow};
use clap::Command;
use clap_complete::{Shell, generate};
use clap_mangen::{Man, generate_to};
use std::fs;
use std::path::Path;

/// Returns the completions of a shell.
///
/// # Errors
/// None: the text is UTF-8.
pub(crate) fn completions(shell: Shell, mut command: Command) -> anyhow::Result<String> {
    let (name, mut script) = (command.get_name().to_owned(), Vec::new());
    generate(shell, &mut command, name, &mut script);
    Ok(String::from_utf8(script)?)
}

/// Returns the manual page of the program, or of one of its commands.
///
/// # Errors
/// There is no such command.
pub(crate) fn page(mut command: Command, of: Option<&str>) -> anyhow::Result<String> {
    command.build();
    let command = match of {
        None => command,
        Some(name) => command
            .find_subcommand(name)
            .cloned()
            .ok_or_else(|| anyhow!("{name}: no such command; dense-search --help lists them"))?,
    };
    let name = command.get_display_name().unwrap_or(command.get_name());
    let (name, mut page) = (name.to_owned(), Vec::new());
    Man::new(command.display_name(name)).render(&mut page)?;
    Ok(String::from_utf8(page)?)
}

/// Writes all manual pages into a folder.
///
/// # Errors
/// They cannot be written.
pub(crate) fn pages(command: Command, folder: &Path) -> anyhow::Result<()> {
    let written = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        generate_to(command, folder)
    };
    written().with_context(|| format!("{}: cannot be written", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::arguments::Cli;
    use clap::{CommandFactory, ValueEnum};

    fn names() -> Vec<String> {
        let commands = Cli::command();
        let names = commands.get_subcommands();
        names.map(|one| one.get_name().to_owned()).collect()
    }

    #[test]
    fn every_shell_completes_every_command() {
        for shell in Shell::value_variants() {
            let script = completions(*shell, Cli::command()).unwrap();
            for name in names() {
                assert!(script.contains(&name), "{shell}: {name}");
            }
        }
    }

    #[test]
    fn every_command_has_a_page_with_an_example() {
        let folder = tempfile::tempdir().unwrap();
        pages(Cli::command(), folder.path()).unwrap();
        let whole = page(Cli::command(), None).unwrap();
        for name in names() {
            let one = page(Cli::command(), Some(&name)).unwrap();
            assert!(one.contains(&format!("dense\\-search\\-{name}")), "{one}");
            assert!(one.contains("Example"), "{name} has no example");
            assert!(whole.contains(&name));
            let file = folder.path().join(format!("dense-search-{name}.1"));
            assert!(file.exists(), "{}", file.display());
        }
        let error = page(Cli::command(), Some("serach")).unwrap_err();
        assert!(error.to_string().contains("--help"));
    }
}
