//! All constants of an emulator as one image: weights, calibration, trained box and golden vectors,
//! with the same layout in memory and in a file.
//!
//! An image consists of words of four bytes, little-endian in a file: on a big-endian processor,
//! the bytes of each word are reversed first. The last two words are the structure (a hash of the
//! code that reads the image) and the CRC-32 over all words before it. An image is read in place;
//! nothing is copied.

#![expect(
    unsafe_code,
    reason = "bytes that were received become numbers without a copy"
)]

use crate::self_test::crc32;
use core::fmt;
use core::hint::black_box;
use core::slice;

/// A type that holds an emulator's constants.
///
/// # Safety
/// The type is `repr(C)` and consists of `f32` and `u32` alone (in arrays and structures of that
/// kind), without padding. It has at least two such fields, the last two a structure and a
/// checksum.
pub unsafe trait Image: Sized {
    /// The hash of the code that reads the constants.
    const STRUCTURE: u32;
}

/// Identifies an emulator's constants and their origin: the facts to log beside a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The hash of the code that reads the constants: images of the same structure can replace each
    /// other.
    pub structure: u32,
    /// The CRC-32 over all constants, as stored with them.
    pub checksum: u32,
    /// The version of the program that froze them: major, minor, patch.
    pub version: [u32; 3],
    /// The SHA-256 of the training data, eight hexadecimal digits a word; zeros if it is unknown.
    pub data: [u32; 8],
}

/// Why bytes are not an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageError {
    /// The bytes are fewer than an image has, and are not the whole image of a smaller emulator.
    Length,
    /// The first byte is not aligned as the constants require.
    Alignment,
    /// The image belongs to an emulator of another structure, or to another version of the
    /// generator.
    Structure,
    /// A bit has changed.
    Checksum,
}

impl fmt::Display for ImageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Length => "the image is cut short",
            Self::Alignment => "the image does not begin at a multiple of its alignment",
            Self::Structure => "the image is of an emulator of another structure",
            Self::Checksum => "the image is damaged",
        })
    }
}

impl core::error::Error for ImageError {}

/// Returns the image at the start of the bytes, of which there may be more. Never panics.
///
/// # Errors
/// The first problem found, in the order of [`ImageError`].
pub fn view<I: Image>(bytes: &[u8]) -> Result<&I, ImageError> {
    match placed(bytes) {
        Err(ImageError::Length) if is_another(bytes) => Err(ImageError::Structure),
        Ok(image) if !is_whole(image) => Err(ImageError::Checksum),
        placed => placed,
    }
}

/// Returns the bytes as an image without verifying the checksum.
fn placed<I: Image>(bytes: &[u8]) -> Result<&I, ImageError> {
    let Some(bytes) = bytes.get(..size_of::<I>()) else {
        return Err(ImageError::Length);
    };
    let image = bytes.as_ptr().cast::<I>();
    if !image.is_aligned() {
        return Err(ImageError::Alignment);
    }
    // SAFETY: there are enough bytes, aligned and borrowed for as long; all bit patterns are valid
    // floats and integers.
    let image = unsafe { &*image };
    match words(image) {
        [.., structure, _] if *structure != I::STRUCTURE => Err(ImageError::Structure),
        _ => Ok(image),
    }
}

/// Returns whether bytes that are too few for this image are the whole image of a smaller emulator.
fn is_another(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<4>();
    match words {
        [hashed @ .., checksum] if rest.is_empty() && !hashed.is_empty() => {
            let hashed = hashed.iter().map(|word| u32::from_ne_bytes(*word));
            crc32(0, hashed) == u32::from_ne_bytes(*checksum)
        }
        _ => false,
    }
}

/// Returns whether the checksum matches the words as they are in memory now.
pub fn is_whole<I: Image>(image: &I) -> bool {
    // The compiler may know a static's initial value, which need not be what memory holds now.
    match black_box(words(image)) {
        [hashed @ .., checksum] => crc32(0, hashed.iter().copied()) == *checksum,
        [] => false,
    }
}

/// A check of an image's checksum in slices, for programs that cannot spare the time for all of it
/// at once. Never panics.
///
/// Start with [`Check::start`] on an image, or [`Check::of`] on constants in memory, then call
/// [`Check::step`] until [`Check::finished`] returns the result, that of [`view`] or [`is_whole`].
/// A change during the check is detected in the words not yet read.
#[derive(Debug)]
pub struct Check<'a, I> {
    image: &'a I,
    /// Words read so far, and the checksum over them.
    read: usize,
    checksum: u32,
}

impl<'a, I: Image> Check<'a, I> {
    /// Starts a check of bytes that may be an image: length, alignment and structure are checked
    /// here.
    ///
    /// # Errors
    /// The first problem found. The whole image of a smaller emulator counts as cut short, since
    /// telling the difference takes its checksum.
    pub fn start(bytes: &'a [u8]) -> Result<Self, ImageError> {
        placed(bytes).map(Self::of)
    }

    /// Starts a check of constants in memory.
    #[must_use]
    pub const fn of(image: &'a I) -> Self {
        Self::resume(image, 0, 0)
    }

    /// Resumes a check from the [`Check::state`] of an earlier one: the words read, and the
    /// checksum over them.
    #[must_use]
    pub const fn resume(image: &'a I, read: usize, checksum: u32) -> Self {
        Self {
            image,
            read,
            checksum,
        }
    }

    /// Returns the constants under check, whose checksum may be wrong.
    #[must_use]
    pub const fn image(&self) -> &'a I {
        self.image
    }

    /// Returns the number of words read, and the checksum over them.
    #[must_use]
    pub const fn state(&self) -> (usize, u32) {
        (self.read, self.checksum)
    }

    /// Reads on by this many bytes, rounded down to whole words, at least one word. Does nothing
    /// once the check has finished.
    pub fn step(&mut self, bytes: usize) {
        let hashed = hashed(self.image);
        let count = (bytes / 4).max(1);
        let rest = hashed.get(self.read..).unwrap_or_default();
        let next = rest.get(..count).unwrap_or(rest);
        self.checksum = crc32(self.checksum, black_box(next).iter().copied());
        self.read = self.read.wrapping_add(next.len());
    }

    /// Returns the constants if they are intact, once all are read; `None` before that.
    ///
    /// # Errors
    /// A bit has changed: [`ImageError::Checksum`].
    pub fn finished(&self) -> Option<Result<&'a I, ImageError>> {
        if self.read < hashed(self.image).len() {
            return None;
        }
        match black_box(words(self.image)) {
            [.., checksum] if *checksum == self.checksum => Some(Ok(self.image)),
            _ => Some(Err(ImageError::Checksum)),
        }
    }
}

/// Returns the words that the checksum covers.
fn hashed<I: Image>(image: &I) -> &[u32] {
    match words(image) {
        [hashed @ .., _] => hashed,
        [] => &[],
    }
}

/// Returns all words.
pub fn words<I: Image>(image: &I) -> &[u32] {
    // SAFETY: by the trait's contract the type consists of words of four bytes, which may be read
    // as integers.
    unsafe { slice::from_raw_parts((&raw const *image).cast(), size_of::<I>() / 4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    #[repr(C, align(64))]
    struct Small {
        weights: [f32; 14],
        structure: u32,
        checksum: u32,
    }

    // SAFETY: sixteen words, and 64 bytes.
    unsafe impl Image for Small {
        const STRUCTURE: u32 = 7;
    }

    fn small(structure: u32) -> Small {
        let weights = [0.5; 14];
        let words = weights.map(f32::to_bits).into_iter().chain([structure]);
        Small {
            weights,
            structure,
            checksum: crc32(0, words),
        }
    }

    /// A buffer aligned to 64 bytes, one byte longer than an image.
    #[repr(C, align(64))]
    struct Room([u8; 65]);

    fn room(image: &Small, offset: usize) -> Room {
        let mut room = Room([0; 65]);
        let bytes = words(image).iter().flat_map(|word| word.to_ne_bytes());
        let places = room.0[offset..].iter_mut();
        places.zip(bytes).for_each(|(place, byte)| *place = byte);
        room
    }

    #[test]
    fn a_whole_image_is_read_where_it_lies() {
        let room = room(&small(7), 0);
        let image: &Small = view(&room.0).unwrap();
        assert_eq!((&raw const *image).cast(), room.0.as_ptr());
        assert_eq!((image.weights, image.structure), ([0.5; 14], 7));
        assert_eq!(words(image).last(), Some(&image.checksum));
    }

    #[test]
    fn what_is_short_misaligned_or_of_another_structure_is_refused() {
        let whole = room(&small(7), 0);
        for length in 0..64 {
            let refused = view::<Small>(&whole.0[..length]).unwrap_err();
            assert_eq!(refused, ImageError::Length);
        }
        let moved = room(&small(7), 1);
        let refused = view::<Small>(&moved.0[1..]).unwrap_err();
        assert_eq!(refused, ImageError::Alignment);
        let refused = view::<Small>(&room(&small(8), 0).0).unwrap_err();
        assert_eq!(refused, ImageError::Structure);
    }

    #[test]
    fn the_whole_image_of_a_smaller_emulator_is_of_another_structure() {
        let words = [0x3F80_0000, 9];
        let words = words.into_iter().chain([crc32(0, words)]);
        let mut bytes: Vec<u8> = words.flat_map(u32::to_ne_bytes).collect();
        let refused = view::<Small>(&bytes).unwrap_err();
        assert_eq!(refused, ImageError::Structure);
        bytes[1] ^= 4;
        assert_eq!(view::<Small>(&bytes).unwrap_err(), ImageError::Length);
    }

    /// The result of a check by steps of these sizes in turn, and the number of steps.
    fn by_steps<'a>(
        mut check: Check<'a, Small>,
        sizes: &[usize],
    ) -> (Result<&'a Small, ImageError>, usize) {
        for (steps, &size) in sizes.iter().cycle().enumerate() {
            match check.finished() {
                Some(answer) => return (answer, steps),
                None => check.step(size),
            }
        }
        panic!("there are sizes");
    }

    #[test]
    fn a_check_in_slices_of_any_size_says_what_the_whole_one_says() {
        let mut state = 5_u32;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize
        };
        for round in 0..200 {
            let mut room = room(&small(7), 0);
            if round % 2 == 1 {
                // Not in the structure, which is checked at the start.
                let bit = draw() % (8 * 60);
                let bit = if bit < 8 * 56 { bit } else { bit + 32 };
                room.0[bit / 8] ^= 1 << (bit % 8);
            }
            let sizes: std::vec::Vec<_> = (0..8).map(|_| draw() % 80).collect();
            let start = || Check::start(&room.0).unwrap();
            let (answer, steps) = by_steps(start(), &sizes);
            let whole = view::<Small>(&room.0);
            assert_eq!(answer.map(words), whole.map(words), "{sizes:?}");
            assert_eq!(answer.is_ok(), round % 2 == 0);
            assert!((1..=15).contains(&steps));
            let mut done = start();
            for _ in 0..20 {
                let (read, checksum) = done.state();
                done = Check::resume(done.image, read, checksum);
                done.step(4);
            }
            assert_eq!(done.finished().unwrap().is_ok(), answer.is_ok());
        }
        // Fifteen words before the checksum, at least one a step.
        for (size, steps) in [(0, 15), (7, 15), (8, 8), (60, 1), (usize::MAX, 1)] {
            assert_eq!(by_steps(Check::of(&small(7)), &[size]).1, steps, "{size}");
        }
        let short = Check::<Small>::start(&room(&small(7), 0).0[..63]).unwrap_err();
        assert_eq!(short, ImageError::Length);
        let other = Check::<Small>::start(&room(&small(8), 0).0).unwrap_err();
        assert_eq!(other, ImageError::Structure);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        for bit in 0..8 * 64 {
            let mut room = room(&small(7), 0);
            room.0[bit / 8] ^= 1 << (bit % 8);
            let refused = view::<Small>(&room.0).unwrap_err();
            let expected = match bit / 32 {
                14 => ImageError::Structure,
                _ => ImageError::Checksum,
            };
            assert_eq!(refused, expected, "bit {bit}");
        }
    }
}
