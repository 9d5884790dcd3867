//! Families of covariances and their parameters.
//!
//! Every family is scaled to covariance one at distance zero (the Legendre product: mean one over
//! the box), so that noise is relative to the signal:
//!
//! ```text
//! radial:           k = profile(r^2),    r^2 = sum_d (x_d - x'_d)^2 / l_d^2
//! additive product: k = prod_d (1 + a_d profile((x_d - x'_d)^2 / l_d^2)) / (1 + a_d)
//! Legendre product: k = prod_d (1 + a_d sum_j w_dj (2 j + 1) P_j(u_d) P_j(u'_d)) / (1 + a_d)
//!                   w_dj proportional to rho_d^(2 j), j = 1 to 14, of sum one; u in [-1, 1]
//! ```
//!
//! Sources: Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006), section 4.2.1
//! (profiles); Durrande, Ginsbourger, Roustant and Carraro, "ANOVA kernels and RKHS of zero mean
//! functions for model-based sensitivity analysis", J. Multivariate Anal. 115, 57 (2013): ANOVA kernels
//! (products of one plus a kernel of one input, which sum the interactions of all orders).

use serde::{Deserialize, Serialize};
use std::fmt;

/// Number of Legendre polynomials of an input.
pub(super) const ORDERS: usize = 14;
/// Lower bound of the noise-to-signal ratio, about the rounding of an entry of the covariance.
const LEAST_NOISE: f64 = 1e-15;

/// A family of covariances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Matérn with smoothness 5/2: functions are twice differentiable.
    Matern,
    /// Squared exponential: functions are infinitely differentiable.
    Gaussian,
    /// Rational quadratic: a mixture of squared exponentials of many length scales.
    Rational,
    /// Additive product of Matérn covariances of one input each.
    AdditiveMatern,
    /// Additive product of squared exponentials of one input each.
    AdditiveGaussian,
    /// Additive product of one-dimensional Legendre series over the box of the inputs.
    Legendre,
}

impl Family {
    /// All families.
    pub const ALL: [Self; 6] = [
        Self::Matern,
        Self::Gaussian,
        Self::Rational,
        Self::AdditiveMatern,
        Self::AdditiveGaussian,
        Self::Legendre,
    ];

    /// Returns whether the covariance is a product over inputs.
    pub(super) fn is_product(self) -> bool {
        !matches!(self, Self::Matern | Self::Gaussian | Self::Rational)
    }

    /// Returns whether the profile has an exponent as a parameter.
    pub(super) fn has_exponent(self) -> bool {
        self == Self::Rational
    }
}

impl fmt::Display for Family {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Matern => "Matern 5/2",
            Self::Gaussian => "Gaussian",
            Self::Rational => "rational quadratic",
            Self::AdditiveMatern => "additive Matern 5/2",
            Self::AdditiveGaussian => "additive Gaussian",
            Self::Legendre => "Legendre product",
        })
    }
}

/// A family with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parameters {
    pub(super) family: Family,
    /// One number an input: the logarithm of its length scale, or of rho / (1 - rho). For products
    /// then the logarithm of `a`, again one an input. Then the logarithm of the exponent, if there
    /// is one, and of the noise above the least.
    pub(super) logarithms: Vec<f64>,
    /// Lower bound of the noise-to-signal ratio.
    pub(super) least_noise: f64,
}

impl Parameters {
    /// Returns the parameters from which the search for the likeliest ones starts.
    pub(super) fn start(family: Family, inputs: usize) -> Self {
        let scale = match family {
            Family::Legendre => 0.0,
            _ if family.is_product() => 1.0,
            _ => (0.5 * inputs as f64).ln().max(0.5),
        };
        let mut logarithms = vec![scale; inputs];
        if family.is_product() {
            logarithms.extend(std::iter::repeat_n(0.0, inputs));
        }
        if family.has_exponent() {
            logarithms.push(1.0);
        }
        logarithms.push(1e-4f64.ln());
        Self {
            family,
            logarithms,
            least_noise: LEAST_NOISE,
        }
    }

    /// Returns the number of logarithms of a family for this number of inputs.
    pub(super) fn count(family: Family, inputs: usize) -> usize {
        Self::start(family, inputs).logarithms.len()
    }

    /// Returns the widths of the weak priors on the parameters but the noise, each of centre zero:
    /// they constrain what the data do not, for inputs of unit variance.
    pub(super) fn widths(&self) -> Vec<f64> {
        let inputs = self.inputs();
        let mut widths = vec![5.0; inputs];
        if self.family.is_product() {
            widths.extend(std::iter::repeat_n(3.0, inputs));
        }
        if self.family.has_exponent() {
            widths.push(2.0);
        }
        widths
    }

    pub(super) fn inputs(&self) -> usize {
        let rest = 1 + usize::from(self.family.has_exponent());
        (self.logarithms.len() - rest) / (1 + usize::from(self.family.is_product()))
    }

    pub(super) fn exponent(&self) -> f64 {
        match self.family.has_exponent() {
            true => self.logarithms[self.logarithms.len() - 2].exp(),
            false => 1.0,
        }
    }

    pub(super) fn noise(&self) -> f64 {
        let log = self.logarithms.last().copied().unwrap_or_default();
        self.least_noise + log.exp()
    }
}
