//! One run of a simulator as a process: a shell in its own process group, which writes its exit
//! code to a file.
//!
//! The shell itself writes the code, so that a run completes even if the program that started it
//! has ended. While the run continues, it holds a lock on its log, which a later start of the
//! program detects. (A process id would not be reliable: the system may reuse it.)

use super::descendants;
use crate::events::Observer;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// The command is the shell's first argument and the run's folder the second, so that neither has
/// to be quoted.
const SHELL: &str = r#"
echo $$ > "$2/group"
sh -c "$1"
echo $? > "$2/code.part"
times > "$2/times"
mv "$2/code.part" "$2/code"
"#;

/// File for the messages of a run; it is locked during the run.
const LOG: &str = "log";

/// Starts a command in the folder `work`. Its messages go to the log in the run's `folder`; if it
/// prints its output, standard output goes to the file `output` there.
///
/// # Errors
/// If the system cannot start a process, or the folder is not writable.
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
    // Only the process keeps the lock: the two files here are closed with `shell`.
    shell.spawn()
}

/// Waits until the run in `folder` ends; at the time limit calls `late`, then kills all its
/// processes.
///
/// # Errors
/// If a system call fails.
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

/// Whether a run is still active in this folder.
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

/// Kills an active run in this folder, with all its processes.
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

/// Returns the exit code of the run, if it ended by itself.
#[must_use]
pub fn code(folder: &Path) -> Option<i32> {
    let text = fs::read_to_string(folder.join("code")).ok()?;
    text.trim().parse().ok()
}

/// Returns the processor time of the run and of the processes it waited for, in seconds with a
/// resolution of 0.01 s.
#[must_use]
pub fn processor_seconds(folder: &Path) -> Option<f64> {
    // The shell's own times, then those of its children: user and system, as 0m1.25s.
    let text = fs::read_to_string(folder.join("times")).ok()?;
    let seconds = |word: &str| -> Option<f64> {
        let (minutes, seconds) = word.strip_suffix('s')?.split_once('m')?;
        Some(60.0 * minutes.parse::<f64>().ok()? + seconds.parse::<f64>().ok()?)
    };
    text.lines().nth(1)?.split_whitespace().map(seconds).sum()
}

/// Returns the last line of the run's log.
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
