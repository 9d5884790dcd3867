//! What an emulator costs on a microcontroller: flash, RAM, stack and instructions, known before it is flashed.

mod elf;
mod probe;
mod processor;
mod toolchain;

pub use probe::{Bench, Probe};
pub use processor::Processor;
pub use toolchain::Toolchain;
