//! What kind of thing one output is: a few numbers, a curve, several curves, an image, several images.
//!
//! A file says so in `y_layout`, the user in `--layout`; without either it is guessed from the sizes alone:
//!
//! | array `y` | guess |
//! |---|---|
//! | n, or n x q with q < 32 | scalars |
//! | n x q with q >= 32 | curve |
//! | n x a x b with a, b >= 16 | image |
//! | n x a x b otherwise | curves |
//! | n x a x b x c | images |

use dense_codegen::emulator::Layout;

/// Fewer outputs than this in a row are read as scalars, as many or more as a curve.
const CURVE_FROM: usize = 32;
/// A 3-D array is an image where both of its last sizes are at least this, else several curves.
const IMAGE_FROM: usize = 16;

/// The shape of `y` that a layout asks for, in words.
pub(super) fn expected_shape(layout: Layout) -> &'static str {
    match layout {
        Layout::Scalars => "(n) or (n, q)",
        Layout::Curve => "(n, length)",
        Layout::Curves => "(n, channels, length)",
        Layout::Image => "(n, height, width)",
        Layout::Images => "(n, channels, height, width)",
    }
}

/// Whether an output of this `shape` (without the number of rows) can have a layout.
pub(crate) fn fits(layout: Layout, shape: &[usize]) -> bool {
    match layout {
        Layout::Scalars => shape.len() <= 1,
        Layout::Curve => shape.len() == 1,
        Layout::Curves | Layout::Image => shape.len() == 2,
        Layout::Images => shape.len() == 3,
    }
}

/// The layout that the sizes alone suggest, or `None` for more sizes than any layout has.
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
