//! Conformance of the whole path: every execution of an emulator gives the interpreter's bits, or
//! is near them where bits cannot be guaranteed; and each promise for control loops is tested on
//! the linked program.
//!
//! - [`interpreters`], [`executor`]: on this machine, without a compiler,
//! - [`frozen`]: frozen Rust. The program of [`frozen_program`] also shows that it has
//!   [`no_panic`], does [`constant_work`], needs no [`allocation`], and supports a [`swap`] of its
//!   weights; [`planted_order`] shows that the carried test can fail,
//! - [`c`], [`c_elementary`], [`c_floats`], [`c_library`], [`c_memory`], [`c_examples`]: the C
//!   form,
//! - [`firmware`], [`firmware_example`], [`firmware_resources`]: microcontrollers in QEMU,
//! - [`onnx`]: exported models in three engines,
//! - [`networks`], [`thomson_generator`]: the origin of the benchmarks' networks and of the bundled
//!   data.

mod allocation;
mod c;
#[cfg(target_arch = "x86_64")]
mod c_elementary;
mod c_examples;
mod c_floats;
mod c_library;
mod c_memory;
#[cfg(target_arch = "x86_64")]
mod constant_work;
mod executor;
mod firmware;
mod firmware_example;
mod firmware_resources;
mod frozen;
mod frozen_program;
mod interpreters;
mod networks;
mod no_panic;
mod onnx;
mod planted_order;
mod swap;
mod thomson_generator;
