//! The kind of an output: a few scalars, a curve, several curves, an image, several images.
//!
//! The file gives it in `y_layout`, the user in `--layout`. Without either it is guessed from the
//! shape alone:
//!
//! | array `y` | guess |
//! |---|---|
//! | n, or n x q with q < 32 | scalars |
//! | n x q with q >= 32 | curve |
//! | n x a x b with a, b >= 16 | image |
//! | n x a x b otherwise | curves |
//! | n x a x b x c | images |

use dense_codegen::emulator::Layout;

/// Rows with fewer outputs than this are read as scalars, other rows as a curve.
const CURVE_FROM: usize = 32;
/// A 3-D array is read as an image if both of its last sizes are at least this, else as several
/// curves.
const IMAGE_FROM: usize = 16;

/// The shape of `y` that a layout requires, in words.
pub(super) fn expected_shape(layout: Layout) -> &'static str {
    match layout {
        Layout::Scalars => "(n) or (n, q)",
        Layout::Curve => "(n, length)",
        Layout::Curves => "(n, channels, length)",
        Layout::Image => "(n, height, width)",
        Layout::Images => "(n, channels, height, width)",
    }
}

/// Whether an output of this `shape` (without the row dimension) can have a layout.
pub(crate) fn fits(layout: Layout, shape: &[usize]) -> bool {
    match layout {
        Layout::Scalars => shape.len() <= 1,
        Layout::Curve => shape.len() == 1,
        Layout::Curves | Layout::Image => shape.len() == 2,
        Layout::Images => shape.len() == 3,
    }
}

/// The layout that the shape alone suggests, or `None` if it has more dimensions than any layout.
pub(super) fn guess(shape: &[usize]) -> Option<Layout> {
    match *shape {
        [] => Some(Layout::Scalars),
        [count] if count < CURVE_FROM => Some(Layout::Scalars),
        [_] => Some(Layout::Curve),
        [height, width] if height >= IMAGE_FROM && width >= IMAGE_FROM => Some(Layout::Image),
        [_, _] => Some(Layout::Curves),
        [_, _, _] => Some(Layout::Images),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_the_documented_layouts() {
        let table: [(&[usize], Option<Layout>); 10] = [
            (&[], Some(Layout::Scalars)),
            (&[1], Some(Layout::Scalars)),
            (&[31], Some(Layout::Scalars)),
            (&[32], Some(Layout::Curve)),
            (&[2, 60], Some(Layout::Curves)),
            (&[60, 15], Some(Layout::Curves)),
            (&[16, 16], Some(Layout::Image)),
            (&[65, 65], Some(Layout::Image)),
            (&[4, 64, 64], Some(Layout::Images)),
            (&[4, 4, 4, 4], None),
        ];
        for (shape, expected) in table {
            assert_eq!(guess(shape), expected, "{shape:?}");
            if let Some(layout) = expected {
                assert!(fits(layout, shape), "{shape:?}");
            }
        }
    }
}
