//! All processes of a run, whatever process group or session they have made their own.
//!
//! On Linux `/proc` tells: a process belongs to a run if its environment names the run's folder ([`MARK`] is inherited by
//! every child), or if its parent, its process group or its session does. One that clears its environment is found by its
//! parent, one that outlives its parent by its environment. Elsewhere the process group of the run's shell is all that is
//! known.

use std::path::Path;

/// The variable that names the folder of a run to all that it starts.
pub(super) const MARK: &str = "DENSE_COLLECT_RUN";

/// Kills all processes of the run in `folder`, whose shell began the process group `group`; returns those that are still
/// there, because the system does not let them be killed.
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
        // A process that makes others while they are killed is met again, until none is left.
        if all.is_empty() || began.elapsed() > GIVE_UP {
            return all;
        }
        // First nobody may start anything, so that what is killed is all.
        for signal in [Signal::STOP, Signal::KILL] {
            for pid in all.iter().filter_map(|&pid| Pid::from_raw(pid)) {
                // It may have ended meanwhile.
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
        // It may have ended meanwhile.
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
    /// The value of [`MARK`] in its environment, where that may be read.
    mark: Option<Vec<u8>>,
}

/// Every process of the machine that has not ended, as far as `/proc` shows them.
#[cfg(target_os = "linux")]
fn table() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let status = std::fs::read(entry.path().join("stat")).ok()?;
            let (state, [parent, group, session]) = fields(&status)?;
            // An ended one, which its parent has not yet looked at.
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

/// State, parent, group and session in `/proc/PID/stat`, behind a name that may have any letter in it.
#[cfg(target_os = "linux")]
fn fields(status: &[u8]) -> Option<(u8, [i32; 3])> {
    let end = status.iter().rposition(|&byte| byte == b')')?;
    let rest = std::str::from_utf8(&status[end + 1..]).ok()?;
    let mut words = rest.split_whitespace();
    let state = *words.next()?.as_bytes().first()?;
    let mut number = || words.next()?.parse().ok();
    Some((state, [number()?, number()?, number()?]))
}

/// The processes that belong to a run; never `own`, which collects, nor its group.
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
    // The shell's number may have been given to another process since: its group counts where a member is of this run.
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
            // A group or session outlives its leader; both were made by this run, as its shell leads a group of its own.
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
            // A session of its own, and one that has lost its parent.
            process(30, 10, 30, 30, "/r/0"),
            process(31, 1, 31, 31, "/r/0"),
            // Without an environment: a child, one of the group, and a child of that with a group of its own.
            process(32, 31, 32, 32, ""),
            process(33, 1, 10, 1, ""),
            process(34, 33, 34, 34, ""),
        ];
        let run = |folder: &str, group| belonging(&all, 5, Path::new(folder), Some(group));
        assert_eq!(run("/r/0", 10), [10, 30, 31, 32, 33, 34]);
        assert_eq!(run("/r/1", 20), [20, 21]);
        // The number in the file `group` is another process's by now.
        assert!(run("/r/2", 5).is_empty());
    }

    #[test]
    fn a_name_may_have_any_letter() {
        let status = b"77 (a) S 1 (b) R 12 13 14 0 -1 4194304";
        assert_eq!(fields(status), Some((b'R', [12, 13, 14])));
        assert_eq!(fields(b"77 (cut"), None);
    }
}
