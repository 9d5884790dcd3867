//! Holds out test rows that no search has seen, for files without test rows.

use dense_search::data::{Dataset, Part};
use dense_search::streams::{permutation, stream};

/// Returns the data with a seeded fifth of the rows as test rows; the others keep their split.
pub(crate) fn held_out(data: Dataset, seed: u64) -> Dataset {
    let rows = data.rows();
    let mut parts: Vec<Part> = match data.parts() {
        Some(parts) => parts.to_vec(),
        None => vec![Part::Train; rows],
    };
    let order = permutation(&mut stream(seed, "held-out rows"), rows);
    for &row in &order[..rows.div_ceil(5)] {
        parts[row] = Part::Test;
    }
    data.with_parts(parts)
}
