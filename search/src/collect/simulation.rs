//! A simulator with its design.

use super::command::Template;
use super::output::Decimal;
use std::path::PathBuf;
use std::time::Duration;

/// A simulator and the points at which it is run.
#[derive(Debug, Clone)]
pub struct Simulation {
    /// The command.
    pub template: Template,
    /// Names of the parameters.
    pub names: Vec<String>,
    /// The points, `[rows][names]`.
    pub points: Vec<f64>,
    /// The points as written in the design, which are passed to the simulator.
    pub cells: Vec<String>,
    /// The folder from which the collection was called.
    pub here: PathBuf,
    /// The time limit of a run.
    pub limit: Option<Duration>,
    /// The decimal mark of text outputs, if specified by the user.
    pub decimal: Option<Decimal>,
}

impl Simulation {
    /// Returns the number of points.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.points.len() / self.names.len()
    }

    /// Returns the parameters of one run.
    ///
    /// # Panics
    /// If `row` is not below [`Simulation::rows`], as with any slice.
    /// When `row` is not below [`Simulation::rows`], as with any slice.
    #[must_use]
    pub fn point(&self, row: usize) -> &[f64] {
        &self.points[row * self.names.len()..][..self.names.len()]
    }

    /// Returns the parameters of one run as written in the design.
    ///
    /// # Panics
    /// As [`Simulation::point`].
    /// As [`Simulation::point`].
    #[must_use]
    pub fn cells(&self, row: usize) -> &[String] {
        &self.cells[row * self.names.len()..][..self.names.len()]
    }
}
