//! How the error of a network is expected to fall with more steps.
//!
//! In logarithms of error and steps, curves are parabolas: the slope falls by a constant as often as
//! the steps grow by e, whatever the number of rows. Of thirteen sets of formulas the median is
//! 0.48; of searches of real data, where long trainings gain more, it is 0.3 (`--example kinds --
//! --curves`; docs/measurements/kinds.md). Beyond the least error a network learns its rows by heart.

/// The fall of the slope with the logarithm of steps.
const BEND: f64 = 0.3;
/// A slope below this is one of a network that has hardly begun to learn,
const SLOW: f64 = 0.6;
/// if it has read each row less often than this.
const BEGUN: f64 = 250.0;
/// More steps go on to be taken if they have lowered the error below this share.
const GAIN: f64 = 0.97;

/// The error of a network after a training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Steps of the training.
    pub steps: usize,
    /// Mean squared error on rows that did not train.
    pub error: f64,
}

/// The errors of two trainings, of which the second took more steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fall {
    /// The shorter training.
    pub before: Point,
    /// The longer one,
    pub last: Point,
    /// and how often it read each row.
    pub epochs: f64,
}

impl Fall {
    /// Whether the steps of the second have paid.
    #[must_use]
    pub fn gains(&self) -> bool {
        self.last.error < GAIN * self.before.error
    }

    /// Returns the error that is expected after this number of steps, more than those of the second:
    /// on the way to the least error it falls along the parabola, and does not rise again.
    #[must_use]
    pub fn expected(&self, steps: usize) -> f64 {
        if !self.gains() {
            return self.before.error.min(self.last.error);
        }
        let more = (steps as f64 / self.last.steps as f64).max(1.0).ln();
        let fall = match self.logarithm_left() {
            None => self.slope() * more,
            Some(least) => {
                let more = more.min(least);
                BEND * more * (least - 0.5 * more)
            }
        };
        self.last.error * (-fall).exp()
    }

    /// Returns the number of steps after which the error is expected to be least; `None` if the
    /// network has hardly begun to learn.
    #[must_use]
    pub fn least(&self) -> Option<f64> {
        Some(self.last.steps as f64 * self.logarithm_left()?.exp())
    }

    /// The slope between the two.
    fn slope(&self) -> f64 {
        (self.before.error / self.last.error).ln() / self.apart()
    }

    /// The logarithm of the ratio of their steps.
    fn apart(&self) -> f64 {
        (self.last.steps as f64 / self.before.steps as f64).ln()
    }

    /// The logarithm of the steps to the least error over those of the second.
    fn logarithm_left(&self) -> Option<f64> {
        let slope = self.slope();
        let is_slow = slope < SLOW && self.epochs < BEGUN;
        (!is_slow).then(|| (slope / BEND - 0.5 * self.apart()).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trainings of 1,000 and 4,000 steps on a parabola with its least error at this number of
    /// steps, or on a line of this slope.
    fn on(curve: impl Fn(f64) -> f64, epochs: f64) -> Fall {
        let point = |steps: usize| Point {
            steps,
            error: curve(steps as f64),
        };
        Fall {
            before: point(1_000),
            last: point(4_000),
            epochs,
        }
    }

    #[test]
    fn a_parabola_is_followed_to_its_least_error_and_no_further() {
        for least in [10_000.0_f64, 90_000.0] {
            let curve = |steps: f64| 1e-5 * (0.5 * BEND * (steps / least).ln().powi(2)).exp();
            let fall = on(curve, 1_000.0);
            assert!((fall.least().unwrap() / least - 1.0).abs() < 1e-9);
            for steps in [4_000, 8_000, 10_000, 90_000, 1_000_000] {
                let known = curve((steps as f64).min(least));
                let expected = fall.expected(steps);
                assert!((expected / known - 1.0).abs() < 1e-9, "{steps}: {expected}");
            }
        }
    }

    #[test]
    fn a_network_that_has_hardly_begun_goes_on_as_before() {
        let curve = |steps: f64| steps.powf(-0.4);
        let fall = on(curve, 20.0);
        assert_eq!(fall.least(), None);
        assert!((fall.expected(64_000) / curve(64_000.0) - 1.0).abs() < 1e-9);
        // One that has read its rows often is near its end.
        let read = on(curve, 2_000.0);
        assert!(read.expected(64_000) > 1.3 * curve(64_000.0));
        assert!(read.least().unwrap() < 64_000.0);
    }

    #[test]
    fn steps_that_gained_nothing_are_not_expected_to_gain() {
        let rises = on(f64::sqrt, 100.0);
        assert!(!rises.gains());
        assert_eq!(rises.expected(100_000), rises.before.error);
    }
}
