//! The members of the ensemble: the most probable architecture, and others drawn from the probabilities.

use crate::space::{Architecture, Space};
use crate::streams::stream;
use crate::variables::NetworkVariables;
use rand::Rng;

/// Draws, at most, of a member that differs from all others.
const DRAWS: usize = 200;
/// The share of groups that take any candidate where draws repeat.
const MIXED: f64 = 0.2;

/// Returns up to `count` pairwise different architectures, the most probable one first.
///
/// Where the probabilities have decided, draws repeat; in the second half of the draws each group therefore takes any of
/// its candidates with probability [`MIXED`].
pub(super) fn draw(
    space: &Space,
    variables: &NetworkVariables,
    count: usize,
    seed: u64,
) -> Vec<Architecture> {
    let mut random = stream(seed, "members");
    let mut members = vec![variables.most_probable()];
    for draw in 0..DRAWS {
        if members.len() >= count {
            break;
        }
        let mut choices = variables.sample(&mut random).choices().to_vec();
        for (choice, group) in choices.iter_mut().zip(space.groups()) {
            if draw >= DRAWS / 2 && random.random_bool(MIXED) {
                *choice = random.random_range(0..group.candidates.len());
            }
        }
        let drawn = Architecture::new(choices);
        if !members.contains(&drawn) {
            members.push(drawn);
        }
    }
    members
}
