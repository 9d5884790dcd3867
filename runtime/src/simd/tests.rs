//! Every operation of [`Avx2`](super::avx2::Avx2) has the bits of the plain arrays.
#![cfg(target_arch = "x86_64")]

use super::avx2::Avx2;
use super::portable::Portable;
use super::{Vector, Work};
use crate::domain::{Range, Ranges};
use core::array;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Does everything that a vector can do with the numbers, and writes the bits of all results.
struct Everything<'a> {
    numbers: &'a [f32],
    bits: &'a mut Vec<u32>,
}

impl Work for Everything<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { numbers, bits } = self;
        let mut put = |vector: V| {
            let (mut once, mut again) = ([0.0; 8], [0.0; 9]);
            vector.store(&mut once);
            // SAFETY: there are eight from 1 on.
            unsafe { vector.store_at(&mut again, 1) };
            assert_eq!(
                once.map(f32::to_bits),
                [1, 2, 3, 4, 5, 6, 7, 8].map(|i| again[i].to_bits())
            );
            bits.extend(once.map(f32::to_bits));
        };
        let [a, b, c] = [0, 8, 16].map(|start| V::load(&numbers[start..]));
        put(a.fma(b, c));
        put(a.add(b));
        put(a.relu());
        put(V::splat(numbers[3]));
        put(V::load(&numbers[..3]));
        for invalid in [0, 0x7FFF_FFFF] {
            let mut largest = b;
            put(a.given_out(invalid, &mut largest));
            put(V::load(&[0.0; 8]).given_out(invalid, &mut largest));
            put(largest);
        }
        let mut ranges = [Range::linear(-1.0, 0.75); 7];
        ranges[2] = Range::logarithmic(0.5, 1.5, [0.5_f32.ln(), 1.5_f32.ln()]);
        ranges[3] = Range::logarithmic(1e-38, 1e38, [1e-38_f32.ln(), 1e38_f32.ln()]);
        ranges[4] = Range::linear(-f32::MAX, -f32::MAX / 2.0);
        for ranges in [&ranges[..], &ranges[4..]] {
            let x = array::from_fn(|lane| numbers[8 + lane]);
            let guarded = V::guarded(&Ranges::new(ranges), x);
            put(V::load(&guarded.values));
            let found = [
                guarded.non_finite,
                guarded.outside,
                guarded.worst,
                guarded.worst_is,
            ];
            put(V::load(
                &[found, found]
                    .as_flattened()
                    .iter()
                    .map(|&bits| f32::from_bits(bits))
                    .collect::<Vec<_>>(),
            ));
        }
        // SAFETY: the last number that is read is number 5 + 7 * 9 + 7.
        unsafe {
            put(V::splat_at(numbers, 70));
            put(V::load_at(numbers, 67));
            put(V::gather_at(numbers, 2, 9));
            V::transposed_at(numbers, 5, 9)
                .into_iter()
                .for_each(&mut put);
        }
    }
}

#[test]
fn every_operation_of_avx2_has_the_bits_of_plain_arrays() {
    if !(std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma")) {
        return;
    }
    const ODD: [f32; 8] = [
        0.0,
        -0.0,
        1e-45,
        -1e-40,
        f32::MAX,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
    ];
    for seed in 0..500 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let numbers: Vec<f32> = (0..76)
            .map(|_| match random.random_range(0..24) {
                odd @ 0..8 => ODD[odd],
                _ => random.random_range(-2.0..2.0),
            })
            .collect();
        // A NaN that comes out of arithmetic may have either sign: results are given out by `given_out`.
        let canonical = |bits: Vec<u32>| -> Vec<u32> {
            let number = |bits: u32| {
                if f32::from_bits(bits).is_nan() {
                    0x7FC0_0000
                } else {
                    bits
                }
            };
            bits.into_iter().map(number).collect()
        };
        let (mut vector, mut plain) = (Vec::new(), Vec::new());
        let numbers = &numbers[..];
        Avx2::apart(Everything {
            numbers,
            bits: &mut vector,
        });
        Portable::<8>::apart(Everything {
            numbers,
            bits: &mut plain,
        });
        assert_eq!(vector.len(), plain.len());
        let (vector, plain) = (canonical(vector), canonical(plain));
        for (place, (vector, plain)) in vector.iter().zip(&plain).enumerate() {
            assert_eq!(vector, plain, "seed {seed}, number {place}");
        }
    }
}
