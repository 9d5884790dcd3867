//! What fitting processes costs, in seconds of one thread: an estimate from the sizes alone, so
//! that plans do not depend on a clock.

use super::family::{Family, ORDERS};

/// Multiply-adds of matrix factorisations a second, on one core of a machine with AVX2.
const RATE: f64 = 4e9;
/// Parameters from fewer rows, where there are more, are from little effort.
const LITTLE: usize = 300;
/// Number of folds where parameters are judged by them: up to this number of rows.
const FOLDS: usize = 4;
const FEWEST: usize = 128;
/// Evaluations of the likelihood for an iteration of L-BFGS that is allowed: many searches end
/// early.
const EVALUATIONS: f64 = 0.65;

/// The effort on a family of processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Maximum number of rows for the parameters,
    pub likelihood_rows: usize,
    /// and iterations of L-BFGS for them.
    pub iterations: usize,
    /// Number of principal components with parameters of their own, where there are components; the
    /// rest shares a set.
    pub own: usize,
    /// Maximum number of rows that predictions are based on.
    pub rows: usize,
    /// Folds of the rows, each judged with parameters from the other folds; 0 where it is judged
    /// with those from all rows.
    pub folds: usize,
}

impl Work {
    /// The look at all families: parameters that all directions share, judged by more rows than
    /// they were found from.
    pub const LOOK: Self = Self {
        likelihood_rows: 256,
        iterations: 20,
        own: 0,
        rows: 800,
        folds: 0,
    };

    /// Efforts on a whole fit, the greatest first.
    pub const LADDER: [Self; 7] = [
        Self::of(600, 50, 12, 3000),
        Self::of(500, 40, 12, 3000),
        Self::of(400, 30, 12, 2500),
        Self::of(320, 25, 12, 2000),
        Self::of(256, 20, 8, 2000),
        Self::of(200, 15, 4, 1500),
        Self::of(160, 10, 0, 1000),
    ];

    const fn of(likelihood_rows: usize, iterations: usize, own: usize, rows: usize) -> Self {
        Self {
            likelihood_rows,
            iterations,
            own,
            rows,
            folds: 0,
        }
    }

    /// Returns whether fewer families with more effort each are better.
    pub(super) fn is_little(&self) -> bool {
        self.likelihood_rows < LITTLE
    }

    /// Returns the efforts to choose from for this number of rows, the greatest first.
    ///
    /// Parameters that follow few rows closely make predictions without one of these rows look
    /// better than those of fresh rows (64 rows of five inputs: three times better). Folds tell how
    /// good they are, at several times the cost. Of more rows, parameters from three quarters would
    /// be judged too badly instead.
    pub(super) fn choices(rows: usize) -> [Self; 7] {
        let folds = if rows <= FEWEST { FOLDS } else { 0 };
        Self::LADDER.map(|work| Self { folds, ..work })
    }

    /// Returns the sizes of the groups of directions that share parameters.
    pub(super) fn groups(self, directions: usize, is_direct: bool) -> Vec<usize> {
        let own = if is_direct {
            directions
        } else {
            self.own.min(directions)
        };
        let mut groups = vec![1; own];
        if own < directions {
            groups.push(directions - own);
        }
        groups
    }

    /// Returns the estimated seconds of one thread for a family on these rows and groups of
    /// directions.
    pub(super) fn seconds(
        self,
        family: Family,
        rows: usize,
        inputs: usize,
        groups: &[usize],
    ) -> f64 {
        let cube = |rows: f64| rows * rows * rows;
        let pairs = |rows: f64| 0.5 * rows * rows;
        let (value, slope) = entry(family, inputs);
        let few = rows.min(self.likelihood_rows) as f64;
        let all = rows.min(self.rows) as f64;
        let of_group = |&columns: &usize| {
            let columns = columns as f64;
            let evaluation =
                cube(few) / 2.0 + pairs(few) * (value + slope) + 3.0 * few * few * columns;
            let solution = cube(all) / 3.0 + pairs(all) * value + 2.0 * all * all * columns;
            evaluation * EVALUATIONS * self.iterations as f64 + solution
        };
        let once = groups.iter().map(of_group).sum::<f64>() / RATE;
        // The second start of a fold ends early, as a rule.
        once * (1 + self.folds) as f64
    }
}

/// Returns the cost of an entry of the covariance and of its gradient, in multiply-adds of a
/// factorisation.
fn entry(family: Family, inputs: usize) -> (f64, f64) {
    let inputs = inputs as f64;
    let profile = match family {
        Family::Rational => (40.0, 45.0),
        Family::Matern | Family::AdditiveMatern => (22.0, 26.0),
        _ => (14.0, 16.0),
    };
    match family {
        Family::Legendre => (1.5 * ORDERS as f64 * inputs, 3.5 * ORDERS as f64 * inputs),
        _ if family.is_product() => (profile.0 * inputs, (profile.1 + 8.0) * inputs),
        _ => (profile.0 + 2.0 * inputs, profile.1 + 4.0 * inputs),
    }
}

/// Returns the estimated seconds of one thread for a look at all families
/// ([`super::processes::Look`]).
#[must_use]
pub fn seconds_of_look(rows: usize, inputs: usize) -> f64 {
    // The number of directions hardly matters beside the factorisations.
    let of = |family| Work::LOOK.seconds(family, rows, inputs, &[1]);
    Family::ALL.into_iter().map(of).sum()
}
