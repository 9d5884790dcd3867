//! Swaps weights in at run time: for each emulator those of `NAME.bin`, if there is such a file,
//! with the results at the rows of `NAME.rows` written to `NAME.out`; then every kind of invalid
//! image.

use crate::bits::numbers;
use crate::calls::Frozen;
use dense_runtime::image::ImageError;
use dense_runtime::predict::SelfTestFailure;
use dense_runtime::self_test::crc32;
use std::fs;
use std::path::{Path, PathBuf};

pub fn run(emulators: &mut [Box<dyn Frozen>], folder: &Path) {
    for emulator in emulators {
        let name = emulator.name();
        let Ok(image) = fs::read(folder.join(format!("{name}.bin"))) else {
            continue;
        };
        let rows = fs::read(folder.join(format!("{name}.rows"))).unwrap();
        let out = swapped(&mut **emulator, &image, &numbers(&rows));
        fs::write(folder.join(format!("{name}.out")), out).unwrap();
        let said = identity(&mut **emulator, &image);
        fs::write(folder.join(format!("{name}.said")), said).unwrap();
        refuses_what_is_no_image(&mut **emulator, &image, &others(folder, name));
        let flips = flips_are_seen(&mut **emulator, &image);
        sees_other_golden_results(&mut **emulator, &image);
        println!("{name}: {flips} bits flipped");
    }
}

/// Bytes that begin at a multiple of 64.
struct Memory(Vec<Line>);

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

impl Memory {
    /// These bytes, at this distance from a multiple of 64.
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

/// The bits of an image that are flipped: all of a small one, else this many random ones.
fn flipped(bits: usize, count: usize) -> Vec<usize> {
    if count == 0 {
        return (0..bits).collect();
    }
    let mut state = 11_u64;
    let mut draw = || {
        // Knuth's generator, MMIX; uses the upper bits.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 24) as usize % bits
    };
    (0..count).map(|_| draw()).collect()
}

/// The images of the other emulators.
fn others(folder: &Path, name: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let own = format!("{name}.bin");
    let image =
        |path: &PathBuf| path.extension().is_some_and(|end| end == "bin") && !path.ends_with(&own);
    files.filter(image).collect()
}

/// Means and deviations at all rows with the weights of the image, after which the built-in ones
/// are in use again.
fn swapped(emulator: &mut dyn Frozen, image: &[u8], rows: &[f32]) -> Vec<u8> {
    assert_eq!(image.len(), emulator.image_bytes());
    let memory = Memory::new(image, 0);
    assert!(emulator.reads_in_place(memory.bytes()));
    emulator.self_test_of(Some(memory.bytes())).unwrap();
    let (mut mean, mut std) = (vec![0.0; emulator.outputs()], vec![0.0; emulator.outputs()]);
    let mut out = Vec::new();
    for x in rows.chunks_exact(emulator.limits().0.len()) {
        emulator
            .predict_from_image(memory.bytes(), x, &mut mean, &mut std)
            .unwrap();
        out.extend(
            mean.iter()
                .chain(&std)
                .flat_map(|value| value.to_le_bytes()),
        );
    }
    emulator.self_test().unwrap();
    emulator.self_test_of(None).unwrap();
    out
}

/// The identity of an image's weights, as bytes: structure, checksum, version, hash of the data,
/// trained box.
fn identity(emulator: &mut dyn Frozen, image: &[u8]) -> Vec<u8> {
    let memory = Memory::new(image, 0);
    let (said, limits) = emulator.identity(Some(memory.bytes()));
    let (built_in, its_limits) = emulator.identity(None);
    assert_eq!(said.structure, built_in.structure);
    assert_ne!(said.checksum, built_in.checksum);
    assert_ne!((said.data, &limits), (built_in.data, &its_limits));
    let words = [said.structure, said.checksum].into_iter();
    let words = words.chain(said.version).chain(said.data);
    let words = words.chain(limits.into_iter().map(f32::to_bits));
    words.flat_map(u32::to_le_bytes).collect()
}

/// The reason why the weights of these bytes are rejected.
fn refused(emulator: &mut dyn Frozen, image: &[u8]) -> ImageError {
    let x = vec![0.0; emulator.limits().0.len()];
    let (mut mean, mut std) = (vec![0.0; emulator.outputs()], vec![0.0; emulator.outputs()]);
    emulator
        .predict_from_image(image, &x, &mut mean, &mut std)
        .unwrap_err()
}

fn refuses_what_is_no_image(emulator: &mut dyn Frozen, image: &[u8], others: &[PathBuf]) {
    let memory = Memory::new(image, 0);
    for sizes in [[0, 1], [64, 100], [1000, usize::MAX]] {
        let whole = emulator.checked_in_slices(Some(memory.bytes()), &sizes);
        assert_eq!(whole, Ok(()));
        assert_eq!(emulator.checked_in_slices(None, &sizes), Ok(()));
    }
    for length in [0, 1, 63, image.len() - 64, image.len() - 1] {
        assert_eq!(
            refused(emulator, &memory.bytes()[..length]),
            ImageError::Length
        );
    }
    for offset in [1, 2, 3] {
        let moved = Memory::new(image, offset);
        let moved = &moved.bytes()[offset..offset + image.len()];
        assert_eq!(refused(emulator, moved), ImageError::Alignment);
    }
    for other in others {
        // Also if it is shorter: the whole image of a smaller emulator is not a truncated image.
        let bytes = fs::read(other).unwrap();
        let memory = Memory::new(&bytes, 0);
        assert_eq!(
            refused(emulator, &memory.bytes()[..bytes.len()]),
            ImageError::Structure,
            "{other:?}"
        );
    }
}

/// Flips bits, one at a time: the self-test detects each, as in built-in weights, and so does the
/// check of an image. Returns their number.
fn flips_are_seen(emulator: &mut dyn Frozen, image: &[u8]) -> usize {
    let mut memory = Memory::new(image, 0);
    let count = match emulator.name() {
        "tiny" => 0,
        "thomson" => 10_000,
        _ => 200,
    };
    let bits = flipped(8 * image.len(), count);
    for &bit in &bits {
        memory.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
        // SAFETY: a complete image, aligned, with one bit changed.
        let failure = unsafe { emulator.self_test_of_damaged(memory.bytes()) };
        assert_eq!(failure, Err(SelfTestFailure::Checksum), "bit {bit}");
        let in_structure = bit / 32 == image.len() / 4 - 2;
        let expected = if in_structure {
            ImageError::Structure
        } else {
            ImageError::Checksum
        };
        let damaged = &memory.bytes()[..image.len()];
        assert_eq!(refused(emulator, damaged), expected, "bit {bit}");
        let in_slices = emulator.checked_in_slices(Some(damaged), &[bit % 999, bit % 77]);
        assert_eq!(in_slices, Err(expected), "bit {bit}");
        memory.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
    }
    bits.len()
}

/// Replaces golden results, with a correct checksum: simulates a processor that computes other
/// bits.
fn sees_other_golden_results(emulator: &mut dyn Frozen, image: &[u8]) {
    let (words, _) = image.as_chunks();
    let mut words: Vec<u32> = words.iter().map(|&word| u32::from_le_bytes(word)).collect();
    let (body, [structure, checksum]) = words.split_last_chunk_mut::<2>().unwrap();
    body[emulator.golden_word()] ^= 1;
    *checksum = crc32(0, body.iter().copied().chain([*structure]));
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let changed = Memory::new(&bytes, 0);
    assert_eq!(
        emulator.self_test_of(Some(changed.bytes())),
        Err(SelfTestFailure::Golden(0))
    );
}
