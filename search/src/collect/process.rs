//! One run of a simulator as a process: a shell in a process group of its own, which leaves its exit code in a file.
//!
//! Because the shell writes the code itself, a run ends whole though the program that started it is gone; and while it
//! lasts, it holds a lock on its log, by which a later start sees that it goes on. (A process id would not do: the system
//! gives it to another process.)

use super::descendants;
use crate::events::Observer;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// The command is the shell's first argument and the run's folder the second, so that neither needs to be quoted.
const SHELL: &str = r#"
echo $$ > "$2/group"
sh -c "$1"
echo $? > "$2/code.part"
times > "$2/times"
mv "$2/code.part" "$2/code"
"#;

/// What the run prints, and its lock.
const LOG: &str = "log";

/// Starts a command in the folder `work`; what it prints goes to the log in the `folder` of its run, or standard output to
/// the file `output` there.
///
/// # Errors
/// The system has no process to give, or the folder cannot be written.
pub fn start(command: &str, folder: &Path, work: &Path, prints: bool) -> io::Result<Child> {
    let log = File::create(folder.join(LOG))?;
    log.lock()?;
    let out = match prints {
        true => File::create(folder.join("output"))?,
        false => log.try_clone()?,
    };
    let mut shell = Command::new("sh");
    shell
        .args(["-c", SHELL, "sh", command])
        .arg(folder)
        .current_dir(work)
        .env(descendants::MARK, folder)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(log);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    // The lock lives on in the process alone: the two files here are closed with `shell`.
    shell.spawn()
}

/// Waits until the run in `folder` ends; at the time limit calls `late` and then kills all that it started.
///
/// # Errors
/// The system refuses.
pub fn wait(
    folder: &Path,
    mut child: Child,
    limit: Option<Duration>,
    late: impl FnOnce(),
    observer: &dyn Observer,
) -> io::Result<()> {
    let group = child.id();
    let Some(limit) = limit else {
        child.wait()?;
        return Ok(());
    };
    let (ended, end) = channel();
    let waiter = std::thread::spawn(move || {
        let status = child.wait();
        let _ = ended.send(());
        status
    });
    if end.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
        late();
        kill(folder, Some(group), observer);
    }
    match waiter.join() {
        Ok(status) => status.map(|_| ()),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Whether a run goes on in this folder.
///
/// # Errors
/// The log cannot be locked.
pub fn goes_on(folder: &Path) -> io::Result<bool> {
    let log = match OpenOptions::new().write(true).open(folder.join(LOG)) {
        Ok(log) => log,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match log.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Kills a run that goes on in this folder, with all that it started.
pub fn kill_in(folder: &Path, observer: &dyn Observer) {
    let text = fs::read_to_string(folder.join("group")).unwrap_or_default();
    kill(folder, text.trim().parse().ok(), observer);
}

fn kill(folder: &Path, group: Option<u32>, observer: &dyn Observer) {
    let left = descendants::kill(folder, group);
    if !left.is_empty() {
        observer.warn(format!(
            "{}: these processes were too long and cannot be killed: {left:?}; end them by hand",
            folder.display()
        ));
    }
}

/// The code that the run ended with, if it ended by itself.
#[must_use]
pub fn code(folder: &Path) -> Option<i32> {
    let text = fs::read_to_string(folder.join("code")).ok()?;
    text.trim().parse().ok()
}

/// Processor seconds of the run and of all that it started and waited for, to a hundredth of a second.
#[must_use]
pub fn processor_seconds(folder: &Path) -> Option<f64> {
    // The shell's own time, then that of its children: user and system, as 0m1.25s.
    let text = fs::read_to_string(folder.join("times")).ok()?;
    let seconds = |word: &str| -> Option<f64> {
        let (minutes, seconds) = word.strip_suffix('s')?.split_once('m')?;
        Some(60.0 * minutes.parse::<f64>().ok()? + seconds.parse::<f64>().ok()?)
    };
    text.lines().nth(1)?.split_whitespace().map(seconds).sum()
}

/// The last line that the run printed to its log.
#[must_use]
pub fn last_words(folder: &Path) -> String {
    const LETTERS: usize = 200;
    let text = fs::read(folder.join(LOG)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    line.unwrap_or_default()
        .trim()
        .chars()
        .take(LETTERS)
        .collect()
}
