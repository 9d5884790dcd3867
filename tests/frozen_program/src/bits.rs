//! Tests the bits of every emulator: runs its self-test, then predicts the rows in `NAME.rows`, if
//! there is such a file, into `NAME.out`.
//!
//! Little-endian. A row is its inputs; a result is the status (`non_finite` and `outside` of 8
//! bytes, `worst`, `excess`, `far` and `overflow` of 4), the means and the standard deviations.

use crate::calls::Frozen;
use dense_runtime::image::ImageError;
use dense_runtime::status::Status;
use std::fs;
use std::hint::black_box;
use std::path::Path;

pub fn run(emulators: &mut [Box<dyn Frozen>], folder: &Path) {
    for emulator in emulators {
        let passed = emulator.self_test().is_ok();
        println!("{}: {passed}", emulator.name());
        refuses_what_is_no_image(&mut **emulator);
        if let Ok(bytes) = fs::read(folder.join(format!("{}.rows", emulator.name()))) {
            let out = predicted(&mut **emulator, &numbers(&bytes));
            fs::write(folder.join(format!("{}.out", emulator.name())), out).unwrap();
        }
    }
}

/// The floats of a file.
pub fn numbers(bytes: &[u8]) -> Vec<f32> {
    let (words, _) = bytes.as_chunks();
    words.iter().map(|&word| f32::from_le_bytes(word)).collect()
}

fn refuses_what_is_no_image(emulator: &mut dyn Frozen) {
    let image = black_box(vec![0_u8; 64]);
    let x = vec![0.0; emulator.limits().0.len()];
    let (mut mean, mut std) = (vec![0.0; emulator.outputs()], vec![0.0; emulator.outputs()]);
    let refused = emulator.predict_from_image(&image, &x, &mut mean, &mut std);
    assert!(
        matches!(refused, Err(ImageError::Length | ImageError::Alignment)),
        "{refused:?}"
    );
}

/// Means, deviations and statuses of some rows.
struct Results {
    mean: Vec<f32>,
    std: Vec<f32>,
    status: Vec<Status>,
}

impl Results {
    fn new(rows: usize, outputs: usize) -> Self {
        Self {
            // Not a prediction, so that missing results are detected.
            mean: vec![0.5; rows * outputs],
            std: vec![-1.0; rows * outputs],
            status: vec![Status::default(); rows],
        }
    }

    /// Whether the bits differ; those of a NaN after an overflow depend on the processor.
    fn differs(&self, other: &Self) -> bool {
        let bit = |value: &f32| if value.is_nan() { f32::NAN } else { *value }.to_bits();
        let bits = |values: &[f32]| values.iter().map(bit).collect::<Vec<_>>();
        bits(&self.mean) != bits(&other.mean)
            || bits(&self.std) != bits(&other.std)
            || format!("{:?}", self.status) != format!("{:?}", other.status)
    }
}

/// Predicts one by one, in batches and on several threads, with the same bits.
fn predicted(emulator: &mut dyn Frozen, x: &[f32]) -> Vec<u8> {
    let (inputs, outputs) = (emulator.limits().0.len(), emulator.outputs());
    let rows = x.len() / inputs;
    let [mut single, mut batch, mut parallel] = [(); 3].map(|()| Results::new(rows, outputs));
    let places = single
        .mean
        .chunks_exact_mut(outputs)
        .zip(single.std.chunks_exact_mut(outputs));
    for ((x, (mean, std)), status) in x.chunks_exact(inputs).zip(places).zip(&mut single.status) {
        *status = emulator.predict(x, mean, std);
    }
    emulator.predict_batch(x, &mut batch.mean, &mut batch.std, &mut batch.status);
    emulator.predict_parallel(
        3,
        x,
        &mut parallel.mean,
        &mut parallel.std,
        &mut parallel.status,
    );
    assert!(
        !batch.differs(&single),
        "{}: a batch and single calls differ",
        emulator.name()
    );
    assert!(
        !parallel.differs(&single),
        "{}: threads and single calls differ",
        emulator.name()
    );

    let mut out = Vec::new();
    let values = single
        .mean
        .chunks_exact(outputs)
        .zip(single.std.chunks_exact(outputs));
    for (status, (mean, std)) in single.status.iter().zip(values) {
        out.extend(status.non_finite.to_le_bytes());
        out.extend(status.outside.to_le_bytes());
        out.extend(u32::from(status.worst).to_le_bytes());
        out.extend(status.excess.to_le_bytes());
        out.extend(u32::from(status.far).to_le_bytes());
        out.extend(u32::from(status.overflow).to_le_bytes());
        out.extend(mean.iter().chain(std).flat_map(|value| value.to_le_bytes()));
    }
    out
}
