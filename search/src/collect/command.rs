//! The command of a simulator with places to fill in.
//!
//! | place | what is put there |
//! |---|---|
//! | `{input}` | the path of a file with the parameters |
//! | `{output}` | the path that the output is to be written to; an ending may follow: `{output}.npy` |
//! | `{folder}` | the run's own folder, for what else it writes |
//! | `{NAME}` | the value of the parameter NAME |
//!
//! A command without `{output}` prints its output. Other braces stay as they are.

use anyhow::ensure;
use serde_json::{Map, json};
use std::path::Path;

/// How parameters are written to the file `{input}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
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
    /// The name of the file.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::Json => "input.json",
            Self::Csv => "input.csv",
            Self::Text => "input.txt",
        }
    }

    /// The text of the file. Numbers have as many digits as it takes to read them back to the last bit.
    #[must_use]
    pub fn text(self, names: &[String], point: &[f64]) -> String {
        let numbers: Vec<String> = point.iter().map(|value| format!("{value:?}")).collect();
        match self {
            Self::Json => {
                let named = names.iter().cloned().zip(point.iter().map(|&x| json!(x)));
                format!("{}\n", json!(named.collect::<Map<_, _>>()))
            }
            Self::Csv => {
                let quote = |name: &String| match name.contains([',', '"']) {
                    true => format!("\"{}\"", name.replace('"', "\"\"")),
                    false => name.clone(),
                };
                let names: Vec<String> = names.iter().map(quote).collect();
                format!("{}\n{}\n", names.join(","), numbers.join(","))
            }
            Self::Text => format!("{}\n", numbers.join("\n")),
        }
    }
}

/// A command that takes the parameters of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    form: InputForm,
}

impl Template {
    /// A command for a simulator with parameters of these `names`.
    ///
    /// # Errors
    /// It has neither `{input}` nor a parameter.
    pub fn new(text: &str, form: InputForm, names: &[String]) -> anyhow::Result<Self> {
        let named = names.iter().any(|name| text.contains(&place(name)));
        ensure!(
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

    /// The command as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How parameters are written.
    #[must_use]
    pub fn form(&self) -> InputForm {
        self.form
    }

    /// Whether the output is what the command prints.
    #[must_use]
    pub fn prints(&self) -> bool {
        !self.text.contains("{output}")
    }

    /// The command of one run in its `folder`, whose path is text.
    #[must_use]
    pub fn fill(&self, folder: &Path, names: &[String], point: &[f64]) -> String {
        let word = |path: &Path| shell_word(&path.to_string_lossy());
        let mut command = self
            .text
            .replace("{input}", &word(&folder.join(self.form.file())))
            .replace("{output}", &word(&folder.join("output")))
            .replace("{folder}", &word(folder));
        for (name, value) in names.iter().zip(point) {
            command = command.replace(&place(name), &format!("{value:?}"));
        }
        command
    }
}

fn place(name: &str) -> String {
    format!("{{{name}}}")
}

/// Text as one word of a shell.
fn shell_word(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+=:,@%".contains(letter);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_and_other_braces_stay() {
        let names = ["T".to_owned(), "n".to_owned()];
        let text = "sim {input} -o {output}.npy --t={T} | awk '{print $1}' > {folder}/log";
        let template = Template::new(text, InputForm::Json, &names).unwrap();
        assert!(!template.prints());
        assert_eq!(
            template.fill(Path::new("/a b/7"), &names, &[0.1, 5e17]),
            "sim '/a b/7/input.json' -o '/a b/7/output'.npy --t=0.1 | awk '{print $1}' > '/a b/7'/log"
        );
        let error = Template::new("sim", InputForm::Json, &names).unwrap_err();
        assert!(error.to_string().contains("{T} {n}"), "{error}");
    }

    #[test]
    fn parameters_are_written_in_every_form() {
        let names = ["T".to_owned(), "a, b".to_owned()];
        let text = |form: InputForm| form.text(&names, &[0.1, -5e17]);
        assert_eq!(text(InputForm::Csv), "T,\"a, b\"\n0.1,-5e17\n");
        assert_eq!(text(InputForm::Text), "0.1\n-5e17\n");
        let read: serde_json::Value = serde_json::from_str(&text(InputForm::Json)).unwrap();
        assert_eq!(read, json!({"T": 0.1, "a, b": -5e17}));
    }
}
