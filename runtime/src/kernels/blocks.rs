//! Blocks: weights packed so that a tile reads them in one stream, `[block][tap][inputs][lanes]`.

/// The lanes of a full block.
pub const FULL: usize = 16;

/// Returns the lanes of the block that begins at output `first` of `outputs`.
///
/// A power of two of at most [`FULL`]. It exceeds the number of remaining outputs only where
/// padding is at most an eighth of all outputs. Padded lanes hold zeros.
#[must_use]
pub const fn block_lanes(outputs: usize, first: usize) -> usize {
    let remaining = outputs.saturating_sub(first);
    if remaining >= FULL {
        return FULL;
    }
    // The remaining outputs, at most fifteen.
    let above = remaining.next_power_of_two();
    if above.wrapping_sub(remaining).wrapping_mul(8) <= outputs {
        above
    } else {
        above / 2
    }
}

/// Returns the lanes of all blocks together: the length of one row of packed weights.
#[must_use]
pub const fn all_lanes(outputs: usize) -> usize {
    let (mut first, mut lanes) = (0, 0);
    while first < outputs {
        lanes += block_lanes(outputs, first);
        first += block_lanes(outputs, first);
    }
    lanes
}
