//! Safe matrix products of views on slices with the crate `gemm`: all bounds are checked
//! beforehand.
//!
//! Each product runs on one thread; the caller parallelises. A sum over more than [`BLOCK`]
//! products is split into blocks of that length, added in order, so that its bits do not depend on
//! the cache sizes of the processor.

use super::real::Real;

/// Number of products in a block of a sum; `gemm` does not split sums of this length.
const BLOCK: usize = 512;

/// How a product is combined with the contents of its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    /// The product overwrites the target.
    Replace,
    /// The product is added to the target.
    Add,
}

/// A matrix view of a slice; its rows may overlap, like the windows of a convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a, T> {
    data: &'a [T],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a, T> View<'a, T> {
    /// Returns the view of `rows` rows of `columns` consecutive values, with rows `row_stride`
    /// apart.
    ///
    /// # Panics
    /// If part of the view lies outside `data`.
    pub(super) fn new(data: &'a [T], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(
            rows == 0 || columns == 0 || (rows - 1) * row_stride + columns <= data.len(),
            "a view of {rows} rows of {columns} every {row_stride} leaves its {} numbers",
            data.len()
        );
        Self {
            data,
            rows,
            columns,
            row_stride,
            column_stride: 1,
        }
    }

    /// Returns the transposed view.
    pub(super) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// Writes `left right` into `target` (row-major, without gaps), or adds it there.
///
/// # Panics
/// If the shapes do not match.
pub(super) fn multiply<T: Real>(
    target: &mut [T],
    write: Write,
    left: View<'_, T>,
    right: View<'_, T>,
) {
    let (rows, inner, columns) = (left.rows, left.columns, right.columns);
    assert_eq!(
        inner, right.rows,
        "the columns of the left are the rows of the right"
    );
    assert_eq!(
        target.len(),
        rows * columns,
        "the target has the product's shape"
    );
    if inner == 0 && write == Write::Replace {
        target.fill(T::default());
    }
    for start in (0..inner).step_by(BLOCK) {
        let read_target = write == Write::Add || start > 0;
        let length = BLOCK.min(inner - start);
        let left_start = start * left.column_stride;
        let right_start = start * right.row_stride;
        #[expect(unsafe_code, reason = "gemm takes pointers and strides")]
        // SAFETY: `target` holds rows * columns values. The views were checked when they were
        // created, and indices `start` to `start + length` of the inner dimension lie inside both.
        // Nothing else refers to `target`.
        unsafe {
            gemm::gemm(
                rows,
                columns,
                length,
                target.as_mut_ptr(),
                1,
                columns as isize,
                read_target,
                left.data.as_ptr().add(left_start),
                left.column_stride as isize,
                left.row_stride as isize,
                right.data.as_ptr().add(right_start),
                right.column_stride as isize,
                right.row_stride as isize,
                T::from_f64(1.0),
                T::from_f64(1.0),
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::stream;
    use rand::Rng;

    /// Rounding error of sums of fewer than 2,000 products of values below 1 in f64.
    const ROUNDING: f64 = 1e-11;

    #[test]
    fn products_equal_plain_loops_for_every_form() {
        let mut random = stream(1, "products");
        for case in 0..200 {
            let [rows, columns] = [0; 2].map(|_| random.random_range(1..40));
            let inner = random.random_range(1..if case % 10 == 0 { 1500 } else { 80 });
            let (left_gap, right_gap) = (random.random_range(0..3), random.random_range(0..3));
            let mut numbers = |count: usize| -> Vec<f64> {
                (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
            };
            let (turn_left, turn_right) = (case % 2 == 0, case % 3 == 0);
            let form = |turned: bool, rows, columns| {
                if turned {
                    (columns, rows)
                } else {
                    (rows, columns)
                }
            };
            let (left_rows, left_columns) = form(turn_left, rows, inner);
            let (right_rows, right_columns) = form(turn_right, inner, columns);
            let left = numbers(left_rows * (left_columns + left_gap));
            let right = numbers(right_rows * (right_columns + right_gap));
            let before = numbers(rows * columns);
            let at = |data: &[f64], turned: bool, stride: usize, row: usize, column: usize| {
                if turned {
                    data[column * stride + row]
                } else {
                    data[row * stride + column]
                }
            };
            let mut left_view = View::new(&left, left_rows, left_columns, left_columns + left_gap);
            let mut right_view =
                View::new(&right, right_rows, right_columns, right_columns + right_gap);
            if turn_left {
                left_view = left_view.transposed();
            }
            if turn_right {
                right_view = right_view.transposed();
            }
            for write in [Write::Replace, Write::Add] {
                let mut target = before.clone();
                multiply(&mut target, write, left_view, right_view);
                for (place, actual) in target.iter().enumerate() {
                    let (row, column) = (place / columns, place % columns);
                    let mut sum = if write == Write::Add {
                        before[place]
                    } else {
                        0.0
                    };
                    for k in 0..inner {
                        sum += at(&left, turn_left, left_columns + left_gap, row, k)
                            * at(&right, turn_right, right_columns + right_gap, k, column);
                    }
                    assert!(
                        (sum - actual).abs() < ROUNDING,
                        "case {case}: {sum} != {actual}"
                    );
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "leaves its")]
    fn a_view_beyond_its_slice_is_refused() {
        View::new(&[0.0; 11], 3, 4, 4);
    }
}
