//! One layer with the activations of a batch: its values, and the gradients of its inputs and
//! weights.
//!
//! Activations lie in panels of sixteen samples, `[panel][feature][16]`, with features padded to a
//! multiple of sixteen. The padding is zero in every value; lanes without a sample have gradients
//! of zero.

use super::aligned::Aligned;
use super::parameters::{Parameters, Place};
use super::passes;
use super::product::{Instructions, LANES, Left, Right, Sizes, Start, Target, multiply, turn};
use crate::space::{Candidate, Function, Identity, Placement};
use std::ops::Range;

/// An operation between two vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// The operation: none of the convolutions.
    pub candidate: Candidate,
    /// Size of the vector before it.
    pub inputs: usize,
    /// Size of the vector after it.
    pub outputs: usize,
    /// Whether the identity runs beside the operation, between vectors of equal size.
    pub identity: Identity,
    /// Where the activation acts.
    pub placement: Placement,
    /// The activation, if any.
    pub activation: Option<Function>,
}

impl Layer {
    /// Whether the engine has this layer.
    #[must_use]
    pub fn is_supported(&self) -> bool {
        let beside = self.identity == Identity::Beside;
        let sized = self.inputs > 0 && self.outputs > 0;
        sized
            && (!beside || self.inputs == self.outputs)
            && match self.candidate {
                Candidate::Zero => beside,
                Candidate::Dense | Candidate::Gated => true,
                Candidate::LowRank { rank } => rank > 0,
                Candidate::Fourier { frequencies } => frequencies > 0,
                Candidate::Conv { .. } | Candidate::TransposedConv { .. } => false,
            }
    }

    /// The rows and columns of its parameters: of a matrix outputs and inputs, of a bias one row.
    ///
    /// They have the order of the candidate's parameters in the super-network.
    pub(super) fn sizes(&self) -> Vec<(usize, usize)> {
        let (inputs, outputs) = (self.inputs, self.outputs);
        match self.candidate {
            Candidate::Dense => vec![(outputs, inputs), (1, outputs)],
            Candidate::LowRank { rank } => vec![(rank, inputs), (outputs, rank), (1, outputs)],
            Candidate::Gated => [(outputs, inputs), (1, outputs)].repeat(2),
            Candidate::Fourier { .. } => {
                let waves = self.inside();
                vec![(waves, inputs), (1, waves), (outputs, waves), (1, outputs)]
            }
            _ => Vec::new(),
        }
    }

    /// The size of the vector between two matrices; 0 if there is one matrix.
    fn inside(&self) -> usize {
        match self.candidate {
            Candidate::LowRank { rank } => rank,
            Candidate::Fourier { frequencies } => 2 * frequencies * self.inputs,
            _ => 0,
        }
    }

    /// Whether the activation acts on the sum with the identity.
    fn activates_sum(&self) -> bool {
        self.identity == Identity::Beside && self.placement == Placement::After
    }
}

/// Numbers of a panel of a vector of this size.
pub(super) fn panel(features: usize) -> usize {
    features.next_multiple_of(LANES) * LANES
}

/// Buffers for gradients, shared by all layers.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    /// The gradient of the current node.
    pub(super) node: Aligned,
    /// That of the node before it, where the identity does not run beside the layer.
    before: Aligned,
    first: Aligned,
    second: Aligned,
    /// Inputs of a product, `[16 features][sample][16]`.
    turned: Aligned,
    /// The gradient of a parameter, or those of all in the layout of the weights.
    pub(super) parameter: Aligned,
}

impl Scratch {
    /// Makes room for panels of the widest vector and for the largest parameter.
    pub(super) fn reserve(&mut self, panels: usize, widest: usize, largest: usize) {
        for buffer in [
            &mut self.node,
            &mut self.before,
            &mut self.first,
            &mut self.second,
            &mut self.turned,
        ] {
            buffer.reserve(panels * panel(widest));
        }
        self.parameter.reserve(largest);
    }
}

/// What a pass over the network works with.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    pub(super) instructions: Instructions,
    pub(super) parameters: &'a mut Parameters,
    /// Panels of the batch.
    pub(super) panels: usize,
    /// Whether each gradient is kept at the place of its parameter.
    pub(super) keeps: bool,
}

/// Takes each gradient as soon as it is known: the parameters, its index, `[rows][stride]`.
pub(super) type Sink<'a> = &'a mut dyn FnMut(&mut Parameters, usize, &[f32]);

/// A layer with its activations.
#[derive(Debug, Clone)]
pub(super) struct Evaluated {
    pub(super) layer: Layer,
    /// Index of its first parameter.
    first: usize,
    /// The node after it.
    pub(super) node: Aligned,
    slopes: Aligned,
    /// The gate, or the values between two matrices.
    inner: Aligned,
    /// What the gate lets through, or the slopes of waves.
    carried: Aligned,
}

impl Evaluated {
    /// Returns a layer without activations.
    pub(super) fn new(layer: Layer, first: usize) -> Self {
        Self {
            layer,
            first,
            node: Aligned::default(),
            slopes: Aligned::default(),
            inner: Aligned::default(),
            carried: Aligned::default(),
        }
    }

    /// The indices of its parameters.
    pub(super) fn parameters(&self) -> Range<usize> {
        self.first..self.first + self.layer.sizes().len()
    }

    /// The size of the largest vector inside.
    pub(super) fn widest(&self) -> usize {
        let layer = &self.layer;
        layer.inputs.max(layer.outputs).max(layer.inside())
    }

    /// Makes room for the activations of a batch.
    fn reserve(&mut self, panels: usize) {
        let length = panels * panel(self.layer.outputs);
        self.node.reserve(length);
        self.slopes.reserve(length);
        match self.layer.candidate {
            Candidate::LowRank { .. } => self.inner.reserve(panels * panel(self.layer.inside())),
            Candidate::Fourier { .. } => {
                let inside = panels * panel(self.layer.inside());
                self.inner.reserve(inside);
                self.carried.reserve(inside);
            }
            Candidate::Gated => {
                self.inner.reserve(length);
                self.carried.reserve(length);
            }
            _ => {}
        }
    }

    /// Evaluates the layer on the node before it.
    pub(super) fn forward(&mut self, pass: &Pass<'_>, value: &[f32]) {
        self.reserve(pass.panels);
        let Layer {
            candidate,
            activation,
            ..
        } = self.layer;
        let (first, length) = (self.first, pass.panels * panel(self.layer.outputs));
        let (node, slopes) = (&mut self.node[..length], &mut self.slopes[..length]);
        let beside = self.layer.identity == Identity::Beside;
        match candidate {
            Candidate::Gated => {
                let gate = &mut self.inner[..length];
                let carried = &mut self.carried[..length];
                pass.apply(first, Some(first + 1), value, gate);
                pass.apply(first + 2, Some(first + 3), value, carried);
                let identity = beside.then(|| &value[..length]);
                passes::gated(activation, gate, slopes, carried, identity, node);
                return;
            }
            Candidate::LowRank { .. } => {
                pass.apply(first, None, value, &mut self.inner);
                pass.apply(first + 1, Some(first + 2), &self.inner, node);
            }
            Candidate::Fourier { .. } => {
                let inside = pass.panels * panel(self.layer.inside());
                let waves = &mut self.inner[..inside];
                pass.apply(first, Some(first + 1), value, waves);
                let slopes = &mut self.carried[..inside];
                passes::activate(Some(Function::Sine), waves, slopes);
                pass.apply(first + 2, Some(first + 3), waves, node);
            }
            Candidate::Dense => pass.apply(first, Some(first + 1), value, node),
            _ => {
                // The activation on the branch of nothing leaves the identity alone.
                node.copy_from_slice(&value[..length]);
                if self.layer.activates_sum() && activation.is_some() {
                    passes::activate(activation, node, slopes);
                }
                return;
            }
        }
        if self.layer.activates_sum() {
            passes::add(node, &value[..length]);
        }
        if activation.is_some() {
            passes::activate(activation, node, slopes);
        }
        if beside && !self.layer.activates_sum() {
            passes::add(node, &value[..length]);
        }
    }

    /// Gives the gradients of the parameters to `sink`, and replaces the gradient of the node in
    /// the scratch by that of the node before it, unless that is not wanted.
    pub(super) fn backward(
        &self,
        pass: &mut Pass<'_>,
        value: &[f32],
        wants_before: bool,
        scratch: &mut Scratch,
        sink: Sink<'_>,
    ) {
        let (first, length) = (self.first, pass.panels * panel(self.layer.outputs));
        let (activation, beside) = (
            self.layer.activation.is_some(),
            self.layer.identity == Identity::Beside,
        );
        let slopes = &self.slopes[..length];
        let node = &mut scratch.node[..length];
        // What acts on the sum, or has no identity beside it, has the node's own gradient.
        let on_node = activation && (!beside || self.layer.activates_sum());
        match self.layer.candidate {
            Candidate::Gated => {
                let gate = (&self.inner[..length], slopes);
                let (of_gate, of_carried) =
                    (&mut scratch.first[..length], &mut scratch.second[..length]);
                passes::gated_back(node, gate, &self.carried[..length], of_gate, of_carried);
            }
            Candidate::Zero => {
                if on_node {
                    passes::scale(node, slopes);
                }
                return;
            }
            _ => {
                let result = &mut scratch.first[..length];
                if activation && !on_node {
                    passes::products(node, slopes, result);
                } else {
                    if on_node {
                        passes::scale(node, slopes);
                    }
                    result.copy_from_slice(node);
                }
            }
        }
        let Scratch {
            node,
            before,
            first: of_first,
            second: of_second,
            turned,
            parameter,
        } = scratch;
        let start = if beside { Start::Target } else { Start::Zero };
        let input = if beside { &mut *node } else { &mut *before };
        match self.layer.candidate {
            Candidate::Gated => {
                if wants_before {
                    pass.back(first, of_first, start, input);
                    pass.back(first + 2, of_second, Start::Target, input);
                }
                pass.turn(value, self.layer.inputs, turned);
                for (matrix, gradient) in [(first, &*of_first), (first + 2, &*of_second)] {
                    pass.gradient(matrix, gradient, turned, parameter, sink);
                    pass.bias(matrix + 1, gradient, parameter, sink);
                }
            }
            Candidate::Fourier { .. } => {
                let inside = pass.panels * panel(self.layer.inside());
                let of_waves = &mut of_second[..inside];
                pass.back(first + 2, of_first, Start::Zero, of_waves);
                passes::scale(of_waves, &self.carried[..inside]);
                if wants_before {
                    pass.back(first, of_waves, start, input);
                }
                pass.turn(value, self.layer.inputs, turned);
                pass.gradient(first, of_waves, turned, parameter, sink);
                pass.bias(first + 1, of_waves, parameter, sink);
                pass.turn(&self.inner, self.layer.inside(), turned);
                pass.gradient(first + 2, of_first, turned, parameter, sink);
                pass.bias(first + 3, of_first, parameter, sink);
            }
            Candidate::LowRank { rank } => {
                pass.back(first + 1, of_first, Start::Zero, of_second);
                if wants_before {
                    pass.back(first, of_second, start, input);
                }
                pass.turn(value, self.layer.inputs, turned);
                pass.gradient(first, of_second, turned, parameter, sink);
                pass.turn(&self.inner, rank, turned);
                pass.gradient(first + 1, of_first, turned, parameter, sink);
                pass.bias(first + 2, of_first, parameter, sink);
            }
            _ => {
                if wants_before {
                    pass.back(first, of_first, start, input);
                }
                pass.turn(value, self.layer.inputs, turned);
                pass.gradient(first, of_first, turned, parameter, sink);
                pass.bias(first + 1, of_first, parameter, sink);
            }
        }
        if !beside {
            std::mem::swap(node, before);
        }
    }
}

impl Pass<'_> {
    /// Where a parameter's gradient is written.
    fn target<'a>(&self, place: Place, parameter: &'a mut [f32]) -> &'a mut [f32] {
        match self.keeps {
            true => &mut parameter[place.range()],
            false => &mut parameter[..place.rows * place.stride],
        }
    }

    /// Writes a matrix times the values, plus a bias.
    fn apply(&self, matrix: usize, bias: Option<usize>, value: &[f32], target: &mut [f32]) {
        let place = self.parameters.place(matrix);
        let left = Left {
            data: self.parameters.values(matrix),
            row: place.stride,
            step: 1,
            block: LANES,
        };
        let start = match bias {
            Some(bias) => Start::Rows(self.parameters.values(bias)),
            None => Start::Zero,
        };
        self.product(place.rows, place.columns, left, value, start, target);
    }

    /// Writes the transpose of a matrix times the gradients of its results.
    fn back(&self, matrix: usize, gradients: &[f32], start: Start<'_>, target: &mut [f32]) {
        let place = self.parameters.place(matrix);
        let left = Left {
            data: self.parameters.values(matrix),
            row: 1,
            step: place.stride,
            block: LANES * place.stride,
        };
        self.product(place.columns, place.rows, left, gradients, start, target);
    }

    /// Writes a product whose right matrix and target are vectors of the batch.
    fn product(
        &self,
        rows: usize,
        inner: usize,
        left: Left<'_>,
        right: &[f32],
        start: Start<'_>,
        target: &mut [f32],
    ) {
        let sizes = Sizes {
            rows,
            inner,
            columns: self.panels * LANES,
        };
        let right = Right {
            data: right,
            panel: panel(inner),
        };
        let target = Target {
            data: target,
            row: LANES,
            panel: panel(rows),
        };
        multiply(self.instructions, sizes, left, right, start, target);
    }

    /// Transposes vectors of the batch.
    fn turn(&self, value: &[f32], features: usize, turned: &mut [f32]) {
        let samples = self.panels * LANES;
        for p in 0..self.panels {
            for block in 0..features.div_ceil(LANES) {
                let source = &value[p * panel(features) + block * LANES * LANES..];
                let target = &mut turned[(block * samples + p * LANES) * LANES..];
                turn(self.instructions, source, LANES, target, LANES);
            }
        }
    }

    /// Gives the gradient of a matrix to `sink`.
    fn gradient(
        &mut self,
        matrix: usize,
        gradients: &[f32],
        turned: &[f32],
        parameter: &mut [f32],
        sink: &mut dyn FnMut(&mut Parameters, usize, &[f32]),
    ) {
        let place = self.parameters.place(matrix);
        let samples = self.panels * LANES;
        let sizes = Sizes {
            rows: place.rows,
            inner: samples,
            columns: place.stride,
        };
        let left = Left {
            data: gradients,
            row: LANES,
            step: 1,
            block: panel(place.rows),
        };
        let right = Right {
            data: turned,
            panel: samples * LANES,
        };
        let parameter = self.target(place, parameter);
        let target = Target {
            data: parameter,
            row: place.stride,
            panel: LANES,
        };
        multiply(self.instructions, sizes, left, right, Start::Zero, target);
        sink(self.parameters, matrix, parameter);
    }

    /// Gives the gradient of a bias to `sink`.
    fn bias(
        &mut self,
        bias: usize,
        gradients: &[f32],
        parameter: &mut [f32],
        sink: &mut dyn FnMut(&mut Parameters, usize, &[f32]),
    ) {
        let place = self.parameters.place(bias);
        let gradient = self.target(place, parameter);
        gradient.fill(0.0);
        let sums = &mut gradient[..place.columns];
        passes::sums(gradients, panel(place.columns), self.panels, sums);
        sink(self.parameters, bias, gradient);
    }
}
