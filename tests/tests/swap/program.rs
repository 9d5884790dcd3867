//! Swaps numbers in at run time: for each emulator those of `NAME.bin`, with the results at the rows of `NAME.rows` to
//! `NAME.out`; then every way in which an image can be wrong. Ends with a panic where something is not as it has to be.

use dense_runtime::image::{self, ImageError};
use dense_runtime::predict::{Predict, SelfTestFailure};
use dense_runtime::self_test::crc32;
use std::fs;
use std::path::PathBuf;

mod emulators;

/// Bytes that begin at a multiple of 64.
struct Memory(Vec<Line>);

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

impl Memory {
    /// These bytes, so far from a multiple of 64.
    fn new(bytes: &[u8], offset: usize) -> Self {
        let mut memory = Self(vec![Line([0; 64]); bytes.len().div_ceil(64) + 1]);
        let places = memory.bytes_mut()[offset..].iter_mut();
        places.zip(bytes).for_each(|(place, &byte)| *place = byte);
        memory
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: lines are bytes.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), 64 * self.0.len()) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: lines are bytes.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), 64 * self.0.len()) }
    }
}

/// The bits of an image that are flipped: all of a small one, else so many that a generator draws.
fn flipped(bits: usize, count: usize) -> Vec<usize> {
    if count == 0 {
        return (0..bits).collect();
    }
    let mut state = 11_u64;
    let mut draw = || {
        // Knuth's generator, MMIX; of its bits the upper ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 24) as usize % bits
    };
    (0..count).map(|_| draw()).collect()
}

/// The images of the other emulators.
fn others(name: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(".").unwrap().map(|entry| entry.unwrap().path());
    let own = format!("{name}.bin");
    let image = |path: &PathBuf| path.extension().is_some_and(|end| end == "bin") && !path.ends_with(&own);
    files.filter(image).collect()
}

macro_rules! call {
    ($name:ident) => {{
        use emulators::$name::model::{Emulator, INPUTS, OUTPUTS, Weights};
        let name = stringify!($name);
        let file = fs::read(format!("{name}.bin")).unwrap();
        assert_eq!(file.len(), Weights::IMAGE_BYTES);

        let mut memory = Memory::new(&file, 0);
        let mut workspace = Emulator::WORKSPACE;
        let weights = Weights::from_image(memory.bytes()).unwrap();
        assert_eq!((&raw const *weights).cast(), memory.bytes().as_ptr(), "read where it lies");
        weights.self_test(&mut workspace).unwrap();
        let rows = fs::read(format!("{name}.rows")).unwrap();
        let rows: Vec<_> = rows.as_chunks().0.iter().map(|&word| f32::from_le_bytes(word)).collect();
        let (mut mean, mut std) = ([0.0; OUTPUTS], [0.0; OUTPUTS]);
        let mut out = Vec::new();
        for x in rows.as_chunks::<INPUTS>().0 {
            weights.predict(&mut workspace, x, &mut mean, &mut std);
            out.extend(mean.iter().chain(&std).flat_map(|value| value.to_le_bytes()));
        }
        fs::write(format!("{name}.out"), out).unwrap();
        // Nothing of it is left behind.
        Emulator.self_test(&mut workspace).unwrap();
        Weights::BUILT_IN.self_test(&mut workspace).unwrap();

        let refused = |memory: &Memory, from, to| Weights::from_image(&memory.bytes()[from..to]).unwrap_err();
        for length in [0, 1, 63, file.len() - 64, file.len() - 1] {
            assert_eq!(refused(&memory, 0, length), ImageError::Length);
        }
        for offset in [1, 2, 3] {
            let moved = Memory::new(&file, offset);
            assert_eq!(refused(&moved, offset, offset + file.len()), ImageError::Alignment);
        }
        for other in others(name) {
            let mut bytes = fs::read(&other).unwrap();
            bytes.resize(bytes.len().max(file.len()), 0);
            let memory = Memory::new(&bytes, 0);
            assert_eq!(refused(&memory, 0, bytes.len()), ImageError::Structure, "{other:?}");
        }

        // The self-test by itself, as of numbers that were built in.
        let count = match name {
            "tiny" => 0,
            "thomson" => 10_000,
            _ => 200,
        };
        for bit in flipped(8 * file.len(), count) {
            memory.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
            // SAFETY: as many bytes as there were, aligned; any bits are numbers.
            let damaged = unsafe { &*memory.bytes().as_ptr().cast::<Weights>() };
            let failure = damaged.self_test(&mut workspace).unwrap_err();
            assert_eq!(failure, SelfTestFailure::Checksum, "bit {bit}");
            let in_structure = bit / 32 == file.len() / 4 - 2;
            let expected = if in_structure { ImageError::Structure } else { ImageError::Checksum };
            assert_eq!(refused(&memory, 0, file.len()), expected, "bit {bit}");
            memory.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
        }
        match count {
            0 => println!("{name}: all bits flipped"),
            count => println!("{name}: {count} bits flipped"),
        }

        // Golden results that are another's, with a checksum that is right: what computes other bits looks like that.
        let mut words = image::words(Weights::from_image(memory.bytes()).unwrap()).to_vec();
        let (body, [structure, checksum]) = words.split_last_chunk_mut::<2>().unwrap();
        let golden = std::mem::offset_of!(Weights, golden_mean_fused) / 4;
        body[golden] ^= 1;
        *checksum = crc32(0, body.iter().copied().chain([*structure]));
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let changed = Memory::new(&bytes, 0);
        let changed = Weights::from_image(changed.bytes()).unwrap();
        assert_eq!(changed.self_test(&mut workspace), Err(SelfTestFailure::Golden(0)));
    }};
}

fn main() {
    emulators::each!(call);
}
