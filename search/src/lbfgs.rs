//! L-BFGS in double precision: minimises a smooth function with few evaluations per iteration.
//!
//! ```text
//! direction = -H g    H from the last pairs (s = step, y = change of g), by the two-loop recursion
//! step t along it:    f(t) <= f(0) + c1 t f'(0)   and   |f'(t)| <= c2 |f'(0)|      (strong Wolfe)
//! ```
//!
//! A pair is kept if its curvature `s y` is positive, so that H stays positive definite. The
//! minimiser is deterministic: each iteration depends only on its state, which can be saved and
//! restored.
//!
//! Source: Nocedal and Wright, "Numerical Optimization" (2006), algorithms 7.4, 3.5 and 3.6.

use std::collections::VecDeque;

/// c1: the share of the decrease predicted by the slope that a step must achieve.
const SUFFICIENT: f64 = 1e-4;
/// c2: the share to which the magnitude of the slope must fall.
const CURVATURE: f64 = 0.9;
/// Maximum number of evaluations per line search.
const EVALUATIONS: usize = 20;

/// A place at which the function was evaluated, with its value and gradient.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The place.
    pub place: Vec<f64>,
    /// The function's value.
    pub value: f64,
    /// The gradient at the place.
    pub gradient: Vec<f64>,
}

/// A step and the change of the gradient along it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The step.
    pub step: Vec<f64>,
    /// The gradient after the step minus the gradient before it.
    pub change: Vec<f64>,
}

/// The complete state of the minimiser.
#[derive(Debug, Clone, PartialEq)]
pub struct Lbfgs {
    history: usize,
    point: Point,
    pairs: VecDeque<Pair>,
}

/// The result of an iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The value decreased.
    Fell,
    /// Neither a step along the direction nor one along the gradient decreases the value: the
    /// minimiser has converged.
    Stuck,
}

impl Lbfgs {
    /// Returns a minimiser that starts at a point and keeps this number of pairs.
    #[must_use]
    pub fn new(point: Point, history: usize) -> Self {
        Self::with_pairs(point, history, VecDeque::new())
    }

    /// Returns the minimiser with the pairs of its last iterations, oldest first.
    #[must_use]
    pub fn with_pairs(point: Point, history: usize, pairs: VecDeque<Pair>) -> Self {
        Self {
            history,
            point,
            pairs,
        }
    }

    /// Returns the current point.
    #[must_use]
    pub fn point(&self) -> &Point {
        &self.point
    }

    /// Returns the stored pairs, oldest first.
    #[must_use]
    pub fn pairs(&self) -> &VecDeque<Pair> {
        &self.pairs
    }

    /// Takes one iteration; `evaluate` returns value and gradient at a place.
    ///
    /// # Errors
    /// Returns the errors of `evaluate`.
    pub fn iterate<E>(
        &mut self,
        mut evaluate: impl FnMut(&[f64]) -> Result<(f64, Vec<f64>), E>,
    ) -> Result<Progress, E> {
        let direction = self.direction();
        let first = match self.pairs.is_empty() {
            // The gradient has no natural length: the first step moves by at most one.
            true => (1.0 / norm(&self.point.gradient)).min(1.0),
            false => 1.0,
        };
        match self.search(&direction, first, &mut evaluate)? {
            Some(next) => {
                self.advance(next);
                Ok(Progress::Fell)
            }
            None if self.pairs.is_empty() => Ok(Progress::Stuck),
            None => {
                // Rounding or a kink spoilt the pairs: restart from the gradient.
                self.pairs.clear();
                Ok(Progress::Fell)
            }
        }
    }

    /// Returns the direction of the two-loop recursion; without pairs, the negative gradient.
    pub(crate) fn direction(&self) -> Vec<f64> {
        let mut q: Vec<f64> = self.point.gradient.iter().map(|g| -g).collect();
        let mut shares = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let curvature = dot(&pair.step, &pair.change);
            let share = dot(&pair.step, &q) / curvature;
            add(&mut q, -share, &pair.change);
            shares.push((share, curvature));
        }
        if let Some(last) = self.pairs.back() {
            let scale = dot(&last.step, &last.change) / dot(&last.change, &last.change);
            q.iter_mut().for_each(|q| *q *= scale);
        }
        for (pair, (share, curvature)) in self.pairs.iter().zip(shares.into_iter().rev()) {
            let back = dot(&pair.change, &q) / curvature;
            add(&mut q, share - back, &pair.step);
        }
        q
    }

    /// Returns a point along the direction that satisfies the strong Wolfe conditions, or else the
    /// lowest point found with sufficient decrease; `None` if no step has it.
    fn search<E>(
        &self,
        direction: &[f64],
        first: f64,
        evaluate: &mut impl FnMut(&[f64]) -> Result<(f64, Vec<f64>), E>,
    ) -> Result<Option<Point>, E> {
        let start = Trial {
            length: 0.0,
            value: self.point.value,
            slope: dot(&self.point.gradient, direction),
        };
        if start.slope.is_nan() || start.slope >= 0.0 {
            return Ok(None);
        }
        let mut bracket = Bracket {
            low: start,
            high: None,
        };
        let (mut length, mut best) = (first, None::<Point>);
        for _ in 0..EVALUATIONS {
            let mut place = self.point.place.clone();
            add(&mut place, length, direction);
            let (value, gradient) = evaluate(&place)?;
            let trial = Trial {
                length,
                value,
                slope: dot(&gradient, direction),
            };
            let point = Point {
                place,
                value,
                gradient,
            };
            let low_enough = trial.is_finite()
                && value <= start.value + SUFFICIENT * length * start.slope
                && value < start.value;
            if low_enough && trial.slope.abs() <= -CURVATURE * start.slope {
                return Ok(Some(point));
            }
            if low_enough && best.as_ref().is_none_or(|best| value < best.value) {
                best = Some(point);
            }
            bracket.narrow(trial, low_enough);
            length = bracket.next();
        }
        Ok(best)
    }

    fn advance(&mut self, next: Point) {
        let difference = |new: &[f64], old: &[f64]| -> Vec<f64> {
            new.iter().zip(old).map(|(new, old)| new - old).collect()
        };
        let pair = Pair {
            step: difference(&next.place, &self.point.place),
            change: difference(&next.gradient, &self.point.gradient),
        };
        let curvature = dot(&pair.step, &pair.change);
        if curvature > 1e-10 * norm(&pair.step) * norm(&pair.change) {
            if self.pairs.len() == self.history {
                self.pairs.pop_front();
            }
            self.pairs.push_back(pair);
        }
        self.point = next;
    }
}

/// The length of a step, and the value and slope after it.
#[derive(Debug, Clone, Copy)]
struct Trial {
    length: f64,
    value: f64,
    slope: f64,
}

impl Trial {
    fn is_finite(&self) -> bool {
        self.value.is_finite() && self.slope.is_finite()
    }
}

/// Bracket of the minimum: the lowest step with sufficient decrease, and a step beyond the minimum,
/// if known.
struct Bracket {
    low: Trial,
    high: Option<Trial>,
}

impl Bracket {
    fn narrow(&mut self, trial: Trial, low_enough: bool) {
        if !low_enough || trial.value >= self.low.value {
            self.high = Some(trial);
            return;
        }
        // The slope at the lower end points into the bracket.
        let inward = self
            .high
            .map_or(1.0, |high| (high.length - trial.length).signum());
        if trial.slope * inward >= 0.0 {
            self.high = Some(self.low);
        }
        self.low = trial;
    }

    /// Returns the next length: the minimum of a parabola through the lower end, kept away from
    /// both ends.
    fn next(&self) -> f64 {
        let Some(high) = self.high else {
            return self.low.length * 4.0;
        };
        let width = high.length - self.low.length;
        let rise = high.value - self.low.value - self.low.slope * width;
        let share = -0.5 * self.low.slope * width / rise;
        let share = match high.is_finite() && share.is_finite() && rise > 0.0 {
            true => share.clamp(0.1, 0.9),
            false => 0.5,
        };
        self.low.length + share * width
    }
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    // Eight partial sums: a fixed order that vectorises.
    let mut lanes = [0.0; 8];
    for (left, right) in left.chunks(8).zip(right.chunks(8)) {
        for ((lane, left), right) in lanes.iter_mut().zip(left).zip(right) {
            *lane += left * right;
        }
    }
    lanes.iter().sum()
}

fn norm(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}

fn add(target: &mut [f64], factor: f64, vector: &[f64]) {
    for (target, v) in target.iter_mut().zip(vector) {
        *target += factor * v;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    type Function = fn(&[f64]) -> (f64, Vec<f64>);

    fn minimise(function: Function, start: &[f64], iterations: usize) -> Lbfgs {
        let (value, gradient) = function(start);
        let point = Point {
            place: start.to_vec(),
            value,
            gradient,
        };
        let mut minimiser = Lbfgs::new(point, 10);
        for _ in 0..iterations {
            let before = minimiser.point().value;
            let Ok(progress) = minimiser.iterate(|x| Ok::<_, Infallible>(function(x)));
            assert!(minimiser.point().value <= before);
            if progress == Progress::Stuck {
                break;
            }
        }
        minimiser
    }

    /// Rosenbrock's function over pairs of variables: its valley is curved.
    fn rosenbrock(x: &[f64]) -> (f64, Vec<f64>) {
        let (mut value, mut gradient) = (0.0, vec![0.0; x.len()]);
        for k in (0..x.len()).step_by(2) {
            let (a, b) = (1.0 - x[k], x[k + 1] - x[k] * x[k]);
            value += a * a + 100.0 * b * b;
            gradient[k] = -2.0 * a - 400.0 * b * x[k];
            gradient[k + 1] = 200.0 * b;
        }
        (value, gradient)
    }

    /// A paraboloid whose curvatures differ by a factor of 1e6.
    fn narrow_parabola(x: &[f64]) -> (f64, Vec<f64>) {
        let weights = x.iter().enumerate().map(|(k, _)| 10f64.powi(k as i32 % 7));
        let pairs: Vec<_> = x.iter().zip(weights).collect();
        (
            pairs
                .iter()
                .map(|(x, w)| 0.5 * w * (*x - 3.0).powi(2))
                .sum(),
            pairs.iter().map(|(x, w)| w * (*x - 3.0)).collect(),
        )
    }

    /// NaN beyond 2: the line search has to step back.
    fn cliff(x: &[f64]) -> (f64, Vec<f64>) {
        match x[0] < 2.0 {
            true => ((x[0] - 1.9).powi(2), vec![2.0 * (x[0] - 1.9)]),
            false => (f64::NAN, vec![f64::NAN]),
        }
    }

    #[test]
    fn known_minima_are_found_to_rounding() {
        let cases: [(Function, Vec<f64>, f64); 3] = [
            (rosenbrock, [-1.2, 1.0].repeat(10), 1.0),
            (narrow_parabola, vec![-5.0; 14], 3.0),
            (cliff, vec![-40.0], 1.9),
        ];
        for (function, start, least) in cases {
            let found = minimise(function, &start, 300);
            for x in &found.point().place {
                assert!((x - least).abs() < 1e-6, "{x}, not {least}");
            }
        }
    }

    #[test]
    fn a_minimum_is_left_alone_and_said_to_be_one() {
        let (value, gradient) = rosenbrock(&[1.0, 1.0]);
        let point = Point {
            place: vec![1.0, 1.0],
            value,
            gradient,
        };
        let mut minimiser = Lbfgs::new(point.clone(), 5);
        let Ok(progress) = minimiser.iterate(|x| Ok::<_, Infallible>(rosenbrock(x)));
        assert_eq!(progress, Progress::Stuck);
        assert_eq!(minimiser.point(), &point);
    }

    #[test]
    fn a_state_that_is_taken_up_goes_on_with_the_same_bits() {
        let start = [-1.2, 1.0, 0.3, 2.0];
        let whole = minimise(rosenbrock, &start, 25);
        let half = minimise(rosenbrock, &start, 11);
        let mut rest = Lbfgs::with_pairs(half.point().clone(), 10, half.pairs().clone());
        for _ in 11..25 {
            let Ok(_) = rest.iterate(|x| Ok::<_, Infallible>(rosenbrock(x)));
        }
        assert_eq!(rest, whole);
    }

    #[test]
    fn an_error_of_the_function_is_passed_on() {
        let point = Point {
            place: vec![1.0],
            value: 1.0,
            gradient: vec![1.0],
        };
        let mut minimiser = Lbfgs::new(point, 5);
        assert_eq!(
            minimiser.iterate(|_| Err::<(f64, Vec<f64>), _>("no")),
            Err("no")
        );
    }
}
