//! What kinds of networks are expected to err: the network variables of a race.
//!
//! The prior is what every kind erred on many other data sets, after few steps and after many
//! (`errors.tsv`, by `--example kinds` of dense-tests; docs/measurements/kinds.md). A race takes each
//! of these sets for what its own data may be like, more likely the nearer its number of rows
//! ([`ROWS`]). Bayes' rule then weighs the sets by how well they tell the errors of the first
//! round: the logarithms of errors are normal about a set's, shifted by a constant that fits best,
//! with deviation [`DEVIATION`]. The probability of a kind is that of the sets on which it errs least.

use super::Kind;
use std::f64::consts::LN_10;

/// The measured errors.
const TABLE: &str = include_str!("errors.tsv");
/// The deviation of the natural logarithm of an error from that of a set that is like these data,
/// found by leaving out each set of the table (docs/measurements/kinds.md).
pub const DEVIATION: f64 = 0.7;
/// The deviation of the natural logarithm of the number of rows of such a set, found likewise.
pub const ROWS: f64 = 1.0;
/// Above this, an error says no more than that a network has failed.
const FAILED: f64 = 3.0;

/// What some kinds err on a set: natural logarithms of mean squared errors in deviations, `[kind]`,
/// after few steps and after many.
pub type Errors = Vec<[f64; 2]>;

/// What some kinds erred on data sets.
#[derive(Debug, Clone)]
pub struct Prior {
    kinds: Vec<Kind>,
    /// The logarithm of the weight of each set, and its errors.
    sets: Vec<(f64, Errors)>,
}

/// What is expected of a kind.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    /// The kind.
    pub kind: Kind,
    /// The natural logarithm of the error after many steps.
    pub error: f64,
    /// The probability that it errs least.
    pub probability: f64,
}

impl Prior {
    /// Returns what these kinds err on some sets, each with its number of rows, for data of `rows`
    /// rows. `deviation` is [`ROWS`], or another for a trial.
    #[must_use]
    pub fn new(
        kinds: Vec<Kind>,
        sets: impl IntoIterator<Item = (usize, Errors)>,
        rows: usize,
        deviation: f64,
    ) -> Self {
        let most = FAILED.ln();
        let set = |(of_set, mut errors): (usize, Errors)| {
            let apart = (of_set as f64 / rows.max(1) as f64).ln() / deviation;
            let values = errors.iter_mut().flatten();
            values.for_each(|error| *error = error.min(most));
            (-0.5 * apart * apart, errors)
        };
        Self {
            sets: sets.into_iter().map(set).collect(),
            kinds,
        }
    }

    /// Returns what is known of these kinds for data of so many outputs and rows, by sets where they
    /// all differ as they do for these.
    #[must_use]
    pub fn of(kinds: Vec<Kind>, outputs: usize, rows: usize) -> Self {
        let sets = table(&kinds, outputs);
        Self::new(kinds, sets, rows, ROWS)
    }

    /// Returns `count` kinds whose best is expected to err least: each lowers the mean over the sets
    /// of the logarithm of the least error the most.
    #[must_use]
    pub fn first(&self, count: usize) -> Vec<Kind> {
        let mut least = vec![FAILED.ln(); self.sets.len()];
        let mut chosen: Vec<usize> = Vec::new();
        while chosen.len() < count.min(self.kinds.len()) {
            let sum = |kind: usize| -> f64 {
                let sets = self.sets.iter().zip(&least);
                let errors =
                    sets.map(|((weight, set), least)| weight.exp() * set[kind][1].min(*least));
                errors.sum()
            };
            let rest = (0..self.kinds.len()).filter(|kind| !chosen.contains(kind));
            let sums = rest.map(|kind| (sum(kind), kind));
            let Some((_, next)) = sums.min_by(|a, b| a.0.total_cmp(&b.0)) else {
                break;
            };
            for (least, (_, set)) in least.iter_mut().zip(&self.sets) {
                *least = least.min(set[next][1]);
            }
            chosen.push(next);
        }
        chosen.into_iter().map(|place| self.kinds[place]).collect()
    }

    /// Returns what is expected of every kind after these errors of some after few steps (natural
    /// logarithms); nothing if nothing is known. `deviation` is [`DEVIATION`], or another for a trial.
    #[must_use]
    pub fn after(&self, observed: &[(Kind, f64)], deviation: f64) -> Vec<Expected> {
        let seen = self.kinds.iter().map(|kind| {
            let mut of_kind = observed.iter().filter(|one| one.0 == *kind);
            let error = of_kind.next().map(|one| one.1);
            error
                .filter(|error| !error.is_nan())
                .map(|error| error.min(FAILED.ln()))
        });
        let seen: Vec<Option<f64>> = seen.collect();
        // The shift, and the logarithm of the likelihood, of each set.
        let likeness = self.sets.iter().map(|(weight, set)| {
            let apart = seen.iter().zip(set);
            let apart = apart.filter_map(|(seen, [few, _])| Some((*seen)? - few));
            let apart: Vec<f64> = apart.collect();
            let shift = apart.iter().sum::<f64>() / (apart.len() as f64).max(1.0);
            let squares: f64 = apart.iter().map(|apart| (apart - shift).powi(2)).sum();
            (shift, weight - 0.5 * squares / (deviation * deviation))
        });
        let likeness: Vec<(f64, f64)> = likeness.collect();
        let likelihoods = likeness.iter().map(|one| one.1);
        let most = likelihoods.clone().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = likelihoods.map(|one| (one - most).exp()).sum();
        let new = |&kind: &Kind| Expected {
            kind,
            error: 0.0,
            probability: 0.0,
        };
        let mut expected: Vec<Expected> = self.kinds.iter().map(new).collect();
        for ((_, set), (shift, likelihood)) in self.sets.iter().zip(likeness) {
            let weight = (likelihood - most).exp() / sum;
            // What was observed stands, less what more steps gain.
            let errors = set.iter().zip(&seen);
            let errors = errors.map(|([few, many], seen)| match seen {
                Some(seen) => seen + many - few,
                None => many + shift,
            });
            let errors: Vec<f64> = errors.collect();
            let least = errors.iter().copied().fold(f64::INFINITY, f64::min);
            let alike = errors.iter().filter(|error| **error == least).count();
            for (expected, error) in expected.iter_mut().zip(errors) {
                expected.error += weight * error;
                if error == least {
                    expected.probability += weight / alike as f64;
                }
            }
        }
        expected.retain(|_| !self.sets.is_empty());
        expected
    }
}

/// The measured sets on which all of these kinds, and as many as for so many outputs, differ, each
/// with its number of rows.
fn table(kinds: &[Kind], outputs: usize) -> Vec<(usize, Errors)> {
    let mut lines = TABLE.lines();
    let columns: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let differing = Kind::all().filter(|kind| kind.applies(outputs)).count();
    let set = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [_, rows, errors @ ..] = &cells[..] else {
            return None;
        };
        let measured = errors.iter().filter(|cell| !cell.is_empty()).count();
        let of = |kind: &Kind| {
            let place = columns.iter().position(|column| *column == kind.name())?;
            let (few, many) = cells.get(place)?.split_once(' ')?;
            let natural = |text: &str| Some(text.parse::<f64>().ok()? * LN_10);
            Some([natural(few)?, natural(many)?])
        };
        let all: Option<Errors> = kinds.iter().map(of).collect();
        let all = all.filter(|_| measured == differing);
        all.and_then(|all| Some((rows.parse().ok()?, all)))
    };
    lines.filter_map(set).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Features;

    /// What is known of data of so many outputs and rows.
    fn known(outputs: usize, rows: usize) -> Prior {
        let kinds = Kind::all().filter(|kind| kind.applies(outputs)).collect();
        Prior::of(kinds, outputs, rows)
    }

    fn place(prior: &Prior, kind: Kind) -> usize {
        prior.kinds.iter().position(|one| *one == kind).unwrap()
    }

    #[test]
    fn the_table_has_every_kind_on_every_set() {
        let [few, many] = [1, 100].map(|outputs| known(outputs, 400));
        assert_eq!(few.sets.len() + many.sets.len(), TABLE.lines().count() - 1);
        assert!(few.sets.len() >= 20 && many.sets.len() >= 20);
        assert_eq!([few.kinds.len(), many.kinds.len()], [12, 24]);
        // The weight falls with the distance of the number of rows.
        let weights = few.sets.iter().map(|set| set.0.exp());
        assert!(weights.clone().any(|weight| weight > 0.99));
        assert!(weights.clone().any(|weight| weight < 0.2));
    }

    #[test]
    fn the_first_kinds_differ_and_no_other_is_much_better_in_their_place() {
        for (outputs, rows) in [(1, 64), (1, 2000), (100, 64), (100, 2000)] {
            let prior = known(outputs, rows);
            let sum = |places: &[usize]| -> f64 {
                let sets = prior.sets.iter().map(|(weight, set)| {
                    let errors = places.iter().map(|&place| set[place][1]);
                    weight.exp() * errors.fold(f64::INFINITY, f64::min)
                });
                sets.sum()
            };
            let first = prior.first(5);
            let places = first.iter().map(|kind| place(&prior, *kind));
            let places: Vec<usize> = places.collect();
            let weight: f64 = prior.sets.iter().map(|set| set.0.exp()).sum();
            let rest = (0..prior.kinds.len()).filter(|one| !places.contains(one));
            let rest: Vec<usize> = rest.collect();
            assert_eq!(rest.len() + 5, prior.kinds.len());
            for left_out in 0..places.len() {
                for &other in &rest {
                    let mut changed = places.clone();
                    changed[left_out] = other;
                    // Chosen one by one, they are not the best of all choices, but near it.
                    assert!(sum(&changed) > sum(&places) - 0.1 * weight);
                }
            }
            // Fringes are among the sets.
            assert!(first.iter().any(|kind| kind.features == Features::Fourier));
        }
    }

    #[test]
    fn errors_of_a_known_set_are_told_whatever_their_size() {
        for outputs in [1, 100] {
            let prior = known(outputs, 400);
            let first = prior.first(5);
            for (size, (_, set)) in [0.0, -3.0, -7.0].iter().cycle().zip(&prior.sets) {
                let observed = first
                    .iter()
                    .map(|kind| (*kind, set[place(&prior, *kind)][0] + size));
                let observed: Vec<(Kind, f64)> = observed.collect();
                // Sure of itself, it knows the set.
                let told = prior.after(&observed, 1e-3);
                let sum: f64 = told.iter().map(|one| one.probability).sum();
                assert!((sum - 1.0).abs() < 1e-9, "{sum}");
                for one in told {
                    let known = set[place(&prior, one.kind)][1] + size;
                    assert!((one.error - known).abs() < 1e-6, "{one:?} {known}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_expected_where_nothing_is_known() {
        let nothing = Prior::new(vec![Kind::GATED], [], 100, ROWS);
        assert!(nothing.after(&[(Kind::GATED, -3.0)], DEVIATION).is_empty());
        assert_eq!(nothing.first(5), [Kind::GATED]);
    }
}
