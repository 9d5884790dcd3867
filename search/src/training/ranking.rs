//! The search part of a training: sampling and ranking architectures, and choosing the members.

use super::settings::{Members, RANKING_ROWS, UPDATE_EVERY};
use super::{Trainer, members};
use crate::space::Architecture;
use crate::supernetwork::Error;
use crate::variables::{NetworkVariables, Trial};

/// Number of architectures ranked per update.
const TRIALS: usize = 8;
/// Step size of the network variables in update `u`: `VARIABLE_RATE / (VARIABLE_DELAY + u)`.
const VARIABLE_RATE: f64 = 8.0;
const VARIABLE_DELAY: f64 = 700.0;

impl Trainer {
    /// Ranks sampled architectures by their loss on the ranking rows, and updates the network
    /// variables.
    pub(super) fn rank(&mut self) -> Result<(), Error> {
        let rows = self.ranking.next(RANKING_ROWS);
        let mut sampled: Vec<_> = (0..TRIALS).map(|_| self.sample()).collect();
        let is_random = matches!(self.settings.members, Members::Random(_));
        if is_random {
            // The best one so far replaces one of the samples.
            sampled[0] = self.most_probable();
        }
        let losses = self
            .stepper
            .losses(&self.network, &self.selection, &rows, &sampled)?;
        let trials: Vec<_> = sampled
            .into_iter()
            .zip(losses)
            .map(|(architecture, loss)| Trial {
                loss: match &self.room {
                    None => f64::from(loss),
                    Some(room) => room.weighed(&architecture, f64::from(loss)),
                },
                architecture,
            })
            .collect();
        if is_random {
            let finite = trials.iter().filter(|trial| !trial.loss.is_nan());
            if let Some(best) = finite.min_by(|left, right| left.loss.total_cmp(&right.loss)) {
                let space = self.network.space();
                self.variables = NetworkVariables::favouring(space, &best.architecture);
            }
            return Ok(());
        }
        let updates = (self.step / UPDATE_EVERY) as f64;
        let rate = VARIABLE_RATE / (VARIABLE_DELAY + updates);
        match &self.room {
            None => self.variables.update(&trials, rate),
            Some(room) => {
                let (room, variables) = (room.one(), &mut self.variables);
                variables.update_within(room, &trials, rate)
            }
        }
        .expect("trials were sampled from these variables");
        Ok(())
    }

    /// Samples an architecture, within the budget if there is one.
    pub(super) fn sample(&mut self) -> Architecture {
        let variables = match self.settings.members {
            Members::Random(_) => &NetworkVariables::uniform(self.network.space()),
            _ => &self.variables,
        };
        let random = &mut self.sampled;
        match &self.room {
            None => variables.sample(random),
            Some(room) => variables.sample_within(room.one(), random),
        }
    }

    /// Returns the most probable architecture within the budget.
    fn most_probable(&self) -> Architecture {
        members::most_probable(self.network.space(), &self.variables, self.room.as_ref())
    }

    pub(super) fn chosen_members(&self) -> Vec<Architecture> {
        match self.settings.members {
            Members::Given(_) => self.members.clone(),
            Members::Searched(count) | Members::Random(count) => {
                members::choose(&self.network, &self.variables, count, self.room.as_ref())
            }
        }
    }
}
