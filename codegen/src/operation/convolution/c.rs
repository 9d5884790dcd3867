//! Groups the positions of a convolution by their taps, for one loop of the C file over each group.
//!
//! Along an axis, output `p` of a convolution sees input `p + t - K / 2` through tap `t`; that of a
//! transposed one sees `q` where `q * stride = p + K / 2 - t`. Outputs with the same taps, a stride
//! apart, form a [`Class`]: the next output sees the next input through each tap. An image's
//! positions are classes of rows times classes of columns.

use super::Kernel;
use crate::graph::ParameterId;
use crate::operation::c::{Call, Code, Convolved, Node};
use std::ops::Range;

/// Outputs along one axis.
#[derive(Clone, Copy, Debug)]
struct Axis {
    inputs: usize,
    outputs: usize,
    taps: usize,
    /// The distance of neighbouring inputs in the output of a transposed convolution.
    stride: Option<usize>,
}

/// Outputs along one axis that see the input through the same taps.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Class {
    first: usize,
    step: usize,
    count: usize,
    /// The input that the first output sees through the first of the taps.
    source: usize,
    taps: Vec<usize>,
}

impl Axis {
    fn source(&self, output: usize, tap: usize) -> Option<usize> {
        let source = match self.stride {
            None => (output + tap).checked_sub(self.taps / 2)?,
            Some(stride) => {
                let stretched = (output + self.taps / 2).checked_sub(tap)?;
                (stretched % stride == 0).then_some(stretched / stride)?
            }
        };
        (source < self.inputs).then_some(source)
    }

    /// The outputs that are computed; those beyond the natural length of a transposed convolution
    /// are zeros.
    fn computed(&self) -> Range<usize> {
        match self.stride {
            None => 0..self.outputs,
            Some(stride) => 0..self.outputs.min((self.inputs - 1) * stride + 1),
        }
    }

    fn classes(&self) -> Vec<Class> {
        let step = self.stride.unwrap_or(1);
        let mut classes: Vec<Class> = Vec::new();
        for phase in 0..step.min(self.computed().end) {
            for (number, output) in self.computed().skip(phase).step_by(step).enumerate() {
                let seen = |&tap: &usize| self.source(output, tap).is_some();
                let taps: Vec<_> = (0..self.taps).filter(seen).collect();
                match classes.last_mut() {
                    Some(class) if number > 0 && class.taps == taps => class.count += 1,
                    _ => classes.push(Class {
                        first: output,
                        step,
                        count: 1,
                        source: taps
                            .first()
                            .and_then(|&tap| self.source(output, tap))
                            .unwrap_or(0),
                        taps,
                    }),
                }
            }
        }
        classes
    }

    /// The step from one tap of a class to the next, and from the input seen through one to that
    /// seen through the next.
    fn tap_steps(&self) -> (usize, i64) {
        match self.stride {
            None => (1, 1),
            Some(stride) => (stride, -1),
        }
    }
}

/// A convolution of any kind; with strides, a transposed one.
pub(crate) fn convolved(
    node: &Node<'_>,
    [weight, bias]: [ParameterId; 2],
    strides: Option<[usize; 2]>,
) -> Code {
    let kernel = Kernel::of(node.parameters, weight);
    let (from, _) = node.operands[0].1.size_and_channels();
    let (to, _) = node.shape.size_and_channels();
    let axes = [0, 1].map(|axis| Axis {
        inputs: from[axis],
        outputs: to[axis],
        taps: kernel.taps[axis],
        stride: strides.map(|strides| strides[axis]),
    });
    let mut positions = Vec::new();
    for rows in axes[0].classes() {
        for columns in axes[1].classes() {
            positions.push(fields(&axes, &rows, &columns, &kernel));
        }
    }
    let has_zeros = axes.iter().any(|axis| axis.computed().end < axis.outputs);
    let fill = has_zeros.then(|| Call {
        function: "fill",
        arguments: vec![node.size(), "0.0f".into(), node.to.clone()],
    });
    let call = Call {
        function: "convolve",
        arguments: vec![
            format!("&{}[k]", node.table),
            kernel.outputs.to_string(),
            node.from(0),
            node.parameter(weight),
            node.parameter(bias),
            node.to.clone(),
        ],
    };
    Code {
        calls: fill.into_iter().collect(),
        convolution: Some(Convolved { call, positions }),
    }
}

/// The fields of `struct positions` for the outputs of a class of rows and one of columns.
fn fields(
    [vertical, horizontal]: &[Axis; 2],
    rows: &Class,
    columns: &Class,
    kernel: &Kernel,
) -> [i64; 16] {
    let Kernel {
        taps,
        inputs,
        outputs,
    } = *kernel;
    let [[row_step, row_source], [column_step, column_source]] =
        [vertical, horizontal].map(|axis| {
            let (step, source) = axis.tap_steps();
            [step as i64, source]
        });
    let (line_in, line_out) = (horizontal.inputs * inputs, horizontal.outputs * outputs);
    let seen = !rows.taps.is_empty() && !columns.taps.is_empty();
    // The inputs that a position sees through neighbouring taps of a row are adjacent, unless they
    // run backward.
    let (inner, run) = match (column_step, column_source) {
        (1, 1) => (1, columns.taps.len() * inputs),
        _ => (columns.taps.len(), inputs),
    };
    let first = |taps: &[usize]| taps.first().copied().unwrap_or(0);
    let weight = (first(&rows.taps) * taps[1] + first(&columns.taps)) * inputs * outputs;
    let weights_of_tap = (inputs * outputs) as i64;
    let whole = |number: usize| number as i64;
    [
        whole(rows.count),
        whole(columns.count),
        whole(rows.first * line_out + columns.first * outputs),
        whole(rows.step * line_out),
        whole(columns.step * outputs),
        whole(rows.source * line_in + columns.source * inputs),
        whole(line_in),
        whole(inputs),
        if seen { whole(rows.taps.len()) } else { 0 },
        whole(inner),
        whole(run),
        row_source * whole(line_in),
        column_source * whole(inputs),
        if seen { whole(weight) } else { 0 },
        row_step * whole(taps[1]) * weights_of_tap,
        column_step * weights_of_tap,
    ]
}
