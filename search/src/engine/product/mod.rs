//! Products of small matrices, and transposes of blocks: the work of a training step.
//!
//! One loop serves the forward pass, the gradient of a layer's inputs and that of its weights:
//!
//! ```text
//! target[m][n] = start + sum_k left[m, k] right[k][n],   n in panels of sixteen columns
//! ```
//!
//! The left matrix is read one number at a time, by strides; the right one a row of sixteen
//! numbers at a time. A tile of rows by columns stays in registers for a whole sum, whose terms
//! are added in the order of `k`: the forms with a fused multiply-add give the same bits.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
#[cfg(test)]
mod tests;
mod tile;

use tile::Tiles;
pub(super) use tile::{LANES, Left, Right, Sizes, Start, Target};

/// Bytes of right matrix that may pass through the first-level cache for each tile of rows.
const NEAR: usize = 24 << 10;

/// The instructions that the products use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instructions {
    /// Vectors of sixteen floats: x86-64 with AVX-512.
    Avx512,
    /// Vectors of eight floats: x86-64 with AVX2 and FMA.
    Avx2,
    /// Plain arrays, for every processor.
    Portable,
}

impl Instructions {
    /// Returns the instructions that this processor has, the fastest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let narrow = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if narrow && is_x86_feature_detected!("avx512f") {
                found.push(Self::Avx512);
            }
            if narrow {
                found.push(Self::Avx2);
            }
        }
        found.push(Self::Portable);
        found
    }
}

/// Writes a product to its target.
///
/// # Panics
/// If a matrix does not have its numbers, or the processor lacks the instructions.
pub(super) fn multiply(
    instructions: Instructions,
    sizes: Sizes,
    left: Left<'_>,
    right: Right<'_>,
    start: Start<'_>,
    target: Target<'_>,
) {
    let Sizes {
        rows,
        inner,
        columns,
    } = sizes;
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(columns.is_multiple_of(8), "columns come in eights");
    assert!(left.row == 1 || left.step == 1, "one stride is 1");
    let panels = columns.div_ceil(LANES);
    if let Some(last) = inner.checked_sub(1) {
        let (block, rest) = (last / LANES, last % LANES);
        let whole = (block.max(1) - 1) * left.block + last.min(LANES - 1) * left.step;
        let term = whole.max(block * left.block + rest * left.step);
        let largest = (rows - 1) * left.row + term;
        assert!(largest < left.data.len(), "the left matrix is too small");
        let largest = (panels - 1) * right.panel + inner * LANES;
        assert!(largest <= right.data.len(), "the right matrix is too small");
    }
    let width = columns - (panels - 1) * LANES;
    let end = (rows - 1) * target.row + (panels - 1) * target.panel + width;
    assert!(end <= target.data.len(), "the target is too small");
    if panels > 1 {
        let full = (rows - 1) * target.row + (panels - 2) * target.panel + LANES;
        assert!(full <= target.data.len(), "the target is too small");
    }
    if let Start::Rows(starts) = start {
        assert!(starts.len() >= rows, "each row has a start");
    }
    let tiles = Tiles {
        sizes,
        left,
        right,
        start,
        panels_outside: inner * panels * LANES * size_of::<f32>() > NEAR,
    };
    match instructions {
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 => avx512::multiply(&tiles, target),
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => avx2::multiply(&tiles, target),
        _ => portable::multiply(&tiles, target),
    }
}

/// Transposes a block of sixteen by sixteen numbers:
/// `target[j * target_row + i] = source[i * source_row + j]`.
///
/// # Panics
/// If a block leaves its numbers, or the processor lacks the instructions.
pub(super) fn turn(
    instructions: Instructions,
    source: &[f32],
    source_row: usize,
    target: &mut [f32],
    target_row: usize,
) {
    let end = |row: usize| (LANES - 1) * row + LANES;
    assert!(
        end(source_row) <= source.len(),
        "the block leaves its source"
    );
    assert!(
        end(target_row) <= target.len(),
        "the block leaves its target"
    );
    match instructions {
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 | Instructions::Avx2 => {
            avx2::turn(source, source_row, target, target_row);
        }
        _ => portable::turn(source, source_row, target, target_row),
    }
}
