//! Predicts for a file of inputs of any size.
//!
//! ```text
//! reader --> one worker per thread: guard, mean, std, encoded bytes --> writer, in row order
//!    ^                                                                    |
//!    +-------------------- a few blocks of rows, reused ------------------+
//! ```
//!
//! A worker asks the run's emulator, or its teacher ([`By`]). Rows occupy no memory but these blocks. Rows are independent, so the boundaries of blocks change
//! no bit of the results.

use crate::data::{DataError, Encoded, Flow, InputRows, PredictionForm, PredictionWriter};
use crate::error::{Error, Result, ensure};
use crate::events::Observer;
use crate::kept_teacher::Teacher;
use crate::run_folder::{emulator_of, refuse_input, teacher_of};
use dense_codegen::executor::Executor;
use rayon::ThreadPool;
use serde::Serialize;
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

/// Approximate number of outputs in a block: a few megabytes, including derived values.
const OUTPUTS_AT_ONCE: usize = 1 << 17;

/// Statistics of a prediction.
#[derive(Debug, Clone, Copy, Serialize)]
#[non_exhaustive]
pub struct Predicted {
    /// Rows.
    pub rows: usize,
    /// Rows whose inputs lie outside the trained box.
    pub outside: usize,
    /// Wall time, including reading and writing.
    pub seconds: f64,
    /// Rows divided by that time.
    pub rows_per_second: f64,
}

/// What predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    /// The emulator.
    #[default]
    Emulator,
    /// The teacher of a race: more accurate than what ships where it has taught it, and slower. Its
    /// standard deviation is the root mean square of its errors on rows that it had not seen
    /// ([`crate::kept_teacher`]). The emulator says whether an input is in the domain.
    Teacher,
}

/// A block of rows with its results.
#[derive(Default)]
struct Block {
    index: usize,
    x: Vec<f32>,
    encoded: Encoded,
    outside: usize,
}

/// Predicts every row of `inputs` and writes a `.npz` or `.csv`, in memory that does not grow with
/// the number of rows. Returns `None` if the observer interrupts. The output file is either
/// complete or left as it was.
///
/// # Errors
/// `run` is neither a run folder nor an emulator file, or has no teacher that is asked for; the
/// inputs do not fit the emulator, or the output cannot be written or is the input file.
pub fn predict_file(
    run: &Path,
    by: By,
    inputs: &Path,
    out: &Path,
    threads: usize,
    observer: &dyn Observer,
) -> Result<Option<Predicted>> {
    let began = Instant::now();
    refuse_input(out, &[inputs, run])?;
    let emulator = emulator_of(run)?;
    let teacher = match by {
        By::Emulator => None,
        By::Teacher => Some(teacher_of(run)?),
    };
    if let Some(teacher) = &teacher {
        let sizes = (teacher.input_count(), teacher.output_count());
        ensure!(
            Run,
            sizes == (emulator.input_count(), emulator.output_count()),
            "{}: the teacher is of other data than the emulator; search again",
            run.display()
        );
    }
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
        // The batches of a block are divided among the threads of the pool.
        workers: if teacher.is_some() { 1 } else { threads.max(1) },
        teacher: teacher
            .map(|teacher| Ok::<_, Error>((teacher, pool(threads)?)))
            .transpose()?,
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
    /// What predicts instead of the executor, and the threads for it.
    teacher: Option<(Teacher, ThreadPool)>,
    form: PredictionForm,
    /// Rows of a block.
    at_once: usize,
    workers: usize,
    observer: &'a dyn Observer,
}

impl Pipeline<'_> {
    /// Returns the number of rows written and the number of them outside the box; `None` after an
    /// interrupt.
    fn run(&self, rows: &InputRows, writer: PredictionWriter) -> Result<Option<(usize, usize)>> {
        let (free, to_fill) = channel();
        let (filled, to_predict) = channel();
        let (predicted, to_write) = channel();
        // One block at the reader, one at the writer, and two for each worker, so that nobody
        // waits.
        for _ in 0..2 * self.workers + 2 {
            let _ = free.send(Block::default());
        }
        let to_predict = Mutex::new(to_predict);
        thread::scope(|scope| {
            let reader = scope.spawn(move || self.read(rows, &to_fill, &filled));
            let workers = (0..self.workers).map(|_| {
                let (to_predict, predicted) = (&to_predict, predicted.clone());
                scope.spawn(move || self.work(to_predict, &predicted))
            });
            let workers: Vec<_> = workers.collect();
            drop(predicted);
            let written = write(writer, &to_write, free);
            // After a failed write, the other threads end because their channels are closed.
            drop(to_write);
            let read = reader.join();
            let (writer, outside) = written?;
            read.unwrap_or_else(|panic| resume_unwind(panic))?;
            for worker in workers {
                worker.join().unwrap_or_else(|panic| resume_unwind(panic))?;
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

    fn work(&self, to_predict: &Mutex<Receiver<Block>>, predicted: &Sender<Block>) -> Result<()> {
        loop {
            let next = to_predict
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .recv();
            let Ok(mut block) = next else { return Ok(()) };
            let mut found = self.executor.predict(&block.x, 1);
            let in_domain: Vec<bool> = found.status.iter().map(|status| status.is_ok()).collect();
            block.outside = in_domain.iter().filter(|&&inside| !inside).count();
            if let Some((teacher, pool)) = &self.teacher {
                let said = pool.install(|| teacher.computed(&block.x))?;
                let single = |values: Vec<f64>| values.into_iter().map(|v| v as f32).collect();
                (found.mean, found.std) = (single(said.mean), single(said.std));
            }
            self.form
                .encode(&found.mean, &found.std, &in_domain, &mut block.encoded);
            if predicted.send(block).is_err() {
                return Ok(());
            }
        }
    }
}

fn pool(threads: usize) -> Result<ThreadPool> {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1));
    Ok(builder.build()?)
}

/// Writes blocks in the order of their rows and returns them for reuse.
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
            // The reader may already have ended.
            let _ = free.send(block);
        }
    }
    Ok((writer, outside))
}
