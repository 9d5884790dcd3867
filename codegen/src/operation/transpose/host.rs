//! Transpose on this machine.

use super::Transpose;
use crate::operation::host::{Call, Execute};
use dense_runtime::kernels::transpose::transpose;

impl Execute for Transpose {
    fn execute(&self, call: &Call<'_>, y: &mut [f32]) {
        let (positions, channels) = call.operands[0].shape.positions_and_channels();
        call.each_sample(y, |sample, y| {
            transpose(sample.operand(0), y, positions, channels)
        });
    }
}
