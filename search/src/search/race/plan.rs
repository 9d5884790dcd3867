//! The plan of a race: how many steps each part takes.
//!
//! A run by the clock measures the time of a step of each entrant, and lays out the parts such that
//! each keeps its share of the time. What it has carried out is recorded, and repeats the run to the
//! byte.

use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Each round has this multiple of the steps of the round before.
const GROWTH: usize = 4;
/// Kinds in the first round.
pub(super) const STARTERS: usize = 5;
/// Rounds that halve the number of kinds. Where there is time, the winner has another one.
pub(super) const ROUNDS: usize = 2;
/// The share of a race's time that passes until the end of these rounds, and what each fold that
/// judges adds to it.
const SHARE_OF_ROUNDS: [f64; 2] = [0.2, 0.05];
/// The share that passes until the end of the winner's round.
pub(super) const SHARE_OF_LONG_ROUND: f64 = 0.6;
/// Steps of the shortest round of the winner: with fewer, one network with all the time is better
/// than the mean of several.
const LONG: usize = 20_000;
/// Fresh inputs for each step of the last training, where steps are counted.
const FRESH_A_STEP: usize = 16;
/// Steps of the shortest training that tells anything.
const FEWEST: usize = 50;
/// Estimated seconds for the fits of processes for each step of the last training, where steps are
/// counted,
const PROCESS_SECONDS: f64 = 2e-4;
/// and the fewest steps with which processes take part.
const PROCESS_STEPS: usize = 5_000;
/// Steps of the longest training of a round that compares kinds: more hardly change their order.
const MOST: usize = 8_000;
/// Steps of the longest training of the winner's round: beyond, more networks gain more than more
/// steps.
const MOST_OF_WINNER: usize = 64_000;

/// The number of steps of each part of a race.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Estimated seconds of one thread for the fits of Gaussian processes; 0 where networks err far
    /// less.
    pub process_seconds: f64,
    /// Steps of every network of each round.
    pub rounds: Vec<usize>,
    /// Whether what ships learns from processes and networks of the folds; `None` until it is known.
    #[serde(deserialize_with = "Option::deserialize")]
    pub is_taught: Option<bool>,
    /// Number of fresh inputs at which what ships is taught; 0 until it is known.
    pub fresh: usize,
    /// Steps of what ships; 0 until they are known.
    pub last: usize,
}

impl Plan {
    /// Returns the plan of a race whose last training has this number of steps.
    pub(super) fn of_steps(last: usize) -> Self {
        let rounds = (1..=ROUNDS as u32).rev();
        let steps = rounds.map(|round| (last / GROWTH.pow(round)).clamp(1, MOST));
        Self {
            process_seconds: match last < PROCESS_STEPS {
                true => 0.0,
                false => PROCESS_SECONDS * last as f64,
            },
            rounds: steps.collect(),
            is_taught: None,
            fresh: last.saturating_mul(FRESH_A_STEP),
            last,
        }
    }
}

/// Returns the steps of the next of the rounds from number `next` on that share `time`.
///
/// `costs` are the seconds of a step of a member and the members of each entrant that takes part; of
/// each there are `folds` networks, on `threads` threads. Half of the entrants go on after each
/// round.
pub(super) fn steps_of_round(
    costs: &[(f64, usize)],
    folds: usize,
    threads: usize,
    next: usize,
    time: Duration,
) -> usize {
    let rounds = ROUNDS - next;
    let mut weight = 0.0;
    for round in 0..rounds {
        let each = costs
            .iter()
            .map(|&(cost, members)| cost * members_in(next + round, members) as f64);
        let mut each: Vec<f64> = each.collect();
        each.sort_by(f64::total_cmp);
        // Whoever goes on may be the dearest.
        let alive = alive(costs.len(), round);
        let cost: f64 = each.iter().rev().take(alive).sum();
        // The last networks of a round may train while other threads have none.
        let jobs = alive * folds;
        let idle = (jobs.div_ceil(threads) * threads) as f64 / jobs as f64;
        weight += cost * idle * (folds * GROWTH.pow(round as u32)) as f64;
    }
    let steps = (time.as_secs_f64() * threads as f64 / weight).min(1e9) as usize;
    let most = MOST / GROWTH.pow(rounds as u32 - 1);
    steps.clamp(FEWEST, most)
}

/// Returns how many of these entrants are left after this number of rounds.
pub(super) fn alive(entrants: usize, rounds: usize) -> usize {
    match rounds < ROUNDS {
        true => (0..rounds).fold(entrants, |alive, _| (alive / 2).max(1)),
        false => 1,
    }
}

/// Returns how many of an entrant's members the networks of a round have: one tells enough to leave
/// half of the entrants out, and what goes on is judged as it would ship.
pub(super) fn members_in(round: usize, members: usize) -> usize {
    match round {
        0 => 1,
        _ => members,
    }
}

/// Returns the share of a race's time that has passed when the rounds of this number of folds end.
pub(super) fn share_of_rounds(folds: usize) -> f64 {
    SHARE_OF_ROUNDS[0] + SHARE_OF_ROUNDS[1] * folds as f64
}

/// Returns the steps of the winner's round within `time`, by `folds` networks of `cost` seconds a
/// step on `threads` threads; `None` if they are too few.
pub(super) fn steps_of_long_round(
    cost: f64,
    folds: usize,
    threads: usize,
    time: Duration,
) -> Option<usize> {
    let in_turn = folds.div_ceil(threads) as f64;
    let steps = time.as_secs_f64() / (cost * in_turn);
    (steps >= LONG as f64).then_some((steps.min(1e9) as usize).min(MOST_OF_WINNER))
}

/// Returns the seconds of the fastest of a few calls: what others do to the machine meanwhile makes
/// calls slower, never faster.
pub(super) fn seconds_of(mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    const TIMED: usize = 20;
    let mut least = f64::INFINITY;
    for _ in 0..TIMED {
        let began = Instant::now();
        call()?;
        least = least.min(began.elapsed().as_secs_f64());
    }
    Ok(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_fill_their_time() {
        let costs = [(1e-3, 2), (2e-3, 2), (3e-3, 1), (3e-3, 2)];
        for (folds, threads) in [(5, 2), (1, 2), (2, 1)] {
            let time = Duration::from_secs(20);
            let first = steps_of_round(&costs, folds, threads, 0, time);
            // In the second round the two dearest, with four times the steps of each member.
            let work = first as f64 * folds as f64 * (9e-3 + 4.0 * 10e-3);
            let wall = work / threads as f64;
            assert!(wall <= 20.0 && wall > 12.0, "{wall}");
        }
        assert_eq!(steps_of_round(&costs, 5, 2, 0, Duration::ZERO), FEWEST);
        assert_eq!(
            steps_of_round(&costs, 5, 2, 0, Duration::from_secs(10_000)),
            MOST / 4
        );
        assert_eq!([0, 1, 2].map(|rounds| alive(5, rounds)), [5, 2, 1]);
        assert_eq!(Plan::of_steps(1600).rounds, [100, 400]);
    }

    #[test]
    fn the_winner_has_a_round_where_it_is_long() {
        // Five networks on two threads take as long as six.
        let steps = |seconds| steps_of_long_round(1.0, 5, 2, Duration::from_secs(seconds));
        assert_eq!([61_000, 90_000].map(steps), [Some(20_333), Some(30_000)]);
        assert_eq!(steps(59_000), None);
        assert_eq!(steps(1_000_000), Some(MOST_OF_WINNER));
    }
}
