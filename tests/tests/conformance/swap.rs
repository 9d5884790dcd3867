//! Swapping in other constants at run time gives the bits of the other emulator. Anything but an
//! intact image of the same structure is rejected, at once or in slices; the constants identify
//! themselves. The generated self-test detects every flipped bit.

use crate::frozen_program::{ANY_PROCESSOR, EMULATORS, PROGRAM};
use dense_codegen::emulator::Emulator;
use dense_codegen::interpreter::{Order, interpret_f32};
use dense_codegen::rust::image;
use dense_tests::c::identity;
use dense_tests::modules::write;
use dense_tests::program::printed;
use dense_tests::retrained::retrained;
use dense_tests::rows::random_rows;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::process::Command;

/// Rows that are predicted with the swapped constants.
const ROWS: usize = 100;

/// Networks whose images take long to check bit by bit: they have the operations of smaller ones.
const LARGE: [&str; 3] = ["mlp", "decoder", "paper"];

/// The bits of means and deviations at all rows.
fn results(emulator: &Emulator, rows: &[f32]) -> Vec<u8> {
    let rows = rows.chunks(emulator.input_count());
    let predictions = rows.map(|row| interpret_f32(emulator, row, Order::Fused));
    predictions
        .flat_map(|prediction| [prediction.mean, prediction.std].concat())
        .flat_map(f32::to_le_bytes)
        .collect()
}

#[test]
fn another_set_of_numbers_is_swapped_in_and_damage_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let emulators = EMULATORS.iter();
    let emulators = emulators.filter(|(name, _)| !LARGE.contains(&&name[..]));
    let mut expected = Vec::new();
    for (name, emulator) in emulators {
        let other = retrained(emulator, 3);
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let rows = random_rows(emulator, ROWS, &mut rng);
        let results = results(&other, &rows);
        assert_ne!(results, self::results(emulator, &rows), "{name}");
        let image = image(&other);
        write(&folder.join(format!("{name}.bin")), &image);
        let bytes: Vec<u8> = rows.iter().flat_map(|value| value.to_le_bytes()).collect();
        write(&folder.join(format!("{name}.rows")), bytes);
        let identity = identity(&other, &image);
        expected.push((name, 8 * image.len(), results, identity));
    }
    let program = PROGRAM.built(ANY_PROCESSOR);
    let said = printed(Command::new(program).arg("swap").arg(folder));
    for (name, bits, expected, identity) in expected {
        let got = std::fs::read(folder.join(format!("{name}.out"))).expect("results were written");
        assert_eq!(got.len(), expected.len(), "{name}");
        let differs = got.iter().zip(&expected).position(|(a, b)| a != b);
        assert_eq!(differs, None, "{name}: the byte of the results");
        let said_of_itself = std::fs::read(folder.join(format!("{name}.said")));
        assert_eq!(said_of_itself.expect("it was written"), identity, "{name}");
        let flips = match &name[..] {
            "tiny" => bits,
            "thomson" => 10_000,
            _ => 200,
        };
        let tested = format!("{name}: {flips} bits flipped");
        assert!(said.lines().any(|line| line == tested), "{tested}\n{said}");
    }
}
