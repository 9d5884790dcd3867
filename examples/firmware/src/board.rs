//! What the programs need of the board: text by semihosting, a count of instructions, an end.
//!
//! Without `core::fmt`: it can panic, and here nothing that can panic links.

use core::arch::asm;
use core::panic::PanicInfo;
use core::ptr::{read_volatile, write_volatile};
use core::sync::atomic::{AtomicU32, Ordering};

/// Asks the debugger's host for something.
fn host(operation: u32, argument: u32) -> u32 {
    let answer;
    // SAFETY: the debugger's trap, which semihosting takes.
    unsafe {
        asm!("bkpt 0xAB", inout("r0") operation => answer, in("r1") argument);
    }
    answer
}

/// Writes to the host's standard output.
fn write(bytes: &[u8]) {
    static HANDLE: AtomicU32 = AtomicU32::new(0);
    if HANDLE.load(Ordering::Relaxed) == 0 {
        // The console by its name, for writing.
        let name = b":tt\0";
        let open = [name.as_ptr() as u32, 4, 3];
        HANDLE.store(host(0x01, open.as_ptr() as u32), Ordering::Relaxed);
    }
    let handle = HANDLE.load(Ordering::Relaxed);
    let request = [handle, bytes.as_ptr() as u32, bytes.len() as u32];
    host(0x05, request.as_ptr() as u32);
}

/// Ends the program: well, or not.
pub(crate) fn end(well: bool) -> ! {
    loop {
        host(0x18, if well { 0x2_0026 } else { 0x2_0023 });
    }
}

/// Prints text.
pub(crate) fn text(text: &str) {
    write(text.as_bytes());
}

/// Prints a number in decimal.
pub(crate) fn number(number: u32) {
    let mut power = 1_000_000_000;
    let mut begun = false;
    while power > 0 {
        let digit = number / power % 10;
        begun |= digit > 0 || power == 1;
        if begun {
            write(&[digit as u8 + b'0']);
        }
        power /= 10;
    }
}

/// Prints a value with three digits after the point.
#[allow(dead_code, reason = "one of the programs does")]
pub(crate) fn thousandths(value: f32) {
    if value < 0.0 {
        text("-");
    }
    let thousandths = (value.abs() * 1000.0) as u32;
    number(thousandths / 1000);
    text(".");
    for power in [100, 10, 1] {
        number(thousandths / power % 10);
    }
}

/// Prints eight hexadecimal digits.
#[allow(dead_code, reason = "one of the programs does")]
pub(crate) fn bits(bits: u32) {
    for place in (0..8).rev() {
        let digit = (bits >> (4 * place) & 15) as u8;
        write(&[digit + if digit < 10 { b'0' } else { b'a' - 10 }]);
    }
}

const CONTROL: *mut u32 = 0xE000_E010 as *mut u32;
const RELOAD: *mut u32 = 0xE000_E014 as *mut u32;
const CURRENT: *mut u32 = 0xE000_E018 as *mut u32;

/// Counts instructions by SysTick. In QEMU with `-icount shift=0` an instruction is a nanosecond, and a tick of the timer
/// as many instructions as a known loop shows; on a real board it counts cycles.
#[allow(dead_code, reason = "one of the programs does")]
pub(crate) struct Counter {
    instructions_a_tick: u32,
}

#[allow(dead_code, reason = "one of the programs does")]
impl Counter {
    /// Starts the timer and compares it with a loop of 200,000 instructions.
    pub(crate) fn start() -> Self {
        // SAFETY: the timer's registers, which nothing else uses.
        unsafe {
            write_volatile(RELOAD, 0x00FF_FFFF);
            write_volatile(CURRENT, 0);
            write_volatile(CONTROL, 5);
        }
        let mut counter = Self {
            instructions_a_tick: 1,
        };
        let ticks = counter.count(|| {
            // SAFETY: counts down a register.
            unsafe {
                asm!("2: subs {0}, #1", "bne 2b", inout(reg) 100_000_u32 => _);
            }
        });
        counter.instructions_a_tick = (200_000 + ticks / 2).checked_div(ticks).unwrap_or(1);
        counter
    }

    /// Instructions of some work, to a tick.
    #[inline(never)]
    pub(crate) fn count(&self, work: impl FnOnce()) -> u32 {
        // SAFETY: see `start`.
        let now = || unsafe { read_volatile(CURRENT) };
        let begin = now();
        work();
        (begin.wrapping_sub(now()) & 0x00FF_FFFF).wrapping_mul(self.instructions_a_tick)
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
