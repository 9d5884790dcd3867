//! The checksum by which a device knows that its numbers are those that were frozen.

/// Continues a CRC-32 (IEEE 802.3, reflected polynomial 0xEDB88320) over words, lowest byte first.
///
/// A checksum starts from `0`. Bit by bit: no table in memory. Own code, for a frozen crate carries all that it needs.
#[must_use]
pub fn crc32(checksum: u32, words: impl IntoIterator<Item = u32>) -> u32 {
    !words.into_iter().fold(!checksum, |checksum, word| {
        (0..32).fold(checksum ^ word, |rest, _| {
            let polynomial = if rest & 1 == 1 { 0xEDB8_8320 } else { 0 };
            rest >> 1 ^ polynomial
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(bytes: &[u8]) -> impl Iterator<Item = u32> {
        let (words, _) = bytes.as_chunks::<4>();
        words.iter().map(|&word| u32::from_le_bytes(word))
    }

    #[test]
    fn the_checksum_is_the_standard_one() {
        // Of the ASCII text "12345678", by Python's zlib.crc32.
        assert_eq!(crc32(0, words(b"12345678")), 0x9AE0_DAAF);
        let part = crc32(0, words(b"1234"));
        assert_eq!(crc32(part, words(b"5678")), 0x9AE0_DAAF);
    }

    #[test]
    fn every_flipped_bit_changes_it() {
        let values = [1.5_f32, -2.25, 0.0, 1.0e-40].map(f32::to_bits);
        for index in 0..values.len() {
            for bit in 0..32 {
                let mut damaged = values;
                damaged[index] ^= 1 << bit;
                assert_ne!(crc32(0, damaged), crc32(0, values));
            }
        }
    }
}
