//! The elementary functions of the C form have the bits of the runtime's, tested one by one: within
//! an emulator, rounding may hide a wrong digit of a coefficient at every input tested.

use dense_codegen::c::{Prefix, freeze};
use dense_codegen::emulator::{InputVariable, Layout, Outputs};
use dense_codegen::graph::{Activation, Function, Graph, Inverse, Logarithm, Operation, Transform};
use dense_codegen::{Calibration, Emulator, EmulatorParts};
use dense_runtime::elementary::{exp, ln, silu, sin, sinh, tanh};
use dense_runtime::fma::{Arithmetic, Fused, Separate};
use dense_tests::c::{FLAGS, is_there, succeeds};
use dense_tests::cases::FRESH_SEED;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The number of values tested of each kind.
const NUMBERS: usize = 100_000;

/// Reads values from its first argument and writes the functions of each to its second.
const PROGRAM: &str = r#"
#include "all.c"
#include <stdio.h>

int main(int count, char **names)
{
    FILE *in = fopen(names[1], "rb"), *out = fopen(names[2], "wb");
    float x;
    if (count != 3 || !in || !out)
        return 1;
    while (fread(&x, sizeof x, 1, in) == 1) {
        const float y[6] = { all_elementary_exp(x), all_elementary_ln(x), all_elementary_tanh(x), all_elementary_sinh(x),
                             all_elementary_silu(x), all_elementary_sin(x) };
        if (fwrite(y, sizeof y, 1, out) != 1)
            return 1;
    }
    return fclose(out);
}
"#;

/// An emulator that calls each of them, so that its file contains all of them.
fn all() -> Emulator {
    let mut graph = Graph::new(1);
    let activation = |function| Operation::Activation(Activation { function });
    let transform = |function| Operation::Transform(Transform { function });
    let mut node = Graph::INPUT;
    for operation in [
        Operation::Logarithm(Logarithm { mask: vec![true] }),
        activation(Function::Silu),
        activation(Function::Tanh),
        activation(Function::Sine),
        transform(Inverse::Exp),
        transform(Inverse::Sinh),
    ] {
        node = graph.push(operation, &[node]).expect("shapes agree");
    }
    Emulator::new(EmulatorParts {
        graph,
        members: vec![node],
        calibration: Calibration {
            gain: 1.0,
            unit: vec![1.0],
            floor: vec![0.0],
            slope: None,
        },
        local: Default::default(),
        inputs: vec![InputVariable {
            name: "x".into(),
            low: 0.1,
            high: 10.0,
            logarithmic: true,
        }],
        outputs: Outputs {
            layout: Layout::Scalars,
            shape: vec![1],
            names: Vec::new(),
            axes: Vec::new(),
            relative: None,
        },
        provenance: Default::default(),
    })
    .expect("a valid emulator")
}

/// Random bit patterns, values of common sizes, and values near one.
fn numbers() -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(*FRESH_SEED);
    let mut all = Vec::new();
    for _ in 0..NUMBERS {
        all.push(f32::from_bits(rng.random()));
        all.push(rng.random_range(-100.0..100.0));
        all.push(rng.random_range(0.5..2.0));
    }
    all
}

fn expected<A: Arithmetic>(x: f32) -> [f32; 6] {
    [
        exp::<A>(x),
        ln::<A>(x),
        tanh::<A>(x),
        sinh::<A>(x),
        silu::<A>(x),
        sin::<A>(x),
    ]
}

#[test]
fn every_function_has_the_bits_of_the_runtime_in_both_orders() {
    if !is_there("gcc", "gcc") {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c_elementary");
    let prefix = Prefix::new("all").expect("a prefix");
    let _ = fs::remove_dir_all(&folder);
    freeze(&all(), &folder, &prefix.into()).expect("the form is written");
    fs::write(folder.join("program.c"), PROGRAM).expect("the folder can be written to");
    let numbers = numbers();
    let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    fs::write(folder.join("in"), bytes).expect("the folder can be written to");
    for flags in [&["-O2"][..], &["-O2", "-mfma"]] {
        let fused = flags.contains(&"-mfma");
        if fused && !is_x86_feature_detected!("fma") {
            continue;
        }
        let expected = if fused {
            expected::<Fused>
        } else {
            expected::<Separate>
        };
        let mut gcc = Command::new("gcc");
        gcc.args(FLAGS)
            .args(flags)
            .args(["program.c", "-o", "program"]);
        succeeds(gcc.current_dir(&folder));
        succeeds(
            Command::new(folder.join("program"))
                .args(["in", "out"])
                .current_dir(&folder),
        );
        let found = fs::read(folder.join("out")).expect("the program wrote it");
        let rows: Vec<[[u8; 4]; 6]> = found
            .as_chunks::<24>()
            .0
            .iter()
            .map(|row| std::array::from_fn(|k| std::array::from_fn(|byte| row[4 * k + byte])))
            .collect();
        assert_eq!(rows.len(), numbers.len());
        for (&x, row) in numbers.iter().zip(rows) {
            let found = row.map(f32::from_le_bytes);
            let same = |(found, expected): (&f32, f32)| {
                found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan()
            };
            assert!(
                found.iter().zip(expected(x)).all(same),
                "{flags:?}: {x:e}: {found:?}, not {:?}",
                expected(x)
            );
        }
    }
}
