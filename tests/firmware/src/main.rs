//! Prints over semihosting the bits that a Cortex-M4F computes: every elementary function over all magnitudes.
//!
//! The workstation's test (`tests/tests/firmware.rs`) builds and runs this program with `run` and compares every line
//! with its own.

#![no_std]
#![no_main]

mod report;

use core::fmt;
use core::panic::PanicInfo;
use cortex_m_rt::entry;
use cortex_m_semihosting::{
    debug::{self, ExitStatus},
    hio,
};
use dense_runtime::fma::Native;
use report::report;

#[entry]
fn main() -> ! {
    let done = hio::hstdout()
        .map_err(|()| fmt::Error)
        .and_then(|mut out| report::<Native>(&mut out));
    end(if done.is_ok() {
        debug::EXIT_SUCCESS
    } else {
        debug::EXIT_FAILURE
    })
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
