//! The definition of an operation: its shape rule, its cost and its semantics.

use crate::graph::{ParameterId, Parameters, Real, Shape};

/// The reason why an operation does not fit, in words.
#[derive(Debug)]
pub(crate) struct Mismatch {
    pub(crate) expected: String,
    pub(crate) got: String,
}

impl Mismatch {
    pub(crate) fn new(expected: impl Into<String>, got: impl ToString) -> Self {
        Self {
            expected: expected.into(),
            got: got.to_string(),
        }
    }
}

/// The rules of one kind of operation.
///
/// `macs` and `evaluate` are only called with shapes that `shape` has accepted.
pub(crate) trait Rule: Clone {
    /// The kind's name, in errors and generated code.
    const KIND: &'static str;

    /// The oldest version of the emulator file that has the operation.
    const FORMAT: u64 = 1;

    /// Whether the operation is elementwise and its kernels work in place.
    const IN_PLACE: bool = false;

    /// Whether a window moves over the operand.
    const IS_CONVOLUTION: bool = false;

    /// The oldest version of the emulator file that has this operation, if not all of its kind
    /// came with the same.
    fn format(&self) -> u64 {
        Self::FORMAT
    }

    /// The fusion that the buffer plan may apply to the operation.
    fn fusion(&self) -> Fusion {
        Fusion::Nothing
    }

    /// Mutable references to the ids of the parameters that the operation reads.
    fn parameters_mut(&mut self) -> Vec<&mut ParameterId> {
        Vec::new()
    }

    /// The parameters that the operation reads.
    fn parameters(&self) -> Vec<ParameterId> {
        let mut copy = self.clone();
        copy.parameters_mut().into_iter().map(|id| *id).collect()
    }

    /// The operation with its parameters replaced by `rename`.
    fn renamed(&self, rename: &dyn Fn(ParameterId) -> ParameterId) -> Self {
        let mut renamed = self.clone();
        for id in renamed.parameters_mut() {
            *id = rename(*id);
        }
        renamed
    }

    /// The result's shape, or the reason why the operands do not fit. All parameters exist.
    fn shape(&self, parameters: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch>;

    /// Multiply-accumulates of one evaluation.
    fn macs(&self, _parameters: &Parameters, _inputs: &[Shape], _output: Shape) -> u64 {
        0
    }

    /// The result, in the order of summation that every other execution must follow.
    fn evaluate<R: Real>(
        &self,
        parameters: &Parameters,
        inputs: &[Value<'_, R>],
        output: Shape,
    ) -> Vec<R>;
}

/// Operations that can be fused with a layer while its sums are in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fusion {
    /// No fusion.
    Nothing,
    /// The operation is a layer, which may be followed by a ReLU and, if so, by the addition of
    /// another value.
    Layer {
        /// Whether its kernel can add another value.
        adds: bool,
    },
    /// The operation is a ReLU, which may be fused into the layer before it.
    Relu,
    /// The operation is an addition, which may be fused into a layer before it.
    Addition,
}

/// One operand.
#[derive(Clone, Copy)]
pub(crate) struct Value<'a, R> {
    pub(crate) shape: Shape,
    pub(crate) data: &'a [R],
}

/// The only operand.
pub(crate) fn single(inputs: &[Shape]) -> Result<Shape, Mismatch> {
    match inputs {
        [shape] => Ok(*shape),
        other => Err(Mismatch::new("one operand", other.len())),
    }
}

/// The common shape of the two operands.
pub(crate) fn pair(inputs: &[Shape]) -> Result<Shape, Mismatch> {
    match inputs {
        [first, second] if first == second => Ok(*first),
        [first, second] => Err(Mismatch::new(format!("a second operand {first}"), second)),
        other => Err(Mismatch::new("two operands", other.len())),
    }
}

/// Length and channels of the only operand, which must be a sequence.
pub(crate) fn sequence(inputs: &[Shape]) -> Result<(usize, usize), Mismatch> {
    match single(inputs)? {
        Shape::Sequence { length, channels } => Ok((length, channels)),
        other => Err(Mismatch::new("a sequence [length][channels]", other)),
    }
}

/// Rows, columns and channels of the only operand, which must be an image.
pub(crate) fn image(inputs: &[Shape]) -> Result<([usize; 2], usize), Mismatch> {
    match single(inputs)? {
        shape @ Shape::Image { .. } => Ok(shape.size_and_channels()),
        other => Err(Mismatch::new("an image [height][width][channels]", other)),
    }
}

/// Whether a transposed convolution supports these strides.
pub(crate) fn strides(strides: &[usize]) -> Result<(), Mismatch> {
    let allowed = 1..=Shape::LARGEST;
    match strides.iter().find(|stride| !allowed.contains(stride)) {
        None => Ok(()),
        Some(stride) => Err(Mismatch::new(
            format!("a stride of 1 to {}", Shape::LARGEST),
            stride,
        )),
    }
}

/// Whether a parameter is a vector of length `size`.
pub(crate) fn one_each(
    parameters: &Parameters,
    id: ParameterId,
    role: &str,
    size: usize,
) -> Result<(), Mismatch> {
    match parameters.shape(id) {
        [count] if *count == size => Ok(()),
        other => Err(Mismatch::new(
            format!("{role} [{size}]"),
            format!("{other:?}"),
        )),
    }
}
