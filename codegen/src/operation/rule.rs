//! What every operation says about itself: its shape rule, its cost and its meaning.

use crate::graph::{ParameterId, Parameters, Real, Shape};

/// An operation that does not fit, in words.
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
    /// The kind's name, as errors and generated code give it.
    const KIND: &'static str;

    /// The oldest version of the emulator's file that has the operation.
    const FORMAT: u64 = 1;

    /// Whether the kernels work in place, on each element by itself.
    const IN_PLACE: bool = false;

    /// Whether a window moves over the operand.
    const IS_CONVOLUTION: bool = false;

    /// What the buffer plan may fuse where the operation is concerned.
    fn fusion(&self) -> Fusion {
        Fusion::Nothing
    }

    /// The places where the operation names the parameters that it reads.
    fn parameters_mut(&mut self) -> Vec<&mut ParameterId> {
        Vec::new()
    }

    /// The parameters that the operation reads.
    fn parameters(&self) -> Vec<ParameterId> {
        let mut copy = self.clone();
        copy.parameters_mut().into_iter().map(|id| *id).collect()
    }

    /// The same operation on the parameters that `rename` gives.
    fn renamed(&self, rename: &dyn Fn(ParameterId) -> ParameterId) -> Self {
        let mut renamed = self.clone();
        for id in renamed.parameters_mut() {
            *id = rename(*id);
        }
        renamed
    }

    /// The result's shape, or why there is none. All parameters are known to exist.
    fn shape(&self, parameters: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch>;

    /// Multiply-accumulates of one evaluation.
    fn macs(&self, _parameters: &Parameters, _inputs: &[Shape], _output: Shape) -> u64 {
        0
    }

    /// The result, in the order of summation that every other execution has to follow.
    fn evaluate<R: Real>(
        &self,
        parameters: &Parameters,
        inputs: &[Value<'_, R>],
        output: Shape,
    ) -> Vec<R>;
}

/// What can become one with a layer while its sums are in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fusion {
    /// Nothing.
    Nothing,
    /// The operation is a layer, which may end in a ReLU and, if so, in the addition of another value.
    Layer {
        /// Whether its kernel can add another value.
        adds: bool,
    },
    /// The operation is a ReLU: a layer before it takes it in.
    Relu,
    /// The operation is an addition: a layer before it takes it in.
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

/// The shape that the only two operands have in common.
pub(crate) fn pair(inputs: &[Shape]) -> Result<Shape, Mismatch> {
    match inputs {
        [first, second] if first == second => Ok(*first),
        [first, second] => Err(Mismatch::new(format!("a second operand {first}"), second)),
        other => Err(Mismatch::new("two operands", other.len())),
    }
}

/// Length and channels of the only operand, which has to be a sequence.
pub(crate) fn sequence(inputs: &[Shape]) -> Result<(usize, usize), Mismatch> {
    match single(inputs)? {
        Shape::Sequence { length, channels } => Ok((length, channels)),
        other => Err(Mismatch::new("a sequence [length][channels]", other)),
    }
}

/// Rows and columns, and channels, of the only operand, which has to be an image.
pub(crate) fn image(inputs: &[Shape]) -> Result<([usize; 2], usize), Mismatch> {
    match single(inputs)? {
        shape @ Shape::Image { .. } => Ok(shape.size_and_channels()),
        other => Err(Mismatch::new("an image [height][width][channels]", other)),
    }
}

/// Whether a transposed convolution may have these strides.
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

/// Whether a parameter has one value for each of `size` numbers.
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
