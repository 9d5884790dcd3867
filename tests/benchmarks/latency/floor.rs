//! What the processor can do at best, measured: cycles, fused multiply-adds, and reads from the second cache.

use anyhow::{Result, ensure};
use std::arch::asm;
use std::arch::x86_64::{
    __m256, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_or_ps, _mm256_set1_ps, _mm256_setzero_ps,
};
use std::fs;
use std::hint::black_box;
use std::time::Instant;

/// Dependent additions of one probe of the clock.
const ADDITIONS: u64 = 100_000;
/// Fused multiply-adds in flight: five cycles of latency at two a cycle need ten.
const CHAINS: usize = 12;
/// Fused multiply-adds of each chain in one probe.
const LINKS: u64 = 10_000;
/// Numbers in a vector of the peak probe.
const LANES: usize = 8;
/// Bytes that the probe of the second cache reads: many times the first, below half the second.
const STREAM: usize = 192 * 1024;
/// The least share of two vectors a cycle that a peak probe must reach.
pub(crate) const VALID: f64 = 0.9;

/// The best of all probes so far.
pub(crate) struct Floor {
    stream: Vec<f32>,
    l1_bytes: usize,
    /// Core cycles in a ns.
    pub(crate) clock: f64,
    /// Multiply-accumulates in a ns.
    pub(crate) peak: f64,
    /// Bytes in a ns.
    pub(crate) l2: f64,
}

impl Floor {
    /// # Errors
    /// The processor has no AVX2 with fused multiply-add.
    pub(crate) fn new() -> Result<Self> {
        ensure!(
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            "the probes need a processor with AVX2 and FMA"
        );
        Ok(Self {
            stream: vec![1.0; STREAM / 4],
            l1_bytes: l1_bytes(),
            clock: 0.0,
            peak: 0.0,
            l2: 0.0,
        })
    }

    /// Probes once more.
    pub(crate) fn probe(&mut self) {
        let elapsed = |work: &mut dyn FnMut()| {
            let start = Instant::now();
            work();
            start.elapsed().as_nanos() as f64
        };
        let ns = elapsed(&mut || dependent_additions(ADDITIONS));
        self.clock = self.clock.max(ADDITIONS as f64 / ns);
        // SAFETY: `new` has seen that the processor has these instructions.
        let ns = elapsed(&mut || unsafe { multiply_adds(LINKS) });
        let products = LINKS as usize * CHAINS * LANES;
        self.peak = self.peak.max(products as f64 / ns);
        for _ in 0..2 {
            let stream = &self.stream;
            // SAFETY: as above.
            let ns = elapsed(&mut || unsafe { read(stream) });
            self.l2 = self.l2.max(STREAM as f64 / ns);
        }
    }

    /// The peak as a share of two vectors in each cycle.
    pub(crate) fn reached(&self) -> f64 {
        self.peak / (2 * LANES) as f64 / self.clock
    }

    /// Arithmetic and memory bound of a network, in ns.
    pub(crate) fn bounds(&self, macs: u64, weight_bytes: usize) -> (f64, f64) {
        let beyond = weight_bytes.saturating_sub(self.l1_bytes);
        (macs as f64 / self.peak, beyond as f64 / self.l2)
    }
}

/// The size of the first data cache; 32 KiB where the system does not say.
fn l1_bytes() -> usize {
    let size = fs::read_to_string("/sys/devices/system/cpu/cpu0/cache/index0/size").ok();
    let kib = size.and_then(|size| size.trim().strip_suffix('K')?.parse::<usize>().ok());
    1024 * kib.unwrap_or(32)
}

/// Additions of which each needs the one before: one a cycle.
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
unsafe fn multiply_adds(links: u64) {
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
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn read(stream: &[f32]) {
    let mut any: [__m256; 8] = [_mm256_setzero_ps(); 8];
    for block in stream.chunks_exact(8 * LANES) {
        for (any, vector) in any.iter_mut().zip(block.chunks_exact(LANES)) {
            // SAFETY: the chunk has as many numbers as the vector.
            *any = _mm256_or_ps(*any, unsafe { _mm256_loadu_ps(vector.as_ptr()) });
        }
    }
    black_box(any);
}
