//! One call of each network: ours under three sets of compiler flags, peers, and the lower bound
//! set by the processor.
//!
//! `cargo run --release -p dense-tests --example latency -- [--peers PYTHON]`, with PYTHON from the
//! virtual environment that `tests/peers/make_venv FOLDER` creates. Everything runs in one process
//! and one thread, round by round in turn, so that a noisy machine disturbs all alike.
//!
//! `floor = max(multiply-accumulates / peak, weight bytes beyond L1 / bandwidth of L2)`, with peak
//! and bandwidth measured in the same rounds, for vectors of eight and, if the processor has them,
//! of sixteen: ours uses those for whole blocks of sixteen outputs. A run is void if the peak is
//! below 90 % of two vectors of eight fused multiply-adds per cycle, the cycle measured by a chain
//! of dependent additions.
//!
//! Ours computes guard, mean, standard deviation and status; the peers compute the mean alone.

#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "foreign libraries are called, and the processor is probed"
    )
)]
#![expect(
    clippy::print_stdout,
    reason = "a table on standard output is what it is for"
)]

#[cfg(target_arch = "x86_64")]
mod engine;
#[cfg(target_arch = "x86_64")]
mod floor;
#[cfg(target_arch = "x86_64")]
mod frozen;
#[cfg(target_arch = "x86_64")]
mod generated_c;
#[cfg(target_arch = "x86_64")]
mod onnx_runtime;
#[cfg(target_arch = "x86_64")]
mod plain;
#[cfg(target_arch = "x86_64")]
mod rten;
#[cfg(target_arch = "x86_64")]
mod run;
#[cfg(target_arch = "x86_64")]
mod table;

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
struct Arguments {
    /// The Python of a virtual environment with the peers; rten alone if left out
    #[arg(long)]
    peers: Option<PathBuf>,
    /// Networks to time
    #[arg(long, value_delimiter = ',', default_value = "mlp,decoder,tiny,paper")]
    networks: Vec<String>,
    /// Builds of ours: native, v3, baseline
    #[arg(long, value_delimiter = ',', default_value = "native,v3,baseline")]
    flavours: Vec<String>,
    /// Rounds of each network
    #[arg(long, default_value_t = 100)]
    rounds: usize,
    /// One object on the last line
    #[arg(long)]
    json: bool,
}

#[cfg(target_arch = "x86_64")]
fn main() -> anyhow::Result<ExitCode> {
    run::run(&Arguments::parse())
}

#[cfg(not(target_arch = "x86_64"))]
fn main() -> ExitCode {
    let Arguments { .. } = Arguments::parse();
    println!("the floor is only known for x86-64");
    ExitCode::from(2)
}
