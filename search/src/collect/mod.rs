//! Collecting a data set: runs a user's simulator over a design with its command line.
//!
//! In the order of the data flow:
//!
//! - [`command`] inserts the paths of a run or its parameters into the command, and detects names
//!   of files in the caller's folder;
//! - [`process`] starts the run in its own folder and process group, and at the time limit kills it
//!   with all processes that it started (`descendants`);
//! - [`output`] reads the output;
//! - [`runs`] is the folder with a subfolder per run, which has a record once the run has ended;
//! - [`archive`] writes the `.npz` of the successful runs and the table of failed ones.
//!
//! A run that has ended is never repeated, and nothing is lost if this program is killed at any
//! time: the next start waits for runs that continued without it. [`runs`] describes how it
//! recognises them.

pub mod archive;
mod collection;
pub mod command;
mod descendants;
mod elsewhere;
mod here;
pub mod output;
pub mod process;
pub mod runs;
mod simulation;

use crate::error::Result;
use crate::events::{Collection, Event, Observer};
use runs::{Runs, State};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

pub use collection::{Collected, Settings, run};
pub use elsewhere::Elsewhere;
pub use simulation::Simulation;

/// The end of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Every run has ended.
    Complete,
    /// The collection was interrupted between runs.
    Interrupted,
    /// All of the first runs failed; contains the last error.
    AllFailed(String),
}

/// If this many runs, or twice the jobs, fail from the start on, the collection ends: its command
/// is wrong.
const FAILURES_AT_FIRST: usize = 10;

/// Runs the simulator for all rows that have not ended, `jobs` at a time, and reports every run
/// that ends to the observer; returns how the collection ended and the number of runs started.
///
/// # Errors
/// If the folder cannot be read or written, or no process can be started.
pub fn collect(
    simulation: &Simulation,
    runs: &Runs,
    jobs: usize,
    observer: &dyn Observer,
) -> Result<(Ended, usize)> {
    // Runs that continue without this program come first: they already use the processor.
    let (mut queue, mut todo, mut succeeded) = (VecDeque::new(), Vec::new(), false);
    for row in 0..simulation.rows() {
        match runs.state(row, simulation)? {
            State::Ended(record) => succeeded |= record.error.is_none(),
            State::Running => queue.push_back(row),
            State::ToDo => todo.push(row),
        }
    }
    queue.extend(todo);
    let queue = Mutex::new(queue);
    let succeeded = AtomicBool::new(succeeded);
    let (failed, started) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let stop: Mutex<Option<Result<Ended>>> = Mutex::new(None);
    let work = || {
        loop {
            if lock(&stop).is_some() {
                return;
            }
            if observer.is_interrupted() {
                *lock(&stop) = Some(Ok(Ended::Interrupted));
                return;
            }
            let Some(row) = lock(&queue).pop_front() else {
                return;
            };
            let record = match runs.end(row, simulation, &started, observer) {
                Ok(record) => record,
                Err(error) => {
                    *lock(&stop) = Some(Err(error));
                    return;
                }
            };
            let error = record.error.clone();
            observer.event(Event::Collection(Collection::RunEnded { row, error }));
            match &record.error {
                None => succeeded.store(true, Ordering::Relaxed),
                Some(error) => {
                    let failed = failed.fetch_add(1, Ordering::Relaxed) + 1;
                    let enough = FAILURES_AT_FIRST.max(2 * jobs);
                    if failed >= enough && !succeeded.load(Ordering::Relaxed) {
                        lock(&stop).get_or_insert(Ok(Ended::AllFailed(error.clone())));
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(work);
        }
    });
    let ended = stop.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((ended.unwrap_or(Ok(Ended::Complete))?, started.into_inner()))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
