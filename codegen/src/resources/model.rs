//! Estimates of an emulator's flash and RAM, for machines without a toolchain to link it.
//!
//! Constants and buffers are counted. The size of the code is a sum over the functions and calls of
//! the emulator, whose terms were measured (rustc 1.96, `opt-level = 2`). The tests compare it with
//! linked programs.

use super::processor::Processor;
use crate::emulator::Emulator;
use crate::graph::{Activation, Function, Operation};
use crate::plan::BufferPlan;
use crate::rust;

/// The compiler's tables.
const TABLES: usize = 100;

/// Bytes of code.
pub(super) fn code(emulator: &Emulator, processor: Processor) -> usize {
    // Guard, layers, checksum and self-test; then each call with its arguments.
    const BASE: usize = 6_950;
    const STEP: usize = 130;
    // Beside its step.
    const TRANSPOSED: usize = 30;
    const CURVED: usize = 1_500;
    const LOGARITHM: usize = 1_500;
    const STATISTICS: usize = 1_500;
    let software = match processor {
        Processor::CortexM4 | Processor::CortexM7 => 0,
        Processor::CortexM3 => 630,
        Processor::CortexM0 => 1_560,
    };
    let operations = || {
        let nodes = emulator.graph().nodes().iter();
        nodes.map(|node| node.operation())
    };
    let transposed = operations().filter(|operation| {
        matches!(
            operation,
            Operation::TransposedConv1d(_) | Operation::TransposedConv2d(_)
        )
    });
    let curved = operations().any(|operation| match operation {
        Operation::Activation(Activation { function }) => *function != Function::Relu,
        Operation::Transform(_) => true,
        _ => false,
    });
    let logarithm = operations().any(|operation| matches!(operation, Operation::Logarithm(_)));
    BASE + STEP
        * BufferPlan::new(emulator.graph(), emulator.members())
            .steps()
            .len()
        + TRANSPOSED * transposed.count()
        + CURVED * usize::from(curved)
        + LOGARITHM * usize::from(logarithm)
        + STATISTICS * usize::from(emulator.members().len() > 1)
        + software
}

/// Bytes of constants: weights, calibration, trained box, golden vectors and tables.
pub(super) fn constants(emulator: &Emulator) -> usize {
    rust::image(emulator).len() + TABLES
}
