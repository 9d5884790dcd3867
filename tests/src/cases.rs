//! The cases of the conformance tests: random emulators with some hundred rows each, and the
//! results of the f32 interpreter.
//!
//! Half of [`CASES`] come from a fixed seed, half from a fresh one that every failure prints;
//! `DENSE_SEED=N` uses that seed again. Each half is large enough to use every operation. Tests
//! that compile their cases use fewer: [`compiled`], [`proven`].

use crate::random_graph::{
    emulators_with_every_kind, emulators_with_every_step, operations, random_emulator,
};
use crate::rows::random_rows;
use crate::tier::{is_long, of_tier};
use dense_codegen::emulator::Emulator;
use dense_codegen::interpreter::{Order, Prediction, interpret_f32};
use dense_runtime::status::Status;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::env;
use std::fmt;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// The number of random emulators.
pub const EMULATORS: usize = 104;
/// Rows of each emulator: fewer in the short tier, of which every run draws others.
pub static ROWS: LazyLock<usize> = LazyLock::new(|| of_tier(300, 1000));
/// The seed of the first half.
const FIXED_SEED: u64 = 20_260_101;

/// One emulator with its input rows.
#[derive(Debug)]
pub struct Case {
    /// Its number.
    pub number: usize,
    /// The seed of the emulator and its rows.
    pub seed: u64,
    /// The emulator.
    pub emulator: Emulator,
    /// [`ROWS`] x inputs.
    pub rows: Vec<f32>,
}

/// The seed that every run draws anew.
pub static FRESH_SEED: LazyLock<u64> = LazyLock::new(|| match env::var("DENSE_SEED") {
    Ok(seed) => seed.parse().expect("DENSE_SEED is a whole number"),
    Err(_) => {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(0, |now| now.as_secs())
    }
});

/// All random cases, built once.
pub static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let half = |number| {
        if number < EMULATORS / 2 {
            FIXED_SEED
        } else {
            *FRESH_SEED
        }
    };
    let case = |number| {
        let seed = half(number);
        let mut rng = stream(seed, number);
        let emulator = random_emulator(number, &mut rng);
        Case::new(number, seed, emulator, &mut rng)
    };
    (0..EMULATORS).map(case).collect()
});

/// A few cases that together use every operation, all from the fresh seed; their numbers follow
/// those of [`CASES`].
pub static EVERY_OPERATION: LazyLock<Vec<Case>> =
    LazyLock::new(|| fresh(EMULATORS, emulators_with_every_step));

/// Fewer cases, which together use every kind of operation; their numbers start at twice the number
/// of [`CASES`].
pub static EVERY_KIND: LazyLock<Vec<Case>> =
    LazyLock::new(|| fresh(2 * EMULATORS, emulators_with_every_kind));

fn fresh(number: usize, emulators: fn(&mut ChaCha8Rng) -> Vec<Emulator>) -> Vec<Case> {
    let mut rng = stream(*FRESH_SEED, number);
    let numbered = (number..).zip(emulators(&mut rng));
    numbered
        .map(|(number, emulator)| Case::new(number, *FRESH_SEED, emulator, &mut rng))
        .collect()
}

/// The cases for tests that compile each of them: [`EVERY_OPERATION`], and in the long tier those
/// of the fixed seed.
pub fn compiled() -> Vec<&'static Case> {
    let mut all: Vec<_> = EVERY_OPERATION.iter().collect();
    if is_long() {
        all.extend(of_fixed_seed());
    }
    all
}

/// The cases for proofs, which take half a minute to compile each: [`EVERY_KIND`], and in the long
/// tier all of [`compiled`].
pub fn proven() -> Vec<&'static Case> {
    let mut all: Vec<_> = EVERY_KIND.iter().collect();
    if is_long() {
        all.extend(compiled());
    }
    all
}

/// The cases of the fixed seed that together use every operation; each is the one that adds most.
fn of_fixed_seed() -> Vec<&'static Case> {
    let fixed = &CASES[..EMULATORS / 2];
    let (mut few, mut used) = (Vec::new(), BTreeSet::new());
    loop {
        let adds = |case: &&Case| operations(&case.emulator).difference(&used).count();
        match fixed.iter().max_by_key(adds) {
            Some(best) if adds(&best) > 0 => {
                used.extend(operations(&best.emulator));
                few.push(best);
            }
            _ => return few,
        }
    }
}

fn stream(seed: u64, number: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(number as u64);
    rng
}

impl Case {
    /// The name of its module in generated crates.
    #[must_use]
    pub fn name(&self) -> String {
        format!("e{}", self.number)
    }

    fn new(number: usize, seed: u64, emulator: Emulator, rng: &mut ChaCha8Rng) -> Self {
        let rows = random_rows(&emulator, *ROWS, rng);
        Self {
            number,
            seed,
            emulator,
            rows,
        }
    }

    /// The f32 interpreter's result for every row.
    pub fn interpreted(&self, order: Order) -> Vec<Prediction<f32>> {
        self.rows
            .par_chunks(self.emulator.input_count())
            .map(|row| interpret_f32(&self.emulator, row, order))
            .collect()
    }

    /// Compares one execution of all rows with the interpreter.
    ///
    /// # Panics
    /// At the first difference, with the case, its seed, the row and the output.
    pub fn assert_same_bits(
        &self,
        expected: &[Prediction<f32>],
        mean: &[f32],
        std: &[f32],
        status: &[Status],
    ) {
        let rows = &self.rows;
        let inputs = self.emulator.input_count();
        let outputs = self.emulator.output_count();
        assert_eq!(
            mean.len(),
            expected.len() * outputs,
            "{self}: count of means"
        );
        assert_eq!(
            std.len(),
            expected.len() * outputs,
            "{self}: count of deviations"
        );
        assert_eq!(status.len(), expected.len(), "{self}: count of statuses");
        for (row, expected) in expected.iter().enumerate() {
            let place = || format!("{self}, row {row} {:?}", &rows[row * inputs..][..inputs]);
            assert_eq!(status[row], expected.status, "{}", place());
            let pairs = [("mean", mean, &expected.mean), ("std", std, &expected.std)];
            for (what, got, expected_values) in pairs {
                for (output, (&got, &wanted)) in
                    got[row * outputs..].iter().zip(expected_values).enumerate()
                {
                    assert!(
                        same_bits(wanted, got, &expected.status),
                        "{}, {what} of output {output}: the interpreter gives {wanted:e} ({:08x}), got {got:e} ({:08x})",
                        place(),
                        wanted.to_bits(),
                        got.to_bits(),
                    );
                }
            }
        }
    }
}

/// The end of a failure's message: the seed that reproduces it, and the case's number.
impl fmt::Display for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "DENSE_SEED={}, emulator {}",
            self.seed, self.number
        )
    }
}

/// Whether the bits are equal; the sign and payload of a NaN after an overflow depend on the
/// processor and do not count.
fn same_bits(expected: f32, got: f32, status: &Status) -> bool {
    let overflowed = status.non_finite == 0 && expected.is_nan() && got.is_nan();
    overflowed || expected.to_bits() == got.to_bits()
}
