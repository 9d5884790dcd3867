//! Vectors of floats: the few operations that the kernels' inner tiles use.
//!
//! Whether a loop over an array becomes vector instructions depends on flags, processor and
//! compiler, and the tiles of a convolution are far slower where the compiler vectorises another
//! axis. So tiles are written once, with [`Vector`], and compiled for `avx2` where the processor
//! has it. [`portable`] gives the same bits with plain arrays: every other target uses it, and it
//! is the reference in the tests of the others.

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

/// Whether this processor has vectors of sixteen floats.
#[inline(always)]
pub(crate) fn has_sixteen() -> bool {
    #[cfg(target_arch = "x86_64")]
    return avx512::is_there();
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// The vectors of a build without better ones.
#[cfg(not(any(
    target_arch = "arm",
    all(
        target_arch = "x86_64",
        target_feature = "avx2",
        target_feature = "fma"
    )
)))]
pub(crate) type Plain = portable::Portable<8>;

/// The vectors of a build without better ones: each of a Cortex-M's 32 registers holds one float.
#[cfg(target_arch = "arm")]
pub(crate) type Plain = portable::Portable<4>;

#[cfg(test)]
mod tests;
