//! `dense-search completions` and `dense-search man`: what shells and the manual know of the command line.

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
pub fn completions(shell: Shell, mut command: Command) -> anyhow::Result<String> {
    let (name, mut script) = (command.get_name().to_owned(), Vec::new());
    generate(shell, &mut command, name, &mut script);
    Ok(String::from_utf8(script)?)
}

/// Returns the manual page of the program, or of one of its commands.
///
/// # Errors
/// There is no command of that name.
pub fn page(mut command: Command, of: Option<&str>) -> anyhow::Result<String> {
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
pub fn pages(command: Command, folder: &Path) -> anyhow::Result<()> {
    let written = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        generate_to(command, folder)
    };
    written().with_context(|| format!("{}: cannot be written", folder.display()))
}
