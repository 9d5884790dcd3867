//! The operations that a node can have, one file each.

use super::rule::{Mismatch, Rule, Value};
use super::{
    Activation, Add, Conv1d, Conv2d, Dense, Input, Logarithm, Multiply, ParameterId, Parameters,
    Real, Rescale, Resize, Resize2d, Shape, Standardise, Transform, Transpose, TransposedConv1d,
    TransposedConv2d,
};
use serde::{Deserialize, Serialize};

/// What a node does with its operands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// See [`Input`].
    Input(Input),
    /// See [`Logarithm`].
    Logarithm(Logarithm),
    /// See [`Standardise`].
    Standardise(Standardise),
    /// See [`Dense`].
    Dense(Dense),
    /// See [`Conv1d`].
    Conv1d(Conv1d),
    /// See [`Conv2d`].
    Conv2d(Conv2d),
    /// See [`TransposedConv1d`].
    TransposedConv1d(TransposedConv1d),
    /// See [`TransposedConv2d`].
    TransposedConv2d(TransposedConv2d),
    /// See [`Resize`].
    Resize(Resize),
    /// See [`Resize2d`].
    Resize2d(Resize2d),
    /// See [`Add`].
    Add(Add),
    /// See [`Multiply`].
    Multiply(Multiply),
    /// See [`Activation`].
    Activation(Activation),
    /// See [`Rescale`].
    Rescale(Rescale),
    /// See [`Transform`].
    Transform(Transform),
    /// See [`Transpose`].
    Transpose(Transpose),
}

/// Evaluates `$body` with `$rule` as the operation's own type.
macro_rules! with_rule {
    ($operation:expr, $rule:ident => $body:expr) => {
        match $operation {
            Operation::Input($rule) => $body,
            Operation::Logarithm($rule) => $body,
            Operation::Standardise($rule) => $body,
            Operation::Dense($rule) => $body,
            Operation::Conv1d($rule) => $body,
            Operation::Conv2d($rule) => $body,
            Operation::TransposedConv1d($rule) => $body,
            Operation::TransposedConv2d($rule) => $body,
            Operation::Resize($rule) => $body,
            Operation::Resize2d($rule) => $body,
            Operation::Add($rule) => $body,
            Operation::Multiply($rule) => $body,
            Operation::Activation($rule) => $body,
            Operation::Rescale($rule) => $body,
            Operation::Transform($rule) => $body,
            Operation::Transpose($rule) => $body,
        }
    };
}

impl Operation {
    /// The kind's name: `dense`, `conv1d`, ...
    #[must_use]
    pub fn kind(&self) -> &'static str {
        fn kind<T: Rule>(_: &T) -> &'static str {
            T::KIND
        }
        with_rule!(self, rule => kind(rule))
    }

    /// The parameters that the operation reads.
    #[must_use]
    pub fn parameters(&self) -> Vec<ParameterId> {
        with_rule!(self, rule => rule.parameters())
    }

    /// The same operation on the parameters that `rename` gives.
    pub(super) fn renamed(&self, rename: &dyn Fn(ParameterId) -> ParameterId) -> Self {
        match self {
            Self::Input(rule) => Self::Input(rule.renamed(rename)),
            Self::Logarithm(rule) => Self::Logarithm(rule.renamed(rename)),
            Self::Standardise(rule) => Self::Standardise(rule.renamed(rename)),
            Self::Dense(rule) => Self::Dense(rule.renamed(rename)),
            Self::Conv1d(rule) => Self::Conv1d(rule.renamed(rename)),
            Self::Conv2d(rule) => Self::Conv2d(rule.renamed(rename)),
            Self::TransposedConv1d(rule) => Self::TransposedConv1d(rule.renamed(rename)),
            Self::TransposedConv2d(rule) => Self::TransposedConv2d(rule.renamed(rename)),
            Self::Resize(rule) => Self::Resize(rule.renamed(rename)),
            Self::Resize2d(rule) => Self::Resize2d(rule.renamed(rename)),
            Self::Add(rule) => Self::Add(rule.renamed(rename)),
            Self::Multiply(rule) => Self::Multiply(rule.renamed(rename)),
            Self::Activation(rule) => Self::Activation(rule.renamed(rename)),
            Self::Rescale(rule) => Self::Rescale(rule.renamed(rename)),
            Self::Transform(rule) => Self::Transform(rule.renamed(rename)),
            Self::Transpose(rule) => Self::Transpose(rule.renamed(rename)),
        }
    }

    pub(super) fn shape(
        &self,
        parameters: &Parameters,
        inputs: &[Shape],
    ) -> Result<Shape, Mismatch> {
        with_rule!(self, rule => rule.shape(parameters, inputs))
    }

    pub(super) fn macs(&self, parameters: &Parameters, inputs: &[Shape], output: Shape) -> u64 {
        with_rule!(self, rule => rule.macs(parameters, inputs, output))
    }

    pub(crate) fn evaluate<R: Real>(
        &self,
        parameters: &Parameters,
        inputs: &[Value<'_, R>],
        output: Shape,
    ) -> Vec<R> {
        with_rule!(self, rule => rule.evaluate(parameters, inputs, output))
    }
}
