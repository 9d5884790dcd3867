//! Tests for inputs without influence, and for inputs that the others determine, whose influence
//! cannot be separated.
//!
//! For input j, a Gaussian process is fitted to some rows and predicts others, once with all inputs
//! and once without j. An input is reported as having no influence if both conditions hold:
//!
//! 1. *It changes no output by much.* The test rejects the hypothesis "with the other inputs fixed,
//!    another value of j changes some output by more than D standard deviations, with probability
//!    1/5 or more". Suppose the process without j misses an output by more than D/2 in a share q of
//!    the rows. Then a change of j changes that output by more than D in at most a share 2 q, for
//!    any function. q is bounded from the predicted rows (Clopper and Pearson, Biometrika 26, 404,
//!    1934), separately for each output. All outputs must be rejected, which needs no correction
//!    for their number. The probability of a wrong rejection is at most 1 % for all inputs together
//!    (each is tested at 1 % divided by their number).
//! 2. *No smaller influence is detected either.* Using j does not bring the prediction closer in
//!    significantly more rows than not: sign tests for each output and for whole rows, at 5 %
//!    together. At most this share of inputs that truly have no influence goes unreported for this
//!    reason.
//!
//! The first test bounds false warnings, for any function and distribution. The second prevents
//! weak inputs from being reported. If the process predicts the outputs badly, the first test
//! cannot reject, and there is no warning.
//!
//! Source of the comparison with and without an input: Lei, G'Sell, Rinaldo, Tibshirani and
//! Wasserman, "Distribution-free predictive inference for regression", J. Am. Stat. Assoc. 113,
//! 1094 (2018), section 6.

use super::warning::{Kind, Warning};
use crate::data::{Dataset, Normalisation, Transform};
use crate::gaussian_process::SharedProcess;
use crate::streams::{permutation, stream};
use faer::Mat;
use faer::linalg::solvers::SolveLstsq;
use rayon::prelude::*;

/// The values of D, in standard deviations of the output. The largest is tested first, then smaller
/// ones as long as each is rejected, so that the smallest rejected one can be reported.
const MOVEMENTS: [f64; 5] = [0.25, 0.1, 0.05, 0.02, 0.01];
/// The rejected probability of changing an output by more than D.
const SHARE: f64 = 0.2;
/// The probability of a wrong rejection, for all inputs together.
const WRONG: f64 = 0.01;
/// The level of the sign tests, for one input.
const LEVEL: f64 = 0.05;
/// Maximum number of predicted rows, and of fitted rows.
const ASKED: usize = 400;
const FITTED: usize = 700;
/// An input counts as determined by the others, or is not tested, if they leave less than this
/// share of its variance.
const FIXED: f64 = 0.01;
const TANGLED: f64 = 0.5;
/// For outputs that reach this number of standard deviations, asinh is tested instead: an input
/// without influence on an output has none on a function of it.
const HEAVY: f32 = 20.0;

/// Returns the warnings about inputs; `rows` may be read, and `train` are the training rows.
pub(super) fn warnings(data: &Dataset, train: &[usize], rows: &[usize]) -> Vec<Warning> {
    let named = |inputs: &[usize]| -> Vec<String> {
        let names = inputs
            .iter()
            .map(|&input| data.inputs()[input].name.clone());
        names.collect()
    };
    let warning = |kind, inputs: &[usize], one: &str, several: &str, rest: String| {
        let names: Vec<String> = named(inputs)
            .iter()
            .map(|name| format!("{name:?}"))
            .collect();
        let (word, verb) = match inputs.len() {
            1 => ("input", one),
            _ => ("inputs", several),
        };
        (!inputs.is_empty()).then(|| Warning {
            kind,
            text: format!("{word} {} {verb} {rest}", names.join(", ")),
            rows: Vec::new(),
            inputs: named(inputs),
        })
    };
    let scale = Normalisation::fit(data, train).scale().to_vec();
    let (constant, varying): (Vec<usize>, Vec<usize>) =
        (0..scale.len()).partition(|&input| scale[input] == 0.0);
    // Reading the file already warns about constant inputs.
    let constant: Vec<usize> = constant
        .into_iter()
        .filter(|&input| !data.is_constant(input))
        .collect();
    let left = left_by_others(data, rows, &varying);
    let of = |wanted: std::ops::Range<f64>| -> Vec<usize> {
        let pairs = varying
            .iter()
            .zip(&left)
            .filter(|(_, left)| wanted.contains(left));
        pairs.map(|(&input, _)| input).collect()
    };
    let dead = without_influence(data, rows, &of(TANGLED..f64::INFINITY));
    let movement = dead
        .iter()
        .fold(0.0f64, |most, (_, movement)| most.max(*movement));
    let dead: Vec<usize> = dead.into_iter().map(|(input, _)| input).collect();
    let found = [
        warning(
            Kind::ConstantInput,
            &constant,
            "has",
            "have",
            "one value in all training rows, and others elsewhere: the emulator ignores that; split the rows anew, or leave \
             the column out"
                .to_owned(),
        ),
        warning(
            Kind::DependentInput,
            &of(f64::NEG_INFINITY..FIXED),
            "follows",
            "each follow",
            format!(
                "from the other inputs (more than {:.0} % of the variance does): what one does cannot be told from what the \
                 others do, and away from these combinations the emulator guesses; vary each by itself, or leave out what \
                 follows from the rest",
                100.0 * (1.0 - FIXED)
            ),
        ),
        warning(
            Kind::NoInfluence,
            &dead,
            "changes",
            "change",
            format!(
                "no output that can be seen: with the other inputs held, another value moves none by more than {movement} \
                 standard deviations in 4 of 5 cases (99 % confidence), and without it the outputs are predicted as well; \
                 leave it out, or check that the simulator reads it"
            ),
        ),
    ];
    found.into_iter().flatten().collect()
}

/// Returns the share of each input's variance that no linear function of the others explains.
fn left_by_others(data: &Dataset, rows: &[usize], inputs: &[usize]) -> Vec<f64> {
    if rows.len() < 2 * inputs.len() + 2 {
        return vec![1.0; inputs.len()];
    }
    let normalisation = Normalisation::fit(data, rows);
    let x = normalisation.encode_x(data, rows);
    let at = |row: usize, input: usize| f64::from(x[row * data.input_count() + input]);
    let left = |&input: &usize| {
        let others: Vec<usize> = inputs
            .iter()
            .copied()
            .filter(|&other| other != input)
            .collect();
        if others.is_empty() {
            return 1.0;
        }
        let a = Mat::from_fn(rows.len(), others.len(), |r, c| at(r, others[c]));
        let b = Mat::from_fn(rows.len(), 1, |r, _| at(r, input));
        let rest = &b - &a * a.col_piv_qr().solve_lstsq(&b);
        // For standardised inputs of mean zero; slightly above the sample's value, to correct for
        // the fitted parameters.
        let free = (rows.len() - others.len()) as f64;
        rest.squared_norm_l2() / free
    };
    inputs.iter().map(left).collect()
}

/// Returns those of the given inputs that have no influence, each with the smallest D that is
/// rejected.
fn without_influence(data: &Dataset, rows: &[usize], inputs: &[usize]) -> Vec<(usize, f64)> {
    let order = permutation(&mut stream(0, "influence"), rows.len());
    let shuffled: Vec<usize> = order.iter().map(|&place| rows[place]).collect();
    let (asked, rest) = shuffled.split_at((rows.len() / 2).min(ASKED));
    let fitted = &rest[..rest.len().min(FITTED)];
    // With so few rows, the bound is too large even with zero misses.
    let confidence = WRONG / inputs.len().max(1) as f64;
    if fitted.len() < 2 || (1.0 - SHARE / 2.0).powi(asked.len() as i32) > confidence {
        return Vec::new();
    }
    let plain = Normalisation::fit(data, fitted);
    let heavy = plain
        .encode_y(data, fitted)
        .iter()
        .any(|z| z.abs() >= HEAVY);
    let normalisation = match heavy {
        true => Normalisation::fit_transformed(data, fitted, Transform::Asinh),
        false => plain,
    };
    let encoded = |rows: &[usize]| {
        (
            normalisation.encode_x(data, rows),
            normalisation.encode_y(data, rows),
        )
    };
    let ((x, y), (asked_x, truth)) = (encoded(fitted), encoded(asked));
    let (count, outputs) = (data.input_count(), data.output_count());
    let varying: Vec<usize> = (0..outputs)
        .filter(|&k| !normalisation.output_constant()[k])
        .collect();
    if varying.is_empty() {
        // Then every input appears to have no influence, which is no information about any of them.
        return Vec::new();
    }
    let Some(process) = SharedProcess::fit(&x, count, &y, outputs) else {
        return Vec::new();
    };
    let errors = |without| -> Option<Vec<f64>> {
        let found = process.predict(&asked_x, without)?;
        Some(
            found
                .iter()
                .zip(&truth)
                .map(|(a, b)| f64::from(a - b).abs())
                .collect(),
        )
    };
    let Some(with) = errors(None) else {
        return Vec::new();
    };
    let tested = inputs.par_iter().filter_map(|&input| {
        let without = errors(Some(input))?;
        let of = |errors: &[f64], k: usize| -> Vec<f64> {
            errors.iter().skip(k).step_by(outputs).copied().collect()
        };
        let rejected = |&movement: &f64| {
            varying.iter().all(|&k| {
                let misses = of(&without, k)
                    .iter()
                    .filter(|&&error| error > movement / 2.0)
                    .count();
                // P(at most this number of misses) if their share is SHARE / 2.
                binomial_at_most(misses, asked.len(), SHARE / 2.0) <= confidence
            })
        };
        let least = MOVEMENTS.into_iter().take_while(rejected).last()?;
        let squares = |errors: &[f64]| -> Vec<f64> {
            let rows = errors.chunks_exact(outputs);
            rows.map(|errors| varying.iter().map(|&k| errors[k] * errors[k]).sum())
                .collect()
        };
        let of_rows = sign_test(&squares(&without), &squares(&with));
        let of_outputs = varying
            .iter()
            .map(|&k| sign_test(&of(&without, k), &of(&with, k)));
        let of_outputs = of_outputs.fold(1.0, f64::min) * varying.len() as f64;
        (of_rows.min(of_outputs) > LEVEL / 2.0).then_some((input, least))
    });
    tested.collect()
}

/// Returns the probability that at least the observed number of `worse` values exceed their
/// partners in `better`, if both orders are equally likely.
fn sign_test(worse: &[f64], better: &[f64]) -> f64 {
    let pairs = worse.iter().zip(better);
    let ties = pairs
        .clone()
        .filter(|(worse, better)| worse == better)
        .count();
    let more = pairs.filter(|(worse, better)| worse > better).count();
    let count = worse.len() - ties;
    // At least `more` heads means at most `count - more` tails.
    binomial_at_most(count - more, count, 0.5)
}

/// Returns the probability of at most `most` successes in `count` trials of probability `p`.
fn binomial_at_most(most: usize, count: usize, p: f64) -> f64 {
    let mut logarithm = count as f64 * (1.0 - p).ln();
    let mut sum = logarithm.exp();
    for k in 1..=most.min(count) {
        logarithm += ((count - k + 1) as f64 / k as f64).ln() + (p / (1.0 - p)).ln();
        sum += logarithm.exp();
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_of_the_binomial_distribution_are_those_of_its_tables() {
        // By hand: 11/1024; 1; 0.9^60; and P(X <= 30), X ~ B(400, 0.1), from a table.
        assert!((binomial_at_most(1, 10, 0.5) - 11.0 / 1024.0).abs() < 1e-12);
        assert!((binomial_at_most(10, 10, 0.3) - 1.0).abs() < 1e-12);
        assert!((binomial_at_most(0, 60, 0.1) - 0.9f64.powi(60)).abs() < 1e-15);
        assert_eq!(binomial_at_most(0, 0, 0.5), 1.0);
        assert!((sign_test(&[2.0, 2.0, 2.0, 1.0], &[1.0, 1.0, 1.0, 1.0]) - 0.125).abs() < 1e-12);
        assert_eq!(sign_test(&[1.0], &[1.0]), 1.0);
    }
}
