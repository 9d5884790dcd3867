//! The limits of the processor, measured: clock, fused multiply-adds, and reads from the
//! second-level cache.

use anyhow::{Result, ensure};
use std::arch::asm;
use std::arch::x86_64::{
    __m256, __m512, __m512i, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_or_ps, _mm256_set1_ps,
    _mm256_setzero_ps, _mm512_fmadd_ps, _mm512_loadu_si512, _mm512_or_si512, _mm512_set1_ps,
    _mm512_setzero_ps, _mm512_setzero_si512,
};
use std::fs;
use std::hint::black_box;
use std::time::Instant;

/// Dependent additions of one probe of the clock.
const ADDITIONS: u64 = 100_000;
/// Fused multiply-adds in flight: a latency of five cycles at two a cycle needs ten.
const CHAINS: usize = 12;
/// Fused multiply-adds of each chain in one probe.
const LINKS: u64 = 10_000;
/// Bytes that the probe of the second-level cache reads: many times the first level, below half the
/// second.
const STREAM: usize = 192 * 1024;
/// The smallest share of two vectors a cycle that a valid peak must reach.
pub(crate) const VALID: f64 = 0.9;

/// The best of all probes so far.
pub(crate) struct Floor {
    stream: Stream,
    l1_bytes: usize,
    /// Core cycles in a ns.
    pub(crate) clock: f64,
    /// For vectors of eight, and of sixteen if the processor has them.
    pub(crate) widths: Vec<Width>,
}

/// The rates of vectors of one width.
pub(crate) struct Width {
    /// Floats in a vector.
    pub(crate) lanes: usize,
    /// Multiply-accumulates in a ns.
    pub(crate) peak: f64,
    /// Bytes from the second-level cache in a ns.
    pub(crate) l2: f64,
}

/// Floats that begin at a cache line: a vector that crosses two lines is read twice.
#[repr(align(64))]
struct Line([f32; 16]);
type Stream = Vec<Line>;

impl Floor {
    /// # Errors
    /// The processor has no AVX2 with fused multiply-add.
    pub(crate) fn new() -> Result<Self> {
        ensure!(
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            "the probes need a processor with AVX2 and FMA"
        );
        let wide = is_x86_feature_detected!("avx512f").then_some(16);
        let widths = [8].into_iter().chain(wide).map(|lanes| Width {
            lanes,
            peak: 0.0,
            l2: 0.0,
        });
        let line = || Line([1.0; 16]);
        Ok(Self {
            stream: (0..STREAM / size_of::<Line>()).map(|_| line()).collect(),
            l1_bytes: l1_bytes(),
            clock: 0.0,
            widths: widths.collect(),
        })
    }

    /// Probes once more, and keeps the best.
    pub(crate) fn probe(&mut self) {
        let elapsed = |work: &dyn Fn()| {
            let start = Instant::now();
            work();
            start.elapsed().as_nanos() as f64
        };
        let ns = elapsed(&|| dependent_additions(ADDITIONS));
        self.clock = self.clock.max(ADDITIONS as f64 / ns);
        let stream = &self.stream[..];
        for width in &mut self.widths {
            // SAFETY: `new` verified that the processor has these instructions.
            let (multiply_adds, read): (&dyn Fn(), &dyn Fn()) = match width.lanes {
                8 => (&|| unsafe { multiply_adds_of_8(LINKS) }, &|| unsafe {
                    read_by_8(stream)
                }),
                _ => (&|| unsafe { multiply_adds_of_16(LINKS) }, &|| unsafe {
                    read_by_16(stream)
                }),
            };
            let products = LINKS as usize * CHAINS * width.lanes;
            width.peak = width.peak.max(products as f64 / elapsed(multiply_adds));
            // The first passes bring the stream into the cache.
            for _ in 0..8 {
                width.l2 = width.l2.max(STREAM as f64 / elapsed(read));
            }
        }
    }

    /// The peak of vectors of eight, as a share of two of them in each cycle.
    pub(crate) fn reached(&self) -> f64 {
        self.widths[0].peak / (2 * self.widths[0].lanes) as f64 / self.clock
    }

    /// Arithmetic and memory bound of a network with vectors of this width, in ns.
    pub(crate) fn bounds(&self, width: &Width, macs: u64, weight_bytes: usize) -> (f64, f64) {
        let beyond = weight_bytes.saturating_sub(self.l1_bytes);
        (macs as f64 / width.peak, beyond as f64 / width.l2)
    }
}

/// The size of the first-level data cache; 32 KiB if the system does not report it.
fn l1_bytes() -> usize {
    let size = fs::read_to_string("/sys/devices/system/cpu/cpu0/cache/index0/size").ok();
    let kib = size.and_then(|size| size.trim().strip_suffix('K')?.parse::<usize>().ok());
    1024 * kib.unwrap_or(32)
}

/// Additions that each depend on the one before: one a cycle.
pub(crate) fn dependent_additions(count: u64) {
    let mut sum = 0_u64;
    let mut left = count / 100;
    if left == 0 {
        return;
    }
    // SAFETY: only registers that are declared are changed, and the loop ends.
    unsafe {
        asm!(
            "2:",
            ".rept 100",
            "add {sum}, {one}",
            ".endr",
            "dec {left}",
            "jnz 2b",
            sum = inout(reg) sum,
            one = in(reg) black_box(3_u64),
            left = inout(reg) left,
            options(nomem, nostack),
        );
    }
    black_box((sum, left));
}

/// # Safety
/// The processor has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
unsafe fn multiply_adds_of_8(links: u64) {
    let [factor, addend] = [0.999, 0.001].map(|x| _mm256_set1_ps(black_box(x)));
    let mut sums: [__m256; CHAINS] = [_mm256_setzero_ps(); CHAINS];
    for _ in 0..links {
        for sum in &mut sums {
            *sum = _mm256_fmadd_ps(*sum, factor, addend);
        }
    }
    black_box(sums);
}

/// # Safety
/// The processor has AVX-512.
#[target_feature(enable = "avx512f")]
unsafe fn multiply_adds_of_16(links: u64) {
    let [factor, addend] = [0.999, 0.001].map(|x| _mm512_set1_ps(black_box(x)));
    let mut sums: [__m512; CHAINS] = [_mm512_setzero_ps(); CHAINS];
    for _ in 0..links {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, factor, addend);
        }
    }
    black_box(sums);
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn read_by_8(stream: &[Line]) {
    let mut any: [__m256; 8] = [_mm256_setzero_ps(); 8];
    for lines in stream.chunks_exact(4) {
        for (any, line) in any.chunks_exact_mut(2).zip(lines) {
            for (any, vector) in any.iter_mut().zip(line.0.as_chunks::<8>().0) {
                // SAFETY: the array has the vector's length.
                *any = _mm256_or_ps(*any, unsafe { _mm256_loadu_ps(vector.as_ptr()) });
            }
        }
    }
    black_box(any);
}

/// # Safety
/// The processor has AVX-512.
#[target_feature(enable = "avx512f")]
unsafe fn read_by_16(stream: &[Line]) {
    let mut any: [__m512i; 8] = [_mm512_setzero_si512(); 8];
    for lines in stream.chunks_exact(8) {
        for (any, line) in any.iter_mut().zip(lines) {
            // SAFETY: the array has the vector's length.
            *any = _mm512_or_si512(*any, unsafe { _mm512_loadu_si512(line.0.as_ptr().cast()) });
        }
    }
    black_box(any);
}
