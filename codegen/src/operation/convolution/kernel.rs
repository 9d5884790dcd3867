//! The weight of a convolution: `[K][CIN][COUT]` along a sequence, `[KH][KW][CIN][COUT]` over an
//! image, every K odd.

use crate::graph::{ParameterId, Parameters};
use crate::operation::rule::{Mismatch, one_each};

/// The sizes of a convolution's weight; a sequence has one row of taps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kernel {
    /// Taps along rows and columns.
    pub(crate) taps: [usize; 2],
    /// Channels in.
    pub(crate) inputs: usize,
    /// Channels out.
    pub(crate) outputs: usize,
}

impl Kernel {
    /// The sizes of the weight of a node in a graph.
    pub(crate) fn of(parameters: &Parameters, weight: ParameterId) -> Self {
        let (taps, [inputs, outputs]) = match *parameters.shape(weight) {
            [columns, inputs, outputs] => ([1, columns], [inputs, outputs]),
            [rows, columns, inputs, outputs] => ([rows, columns], [inputs, outputs]),
            ref other => unreachable!("a convolution's weight has 3 or 4 axes, not {other:?}"),
        };
        Self {
            taps,
            inputs,
            outputs,
        }
    }

    /// The sizes of a weight with this number of axes of taps for these channels, if it is one and
    /// `bias` fits it.
    pub(crate) fn checked(
        parameters: &Parameters,
        [weight, bias]: [ParameterId; 2],
        axes: usize,
        inputs: usize,
    ) -> Result<Self, Mismatch> {
        let shape = parameters.shape(weight);
        let fits = shape.len() == axes + 2
            && shape[axes] == inputs
            && shape[..axes].iter().all(|taps| taps % 2 == 1);
        if !fits {
            let odd = "odd, ".repeat(axes);
            return Err(Mismatch::new(
                format!("weight [{odd}{inputs}, any]"),
                format!("{shape:?}"),
            ));
        }
        let kernel = Self::of(parameters, weight);
        one_each(parameters, bias, "bias", kernel.outputs)?;
        Ok(kernel)
    }
}
