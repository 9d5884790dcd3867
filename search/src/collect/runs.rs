//! The folder of a collection: one subfolder per run, named by its row, with a record once the run
//! has ended. Its `lock` identifies the program that works there ([`FolderLock`]).
//!
//! | file in a run's folder | contents | written |
//! |---|---|---|
//! | `input.json` | the parameters | first |
//! | `work/` | the folder in which the run starts, with the files it leaves there | first |
//! | `log` | the messages of the run; locked while it is active | at the start |
//! | `output` | the output | by the run |
//! | `times`, `code` | processor time and exit code | by its shell, at the end |
//! | `record.json` | seconds, and shape or error | after reading the output |
//!
//! A run with a record has ended. A run with a code but no record ended without this program; the
//! next start reads its output. A run whose log is locked is still active, and the program waits
//! for it. Any other run was killed with the machine, and is repeated.

use super::command::Paths;
use super::{Simulation, output, process};
use crate::data::write_whole;
use crate::error::{Context, Result, bail, ensure};
use crate::events::Observer;
use crate::folder_lock::FolderLock;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Wall time, including the start of the process.
    pub seconds: f64,
    /// Processor time, if it could be measured.
    pub processor_seconds: Option<f64>,
    /// The shape of its output.
    pub shape: Vec<usize>,
    /// The names of its outputs, if any.
    pub names: Vec<String>,
    /// The reason of a failure.
    pub error: Option<String>,
}

impl Record {
    fn failed(seconds: f64, error: String) -> Self {
        Self {
            seconds,
            processor_seconds: None,
            shape: Vec::new(),
            names: Vec::new(),
            error: Some(error),
        }
    }
}

/// The state of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// It has ended, or will not be repeated.
    Ended(Record),
    /// It is active, or ended without a record.
    Running,
    /// It still has to be run.
    ToDo,
}

/// The folder of a collection, locked against other processes.
#[derive(Debug)]
pub struct Runs {
    path: PathBuf,
    retry: bool,
    /// Held for the lifetime of this object.
    _lock: FolderLock,
}

impl Runs {
    /// Opens or creates the folder at `path`; with `retry`, failed runs are repeated.
    ///
    /// # Errors
    /// If it belongs to another simulator, is used by another process, or cannot be created.
    pub fn open(
        path: &Path,
        simulation: &Simulation,
        retry: bool,
        observer: &dyn Observer,
    ) -> Result<Self> {
        let path = std::path::absolute(path)?;
        let shown = path.display();
        ensure!(
            Collection,
            path.to_str().is_some(),
            "{shown}: expected a path that is text"
        );
        fs::create_dir_all(&path)
            .with_context(|| format!("{shown}: cannot be made; give another folder by --runs"))?;
        let lock = FolderLock::take(&path, "collect", observer)?;
        let runs = Self {
            path,
            retry,
            _lock: lock,
        };
        runs.check_simulator(simulation)?;
        Ok(runs)
    }

    /// Checks that the simulator is the one for which the folder was created.
    fn check_simulator(&self, simulation: &Simulation) -> Result<()> {
        let (template, file) = (&simulation.template, self.path.join("simulator.json"));
        let now = json!({
            "command": template.text(),
            "input": template.form().file(),
            "parameters": simulation.names,
        });
        let text = format!("{now:#}\n");
        let Ok(before) = fs::read(&file) else {
            return Ok(write_whole(&file, text.as_bytes())?);
        };
        let then: serde_json::Value = serde_json::from_slice(&before)
            .with_context(|| format!("{}: not the description of a simulator", file.display()))?;
        let differs = |what: &&str| then[*what] != now[*what];
        let Some(what) = ["command", "input", "parameters"].into_iter().find(differs) else {
            return Ok(());
        };
        let rows = 0..simulation.rows();
        let record = |row| self.record(row);
        let succeeded = rows.filter_map(record).any(|record| record.error.is_none());
        if self.retry && !succeeded {
            // The user corrected the command.
            return Ok(write_whole(&file, text.as_bytes())?);
        }
        bail!(
            Collection,
            "{}: its runs are of another simulator: {what} {} there, {} now; give another folder by --runs, or say the \
             same as before",
            self.path.display(),
            then[what],
            now[what]
        )
    }

    /// Returns the folder of a run.
    #[must_use]
    pub fn folder(&self, row: usize) -> PathBuf {
        self.path.join(format!("{row:06}"))
    }

    /// Returns the folder of the collection.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the record of a run, if it has ended.
    #[must_use]
    pub fn record(&self, row: usize) -> Option<Record> {
        // An unreadable record was truncated by a crash: the output is read again.
        let text = fs::read(self.folder(row).join("record.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Returns the state of a run.
    ///
    /// # Errors
    /// If its parameters differ from the design, or its folder cannot be read.
    pub fn state(&self, row: usize, simulation: &Simulation) -> Result<State> {
        let folder = self.folder(row);
        let form = simulation.template.form();
        let record = self.record(row);
        if self.retry && record.as_ref().is_some_and(|one| one.error.is_some()) {
            return Ok(State::ToDo);
        }
        let begun =
            record.is_some() || process::code(&folder).is_some() || process::goes_on(&folder)?;
        if !begun {
            return Ok(State::ToDo);
        }
        let then = fs::read_to_string(folder.join(form.file())).unwrap_or_default();
        ensure!(
            Collection,
            form.values(&simulation.names, &then).as_deref() == Some(simulation.point(row)),
            "{}: it was run with other parameters than row {row} (from 0) of the design has; give another folder by --runs",
            folder.display()
        );
        Ok(match record {
            Some(record) => State::Ended(record),
            None => State::Running,
        })
    }

    /// Completes a run: waits for it if it is active, else runs it; `started` counts runs that are
    /// started.
    ///
    /// # Errors
    /// If the folder cannot be read or written, or no process can be started.
    pub fn end(
        &self,
        row: usize,
        simulation: &Simulation,
        started: &AtomicUsize,
        observer: &dyn Observer,
    ) -> Result<Record> {
        let folder = self.folder(row);
        let failed = || format!("{}: the run cannot be started", folder.display());
        if self.record(row).is_none()
            && let Some(record) = self.wait_for(&folder, simulation, observer)?
        {
            return Ok(record);
        }
        self.run(&folder, row, simulation, started, observer)
            .with_context(failed)
    }

    /// Waits for a run that was started before; does nothing if there is none or it was killed.
    fn wait_for(
        &self,
        folder: &Path,
        simulation: &Simulation,
        observer: &dyn Observer,
    ) -> Result<Option<Record>> {
        const LOOK_EVERY: Duration = Duration::from_millis(20);
        let input = folder.join(simulation.template.form().file());
        let changed = |path: &Path| fs::metadata(path)?.modified();
        loop {
            let goes_on = process::goes_on(folder)?;
            if process::code(folder).is_some() {
                let ended = changed(&folder.join("code"))?;
                let seconds = ended.duration_since(changed(&input)?).unwrap_or_default();
                return judge(folder, simulation, seconds.as_secs_f64()).map(Some);
            }
            if !goes_on {
                return Ok(None);
            }
            let age = SystemTime::now().duration_since(changed(&input)?);
            if let Some(limit) = simulation.limit
                && age.unwrap_or_default() > limit
            {
                let record = late(folder, limit)?;
                process::kill_in(folder, observer);
                return Ok(Some(record));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn run(
        &self,
        folder: &Path,
        row: usize,
        simulation: &Simulation,
        started: &AtomicUsize,
        observer: &dyn Observer,
    ) -> Result<Record> {
        let Simulation {
            template,
            names,
            here,
            ..
        } = simulation;
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        let paths = Paths {
            record: folder.to_owned(),
            work: folder.join("work"),
            here: here.clone(),
        };
        fs::create_dir_all(&paths.work)?;
        let cells = simulation.cells(row);
        fs::write(
            folder.join(template.form().file()),
            template.form().text(names, cells),
        )?;
        started.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        let command = template.fill(&paths, names, cells);
        let child = process::start(&command, folder, &paths.work, template.prints())?;
        let mut record = None;
        // The record is written before the kill: a run that exceeded the limit is not repeated,
        // even after a crash in between.
        let is_late = || record = simulation.limit.map(|limit| late(folder, limit));
        process::wait(folder, child, simulation.limit, is_late, observer)?;
        let seconds = began.elapsed().as_secs_f64();
        record.unwrap_or_else(|| judge(folder, simulation, seconds))
    }
}

/// Records that a run exceeded the time limit.
fn late(folder: &Path, limit: Duration) -> Result<Record> {
    let limit = limit.as_secs_f64();
    let error = format!("it was killed after {limit} s (--timeout)");
    keep(folder, Record::failed(limit, error))
}

/// Records a run that ended.
fn judge(folder: &Path, simulation: &Simulation, seconds: f64) -> Result<Record> {
    let record = match process::code(folder) {
        Some(0) => match output::read(folder, simulation.decimal) {
            Ok(output) => Record {
                seconds,
                processor_seconds: process::processor_seconds(folder),
                shape: output.shape,
                names: output.names,
                error: None,
            },
            Err(error) => Record::failed(seconds, error),
        },
        Some(code) => {
            let words = process::last_words(folder);
            let end = match code {
                // The exit code of a shell for a signal.
                129..=192 => format!("it was killed by signal {}", code - 128),
                _ => format!("it ended with exit code {code}"),
            };
            let colon = if words.is_empty() { "" } else { ": " };
            Record::failed(seconds, format!("{end}{colon}{words}"))
        }
        None => Record::failed(seconds, "its shell was killed".to_owned()),
    };
    keep(folder, record)
}

fn keep(folder: &Path, record: Record) -> Result<Record> {
    write_whole(&folder.join("record.json"), &serde_json::to_vec(&record)?)?;
    Ok(record)
}
