//! Runs every frozen emulator of this crate: self-test, then the rows in `NUMBER.rows`, with what comes out to `NUMBER.out`.
//!
//! Little-endian. A row is its inputs; a result is the status (`non_finite` and `outside` of 8 bytes, `worst`, `excess`,
//! `far` and `overflow` of 4), the means and the standard deviations.

use dense_runtime::predict::Predict;
use dense_runtime::status::Status;
use std::fs;
use std::io;

mod emulators;

fn main() -> io::Result<()> {
    emulators::run_all()
}

fn run<const IN: usize, const OUT: usize, P: Predict<IN, OUT> + Sync>(emulator: &P, number: usize) -> io::Result<()> {
    let mut workspace = P::WORKSPACE;
    let mut batch = P::BATCH_WORKSPACE;
    let failure = |failure| io::Error::other(format!("emulator {number}: {failure}"));
    emulator.self_test(&mut workspace).map_err(failure)?;

    let numbers: Vec<_> = fs::read(format!("{number}.rows"))?
        .as_chunks()
        .0
        .iter()
        .map(|&word| f32::from_le_bytes(word))
        .collect();
    let (rows, _) = numbers.as_chunks::<IN>();
    let mut mean = vec![[0.0; OUT]; rows.len()];
    let mut std = mean.clone();
    let mut status = vec![Status::default(); rows.len()];
    emulator.predict_batch(&mut batch, rows, &mut mean, &mut std, &mut status);

    // Row after row and on several threads: the same bits. (Debug tells apart all floats but NaNs, of which there is one.)
    let batch = format!("{mean:?} {std:?} {status:?}");
    let (mut mean_again, mut std_again, mut status_again) = (mean.clone(), std.clone(), status.clone());
    emulator.predict_parallel(3, rows, &mut mean_again, &mut std_again, &mut status_again);
    let parallel = format!("{mean_again:?} {std_again:?} {status_again:?}");
    let results = mean_again.iter_mut().zip(&mut std_again).zip(&mut status_again);
    for (x, ((mean, std), status)) in rows.iter().zip(results) {
        *status = emulator.predict(&mut workspace, x, mean, std);
    }
    let one_by_one = format!("{mean_again:?} {std_again:?} {status_again:?}");
    if parallel != batch || one_by_one != batch {
        return Err(io::Error::other(format!("emulator {number}: batch, threads and single calls differ")));
    }

    let mut out = Vec::new();
    for ((status, mean), std) in status.iter().zip(&mean).zip(&std) {
        out.extend(status.non_finite.to_le_bytes());
        out.extend(status.outside.to_le_bytes());
        out.extend(u32::from(status.worst).to_le_bytes());
        out.extend(status.excess.to_le_bytes());
        out.extend(u32::from(status.far).to_le_bytes());
        out.extend(u32::from(status.overflow).to_le_bytes());
        out.extend(mean.iter().chain(std).flat_map(|value| value.to_le_bytes()));
    }
    fs::write(format!("{number}.out"), out)
}
