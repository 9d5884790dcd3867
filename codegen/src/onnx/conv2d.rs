//! Conv2d: `Conv` with weights `[COUT, CIN, KH, KW]` and KH/2 and KW/2 zeros at both ends of rows and columns.

use super::draft::{Draft, ints};
use super::operation::{Operands, Write};
use super::proto::AttributeProto;
use crate::graph::{Conv2d, Kernel, ParameterId, Shape};

impl Write for Conv2d {
    fn write(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        convolution(draft, &operands.values[0], self.weight, self.bias)
    }
}

/// A convolution along as many axes as its weight has taps for.
pub(super) fn convolution(
    draft: &mut Draft<'_>,
    x: &str,
    weight: ParameterId,
    bias: ParameterId,
) -> String {
    let (kernel, axes) = kernel(draft, weight);
    let (inputs, outputs) = (kernel.inputs, kernel.outputs);
    let taps: usize = axes.iter().product();
    let dims = [&[outputs, inputs], &axes[..]].concat();
    let weight = draft.parameter(weight, &dims, |place| {
        let (output, input) = (place / taps / inputs, place / taps % inputs);
        (place % taps * inputs + input) * outputs + output
    });
    let bias = draft.one_each(bias, Shape::Vector(outputs));
    let settings = window(&axes, &vec![1; axes.len()]);
    draft.push("Conv", &[x, &weight, &bias], settings)
}

/// The sizes of a convolution's weight, and its taps along each axis that it has.
pub(super) fn kernel(draft: &Draft<'_>, weight: ParameterId) -> (Kernel, Vec<usize>) {
    let parameters = draft.graph.parameters();
    let [axes @ .., _, _] = parameters.shape(weight) else {
        unreachable!("a convolution's weight has its channels last");
    };
    (Kernel::of(parameters, weight), axes.to_vec())
}

/// The settings of a convolution that is centred on its middle tap.
pub(super) fn window(taps: &[usize], strides: &[usize]) -> Vec<AttributeProto> {
    let halves: Vec<_> = taps.iter().map(|taps| taps / 2).collect();
    vec![
        ints("kernel_shape", taps),
        ints("pads", &halves.repeat(2)),
        ints("strides", strides),
    ]
}
