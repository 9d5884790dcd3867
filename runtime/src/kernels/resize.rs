//! Nearest-neighbour resizing of a sequence: `y[p] = x[floor(p * length_in / length_out)]`, every
//! channel.

use super::scalar;
use crate::index::numbered;

/// The sizes of a resize.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resize {
    /// Positions of the input.
    pub length_in: usize,
    /// Positions of the output.
    pub length_out: usize,
    /// Channels of both.
    pub channels: usize,
}

/// Resizes a sequence. Exact.
///
/// *Shapes*: `x: [length_in][channels]`, `y: [length_out][channels]`.
#[inline]
pub fn resize(x: &[f32], y: &mut [f32], sizes: Resize) {
    // With few channels to move, the time goes into finding the sources.
    match sizes.channels {
        1 if is_exact(sizes) => few::<1>(x, y, sizes),
        2 if is_exact(sizes) => few::<2>(x, y, sizes),
        4 if is_exact(sizes) => few::<4>(x, y, sizes),
        8 if is_exact(sizes) => few::<8>(x, y, sizes),
        _ => any(x, y, sizes),
    }
}

#[inline(always)]
fn any(x: &[f32], y: &mut [f32], sizes: Resize) {
    let channels = sizes.channels.max(1);
    let positions = y.chunks_exact_mut(channels).take(sizes.length_out);
    for (source, y) in Sources::new(sizes.length_in, sizes.length_out).zip(positions) {
        let start = source.wrapping_mul(channels);
        let x = x.get(start..).unwrap_or_default();
        copy(x, y);
    }
}

/// Whether [`few`] finds all sources, and the processor multiplies 64-bit integers in hardware.
#[inline(always)]
fn is_exact(sizes: Resize) -> bool {
    !scalar::IN_USE && sizes.length_in <= 1 << 31 && (1..=1 << 16).contains(&sizes.length_out)
}

/// Resizes with this constant number of channels. The sources do not wait for one another: each is
/// `p * ratio`, whose lower 32 bits are a fraction.
///
/// The ratio is rounded up by less than 2^-32, so the product with `p < length_out` is too large by
/// less than `length_out * 2^-32`, which is at most `1 / length_out`: the product never reaches the
/// next integer.
#[inline(always)]
fn few<const CHANNELS: usize>(x: &[f32], y: &mut [f32], sizes: Resize) {
    let ratio = ((sizes.length_in as u64) << 32).div_ceil(sizes.length_out as u64);
    let (x, y) = (x.as_chunks::<CHANNELS>().0, y.as_chunks_mut::<CHANNELS>().0);
    for (p, y) in numbered(y.iter_mut()).take(sizes.length_out) {
        if let Some(x) = x.get(((p as u64).wrapping_mul(ratio) >> 32) as usize) {
            *y = *x;
        }
    }
}

/// Yields the source of each position, endlessly: `floor(p * length_in / length_out)`, without a
/// division for each.
pub(super) struct Sources {
    source: usize,
    remainder: usize,
    /// Quotient and remainder of the lengths.
    whole: usize,
    part: usize,
    length_out: usize,
}

impl Sources {
    #[inline(always)]
    pub(super) fn new(length_in: usize, length_out: usize) -> Self {
        let length_out = length_out.max(1);
        Self {
            source: 0,
            remainder: 0,
            whole: length_in / length_out,
            part: length_in % length_out,
            length_out,
        }
    }
}

impl Iterator for Sources {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        let source = self.source;
        self.source = source.wrapping_add(self.whole);
        self.remainder = self.remainder.wrapping_add(self.part);
        if self.remainder >= self.length_out {
            self.source = self.source.wrapping_add(1);
            self.remainder = self.remainder.wrapping_sub(self.length_out);
        }
        Some(source)
    }
}

/// Copies eight at a time: a copy whose length the compiler does not know would be a call.
#[inline(always)]
fn copy(x: &[f32], y: &mut [f32]) {
    let (whole, rest) = y.as_chunks_mut::<8>();
    let x_rest = x.get(whole.len().wrapping_mul(8)..).unwrap_or_default();
    for (y, x) in whole.iter_mut().zip(x.as_chunks().0) {
        *y = *x;
    }
    for (y, &x) in rest.iter_mut().zip(x_rest) {
        *y = x;
    }
}
