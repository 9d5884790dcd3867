//! Dual numbers: a value with its derivative. Any operation defined over a [`Real`] can be
//! differentiated with them.
//!
//! `(a + a' e) (b + b' e) = a b + (a' b + a b') e` with `e e = 0`, and likewise for every function:
//! forward-mode automatic differentiation (Wengert, "A simple automatic derivative evaluation
//! program", 1964).

use super::Real;
use std::cmp::Ordering;

/// A double-precision value and its derivative with respect to one variable.
///
/// Comparisons use the value alone, so that a piecewise operation has the derivative of the piece
/// that is taken: a ReLU has that of zero at zero, a clip that of the value at a bound.
#[derive(Clone, Copy, Debug)]
pub struct Dual {
    /// The value.
    pub value: f64,
    /// Its derivative.
    pub slope: f64,
}

impl Dual {
    /// The value of a function of this number, with its derivative by the chain rule.
    fn of(self, value: f64, derivative: f64) -> Self {
        Self {
            value,
            slope: derivative * self.slope,
        }
    }
}

impl PartialEq for Dual {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl PartialOrd for Dual {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl Real for Dual {
    fn from_f32(x: f32) -> Self {
        Self {
            value: x.into(),
            slope: 0.0,
        }
    }
    fn to_f32(self) -> f32 {
        self.value as f32
    }
    fn add(self, b: Self) -> Self {
        Self {
            value: self.value + b.value,
            slope: self.slope + b.slope,
        }
    }
    fn sub(self, b: Self) -> Self {
        Self {
            value: self.value - b.value,
            slope: self.slope - b.slope,
        }
    }
    fn mul(self, b: Self) -> Self {
        Self {
            value: self.value * b.value,
            slope: self.slope * b.value + self.value * b.slope,
        }
    }
    fn div(self, b: Self) -> Self {
        let value = self.value / b.value;
        Self {
            value,
            slope: (self.slope - value * b.slope) / b.value,
        }
    }
    fn fma(self, b: Self, c: Self) -> Self {
        Self {
            value: self.value.mul_add(b.value, c.value),
            slope: self.slope.mul_add(b.value, self.value * b.slope) + c.slope,
        }
    }
    fn sqrt(self) -> Self {
        let root = self.value.sqrt();
        self.of(root, 0.5 / root)
    }
    fn abs(self) -> Self {
        self.of(self.value.abs(), self.value.signum())
    }
    fn hypot(self, b: Self) -> Self {
        let value = self.value.hypot(b.value);
        Self {
            value,
            slope: (self.value * self.slope + b.value * b.slope) / value,
        }
    }
    fn exp(self) -> Self {
        let value = self.value.exp();
        self.of(value, value)
    }
    fn ln(self) -> Self {
        self.of(self.value.ln(), self.value.recip())
    }
    fn tanh(self) -> Self {
        let value = self.value.tanh();
        self.of(value, 1.0 - value * value)
    }
    fn sinh(self) -> Self {
        self.of(self.value.sinh(), self.value.cosh())
    }
    fn sin(self) -> Self {
        self.of(self.value.sin(), self.value.cos())
    }
    fn silu(self) -> Self {
        let sigmoid = 1.0 / (1.0 + (-self.value).exp());
        let derivative = sigmoid * (1.0 + self.value * (1.0 - sigmoid));
        self.of(self.value * sigmoid, derivative)
    }
    fn is_finite(self) -> bool {
        self.value.is_finite()
    }
    fn nan() -> Self {
        Self {
            value: f64::NAN,
            slope: f64::NAN,
        }
    }
}
