//! The cost of an emulator on a microcontroller: flash, RAM, stack and instructions, known before
//! it is flashed.
//!
//! A [`Bench`] builds a bare program with and without the emulator and runs it in QEMU; a
//! [`Report`] holds the results.

mod elf;
mod model;
mod probe;
mod processor;
mod report;
mod stack;
mod toolchain;

pub(crate) use elf::Program;
pub use probe::{Bench, Probe};
pub use processor::Processor;
pub use report::{Costs, Report};
pub use toolchain::Toolchain;
