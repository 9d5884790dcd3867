//! The folder of a collection: one folder a run, named by its row, and a record in it once the run has ended. Its `lock` says
//! which program is at work there ([`FolderLock`]).
//!
//! | file in a run's folder | what | when |
//! |---|---|---|
//! | `input.json` | the parameters | first |
//! | `work/` | the folder in which the run starts, with what it leaves there | first |
//! | `log` | what the run prints; locked while it lasts | at the start |
//! | `output` | what it wrote | by the run |
//! | `times`, `code` | its processor time and exit code | by its shell, at the end |
//! | `record.json` | seconds, and shape or error | when that has been judged |
//!
//! A run with a record has ended. One with a code has ended without this program, and is judged by the next start. One
//! whose log is locked goes on, and is waited for. Any other was killed with the machine, and is run again.

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

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Wall time, the start of the process included.
    pub seconds: f64,
    /// Processor time, where it could be measured.
    pub processor_seconds: Option<f64>,
    /// The sizes of its output.
    pub shape: Vec<usize>,
    /// The names of its outputs, where it has them.
    pub names: Vec<String>,
    /// Why it failed.
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

/// Where a run stands.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// It ended, or will not be run again.
    Ended(Record),
    /// It goes on, or ended without a record.
    Running,
    /// It is to be run.
    ToDo,
}

/// The folder of a collection, which no other process uses.
#[derive(Debug)]
pub struct Runs {
    path: PathBuf,
    retry: bool,
    /// Held as long as this lives.
    _lock: FolderLock,
}

impl Runs {
    /// Opens the folder at `path`, or makes it; `retry` says that runs that failed are run again.
    ///
    /// # Errors
    /// It belongs to another simulator, another process uses it, or it cannot be made.
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

    /// Compares the simulator with the one that the folder was begun with.
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
            // The command itself was mended.
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

    /// The folder of a run.
    #[must_use]
    pub fn folder(&self, row: usize) -> PathBuf {
        self.path.join(format!("{row:06}"))
    }

    /// The folder of all.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The record of a run, if it has ended.
    #[must_use]
    pub fn record(&self, row: usize) -> Option<Record> {
        // A record that cannot be read was cut short with the machine: the run is judged again.
        let text = fs::read(self.folder(row).join("record.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Where a run stands.
    ///
    /// # Errors
    /// Its parameters are not those of the design, or its folder cannot be read.
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

    /// Brings a run to its end: waits for one that goes on, else runs it; `started` counts those.
    ///
    /// # Errors
    /// The folder cannot be read or written, or no process can be started.
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

    /// Waits for a run that was started before; nothing if there is none, or it was killed.
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
        // The record comes before the kill: a run that was too long is not tried again, whatever happens in between.
        let is_late = || record = simulation.limit.map(|limit| late(folder, limit));
        process::wait(folder, child, simulation.limit, is_late, observer)?;
        let seconds = began.elapsed().as_secs_f64();
        record.unwrap_or_else(|| judge(folder, simulation, seconds))
    }
}

/// Records a run that is too long.
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
                // What a shell makes of a signal.
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
