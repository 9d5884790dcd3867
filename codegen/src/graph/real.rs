//! The arithmetic of the reference evaluation: f64 as the exact one, f32 in either deployed order.

/// A float with the operations of graphs.
pub trait Real: Copy + PartialOrd {
    /// Converts a single-precision float, exactly.
    fn from_f32(x: f32) -> Self;
    /// The nearest single-precision float.
    fn to_f32(self) -> f32;
    /// `self + b`, rounded once.
    fn add(self, b: Self) -> Self;
    /// `self - b`, rounded once.
    fn sub(self, b: Self) -> Self;
    /// `self * b`, rounded once.
    fn mul(self, b: Self) -> Self;
    /// `self / b`, rounded once.
    fn div(self, b: Self) -> Self;
    /// `self * b + c` in this arithmetic's order: rounded once, or product and sum separately.
    fn fma(self, b: Self, c: Self) -> Self;
    /// The square root.
    fn sqrt(self) -> Self;
    /// The absolute value.
    fn abs(self) -> Self;
    /// `sqrt(self^2 + b^2)` of values that are not negative. In single precision, in the order of
    /// [`crate::interpreter`].
    fn hypot(self, b: Self) -> Self;
    /// The exponential function.
    fn exp(self) -> Self;
    /// The natural logarithm.
    fn ln(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
    /// The hyperbolic sine.
    fn sinh(self) -> Self;
    /// The sine.
    fn sin(self) -> Self;
    /// `x / (1 + exp(-x))`.
    fn silu(self) -> Self;
    /// Whether the value is neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// The NaN of every output if an input was not finite.
    fn nan() -> Self;
}

impl Real for f64 {
    fn from_f32(x: f32) -> Self {
        x.into()
    }
    fn to_f32(self) -> f32 {
        self as f32
    }
    fn add(self, b: Self) -> Self {
        self + b
    }
    fn sub(self, b: Self) -> Self {
        self - b
    }
    fn mul(self, b: Self) -> Self {
        self * b
    }
    fn div(self, b: Self) -> Self {
        self / b
    }
    fn fma(self, b: Self, c: Self) -> Self {
        self.mul_add(b, c)
    }
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }
    fn abs(self) -> Self {
        f64::abs(self)
    }
    fn hypot(self, b: Self) -> Self {
        f64::hypot(self, b)
    }
    fn exp(self) -> Self {
        f64::exp(self)
    }
    fn ln(self) -> Self {
        f64::ln(self)
    }
    fn tanh(self) -> Self {
        f64::tanh(self)
    }
    fn sinh(self) -> Self {
        f64::sinh(self)
    }
    fn sin(self) -> Self {
        f64::sin(self)
    }
    fn silu(self) -> Self {
        self / (1.0 + (-self).exp())
    }
    fn is_finite(self) -> bool {
        f64::is_finite(self)
    }
    fn nan() -> Self {
        Self::NAN
    }
}
