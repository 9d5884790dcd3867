//! Dense on this machine.

use super::Dense;
use crate::operation::host::{Call, Execute};
use dense_runtime::kernels::dense::{self, dense};

impl Execute for Dense {
    fn execute(&self, call: &Call<'_>, y: &mut [f32]) {
        let operand = call.operands[0];
        let sizes = dense::Dense {
            samples: call.samples,
            inputs: operand.shape.size(),
            from: operand.step,
            outputs: call.shape.size(),
            to: call.step,
            residual: call.residual.map_or(0, |residual| residual.step),
        };
        dense(
            operand.values,
            call.stored(self.weight),
            call.stored(self.bias),
            y,
            sizes,
            call.then,
            call.residual.map_or(&[], |residual| residual.values),
        );
    }
}
