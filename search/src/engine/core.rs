//! The engine without candle: layers, parameters and steps on slices.

use super::aligned::Aligned;
use super::layer::{Evaluated, Layer, Pass, Scratch, Sink, panel};
use super::parameters::{Moments, Parameters, unpack};
use super::passes;
use super::product::{Instructions, LANES, turn};
use super::soap::Soap;
use std::ops::Range;

/// Rows that are evaluated together where the caller sets no batch.
const CHUNK: usize = 256;

/// Rows of data: `x: [rows][inputs]`, `y: [rows][outputs]`.
#[derive(Debug, Clone, Copy)]
pub struct Data<'a> {
    /// The inputs.
    pub x: &'a [f32],
    /// The targets.
    pub y: &'a [f32],
}

/// A chain of groups of alternative layers, with the weights of all and what trains them.
///
/// A *choice* selects a layer in each group. Nothing is allocated in a step, unless its batch is
/// larger, or its choice another, than those before. The bits of a result depend on the processor's
/// instructions, and on nothing else but the arguments.
#[derive(Debug, Clone)]
pub struct Core {
    instructions: Instructions,
    groups: Vec<Vec<Evaluated>>,
    parameters: Parameters,
    scratch: Scratch,
    /// Whether a pass leaves all gradients in the scratch.
    keeps: bool,
    /// The inputs of a batch, and its targets.
    input: Aligned,
    target: Aligned,
    /// Rows of a batch, `[16 columns][sample][16]`.
    gathered: Aligned,
    inputs: usize,
    outputs: usize,
    widest: usize,
    /// Numbers of the largest parameter, with padding.
    largest: usize,
}

impl Core {
    /// Returns an engine of these groups of layers with weights of zero, or `None` if it does not
    /// support one of the layers, or sizes do not follow each other.
    #[must_use]
    pub fn new(groups: &[Vec<Layer>], decay: f64) -> Option<Self> {
        let inputs = groups.first()?.first()?.inputs;
        let mut size = inputs;
        let (mut evaluated, mut sizes) = (Vec::new(), Vec::new());
        for group in groups {
            let outputs = group.first()?.outputs;
            let mut layers = Vec::new();
            for &layer in group {
                let fits = layer.inputs == size && layer.outputs == outputs;
                if !fits || !layer.is_supported() {
                    return None;
                }
                layers.push(Evaluated::new(layer, sizes.len()));
                sizes.extend(layer.sizes());
            }
            size = outputs;
            evaluated.push(layers);
        }
        let layers = evaluated.iter().flatten();
        let parameters = Parameters::zeros(&sizes, decay);
        let places = (0..parameters.count()).map(|index| parameters.place(index).range().len());
        Some(Self {
            instructions: Instructions::available()[0],
            widest: layers.map(Evaluated::widest).max()?,
            largest: places.max().unwrap_or(0),
            groups: evaluated,
            parameters,
            scratch: Scratch::default(),
            keeps: false,
            input: Aligned::default(),
            target: Aligned::default(),
            gathered: Aligned::default(),
            inputs,
            outputs: size,
        })
    }

    /// Uses these instructions instead of the fastest.
    ///
    /// # Panics
    /// Later, if the processor lacks them.
    pub fn use_instructions(&mut self, instructions: Instructions) {
        self.instructions = instructions;
    }

    /// Returns the number of inputs.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Returns the number of outputs.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Returns the number of parameters: those of each layer of each group, in the order of the
    /// super-network.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.parameters.count()
    }

    /// Returns the weights of a parameter: `[inputs][outputs]` of a matrix, `[outputs]` of a bias.
    ///
    /// # Panics
    /// If there is no such parameter.
    #[must_use]
    pub fn weights(&self, parameter: usize) -> Vec<f32> {
        self.parameters.weights(parameter)
    }

    /// Replaces the weights of a parameter.
    ///
    /// *Shapes*: as [`Core::weights`].
    ///
    /// # Panics
    /// If there is no such parameter, or it has another number of weights.
    pub fn set_weights(&mut self, parameter: usize, weights: &[f32]) {
        self.parameters.set_weights(parameter, weights);
    }

    /// Returns the optimiser's moments of a parameter.
    ///
    /// # Panics
    /// If there is no such parameter.
    #[must_use]
    pub fn moments(&self, parameter: usize) -> Moments {
        self.parameters.moments(parameter)
    }

    /// Replaces the optimiser's moments of a parameter.
    ///
    /// # Panics
    /// If there is no such parameter, or it has another number of weights.
    pub fn set_moments(&mut self, parameter: usize, moments: &Moments) {
        self.parameters.set_moments(parameter, moments);
    }

    /// Takes a step of AdamW of size `rate` on the mean squared error of a batch, the rows of the
    /// data with these indices; returns the error before the step.
    ///
    /// Parameters that the choice does not use keep their weights and moments.
    ///
    /// # Panics
    /// If a row or a choice does not exist, or there are no rows.
    pub fn step(&mut self, data: Data<'_>, rows: &[usize], choice: &[usize], rate: f64) -> f32 {
        let all = rows.len();
        let sum = self.differentiated(data, rows, choice, all, &mut |all, index, gradient| {
            all.adamw(index, gradient, rate);
        });
        self.mean(sum, rows)
    }

    /// Returns the state of SOAP before the first step of [`Core::soap_step`].
    #[must_use]
    pub fn soap(&self) -> Soap {
        Soap::new(&self.parameters)
    }

    /// Takes a step of SOAP instead of AdamW's; as [`Core::step`] otherwise. The moments of biases
    /// are the engine's, those of matrices are in `soap`.
    ///
    /// # Panics
    /// As [`Core::step`], or if the state is of other layers.
    pub fn soap_step(
        &mut self,
        soap: &mut Soap,
        data: Data<'_>,
        rows: &[usize],
        choice: &[usize],
        rate: f64,
    ) -> f32 {
        let (by, all) = (self.instructions, rows.len());
        let sum = self.differentiated(data, rows, choice, all, &mut |all, index, gradient| {
            soap.step(by, all, index, gradient, rate);
        });
        self.mean(sum, rows)
    }

    /// Returns the mean squared error of a batch and its gradients, of each parameter that the
    /// choice uses: its index, and the gradient in the layout of its weights.
    ///
    /// # Panics
    /// As [`Core::step`].
    pub fn gradients(
        &mut self,
        data: Data<'_>,
        rows: &[usize],
        choice: &[usize],
    ) -> (f32, Vec<(usize, Vec<f32>)>) {
        let mut found = Vec::new();
        let all = rows.len();
        let sum = self.differentiated(data, rows, choice, all, &mut |all, index, gradient| {
            found.push((index, unpack(all.place(index), gradient)));
        });
        (self.mean(sum, rows), found)
    }

    /// Writes the gradients of a part of a batch of `all` rows to the places of their parameters in
    /// `gradients`, which has [`Core::length`]; returns the sum of the part's squared errors.
    pub(super) fn part(
        &mut self,
        data: Data<'_>,
        rows: &[usize],
        choice: &[usize],
        all: usize,
        gradients: &mut Aligned,
    ) -> f64 {
        std::mem::swap(&mut self.scratch.parameter, gradients);
        self.keeps = true;
        let sum = self.differentiated(data, rows, choice, all, &mut |_, _, _| {});
        self.keeps = false;
        std::mem::swap(&mut self.scratch.parameter, gradients);
        sum
    }

    /// Updates a parameter by its gradient, `[rows][stride]`, by SOAP if there is its state, else by
    /// AdamW.
    pub(super) fn update(
        &mut self,
        soap: Option<&mut Soap>,
        index: usize,
        gradient: &[f32],
        rate: f64,
    ) {
        let (by, parameters) = (self.instructions, &mut self.parameters);
        match soap {
            None => parameters.adamw(index, gradient, rate),
            Some(soap) => soap.step(by, parameters, index, gradient, rate),
        }
    }

    /// The parameters of each layer, `[group][candidate]`.
    pub(super) fn layers(&self) -> Vec<Vec<Range<usize>>> {
        let of = |group: &Vec<Evaluated>| group.iter().map(Evaluated::parameters).collect();
        self.groups.iter().map(of).collect()
    }

    /// The numbers of all parameters, with padding.
    pub(super) fn length(&self) -> usize {
        let places = (0..self.parameters()).map(|index| self.range(index).end);
        places.max().unwrap_or(0)
    }

    /// The numbers of the largest parameter, with padding.
    pub(super) fn largest(&self) -> usize {
        self.largest
    }

    /// The place of a parameter among the numbers of all.
    pub(super) fn range(&self, index: usize) -> Range<usize> {
        self.parameters.place(index).range()
    }

    /// The rows and columns of a parameter: outputs and inputs of a matrix, one row of a bias.
    pub(super) fn sizes(&self, index: usize) -> (usize, usize) {
        let place = self.parameters.place(index);
        (place.rows, place.columns)
    }

    /// The weights of a parameter, `[rows][stride]`.
    pub(super) fn values(&self, index: usize) -> &[f32] {
        self.parameters.values(index)
    }

    /// The weights of a parameter, `[rows][stride]`, to be changed.
    pub(super) fn values_mut(&mut self, index: usize) -> &mut [f32] {
        self.parameters.values_mut(index)
    }

    /// Returns the mean squared error of these rows, NaN if there are none.
    ///
    /// # Panics
    /// If a row or a choice does not exist.
    pub fn loss(&mut self, data: Data<'_>, rows: &[usize], choice: &[usize]) -> f32 {
        let sums = rows.chunks(CHUNK).map(|rows| {
            self.evaluate(data.x, rows, choice);
            self.squared_errors(data.y, rows, choice, 0.0)
        });
        let sum: f64 = sums.sum();
        (sum / (rows.len() * self.outputs) as f64) as f32
    }

    /// Returns the outputs of all rows, `[rows][outputs]`.
    ///
    /// *Shapes*: `x`: `[rows][inputs]`.
    ///
    /// # Panics
    /// If a choice does not exist.
    pub fn forward(&mut self, x: &[f32], choice: &[usize]) -> Vec<f32> {
        let count = x.len() / self.inputs;
        let mut found = vec![0.0; count * self.outputs];
        let all: Vec<usize> = (0..count).collect();
        for rows in all.chunks(CHUNK) {
            self.evaluate(x, rows, choice);
            let node = self.last(choice);
            for (k, &row) in rows.iter().enumerate() {
                let lane = k / LANES * panel(self.outputs) + k % LANES;
                let row = &mut found[row * self.outputs..][..self.outputs];
                for (output, value) in row.iter_mut().enumerate() {
                    *value = node[lane + output * LANES];
                }
            }
        }
        found
    }

    /// The mean of a sum over the outputs of these rows.
    fn mean(&self, sum: f64, rows: &[usize]) -> f32 {
        (sum / (rows.len() * self.outputs) as f64) as f32
    }

    /// Evaluates rows, a part of a batch of `all` rows, and gives the gradients of their share of
    /// its mean squared error to `sink`, from the last layer to the first; returns the sum of their
    /// squared errors.
    fn differentiated(
        &mut self,
        data: Data<'_>,
        rows: &[usize],
        choice: &[usize],
        all: usize,
        sink: Sink<'_>,
    ) -> f64 {
        assert!(!rows.is_empty(), "a batch has some rows");
        self.evaluate(data.x, rows, choice);
        let count = (all * self.outputs) as f64;
        let sum = self.squared_errors(data.y, rows, choice, (2.0 / count) as f32);
        let mut pass = Pass {
            instructions: self.instructions,
            parameters: &mut self.parameters,
            panels: rows.len().div_ceil(LANES),
            keeps: self.keeps,
        };
        for (index, (group, &chosen)) in self.groups.iter().zip(choice).enumerate().rev() {
            let value: &[f32] = match index.checked_sub(1) {
                None => &self.input,
                Some(before) => &self.groups[before][choice[before]].node,
            };
            group[chosen].backward(&mut pass, value, index > 0, &mut self.scratch, sink);
        }
        sum
    }

    /// Evaluates the network on the rows of `x` with these indices.
    fn evaluate(&mut self, x: &[f32], rows: &[usize], choice: &[usize]) {
        assert_eq!(choice.len(), self.groups.len(), "each group has a choice");
        let panels = rows.len().div_ceil(LANES);
        self.scratch.reserve(panels, self.widest, self.largest);
        self.gathered
            .reserve(panels * panel(self.inputs.max(self.outputs)));
        self.input.reserve(panels * panel(self.inputs));
        let instructions = self.instructions;
        gather(
            instructions,
            x,
            self.inputs,
            rows,
            &mut self.gathered,
            &mut self.input,
        );
        let pass = Pass {
            instructions,
            parameters: &mut self.parameters,
            panels,
            keeps: self.keeps,
        };
        for (index, &chosen) in choice.iter().enumerate() {
            let (before, rest) = self.groups.split_at_mut(index);
            let value: &[f32] = match before.last() {
                None => &self.input,
                Some(group) => &group[choice[index - 1]].node,
            };
            rest[0][chosen].forward(&pass, value);
        }
    }

    /// Returns the sum of the squared errors of the last evaluation, and leaves `factor` times the
    /// errors in the scratch.
    fn squared_errors(&mut self, y: &[f32], rows: &[usize], choice: &[usize], factor: f32) -> f64 {
        let (panels, width) = (rows.len().div_ceil(LANES), panel(self.outputs));
        self.target.reserve(panels * width);
        gather(
            self.instructions,
            y,
            self.outputs,
            rows,
            &mut self.gathered,
            &mut self.target,
        );
        let length = panels * width;
        let last = self.groups.len() - 1;
        let node = &self.groups[last][choice[last]].node[..length];
        self.scratch.node[..length].copy_from_slice(node);
        let outputs = self.scratch.node[..length].chunks_exact_mut(width);
        let both = outputs.zip(self.target.chunks_exact(width)).enumerate();
        let sums = both.map(|(p, (outputs, targets))| {
            let valid = LANES.min(rows.len() - p * LANES);
            passes::errors(outputs, targets, valid, factor)
        });
        sums.sum()
    }

    /// The last node of the last evaluation.
    fn last(&self, choice: &[usize]) -> &[f32] {
        let last = self.groups.len() - 1;
        &self.groups[last][choice[last]].node
    }
}

/// Writes rows of a matrix of `columns` columns to panels, `[panel][columns, padded][16]`; padding
/// and lanes without a row become zero.
fn gather(
    instructions: Instructions,
    from: &[f32],
    columns: usize,
    rows: &[usize],
    gathered: &mut [f32],
    target: &mut [f32],
) {
    let blocks = columns.div_ceil(LANES);
    for (p, rows) in rows.chunks(LANES).enumerate() {
        // A panel row by row: `[16][columns, padded]`.
        let stride = blocks * LANES;
        let panel = &mut gathered[..LANES * stride];
        for (lane, row) in panel.chunks_exact_mut(stride).enumerate() {
            let (values, padding) = row.split_at_mut(columns);
            padding.fill(0.0);
            match rows.get(lane) {
                Some(&row) => values.copy_from_slice(&from[row * columns..][..columns]),
                None => values.fill(0.0),
            }
        }
        for block in 0..blocks {
            let source = &panel[block * LANES..];
            let target = &mut target[(p * stride + block * LANES) * LANES..];
            turn(instructions, source, stride, target, LANES);
        }
    }
}
