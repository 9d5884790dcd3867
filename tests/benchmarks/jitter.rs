//! The variation of a call's time: with subnormal inputs, and from call to call.
//!
//! `cargo run --release -p dense-tests --example jitter`
//!
//! The first table has, for each network, the smallest time of one call with ordinary and with
//! subnormal inputs, measured in alternation. It includes networks without biases, because in them
//! all values up to the last layer are then subnormal too. The goal is a ratio of at most 1.05. The
//! second table has the longest times of `decoder` beside those of a plain loop of arithmetic of
//! the same duration: effects common to both come from the machine, not the emulator. Figures of a
//! shared or sleeping machine mean little.

#![expect(
    clippy::print_stdout,
    reason = "a table on standard output is what it is for"
)]

use dense_codegen::emulator::{Emulator, EmulatorParts};
use dense_codegen::graph::{Graph, Operation, ParameterId};
use dense_tests::program::{Build, Program, networks, printed};
use std::collections::BTreeSet;
use std::env;
use std::process::Command;

fn main() -> anyhow::Result<()> {
    let mut emulators = networks();
    for (name, emulator) in networks() {
        emulators.push((format!("{name}_without_biases"), without_biases(emulator)?));
    }
    // Beside the examples, where the next run reuses the builds.
    let folder = env::current_exe()?.with_file_name("jitter-program");
    let files = [
        ("Cargo.toml", include_str!("jitter/Cargo.toml.txt")),
        ("src/main.rs", include_str!("jitter/program.rs")),
    ];
    let program = Program::write(&folder, &emulators, &files);
    let build = Build {
        profile: "release",
        features: "",
        flags: &env::var("RUSTFLAGS").unwrap_or_default(),
    };
    print!("{}", printed(&mut Command::new(program.built(build))));
    Ok(())
}

/// The emulator with zero biases: small inputs then give small values throughout.
fn without_biases(emulator: Emulator) -> anyhow::Result<Emulator> {
    let parts = emulator.into_parts();
    let biases: BTreeSet<ParameterId> = parts
        .graph
        .nodes()
        .iter()
        .filter_map(|node| match node.operation() {
            Operation::Dense(dense) => Some(dense.bias),
            Operation::Conv1d(conv1d) => Some(conv1d.bias),
            Operation::TransposedConv1d(conv1d) => Some(conv1d.bias),
            _ => None,
        })
        .collect();
    // Parameters and nodes added in the same order have the same ids.
    let mut graph = Graph::new(parts.graph.shape(Graph::INPUT).size());
    for (id, parameter) in parts.graph.parameters().iter() {
        let values = if biases.contains(&id) {
            vec![0.0; parameter.values().len()]
        } else {
            parameter.values().to_vec()
        };
        graph.parameter(parameter.name(), parameter.shape(), values)?;
    }
    for node in &parts.graph.nodes()[1..] {
        graph.push(node.operation().clone(), node.inputs())?;
    }
    Ok(Emulator::new(EmulatorParts { graph, ..parts })?)
}
