//! Every operation of [`Avx2`](super::avx2::Avx2) and [`Avx512`](super::avx512::Avx512) has the
//! bits of the plain arrays.
#![cfg(target_arch = "x86_64")]

use super::avx2::Avx2;
use super::avx512::{self, Avx512};
use super::portable::Portable;
use super::{Vector, Work};
use crate::domain::{Range, Ranges};
use core::array;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Applies every operation of a vector to the values, and writes the bits of all results.
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
            // SAFETY: there are eight values from index 1 on.
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
        for (room, count) in [(8, 3), (8, 9), (5, 7), (0, 1)] {
            let mut some = [1.0; 8];
            a.store_some(&mut some[..room], count);
            put(V::load(&some));
        }
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
        // SAFETY: the last value that is read has index 5 + 7 * 9 + 7.
        unsafe {
            put(V::splat_at(numbers, 70));
            put(V::load_at(numbers, 67));
            put(V::gather_at(numbers, 2, 9));
            put(V::gather_at(numbers, 2, 1));
            V::two_columns_at(numbers, 6, 9)
                .into_iter()
                .for_each(&mut put);
            V::four_columns_at(numbers, 3, 9)
                .into_iter()
                .for_each(&mut put);
            V::transposed_at(numbers, 5, 9)
                .into_iter()
                .for_each(&mut put);
        }
        let mut two = [a, b];
        V::interleave(&mut two);
        two.into_iter().for_each(&mut put);
        let mut four = [a, b, c, a.add(c)];
        V::interleave(&mut four);
        four.into_iter().for_each(&mut put);
    }
}

/// The operations of vectors of sixteen.
struct Wide<'a> {
    numbers: &'a [f32],
    bits: &'a mut Vec<u32>,
}

impl Work for Wide<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { numbers, bits } = self;
        let mut put = |vector: V| {
            let (mut once, mut again) = ([0.0; 16], [0.0; 17]);
            vector.store(&mut once);
            // SAFETY: there are sixteen values from index 1 on.
            unsafe { vector.store_at(&mut again, 1) };
            assert_eq!(once.map(f32::to_bits)[..], again.map(f32::to_bits)[1..]);
            bits.extend(once.map(f32::to_bits));
        };
        let [a, b, c] = [0, 16, 32].map(|start| V::load(&numbers[start..]));
        put(a.fma(b, c));
        put(a.add(b));
        put(a.relu());
        put(V::splat(numbers[3]));
        put(V::load(&numbers[..15]));
        for (room, count) in [(16, 0), (16, 10), (16, 17), (5, 7)] {
            let mut some = [1.0; 16];
            a.store_some(&mut some[..room], count);
            put(V::load(&some));
        }
        for invalid in [0, 0x7FFF_FFFF] {
            let mut largest = b;
            put(a.given_out(invalid, &mut largest));
            put(V::load(&[0.0; 16]).given_out(invalid, &mut largest));
            put(largest);
        }
        // SAFETY: the last value that is read has index 75.
        unsafe {
            put(V::splat_at(numbers, 75));
            put(V::load_at(numbers, 60));
            put(V::gather_at(numbers, 0, 5));
            V::transposed_at(numbers, 0, 3)
                .into_iter()
                .for_each(&mut put);
        }
    }
}

/// Test values, many of them special.
fn numbers(seed: u64) -> Vec<f32> {
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
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let number = |_| match random.random_range(0..24) {
        odd @ 0..8 => ODD[odd],
        _ => random.random_range(-2.0..2.0),
    };
    (0..76).map(number).collect()
}

/// Compares bits. A NaN that comes out of arithmetic may have either sign: `given_out` fixes it in
/// results.
fn assert_alike(seed: u64, vector: &[u32], plain: &[u32]) {
    assert_eq!(vector.len(), plain.len());
    for (place, (&vector, &plain)) in vector.iter().zip(plain).enumerate() {
        let both = [vector, plain].map(f32::from_bits);
        assert!(
            vector == plain || both.iter().all(|number| number.is_nan()),
            "seed {seed}, number {place}: {both:?}"
        );
    }
}

#[test]
fn every_operation_of_avx2_has_the_bits_of_plain_arrays() {
    if !(std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma")) {
        return;
    }
    for seed in 0..500 {
        let numbers = &numbers(seed)[..];
        let (mut vector, mut plain) = (Vec::new(), Vec::new());
        Avx2::apart(Everything {
            numbers,
            bits: &mut vector,
        });
        Portable::<8>::apart(Everything {
            numbers,
            bits: &mut plain,
        });
        assert_alike(seed, &vector, &plain);
    }
}

#[test]
fn every_operation_of_avx512_has_the_bits_of_plain_arrays() {
    if !avx512::is_there() {
        return;
    }
    for seed in 0..500 {
        let numbers = &numbers(seed)[..];
        let (mut vector, mut plain) = (Vec::new(), Vec::new());
        Avx512::apart(Wide {
            numbers,
            bits: &mut vector,
        });
        Portable::<16>::apart(Wide {
            numbers,
            bits: &mut plain,
        });
        assert_alike(seed, &vector, &plain);
    }
}
