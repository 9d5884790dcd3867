//! An emulator's answers for a file of inputs of any size.
//!
//! ```text
//! reader --> as many workers as threads: guard, mean, std, bytes of the file --> writer, in the order of the rows
//!    ^                                                                              |
//!    +------------------------- a few blocks of rows, used again -------------------+
//! ```
//!
//! The blocks are all the memory that rows take. Rows are independent, so that no bit depends on where a block ends.

use crate::data::{DataError, Encoded, Flow, InputRows, PredictionForm, PredictionWriter};
use crate::error::Result;
use crate::events::Observer;
use crate::run_folder::{emulator_of, refuse_input};
use dense_codegen::executor::Executor;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

/// How many outputs a block has, about: a few megabytes with all that is made of them.
const OUTPUTS_AT_ONCE: usize = 1 << 17;

/// What was predicted.
#[derive(Debug, Clone, Copy, Serialize)]
#[non_exhaustive]
pub struct Predicted {
    /// Rows.
    pub rows: usize,
    /// Rows whose inputs lie outside the trained box.
    pub outside: usize,
    /// Wall time, reading and writing included.
    pub seconds: f64,
    /// Rows over that time.
    pub rows_per_second: f64,
}

/// Some rows on their way.
#[derive(Default)]
struct Block {
    index: usize,
    x: Vec<f32>,
    encoded: Encoded,
    outside: usize,
}

/// Predicts every row of `inputs` and writes `.npz` or `.csv`, in memory that does not grow with the rows; returns nothing
/// where the observer interrupts. The file is whole or what was there before.
///
/// # Errors
/// `run` is neither a run folder nor an emulator file, the inputs are not the emulator's, or the
/// file cannot be written or is that of the inputs.
pub fn predict_file(
    run: &Path,
    inputs: &Path,
    out: &Path,
    threads: usize,
    observer: &dyn Observer,
) -> Result<Option<Predicted>> {
    let began = Instant::now();
    refuse_input(out, &[inputs, run])?;
    let emulator = emulator_of(run)?;
    let names: Vec<String> = emulator
        .inputs()
        .iter()
        .map(|input| input.name.clone())
        .collect();
    let outputs = emulator.outputs();
    let form = PredictionForm::new(out, outputs)?;
    let rows = InputRows::open(inputs, &names)?;
    if let Some(note) = rows.note() {
        observer.note(note);
    }
    let count = form.needs_count().then(|| rows.count()).transpose()?;
    let writer = PredictionWriter::create(form.clone(), count)?;
    let pipeline = Pipeline {
        executor: Executor::new(&emulator),
        form,
        at_once: (OUTPUTS_AT_ONCE / emulator.output_count()).clamp(1, 8192),
        threads: threads.max(1),
        observer,
    };
    let written = pipeline.run(&rows, writer)?;
    let seconds = began.elapsed().as_secs_f64();
    Ok(written.map(|(rows, outside)| Predicted {
        rows,
        outside,
        seconds,
        rows_per_second: rows as f64 / seconds,
    }))
}

struct Pipeline<'a> {
    executor: Executor,
    form: PredictionForm,
    /// Rows of a block.
    at_once: usize,
    threads: usize,
    observer: &'a dyn Observer,
}

impl Pipeline<'_> {
    /// Returns how many rows were written, and how many of them lie outside the box; nothing after an interrupt.
    fn run(
        &self,
        rows: &InputRows,
        writer: PredictionWriter,
    ) -> Result<Option<(usize, usize)>, DataError> {
        let (free, to_fill) = channel();
        let (filled, to_predict) = channel();
        let (predicted, to_write) = channel();
        // One at the reader, one at the writer, and two for each worker, so that none waits for another.
        for _ in 0..2 * self.threads + 2 {
            let _ = free.send(Block::default());
        }
        let to_predict = Mutex::new(to_predict);
        thread::scope(|scope| {
            let reader = scope.spawn(move || self.read(rows, &to_fill, &filled));
            for _ in 0..self.threads {
                let (to_predict, predicted) = (&to_predict, predicted.clone());
                scope.spawn(move || self.work(to_predict, &predicted));
            }
            drop(predicted);
            let written = write(writer, &to_write, free);
            // Where writing failed, the others end because their channels are closed.
            drop(to_write);
            let read = reader.join();
            let (writer, outside) = written?;
            match read {
                Ok(read) => read?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
            if self.observer.is_interrupted() {
                return Ok(None);
            }
            Ok(Some((writer.finish()?, outside)))
        })
    }

    fn read(
        &self,
        rows: &InputRows,
        to_fill: &Receiver<Block>,
        filled: &Sender<Block>,
    ) -> Result<(), DataError> {
        let mut index = 0;
        rows.read(self.at_once, |x| {
            let Ok(mut block) = to_fill.recv() else {
                return Flow::Stop;
            };
            block.index = index;
            block.x.clear();
            block.x.extend_from_slice(x);
            index += 1;
            match filled.send(block) {
                Ok(()) if !self.observer.is_interrupted() => Flow::More,
                _ => Flow::Stop,
            }
        })
    }

    fn work(&self, to_predict: &Mutex<Receiver<Block>>, predicted: &Sender<Block>) {
        loop {
            let next = to_predict
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .recv();
            let Ok(mut block) = next else { return };
            let found = self.executor.predict(&block.x, 1);
            let in_domain: Vec<bool> = found.status.iter().map(|status| status.is_ok()).collect();
            block.outside = in_domain.iter().filter(|&&inside| !inside).count();
            self.form
                .encode(&found.mean, &found.std, &in_domain, &mut block.encoded);
            if predicted.send(block).is_err() {
                return;
            }
        }
    }
}

/// Writes blocks in the order of their rows and hands them back.
fn write(
    mut writer: PredictionWriter,
    to_write: &Receiver<Block>,
    free: Sender<Block>,
) -> Result<(PredictionWriter, usize), DataError> {
    let mut waiting = BTreeMap::new();
    let (mut next, mut outside) = (0, 0);
    for block in to_write {
        waiting.insert(block.index, block);
        while let Some(block) = waiting.remove(&next) {
            writer.write(&block.encoded)?;
            outside += block.outside;
            next += 1;
            // The reader may have ended.
            let _ = free.send(block);
        }
    }
    Ok((writer, outside))
}
