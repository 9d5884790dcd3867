//! Emulators' costs on microcontrollers in QEMU; they compute the workstation's bits there, in both
//! orders.

use dense_codegen::emulator::Emulator;
use dense_codegen::resources::{Bench, Costs, Probe, Processor, Report};
use dense_tests::networks::{Network, thomson};
use dense_tests::skip::skipped;
use dense_tests::tier::of_tier;
use std::path::Path;

/// Instructions for each multiply-accumulate of `decoder` and `mlp`, whole calls, guard and
/// statistics included.
const INSTRUCTIONS: f64 = 2.2;

/// Bytes of code of the Thomson emulator.
const CODE: usize = 16 << 10;

/// Bytes of stack of a call.
const STACK: usize = 1024;

fn bench(processor: Processor) -> Option<Bench> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("resources-{processor}"));
    Bench::new(processor, &folder)
        .inspect_err(|missing| skipped(missing))
        .ok()
}

/// The model's flash and RAM are within 5 % of the linked program's. (With rustup's compiled `core`
/// small emulators take up to 13 % more flash than with one built for the program.)
#[expect(clippy::print_stdout, reason = "the figures are what is of interest")]
fn assert_predicted(emulator: &Emulator, bench: &Bench, probe: &Probe) {
    let processor = bench.processor();
    let tolerance = if bench.toolchain().name == "debian" {
        0.05
    } else {
        0.13
    };
    let predicted = Report::predict(emulator, processor).shipped;
    let ram = predicted.static_ram_bytes + predicted.workspace_bytes + predicted.results_bytes;
    for (what, predicted, linked) in [
        ("flash", predicted.flash_bytes, probe.flash),
        ("RAM", ram, probe.ram),
    ] {
        let off = predicted as f64 / linked as f64 - 1.0;
        println!("{processor}, {what}: predicted {predicted}, linked {linked}");
        assert!(
            off.abs() < tolerance,
            "{what}: predicted {predicted}, linked {linked}"
        );
    }
}

#[test]
fn with_an_fpu_every_input_takes_the_same_few_instructions() {
    let Some(bench) = bench(Processor::CortexM4) else {
        return;
    };
    for network in [
        Network::Tiny,
        Network::Decoder,
        Network::Mlp,
        Network::Paper,
    ] {
        let emulator = network.emulator();
        let probe = bench.measure(&emulator).expect("the probe builds and runs");
        assert!(probe.self_test, "{}: golden vectors", network.name());
        let [first, ..] = probe.instructions;
        assert_eq!(probe.instructions, [first; 5], "{}", network.name());
        let each = f64::from(first) / emulator.macs() as f64;
        println!(
            "{}: {each:.3} instructions a MAC, {probe:?}",
            network.name()
        );
        assert_predicted(&emulator, &bench, &probe);
        if [Network::Decoder, Network::Mlp].contains(&network) {
            assert!(each <= INSTRUCTIONS, "{}: {each:.3}", network.name());
        }
        assert!(probe.stack <= STACK + 128, "{}: {probe:?}", network.name());
        let bound = probe.stack_bound.expect("frames are stated");
        assert!(bound >= probe.stack, "{}: {probe:?}", network.name());
        assert!(bound <= probe.stack + 256, "{}: {probe:?}", network.name());
    }
}

#[test]
fn the_thomson_emulator_is_small_and_its_ensemble_costs_no_more_memory_than_a_member_and_the_statistics()
 {
    let Some(bench) = bench(Processor::CortexM7) else {
        return;
    };
    let emulator = thomson();
    let report = Report::measure(&emulator, &bench).expect("the probe builds and runs");
    println!("{report}");
    let (one, all) = (&report.one_member, &report.shipped);
    assert!(all.code_bytes <= CODE, "{} bytes of code", all.code_bytes);
    assert!(all.stack_bytes.is_some_and(|bytes| bytes <= STACK));
    assert_eq!(all.static_ram_bytes, 0, "statics that are written");
    let (Some([one_low, _]), Some([low, high])) = (one.instructions, all.instructions) else {
        panic!("no instructions were counted: {report}");
    };
    assert!(one_low < low && low == high, "{one_low}, {low}, {high}");
    let memory = |costs: &Costs| {
        let stack = costs.stack_bytes.unwrap_or(0);
        costs.static_ram_bytes + costs.workspace_bytes + costs.results_bytes + stack
    };
    let statistics = 2 * 4 * emulator.output_count();
    assert!(memory(all) <= memory(one) + statistics, "{one:?} {all:?}");
    let json = serde_json::to_value(&report).expect("a report is JSON");
    assert_eq!(json["shipped"]["macs"], emulator.macs());
}

#[test]
fn without_an_fpu_the_golden_vectors_come_out_in_the_order_without_a_fused_multiply_add() {
    let processors = [Processor::CortexM3, Processor::CortexM0];
    for processor in of_tier(&processors[..1], &processors).iter().copied() {
        let Some(bench) = bench(processor) else {
            return;
        };
        for emulator in [Network::Tiny.emulator(), thomson()] {
            let probe = bench.measure(&emulator).expect("the probe builds and runs");
            assert!(probe.self_test, "{processor}: golden vectors");
            println!("{processor}: {probe:?}");
            assert_predicted(&emulator, &bench, &probe);
        }
    }
}
