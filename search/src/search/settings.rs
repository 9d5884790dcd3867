//! The settings of a search, and the contenders that follow from them.

use super::race::Plan;
use crate::budget::{Budget, NoRoom, Room, Terms, check_given};
use crate::components::{Components, MANY};
use crate::contenders::{Contender, RACE, Role, SpaceChoice, output_shape};
use crate::control::within_work_of;
use crate::cost_model::CostModel;
use crate::data::{Dataset, Division, Normalisation, Pooling, Split, Transform};
use crate::device::DeviceName;
use crate::error::{Result, ensure};
use crate::fixed::{Conditions, led_on, widest};
use crate::space::presets::{self, MicroSizes};
use crate::space::{Architecture, Space};
use crate::training::{Choices, Members};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// When a search ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Extent {
    /// After this number of weight steps of each contender.
    Steps(usize),
    /// After about this wall time.
    Time(Duration),
    /// After the steps that another race has carried out.
    Plan(Plan),
}

/// Members of a space that is searched: they share most of their layers.
pub const SEARCH_MEMBERS: usize = 4;
/// Members of a race: networks that share nothing, and divide the budget
/// (docs/measurements/pay.md).
pub const RACE_MEMBERS: usize = 2;

/// The settings of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SearchSettings {
    /// The space to search.
    pub space: SpaceChoice,
    /// When it ends.
    pub extent: Extent,
    /// Members of the ensemble; `None`: [`SEARCH_MEMBERS`] of a space that is searched, and [`RACE_MEMBERS`] of a race.
    /// A control has one.
    #[serde(deserialize_with = "Option::deserialize")]
    pub members: Option<usize>,
    /// The seed of every draw.
    pub seed: u64,
    /// Number of threads.
    pub threads: usize,
    /// Hyperparameters of the training steps.
    pub choices: Choices,
    /// The device that trains.
    pub device: DeviceName,
    /// Whether a teacher adds to few rows.
    pub teacher: TeacherMode,
    /// The coordinate in which the outputs are learnt.
    pub transform: TransformMode,
    /// The limits on the cost of the shipped call.
    pub budget: Budget,
    /// The cost model of the machine that the emulator is for, if the budget needs one.
    #[serde(deserialize_with = "Option::deserialize")]
    pub cost_model: Option<CostModel>,
    /// Whether a fixed network trains beside the search.
    pub control: ControlMode,
    /// Whether random search trains beside it too.
    pub ablation: bool,
    /// The share of the rows that a race holds out for a test where the data have no split; `None`:
    /// as many as the number of rows suggests ([`Division::Folds`]).
    #[serde(deserialize_with = "Option::deserialize")]
    pub hold_out: Option<f64>,
    /// Whether validation rows that the data have train in a race.
    pub pool_validation: Pooling,
}

impl Default for SearchSettings {
    /// The program's defaults, on two threads.
    fn default() -> Self {
        Self {
            space: SpaceChoice::Preset(RACE.to_owned()),
            extent: Extent::Time(Duration::from_secs(300)),
            members: None,
            seed: 0,
            threads: 2,
            choices: Choices::default(),
            device: DeviceName::default(),
            teacher: TeacherMode::default(),
            transform: TransformMode::default(),
            budget: Budget::default(),
            cost_model: None,
            control: ControlMode::default(),
            ablation: false,
            hold_out: None,
            pool_validation: Pooling::default(),
        }
    }
}

/// Whether a fixed network of the search's budget trains beside it; the better on validation rows ships.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "program", derive(clap::ValueEnum))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ControlMode {
    /// Where a search has a time, and shares it.
    #[default]
    Auto,
    /// It does.
    Beside,
    /// It does not.
    None,
}

/// What coordinate outputs are learnt in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "program", derive(clap::ValueEnum))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TransformMode {
    /// What [`crate::transform`] chooses.
    #[default]
    Auto,
    /// As they are.
    None,
    /// Their logarithm: they have to be positive.
    Log,
    /// Their inverse hyperbolic sine.
    Asinh,
}

impl TransformMode {
    /// The requested coordinate; `None` if the data decide.
    pub(super) fn asked_for(self) -> Option<Transform> {
        match self {
            Self::Auto => None,
            Self::None => Some(Transform::None),
            Self::Log => Some(Transform::Log),
            Self::Asinh => Some(Transform::Asinh),
        }
    }
}

/// What a network may learn from beside the simulated rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "program", derive(clap::ValueEnum))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TeacherMode {
    /// A Gaussian process, where rows are few and it predicts the selection rows well; in a race,
    /// processes and committees of networks, where they err less than a network alone.
    #[default]
    Auto,
    /// In a race, whatever it errs.
    Always,
    /// Nothing.
    None,
}

impl SearchSettings {
    /// What the rows of the data are for.
    #[must_use]
    pub fn division(&self) -> Division {
        match self.space.is_race() {
            true => Division::Folds {
                hold_out: self.hold_out,
                pool: self.pool_validation,
            },
            false => Division::HeldOut,
        }
    }

    /// The terms on which costs are computed.
    pub(super) fn terms(&self) -> Terms<'_> {
        Terms {
            budget: self.budget,
            share_of_one: self.choices.share_of_one,
            cost_model: self.cost_model.as_ref(),
        }
    }

    /// The components of the outputs, if there are many outputs.
    pub(super) fn components(
        &self,
        data: &Dataset,
        train: &[usize],
        transform: Transform,
    ) -> Option<Arc<Components>> {
        if data.output_count() < MANY || !self.space.takes_components() {
            return None;
        }
        let normalisation = Normalisation::fit_transformed(data, train, transform);
        let y = normalisation.encode_y(data, train);
        Components::of(&y, data.output_count()).map(Arc::new)
    }

    /// The contenders for these data within the budget, with outputs learnt in this coordinate or
    /// by these components.
    ///
    /// # Errors
    /// The space does not support such data, or no contender keeps the budget. The error gives the
    /// reason for the first contender.
    pub(super) fn contenders(
        &self,
        data: &Dataset,
        transform: Transform,
        components: Option<&Arc<Components>>,
    ) -> Result<Vec<Contender>> {
        if self.space.is_race() {
            return self.entrants(data, transform, components);
        }
        let sizes = self.micro_sizes(data, transform, components)?;
        let all = self
            .space
            .contenders(data, components, self.members_of_search(), sizes)?;
        let (mut kept, mut refused): (Vec<Contender>, Vec<NoRoom>) = (Vec::new(), Vec::new());
        for contender in all {
            match self.check(&contender, transform) {
                Ok(()) => kept.push(contender),
                Err(problem) => refused.push(problem),
            }
        }
        if kept.is_empty() {
            return Err(refused.swap_remove(0).into());
        }
        let searched: Vec<Contender> = kept
            .iter()
            .filter(|one| matches!(one.members, Members::Searched(_)))
            .cloned()
            .collect();
        if searched.is_empty() {
            return Ok(kept);
        }
        if self.ablation {
            kept.extend(searched.iter().map(Contender::at_random));
        }
        if self.has_control() {
            let terms = self.terms();
            kept.extend(Contender::control(
                data,
                &searched,
                self.members_of(Role::Control),
                terms,
                transform,
            )?);
        }
        Ok(kept)
    }

    /// The contenders of a race: a network of each kind that applies, as wide as the budget allows.
    ///
    /// # Errors
    /// No network keeps the budget.
    fn entrants(
        &self,
        data: &Dataset,
        transform: Transform,
        components: Option<&Arc<Components>>,
    ) -> Result<Vec<Contender>> {
        let (inputs, output) = (data.input_count(), output_shape(data));
        let node = components.map_or(output, |components| components.node());
        let usual = presets::micro(inputs, node, MicroSizes::default())?;
        let usual = match components {
            None => usual,
            Some(components) => components.onto(&usual, output)?,
        };
        let conditions = Conditions {
            inputs,
            output,
            components: components.map(Arc::as_ref),
            members: self.members_of(Role::Search),
            terms: within_work_of(self.terms(), [&usual].into_iter()),
            transform,
        };
        let mut all = Vec::new();
        for kind in self.space.kinds(node.size()) {
            if let Some((space, members)) = widest(&kind.name(), kind, conditions)? {
                all.push(Contender::fixed(space, members, components.cloned()));
            }
        }
        ensure!(
            Settings,
            !all.is_empty(),
            "the budget has no room for a network of {inputs} inputs and {} outputs; raise the budget",
            output.size()
        );
        Ok(all)
    }

    /// Members of a space that is searched.
    pub(super) fn members_of_search(&self) -> usize {
        self.members.unwrap_or(SEARCH_MEMBERS)
    }

    /// The members that a role is to have.
    pub(super) fn members_of(&self, role: Role) -> usize {
        match (self.space.is_race(), role) {
            (true, _) => self.members.unwrap_or(RACE_MEMBERS),
            // Members that share nothing would each have a polish of its own, which ends early.
            (false, Role::Control) => 1,
            (false, _) => self.members_of_search(),
        }
    }

    /// Whether a control trains beside the search.
    pub(super) fn has_control(&self) -> bool {
        match self.control {
            ControlMode::Auto => self.ablation || matches!(self.extent, Extent::Time(_)),
            ControlMode::Beside => true,
            ControlMode::None => false,
        }
    }

    /// The sizes of `micro`. Within a budget, the largest sizes at which all members keep it with
    /// gated blocks. If there are so few rows that training ends with the polish, the network is
    /// not wider than without a budget.
    fn micro_sizes(
        &self,
        data: &Dataset,
        transform: Transform,
        components: Option<&Arc<Components>>,
    ) -> Result<MicroSizes> {
        let default = MicroSizes {
            heads: self.members_of_search(),
            ..MicroSizes::default()
        };
        if self.budget == Budget::default() {
            return Ok(default);
        }
        let rows = Split::resolve(data, self.seed)?.train.len();
        let widest = match self.choices.for_rows(rows).polish > 0.0 {
            true => default.width,
            false => usize::MAX,
        };
        let (inputs, output) = (data.input_count(), output_shape(data));
        let fits = |space: &Space, members: &[Architecture]| match components {
            None => check_given(space, members, self.terms(), transform).is_ok(),
            Some(components) => components.onto(space, output).is_ok_and(|space| {
                check_given(&space, &led_on(members), self.terms(), transform).is_ok()
            }),
        };
        let node = components.map_or(output, |components| components.node());
        Ok(presets::largest_micro(inputs, node, default, widest, fits)?)
    }

    fn check(&self, contender: &Contender, transform: Transform) -> Result<(), NoRoom> {
        let space = &contender.space;
        match &contender.members {
            Members::Searched(count) | Members::Random(count) => {
                Room::new(space, self.terms(), *count, transform).map(|_| ())
            }
            Members::Given(members) => check_given(space, members, self.terms(), transform),
        }
    }
}
