//! Product of two values of the same shape, for gates.

/// Writes `x1 * x2`. One rounding.
///
/// *Shapes*: all three are equal.
#[inline]
pub fn multiply(x1: &[f32], x2: &[f32], y: &mut [f32]) {
    for ((y, &x1), &x2) in y.iter_mut().zip(x1).zip(x2) {
        *y = x1 * x2;
    }
}
