//! The command of a simulator, with placeholders.
//!
//! | placeholder | replaced by |
//! |---|---|
//! | `{input}` | the path of a file with the parameters |
//! | `{output}` | the path for the output; a suffix may follow: `{output}.npy` |
//! | `{folder}` | the run's own folder, in which it starts; empty at first |
//! | `{here}` | the folder from which `collect` was called |
//! | `{NAME}` | the value of the parameter NAME, as written in the design |
//!
//! A command without `{output}` prints its output. Other braces are left unchanged.

use super::here::{self, Kind};
use crate::error::{Result, ensure};
use crate::shell::{Quoting, quoted};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// The format of the parameters in the file `{input}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "program", derive(clap::ValueEnum))]
pub enum InputForm {
    /// One object, a number for each name: {"T_e_eV": 120.5, ...}
    #[default]
    Json,
    /// A line of names and a line of numbers, with commas
    Csv,
    /// The numbers alone, one a line, in the order of the design
    Text,
}

impl InputForm {
    /// Returns the name of the file.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::Json => "input.json",
            Self::Csv => "input.csv",
            Self::Text => "input.txt",
        }
    }

    /// Returns the text of the file; `cells` are the values as written in the design.
    #[must_use]
    pub fn text(self, names: &[String], cells: &[String]) -> String {
        match self {
            Self::Json => {
                let mut fields: Vec<_> = names.iter().zip(cells).collect();
                fields.sort();
                let fields: Vec<String> = fields
                    .into_iter()
                    .map(|(name, cell)| format!("{}:{}", json!(name), json_number(cell)))
                    .collect();
                format!("{{{}}}\n", fields.join(","))
            }
            Self::Csv => {
                let quote = |name: &String| match name.contains([',', '"']) {
                    true => format!("\"{}\"", name.replace('"', "\"\"")),
                    false => name.clone(),
                };
                let names: Vec<String> = names.iter().map(quote).collect();
                format!("{}\n{}\n", names.join(","), cells.join(","))
            }
            Self::Text => format!("{}\n", cells.join("\n")),
        }
    }

    /// Parses the values in a file that [`InputForm::text`] wrote, in the order of the names.
    #[must_use]
    pub fn values(self, names: &[String], text: &str) -> Option<Vec<f64>> {
        let number = |cell: &str| cell.trim().parse::<f64>().ok();
        match self {
            Self::Json => {
                let fields: Map<String, Value> = serde_json::from_str(text).ok()?;
                names
                    .iter()
                    .map(|name| fields.get(name)?.as_f64())
                    .collect()
            }
            Self::Csv => text.lines().last()?.split(',').map(number).collect(),
            Self::Text => text.lines().map(number).collect(),
        }
    }
}

/// Formats a value as JSON: the cell itself if it is valid (`3` stays `3`; `.5` becomes `0.5`).
fn json_number(cell: &str) -> String {
    match serde_json::from_str::<serde_json::Number>(cell) {
        Ok(_) => cell.to_owned(),
        Err(_) => format!("{:?}", cell.parse::<f64>().unwrap_or(f64::NAN)),
    }
}

/// A command template with placeholders for the parameters of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    form: InputForm,
}

impl Template {
    /// Parses a command for a simulator with parameters of these `names`.
    ///
    /// # Errors
    /// If it contains neither `{input}` nor a parameter.
    pub fn new(text: &str, form: InputForm, names: &[String]) -> Result<Self> {
        let named = names.iter().any(|name| text.contains(&place(name)));
        ensure!(
            Collection,
            named || text.contains("{input}"),
            "the command {text:?} takes no parameter; write {{input}} where it expects the file of parameters, or a \
             parameter's name in braces: {}",
            names
                .iter()
                .map(|name| place(name))
                .collect::<Vec<_>>()
                .join(" ")
        );
        Ok(Self {
            text: text.to_owned(),
            form,
        })
    }

    /// Returns the command as given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the format of the parameters.
    #[must_use]
    pub fn form(&self) -> InputForm {
        self.form
    }

    /// Whether the command prints its output.
    #[must_use]
    pub fn prints(&self) -> bool {
        !self.text.contains("{output}")
    }

    /// Returns the command of one run; `cells` are the values of the `names`.
    #[must_use]
    pub fn fill(&self, paths: &Paths, names: &[String], cells: &[String]) -> String {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let mut fields = vec![
            ("input", path(&paths.record.join(self.form.file()))),
            ("output", path(&paths.record.join("output"))),
            ("folder", path(&paths.work)),
            ("here", path(&paths.here)),
        ];
        fields.extend(names.iter().map(String::as_str).zip(cells.iter().cloned()));
        let (mut command, mut quoting) = (String::new(), Quoting::new());
        let mut rest = self.text.as_str();
        while let Some(letter) = rest.chars().next() {
            let field = fields
                .iter()
                .find(|(name, _)| rest.starts_with(&place(name)));
            if let Some((name, value)) = field {
                command += &quoted(value, quoting.now());
                rest = &rest[place(name).len()..];
            } else {
                command.push(letter);
                rest = &rest[letter.len_utf8()..];
            }
            // A value does not affect quoting.
            if field.is_none() {
                quoting.pass(letter);
            }
        }
        command
    }

    /// Returns the words that name files in the folder `here`, where no run starts, and the command
    /// with `{here}` before each of them; `None` if there are none.
    #[must_use]
    pub fn files_of(&self, here: &Path) -> Option<(Vec<String>, String)> {
        let kind = |name: &str| {
            let metadata = here.join(name).metadata().ok()?;
            Some(Kind::of(name, metadata.is_file() && executable(&metadata)))
        };
        let found = here::files(&self.text, kind);
        let mut names: Vec<String> = Vec::new();
        for one in &found {
            if !names.contains(&one.name) {
                names.push(one.name.clone());
            }
        }
        (!names.is_empty()).then(|| (names, here::insert(&self.text, &found)))
    }

    /// Returns the files of the folder `here` that the command names by `{here}`: all runs share
    /// them.
    #[must_use]
    pub fn shared(&self, here: &Path) -> Vec<PathBuf> {
        let files = here::shared(&self.text).into_iter();
        files.map(|name| here.join(name)).collect()
    }
}

/// The folders that are passed to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Contains input, output and records of the run.
    pub record: PathBuf,
    /// The working folder of the run.
    pub work: PathBuf,
    /// The folder from which the collection was called.
    pub here: PathBuf,
}

fn place(name: &str) -> String {
    format!("{{{name}}}")
}

#[cfg(unix)]
fn executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn executable(_: &std::fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn places_are_filled_and_other_braces_stay() {
        let names = texts(&["T", "n"]);
        let text = "{here}/sim {input} -o {output}.npy --t={T} \"{folder}/$x\" '{here}' | awk '{print $1}' > {folder}/log";
        let template = Template::new(text, InputForm::Json, &names).unwrap();
        assert!(!template.prints());
        // A folder whose own name contains a placeholder.
        let paths = Paths {
            record: "/a b/7".into(),
            work: "/a b/7/{T}".into(),
            here: "/c's".into(),
        };
        assert_eq!(
            template.fill(&paths, &names, &texts(&["3", "5e17"])),
            "'/c'\\''s'/sim '/a b/7/input.json' -o '/a b/7/output'.npy --t=3 \"/a b/7/{T}/$x\" '/c'\\''s' | awk '{print $1}' \
             > '/a b/7/{T}'/log"
        );
        let error = Template::new("sim", InputForm::Json, &names).unwrap_err();
        assert!(error.to_string().contains("{T} {n}"), "{error}");
    }

    #[test]
    fn parameters_are_written_in_every_form_as_they_stand_in_the_design() {
        let names = texts(&["n", "a, b", "T"]);
        let cells = texts(&["3", "-5E17", ".10"]);
        let table = [
            (InputForm::Csv, "n,\"a, b\",T\n3,-5E17,.10\n"),
            (InputForm::Text, "3\n-5E17\n.10\n"),
            // In JSON a number cannot start with a decimal point.
            (InputForm::Json, "{\"T\":0.1,\"a, b\":-5E17,\"n\":3}\n"),
        ];
        for (form, expected) in table {
            assert_eq!(form.text(&names, &cells), expected);
            let values = form.values(&names, expected);
            assert_eq!(values.unwrap(), [3.0, -5e17, 0.1]);
        }
    }
}
