//! Covariances of two inputs, with a length scale for each input.
//!
//! ```text
//! r^2 = sum_d z_d^2,    z_d = (x_d - x'_d) / l_d
//!
//! Matern 5/2:  k = (1 + s + s^2 / 3) exp(-s),    s = sqrt(5) r
//!              dk / d log l_d = 5/3 (1 + s) exp(-s) z_d^2
//! Gaussian:    k = exp(-r^2 / 2)
//!              dk / d log l_d = k z_d^2
//! ```
//!
//! Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006), section 4.2.1.

/// A family of covariances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernel {
    /// Matérn with smoothness 5/2: functions are twice differentiable.
    Matern,
    /// Squared exponential: functions are infinitely differentiable.
    Gaussian,
}

impl Kernel {
    /// All families.
    pub(super) const ALL: [Self; 2] = [Self::Matern, Self::Gaussian];

    /// Returns the covariance for a squared scaled distance.
    pub(super) fn covariance(self, square: f64) -> f64 {
        match self {
            Self::Matern => {
                let s = (5.0 * square).sqrt();
                (1.0 + s * (1.0 + s / 3.0)) * (-s).exp()
            }
            Self::Gaussian => (-0.5 * square).exp(),
        }
    }

    /// Returns the covariance and its slope factor: the derivative along the logarithm of an
    /// input's length scale is this factor times the scaled squared difference in that input.
    pub(super) fn covariance_and_slope(self, square: f64) -> (f64, f64) {
        match self {
            Self::Matern => {
                let s = (5.0 * square).sqrt();
                let fall = (-s).exp();
                (
                    (1.0 + s * (1.0 + s / 3.0)) * fall,
                    5.0 / 3.0 * (1.0 + s) * fall,
                )
            }
            Self::Gaussian => {
                let k = (-0.5 * square).exp();
                (k, k)
            }
        }
    }
}
