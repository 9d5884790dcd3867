//! Another set of numbers, swapped in at run time: the bits are those of the other emulator, and what is no whole image of the
//! same structure is refused. The generated self-test sees every flipped bit.

use dense_codegen::emulator::Emulator;
use dense_codegen::file;
use dense_codegen::interpreter::{Order, interpret_f32};
use dense_codegen::rust::image;
use dense_tests::cases::few_that_use_every_operation;
use dense_tests::modules::write;
use dense_tests::networks::Network;
use dense_tests::program::{Program, SHIPPED_PROFILE, printed};
use dense_tests::repository;
use dense_tests::retrained::retrained;
use dense_tests::rows::random_rows;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::path::Path;
use std::process::Command;

/// Rows that are predicted with the numbers that were swapped in.
const ROWS: usize = 100;

fn emulators() -> Vec<(String, Emulator)> {
    let thomson = file::load(&repository().join("examples/firmware/thomson.safetensors"))
        .expect("the example's emulator can be read");
    let mut all = vec![
        ("tiny".to_owned(), Network::Tiny.emulator()),
        ("thomson".to_owned(), thomson),
    ];
    let cases = few_that_use_every_operation();
    all.extend(
        cases
            .iter()
            .map(|case| (case.name(), case.emulator.clone())),
    );
    all
}

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
    let emulators = emulators();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("swap");
    let main = include_str!("swap/program.rs");
    let program = Program::write(&folder, &emulators, SHIPPED_PROFILE, main);
    let mut expected = Vec::new();
    for (name, emulator) in &emulators {
        let other = retrained(emulator, 3);
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let rows = random_rows(emulator, ROWS, &mut rng);
        let results = results(&other, &rows);
        assert_ne!(results, self::results(emulator, &rows), "{name}");
        expected.push(results);
        write(&folder.join(format!("{name}.bin")), image(&other));
        let bytes: Vec<u8> = rows.iter().flat_map(|value| value.to_le_bytes()).collect();
        write(&folder.join(format!("{name}.rows")), bytes);
    }
    let said = printed(Command::new(program.built("", "")).current_dir(&folder));
    for ((name, _), expected) in emulators.iter().zip(expected) {
        let got = std::fs::read(folder.join(format!("{name}.out"))).expect("results were written");
        assert_eq!(got.len(), expected.len(), "{name}");
        let differs = got.iter().zip(&expected).position(|(a, b)| a != b);
        assert_eq!(differs, None, "{name}: the byte of the results");
        let tested = said
            .lines()
            .find(|line| line.starts_with(&format!("{name}: ")));
        let flips = match &name[..] {
            "tiny" => "all bits flipped",
            "thomson" => "10000 bits flipped",
            _ => "200 bits flipped",
        };
        assert_eq!(tested, Some(&*format!("{name}: {flips}")), "{said}");
    }
}
