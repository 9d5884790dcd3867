//! The method of timing: one engine's turn in a round.

use anyhow::Result;
use std::time::Instant;

/// Rows of a batch, and of the inputs that calls take in turn.
pub(crate) const ROWS: usize = 64;

/// The shortest reading of the clock, in ns: shorter calls are timed together.
const READING_NS: f64 = 1000.0;
/// The approximate duration of one engine's turn, in ns.
const TURN_NS: f64 = 2e6;
/// Calls before the first reading of a turn, since other engines have evicted the caches.
const WARM_UP: usize = 20;

/// An engine with a loaded network.
pub(crate) trait Engine {
    /// Computes the mean at one row.
    fn predict(&mut self, x: &[f32], y: &mut [f32]) -> Result<()>;

    /// Computes the mean at [`ROWS`] rows in one call, for engines that can.
    fn predict_batch(&mut self, _x: &[f32], _y: &mut [f32]) -> Option<Result<()>> {
        None
    }

    /// One turn of readings, in the thread in which the engine computes.
    fn turn(&mut self, turn: &Turn<'_>, y: &mut [f32], readings: &mut Vec<f64>) -> Result<()> {
        turn.take(|x, y| self.predict(x, y), y, readings)
    }

    /// Makes this many calls inside the engine's own code, for engines that can.
    fn repeat(&mut self, _calls: usize, _how: Repeat, _x: &[f32]) -> Option<()> {
        None
    }
}

/// The dependence between calls.
#[derive(Clone, Copy)]
pub(crate) enum Repeat {
    /// Each on the next of [`ROWS`] rows.
    BackToBack,
    /// Each on the result of the one before.
    Chained,
}

/// The parts of one turn of one engine.
pub(crate) struct Turn<'a> {
    /// [`ROWS`] rows.
    pub(crate) rows: &'a [f32],
    /// Readings of the clock.
    pub(crate) readings: usize,
    /// Calls between two readings.
    pub(crate) group: usize,
    /// The time of reading the clock, subtracted.
    pub(crate) timer_ns: f64,
}

impl<'a> Turn<'a> {
    /// The turn for calls of about this duration.
    pub(crate) fn of(rows: &'a [f32], call_ns: f64, timer_ns: f64) -> Self {
        let group = (READING_NS / call_ns).ceil().max(1.0);
        Self {
            rows,
            readings: (TURN_NS / (group * call_ns)).clamp(20.0, 400.0) as usize,
            group: group as usize,
            timer_ns,
        }
    }

    /// Appends the readings, in ns per call.
    pub(crate) fn take(
        &self,
        mut call: impl FnMut(&[f32], &mut [f32]) -> Result<()>,
        y: &mut [f32],
        readings: &mut Vec<f64>,
    ) -> Result<()> {
        let mut rows = self.rows.chunks_exact(self.rows.len() / ROWS).cycle();
        let mut next = || rows.next().unwrap_or_default();
        for _ in 0..WARM_UP {
            call(next(), y)?;
        }
        for _ in 0..self.readings {
            let start = Instant::now();
            for _ in 0..self.group {
                call(next(), y)?;
            }
            let elapsed = start.elapsed().as_nanos() as f64;
            readings.push((elapsed - self.timer_ns).max(0.0) / self.group as f64);
        }
        Ok(())
    }
}

/// The median time of reading the clock, in ns.
pub(crate) fn timer_ns() -> f64 {
    let mut readings: Vec<_> = (0..10_001)
        .map(|_| Instant::now().elapsed().as_nanos() as f64)
        .collect();
    at(&mut readings, 0.5)
}

/// The reading below which this fraction of all lies; NaN if there are none.
pub(crate) fn at(readings: &mut [f64], fraction: f64) -> f64 {
    readings.sort_by(f64::total_cmp);
    let last = readings.len().saturating_sub(1);
    let place = (last as f64 * fraction).round() as usize;
    readings.get(place).copied().unwrap_or(f64::NAN)
}
