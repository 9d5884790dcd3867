//! The folder of a run: what a search writes there, and when.
//!
//! | file | what | when |
//! |---|---|---|
//! | `run.json` | settings, data and their hash, tool; at the end the report | from the start |
//! | `NAME.checkpoint` | the whole state of the training of space NAME | while it trains |
//! | `emulator.safetensors` | the emulator | at the end |
//!
//! Every file is whole or absent: written aside, then renamed.

use anyhow::{Context, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder of a run.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes the folder for a new run.
    ///
    /// # Errors
    /// It holds a run, finished or not, or cannot be made.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let folder = Self::at(path);
        if folder.emulator().exists() {
            bail!(
                "{}: there is a run already; choose another folder",
                path.display()
            );
        }
        if folder.description().exists() {
            bail!(
                "{0}: there is an unfinished run; continue it with `dense-search resume {0}`, or choose another folder",
                path.display()
            );
        }
        fs::create_dir_all(path).with_context(|| format!("{}: cannot be made", path.display()))?;
        Ok(folder)
    }

    /// Returns the folder of a run that may be there.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Returns the folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns where the emulator is, or will be.
    #[must_use]
    pub fn emulator(&self) -> PathBuf {
        self.path.join("emulator.safetensors")
    }

    fn description(&self) -> PathBuf {
        self.path.join("run.json")
    }

    fn checkpoint(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.checkpoint"))
    }

    /// Writes the run's description.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn describe(&self, description: &impl Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec_pretty(description)?;
        text.push(b'\n');
        self.write(&self.description(), &text)
    }

    /// Reads the run's description.
    ///
    /// # Errors
    /// There is none, or it is not of this form.
    pub fn description_of<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        let path = self.description();
        let text =
            fs::read(&path).with_context(|| format!("{}: no run is here", self.path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{}: not the description of a run", path.display()))
    }

    /// Writes the checkpoint of the training of a space.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_checkpoint(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        self.write(&self.checkpoint(name), bytes)
    }

    /// Reads the checkpoint of the training of a space, if there is one.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read_checkpoint(&self, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let path = self.checkpoint(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{}: cannot be read", path.display())),
        }
    }

    /// Removes the checkpoint of the training of a space.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn remove_checkpoint(&self, name: &str) -> anyhow::Result<()> {
        match fs::remove_file(self.checkpoint(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
        let whole = || -> anyhow::Result<()> {
            let mut aside = tempfile::NamedTempFile::new_in(&self.path)?;
            aside.write_all(bytes)?;
            aside.persist(path)?;
            Ok(())
        };
        whole().with_context(|| format!("{}: cannot be written", path.display()))
    }
}
