//! Runs every frozen emulator of this crate: self-test, then the rows in `NUMBER.rows`, with what comes out to `NUMBER.out`.
//!
//! Little-endian. A row is its inputs; a result is the status (`non_finite` and `outside` of 8 bytes, `worst`, `excess`
//! and `overflow` of 4), the means and the standard deviations.

use dense_runtime::predict::Predict;
use dense_runtime::status::Status;
use std::fs;
use std::io;

mod emulators;

fn main() -> io::Result<()> {
    emulators::run_all()
}

fn run<const IN: usize, const OUT: usize, P: Predict<IN, OUT>>(emulator: &P, number: usize) -> io::Result<()> {
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

    let mut out = Vec::new();
    for ((status, mean), std) in status.iter().zip(&mean).zip(&std) {
        out.extend(status.non_finite.to_le_bytes());
        out.extend(status.outside.to_le_bytes());
        out.extend(u32::from(status.worst).to_le_bytes());
        out.extend(status.excess.to_le_bytes());
        out.extend(u32::from(status.overflow).to_le_bytes());
        out.extend(mean.iter().chain(std).flat_map(|value| value.to_le_bytes()));
    }
    fs::write(format!("{number}.out"), out)
}
