//! Collecting a data set: a user's own simulator, run over a design by its command line.
//!
//! In the order in which data pass:
//!
//! - [`command`] fills the paths of a run, or its parameters, into the command, and sees where that names files of the
//!   caller's folder;
//! - [`process`] starts it in a folder and a process group of its own, and ends it at the time limit
//!   with all that it started (`descendants`);
//! - [`output`] reads what it wrote;
//! - [`runs`] is the folder where each run has its own, with a record once it has ended;
//! - [`archive`] makes the `.npz` of all that succeeded, and the table of those that did not.
//!
//! Nothing that ended is run again, and nothing is lost, whenever this program is killed: a run that goes on without it
//! is waited for by the next start. How that is known without it is told in [`runs`].

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

/// How a collection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Every run has ended.
    Complete,
    /// It was interrupted between runs.
    Interrupted,
    /// The first runs failed, every one of them; the last one's error.
    AllFailed(String),
}

/// So many failures in a row from the first run on, or twice the jobs, end a collection: its command is wrong.
const FAILURES_AT_FIRST: usize = 10;

/// Runs what has not been run, `jobs` at a time, and tells the observer of every run that ends; returns how it ended and
/// how many runs were started.
///
/// # Errors
/// The folder cannot be read or written, or no process can be started.
pub fn collect(
    simulation: &Simulation,
    runs: &Runs,
    jobs: usize,
    observer: &dyn Observer,
) -> Result<(Ended, usize)> {
    // Those that go on without this program come first: they take the processor already.
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
