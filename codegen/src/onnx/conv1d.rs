//! Conv1d: `Conv` with weights `[COUT, CIN, K]` and K/2 zeros at both ends.

use super::draft::{Draft, ints};
use super::operation::{Operands, Write};
use super::proto::AttributeProto;
use crate::graph::{Conv1d, Graph, ParameterId, Shape};

impl Write for Conv1d {
    fn write(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        let [kernel, channels, outputs] = kernel(draft.graph, self.weight);
        let weight = draft.parameter(self.weight, &[outputs, channels, kernel], |place| {
            let (output, channel) = (place / kernel / channels, place / kernel % channels);
            (place % kernel * channels + channel) * outputs + output
        });
        let bias = draft.one_each(self.bias, Shape::Vector(outputs));
        let x = &operands.values[0];
        draft.push("Conv", &[x, &weight, &bias], window(kernel, 1))
    }
}

/// Taps, channels in and channels out of a convolution's weight.
pub(super) fn kernel(graph: &Graph, weight: ParameterId) -> [usize; 3] {
    let shape = graph.parameters().get(weight).map(|weight| weight.shape());
    shape
        .and_then(|shape| shape.try_into().ok())
        .expect("a convolution's weight has three axes")
}

/// The settings of a convolution that is centred on its middle tap.
pub(super) fn window(kernel: usize, stride: usize) -> Vec<AttributeProto> {
    vec![
        ints("kernel_shape", &[kernel]),
        ints("pads", &[kernel / 2; 2]),
        ints("strides", &[stride]),
    ]
}
