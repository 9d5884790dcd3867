//! Allows one writer per folder, by a lock that the system releases whenever and however its holder
//! ends.
//!
//! The file `lock` names the holder and is empty if nobody holds it. The file is never removed:
//! otherwise two processes could lock it, one the removed file and one its replacement.

use crate::error::{Context, Result, bail};
use crate::events::Observer;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The process that writes into a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its command of the program: `search`.
    pub command: String,
    /// Its process id.
    pub process: u32,
    /// Its host name.
    pub host: String,
    /// The time at which it began, in UTC.
    pub since: String,
}

impl Holder {
    fn this(command: &str) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            command: command.to_owned(),
            process: std::process::id(),
            host: host(),
            since: utc(now.map_or(0, |since| since.as_secs())),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "dense-search {} (process {} on {}, since {})",
            self.command, self.process, self.host, self.since
        )
    }
}

/// The right to write into a folder, until this value is dropped or the process ends.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
}

impl FolderLock {
    /// Returns the lock file of a folder.
    #[must_use]
    pub fn file(folder: &Path) -> PathBuf {
        folder.join("lock")
    }

    /// Returns the holder of a folder's lock without taking the lock; `None` if nobody holds it, or
    /// the holder is unknown.
    #[must_use]
    pub fn holder(folder: &Path) -> Option<Holder> {
        let mut file = File::open(Self::file(folder)).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => holder(&mut file),
            _ => None,
        }
    }

    /// Takes the lock of an existing folder for a `command` of the program. Warns if the disk does
    /// not support locks.
    ///
    /// # Errors
    /// Another process holds the lock: the error names it and says what to do. Or the folder cannot
    /// be written.
    pub fn take(folder: &Path, command: &str, observer: &dyn Observer) -> Result<Self> {
        let (shown, path) = (folder.display(), Self::file(folder));
        // No truncation: until the lock is taken, the contents belong to the other process.
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let mut file = file.with_context(|| {
            format!(
                "{}: cannot be written; check the folder's permissions",
                path.display()
            )
        })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = holder(&mut file);
                let holder = holder.map_or("another program".to_owned(), |one| one.to_string());
                bail!(
                    Busy,
                    "{shown}: {holder} is at work there; wait for it, or take another folder. If that process is dead and its \
                     machine has not given the lock back, remove {} and start this command again",
                    path.display()
                )
            }
            Err(TryLockError::Error(error)) => {
                observer.warn(format!(
                    "{shown}: its disk has no locks ({error}); see to it that no other program writes there"
                ));
                return Ok(Self { file });
            }
        }
        let mut lock = Self { file };
        lock.write(&serde_json::to_vec(&Holder::this(command))?)
            .with_context(|| format!("{}: cannot be written", path.display()))?;
        Ok(lock)
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(bytes)
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Closing the file releases the lock, whether or not this write succeeds.
        let _ = self.write(b"");
    }
}

fn holder(file: &mut File) -> Option<Holder> {
    let mut text = Vec::new();
    file.read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// The host name of this machine.
fn host() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    match name.is_empty() {
        true => "a machine without a name".to_owned(),
        false => name,
    }
}

/// Formats seconds since 1970 as `2026-11-30 08:42:51 UTC`.
///
/// *Source*: Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`; its years
/// begin in March.
fn utc(seconds: u64) -> String {
    const DAYS_OF_400_YEARS: u64 = 146_097;
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = 400 * era + year + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const SILENT: &dyn Observer = &|_| {};

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_709_251_200, "2024-03-01 00:00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
            (1_796_028_171, "2026-11-30 08:42:51 UTC"),
        ] {
            assert_eq!(utc(seconds), text);
        }
    }

    #[test]
    fn the_second_is_told_of_the_first_and_can_go_on_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = FolderLock::take(folder.path(), "search", SILENT).unwrap();
        for _ in 0..2 {
            let error = FolderLock::take(folder.path(), "resume", SILENT).unwrap_err();
            let error = error.to_string();
            let process = format!("dense-search search (process {} on ", std::process::id());
            assert!(error.contains(&process), "{error}");
            assert!(error.contains(" UTC) is at work there"), "{error}");
        }
        let holder = FolderLock::holder(folder.path()).unwrap();
        assert_eq!(
            (&*holder.command, holder.process),
            ("search", std::process::id())
        );
        drop(first);
        assert_eq!(FolderLock::holder(folder.path()), None);
        let file = FolderLock::file(folder.path());
        assert!(fs::read(&file).unwrap().is_empty());
        let second = FolderLock::take(folder.path(), "resume", SILENT).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("{\"command\":\"resume\""), "{text}");

        // The message gives this advice for a lock that outlives its holder.
        fs::remove_file(&file).unwrap();
        assert!(FolderLock::take(folder.path(), "search", SILENT).is_ok());
        drop(second);
    }
}
