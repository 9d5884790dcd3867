//! Which is faster now, two threads or one: on a machine with other work, they wait for each other.

use std::time::{Duration, Instant};

/// The time of steps over which a mean is taken.
const BLOCK: Duration = Duration::from_millis(25);
/// The time between two trials of the slower way: at first, and where trials do not pay.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(2)];
/// A mean so many times that at the last trial is looked into soon.
const SLOWED: f64 = 1.5;

/// The choice between two ways to take a step, by their times.
#[derive(Debug)]
pub(super) struct Tempo {
    preferred: usize,
    current: usize,
    /// Seconds of a step by each way, when it was last tried.
    seconds: [f64; 2],
    /// Time of the steps of the current block, and their number.
    time: Duration,
    steps: u32,
    /// Seconds of a step by the preferred way at the last trial.
    usual: f64,
    /// When the last trial ended, and the pause until the next.
    tried: Option<Instant>,
    pause: Duration,
}

impl Tempo {
    /// Begins with way 1.
    pub(super) fn new() -> Self {
        Self {
            preferred: 1,
            current: 1,
            seconds: [f64::INFINITY; 2],
            time: Duration::ZERO,
            steps: 0,
            usual: f64::INFINITY,
            tried: None,
            pause: PAUSES[0],
        }
    }

    /// The way for the next step.
    pub(super) fn way(&self) -> usize {
        self.current
    }

    /// Takes the next steps this way.
    #[cfg(test)]
    pub(super) fn force(&mut self, way: usize) {
        (self.preferred, self.current) = (way, way);
    }

    /// Takes note of a step by [`Tempo::way`] that took this time and ended `now`.
    pub(super) fn took(&mut self, time: Duration, now: Instant) {
        self.time += time;
        self.steps += 1;
        if self.time < BLOCK {
            return;
        }
        let mean = self.time.as_secs_f64() / f64::from(self.steps);
        (self.time, self.steps) = (Duration::ZERO, 0);
        self.seconds[self.current] = mean;
        if self.current == self.preferred {
            let pause = match mean > SLOWED * self.usual {
                true => PAUSES[0],
                false => self.pause,
            };
            if self.tried.is_none_or(|tried| now - tried >= pause) {
                self.current = 1 - self.preferred;
            }
            return;
        }
        // A trial has ended.
        self.pause = match mean < self.seconds[self.preferred] {
            true => {
                self.preferred = self.current;
                PAUSES[0]
            }
            false => (2 * self.pause).min(PAUSES[1]),
        };
        self.current = self.preferred;
        self.usual = self.seconds[self.preferred];
        self.tried = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faster_way_is_used_most_and_found_again_when_that_changes() {
        let mut tempo = Tempo::new();
        let mut now = Instant::now();
        for (fast, slow) in [(1, 0), (0, 1), (1, 0)] {
            let mut used = [0.0; 2];
            // Ten seconds each, of steps of 1 and 2 ms.
            for _ in 0..10_000 {
                let way = tempo.way();
                let time = Duration::from_millis(if way == fast { 1 } else { 2 });
                now += time;
                used[way] += time.as_secs_f64();
                tempo.took(time, now);
            }
            assert!(used[slow] < 0.05 * used[fast], "{used:?}");
        }
    }
}
