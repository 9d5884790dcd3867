//! [`accumulate`] in instructions of the Cortex-M's FPU: sums in s0 to s15, weights from s16 on,
//! inputs in the last registers.

use super::tile::Tile;
use crate::kernels::blocks::FULL;
use core::arch::asm;

/// Adds weights `$weight` times input `$number` to the sums `$sum`, in order.
macro_rules! fma {
    ($number:literal: $($sum:literal $weight:literal),*) => {
        concat!($("vfma.f32 s", $sum, ", s", $weight, ", s", $number, "\n"),*)
    };
}

/// Loads the initial values of the sums of four positions.
macro_rules! starts {
    ($first:literal, $($next:literal),*) => {
        concat!("vldmia {start}, {{", $first, "}}\n" $(, "add {start}, {start}, {step}\nvldmia {start}, {{", $next, "}}\n")*)
    };
}

/// The instructions of one tile, which may use every register of the FPU.
macro_rules! on_sums {
    ($start:ident, $sums:ident, [$($template:expr),* $(,)?], $($operands:tt)*) => {
        asm!(
            $($template,)*
            "vstmia {sums}, {{s0-s15}}",
            start = inout(reg) $start => _,
            sums = in(reg) $sums.as_mut_ptr(),
            $($operands)*
            out("s0") _, out("s1") _, out("s2") _, out("s3") _, out("s4") _, out("s5") _, out("s6") _, out("s7") _,
            out("s8") _, out("s9") _, out("s10") _, out("s11") _, out("s12") _, out("s13") _, out("s14") _, out("s15") _,
            out("s16") _, out("s17") _, out("s18") _, out("s19") _, out("s20") _, out("s21") _, out("s22") _, out("s23") _,
            out("s24") _, out("s25") _, out("s26") _, out("s27") _, out("s28") _, out("s29") _, out("s30") _, out("s31") _,
            options(nostack)
        )
    };
}

/// Adds the run's products to the initial values of the sums `[positions][width]`, row after row.
///
/// # Safety
/// All inputs, rows and initial values exist; the initial values may be the sums themselves. A
/// width of sixteen has one position, a width of eight one or two, any other width one or four.
#[inline(always)]
pub(super) unsafe fn accumulate(tile: &Tile, sums: &mut [f32; FULL]) {
    let Tile {
        positions,
        left,
        width,
        x: x0,
        from,
        weights,
        lanes,
        run,
        start,
        start_step,
    } = *tile;
    let step = start_step.wrapping_mul(4);
    let x1 = x0.wrapping_add(if left > 1 { from } else { 0 });
    let x2 = x1.wrapping_add(if left > 2 { from } else { 0 });
    let x3 = x2.wrapping_add(if left > 3 { from } else { 0 });
    // SAFETY: by this function's contract.
    unsafe {
        match (width, positions) {
            (16, _) => on_sums!(start, sums, [
                "vldmia {start}, {{s0-s15}}",
                "2: vldmia {x}!, {{s24}}",
                "vldmia {w}!, {{s16-s23}}",
                fma!(24: 0 16, 1 17, 2 18, 3 19, 4 20, 5 21, 6 22, 7 23),
                "vldmia {w}!, {{s16-s23}}",
                fma!(24: 8 16, 9 17, 10 18, 11 19, 12 20, 13 21, 14 22, 15 23),
                "subs {n}, {n}, #1",
                "bne 2b",
            ], x = inout(reg) x0 => _, w = inout(reg) weights => _, n = inout(reg) run => _,),
            (8, 1) => on_sums!(start, sums, [
                "vldmia {start}, {{s0-s7}}",
                "2: vldmia {x}!, {{s24}}",
                "vldmia {w}, {{s16-s23}}",
                fma!(24: 0 16, 1 17, 2 18, 3 19, 4 20, 5 21, 6 22, 7 23),
                "add {w}, {w}, {row}",
                "subs {n}, {n}, #1",
                "bne 2b",
            ], x = inout(reg) x0 => _, w = inout(reg) weights => _, n = inout(reg) run => _, row = in(reg) lanes.wrapping_mul(4),),
            (8, _) => on_sums!(start, sums, [
                "vldmia {start}, {{s0-s7}}",
                "add {start}, {start}, {step}",
                "vldmia {start}, {{s8-s15}}",
                "2: vldmia {w}, {{s16-s23}}",
                "vldmia {x0}!, {{s24}}",
                "vldmia {x1}!, {{s25}}",
                fma!(24: 0 16, 1 17, 2 18, 3 19, 4 20, 5 21, 6 22, 7 23),
                fma!(25: 8 16, 9 17, 10 18, 11 19, 12 20, 13 21, 14 22, 15 23),
                "add {w}, {w}, {row}",
                "subs {n}, {n}, #1",
                "bne 2b",
            ], x0 = inout(reg) x0 => _, x1 = inout(reg) x1 => _, w = inout(reg) weights => _,
               n = inout(reg) run => _, row = in(reg) lanes.wrapping_mul(4), step = in(reg) step,),
            (4, 1) => on_sums!(start, sums, [
                "vldmia {start}, {{s0-s3}}",
                "2: vldmia {x}!, {{s24}}",
                "vldmia {w}!, {{s16-s19}}",
                fma!(24: 0 16, 1 17, 2 18, 3 19),
                "subs {n}, {n}, #1",
                "bne 2b",
            ], x = inout(reg) x0 => _, w = inout(reg) weights => _, n = inout(reg) run => _,),
            (4, _) => on_sums!(start, sums, [
                starts!("s0-s3", "s4-s7", "s8-s11", "s12-s15"),
                "2: vldmia {w}!, {{s16-s19}}",
                "vldmia {x0}!, {{s24}}",
                "vldmia {x1}!, {{s25}}",
                "vldmia {x2}!, {{s26}}",
                "vldmia {x3}!, {{s27}}",
                fma!(24: 0 16, 1 17, 2 18, 3 19),
                fma!(25: 4 16, 5 17, 6 18, 7 19),
                fma!(26: 8 16, 9 17, 10 18, 11 19),
                fma!(27: 12 16, 13 17, 14 18, 15 19),
                "subs {n}, {n}, #1",
                "bne 2b",
            ], x0 = inout(reg) x0 => _, x1 = inout(reg) x1 => _, x2 = inout(reg) x2 => _, x3 = inout(reg) x3 => _,
               w = inout(reg) weights => _, n = inout(reg) run => _, step = in(reg) step,),
            (2, 1) => on_sums!(start, sums, [
                "vldmia {start}, {{s0-s1}}",
                "2: vldmia {x}!, {{s24}}",
                "vldmia {w}!, {{s16-s17}}",
                fma!(24: 0 16, 1 17),
                "subs {n}, {n}, #1",
                "bne 2b",
            ], x = inout(reg) x0 => _, w = inout(reg) weights => _, n = inout(reg) run => _,),
            // Two rows at a time, then one.
            (2, _) => on_sums!(start, sums, [
                starts!("s0-s1", "s2-s3", "s4-s5", "s6-s7"),
                "subs {n}, {n}, #2",
                "blo 3f",
                "2: vldmia {w}!, {{s16-s19}}",
                "vldmia {x0}!, {{s24-s25}}",
                "vldmia {x1}!, {{s26-s27}}",
                "vldmia {x2}!, {{s28-s29}}",
                "vldmia {x3}!, {{s30-s31}}",
                fma!(24: 0 16, 1 17),
                fma!(26: 2 16, 3 17),
                fma!(28: 4 16, 5 17),
                fma!(30: 6 16, 7 17),
                fma!(25: 0 18, 1 19),
                fma!(27: 2 18, 3 19),
                fma!(29: 4 18, 5 19),
                fma!(31: 6 18, 7 19),
                "subs {n}, {n}, #2",
                "bhs 2b",
                "3: adds {n}, {n}, #2",
                "beq 4f",
                "vldmia {w}!, {{s16-s17}}",
                "vldmia {x0}!, {{s24}}",
                "vldmia {x1}!, {{s25}}",
                "vldmia {x2}!, {{s26}}",
                "vldmia {x3}!, {{s27}}",
                fma!(24: 0 16, 1 17),
                fma!(25: 2 16, 3 17),
                fma!(26: 4 16, 5 17),
                fma!(27: 6 16, 7 17),
                "4:",
            ], x0 = inout(reg) x0 => _, x1 = inout(reg) x1 => _, x2 = inout(reg) x2 => _, x3 = inout(reg) x3 => _,
               w = inout(reg) weights => _, n = inout(reg) run => _, step = in(reg) step,),
            (_, 1) => on_sums!(start, sums, [
                "vldmia {start}, {{s0}}",
                "2: vldmia {x}!, {{s24}}",
                "vldmia {w}!, {{s16}}",
                fma!(24: 0 16),
                "subs {n}, {n}, #1",
                "bne 2b",
            ], x = inout(reg) x0 => _, w = inout(reg) weights => _, n = inout(reg) run => _,),
            // Four rows at a time, then one by one.
            (_, _) => on_sums!(start, sums, [
                starts!("s0", "s1", "s2", "s3"),
                "subs {n}, {n}, #4",
                "blo 3f",
                "2: vldmia {w}!, {{s28-s31}}",
                "vldmia {x0}!, {{s4-s7}}",
                "vldmia {x1}!, {{s8-s11}}",
                "vldmia {x2}!, {{s12-s15}}",
                "vldmia {x3}!, {{s16-s19}}",
                fma!(28: 0 4, 1 8, 2 12, 3 16),
                fma!(29: 0 5, 1 9, 2 13, 3 17),
                fma!(30: 0 6, 1 10, 2 14, 3 18),
                fma!(31: 0 7, 1 11, 2 15, 3 19),
                "subs {n}, {n}, #4",
                "bhs 2b",
                "3: adds {n}, {n}, #4",
                "beq 4f",
                "2: vldmia {w}!, {{s28}}",
                "vldmia {x0}!, {{s4}}",
                "vldmia {x1}!, {{s8}}",
                "vldmia {x2}!, {{s12}}",
                "vldmia {x3}!, {{s16}}",
                fma!(28: 0 4, 1 8, 2 12, 3 16),
                "subs {n}, {n}, #1",
                "bne 2b",
                "4:",
            ], x0 = inout(reg) x0 => _, x1 = inout(reg) x1 => _, x2 = inout(reg) x2 => _, x3 = inout(reg) x3 => _,
               w = inout(reg) weights => _, n = inout(reg) run => _, step = in(reg) step,),
        }
    }
}
