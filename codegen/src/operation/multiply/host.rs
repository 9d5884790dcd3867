//! Multiply on this machine.

use super::Multiply;
use crate::operation::host::{Call, Execute};
use dense_runtime::kernels::multiply::multiply;

impl Execute for Multiply {
    fn execute(&self, call: &Call<'_>, y: &mut [f32]) {
        call.each_sample(y, |sample, y| {
            multiply(sample.operand(0), sample.operand(1), y)
        });
    }
}
