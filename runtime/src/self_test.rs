//! The checksum by which a device verifies an emulator's constants.

/// Bits of the checksum that one table look-up consumes: 4 with the table of 16 entries (64 bytes
/// of flash), 8 with the feature `crc-table-256` (1,024 bytes), which takes half the time.
const BITS: u32 = if cfg!(feature = "crc-table-256") {
    8
} else {
    4
};

/// Size of the checksum's table in bytes of flash.
pub const TABLE_BYTES: usize = 4 << BITS;

/// The remainder of each pattern of `BITS` bits in the division by the polynomial.
static TABLE: [u32; 1 << BITS] = table();

/// Returns the checksum's table; its length is a power of two, at least 2.
#[must_use]
pub const fn table<const ENTRIES: usize>() -> [u32; ENTRIES] {
    let mut table = [0; ENTRIES];
    let mut entry = 0;
    while entry < ENTRIES {
        let mut rest = entry as u32;
        let mut bit = 0;
        while bit < ENTRIES.ilog2() {
            let polynomial = if rest & 1 == 1 { 0xEDB8_8320 } else { 0 };
            rest = rest >> 1 ^ polynomial;
            bit += 1;
        }
        table[entry] = rest;
        entry += 1;
    }
    table
}

/// Continues a CRC-32 (IEEE 802.3, reflected polynomial 0xEDB88320) over words, lowest byte first.
///
/// A checksum starts from `0`. Written here, because a frozen crate has no dependencies.
#[must_use]
pub fn crc32(checksum: u32, words: impl IntoIterator<Item = u32>) -> u32 {
    let mut rest = !checksum;
    for word in words {
        rest ^= word;
        for _ in 0..32 / BITS {
            let entry = (rest & ((1 << BITS) - 1)) as usize;
            rest = TABLE.get(entry).copied().unwrap_or_default() ^ rest >> BITS;
        }
    }
    !rest
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

    /// The division by the polynomial, bit by bit.
    fn bit_by_bit(words: &[u32]) -> u32 {
        let mut rest = !0;
        for word in words {
            rest ^= word;
            for _ in 0..32 {
                let polynomial = if rest & 1 == 1 { 0xEDB8_8320 } else { 0 };
                rest = rest >> 1 ^ polynomial;
            }
        }
        !rest
    }

    #[test]
    fn tables_of_16_and_of_256_entries_give_what_single_bits_give() {
        let mut state = 1_u32;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state
        };
        for length in 0..100 {
            let words: std::vec::Vec<_> = (0..length).map(|_| draw()).collect();
            assert_eq!(crc32(0, words.iter().copied()), bit_by_bit(&words));
            let (small, large) = (table::<16>(), table::<256>());
            let by_entries = |table: &[u32]| {
                let bits = table.len().ilog2();
                words.iter().fold(!0_u32, |rest, word| {
                    (0..32 / bits).fold(rest ^ word, |rest, _| {
                        table[rest as usize % table.len()] ^ rest >> bits
                    })
                })
            };
            assert_eq!(!by_entries(&small), bit_by_bit(&words));
            assert_eq!(!by_entries(&large), bit_by_bit(&words));
        }
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
