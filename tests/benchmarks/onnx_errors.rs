//! The largest error of every operation in an exported ONNX model, by engine: the table of
//! docs/measurements/onnx.md.
//!
//! `cargo run --release -p dense-tests --example onnx_errors`, after
//! `tests/peers/make_venv .venv-peers` for the engines in Python; without it, rten alone.

use dense_codegen::onnx::{Batch, What, model_bytes};
use dense_tests::onnx::Errors;
use dense_tests::onnx::engines::{IN_PYTHON, INSTALL, Outputs, Python, Question, rten};
use dense_tests::onnx::operations::operations;
use dense_tests::rows::random_rows;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::io::Write;

/// Rows for each operation; six of ten lie inside the box.
const ROWS: usize = 1000;

/// A line of the table: its name, and the error that it shows.
type Part<'a> = (&'a str, fn(&Errors) -> f64);

fn main() -> anyhow::Result<()> {
    let operations = operations();
    let questions = operations
        .iter()
        .map(|(name, emulator)| {
            Ok(Question {
                name: (*name).into(),
                model: model_bytes(emulator, What::Prediction, Batch::Any)?,
                x: random_rows(emulator, ROWS, &mut ChaCha8Rng::seed_from_u64(0)),
                rows: ROWS,
            })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut engines = vec!["rten"];
    let mut answers: Vec<Vec<Outputs>> = questions.iter().map(|one| vec![rten(one)]).collect();
    match Python::find() {
        Some(python) => {
            engines.extend(IN_PYTHON);
            for (answers, others) in answers.iter_mut().zip(python.run(&questions)) {
                answers.extend(others);
            }
        }
        None => eprintln!("without {INSTALL}"),
    }
    let mut lines = vec![
        format!("| operation | {} |", engines.join(" | ")),
        format!("|---|{}", "---|".repeat(engines.len())),
    ];
    let mut wrong_rows = 0;
    for (((name, emulator), question), answers) in operations.iter().zip(&questions).zip(answers) {
        let errors = answers
            .iter()
            .map(|answer| Errors::of(emulator, &question.x, answer))
            .collect::<Vec<_>>();
        wrong_rows += errors.iter().map(|errors| errors.wrong_rows).sum::<usize>();
        let parts: &[Part<'_>] = match *name {
            "statistics" => &[
                ("mean of members", |errors| errors.mean),
                ("std of members", |errors| errors.std),
            ],
            "error scale" => &[(name, |errors| errors.std)],
            // Counts among the guard's results alone.
            "coverage" => &[],
            _ => &[(name, |errors| errors.mean)],
        };
        for (part, of) in parts {
            let cells: Vec<_> = errors
                .iter()
                .map(|errors| format!("{:.1e}", of(errors)))
                .collect();
            lines.push(format!("| {part} | {} |", cells.join(" | ")));
        }
    }
    lines.push(format!("\nwrong answers of the guard: {wrong_rows}"));
    writeln!(std::io::stdout().lock(), "{}", lines.join("\n"))?;
    Ok(())
}
