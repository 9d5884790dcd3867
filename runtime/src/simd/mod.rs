//! Numbers side by side: the few operations that the kernels' inner tiles are written in.
//!
//! A loop over an array may or may not become vector instructions, depending on flags, processor and compiler; the
//! tiles of a convolution run far slower where the compiler chooses another axis than ours. So tiles are written
//! in [`Vector`], once, and compiled for `avx2` where the processor has it. [`portable`] is the same in plain arrays:
//! what every other target runs, and the oracle of the first in the tests, with the same bits.

#![expect(
    unsafe_code,
    reason = "the trait's unchecked reads are declared unsafe"
)]

#[cfg(all(
    target_arch = "x86_64",
    any(
        test,
        feature = "std",
        all(target_feature = "avx2", target_feature = "fma")
    )
))]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
pub(crate) mod portable;
mod vector;

pub(crate) use vector::{Vector, Work};

/// Whether this processor has vectors of sixteen numbers.
#[inline(always)]
pub(crate) fn has_sixteen() -> bool {
    #[cfg(target_arch = "x86_64")]
    return avx512::is_there();
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// The vectors of a build without anything better.
#[cfg(not(any(
    target_arch = "arm",
    all(
        target_arch = "x86_64",
        target_feature = "avx2",
        target_feature = "fma"
    )
)))]
pub(crate) type Plain = portable::Portable<8>;

/// The vectors of a build without anything better: registers of a Cortex-M hold one number each, and there are 32.
#[cfg(target_arch = "arm")]
pub(crate) type Plain = portable::Portable<4>;

#[cfg(test)]
mod tests;
