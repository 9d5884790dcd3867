//! Finds the words of a command that name files of the folder from which `collect` was called.
//!
//! A run starts in its own empty folder, so that a relative path that a command *reads* cannot
//! exist there. [`files`] finds such words, and modules that Python runs (`-m`) or imports (`-c`).
//! It skips words that a run *writes*: after `>`, after an option such as `-o`, the destination of
//! `cp`, a name that a later command uses, or data of a command that follows a program, which may
//! have created it. In doubt a word is left unchanged: a missing file causes an error, but a file
//! shared by all runs would mix their results.

use crate::shell::{Quote, Quoting};
use std::collections::BTreeSet;

/// A path or a word in a command.
#[derive(Debug, Clone, Default)]
struct Word {
    /// The word after the shell's expansion.
    text: String,
    /// Its start in the command.
    start: usize,
    /// The start of the part after the first `=`, in `text` and in the command.
    value: Option<(usize, usize)>,
    /// Whether it contains more than literal text: a placeholder, a variable or a pattern.
    unknown: bool,
    /// Whether the shell opens it for writing.
    written: bool,
}

/// The kind of a relative path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A program or a script.
    Program,
    /// Another file, or a folder.
    Other,
}

impl Kind {
    /// Returns the kind of a file from its name and whether it is executable.
    pub(super) fn of(name: &str, executable: bool) -> Self {
        const SCRIPTS: [&str; 14] = [
            "awk", "bash", "exe", "jar", "jl", "js", "lua", "m", "pl", "py", "R", "r", "rb", "sh",
        ];
        let last = name.rsplit('/').next().unwrap_or_default();
        match last.rsplit_once('.') {
            Some((_, ending)) if SCRIPTS.contains(&ending) => Self::Program,
            None if executable => Self::Program,
            _ => Self::Other,
        }
    }
}

/// A text to insert into a command, and the file that requires it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The file.
    pub(super) name: String,
    /// The position in the command.
    pub(super) place: usize,
    /// The text.
    pub(super) text: &'static str,
}

/// Commands that write only to files named by their arguments.
const PLAIN: [&str; 28] = [
    ".", "[", ":", "awk", "cat", "cp", "cut", "echo", "export", "grep", "head", "install", "ln",
    "mkdir", "module", "mv", "printf", "rm", "sed", "set", "sort", "source", "tail", "tee", "test",
    "touch", "tr", "true",
];
/// Commands that write to their last argument.
const WRITE_LAST: [&str; 5] = ["cp", "install", "ln", "mv", "rsync"];
/// Commands that write to all their arguments.
const WRITE_ALL: [&str; 5] = ["mkdir", "rm", "rmdir", "tee", "touch"];
/// Words that may precede a command.
const BEFORE: [&str; 9] = [
    "if", "then", "else", "elif", "while", "until", "do", "!", "{",
];

/// Lets Python find modules in the folder from which `collect` was called.
const PYTHON_PATH: &str = "PYTHONPATH={here}:$PYTHONPATH ";

/// Returns the words of a command that name files of a folder; `kind` looks up a path in that
/// folder.
pub(super) fn files(command: &str, kind: impl Fn(&str) -> Option<Kind>) -> Vec<Found> {
    let commands = split(command);
    let (mut found, mut made) = (Vec::new(), BTreeSet::new());
    let mut program_ran = false;
    let here = |name: &str| {
        let relative = !name.starts_with('/') && !matches!(name, "" | "." | "..");
        kind(name).filter(|_| relative)
    };
    for (index, words) in commands.iter().enumerate() {
        let begin = words
            .iter()
            .position(|word| !is_before(word) && (word.value.is_none() || word.written));
        let begin = begin.unwrap_or(words.len());
        let name = words.get(begin).map_or("", |word| word.text.as_str());
        let base = name.rsplit('/').next().unwrap_or_default();
        let arguments = words.get(begin + 1..).unwrap_or_default();
        let options = |word: &Word| word.text.starts_with('-');
        let last = arguments
            .iter()
            .rposition(|word| !options(word) && !word.written);
        for (position, word) in words.iter().enumerate() {
            let argument = position.checked_sub(begin + 1);
            let option = argument
                .and_then(|argument| arguments.get(argument.checked_sub(1)?))
                .map_or("", |word| word.text.as_str());
            if matches!(option, "-m" | "-c") && words[..position].iter().any(is_python) {
                let there = |name: &&str| {
                    let package = name.split('.').next().unwrap_or_default();
                    here(package)
                        .or_else(|| here(&format!("{package}.py")))
                        .is_some()
                };
                let modules = match option {
                    "-m" => vec![word.text.as_str()],
                    _ => imported(&word.text),
                };
                let told = words[..begin]
                    .iter()
                    .any(|word| word.text.starts_with("PYTHONPATH="));
                let assigned = words.iter().find(|word| !is_before(word));
                let place = assigned.map_or(0, |word| word.start);
                let modules = modules.into_iter().filter(there).filter(|_| !told);
                found.extend(modules.enumerate().map(|(number, name)| Found {
                    name: name.to_owned(),
                    place,
                    // One insertion serves all modules.
                    text: if number == 0 { PYTHON_PATH } else { "" },
                }));
                continue;
            }
            if word.unknown && word.value.is_none() {
                continue;
            }
            let written = word.written
                || is_output(option)
                || (argument.is_some() && WRITE_ALL.contains(&base))
                || (argument.is_some() && argument == last && WRITE_LAST.contains(&base));
            // The name of a command is looked up in PATH, unless it is a path.
            let path = position != begin || word.text.contains('/');
            let whole = here(&word.text).filter(|_| path && !word.unknown);
            let (name, place, kind) = match (whole, word.value) {
                (Some(kind), _) => (&word.text[..], word.start, kind),
                (None, Some((text, place))) if !is_output(&word.text) => {
                    let value = word.text.get(text..).unwrap_or_default();
                    match here(value) {
                        Some(kind) => (value, place, kind),
                        None => continue,
                    }
                }
                _ => {
                    if written {
                        made.insert(plain(&word.text).to_owned());
                    }
                    continue;
                }
            };
            let name = plain(name);
            let taken_up = || {
                let later = commands[index + 1..].iter().flatten();
                !PLAIN.contains(&base) && later.into_iter().any(|other| plain(&other.text) == name)
            };
            let data = kind == Kind::Other && position != begin;
            if written || made.contains(name) || (data && (program_ran || taken_up())) {
                made.insert(name.to_owned());
                continue;
            }
            found.push(Found {
                name: name.to_owned(),
                place,
                text: "{here}/",
            });
        }
        if base == "cd" {
            // Later paths are relative to another folder.
            break;
        }
        program_ran |= !name.is_empty() && !PLAIN.contains(&base);
    }
    // A variable assignment precedes its command, which may itself be a file of the folder.
    found.sort_by_key(|one| (one.place, one.text != PYTHON_PATH));
    found
}

/// Whether a command starts after this word.
fn is_before(word: &Word) -> bool {
    BEFORE.contains(&word.text.as_str())
}

/// Returns the modules that Python code imports, unless the code changes its search path.
fn imported(code: &str) -> Vec<&str> {
    if code.contains("sys.path") {
        return Vec::new();
    }
    let statements = code.split([';', '\n', ':']).map(str::trim);
    let names = statements.flat_map(|statement| -> Vec<&str> {
        match statement.split_once(char::is_whitespace) {
            Some(("import", names)) => names.split(',').collect(),
            Some(("from", rest)) => vec![rest],
            _ => Vec::new(),
        }
    });
    // `a as b`, `a import b`
    names
        .filter_map(|name| name.split_whitespace().next())
        .collect()
}

/// Inserts the texts into a command.
pub(super) fn insert(command: &str, found: &[Found]) -> String {
    let (mut all, mut from) = (String::new(), 0);
    for Found { place, text, .. } in found {
        let rest = &command[*place..];
        let dots = rest.len() - plain(rest).len();
        let dots = if text.ends_with('/') { dots } else { 0 };
        all += &command[from..*place];
        all += text;
        from = place + dots;
    }
    all + &command[from..]
}

fn is_python(word: &Word) -> bool {
    let base = word.text.rsplit('/').next().unwrap_or_default();
    base.starts_with("python")
}

/// Whether an option names an output.
fn is_output(option: &str) -> bool {
    option.starts_with("-o") || option.starts_with("--o")
}

/// Returns the path without a leading `./`.
fn plain(path: &str) -> &str {
    path.trim_start_matches("./")
}

/// Returns the literal paths after `{here}/` in a command.
pub(super) fn shared(command: &str) -> Vec<String> {
    let words = split(command).into_iter().flatten();
    words
        .filter_map(|word| {
            let place = word.text.find("{here}/")?;
            let rest = &word.text[place + "{here}/".len()..];
            (!rest.contains(['{', '}', '$', '*', '?'])).then(|| rest.to_owned())
        })
        .collect()
}

/// Splits a command into simple commands and these into words.
fn split(command: &str) -> Vec<Vec<Word>> {
    let (mut commands, mut words) = (Vec::new(), Vec::new());
    let mut word: Option<Word> = None;
    let mut written = false;
    let mut quoting = Quoting::new();
    let (mut comment, mut escaped) = (false, false);
    for (place, letter) in command.char_indices() {
        let now = quoting.now();
        if comment {
            comment = letter != '\n';
            if comment {
                continue;
            }
        }
        let within = quoting.within();
        quoting.pass(letter);
        let within = within || quoting.within();
        let begin = |word: &mut Option<Word>| {
            word.get_or_insert_with(|| Word {
                start: place,
                written,
                ..Word::default()
            });
        };
        if std::mem::take(&mut escaped) || now == Quote::Single || within {
            begin(&mut word);
            if let Some(word) = &mut word
                && !(now == Quote::Single && letter == '\'')
            {
                word.unknown |= within;
                word.text.push(letter);
            }
            continue;
        }
        if letter == '\\' {
            begin(&mut word);
            escaped = true;
            continue;
        }
        let bare = now == Quote::Bare;
        let end = bare && (letter.is_whitespace() || ";&|()`<>#".contains(letter));
        if end && !(letter == '#' && word.is_some()) {
            if let Some(word) = word.take() {
                written = false;
                // A number before a redirection is not a word.
                let number = "<>".contains(letter) && word.text.parse::<u32>().is_ok();
                if !number {
                    words.push(word);
                }
            }
            match letter {
                '#' => comment = true,
                '>' => written = true,
                // `>&1` and `>|`.
                '&' | '|' if written => {}
                '\n' | ';' | '&' | '|' | '(' | ')' | '`' => {
                    commands.push(std::mem::take(&mut words));
                }
                _ => {}
            }
            continue;
        }
        begin(&mut word);
        let Some(word) = &mut word else { continue };
        match letter {
            '"' => {}
            '\'' if bare => {}
            _ => {
                word.unknown |= "$`".contains(letter) || (bare && "*?[{}~".contains(letter));
                word.unknown |= "{}".contains(letter);
                word.text.push(letter);
                if letter == '=' && word.value.is_none() {
                    word.value = Some((word.text.len(), place + 1));
                }
            }
        }
    }
    words.extend(word);
    commands.push(words);
    commands.retain(|words| !words.is_empty());
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inserts the results of [`files`], for a user's folder with files from a trial run by hand.
    fn put_right(command: &str) -> String {
        let there = |name: &str| {
            let name = plain(name);
            match name {
                "sim" | "bin/sim" | "sim.py" | "post.py" | "my sim.py" | "local.py"
                | ".venv/bin/python" => Some(Kind::Program),
                "grid.dat" | "config.ini" | "INPUT.DAT" | "RESULT.DAT" | "build" | "lib"
                | "package" | "curve" => Some(Kind::Other),
                _ => None,
            }
        };
        insert(command, &files(command, there))
    }

    #[test]
    fn files_of_the_callers_folder_are_found_and_those_of_a_run_are_not() {
        let table = [
            ("./sim {input} {output}", "{here}/sim {input} {output}"),
            (
                "python sim.py {T} > {output}",
                "python {here}/sim.py {T} > {output}",
            ),
            (
                ".venv/bin/python sim.py {T}",
                "{here}/.venv/bin/python {here}/sim.py {T}",
            ),
            ("python 'my sim.py' {T}", "python {here}/'my sim.py' {T}"),
            (r"python my\ sim.py {T}", r"python {here}/my\ sim.py {T}"),
            (
                "bin/sim --grid=grid.dat {T}",
                "{here}/bin/sim --grid={here}/grid.dat {T}",
            ),
            (
                "LD_LIBRARY_PATH=lib bin/sim {T}",
                "LD_LIBRARY_PATH={here}/lib {here}/bin/sim {T}",
            ),
            (
                "bin/sim {T} < grid.dat",
                "{here}/bin/sim {T} < {here}/grid.dat",
            ),
            ("mpirun -n 4 sim {input}", "mpirun -n 4 {here}/sim {input}"),
            ("cd build && ./sim {T}", "cd {here}/build && ./sim {T}"),
            (
                "nice python -m package.sim {T}",
                "PYTHONPATH={here}:$PYTHONPATH nice python -m package.sim {T}",
            ),
            (
                "python3 -m package {T}",
                "PYTHONPATH={here}:$PYTHONPATH python3 -m package {T}",
            ),
            (
                "python -c 'import local; print(local.f({T}))'",
                "PYTHONPATH={here}:$PYTHONPATH python -c 'import local; print(local.f({T}))'",
            ),
            (
                "if .venv/bin/python -c \"from package.sim import f\nimport numpy, local as l\"; then true; fi",
                "if PYTHONPATH={here}:$PYTHONPATH {here}/.venv/bin/python -c \"from package.sim import f\nimport numpy, \
                 local as l\"; then true; fi",
            ),
            (
                "GRID=grid.dat ./.venv/bin/python -m package {T}",
                "PYTHONPATH={here}:$PYTHONPATH GRID={here}/grid.dat {here}/.venv/bin/python -m package {T}",
            ),
            // Modules of Python itself, and those that the code finds on its own.
            (
                "python3 -c 'import math; print(math.sin({T}))'",
                "python3 -c 'import math; print(math.sin({T}))'",
            ),
            (
                "python -c 'import sys; sys.path.append(\"{here}\"); import local'",
                "python -c 'import sys; sys.path.append(\"{here}\"); import local'",
            ),
            // The classic case: a program with fixed file names, tried by hand before.
            (
                "cp {input} INPUT.DAT && ./sim && cp RESULT.DAT {output}",
                "cp {input} INPUT.DAT && {here}/sim && cp RESULT.DAT {output}",
            ),
            (
                "cp grid.dat . && ./sim {input} -o RESULT.DAT; python post.py RESULT.DAT",
                "cp {here}/grid.dat . && {here}/sim {input} -o RESULT.DAT; python {here}/post.py RESULT.DAT",
            ),
            (
                "./sim config.ini {T} RESULT.DAT && cat RESULT.DAT",
                "{here}/sim {here}/config.ini {T} RESULT.DAT && cat RESULT.DAT",
            ),
            (
                "echo {T} > INPUT.DAT; sim INPUT.DAT 2>&1 >RESULT.DAT; tail -n1 RESULT.DAT",
                "echo {T} > INPUT.DAT; sim INPUT.DAT 2>&1 >RESULT.DAT; tail -n1 RESULT.DAT",
            ),
            (
                "ln -s {here}/grid.dat grid.dat; sim {T}",
                "ln -s {here}/grid.dat grid.dat; sim {T}",
            ),
            // An explicit working folder is respected.
            (
                "cd {folder} && sim curve {T}",
                "cd {folder} && sim curve {T}",
            ),
            ("cd {here} && ./sim {T}", "cd {here} && ./sim {T}"),
            // Not files: commands in PATH, options, patterns, words in quotes, comments.
            ("sim {T} --curve # grid.dat", "sim {T} --curve # grid.dat"),
            (
                "awk '{print $1}' {input} | sort",
                "awk '{print $1}' {input} | sort",
            ),
            (
                "echo \"$(sim {T}) grid.dat\"",
                "echo \"$(sim {T}) grid.dat\"",
            ),
        ];
        for (command, expected) in table {
            assert_eq!(put_right(command), expected);
            assert_eq!(put_right(expected), expected, "found again");
        }
    }

    #[test]
    fn paths_that_all_runs_share_are_known() {
        let command = "python {here}/sim.py --out={here}/all.csv {here}/{T}.dat {input}";
        assert_eq!(shared(command), ["sim.py", "all.csv"]);
    }

    #[test]
    fn a_program_is_known_by_its_ending_or_its_mode() {
        for (name, executable, kind) in [
            ("a/sim.py", false, Kind::Program),
            ("sim", true, Kind::Program),
            ("sim", false, Kind::Other),
            // On some file systems every file is executable.
            ("RESULT.DAT", true, Kind::Other),
        ] {
            assert_eq!(Kind::of(name, executable), kind, "{name}");
        }
    }
}
