//! Convolutions in ONNX: `Conv` and `ConvTranspose`, centred on the middle tap, along the axes that
//! their weights have taps for.

use super::Kernel;
use crate::graph::{ParameterId, Shape};
use crate::onnx::builder::{ModelBuilder, ints, sizes};
use crate::onnx::proto::AttributeProto;
use crate::operation::onnx::Operands;

/// A convolution along every axis that its weight has taps for.
pub(crate) fn convolution(
    builder: &mut ModelBuilder<'_>,
    x: &str,
    weight: ParameterId,
    bias: ParameterId,
) -> String {
    let (kernel, axes) = kernel(builder, weight);
    let (inputs, outputs) = (kernel.inputs, kernel.outputs);
    let taps: usize = axes.iter().product();
    let dims = [&[outputs, inputs], &axes[..]].concat();
    let weight = builder.parameter(weight, &dims, |place| {
        let (output, input) = (place / taps / inputs, place / taps % inputs);
        (place % taps * inputs + input) * outputs + output
    });
    let bias = builder.one_each(bias, Shape::Vector(outputs));
    let settings = window(&axes, &vec![1; axes.len()]);
    builder.push("Conv", &[x, &weight, &bias], settings)
}

/// The sizes of a convolution's weight, and its taps along each axis that it has.
fn kernel(builder: &ModelBuilder<'_>, weight: ParameterId) -> (Kernel, Vec<usize>) {
    let parameters = builder.graph.parameters();
    let [axes @ .., _, _] = parameters.shape(weight) else {
        unreachable!("a convolution's weight has its channels last");
    };
    (Kernel::of(parameters, weight), axes.to_vec())
}

/// The attributes of a convolution centred on its middle tap.
fn window(taps: &[usize], strides: &[usize]) -> Vec<AttributeProto> {
    let halves: Vec<_> = taps.iter().map(|taps| taps / 2).collect();
    vec![
        ints("kernel_shape", taps),
        ints("pads", &halves.repeat(2)),
        ints("strides", strides),
    ]
}

/// A transposed convolution along every axis that it has a stride for.
pub(crate) fn transposed(
    builder: &mut ModelBuilder<'_>,
    operands: &Operands<'_>,
    [weight, bias]: [ParameterId; 2],
    strides: &[usize],
) -> String {
    let (kernel, axes) = kernel(builder, weight);
    let (inputs, outputs) = (kernel.inputs, kernel.outputs);
    let taps: usize = axes.iter().product();
    let dims = [&[inputs, outputs], &axes[..]].concat();
    let weight = builder.parameter(weight, &dims, |place| {
        let (input, output) = (place / taps / outputs, place / taps % outputs);
        (place % taps * inputs + input) * outputs + output
    });
    let bias = builder.one_each(bias, Shape::Vector(outputs));
    let x = &operands.values[0];
    let settings = window(&axes, strides);
    let grown = builder.push("ConvTranspose", &[x, &weight, &bias], settings);

    let lengths = sizes(operands.shapes[0]).into_iter().skip(1).zip(strides);
    let natural: Vec<_> = lengths
        .map(|(length, stride)| (length - 1) * stride + 1)
        .collect();
    cut_and_fill(builder, grown, &natural, &sizes(operands.result)[1..])
}

/// Cuts or pads with zeros along each axis, to the size of the result.
fn cut_and_fill(
    builder: &mut ModelBuilder<'_>,
    grown: String,
    natural: &[usize],
    to: &[usize],
) -> String {
    let mut value = grown;
    let axes = || (2..).zip(natural.iter().zip(to));
    let cut: Vec<_> = axes().filter(|(_, (natural, to))| to < natural).collect();
    if !cut.is_empty() {
        let start = builder.integers("start", &vec![0; cut.len()]);
        let ends: Vec<_> = cut.iter().map(|(_, (_, to))| **to as i64).collect();
        let end = builder.integers("end", &ends);
        let places: Vec<_> = cut.iter().map(|(axis, _)| *axis).collect();
        let axis = builder.integers("axis", &places);
        value = builder.push("Slice", &[&value, &start, &end, &axis], Vec::new());
    }
    let missing = axes().map(|(_, (natural, to))| to.saturating_sub(*natural) as i64);
    let missing: Vec<_> = missing.collect();
    if missing.iter().any(|&missing| missing > 0) {
        let before = vec![0; 2 + natural.len()];
        let widths = [&before, &[0, 0][..], &missing].concat();
        let widths = builder.integers("widths", &widths);
        value = builder.push("Pad", &[&value, &widths], Vec::new());
    }
    value
}
