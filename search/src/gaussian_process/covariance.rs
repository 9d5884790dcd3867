//! Covariances of one point with many, and the gradients of weighted sums of them.
//!
//! Coordinates lie by input, so that loops over points vectorise. With z_d^2 = (x_d - x'_d)^2 /
//! l_d^2 and s the argument of the profile:
//!
//! ```text
//! Matern 5/2:          k = (1 + t + t^2 / 3) exp(-t), t = sqrt(5 s)
//!                      dk / d log l_d = 5/3 (1 + t) exp(-t) z_d^2
//! Gaussian:            k = exp(-s / 2),               dk / d log l_d = k z_d^2
//! rational quadratic:  k = b^-alpha, b = 1 + s / (2 alpha)
//!                      dk / d log l_d = k / b z_d^2
//!                      dk / d log alpha = k (s / (2 b) - alpha log b)
//! product:             f_d = (1 + a_d k_d) / (1 + a_d)
//!                      df_d / d log a_d = a_d (k_d - 1) / (1 + a_d)^2
//! Legendre:            dw_j / d log(rho / (1 - rho)) = 2 (1 - rho) (j - sum_i i w_i) w_j
//! ```
//!
//! Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006), section 4.2.1.

use super::elementary::{dot, exp, ln};
use super::family::{Family, ORDERS, Parameters};

/// Orders of a series that are summed in one pass.
const STEP: usize = 7;
/// Share of the covariance that is less than rounding.
const ROUNDING: f64 = 1e-15;

/// Points, by input.
#[derive(Debug, Clone)]
pub(super) struct Points {
    count: usize,
    /// Encoded coordinates, `[inputs][count]`.
    x: Vec<f64>,
    /// sqrt(2 j + 1) P_j(u) for j from 1, `[inputs][ORDERS][count]`.
    series: Vec<f64>,
}

/// The box of the inputs, in encoded units.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bounds {
    pub(super) low: Vec<f64>,
    pub(super) high: Vec<f64>,
}

impl Points {
    /// Returns these points, `x: [count][inputs]`; with `bounds`, the Legendre product can be asked
    /// of them. Coordinates beyond the box count as on its border there.
    pub(super) fn new(x: &[f32], inputs: usize, bounds: Option<&Bounds>) -> Self {
        let count = x.len() / inputs;
        let columns: Vec<f64> = (0..inputs)
            .flat_map(|d| x.iter().skip(d).step_by(inputs).map(|&x| f64::from(x)))
            .collect();
        let mut series = Vec::new();
        if let Some(Bounds { low, high }) = bounds {
            series = vec![0.0; inputs * ORDERS * count];
            for d in 0..inputs {
                let series = &mut series[d * ORDERS * count..][..ORDERS * count];
                let width = (high[d] - low[d]).max(f64::MIN_POSITIVE);
                for i in 0..count {
                    let u =
                        (2.0 * (columns[d * count + i] - low[d]) / width - 1.0).clamp(-1.0, 1.0);
                    let (mut before, mut at) = (1.0, u);
                    for j in 1..=ORDERS {
                        let order = j as f64;
                        series[(j - 1) * count + i] = (2.0 * order + 1.0).sqrt() * at;
                        // Bonnet's recursion.
                        let next = ((2.0 * order + 1.0) * u * at - order * before) / (order + 1.0);
                        (before, at) = (at, next);
                    }
                }
            }
        }
        Self {
            count,
            x: columns,
            series,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Returns the encoded coordinates, `[count][inputs]`.
    pub(super) fn encoded(&self) -> Vec<f32> {
        let columns = self.x.len() / self.count.max(1);
        let point = |i| (0..columns).map(move |d| self.x[d * self.count + i] as f32);
        (0..self.count).flat_map(point).collect()
    }

    /// Returns some of the points.
    pub(super) fn part(&self, rows: &[usize]) -> Self {
        let of = |values: &[f64]| -> Vec<f64> {
            let columns = values.chunks_exact(self.count.max(1));
            columns
                .flat_map(|column| rows.iter().map(|&r| column[r]))
                .collect()
        };
        Self {
            count: rows.len(),
            x: of(&self.x),
            series: of(&self.series),
        }
    }
}

/// A function of a squared scaled distance.
trait Profile: Copy {
    /// The value.
    fn value(self, square: f64) -> f64;
    /// The value; the factor of z_d^2 in the derivative along log l_d; the derivative along the
    /// logarithm of the exponent.
    fn slopes(self, square: f64) -> (f64, f64, f64);
}

#[derive(Clone, Copy)]
struct Matern;
#[derive(Clone, Copy)]
struct Gaussian;
#[derive(Clone, Copy)]
struct Rational(f64);

impl Profile for Matern {
    #[inline(always)]
    fn value(self, square: f64) -> f64 {
        let t = (5.0 * square).sqrt();
        (1.0 + t * (1.0 + t * (1.0 / 3.0))) * exp(-t)
    }
    #[inline(always)]
    fn slopes(self, square: f64) -> (f64, f64, f64) {
        let t = (5.0 * square).sqrt();
        let fall = exp(-t);
        let value = (1.0 + t * (1.0 + t * (1.0 / 3.0))) * fall;
        (value, 5.0 / 3.0 * (1.0 + t) * fall, 0.0)
    }
}

impl Profile for Gaussian {
    #[inline(always)]
    fn value(self, square: f64) -> f64 {
        exp(-0.5 * square)
    }
    #[inline(always)]
    fn slopes(self, square: f64) -> (f64, f64, f64) {
        let value = exp(-0.5 * square);
        (value, value, 0.0)
    }
}

impl Profile for Rational {
    #[inline(always)]
    fn value(self, square: f64) -> f64 {
        exp(-self.0 * ln(1.0 + square * (0.5 / self.0)))
    }
    #[inline(always)]
    fn slopes(self, square: f64) -> (f64, f64, f64) {
        let base = 1.0 + square * (0.5 / self.0);
        let log = self.0 * ln(base);
        let value = exp(-log);
        let slope = value / base;
        (value, slope, 0.5 * square * slope - log * value)
    }
}

/// A covariance, ready to be evaluated.
#[derive(Debug, Clone)]
pub(super) struct Covariance {
    family: Family,
    inputs: usize,
    exponent: f64,
    /// 1 / l_d^2.
    inverse_squares: Vec<f64>,
    /// a_d / (1 + a_d), and 1 / (1 + a_d).
    shares: Vec<(f64, f64)>,
    /// w_dj and its derivative.
    series: Vec<[(f64, f64); ORDERS]>,
    /// Number of orders that are above rounding, a multiple of [`STEP`].
    orders: Vec<usize>,
    noise: f64,
}

impl Covariance {
    pub(super) fn new(parameters: &Parameters) -> Self {
        let (family, inputs) = (parameters.family, parameters.inputs());
        let (scales, rest) = parameters.logarithms.split_at(inputs);
        let mut found = Self {
            family,
            inputs,
            exponent: parameters.exponent(),
            inverse_squares: Vec::new(),
            shares: Vec::new(),
            series: Vec::new(),
            orders: Vec::new(),
            noise: parameters.noise(),
        };
        if family.is_product() {
            let shares = rest[..inputs]
                .iter()
                .map(|log| (1.0 / (1.0 + (-log).exp()), 1.0 / (1.0 + log.exp())));
            found.shares = shares.collect();
        }
        match family {
            Family::Legendre => {
                found.series = scales.iter().map(|&log| series(log)).collect();
                found.orders = found.series.iter().map(orders).collect();
            }
            _ => {
                let squares = scales.iter().map(|log| (-2.0 * log).exp());
                found.inverse_squares = squares.collect();
            }
        }
        found
    }

    pub(super) fn noise(&self) -> f64 {
        self.noise
    }

    /// Writes the covariances of the point `q` of `query` with the points from `from` on to `out`,
    /// `[count - from]`.
    pub(super) fn column(
        &self,
        points: &Points,
        from: usize,
        (query, q): (&Points, usize),
        out: &mut [f64],
    ) {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || match self.family {
                Family::Matern => self.radial(Matern, points, from, (query, q), out),
                Family::Gaussian => self.radial(Gaussian, points, from, (query, q), out),
                Family::Rational => {
                    self.radial(Rational(self.exponent), points, from, (query, q), out);
                }
                Family::AdditiveMatern => self.product(Matern, points, from, (query, q), out),
                Family::AdditiveGaussian => self.product(Gaussian, points, from, (query, q), out),
                Family::Legendre => self.legendre(points, from, (query, q), out),
            },
        );
    }

    /// Adds to `gradient` (without the noise) the derivatives of `sum_i weights_i k(x_q, x_i)` over
    /// the points from `q` on; `work` is overwritten.
    pub(super) fn add_gradient(
        &self,
        points: &Points,
        q: usize,
        weights: &[f64],
        work: &mut Vec<f64>,
        gradient: &mut [f64],
    ) {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || match self.family {
                Family::Matern => self.radial_gradient(Matern, points, q, weights, work, gradient),
                Family::Gaussian => {
                    self.radial_gradient(Gaussian, points, q, weights, work, gradient);
                }
                Family::Rational => {
                    let profile = Rational(self.exponent);
                    self.radial_gradient(profile, points, q, weights, work, gradient);
                }
                Family::AdditiveMatern => {
                    self.product_gradient(Matern, points, q, weights, work, gradient);
                }
                Family::AdditiveGaussian => {
                    self.product_gradient(Gaussian, points, q, weights, work, gradient);
                }
                Family::Legendre => self.legendre_gradient(points, q, weights, work, gradient),
            },
        );
    }

    #[inline(always)]
    fn squares(&self, points: &Points, from: usize, (query, q): (&Points, usize), out: &mut [f64]) {
        out.fill(0.0);
        for d in 0..self.inputs {
            let at = query.x[d * query.count + q];
            let scale = self.inverse_squares[d];
            let x = &points.x[d * points.count + from..][..out.len()];
            for (out, x) in out.iter_mut().zip(x) {
                let apart = x - at;
                *out += apart * apart * scale;
            }
        }
    }

    #[inline(always)]
    fn radial(
        &self,
        profile: impl Profile,
        points: &Points,
        from: usize,
        query: (&Points, usize),
        out: &mut [f64],
    ) {
        self.squares(points, from, query, out);
        for out in out.iter_mut() {
            *out = profile.value(*out);
        }
    }

    #[inline(always)]
    fn product(
        &self,
        profile: impl Profile,
        points: &Points,
        from: usize,
        (query, q): (&Points, usize),
        out: &mut [f64],
    ) {
        out.fill(1.0);
        for d in 0..self.inputs {
            let at = query.x[d * query.count + q];
            let scale = self.inverse_squares[d];
            let (share, rest) = self.shares[d];
            let x = &points.x[d * points.count + from..][..out.len()];
            for (out, x) in out.iter_mut().zip(x) {
                let apart = x - at;
                *out *= rest + share * profile.value(apart * apart * scale);
            }
        }
    }

    /// Writes the series of input `d` to `out`.
    #[inline(always)]
    fn one_series(
        &self,
        d: usize,
        points: &Points,
        from: usize,
        (query, q): (&Points, usize),
        out: &mut [f64],
    ) {
        out.fill(0.0);
        for first in (0..self.orders[d]).step_by(STEP) {
            let mut factors = [0.0; STEP];
            let mut series = [&points.series[..0]; STEP];
            for (k, (factor, series)) in factors.iter_mut().zip(&mut series).enumerate() {
                let place = d * ORDERS + first + k;
                *factor = self.series[d][first + k].0 * query.series[place * query.count + q];
                *series = &points.series[place * points.count + from..][..out.len()];
            }
            let [a, b, c, e, f, g, h] = series;
            for (i, out) in out.iter_mut().enumerate() {
                let low = (factors[0] * a[i] + factors[1] * b[i]) + factors[2] * c[i];
                let high = (factors[3] * e[i] + factors[4] * f[i])
                    + (factors[5] * g[i] + factors[6] * h[i]);
                *out += low + high;
            }
        }
    }

    #[inline(always)]
    fn legendre(&self, points: &Points, from: usize, query: (&Points, usize), out: &mut [f64]) {
        /// Points at a time, whose sums stay in the first cache.
        const BLOCK: usize = 256;
        let mut sums = [0.0; BLOCK];
        for (block, out) in out.chunks_mut(BLOCK).enumerate() {
            let sums = &mut sums[..out.len()];
            out.fill(1.0);
            for d in 0..self.inputs {
                let (share, rest) = self.shares[d];
                self.one_series(d, points, from + block * BLOCK, query, sums);
                for (out, sum) in out.iter_mut().zip(sums.iter()) {
                    *out *= rest + share * sum;
                }
            }
        }
    }

    #[inline(always)]
    fn radial_gradient(
        &self,
        profile: impl Profile,
        points: &Points,
        q: usize,
        weights: &[f64],
        work: &mut Vec<f64>,
        gradient: &mut [f64],
    ) {
        let count = weights.len();
        work.resize(2 * count, 0.0);
        let (slopes, exponents) = work.split_at_mut(count);
        self.squares(points, q, (points, q), slopes);
        for ((slope, exponent), weight) in slopes.iter_mut().zip(exponents.iter_mut()).zip(weights)
        {
            let (_, along_scale, along_exponent) = profile.slopes(*slope);
            *slope = along_scale * weight;
            *exponent = along_exponent;
        }
        for (d, gradient) in gradient.iter_mut().enumerate().take(self.inputs) {
            let x = &points.x[d * points.count + q..][..count];
            let at = x[0];
            let mut lanes = [0.0; 8];
            let (x, slopes) = (x.chunks_exact(8), slopes.chunks_exact(8));
            let mut rest = 0.0;
            for (x, slope) in x.remainder().iter().zip(slopes.remainder()) {
                rest += (x - at) * (x - at) * slope;
            }
            for (x, slope) in x.zip(slopes) {
                for k in 0..8 {
                    lanes[k] += (x[k] - at) * (x[k] - at) * slope[k];
                }
            }
            let [a, b, c, d_, e, f, g, h] = lanes;
            let sum = ((a + b) + (c + d_)) + ((e + f) + (g + h)) + rest;
            *gradient += sum * self.inverse_squares[d];
        }
        if self.family.has_exponent() {
            gradient[self.inputs] += dot(exponents, weights);
        }
    }

    /// Replaces the factors, `[inputs][count]`, by the products of all others times the weights;
    /// `row` is overwritten.
    #[inline(always)]
    fn products_of_others(factors: &mut [f64], weights: &[f64], others: &mut [f64]) {
        let count = weights.len();
        // Without division: a factor may be zero.
        others[..count].copy_from_slice(weights);
        let inputs = factors.len() / count;
        for d in 1..inputs {
            let (before, here) = others.split_at_mut(d * count);
            let before = &before[(d - 1) * count..];
            let factor = &factors[(d - 1) * count..][..count];
            for ((here, before), factor) in here[..count].iter_mut().zip(before).zip(factor) {
                *here = before * factor;
            }
        }
        for d in (0..inputs.saturating_sub(1)).rev() {
            // The factors from d + 1 on become their product.
            let (here, after) = factors.split_at_mut((d + 1) * count);
            let after = &after[..count];
            let here = &mut here[d * count..];
            for ((other, here), after) in
                others[d * count..][..count].iter_mut().zip(here).zip(after)
            {
                *other *= after;
                *here *= after;
            }
        }
    }

    #[inline(always)]
    fn product_gradient(
        &self,
        profile: impl Profile,
        points: &Points,
        q: usize,
        weights: &[f64],
        work: &mut Vec<f64>,
        gradient: &mut [f64],
    ) {
        let (count, size) = (weights.len(), weights.len() * self.inputs);
        work.resize(4 * size, 0.0);
        let (values, rest) = work.split_at_mut(size);
        let (slopes, rest) = rest.split_at_mut(size);
        let (factors, others) = rest.split_at_mut(size);
        for d in 0..self.inputs {
            let x = &points.x[d * points.count + q..][..count];
            let (at, scale) = (x[0], self.inverse_squares[d]);
            let (share, rest) = self.shares[d];
            let part = d * count..(d + 1) * count;
            let (values, slopes) = (&mut values[part.clone()], &mut slopes[part.clone()]);
            let factors = &mut factors[part];
            for i in 0..count {
                let square = (x[i] - at) * (x[i] - at) * scale;
                let (value, slope, _) = profile.slopes(square);
                values[i] = value - 1.0;
                slopes[i] = slope * square;
                factors[i] = rest + share * value;
            }
        }
        Self::products_of_others(factors, weights, others);
        for d in 0..self.inputs {
            let part = d * count..(d + 1) * count;
            let others = &others[part.clone()];
            let (share, rest) = self.shares[d];
            gradient[d] += share * dot(others, &slopes[part.clone()]);
            gradient[self.inputs + d] += share * rest * dot(others, &values[part.clone()]);
        }
    }

    #[inline(always)]
    fn legendre_gradient(
        &self,
        points: &Points,
        q: usize,
        weights: &[f64],
        work: &mut Vec<f64>,
        gradient: &mut [f64],
    ) {
        let (count, size) = (weights.len(), weights.len() * self.inputs);
        work.resize(2 * size, 0.0);
        let (factors, others) = work.split_at_mut(size);
        for d in 0..self.inputs {
            let (share, rest) = self.shares[d];
            let factor = &mut factors[d * count..][..count];
            self.one_series(d, points, q, (points, q), factor);
            for factor in factor {
                *factor = rest + share * *factor;
            }
        }
        Self::products_of_others(factors, weights, others);
        for d in 0..self.inputs {
            let others = &others[d * count..][..count];
            let (share, rest) = self.shares[d];
            let (mut along_weights, mut value) = (0.0, 0.0);
            for j in 0..self.orders[d] {
                let series = &points.series[(d * ORDERS + j) * points.count + q..][..count];
                let product = series[0] * dot(others, series);
                let (weight, slope) = self.series[d][j];
                value += weight * product;
                along_weights += slope * product;
            }
            let mut all = 0.0;
            for other in others {
                all += other;
            }
            gradient[d] += share * along_weights;
            gradient[self.inputs + d] += share * rest * (value - all);
        }
    }
}

/// Returns the number of orders without those that add less than rounding, in steps.
fn orders(series: &[(f64, f64); ORDERS]) -> usize {
    let mut count = ORDERS;
    while count > STEP {
        let dropped = (count - STEP..ORDERS).map(|j| series[j].0 * (2.0 * j as f64 + 3.0));
        if dropped.sum::<f64>() > ROUNDING {
            break;
        }
        count -= STEP;
    }
    count
}

/// Returns the weights of a series, and their derivatives along log(rho / (1 - rho)).
fn series(log: f64) -> [(f64, f64); ORDERS] {
    let rest = 1.0 / (1.0 + log.exp());
    let log_rho = -(-log).exp().ln_1p();
    let mut found = [(0.0, 0.0); ORDERS];
    let (mut sum, mut mean) = (0.0, 0.0);
    for (j, (weight, _)) in found.iter_mut().enumerate() {
        // Relative to the first: rho^(2 j) itself may underflow.
        *weight = (2.0 * j as f64 * log_rho).exp();
        sum += *weight;
        mean += *weight * j as f64;
    }
    mean /= sum;
    for (j, (weight, slope)) in found.iter_mut().enumerate() {
        *weight /= sum;
        *slope = 2.0 * rest * (j as f64 - mean) * *weight;
    }
    found
}
