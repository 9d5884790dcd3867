//! The engines that run exported models: rten in this process; ONNX Runtime and ONNX's reference
//! evaluator in Python, after the official checker.

use crate::repository;
use rten::{Model, Value};
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A model's outputs by name; booleans are 0 and 1.
pub type Outputs = BTreeMap<String, Vec<f32>>;

/// The engines in Python, in the order of [`Python::run`].
pub const IN_PYTHON: [&str; 2] = ["ONNX Runtime", "reference evaluator"];

/// The command that installs the missing Python packages.
pub const INSTALL: &str = "onnx and onnxruntime, install with tests/peers/make_venv .venv-peers";

/// A model with the rows to run it on.
#[derive(Clone, Debug)]
pub struct Question {
    /// Its name in failures, which is unique.
    pub name: String,
    /// The file's bytes.
    pub model: Vec<u8>,
    /// Rows, one after the other.
    pub x: Vec<f32>,
    /// The number of rows.
    pub rows: usize,
}

/// Runs a model in rten.
///
/// # Panics
/// It cannot read the model, or cannot run it.
#[must_use]
pub fn rten(question: &Question) -> Outputs {
    let name = &question.name;
    let model = Model::load(question.model.clone());
    let model = model.unwrap_or_else(|error| panic!("{name}: rten reads the model: {error}"));
    let shape = [question.rows, question.x.len() / question.rows];
    let x = Value::from_shape(shape, question.x.clone()).expect("rows are of one length");
    let (input, outputs) = (model.input_ids()[0], model.output_ids());
    let values = model.run(vec![(input, x.into())], outputs, None);
    let values = values.unwrap_or_else(|error| panic!("{name}: rten runs the model: {error}"));
    let numbers = |value: Value| match value {
        Value::Int32Tensor(truths) => {
            let truths = truths.into_data().into_iter();
            truths.map(|truth| truth as f32).collect()
        }
        other => other.into_tensor::<f32>().expect("numbers").into_data(),
    };
    let name = |id| {
        let info = model.node_info(id);
        info.and_then(|info| info.name().map(str::to_owned))
            .expect("an output has a name")
    };
    let names = outputs.iter().map(|&id| name(id));
    names.zip(values.into_iter().map(numbers)).collect()
}

/// A Python with the peers installed.
#[derive(Clone, Debug)]
pub struct Python(PathBuf);

impl Python {
    /// The one of the environment variable `DENSE_PEERS`, else of `.venv-peers` at the top; `None`
    /// if it is missing.
    #[must_use]
    pub fn find() -> Option<Self> {
        let python = env::var_os("DENSE_PEERS").map_or_else(
            || repository().join(".venv-peers/bin/python"),
            PathBuf::from,
        );
        let has_peers = Command::new(&python)
            .args(["-c", "import onnx, onnxruntime"])
            .output()
            .ok()?;
        has_peers.status.success().then_some(Self(python))
    }

    /// Checks every model with the official checker and shape inference, and runs it in both
    /// engines.
    ///
    /// # Panics
    /// The checker rejects a model, an engine does not run it, or the operating system fails.
    #[must_use]
    pub fn run(&self, questions: &[Question]) -> Vec<[Outputs; 2]> {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let mut list = String::new();
        for (
            index,
            Question {
                name,
                model,
                x,
                rows,
            },
        ) in questions.iter().enumerate()
        {
            let bytes: Vec<u8> = x.iter().flat_map(|x| x.to_le_bytes()).collect();
            fs::write(folder.join(format!("{index}.onnx")), model).expect("a model is written");
            fs::write(folder.join(format!("{index}.x")), bytes).expect("rows are written");
            list += &format!("{index} {rows} {name}\n");
        }
        fs::write(folder.join("list"), list).expect("the list is written");
        let script = repository().join("tests/peers/run_onnx.py");
        let output = Command::new(&self.0).arg(script).arg(folder).output();
        let output = output.expect("python starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        (0..questions.len())
            .map(|index| ["runtime", "reference"].map(|engine| read(folder, index, engine)))
            .collect()
    }
}

/// Reads the files that an engine wrote for a question: `INDEX.ENGINE.OUTPUT`.
fn read(folder: &Path, index: usize, engine: &str) -> Outputs {
    let prefix = format!("{index}.{engine}.");
    let entries = fs::read_dir(folder).expect("the folder is there");
    entries
        .filter_map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()?
                .to_str()?
                .strip_prefix(&prefix)?
                .to_owned();
            let bytes = fs::read(&path).expect("an output is read");
            let values = bytes.as_chunks().0.iter();
            Some((name, values.map(|&x| f32::from_le_bytes(x)).collect()))
        })
        .collect()
}
