//! `dense-search design`: where to run a simulator, as a file.

use crate::design::{Method, Parameter, design, parameters, write};
use crate::say::say;
use anyhow::bail;
use std::path::Path;

/// The most points: more are a slip of the finger.
pub const MAXIMUM_POINTS: u32 = 100_000_000;

/// Writes `count` points over the box of the parameters to a `.csv`; returns the number of parameters.
///
/// # Errors
/// The parameters are not sound, `out` does not end in `.csv` or cannot be written.
pub fn run(
    path: &Path,
    method: Method,
    count: usize,
    seed: u64,
    out: &Path,
) -> anyhow::Result<usize> {
    let all = parameters::read(path)?;
    if out.extension().is_none_or(|ending| ending != "csv") {
        bail!("{}: expected a name that ends in .csv", out.display());
    }
    write(out, &all, &design(&all, method, count, seed))?;
    if method == Method::Sobol && !count.is_power_of_two() {
        let below = 1 << count.ilog2();
        say!(
            "note: Sobol points are most even in powers of two, {below} or {}",
            2 * below
        );
    }
    // Only whole numbers alone can be so few.
    let different: Option<f64> = all.iter().map(Parameter::count).product();
    if let Some(different) = different.filter(|&different| different < count as f64) {
        say!(
            "note: these whole numbers make {different} different points, so that some of the {count} are the same: let a \
             deterministic simulator run each once"
        );
    }
    Ok(all.len())
}
