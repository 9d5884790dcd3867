//! Calls the frozen emulators without printing, in a program that links only if none of its code
//! can panic: the panic handler calls a function that does not exist, and unreachable code is not
//! linked.
//!
//! Separate from `main.rs`, because its formatting can panic, unlike the arithmetic.

#![no_std]
#![no_main]

mod emulators;

use core::fmt;
use core::panic::PanicInfo;
use cortex_m_rt::entry;

/// Replaces the module that prints.
mod report {
    use core::fmt::{self, Write};
    use core::hint::black_box;
    use dense_runtime::predict::Predict;
    use dense_runtime::status::Status;

    /// Calls every function of an emulator. Inputs and the number of rows are hidden from the
    /// compiler.
    pub(crate) fn emulator<const IN: usize, const OUT: usize, P: Predict<IN, OUT>>(
        _: &mut impl Write,
        _: usize,
        emulator: &P,
        rows: &[[u32; IN]],
    ) -> fmt::Result {
        let mut workspace = P::WORKSPACE;
        let mut batch = P::BATCH_WORKSPACE;
        let (mut mean, mut std) = ([[0.0; OUT]; 1], [[0.0; OUT]; 1]);
        let mut status = [Status::default(); 1];
        for row in black_box(rows) {
            let x = [row.map(f32::from_bits)];
            let one = emulator.predict(&mut workspace, &x[0], &mut mean[0], &mut std[0]);
            black_box((one, &mut mean, &mut std));
            emulator.predict_batch(
                &mut batch,
                black_box(&x),
                black_box(&mut mean),
                black_box(&mut std),
                black_box(&mut status),
            );
            black_box((&mut mean, &mut std, &mut status));
            #[cfg(feature = "planted")]
            assert!(mean[0][0] != 0.125, "planted");
        }
        black_box(emulator.self_test(&mut workspace).is_ok());
        Ok(())
    }
}

/// Discards all output.
struct Nowhere;

impl fmt::Write for Nowhere {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        Ok(())
    }
}

#[entry]
fn main() -> ! {
    let _ = emulators::run_all(&mut Nowhere);
    loop {
        core::hint::spin_loop();
    }
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    unsafe extern "C" {
        fn a_panic_can_be_reached() -> !;
    }
    // SAFETY: a program that calls it does not link.
    unsafe { a_panic_can_be_reached() }
}
