//! Pilots: short trainings that choose the weight decay.
//!
//! If a network can memorise its rows, strong decay halves the error. If outputs are smooth, strong
//! decay multiplies the error by two to three (docs/measurements/choices.md). Neither the number of
//! rows nor the errors of one training tell the two cases apart, but a short training with each
//! decay does. The pilots train a fixed network, so the search and its control get the same decay.

use super::{Extent, Run, pool};
use crate::assemble::data_order;
use crate::components::Learnt;
use crate::contenders::output_shape;
use crate::data::Normalisation;
use crate::error::{Error, Result};
use crate::nodes::Pass;
use crate::space::presets::{Mlp, mlp};
use crate::training::{Choices, Members, Settings, Trainer};
use crate::transfer;
use std::time::Duration;

/// The steps of a pilot. After 4,000 steps the decays hardly differ; after 16,000 they rank as
/// after 60,000.
const STEPS: usize = 16_000;
/// The decay that is tried in addition to the usual one.
const STRONG: f64 = 0.1;
/// The strong decay is chosen if it lowers the error on the selection rows below this fraction.
const WORTH_IT: f64 = 0.9;
/// Runs of at least this time, or these steps, use pilots, which take about five seconds.
const LONG_TIME: Duration = Duration::from_secs(60);
const LONG_STEPS: usize = 20_000;
/// Multiply-accumulates up to which the pilots of a network take about five seconds.
const CHEAP: u64 = 150_000;

impl Run<'_> {
    /// Returns the training choices of this run. Deterministic: a resumed run makes the same
    /// choices.
    ///
    /// # Errors
    /// The device fails.
    pub(super) fn choices(&self, normalisation: &Normalisation) -> Result<Choices> {
        let usual = self.settings.choices.for_rows(self.split.train.len());
        let is_long = match &self.settings.extent {
            Extent::Time(time) => *time >= LONG_TIME,
            Extent::Steps(steps) => *steps >= LONG_STEPS,
            Extent::Plan(plan) => plan.last >= LONG_STEPS,
        };
        let (inputs, output) = (self.data.input_count(), output_shape(self.data));
        let (space, members) = mlp(inputs, output, Mlp::Basis, 1)?;
        let is_cheap = space.architecture_macs(&members[0])? <= CHEAP;
        // Few rows end with the polish, which chooses its own stopping point on the selection rows.
        if !is_long || !is_cheap || usual.polish > 0.0 {
            return Ok(usual);
        }
        let strong = Choices {
            decay: STRONG,
            ..usual
        };
        let order = data_order(output);
        // Such a cheap network has few outputs.
        let learnt = Learnt {
            data: self.data,
            normalisation,
            components: None,
        };
        let error = |choices: Choices| -> Result<f64> {
            let settings = Settings {
                steps: Some(STEPS),
                members: Members::Given(members.clone()),
                seed: self.settings.seed,
                choices,
            };
            let selection = self.rows(&self.split.selection, learnt, &order, None)?;
            let train = self.rows(&self.split.train, learnt, &order, None)?;
            let (x, y) = (selection.x().clone(), selection.y().clone());
            let mut trainer = Trainer::new(&space, train, selection, settings)?;
            while !trainer.is_done() && !self.observer.is_interrupted() {
                trainer.step()?;
            }
            let loss = trainer.network().loss(&x, &y, &members[0], Pass::Forward)?;
            Ok(f64::from(transfer::number::<f32>(&loss)?))
        };
        let threads = (self.settings.threads / 2).max(1);
        let in_pool = |choices: Choices| pool(threads)?.install(|| error(choices));
        let (one, other) = match self.settings.threads {
            1 => (in_pool(usual)?, in_pool(strong)?),
            _ => std::thread::scope(|scope| {
                let one = scope.spawn(|| in_pool(usual));
                let other = in_pool(strong);
                let one = one
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                Ok::<_, Error>((one?, other?))
            })?,
        };
        if other < WORTH_IT * one {
            self.observer.note(format!(
                "weights decay by {STRONG} instead of {}: in a short training that had an error of \
                 {other:.2e} on the rows that choose, and the usual decay {one:.2e}",
                usual.decay
            ));
            return Ok(strong);
        }
        Ok(usual)
    }
}
