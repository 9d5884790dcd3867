//! An emulator's numbers as one image: weights, calibration, trained box and golden vectors, in memory as in a file.
//!
//! An image is words of four bytes. A file has the lowest byte of each first: on a processor whose highest byte comes first, each
//! four bytes are reversed before. The last two are the structure (a hash of the code that reads the
//! image) and the CRC-32 over all words before it. It is read where it lies; nothing is copied.

#![expect(
    unsafe_code,
    reason = "bytes that were received become numbers without a copy"
)]

use crate::self_test::crc32;
use core::fmt;
use core::hint::black_box;
use core::slice;

/// A type that is an emulator's numbers.
///
/// # Safety
/// The type is `repr(C)`, has fields of `f32` and `u32` alone (in arrays and structures of that kind) without bytes between or
/// behind them, at least two of them, the last two a structure and a checksum.
pub unsafe trait Image: Sized {
    /// The hash of the code that the numbers belong to.
    const STRUCTURE: u32;
}

/// Why bytes are not an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageError {
    /// There are fewer bytes than an image has, and they are not the whole image of a smaller emulator.
    Length,
    /// The first byte does not lie where the numbers have to begin.
    Alignment,
    /// It is of an emulator of another structure, or of another version of the generator.
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

/// Returns the bytes as an image, which they may be longer than. Never panics.
///
/// # Errors
/// What is wrong with them, in the order of [`ImageError`].
pub fn view<I: Image>(bytes: &[u8]) -> Result<&I, ImageError> {
    let Some(bytes) = bytes.get(..size_of::<I>()) else {
        return Err(match is_another(bytes) {
            true => ImageError::Structure,
            false => ImageError::Length,
        });
    };
    let image = bytes.as_ptr().cast::<I>();
    if !image.is_aligned() {
        return Err(ImageError::Alignment);
    }
    // SAFETY: there are enough bytes, aligned and borrowed for as long; any bits are numbers.
    let image = unsafe { &*image };
    match words(image) {
        [.., structure, _] if *structure != I::STRUCTURE => Err(ImageError::Structure),
        _ if !is_whole(image) => Err(ImageError::Checksum),
        _ => Ok(image),
    }
}

/// Returns whether bytes that are too few are the whole image of a smaller emulator.
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

/// Returns whether the checksum is that of the words as they are in memory now.
pub fn is_whole<I: Image>(image: &I) -> bool {
    // What the compiler knows of a static is not what is in memory.
    match black_box(words(image)) {
        [hashed @ .., checksum] => crc32(0, hashed.iter().copied()) == *checksum,
        [] => false,
    }
}

/// Returns all words.
pub fn words<I: Image>(image: &I) -> &[u32] {
    // SAFETY: the trait's promise: words of four bytes alone, which may be read as integers.
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

    /// Room that begins at a multiple of 64, with a byte more than an image has.
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
