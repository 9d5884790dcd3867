//! A simulator with its design.

use super::command::Template;
use super::output::Decimal;
use std::path::PathBuf;
use std::time::Duration;

/// A simulator and where it is to be run.
#[derive(Debug, Clone)]
pub struct Simulation {
    /// Its command.
    pub template: Template,
    /// Names of its parameters.
    pub names: Vec<String>,
    /// Where it is to be run, `[rows][names]`.
    pub points: Vec<f64>,
    /// The same as it stands in the design, which is what the simulator is given.
    pub cells: Vec<String>,
    /// The folder from which the collection was called.
    pub here: PathBuf,
    /// How long one run may take.
    pub limit: Option<Duration>,
    /// The decimal mark of outputs that are text, where the user says it.
    pub decimal: Option<Decimal>,
}

impl Simulation {
    /// The number of points.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.points.len() / self.names.len()
    }

    /// The parameters of one run.
    ///
    /// # Panics
    /// When `row` is not below [`Simulation::rows`], as with any slice.
    #[must_use]
    pub fn point(&self, row: usize) -> &[f64] {
        &self.points[row * self.names.len()..][..self.names.len()]
    }

    /// The same as it stands in the design.
    ///
    /// # Panics
    /// As [`Simulation::point`].
    #[must_use]
    pub fn cells(&self, row: usize) -> &[String] {
        &self.cells[row * self.names.len()..][..self.names.len()]
    }
}
