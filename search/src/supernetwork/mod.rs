//! The super-network: the weights that all architectures of a super-architecture share, and their
//! evaluation.
//!
//! Each candidate of each group has its own parameters; an evaluation uses those of one
//! architecture. They have the names and layouts of the shipped emulator (`lowering`): dense
//! `[IN][OUT]`, convolutions `[K][CIN][COUT]` or `[K][K][CIN][COUT]`, sequences and images
//! position-major.
//!
//! Weights start uniform in `+-1 / sqrt(fan_in)`, biases at 0. Beside an identity, the weights are
//! also divided by the square root of the number of groups with an identity, so that the sum over
//! the chain stays of order 1. (Weights with three times the variance, which preserve the variance
//! along a chain, overfit small data: docs/measurements/choices.md.) A Fourier candidate starts
//! with waves of single inputs (`start`).
//!
//! The last group may be given: a layer that is not trained ([`crate::components`]). It is part of
//! the shipped network, but an evaluation ends before it, and its weights are not among the
//! variables.

mod error;
mod start;
#[cfg(test)]
mod tests;

pub use error::Error;

use crate::lowering;
use crate::nodes::{Epilogue, Form, Grid, Pass, Plan};
use crate::space::{Architecture, Candidate, Group, Identity, Placement, Shape, Space};
use crate::transfer;
use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor, Var};
use start::Blank;
use std::sync::Arc;

/// One parameter tensor of a candidate operation.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// The role: `weight`, `weight1` and `weight2` (low rank and Fourier, starting from the input),
    /// `bias1` (the phases of waves), `bias`, `gate weight` or `gate bias`.
    pub role: &'static str,
    /// The values.
    pub var: Var,
}

/// A candidate operation with its weights.
#[derive(Debug)]
struct Operation {
    candidate: Candidate,
    /// The operation between the nodes of the group, if they are grids or the identity stands
    /// alone.
    plan: Arc<Plan>,
    parameters: Vec<Parameter>,
}

/// The weights shared by all architectures of a super-architecture.
#[derive(Debug)]
pub struct SuperNetwork {
    space: Space,
    form: Form,
    /// `[group][candidate]`
    operations: Vec<Vec<Operation>>,
    /// Number of groups that are trained and evaluated: all, or all but a last one that was given.
    trained: usize,
}

impl SuperNetwork {
    /// Returns the super-network on a device with its weights drawn from `seed`, in `F32`
    /// (training) or `F64`.
    ///
    /// # Errors
    /// If the device does not support the type.
    pub fn new(space: &Space, seed: u64, dtype: DType, device: &Device) -> Result<Self, Error> {
        Self::drawn(space, space.groups().len(), seed, dtype, device)
    }

    /// Returns the super-network whose last group, a dense layer and its only candidate, has these
    /// weights and no bias.
    ///
    /// # Shapes
    /// `weights`: `[inputs of the group][outputs]`, with outputs in the order of the network.
    ///
    /// # Errors
    /// If the weights have another shape.
    pub fn onto(
        space: &Space,
        weights: Vec<f32>,
        seed: u64,
        dtype: DType,
        device: &Device,
    ) -> Result<Self, Error> {
        let trained = space.groups().len() - 1;
        let mut network = Self::drawn(space, trained, seed, dtype, device)?;
        let (from, to) = (network.trained_output(), space.output());
        let (inputs, outputs) = (from.size(), to.size());
        let weight = Tensor::from_vec(weights, (inputs, outputs), &Device::Cpu)?;
        let bias = Tensor::zeros(outputs, DType::F32, &Device::Cpu)?;
        let mut parameters = Vec::new();
        let roles = lowering::parameters(Candidate::Dense, from, to);
        for ((role, _), values) in roles.into_iter().zip([weight, bias]) {
            let var = Var::from_tensor(&values)?;
            parameters.push(Parameter { role, var });
        }
        network.operations.push(vec![Operation {
            candidate: Candidate::Dense,
            plan: Arc::new(plan(Candidate::Dense, from, to)),
            parameters,
        }]);
        Ok(network)
    }

    /// Returns the network without its groups after the first `trained` ones.
    fn drawn(
        space: &Space,
        trained: usize,
        seed: u64,
        dtype: DType,
        device: &Device,
    ) -> Result<Self, Error> {
        let groups = space.groups();
        let beside = |group: &&Group| group.identity == Identity::Beside;
        let residual = groups.iter().filter(beside).count();
        let mut operations = Vec::new();
        for (input, group) in space.steps().take(trained) {
            let gain = match group.identity {
                Identity::Absent => 1.0,
                Identity::Beside => 1.0 / (residual as f64).sqrt(),
            };
            let mut of_group = Vec::new();
            for (index, &candidate) in group.candidates.iter().enumerate() {
                let mut parameters = Vec::new();
                for (role, shape) in lowering::parameters(candidate, input, group.output) {
                    let blank = Blank {
                        candidate,
                        role,
                        shape: &shape,
                        name: &format!("weights/{}/{index}/{role}", group.name),
                        gain,
                    };
                    let var = blank.variable(seed, dtype, device)?;
                    parameters.push(Parameter { role, var });
                }
                of_group.push(Operation {
                    candidate,
                    plan: Arc::new(plan(candidate, input, group.output)),
                    parameters,
                });
            }
            operations.push(of_group);
        }
        Ok(Self {
            space: space.clone(),
            form: Form::of(device),
            operations,
            trained,
        })
    }

    /// Returns the trained groups with the same weights in double precision, on the CPU.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub fn in_double_precision(&self) -> Result<Self, Error> {
        let double = |parameter: &Parameter| -> Result<Parameter, Error> {
            let values = transfer::fetched(parameter.var.as_tensor())?;
            Ok(Parameter {
                role: parameter.role,
                var: Var::from_tensor(&values.to_dtype(DType::F64)?)?,
            })
        };
        let operation = |operation: &Operation| -> Result<Operation, Error> {
            let parameters = operation.parameters.iter().map(double);
            Ok(Operation {
                candidate: operation.candidate,
                plan: Arc::clone(&operation.plan),
                parameters: parameters.collect::<Result<_, _>>()?,
            })
        };
        let groups = self.operations.iter().take(self.trained);
        let group = |group: &Vec<Operation>| -> Result<Vec<Operation>, Error> {
            group.iter().map(operation).collect()
        };
        Ok(Self {
            space: self.space.clone(),
            form: Form::of(&Device::Cpu),
            operations: groups.map(group).collect::<Result<_, _>>()?,
            trained: self.trained,
        })
    }

    /// Uses this form of the nodes instead of the fastest one for the device.
    #[must_use]
    pub fn in_form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// Returns the super-architecture.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Returns the parameters of a candidate, in the order of its layers.
    ///
    /// # Panics
    /// If there is no such candidate.
    pub fn parameters(&self, group: usize, candidate: usize) -> &[Parameter] {
        &self.operations[group][candidate].parameters
    }

    /// Returns the number of trained groups: all, except a last one that was given.
    pub fn trained_groups(&self) -> usize {
        self.trained
    }

    /// Returns the output node of the trained groups.
    pub fn trained_output(&self) -> Shape {
        self.space.groups()[self.trained - 1].output
    }

    /// Returns every variable, by group, candidate and parameter.
    pub fn variables(&self) -> Vec<Var> {
        let all = self.operations.iter().take(self.trained).flatten();
        let all = all.flat_map(|operation| &operation.parameters);
        all.map(|parameter| parameter.var.clone()).collect()
    }

    /// Whether all weights that these architectures use are finite.
    ///
    /// # Errors
    /// If the device fails.
    pub fn is_finite(&self, architectures: &[Architecture]) -> Result<bool, Error> {
        for variable in self.variables_of(architectures) {
            // Squares of `F32` values do not overflow in double precision.
            let square = variable.to_dtype(DType::F64)?.sqr()?.sum_all()?;
            if !transfer::number::<f64>(&square)?.is_finite() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns the variables that these architectures use, without duplicates, by group, candidate
    /// and parameter.
    pub fn variables_of(&self, architectures: &[Architecture]) -> Vec<Var> {
        let groups = self.operations.iter().take(self.trained).enumerate();
        let used = groups.flat_map(|(group, operations)| {
            operations
                .iter()
                .enumerate()
                .filter_map(move |(candidate, operation)| {
                    let mut choices = architectures.iter().map(|one| one.choices()[group]);
                    choices
                        .any(|choice| choice == candidate)
                        .then_some(operation)
                })
        });
        let parameters = used.flat_map(|operation| &operation.parameters);
        parameters.map(|parameter| parameter.var.clone()).collect()
    }

    /// Returns the second matrices, (rank, outputs), of low-rank candidates that produce the whole
    /// trained output.
    ///
    /// Their rows are a basis of the network's outputs, apart from contributions of later groups.
    pub fn low_rank_heads(&self) -> Vec<Var> {
        let outputs = self.trained_output();
        let groups = self.space.groups().iter().zip(&self.operations);
        groups
            .filter(|(group, _)| group.output == outputs && group.identity == Identity::Absent)
            .flat_map(|(_, operations)| operations)
            .filter(|operation| matches!(operation.candidate, Candidate::LowRank { .. }))
            .map(|operation| operation.parameters[1].var.clone())
            .collect()
    }

    /// Returns the outputs of the trained groups for one architecture.
    ///
    /// # Shapes
    /// `x`: (batch, inputs); result: (batch, outputs), sequences and images flattened
    /// position-major.
    ///
    /// # Errors
    /// If the architecture does not belong to this super-architecture, or `x` has another shape,
    /// type or device.
    pub fn forward(
        &self,
        x: &Tensor,
        architecture: &Architecture,
        pass: Pass,
    ) -> Result<Tensor, Error> {
        self.space.check(architecture)?;
        let chosen = self.operations.iter().zip(architecture.choices());
        let mut value = x.clone();
        let groups = self.space.groups().iter().zip(chosen).take(self.trained);
        for (group, (operations, &choice)) in groups {
            value = self.node(group, choice, &operations[choice], &value, pass)?;
        }
        Ok(value.flatten_from(1)?)
    }

    /// Returns the mean of the outputs of architectures, value k of the network at place `order[k]`.
    ///
    /// # Shapes
    /// `x`: (rows, inputs), on the network's device; result: `[rows][outputs]`.
    ///
    /// # Errors
    /// As [`SuperNetwork::forward`].
    pub fn mean_of(
        &self,
        x: &Tensor,
        architectures: &[Architecture],
        order: &[usize],
    ) -> Result<Vec<f32>, Error> {
        let mut sum = vec![0.0f32; x.dim(0)? * order.len()];
        for architecture in architectures {
            let said = self.forward(x, architecture, Pass::Forward)?;
            let said: Vec<f32> = transfer::numbers(&said)?;
            let rows = sum.chunks_exact_mut(order.len());
            for (sum, said) in rows.zip(said.chunks_exact(order.len())) {
                for (&place, said) in order.iter().zip(said) {
                    sum[place] += said / architectures.len() as f32;
                }
            }
        }
        Ok(sum)
    }

    /// Returns the mean squared error of one architecture.
    ///
    /// # Shapes
    /// `x`: (batch, inputs); `y`: (batch, outputs), sequences and images flattened position-major;
    /// result: a scalar.
    ///
    /// # Errors
    /// As [`SuperNetwork::forward`], or if `y` has another shape.
    pub fn loss(
        &self,
        x: &Tensor,
        y: &Tensor,
        architecture: &Architecture,
        pass: Pass,
    ) -> Result<Tensor, Error> {
        let outputs = self.forward(x, architecture, pass)?;
        Ok(self.form.mean_squared_error(&outputs, y)?)
    }

    /// Returns the gradients of a loss with respect to the variables it used.
    ///
    /// # Errors
    /// If the device fails.
    pub fn gradients(&self, loss: &Tensor) -> Result<GradStore, Error> {
        Ok(self.form.backward(loss)?)
    }

    /// Returns the node of a group, given the node before it.
    fn node(
        &self,
        group: &Group,
        choice: usize,
        operation: &Operation,
        value: &Tensor,
        pass: Pass,
    ) -> Result<Tensor, Error> {
        let (form, plan, epilogue) = (self.form, &operation.plan, Epilogue::of(group, choice));
        // The second layer of two.
        let onto_node = |inner: &Tensor, weight: &Var, bias: &Var| -> Result<Tensor, Error> {
            let y = form.dense(inner, weight, Some(bias), epilogue.of_branch(), pass)?;
            match group.identity {
                Identity::Absent => Ok(y),
                Identity::Beside => self.beside(plan, value, &y, epilogue, pass),
            }
        };
        let node = match (operation.candidate, operation.parameters.as_slice()) {
            (Candidate::Dense, [weight, bias]) => {
                let x = value.flatten_from(1)?;
                if group.identity == Identity::Absent || plan.keeps_size() {
                    form.dense(&x, &weight.var, Some(&bias.var), epilogue, pass)?
                } else {
                    let on_branch = epilogue.of_branch();
                    let y = form.dense(&x, &weight.var, Some(&bias.var), on_branch, pass)?;
                    self.beside(plan, value, &y, epilogue, pass)?
                }
            }
            (Candidate::LowRank { .. }, [first, second, bias]) => {
                let x = value.flatten_from(1)?;
                let inner = form.dense(&x, &first.var, None, Epilogue::NONE, pass)?;
                onto_node(&inner, &second.var, &bias.var)?
            }
            (Candidate::Fourier { .. }, [frequencies, phases, weight, bias]) => {
                let x = value.flatten_from(1)?;
                let (frequencies, phases) = (&frequencies.var, &phases.var);
                let waves = form.dense(&x, frequencies, Some(phases), Epilogue::SINE, pass)?;
                onto_node(&waves, &weight.var, &bias.var)?
            }
            (Candidate::Gated, [gate_weight, gate_bias, weight, bias]) => {
                let x = value.flatten_from(1)?;
                let on_gate = Epilogue {
                    identity: Identity::Absent,
                    ..epilogue
                };
                let gate = form.dense(&x, &gate_weight.var, Some(&gate_bias.var), on_gate, pass)?;
                let carried = form.dense(&x, &weight.var, Some(&bias.var), Epilogue::NONE, pass)?;
                let identity = match group.identity {
                    Identity::Absent => None,
                    Identity::Beside => {
                        let resized = form.identity(plan, value, Epilogue::IDENTITY, pass)?;
                        Some(resized.flatten_from(1)?)
                    }
                };
                form.gated(&gate, &carried, identity.as_ref())?
            }
            (Candidate::Conv { .. } | Candidate::TransposedConv { .. }, [weight, bias]) => {
                form.correlate(plan, value, &weight.var, &bias.var, epilogue, pass)?
            }
            // The zero operation: with the activation on the branch, the identity is not activated.
            _ => match group.placement {
                Placement::OnBranch => form.identity(plan, value, Epilogue::IDENTITY, pass)?,
                Placement::After => form.identity(plan, value, epilogue, pass)?,
            },
        };
        Ok(match group.output {
            Shape::Sequence { length, channels } if node.rank() == 2 => {
                node.reshape((node.dim(0)?, length, channels))?
            }
            Shape::Image {
                height,
                width,
                channels,
            } if node.rank() == 2 => node.reshape((node.dim(0)?, height, width, channels))?,
            _ => node,
        })
    }

    /// Returns the node that combines the result `y` of an operation, (batch, values), with the
    /// identity.
    fn beside(
        &self,
        plan: &Arc<Plan>,
        value: &Tensor,
        y: &Tensor,
        epilogue: Epilogue,
        pass: Pass,
    ) -> Result<Tensor, Error> {
        let identity = self.form.identity(plan, value, Epilogue::IDENTITY, pass)?;
        let sum = (identity.flatten_from(1)? + y)?;
        match (epilogue.placement, epilogue.activation) {
            (Placement::After, Some(_)) => {
                let point = Arc::new(Plan::resize(Grid::POINT, Grid::POINT));
                Ok(self.form.identity(&point, &sum, epilogue, pass)?)
            }
            _ => Ok(sum),
        }
    }
}

/// Returns the operation of a candidate between the positions of two nodes; a vector is one
/// position.
fn plan(candidate: Candidate, input: Shape, output: Shape) -> Plan {
    let grid = |shape| match shape {
        Shape::Vector(_) => Grid::POINT,
        Shape::Sequence { length, .. } => Grid {
            height: 1,
            width: length,
        },
        Shape::Image { height, width, .. } => Grid { height, width },
    };
    // The same width along each axis of the output.
    let along = |width| match output {
        Shape::Image { .. } => Grid {
            height: width,
            width,
        },
        _ => Grid { height: 1, width },
    };
    let (input, output) = (grid(input), grid(output));
    match candidate {
        Candidate::Conv { kernel } => Plan::convolution(input, output, along(kernel)),
        Candidate::TransposedConv { kernel, stride } => {
            Plan::transposed(input, output, along(kernel), along(stride))
        }
        Candidate::Zero
        | Candidate::Dense
        | Candidate::LowRank { .. }
        | Candidate::Fourier { .. }
        | Candidate::Gated => Plan::resize(input, output),
    }
}
