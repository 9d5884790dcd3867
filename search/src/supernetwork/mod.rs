//! The super-network: the weights that all architectures of a super-architecture share, and their evaluation.
//!
//! Each candidate of each group has its own parameters; an evaluation touches those of one architecture. They are kept
//! in the layouts of the shipped emulator: dense `[IN][OUT]`, convolutions `[K][CIN][COUT]`, sequences position-major.
//!
//! Weights start uniform in `+-sqrt(3 / fan_in)` (variance `1 / fan_in`), divided by the square root of the number of
//! groups with an identity where one runs beside them, so that the sum over the chain stays of order 1; biases at 0.

mod error;
mod layers;
#[cfg(test)]
mod tests;

pub use error::Error;

use crate::space::{Activation, Architecture, Candidate, Group, Identity, Placement, Shape, Space};
use crate::streams::stream;
use candle_core::{DType, Device, Tensor, Var};
use rand_chacha::rand_core::RngCore;

/// One parameter tensor of a candidate operation.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its role: `weight`, `weight1` and `weight2` (low rank, from the input on) or `bias`.
    pub role: &'static str,
    /// Its values.
    pub var: Var,
}

/// The weights shared by all architectures of a super-architecture.
#[derive(Debug)]
pub struct SuperNetwork {
    space: Space,
    /// `[group][candidate][parameter]`
    parameters: Vec<Vec<Vec<Parameter>>>,
}

impl SuperNetwork {
    /// Returns the super-network with its weights drawn from `seed`, in `F32` (training) or `F64`.
    ///
    /// # Errors
    /// If candle has no such type of number.
    pub fn new(space: &Space, seed: u64, dtype: DType) -> Result<Self, Error> {
        let groups = space.groups();
        let beside = |group: &&Group| group.identity == Identity::Beside;
        let residual = groups.iter().filter(beside).count();
        let mut parameters = Vec::new();
        for (input, group) in space.steps() {
            let gain = match group.identity {
                Identity::Absent => 1.0,
                Identity::Beside => 1.0 / (residual as f64).sqrt(),
            };
            let mut of_group = Vec::new();
            for candidate in &group.candidates {
                let mut of_candidate = Vec::new();
                for form in forms(*candidate, input, group.output) {
                    let name = format!("weights/{}/{candidate:?}/{}", group.name, form.role);
                    let var = form.draw(seed, &name, gain, dtype)?;
                    of_candidate.push(Parameter {
                        role: form.role,
                        var,
                    });
                }
                of_group.push(of_candidate);
            }
            parameters.push(of_group);
        }
        Ok(Self {
            space: space.clone(),
            parameters,
        })
    }

    /// Returns the super-architecture.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Returns the parameters: `[group][candidate][parameter]`, in the order of the candidate's layers.
    pub fn parameters(&self) -> &[Vec<Vec<Parameter>>] {
        &self.parameters
    }

    /// Returns every variable, by group, candidate and parameter.
    pub fn variables(&self) -> Vec<Var> {
        let all = self.parameters.iter().flatten().flatten();
        all.map(|parameter| parameter.var.clone()).collect()
    }

    /// Returns the outputs of one architecture.
    ///
    /// # Shapes
    /// `x`: (batch, inputs); result: (batch, outputs), sequences flattened position-major.
    ///
    /// # Errors
    /// If the architecture is not of this super-architecture, or `x` has another shape or type of number.
    pub fn forward(&self, x: &Tensor, architecture: &Architecture) -> Result<Tensor, Error> {
        self.space.check(architecture)?;
        let steps = self.space.steps().zip(architecture.choices());
        let mut value = x.clone();
        for (((_, group), &choice), parameters) in steps.zip(&self.parameters) {
            let operation = apply(group, choice, &parameters[choice], &value)?;
            value = node(group, &value, operation)?;
        }
        Ok(value.flatten_from(1)?)
    }
}

/// Returns the group's node from its input and the operation's result (`None`: zero).
fn node(group: &Group, value: &Tensor, operation: Option<Tensor>) -> Result<Tensor, Error> {
    let operation = match (operation, group.activation, group.placement) {
        (Some(operation), Some(function), Placement::OnBranch) => {
            Some(activate(&operation, function)?)
        }
        (operation, _, _) => operation,
    };
    let identity = match (group.identity, group.output) {
        (Identity::Absent, _) => None,
        (Identity::Beside, Shape::Vector(_)) => Some(value.clone()),
        (Identity::Beside, Shape::Sequence { length, .. }) => Some(layers::resize(value, length)?),
    };
    let sum = match (identity, operation) {
        (Some(identity), Some(operation)) => (identity + operation)?,
        (Some(single), None) | (None, Some(single)) => single,
        // `Space` has no group with zero and without the identity.
        (None, None) => value.zeros_like()?,
    };
    match (group.activation, group.placement) {
        (Some(function), Placement::After) => activate(&sum, function),
        _ => Ok(sum),
    }
}

/// Returns the candidate's result on the group's input, in the group's output shape; `None` for zero.
fn apply(
    group: &Group,
    choice: usize,
    parameters: &[Parameter],
    value: &Tensor,
) -> Result<Option<Tensor>, Error> {
    let result = match (group.candidates[choice], group.output, parameters) {
        (Candidate::Dense, output, [weight, bias]) => {
            let y = layers::dense(&value.flatten_from(1)?, &weight.var, &bias.var)?;
            shaped(&y, output)?
        }
        (Candidate::LowRank { .. }, output, [first, second, bias]) => {
            let inner = value.flatten_from(1)?.matmul(&first.var)?;
            shaped(&layers::dense(&inner, &second.var, &bias.var)?, output)?
        }
        (Candidate::Conv { .. }, Shape::Sequence { length, .. }, [weight, bias]) => {
            layers::conv(&layers::resize(value, length)?, &weight.var, &bias.var)?
        }
        (
            Candidate::TransposedConv { stride, .. },
            Shape::Sequence { length, .. },
            [weight, bias],
        ) => layers::transposed_conv(value, &weight.var, &bias.var, stride, length)?,
        // Zero; `Space` and `forms` leave no other case.
        _ => return Ok(None),
    };
    Ok(Some(result))
}

fn shaped(y: &Tensor, output: Shape) -> candle_core::Result<Tensor> {
    match output {
        Shape::Vector(_) => Ok(y.clone()),
        Shape::Sequence { length, channels } => y.reshape((y.dim(0)?, length, channels)),
    }
}

fn activate(x: &Tensor, function: Activation) -> Result<Tensor, Error> {
    Ok(match function {
        Activation::Relu => x.relu()?,
        Activation::Silu => x.silu()?,
        Activation::Tanh => x.tanh()?,
    })
}

/// The shape of a parameter, and how many products enter a sum over it (0: it starts at zero).
struct Form {
    role: &'static str,
    shape: Vec<usize>,
    fan_in: f64,
}

impl Form {
    fn draw(&self, seed: u64, name: &str, gain: f64, dtype: DType) -> Result<Var, Error> {
        let mut random = stream(seed, name);
        let bound = match self.fan_in {
            0.0 => 0.0,
            fan_in => gain * (3.0 / fan_in).sqrt(),
        };
        let values: Vec<f64> = (0..self.shape.iter().product())
            .map(|_| (random.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
            .map(|uniform| bound * uniform)
            .collect();
        let values = Tensor::from_vec(values, self.shape.as_slice(), &Device::Cpu)?;
        Ok(Var::from_tensor(&values.to_dtype(dtype)?)?)
    }
}

/// Returns the parameters that a candidate has between these shapes.
fn forms(candidate: Candidate, input: Shape, output: Shape) -> Vec<Form> {
    let (inputs, outputs) = (input.elements(), output.elements());
    let form = |role, shape: &[usize], fan_in: f64| Form {
        role,
        shape: shape.to_vec(),
        fan_in,
    };
    let channels = |shape| match shape {
        Shape::Vector(elements) => elements,
        Shape::Sequence { channels, .. } => channels,
    };
    let (from, to) = (channels(input), channels(output));
    match candidate {
        Candidate::Zero => Vec::new(),
        Candidate::Dense => vec![
            form("weight", &[inputs, outputs], inputs as f64),
            form("bias", &[outputs], 0.0),
        ],
        Candidate::LowRank { rank } => vec![
            form("weight1", &[inputs, rank], inputs as f64),
            form("weight2", &[rank, outputs], rank as f64),
            form("bias", &[outputs], 0.0),
        ],
        Candidate::Conv { kernel } => vec![
            form("weight", &[kernel, from, to], (kernel * from) as f64),
            form("bias", &[to], 0.0),
        ],
        Candidate::TransposedConv { kernel, stride } => vec![
            form(
                "weight",
                &[kernel, from, to],
                // Each output meets only every stride-th tap.
                (kernel * from) as f64 / stride.min(kernel) as f64,
            ),
            form("bias", &[to], 0.0),
        ],
    }
}
