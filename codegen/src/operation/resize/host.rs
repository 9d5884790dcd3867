//! Resize on this machine.

use super::Resize;
use crate::operation::host::{Call, Execute};
use dense_runtime::kernels::resize::{self, resize};

impl Execute for Resize {
    fn execute(&self, call: &Call<'_>, y: &mut [f32]) {
        let ([_, length_in], channels) = call.operands[0].shape.size_and_channels();
        let sizes = resize::Resize {
            length_in,
            length_out: self.length,
            channels,
        };
        call.each_sample(y, |sample, y| resize(sample.operand(0), y, sizes));
    }
}
