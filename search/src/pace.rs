//! Keeps a training within a wall time: determines when the search must end so that fine-tuning
//! ends in time.
//!
//! The time of the members' steps is predicted from earlier steps by a line through
//! (multiply-accumulates, seconds), with lower weights for older steps.

use std::time::{Duration, Instant};

/// The factor by which the weight of a step decreases with each later step.
const MEMORY: f64 = 0.999;
/// Time between two predictions.
const FORECAST_EVERY: Duration = Duration::from_millis(100);

/// Maximum number of steps whose times are kept: evenly spread over a run of any length.
const KEPT: usize = 1 << 14;

/// The clock of a training.
#[derive(Debug)]
pub struct Pace {
    began: Instant,
    /// The deadline, if there is one.
    end: Option<Duration>,
    forecast: Instant,
    costs: Line,
    steps: usize,
    /// Seconds of every `stride`-th step.
    kept: Vec<f32>,
    stride: usize,
}

impl Pace {
    /// Returns the clock of a run that began at `began`; `end` is its deadline, if there is one.
    #[must_use]
    pub fn new(began: Instant, end: Option<Duration>) -> Self {
        Self {
            began,
            end,
            forecast: Instant::now(),
            costs: Line::default(),
            steps: 0,
            kept: Vec::new(),
            stride: 1,
        }
    }

    /// Records a weight step.
    pub fn took(&mut self, macs: u64, time: Duration) {
        self.costs.add(macs as f64, time.as_secs_f64());
        if self.kept.len() == KEPT {
            let mut number = 0;
            self.kept.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.stride *= 2;
        }
        if self.steps.is_multiple_of(self.stride) {
            self.kept.push(time.as_secs_f32());
        }
        self.steps += 1;
    }

    /// Whether a new prediction is due.
    pub fn wants_forecast(&mut self) -> bool {
        let due = self.end.is_some() && self.forecast.elapsed() >= FORECAST_EVERY;
        if due {
            self.forecast = Instant::now();
        }
        due
    }

    /// Whether `steps` more steps of this cost, plus the time `after` them, would reach or exceed
    /// the deadline.
    #[must_use]
    pub fn is_up(&self, steps: usize, macs: f64, after: Duration) -> bool {
        let rest = Duration::from_secs_f64((steps as f64 * self.costs.at(macs)).min(1e9)) + after;
        self.end
            .is_some_and(|end| self.began.elapsed() + rest >= end)
    }

    /// Returns the duration of the training so far.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Returns the remaining duration, given the number of remaining steps if it is known.
    #[must_use]
    pub fn left(&self, steps: Option<(usize, f64)>) -> Option<Duration> {
        match (self.end, steps) {
            (Some(end), _) => Some(end.saturating_sub(self.elapsed())),
            (None, Some((steps, macs))) => Some(Duration::from_secs_f64(
                (steps as f64 * self.costs.at(macs)).min(1e9),
            )),
            (None, None) => None,
        }
    }

    /// Returns the median time of a weight step in milliseconds, or zero before the first.
    #[must_use]
    pub fn median_ms(&self) -> f64 {
        let mut steps = self.kept.clone();
        steps.sort_by(f32::total_cmp);
        steps
            .get(steps.len() / 2)
            .map_or(0.0, |&seconds| f64::from(seconds) * 1e3)
    }
}

/// A weighted least-squares line.
#[derive(Debug, Default)]
struct Line {
    weight: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
}

impl Line {
    fn add(&mut self, x: f64, y: f64) {
        for sum in [
            &mut self.weight,
            &mut self.x,
            &mut self.y,
            &mut self.xx,
            &mut self.xy,
        ] {
            *sum *= MEMORY;
        }
        self.weight += 1.0;
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.xy += x * y;
    }

    /// Returns the value of the line at `x`, with a non-negative slope; zero before the first
    /// point.
    fn at(&self, x: f64) -> f64 {
        if self.weight == 0.0 {
            return 0.0;
        }
        let (mean_x, mean_y) = (self.x / self.weight, self.y / self.weight);
        let spread = self.xx / self.weight - mean_x * mean_x;
        let slope = match spread > 1e-6 * mean_x * mean_x {
            true => ((self.xy / self.weight - mean_x * mean_y) / spread).max(0.0),
            false => 0.0,
        };
        (mean_y + slope * (x - mean_x)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_on_a_line_are_foretold_and_a_time_is_up_when_the_rest_fills_it() {
        let mut pace = Pace::new(Instant::now(), Some(Duration::from_secs(100)));
        for macs in (0..500).map(|k| 1000 + k * 37 % 900) {
            pace.took(macs, Duration::from_secs_f64(0.01 + 1e-5 * macs as f64));
        }
        assert!((pace.costs.at(5000.0) - 0.06).abs() < 1e-6);
        assert!(!pace.is_up(1000, 5000.0, Duration::ZERO));
        assert!(pace.is_up(1667, 5000.0, Duration::ZERO));
        assert!(pace.is_up(1000, 5000.0, Duration::from_secs(41)));
        assert!(!Pace::new(Instant::now(), None).is_up(usize::MAX, 1e9, Duration::ZERO));
    }

    #[test]
    fn the_median_is_that_of_all_steps_and_no_more_times_are_kept_than_that_takes() {
        let mut pace = Pace::new(Instant::now(), None);
        for k in 0..100_000u64 {
            pace.took(1, Duration::from_micros(100 + k * 7919 % 201));
        }
        assert!(pace.kept.len() <= KEPT);
        assert!(
            (pace.median_ms() - 0.2).abs() < 0.005,
            "{}",
            pace.median_ms()
        );
    }

    #[test]
    fn equal_costs_are_foretold_as_their_mean() {
        let mut line = Line::default();
        assert_eq!(line.at(3.0), 0.0);
        for y in [1.0, 3.0, 1.0, 3.0] {
            line.add(7.0, y);
        }
        assert!((line.at(7.0) - 2.0).abs() < 1e-2 && (line.at(1e6) - 2.0).abs() < 1e-2);
    }
}
