//! Designs of experiments: the points in the box of its parameters at which a simulator is run.
//!
//! - [`Method::Sobol`]: Owen-scrambled Sobol points (Burley, *Practical hash-based Owen
//!   scrambling*, J. Comput. Graph. Tech. 9(4), 2020; direction numbers of Joe and Kuo), the best
//!   known even cover for smooth functions. A longer design with the same seed starts with the
//!   shorter one, so that runs can be added. A sequence ends after 65,536 points; another one,
//!   scrambled anew, follows.
//! - [`Method::LatinHypercube`]: the range of each parameter is divided into one part per point,
//!   and each part contains one point (McKay, Beckman and Conover, Technometrics 21, 1979). All
//!   points change with their number.

pub mod parameters;

pub use parameters::{Parameter, Scale};

use crate::data::{Aside, DataError};
use crate::error::{Result, bail};
use crate::events::Observer;
use crate::streams::{permutation, stream, uniform};
use rand::RngCore;
use std::io;
use std::path::Path;

/// Number of points of one scrambled sequence.
const SEQUENCE: usize = 1 << 16;

/// Maximum number of points that [`write_design`] writes: more are assumed to be a typing error.
pub const MAXIMUM_POINTS: u32 = 100_000_000;

/// How points are spread over the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "program", derive(clap::ValueEnum))]
pub enum Method {
    /// Scrambled Sobol points: even, and can be continued with a larger number and the same seed
    #[default]
    Sobol,
    /// Latin hypercube: each parameter even by itself
    #[cfg_attr(feature = "program", value(name = "lhs"))]
    LatinHypercube,
}

/// Writes `count` points in the box of the parameters in the file `path` to `out`, a `.csv`;
/// returns the number of parameters.
///
/// # Errors
/// If the parameters are invalid, or `out` does not end in `.csv` or cannot be written.
pub fn write_design(
    path: &Path,
    method: Method,
    count: usize,
    seed: u64,
    out: &Path,
    observer: &dyn Observer,
) -> Result<usize> {
    let all = parameters::read(path)?;
    if out.extension().is_none_or(|ending| ending != "csv") {
        bail!(
            Output,
            "{}: expected a name that ends in .csv",
            out.display()
        );
    }
    write(out, &all, &design(&all, method, count, seed))?;
    if method == Method::Sobol && !count.is_power_of_two() {
        let below = 1 << count.ilog2();
        observer.note(format!(
            "Sobol points are most even in powers of two, {below} or {}",
            2 * below
        ));
    }
    // Only if all parameters are integers can there be so few distinct points.
    let different: Option<f64> = all.iter().map(Parameter::count).product();
    if let Some(different) = different.filter(|&different| different < count as f64) {
        observer.note(format!(
            "these whole numbers make {different} different points, so that some of the {count} are the same: let a \
             deterministic simulator run each once"
        ));
    }
    Ok(all.len())
}

/// Returns points `[count][parameters]`, row-major, in the parameters' units and between their
/// limits.
#[must_use]
pub fn design(parameters: &[Parameter], method: Method, count: usize, seed: u64) -> Vec<f64> {
    let columns: Vec<Vec<f64>> = match method {
        Method::Sobol => {
            let mut seeds = stream(seed, "sobol");
            let seeds: Vec<u32> = (0..count.div_ceil(SEQUENCE))
                .map(|_| seeds.next_u32())
                .collect();
            let point = |row: usize, column: usize| {
                let (index, dimension) = ((row % SEQUENCE) as u32, column as u32);
                f64::from(sobol_burley::sample(
                    index,
                    dimension,
                    seeds[row / SEQUENCE],
                ))
            };
            (0..parameters.len())
                .map(|column| (0..count).map(|row| point(row, column)).collect())
                .collect()
        }
        Method::LatinHypercube => {
            let mut random = stream(seed, "latin hypercube");
            (0..parameters.len())
                .map(|_| {
                    let parts = permutation(&mut random, count);
                    let within = parts.iter().map(|&part| part as f64);
                    within
                        .map(|part| (part + uniform(&mut random)) / count as f64)
                        .collect()
                })
                .collect()
        }
    };
    (0..count)
        .flat_map(|row| {
            let shares = columns.iter().map(move |column| column[row]);
            parameters
                .iter()
                .zip(shares)
                .map(|(parameter, share)| parameter.at(share))
        })
        .collect()
}

/// Writes points as a `.csv` with a column for each parameter; writes the whole file or none.
///
/// # Errors
/// [`DataError::Write`].
pub fn write(path: &Path, parameters: &[Parameter], points: &[f64]) -> Result<(), DataError> {
    let mut aside = Aside::create(path)?;
    let mut all = || -> io::Result<()> {
        let mut csv = ::csv::Writer::from_writer(&mut aside);
        csv.write_record(parameters.iter().map(|parameter| &parameter.name))?;
        for point in points.chunks_exact(parameters.len()) {
            let cells = parameters.iter().zip(point);
            csv.write_record(cells.map(|(parameter, &value)| parameter.text(value)))?;
        }
        csv.flush()
    };
    all().map_err(|source| DataError::Write {
        file: path.display().to_string(),
        source,
    })?;
    aside.finish()
}

#[cfg(test)]
mod tests;
