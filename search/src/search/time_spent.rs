//! What the CPU time of a race goes into.
//!
//! Nothing that is trained depends on it.

use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What a race does. One thing at a time, on all threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// First looks at Gaussian processes, and their fits.
    Processes,
    /// Steps of the networks of folds.
    Rounds,
    /// The stack of models, and its answers at fresh inputs.
    Answers,
    /// Steps of what ships.
    Last,
    /// Everything else.
    Other,
}

/// The CPU seconds of the parts of a race, all threads together. Of a resumed run they are those
/// since it was resumed. Where the system has no clock of a process's CPU time, wall time times
/// threads stands for it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct TimeSpent {
    /// First looks at Gaussian processes, and their fits.
    pub processes: f64,
    /// Steps of the networks of folds.
    pub rounds: f64,
    /// The stack of models, and its answers at fresh inputs.
    pub answers: f64,
    /// Steps of what ships.
    pub last: f64,
    /// Everything else: what looks at the data, judges, calibrates, and writes.
    pub other: f64,
    /// Of these: steps of what ships, of the networks of folds of its kind, and of those that teach
    /// it, with the processes if they do.
    pub for_what_ships: f64,
    /// Wall seconds from the beginning to the report.
    pub wall: f64,
    /// Threads of the run.
    pub threads: usize,
}

impl TimeSpent {
    /// Returns the CPU seconds of each part with its name, in the order in which they begin.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, f64); 5] {
        [
            ("processes", self.processes),
            ("rounds", self.rounds),
            ("answers", self.answers),
            ("last training", self.last),
            ("other", self.other),
        ]
    }

    /// Returns the CPU seconds of all parts.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.parts().iter().map(|(_, seconds)| seconds).sum()
    }

    /// Returns the shares as a line of text, with what was used of the time of all threads.
    #[must_use]
    pub fn text(&self) -> String {
        let total = self.total().max(f64::MIN_POSITIVE);
        let shares = self
            .parts()
            .map(|(name, seconds)| format!("{:.0} % {name}", 100.0 * seconds / total));
        let there = self.wall * self.threads as f64;
        let plural = if self.threads == 1 { "" } else { "s" };
        format!(
            "{}; {:.0} % for what ships, its folds and its teachers; {total:.1} CPU s, {:.0} % of {:.1} s on {} thread{plural}",
            shares.join(", "),
            100.0 * self.for_what_ships / total,
            100.0 * total / there.max(f64::MIN_POSITIVE),
            self.wall,
            self.threads,
        )
    }
}

/// The shares of two parts of a race that are for what ships.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct ForWhatShips {
    pub(super) processes: f64,
    pub(super) rounds: f64,
}

/// Measures what the time goes into.
#[derive(Debug)]
pub(super) struct Clock {
    began: Instant,
    threads: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    part: Part,
    /// CPU seconds of the process when that part began.
    since: f64,
    /// CPU seconds of each part.
    spent: [f64; 5],
}

impl Clock {
    /// Begins to measure a run on this number of threads.
    pub(super) fn new(threads: usize) -> Self {
        let began = Instant::now();
        Self {
            began,
            threads,
            state: Mutex::new(State {
                part: Part::Other,
                since: process_seconds(began, threads),
                spent: [0.0; 5],
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins another part, and returns the one that this ends.
    fn turn_to(&self, part: Part) -> Part {
        let now = process_seconds(self.began, self.threads);
        let mut state = self.state();
        let ended = state.part;
        state.spent[ended as usize] += now - state.since;
        (state.part, state.since) = (part, now);
        ended
    }

    /// Makes a call of which all CPU time, but for that of parts within it, is that of `part`.
    pub(super) fn during<T>(&self, part: Part, call: impl FnOnce() -> T) -> T {
        let ended = self.turn_to(part);
        let result = call();
        self.turn_to(ended);
        result
    }

    /// Makes a call that belongs to no part, such as writing a checkpoint, while other threads may
    /// go on with theirs.
    pub(super) fn beside<T>(&self, call: impl FnOnce() -> T) -> T {
        let before = thread_seconds();
        let result = call();
        let took = thread_seconds() - before;
        let mut state = self.state();
        let part = state.part as usize;
        state.spent[part] -= took;
        state.spent[Part::Other as usize] += took;
        result
    }

    /// Returns what was spent until now, with these shares of it for what ships.
    pub(super) fn spent(&self, shares: ForWhatShips) -> TimeSpent {
        let part = self.state().part;
        self.turn_to(part);
        let [processes, rounds, answers, last, other] = self.state().spent;
        TimeSpent {
            processes,
            rounds,
            answers,
            last,
            other,
            for_what_ships: last + shares.rounds * rounds + shares.processes * processes,
            wall: self.began.elapsed().as_secs_f64(),
            threads: self.threads,
        }
    }
}

#[cfg(unix)]
fn seconds_of(clock: rustix::time::ClockId) -> f64 {
    let time = rustix::time::clock_gettime(clock);
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}

/// CPU seconds of all threads of the process.
#[cfg(unix)]
fn process_seconds(_began: Instant, _threads: usize) -> f64 {
    seconds_of(rustix::time::ClockId::ProcessCPUTime)
}

/// CPU seconds of this thread.
#[cfg(unix)]
fn thread_seconds() -> f64 {
    seconds_of(rustix::time::ClockId::ThreadCPUTime)
}

#[cfg(not(unix))]
fn process_seconds(began: Instant, threads: usize) -> f64 {
    began.elapsed().as_secs_f64() * threads as f64
}

#[cfg(not(unix))]
fn thread_seconds() -> f64 {
    static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    BEGAN.get_or_init(Instant::now).elapsed().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    /// Keeps this thread busy for these CPU seconds.
    fn work(seconds: f64) {
        let (end, mut sum) = (thread_seconds() + seconds, 0u64);
        while thread_seconds() < end {
            (0..1000).for_each(|k| sum = black_box(sum.wrapping_add(k)));
        }
    }

    // Tests of the same process run beside this one: their time counts too, so that a part has at
    // least what was worked in it.
    #[test]
    fn work_counts_where_it_was_done_on_all_threads() {
        let clock = Clock::new(2);
        clock.during(Part::Rounds, || {
            std::thread::scope(|scope| {
                scope.spawn(|| work(0.05));
                work(0.05);
            });
            clock.during(Part::Processes, || work(0.03));
        });
        let before = clock.spent(ForWhatShips::default());
        assert!(before.rounds >= 0.099, "{before:?}");
        assert!(before.processes >= 0.029, "{before:?}");
        assert_eq!((before.answers, before.last), (0.0, 0.0));
        clock.beside(|| work(0.04));
        let shares = ForWhatShips {
            processes: 0.0,
            rounds: 0.5,
        };
        let after = clock.spent(shares);
        assert_eq!(after.for_what_ships, after.last + 0.5 * after.rounds);
        assert!(after.other >= before.other + 0.039, "{after:?}");
        assert_eq!(
            (after.rounds, after.processes),
            (before.rounds, before.processes)
        );
        assert!(after.wall >= 0.12 && after.threads == 2, "{after:?}");
    }

    #[test]
    fn what_is_beside_a_part_is_taken_off_it() {
        let clock = Clock::new(1);
        let part = |clock: &Clock| clock.state().spent[Part::Last as usize];
        let (within, other) = clock.during(Part::Last, || {
            let before = part(&clock);
            clock.beside(|| work(0.03));
            (
                before - part(&clock),
                clock.state().spent[Part::Other as usize],
            )
        });
        assert!(within >= 0.029 && other >= 0.029, "{within} {other}");
    }

    #[test]
    fn shares_are_a_line() {
        let spent = TimeSpent {
            processes: 3.0,
            rounds: 27.0,
            answers: 1.0,
            last: 66.0,
            other: 3.0,
            for_what_ships: 80.0,
            wall: 62.5,
            threads: 2,
        };
        assert_eq!(
            spent.text(),
            "3 % processes, 27 % rounds, 1 % answers, 66 % last training, 3 % other; 80 % for what ships, its folds and its \
             teachers; 100.0 CPU s, 80 % of 62.5 s on 2 threads"
        );
        let text = serde_json::to_string(&spent).unwrap();
        assert_eq!(serde_json::from_str::<TimeSpent>(&text).unwrap(), spent);
    }
}
