//! The cells that count, and figures over several of them.

use crate::cell::{Cell, Key, Outcome};

/// The cells that count.
pub(crate) struct Board(Vec<Cell>);

impl Board {
    /// Returns a board with these cells, a later one in place of an earlier one with its key.
    pub(crate) fn of(cells: Vec<Cell>) -> Self {
        Self(cells)
    }

    /// Returns the outcome of a cell, if it was measured.
    pub(crate) fn outcome(&self, key: &Key) -> Option<&Outcome> {
        let mut latest_first = self.0.iter().rev();
        let cell = latest_first.find(|cell| cell.key == *key);
        cell.map(|cell| &cell.outcome)
    }

    /// Returns the outcomes of all these cells, if all were measured.
    pub(crate) fn outcomes(&self, keys: &[Key]) -> Option<Vec<&Outcome>> {
        keys.iter().map(|key| self.outcome(key)).collect()
    }

    /// Returns the mean error of these cells, if all were measured.
    pub(crate) fn error(&self, keys: &[Key]) -> Option<f64> {
        let outcomes = self.outcomes(keys)?;
        mean(outcomes.iter().map(|outcome| outcome.mse_z))
    }

    /// Returns the commits of these cells, each once.
    pub(crate) fn commits(&self, keys: &[Key]) -> Vec<&str> {
        let cells = self.0.iter().filter(|cell| keys.contains(&cell.key));
        let mut commits: Vec<&str> = cells.map(|cell| cell.commit.as_str()).collect();
        commits.sort_unstable();
        commits.dedup();
        commits
    }
}

/// Returns the mean; `None` of nothing.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Ratios of sets or cells, some of which may be missing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ratios {
    known: Vec<f64>,
    missing: usize,
}

impl FromIterator<Option<f64>> for Ratios {
    fn from_iter<T: IntoIterator<Item = Option<f64>>>(values: T) -> Self {
        let mut ratios = Self::default();
        for value in values {
            match value {
                Some(value) => ratios.known.push(value),
                None => ratios.missing += 1,
            }
        }
        ratios
    }
}

impl Ratios {
    /// Whether every value is known and there is one.
    pub(crate) fn is_whole(&self) -> bool {
        self.missing == 0 && !self.known.is_empty()
    }

    /// Returns those that are known, as if they were all.
    pub(crate) fn known(self) -> Self {
        Self { missing: 0, ..self }
    }

    /// Returns the number of known values, and of all.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.known.len(), self.known.len() + self.missing)
    }

    /// Returns the geometric mean of those that are known.
    pub(crate) fn geometric_mean(&self) -> Option<f64> {
        mean(self.known.iter().map(|value| value.ln())).map(f64::exp)
    }

    /// Returns the largest of those that are known.
    pub(crate) fn largest(&self) -> Option<f64> {
        self.known.iter().copied().max_by(f64::total_cmp)
    }

    /// Returns the smallest of those that are known.
    pub(crate) fn smallest(&self) -> Option<f64> {
        self.known.iter().copied().min_by(f64::total_cmp)
    }

    /// Returns how many of those that are known are below a limit.
    pub(crate) fn below(&self, limit: f64) -> usize {
        self.known.iter().filter(|value| **value < limit).count()
    }
}
