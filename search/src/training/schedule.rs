//! The schedule of a training: its phases and step sizes.
//!
//! ```text
//! steps   0 ........ W ............. S ......... (1 - fall) N ........... N
//! phase   | warm-up  | search        | training      | fine-tuning        |
//! rate    rises, then constant                       | cosine to zero     |
//! ```
//!
//! The search ends after S steps or, if earlier, when the rate starts to fall. Until then nothing
//! depends on the total N. A run with a time limit therefore fixes N only at that point, when the
//! time per step of the chosen members is known; `--steps N` repeats it.

use super::Choices;
use crate::space::Space;
use serde::{Deserialize, Serialize};

/// Number of warm-up steps per candidate of the largest group.
const WARM_UP: usize = 50;
/// Number of steps after which the search ends (docs/measurements/search.md); later steps train
/// only the members.
const SEARCH: usize = 30_000;
/// Number of steps over which the rate rises.
const RISE: f64 = 200.0;

/// The phase of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The members, given or chosen by the search, train together at a constant rate.
    Training,
    /// All candidates are equally likely.
    WarmUp,
    /// The network variables are updated.
    Search,
    /// The members train at a falling rate.
    FineTuning,
    /// L-BFGS moves the members to the nearest minimum.
    Polish,
}

impl Phase {
    /// Returns the name of the phase.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::WarmUp => "warm-up",
            Self::Search => "search",
            Self::FineTuning => "fine-tuning",
            Self::Polish => "polish",
        }
    }
}

/// The numbers of steps of the phases; the total may be open until the search ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Schedule {
    choices: Choices,
    warm_up: usize,
    fall: Option<Fall>,
}

/// The steps over which the rate falls to zero.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Fall {
    first: usize,
    end: usize,
    /// The rate at the first of these steps, as a share of the largest.
    from: f64,
}

impl Schedule {
    pub(super) fn new(space: &Space, choices: Choices, total: Option<usize>) -> Self {
        let groups = space.groups().iter();
        let candidates = groups.map(|group| group.candidates.len()).max();
        Self {
            choices,
            warm_up: WARM_UP * candidates.unwrap_or(1),
            fall: total.map(|total| Fall {
                first: search_steps(choices, total),
                end: total,
                from: 1.0,
            }),
        }
    }

    pub(super) fn total(&self) -> Option<usize> {
        self.fall.map(|fall| fall.end)
    }

    /// Ends the search before step `step` if the total is open: the total is the smallest one with
    /// a search of this length.
    pub(super) fn end_search(&mut self, step: usize) {
        let mut total = (step as f64 / (1.0 - self.choices.fall)) as usize;
        while search_steps(self.choices, total) < step {
            total += 1;
        }
        self.fall.get_or_insert(Fall {
            first: step,
            end: total,
            from: 1.0,
        });
    }

    /// Leaves `steps` more steps, over which the rate falls from its current value to zero: for a
    /// run that is interrupted.
    pub(super) fn wind_down(&mut self, step: usize, steps: usize) {
        self.fall = Some(Fall {
            first: step,
            end: step + steps,
            from: self.fallen(step),
        });
    }

    pub(super) fn phase(&self, step: usize) -> Phase {
        match self.fall {
            Some(fall) if step >= fall.first => Phase::FineTuning,
            _ if step < self.warm_up => Phase::WarmUp,
            _ if step < SEARCH.max(self.warm_up) => Phase::Search,
            _ => Phase::Training,
        }
    }

    /// Returns the step size of the weights.
    pub(super) fn rate(&self, step: usize) -> f64 {
        let rise = ((step + 1) as f64 / RISE).min(1.0);
        self.choices.rate * rise * self.fallen(step)
    }

    /// Returns the step size relative to the largest one.
    fn fallen(&self, step: usize) -> f64 {
        match self.fall {
            Some(fall) if step >= fall.first => {
                let done = (step - fall.first) as f64 / (fall.end - fall.first) as f64;
                fall.from * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
            _ => 1.0,
        }
    }

    /// Returns the number of steps after a search of `step` steps.
    pub(super) fn steps_after(&self, step: usize) -> usize {
        (step as f64 * self.choices.fall / (1.0 - self.choices.fall)) as usize
    }
}

fn search_steps(choices: Choices, total: usize) -> usize {
    ((1.0 - choices.fall) * total as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::Shape;
    use crate::space::presets::{MicroSizes, micro};

    #[test]
    fn a_search_that_ends_at_a_step_is_repeated_by_its_total() {
        let (space, choices) = (
            micro(2, Shape::Vector(3), MicroSizes::default()).unwrap(),
            Choices::default(),
        );
        for step in 0..2000 {
            let mut open = Schedule::new(&space, choices, None);
            let before = open;
            open.end_search(step);
            let total = open.total().unwrap();
            let fixed = Schedule::new(&space, choices, Some(total));
            assert_eq!(search_steps(choices, total), step);
            assert!(total >= step);
            for at in [0, step / 2, step.saturating_sub(1)] {
                if at < step {
                    assert_eq!(before.rate(at).to_bits(), fixed.rate(at).to_bits());
                    assert_eq!(before.phase(at), fixed.phase(at));
                }
            }
        }
    }

    #[test]
    fn a_long_search_ends_and_leaves_the_rest_to_its_members() {
        let space = micro(2, Shape::Vector(3), MicroSizes::default()).unwrap();
        let choices = Choices::default();
        for (total, search) in [(1_000, 600), (40_000, 24_000), (500_000, SEARCH)] {
            let schedule = Schedule::new(&space, choices, Some(total));
            let open = Schedule::new(&space, choices, None);
            assert_eq!(schedule.phase(search - 1), Phase::Search);
            assert_eq!(open.phase(search - 1), Phase::Search);
            let next = schedule.phase(search);
            match search < search_steps(choices, total) {
                true => assert_eq!(next, Phase::Training),
                false => assert_eq!(next, Phase::FineTuning),
            }
        }
    }

    #[test]
    fn an_interrupted_run_winds_down_from_the_rate_that_it_has() {
        let space = micro(2, Shape::Vector(3), MicroSizes::default()).unwrap();
        for step in [300, 5_000, 9_000] {
            let before = Schedule::new(&space, Choices::default(), Some(10_000));
            let mut after = before;
            after.wind_down(step, 50);
            assert_eq!(after.rate(step).to_bits(), before.rate(step).to_bits());
            assert!((step..step + 49).all(|at| after.rate(at + 1) < after.rate(at)));
            assert_eq!(after.total(), Some(step + 50));
        }
    }

    #[test]
    fn the_rate_rises_stays_and_falls_to_zero() {
        let choices = Choices::default();
        let schedule = Schedule::new(
            &micro(2, Shape::Vector(3), MicroSizes::default()).unwrap(),
            choices,
            Some(10_000),
        );
        assert!(schedule.rate(0) < 0.01 * choices.rate);
        assert_eq!(schedule.rate(5_999), choices.rate);
        assert!((6_001..10_000).all(|step| schedule.rate(step) < schedule.rate(step - 1)));
        assert!(schedule.rate(9_999) < 1e-6 * choices.rate);
        assert_eq!(schedule.phase(9_999), Phase::FineTuning);
    }
}
