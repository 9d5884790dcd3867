//! What emulators cost on microcontrollers in QEMU.

use dense_codegen::resources::{Bench, Processor};
use dense_tests::networks::Network;
use dense_tests::skip::skipped;
use std::path::Path;

#[test]
fn the_networks_take_few_instructions_for_each_multiply_accumulate() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("resources");
    let bench = match Bench::new(Processor::CortexM4, &folder) {
        Ok(bench) => bench,
        Err(missing) => return skipped(&missing),
    };
    for network in [Network::Decoder, Network::Mlp] {
        let emulator = network.emulator();
        let probe = bench.measure(&emulator).expect("the probe builds and runs");
        let each = f64::from(probe.instructions[0]) / emulator.macs() as f64;
        println!("{} {each:.3} {probe:?}", network.name());
    }
}
