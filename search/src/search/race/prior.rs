//! What kinds of networks are expected to err: the network variables of a race.
//!
//! The prior is what every kind erred on many other data sets, after few steps and after many
//! (`kinds.tsv`, by `--example kinds` of dense-tests; docs/measurements/kinds.md). A race takes each
//! of these sets for what its own data may be like, all equally likely at first. Bayes' rule then
//! weighs them by how well they tell the errors of the first round: the logarithms of errors are
//! normal about a set's, shifted by a constant that fits best, with deviation [`DEVIATION`]. The
//! probability of a kind is that of the sets on which it errs least.

use crate::kind::Kind;
use std::f64::consts::LN_10;

/// The measured errors.
const TABLE: &str = include_str!("kinds.tsv");
/// The deviation of the natural logarithm of an error from that of a set that is like these data:
/// found by leaving out each set of the table (docs/measurements/kinds.md).
const DEVIATION: f64 = 0.3;

/// What some kinds erred on data sets.
#[derive(Debug)]
pub(super) struct Prior {
    kinds: Vec<Kind>,
    /// Natural logarithms, `[set][kind]`, after few steps and after many.
    sets: Vec<Vec<[f64; 2]>>,
}

/// What is expected of a kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    pub(super) kind: Kind,
    /// The natural logarithm of the error after many steps.
    pub(super) error: f64,
    /// The probability that no other errs less.
    pub(super) probability: f64,
}

impl Prior {
    /// Returns what is known of these kinds, on sets where they all differ as they do for this number
    /// of outputs.
    pub(super) fn of(kinds: Vec<Kind>, outputs: usize) -> Self {
        let mut lines = TABLE.lines();
        let names = lines.next().unwrap_or_default();
        let columns: Vec<&str> = names.split('\t').collect();
        let differing = Kind::all().filter(|kind| kind.applies(outputs)).count();
        let set = |line: &str| -> Option<Vec<[f64; 2]>> {
            let cells: Vec<&str> = line.split('\t').collect();
            let measured = cells[1..].iter().filter(|cell| !cell.is_empty()).count();
            let of = |kind: &Kind| {
                let place = columns.iter().position(|column| *column == kind.name())?;
                let (few, many) = cells.get(place)?.split_once(' ')?;
                let natural = |text: &str| Some(text.parse::<f64>().ok()? * LN_10);
                Some([natural(few)?, natural(many)?])
            };
            let all: Option<Vec<[f64; 2]>> = kinds.iter().map(of).collect();
            all.filter(|_| measured == differing)
        };
        Self {
            sets: lines.filter_map(set).collect(),
            kinds,
        }
    }

    /// Returns `count` kinds whose best is expected to err least: each lowers the mean over the sets
    /// of the logarithm of the least error the most.
    pub(super) fn first(&self, count: usize) -> Vec<Kind> {
        let mut least = vec![f64::INFINITY; self.sets.len()];
        let mut chosen: Vec<usize> = Vec::new();
        while chosen.len() < count.min(self.kinds.len()) {
            let sum = |kind: usize| -> f64 {
                let sets = self.sets.iter().zip(&least);
                sets.map(|(set, least)| set[kind][1].min(*least)).sum()
            };
            let rest = (0..self.kinds.len()).filter(|kind| !chosen.contains(kind));
            let sums = rest.map(|kind| (sum(kind), kind));
            let Some((_, next)) = sums.min_by(|a, b| a.0.total_cmp(&b.0)) else {
                break;
            };
            for (least, set) in least.iter_mut().zip(&self.sets) {
                *least = least.min(set[next][1]);
            }
            chosen.push(next);
        }
        chosen.into_iter().map(|place| self.kinds[place]).collect()
    }

    /// Returns what is expected of every kind after these errors of some after few steps (natural
    /// logarithms); nothing if nothing is known.
    pub(super) fn after(&self, observed: &[(Kind, f64)]) -> Vec<Expected> {
        let seen = self.kinds.iter().map(|kind| {
            let mut of_kind = observed.iter().filter(|one| one.0 == *kind);
            of_kind
                .next()
                .map(|one| one.1)
                .filter(|error| error.is_finite())
        });
        let seen: Vec<Option<f64>> = seen.collect();
        // The shift, and the logarithm of the likelihood, of each set.
        let likeness = self.sets.iter().map(|set| {
            let apart = seen.iter().zip(set);
            let apart = apart.filter_map(|(seen, [few, _])| Some((*seen)? - few));
            let apart: Vec<f64> = apart.collect();
            let shift = apart.iter().sum::<f64>() / (apart.len() as f64).max(1.0);
            let squares: f64 = apart.iter().map(|apart| (apart - shift).powi(2)).sum();
            (shift, -0.5 * squares / (DEVIATION * DEVIATION))
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
        for (set, (shift, likelihood)) in self.sets.iter().zip(likeness) {
            let weight = (likelihood - most).exp() / sum;
            // What was observed stands, less what more steps gain.
            let errors = set.iter().zip(&seen);
            let errors = errors.map(|([few, many], seen)| match seen {
                Some(seen) => seen + many - few,
                None => many + shift,
            });
            let errors: Vec<f64> = errors.collect();
            let least = errors.iter().copied().fold(f64::INFINITY, f64::min);
            for (expected, error) in expected.iter_mut().zip(errors) {
                expected.error += weight * error;
                if error == least {
                    expected.probability += weight;
                }
            }
        }
        expected.retain(|_| !self.sets.is_empty());
        expected
    }
}
