//! The folder of a run: which files a search writes there, and when.
//!
//! | file | what | when |
//! |---|---|---|
//! | `lock` | who writes here; empty when nobody does ([`FolderLock`]) | from the start |
//! | `run.json` | settings, data and their hash, tool; at the end the report | from the start |
//! | `NAME.checkpoint` | the whole state of the training of space NAME | while it trains |
//! | `race.checkpoint`, `race-NAME-FOLD-STEPS.checkpoint` | the steps of each round of a race; its networks | until its end |
//! | `emulator.safetensors` | the emulator | at the end |
//! | `contenders/NAME.safetensors` | the emulator of every contender | at the end |
//! | `pareto/ROW.safetensors` | the emulator of each row of the Pareto table | at the end |
//! | `pareto.json` | the Pareto table, in order of increasing error | at the end |
//! | `teacher.safetensors` | the stack of a race's models, unless larger than 256 MiB | after the rounds of a race |
//! | `unseen.safetensors` | answers to rows by what has not seen them, if every row trained | at the end |
//! | `history.json` | how each training went | at the end |
//!
//! [`RunDescription`], [`ParetoTable`] and [`TrainingHistory`] define the contents of the JSON
//! files.
//!
//! Every file is whole or absent: it is written under a temporary name, then renamed.

use crate::data::write_whole;
use crate::error::{Context, Error, Result, bail};
use crate::events::Observer;
use crate::folder_lock::FolderLock;
use crate::json;
use crate::kept_teacher::Teacher;
use crate::kind::Kind;
use crate::provenance::TOOL;
use crate::search::{ParetoTable, RunDescription, TrainingHistory};
use crate::unseen::Unseen;
use dense_codegen::Emulator;
use serde::de::DeserializeOwned;
use std::fs;
use std::path::{Path, PathBuf};

/// How names of checkpoints end.
const CHECKPOINT: &str = "checkpoint";

/// The folder of a run.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Held for the lifetime of this value; `None` if nothing is written.
    lock: Option<FolderLock>,
}

impl RunFolder {
    /// Creates the folder of a new run. No other process can write there while the value lives.
    ///
    /// # Errors
    /// Another process is writing there, the folder already has a run (finished or not), or it
    /// cannot be created.
    pub fn create(path: &Path, observer: &dyn Observer) -> Result<Self> {
        let take = || FolderLock::take(path, "search", observer);
        let folder = Self::at(path);
        // Report a running process first: advice to resume would be wrong.
        let held = FolderLock::file(path).exists().then(take).transpose()?;
        folder.check_new()?;
        fs::create_dir_all(path).with_context(|| {
            format!("{}: cannot be made; choose another folder", path.display())
        })?;
        let lock = held.map_or_else(take, Ok)?;
        // Another process may have started and ended in the meantime.
        folder.check_new()?;
        Ok(Self {
            lock: Some(lock),
            ..folder
        })
    }

    /// Opens the folder of a run to continue it. No other process can write there while the value
    /// lives.
    ///
    /// # Errors
    /// There is no run, or another process is writing there.
    pub fn resume(path: &Path, observer: &dyn Observer) -> Result<Self> {
        let folder = Self::at(path);
        // Write nothing into a folder without a run.
        folder.description()?;
        Ok(Self {
            lock: Some(FolderLock::take(path, "resume", observer)?),
            ..folder
        })
    }

    /// Refuses a folder that already has a run.
    fn check_new(&self) -> Result<()> {
        let path = self.path.display();
        if self.emulator().exists() {
            bail!(Run, "{path}: there is a run already; choose another folder");
        }
        if let Some(error) = self.failure() {
            bail!(
                Run,
                "{path}: there is a run that ended with an error ({error}); choose another folder"
            );
        }
        if self.description_file().exists() {
            bail!(
                Run,
                "{path}: there is an unfinished run; continue it with `dense-search resume {path}`, or choose another folder"
            );
        }
        Ok(())
    }

    /// Returns the error that ended the run, if a repetition would end with it again.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.description().ok()?.error
    }

    /// Returns the error for a run that has no emulator yet, or never will have one.
    #[must_use]
    pub fn unfinished(&self) -> Error {
        let path = self.path.display();
        // This process's own lock does not count as another's.
        let holder = match &self.lock {
            Some(_) => None,
            None => FolderLock::holder(&self.path),
        };
        if let Some(holder) = holder {
            return Error::Busy(format!(
                "{path}: the run goes on, by {holder}; wait for it, or interrupt it"
            ));
        }
        match self.failure() {
            Some(error) => Error::Run(format!(
                "{path}: the run ended with an error, and would end so again: {error}; begin another in another folder"
            )),
            None => Error::Run(format!(
                "{path}: the run is not finished; end it with `dense-search resume {path}`"
            )),
        }
    }

    /// Returns the folder of a run, which may not exist, for reading.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            lock: None,
        }
    }

    /// Returns the folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of the emulator, whether or not it exists yet.
    #[must_use]
    pub fn emulator(&self) -> PathBuf {
        self.path.join("emulator.safetensors")
    }

    /// Returns the path of the emulator of a row of the Pareto table, whether or not it exists yet.
    #[must_use]
    pub fn pareto_emulator(&self, row: usize) -> PathBuf {
        self.path.join("pareto").join(format!("{row}.safetensors"))
    }

    /// Returns the path of a contender's emulator, whether or not it exists yet.
    #[must_use]
    pub fn contender(&self, name: &str) -> PathBuf {
        self.path
            .join("contenders")
            .join(format!("{name}.safetensors"))
    }

    fn description_file(&self) -> PathBuf {
        self.path.join("run.json")
    }

    fn pareto_file(&self) -> PathBuf {
        self.path.join("pareto.json")
    }

    fn history_file(&self) -> PathBuf {
        self.path.join("history.json")
    }

    fn unseen_file(&self) -> PathBuf {
        self.path.join("unseen.safetensors")
    }

    fn teacher_file(&self) -> PathBuf {
        self.path.join("teacher.safetensors")
    }

    fn checkpoint(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.{CHECKPOINT}"))
    }

    /// Writes the run's description.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn describe(&self, description: &RunDescription) -> Result<()> {
        write_line(
            &self.description_file(),
            serde_json::to_vec_pretty(description)?,
        )
    }

    /// Reads the run's description.
    ///
    /// # Errors
    /// The file is absent, or its form is not the one of this version.
    pub fn description(&self) -> Result<RunDescription> {
        let path = self.description_file();
        let text = fs::read(&path).with_context(|| {
            format!(
                "{}: no run is here; name the folder that search made with --out",
                self.path.display()
            )
        })?;
        let what = format!("the description of a run that {TOOL} can read");
        json::parse(&text, &path, &what)
    }

    /// Whether the folder contains the description of a run.
    #[must_use]
    pub fn has_description(&self) -> bool {
        self.description_file().exists()
    }

    /// Writes the emulator of a contender.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save_contender(&self, name: &str, emulator: &Emulator) -> Result<()> {
        save(emulator, &self.contender(name))
    }

    /// Writes the emulator of a row of the Pareto table.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save_pareto(&self, row: usize, emulator: &Emulator) -> Result<()> {
        save(emulator, &self.pareto_emulator(row))
    }

    /// Removes the emulators of a Pareto table that an interrupted run has left.
    ///
    /// # Errors
    /// They cannot be removed.
    pub fn clear_pareto(&self) -> Result<()> {
        let rows = (1..).map(|row| self.pareto_emulator(row));
        for row in rows.take_while(|row| row.exists()) {
            fs::remove_file(&row)
                .with_context(|| format!("{}: cannot be removed", row.display()))?;
        }
        Ok(())
    }

    /// Writes the Pareto table.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_pareto(&self, table: &ParetoTable) -> Result<()> {
        write_line(&self.pareto_file(), serde_json::to_vec(table)?)
    }

    /// Reads the Pareto table, if there is one.
    ///
    /// # Errors
    /// The file cannot be read, or its form is not the one of this version.
    pub fn pareto(&self) -> Result<Option<ParetoTable>> {
        read_if_there(&self.pareto_file(), "a Pareto table")
    }

    /// Writes the histories of the trainings.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_history(&self, history: &TrainingHistory) -> Result<()> {
        write_line(&self.history_file(), serde_json::to_vec(history)?)
    }

    /// Reads the histories of the trainings, if the run has them.
    ///
    /// # Errors
    /// The file cannot be read, or its form is not the one of this version.
    pub fn history(&self) -> Result<Option<TrainingHistory>> {
        read_if_there(&self.history_file(), "the history of a run")
    }

    /// Writes the answers to rows by what has not seen them.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_unseen(&self, unseen: &Unseen) -> Result<()> {
        Ok(write_whole(&self.unseen_file(), &unseen.to_bytes()?)?)
    }

    /// Writes the bytes of a race's teacher.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write_teacher(&self, bytes: &[u8]) -> Result<()> {
        Ok(write_whole(&self.teacher_file(), bytes)?)
    }

    /// Reads the answers to rows by what has not seen them, if the run has them.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub fn unseen(&self) -> Result<Option<Unseen>> {
        let path = self.unseen_file();
        let bytes = bytes_if_there(&path)?;
        let unseen = bytes.map(|bytes| Unseen::from_bytes(&bytes));
        unseen
            .transpose()
            .with_context(|| format!("{}: damaged; search again", path.display()))
    }

    /// Writes the checkpoint of the training of a space.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_checkpoint(&self, name: &str, bytes: &[u8]) -> Result<()> {
        Ok(write_whole(&self.checkpoint(name), bytes)?)
    }

    /// Reads the checkpoint of the training of a space, if there is one.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read_checkpoint(&self, name: &str) -> Result<Option<Vec<u8>>> {
        bytes_if_there(&self.checkpoint(name))
    }

    /// Removes the checkpoints of all trainings.
    ///
    /// # Errors
    /// The folder cannot be read, or a file cannot be removed.
    pub fn remove_checkpoints(&self) -> Result<()> {
        for file in fs::read_dir(&self.path)? {
            let path = file?.path();
            if path.extension().is_some_and(|end| end == CHECKPOINT) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

/// Returns the emulator of a run's folder, or of an emulator file.
///
/// # Errors
/// There is no emulator, the run is not finished, or the file is damaged.
pub fn emulator_of(run: &Path) -> Result<Emulator> {
    let folder = RunFolder::at(run);
    let file = match run.is_dir() {
        true => folder.emulator(),
        false => run.to_owned(),
    };
    if file.exists() {
        return Ok(dense_codegen::file::load(&file)?);
    }
    if folder.description_file().exists() {
        return Err(folder.unfinished());
    }
    bail!(
        Run,
        "{}: no emulator is here; name the folder that search made with --out, or an emulator file",
        run.display()
    )
}

/// Returns the teacher that a race has left in a run's folder.
///
/// # Errors
/// The run has no teacher or is not finished, or the file is damaged or of another version.
pub fn teacher_of(run: &Path) -> Result<Teacher> {
    let folder = RunFolder::at(run);
    let (path, file) = (run.display(), folder.teacher_file());
    if run.is_file() {
        bail!(
            Run,
            "{path}: an emulator by itself has no teacher; name the folder that search made with --out"
        );
    }
    if folder.description_file().exists() && !folder.emulator().exists() {
        return Err(folder.unfinished());
    }
    match bytes_if_there(&file)? {
        Some(bytes) => Teacher::from_bytes(&bytes).with_context(|| {
            format!(
                "{}: not a teacher that {TOOL} can read; repeat the search, with `--plan {}` to the same emulator",
                file.display(),
                folder.description_file().display()
            )
        }),
        None => bail!(
            Run,
            "{path}: the run has no teacher; a race leaves one, which is the default of `dense-search search`, and so does `--space` with kinds of networks such as {}, unless it is interrupted early or the teacher is larger than 256 MiB",
            Kind::GATED.name()
        ),
    }
}

/// Writes a JSON file that ends in a line break.
fn write_line(path: &Path, mut json: Vec<u8>) -> Result<()> {
    json.push(b'\n');
    Ok(write_whole(path, &json)?)
}

/// Reads a JSON file, if it exists.
fn read_if_there<T: DeserializeOwned>(path: &Path, what: &str) -> Result<Option<T>> {
    let what = format!("{what} that {TOOL} can read");
    let text = bytes_if_there(path)?;
    text.map(|text| json::parse(&text, path, &what)).transpose()
}

/// Reads a file, if it exists.
fn bytes_if_there(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{}: cannot be read", path.display())),
    }
}

/// Writes an emulator into a folder, which it creates.
fn save(emulator: &Emulator, file: &Path) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| {
            format!(
                "{}: cannot be made; choose another folder",
                folder.display()
            )
        })?;
    }
    Ok(dense_codegen::file::save(emulator, file)?)
}

/// Refuses an output path that is one of the input files: writing would replace the input.
///
/// # Errors
/// The output is one of the inputs.
pub(crate) fn refuse_input(output: &Path, inputs: &[&Path]) -> Result<()> {
    let Ok(written) = fs::canonicalize(output) else {
        return Ok(());
    };
    let is_output = |input: &&&Path| fs::canonicalize(input).is_ok_and(|read| read == written);
    match inputs.iter().find(is_output) {
        Some(input) => bail!(
            Output,
            "{}: this is what is read ({}), and would be replaced; give the output another name",
            output.display(),
            input.display()
        ),
        None => Ok(()),
    }
}
