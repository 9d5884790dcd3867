//! Steps that are divided between two lanes, which two threads may take side by side.
//!
//! Each lane has a replica of the weights. Where members share weights, a *batch* is divided: each
//! lane takes the gradients of its part; then it adds both parts' for the parameters that it owns,
//! updates these, and takes the new weights of the others from the other lane. Where members share
//! nothing, the *members* are divided: each lane takes whole steps of its own, and no lane waits
//! within them.
//!
//! Work is divided in the same way whether one thread works or two, and sums have one order, so that
//! the bits do not depend on the number of threads. Which is faster is found out by the clock as the
//! training goes on ([`tempo`]).

mod meeting;
mod tempo;
#[cfg(test)]
mod tests;

use super::aligned::Aligned;
use super::core::{Core, Data};
use super::parameters::Moments;
use super::passes;
use super::product::LANES;
use super::soap::{Soap, cost};
use meeting::Meeting;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;
use std::time::Instant;
use tempo::Tempo;

/// The rows of a training, inputs and targets, as [`Data`] has them.
pub type Owned = Arc<[Vec<f32>; 2]>;

/// What lanes divide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Divided {
    /// Batches.
    Batches,
    /// Members that share no parameters: a member has the same candidate in each group, and those of
    /// even numbers belong to lane 0.
    Members,
}

/// An engine whose steps are divided.
#[derive(Debug)]
pub struct Lanes {
    shared: Arc<Shared>,
    /// The thread of lane 1; `None` if one thread takes both.
    worker: Option<JoinHandle<()>>,
    tempo: Tempo,
}

/// What both threads see.
#[derive(Debug)]
struct Shared {
    data: Owned,
    divided: Divided,
    /// The parameters of each layer, `[group][candidate]`.
    layers: Vec<Vec<Range<usize>>>,
    /// By parameter, the lane that updates it.
    owners: Vec<usize>,
    lanes: [Mutex<Lane>; 2],
    /// What each lane gives to the other.
    gradients: [RwLock<Gradients>; 2],
    weights: [RwLock<Aligned>; 2],
    tasks: RwLock<[Task; 2]>,
    meeting: Meeting,
}

/// A replica of the weights, with the optimiser's state of the parameters that the lane owns.
#[derive(Debug)]
struct Lane {
    core: Core,
    soap: Option<Soap>,
    /// The sum of both parts' gradients of a parameter.
    sum: Aligned,
}

/// The gradients of a part of a batch, in the layout of the weights, and its squared errors.
#[derive(Debug, Default)]
struct Gradients {
    numbers: Aligned,
    errors: f64,
}

/// A step. Where batches are divided, the first one is that of both lanes; else each has its own.
#[derive(Debug, Default)]
struct Task {
    rows: Vec<usize>,
    choice: Vec<usize>,
    rate: f64,
}

impl Task {
    fn set(&mut self, rows: &[usize], choice: &[usize], rate: f64) {
        self.rows.clear();
        self.rows.extend_from_slice(rows);
        self.choice.clear();
        self.choice.extend_from_slice(choice);
        self.rate = rate;
    }

    /// The rows of a lane: those of whole panels, the first lane's being as many or one more.
    fn part(&self, lane: usize) -> &[usize] {
        let panels = self.rows.len().div_ceil(LANES);
        let first = (panels.div_ceil(2) * LANES).min(self.rows.len());
        match lane {
            0 => &self.rows[..first],
            _ => &self.rows[first..],
        }
    }
}

/// The other thread's panics end the caller's step too.
const HEALTHY: &str = "no holder panics";

impl Shared {
    fn lane(&self, lane: usize) -> MutexGuard<'_, Lane> {
        self.lanes[lane].lock().expect(HEALTHY)
    }

    fn tasks(&self) -> RwLockReadGuard<'_, [Task; 2]> {
        self.tasks.read().expect(HEALTHY)
    }

    /// The lane with the present weights of the parameters of a choice.
    fn of_choice(&self, choice: &[usize]) -> usize {
        match self.divided {
            Divided::Batches => 0,
            Divided::Members => lane_of_member(choice[0]),
        }
    }

    fn given(&self, lane: usize) -> RwLockReadGuard<'_, Gradients> {
        self.gradients[lane].read().expect(HEALTHY)
    }

    fn writes(&self, lane: usize) -> RwLockWriteGuard<'_, Aligned> {
        self.weights[lane].write().expect(HEALTHY)
    }

    /// The parameters of a step that this lane owns.
    fn owned(&self, task: &Task, lane: usize) -> impl Iterator<Item = usize> {
        let layers = self.layers.iter().zip(&task.choice);
        let used = layers.flat_map(|(group, &chosen)| group[chosen].clone());
        used.filter(move |&index| self.owners[index] == lane)
    }

    /// Takes the gradients of a lane's part, by any replica.
    fn differentiate(&self, replica: &mut Lane, task: &Task, lane: usize) {
        let rows = task.part(lane);
        let mut given = self.gradients[lane].write().expect(HEALTHY);
        let Gradients { numbers, errors } = &mut *given;
        *errors = match rows.is_empty() {
            true => 0.0,
            false => {
                let [x, y] = &*self.data;
                let all = task.rows.len();
                let core = &mut replica.core;
                core.part(Data { x, y }, rows, &task.choice, all, numbers)
            }
        };
    }

    /// Updates the parameters that a lane owns by both parts' gradients, and gives their weights.
    fn update(&self, own: &mut Lane, task: &Task, lane: usize) {
        let [first, second] = [0, 1].map(|lane| self.given(lane));
        let mut weights = self.writes(lane);
        let is_divided = !task.part(1).is_empty();
        for index in self.owned(task, lane) {
            let range = own.core.range(index);
            let sum = &mut own.sum[..range.len()];
            let first = &first.numbers[range.clone()];
            match is_divided {
                true => passes::sum(first, &second.numbers[range.clone()], sum),
                false => sum.copy_from_slice(first),
            }
            own.core.update(own.soap.as_mut(), index, sum, task.rate);
            weights[range].copy_from_slice(own.core.values(index));
        }
    }

    /// Takes the weights that the other lane has updated.
    fn take(&self, own: &mut Lane, task: &Task, lane: usize) {
        let weights = self.weights[1 - lane].read().expect(HEALTHY);
        for index in self.owned(task, 1 - lane) {
            let range = own.core.range(index);
            own.core.values_mut(index).copy_from_slice(&weights[range]);
        }
    }

    /// Takes a member's whole step.
    fn whole(&self, task: &Task, lane: usize) {
        let Lane { core, soap, .. } = &mut *self.lane(lane);
        let [x, y] = &*self.data;
        let (data, rows, choice) = (Data { x, y }, &task.rows, &task.choice);
        let loss = match soap {
            None => core.step(data, rows, choice, task.rate),
            Some(soap) => core.soap_step(soap, data, rows, choice, task.rate),
        };
        let count = rows.len() * core.outputs();
        self.gradients[lane].write().expect(HEALTHY).errors = f64::from(loss) * count as f64;
    }

    /// Takes a lane's part of a step; `false` if the other thread has left.
    fn beside(&self, lane: usize) -> bool {
        let tasks = self.tasks();
        if self.divided == Divided::Members {
            self.whole(&tasks[lane], lane);
            return self.meeting.meet(lane);
        }
        let task = &tasks[0];
        let mut own = self.lane(lane);
        self.differentiate(&mut own, task, lane);
        if !self.meeting.meet(lane) {
            return false;
        }
        self.update(&mut own, task, lane);
        if !self.meeting.meet(lane) {
            return false;
        }
        self.take(&mut own, task, lane);
        true
    }

    /// Takes both lanes' parts, by one thread.
    fn alone(&self) {
        let tasks = self.tasks();
        if self.divided == Divided::Members {
            self.whole(&tasks[0], 0);
            self.whole(&tasks[1], 1);
            return;
        }
        let task = &tasks[0];
        let [mut first, mut second] = [0, 1].map(|lane| self.lane(lane));
        // The replicas are equal, and the first one's activations are near.
        self.differentiate(&mut first, task, 0);
        self.differentiate(&mut first, task, 1);
        self.update(&mut first, task, 0);
        self.update(&mut second, task, 1);
        self.take(&mut first, task, 0);
        self.take(&mut second, task, 1);
    }

    /// The life of the thread of lane 1.
    fn work(&self) {
        /// Leaves at the end, or when a step panics.
        struct Leaving<'a>(&'a Meeting);
        impl Drop for Leaving<'_> {
            fn drop(&mut self) {
                self.0.leave();
            }
        }
        let _leaving = Leaving(&self.meeting);
        while self.meeting.meet(1) {
            if !self.beside(1) {
                return;
            }
        }
    }
}

impl Lanes {
    /// Returns two lanes with the weights and moments of an engine, for steps of AdamW or SOAP on
    /// these rows, by `threads` threads: one, or more, which are two. Members are divided if they
    /// share nothing.
    ///
    /// # Errors
    /// If the system has no other thread.
    pub fn new(
        core: &Core,
        is_soap: bool,
        data: Owned,
        threads: usize,
        divided: Divided,
    ) -> Result<Self, std::io::Error> {
        let layers = core.layers();
        let length = core.length();
        let buffer = || RwLock::new(Aligned::zeros(length));
        let lane = || {
            let core = core.clone();
            Mutex::new(Lane {
                soap: is_soap.then(|| core.soap()),
                sum: Aligned::zeros(core.largest()),
                core,
            })
        };
        let gradients = || {
            RwLock::new(Gradients {
                numbers: Aligned::zeros(length),
                errors: 0.0,
            })
        };
        let cost = |index| {
            let (rows, columns) = core.sizes(index);
            match is_soap {
                true => cost(rows, columns),
                false => (rows * columns) as u64,
            }
        };
        let shared = Arc::new(Shared {
            data,
            divided,
            owners: match divided {
                Divided::Batches => owners(&layers, cost),
                Divided::Members => owners_of_members(&layers),
            },
            layers,
            lanes: [lane(), lane()],
            gradients: [gradients(), gradients()],
            weights: [buffer(), buffer()],
            tasks: RwLock::default(),
            meeting: Meeting::default(),
        });
        let worker = match threads > 1 {
            true => {
                let shared = Arc::clone(&shared);
                let thread = std::thread::Builder::new().name("second lane".to_owned());
                Some(thread.spawn(move || shared.work())?)
            }
            false => None,
        };
        Ok(Self {
            shared,
            worker,
            tempo: Tempo::new(),
        })
    }

    /// Whether the steps of two members can be taken side by side.
    #[must_use]
    pub fn is_beside(&self, choices: [&[usize]; 2]) -> bool {
        let [first, second] = choices.map(|choice| self.shared.of_choice(choice));
        first != second
    }

    /// Takes a step of size `rate` on the mean squared error of the rows with these indices; returns
    /// the error before the step.
    ///
    /// Parameters that the choice does not use keep their weights and moments.
    ///
    /// # Panics
    /// If a row or a choice does not exist, or there are no rows.
    pub fn step(&mut self, rows: &[usize], choice: &[usize], rate: f64) -> f32 {
        let shared = Arc::clone(&self.shared);
        let lane = shared.of_choice(choice);
        shared.tasks.write().expect(HEALTHY)[lane].set(rows, choice, rate);
        match shared.divided {
            Divided::Batches => self.by_both(),
            Divided::Members => shared.whole(&shared.tasks()[lane], lane),
        }
        let errors = match shared.divided {
            Divided::Batches => shared.given(0).errors + shared.given(1).errors,
            Divided::Members => shared.given(lane).errors,
        };
        self.mean(errors, rows)
    }

    /// Takes the steps of two members of different lanes on the same rows; returns their errors
    /// before the steps. The same as two of [`Lanes::step`].
    ///
    /// # Panics
    /// As [`Lanes::step`], or if the members are of one lane ([`Lanes::is_beside`]).
    pub fn steps(&mut self, rows: &[usize], choices: [&[usize]; 2], rate: f64) -> [f32; 2] {
        assert!(self.is_beside(choices), "two members of two lanes");
        let lanes = choices.map(|choice| self.shared.of_choice(choice));
        {
            let mut tasks = self.shared.tasks.write().expect(HEALTHY);
            for (choice, lane) in choices.into_iter().zip(lanes) {
                tasks[lane].set(rows, choice, rate);
            }
        }
        self.by_both();
        lanes.map(|lane| self.mean(self.shared.given(lane).errors, rows))
    }

    /// Takes what is set for both lanes, by one thread or two.
    fn by_both(&mut self) {
        let shared = Arc::clone(&self.shared);
        let began = Instant::now();
        match self.worker.is_some() && self.tempo.way() == 1 {
            true => {
                if !(shared.meeting.meet(0) && shared.beside(0)) {
                    self.end();
                }
            }
            false => shared.alone(),
        }
        let now = Instant::now();
        self.tempo.took(now - began, now);
    }

    /// The mean of a sum over the outputs of these rows.
    fn mean(&self, sum: f64, rows: &[usize]) -> f32 {
        let count = rows.len() * self.shared.lane(0).core.outputs();
        (sum / count as f64) as f32
    }

    /// Passes the panic of the other thread on.
    fn end(&mut self) {
        if let Some(Err(panic)) = self.worker.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
    }

    /// Does something with the replica that has the present weights of a choice; it must not change
    /// them.
    pub fn with_core<R>(&self, choice: &[usize], work: impl FnOnce(&mut Core) -> R) -> R {
        work(&mut self.shared.lane(self.shared.of_choice(choice)).core)
    }

    /// Returns the weights of a parameter, as [`Core::weights`] does.
    ///
    /// # Panics
    /// If there is no such parameter.
    #[must_use]
    pub fn weights(&self, parameter: usize) -> Vec<f32> {
        let owner = self.shared.owners[parameter];
        self.shared.lane(owner).core.weights(parameter)
    }

    /// Replaces the weights of a parameter.
    ///
    /// # Panics
    /// If there is no such parameter, or it has another number of weights.
    pub fn set_weights(&mut self, parameter: usize, weights: &[f32]) {
        for lane in [0, 1] {
            self.shared.lane(lane).core.set_weights(parameter, weights);
        }
    }

    /// Returns the optimiser's moments of a parameter, as [`Core::moments`] does.
    ///
    /// # Panics
    /// If there is no such parameter.
    #[must_use]
    pub fn moments(&self, parameter: usize) -> Moments {
        let owner = self.shared.owners[parameter];
        self.shared.lane(owner).core.moments(parameter)
    }

    /// Replaces the optimiser's moments of a parameter.
    ///
    /// # Panics
    /// If there is no such parameter, or it has another number of weights.
    pub fn set_moments(&mut self, parameter: usize, moments: &Moments) {
        for lane in [0, 1] {
            self.shared.lane(lane).core.set_moments(parameter, moments);
        }
    }

    /// Returns the state of SOAP, as [`Soap::save`] does; nothing for AdamW.
    #[must_use]
    pub fn save_soap(&self) -> Vec<(u32, Vec<f32>)> {
        let saved = |lane: usize| {
            let lane = self.shared.lane(lane);
            lane.soap.as_ref().map(Soap::save).unwrap_or_default()
        };
        let [first, second] = [0, 1].map(saved);
        // SOAP has a state of each matrix, the parameters of more than one row.
        let lane = self.shared.lane(0);
        let owners = self.shared.owners.iter().enumerate();
        let owners = owners.filter(|&(index, _)| lane.core.sizes(index).0 > 1);
        let both = first.into_iter().zip(second).zip(owners);
        both.map(|((first, second), (_, &owner))| if owner == 0 { first } else { second })
            .collect()
    }

    /// Restores a state that [`Lanes::save_soap`] returned; `false` if it is of another training.
    #[must_use]
    pub fn restore_soap(&mut self, saved: &[(u32, Vec<f32>)]) -> bool {
        [0, 1].into_iter().all(|lane| {
            let soap = &mut self.shared.lane(lane).soap;
            let restored = soap.as_mut().map(|soap| soap.restore(saved));
            restored.unwrap_or(saved.is_empty())
        })
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.shared.meeting.leave();
        if let Some(worker) = self.worker.take() {
            // Its panic has ended a step of the caller, or does not concern one.
            drop(worker.join());
        }
    }
}

/// The lane of a member.
fn lane_of_member(member: usize) -> usize {
    member % 2
}

/// The lanes of the parameters of members, each of which has a candidate of its own in every group.
fn owners_of_members(layers: &[Vec<Range<usize>>]) -> Vec<usize> {
    let parameters = layers.iter().flat_map(|group| group.iter().enumerate());
    let of_each = parameters.flat_map(|(member, range)| range.clone().map(move |_| member));
    of_each.map(lane_of_member).collect()
}

/// Divides the parameters between the lanes so that both update for the same time: the dearest
/// first, each to the lane with less to do. Alternatives of a group are divided each by itself, after
/// the layers that have none.
fn owners(layers: &[Vec<Range<usize>>], cost: impl Fn(usize) -> u64) -> Vec<usize> {
    let count = layers.iter().flatten().map(|range| range.end).max();
    let mut owners = vec![0; count.unwrap_or(0)];
    let mut divide = |mut parameters: Vec<usize>, mut loads: [u64; 2]| {
        // Stable: equal costs stay in the order of the network.
        parameters.sort_by_key(|&index| std::cmp::Reverse(cost(index)));
        for index in parameters {
            let lane = usize::from(loads[1] < loads[0]);
            owners[index] = lane;
            loads[lane] += cost(index);
        }
        loads
    };
    let single = layers.iter().filter(|group| group.len() == 1);
    let loads = divide(single.flatten().flat_map(Range::clone).collect(), [0; 2]);
    for range in layers.iter().filter(|group| group.len() > 1).flatten() {
        divide(range.clone().collect(), loads);
    }
    owners
}
