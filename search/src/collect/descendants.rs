//! Finds all processes of a run, even in other process groups or sessions.
//!
//! On Linux this uses `/proc`: a process belongs to a run if its environment names the run's folder
//! (every child inherits [`MARK`]), or if its parent, process group or session belongs to the run.
//! A process that clears its environment is found through its parent; one that outlives its parent
//! is found through its environment. On other systems only the process group of the run's shell is
//! known.

use std::path::Path;

/// The environment variable with the folder of a run, inherited by all its processes.
pub(super) const MARK: &str = "DENSE_COLLECT_RUN";

/// Kills all processes of the run in `folder`, whose shell started the process group `group`;
/// returns those that remain because the system does not allow killing them.
#[cfg(target_os = "linux")]
pub(super) fn kill(folder: &Path, group: Option<u32>) -> Vec<i32> {
    use rustix::process::{Pid, Signal, getpid, kill_process};
    use std::time::{Duration, Instant};
    const LOOK_EVERY: Duration = Duration::from_millis(5);
    const GIVE_UP: Duration = Duration::from_secs(5);
    let began = Instant::now();
    loop {
        let table = table();
        if table.is_empty() {
            kill_group(group);
            return Vec::new();
        }
        let all = belonging(&table, getpid().as_raw_pid(), folder, group);
        // Processes may start others while they are killed; the loop repeats until none are left.
        if all.is_empty() || began.elapsed() > GIVE_UP {
            return all;
        }
        // First stop all processes, so that none can start others; then kill them.
        for signal in [Signal::STOP, Signal::KILL] {
            for pid in all.iter().filter_map(|&pid| Pid::from_raw(pid)) {
                // It may have ended in the meantime.
                let _ = kill_process(pid, signal);
            }
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
pub(super) fn kill(_: &Path, group: Option<u32>) -> Vec<i32> {
    kill_group(group);
    Vec::new()
}

#[cfg(unix)]
fn kill_group(group: Option<u32>) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(group) = group.and_then(|group| Pid::from_raw(i32::try_from(group).ok()?)) {
        // It may have ended in the meantime.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(not(unix))]
pub(super) fn kill(_: &Path, _: Option<u32>) -> Vec<i32> {
    Vec::new()
}

/// A process that has not ended.
#[cfg(target_os = "linux")]
#[derive(Debug, Clone, PartialEq, Eq)]
struct Process {
    pid: i32,
    parent: i32,
    group: i32,
    session: i32,
    /// The value of [`MARK`] in its environment, if readable.
    mark: Option<Vec<u8>>,
}

/// Returns every running process of the machine that `/proc` shows.
#[cfg(target_os = "linux")]
fn table() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let status = std::fs::read(entry.path().join("stat")).ok()?;
            let (state, [parent, group, session]) = fields(&status)?;
            // A zombie that its parent has not reaped yet.
            if matches!(state, b'Z' | b'X') {
                return None;
            }
            let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            let mark = environment.split(|&byte| byte == 0).find_map(|variable| {
                let value = variable.strip_prefix(MARK.as_bytes())?;
                Some(value.strip_prefix(b"=")?.to_vec())
            });
            Some(Process {
                pid,
                parent,
                group,
                session,
                mark,
            })
        })
        .collect()
}

/// Parses state, parent, group and session from `/proc/PID/stat`; they follow a name that may
/// contain any character.
#[cfg(target_os = "linux")]
fn fields(status: &[u8]) -> Option<(u8, [i32; 3])> {
    let end = status.iter().rposition(|&byte| byte == b')')?;
    let rest = std::str::from_utf8(&status[end + 1..]).ok()?;
    let mut words = rest.split_whitespace();
    let state = *words.next()?.as_bytes().first()?;
    let mut number = || words.next()?.parse().ok();
    Some((state, [number()?, number()?, number()?]))
}

/// Returns the processes that belong to a run, except the collecting process `own` and its group.
#[cfg(target_os = "linux")]
fn belonging(all: &[Process], own: i32, folder: &Path, group: Option<u32>) -> Vec<i32> {
    use std::collections::BTreeSet;
    use std::os::unix::ffi::OsStrExt;
    let marked =
        |process: &&Process| process.mark.as_deref() == Some(folder.as_os_str().as_bytes());
    let mut found: BTreeSet<i32> = all
        .iter()
        .filter(marked)
        .map(|process| process.pid)
        .collect();
    // The shell's process id may have been reused: its group counts only if one of its members
    // belongs to this run.
    let shell = group.and_then(|group| i32::try_from(group).ok());
    let mut leads: BTreeSet<i32> = shell
        .filter(|shell| found.contains(shell))
        .into_iter()
        .collect();
    let own_group = all.iter().find(|process| process.pid == own);
    let own_group = own_group.map(|process| process.group);
    loop {
        let before = found.len();
        for process in all.iter().filter(|process| process.pid != own) {
            let joined = [process.parent, process.group, process.session]
                .iter()
                .any(|leader| found.contains(leader) || leads.contains(leader));
            if joined {
                found.insert(process.pid);
            }
            // A group or session can outlive its leader. This run created both, since its shell
            // leads a group of its own.
            if found.contains(&process.pid) && own_group != Some(process.group) {
                leads.insert(process.group);
            }
        }
        if found.len() == before {
            return found.into_iter().collect();
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_its_marked_processes_their_children_groups_and_sessions_and_no_others() {
        let process = |pid, parent, group, session, mark: &str| Process {
            pid,
            parent,
            group,
            session,
            mark: (!mark.is_empty()).then(|| mark.as_bytes().to_vec()),
        };
        let all = [
            process(1, 0, 1, 1, ""),
            // The collection, and two runs.
            process(5, 1, 5, 1, ""),
            process(10, 5, 10, 1, "/r/0"),
            process(20, 5, 20, 1, "/r/1"),
            process(21, 20, 20, 1, "/r/1"),
            // A process with a session of its own, and an orphan.
            process(30, 10, 30, 30, "/r/0"),
            process(31, 1, 31, 31, "/r/0"),
            // Without an environment: a child, a member of the group, and that one's child with a
            // group of its own.
            process(32, 31, 32, 32, ""),
            process(33, 1, 10, 1, ""),
            process(34, 33, 34, 34, ""),
        ];
        let run = |folder: &str, group| belonging(&all, 5, Path::new(folder), Some(group));
        assert_eq!(run("/r/0", 10), [10, 30, 31, 32, 33, 34]);
        assert_eq!(run("/r/1", 20), [20, 21]);
        // The id in the file `group` now belongs to another process.
        assert!(run("/r/2", 5).is_empty());
    }

    #[test]
    fn a_name_may_have_any_letter() {
        let status = b"77 (a) S 1 (b) R 12 13 14 0 -1 4194304";
        assert_eq!(fields(status), Some((b'R', [12, 13, 14])));
        assert_eq!(fields(b"77 (cut"), None);
    }
}
