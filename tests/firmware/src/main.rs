//! Prints over semihosting the bits that a Cortex-M4F computes: every elementary function over all
//! magnitudes, then the predictions of frozen emulators.
//!
//! The workstation's test (`tests/tests/conformance/firmware.rs`) copies this crate, writes the
//! emulators into the copy, builds and runs it with `run`, and compares every line with its own.

#![no_std]
#![no_main]

mod emulators;
mod report;

use core::fmt;
use core::panic::PanicInfo;
use cortex_m_rt::entry;
use cortex_m_semihosting::{
    debug::{self, ExitStatus},
    hio::{self, HostStream},
};
use dense_runtime::fma::Native;

#[entry]
fn main() -> ! {
    let done = hio::hstdout()
        .map_err(|()| fmt::Error)
        .and_then(|mut out| print(&mut out));
    end(if done.is_ok() {
        debug::EXIT_SUCCESS
    } else {
        debug::EXIT_FAILURE
    })
}

fn print(out: &mut HostStream) -> fmt::Result {
    report::elementary::<Native>(out)?;
    emulators::run_all(out)
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    end(debug::EXIT_FAILURE)
}

fn end(status: ExitStatus) -> ! {
    loop {
        debug::exit(status);
    }
}
