//! Resize2d on this machine.

use super::Resize2d;
use crate::operation::host::{Call, Execute};
use dense_runtime::kernels::resize2d::{self, resize2d};

impl Execute for Resize2d {
    fn execute(&self, call: &Call<'_>, y: &mut [f32]) {
        let (size_in, channels) = call.operands[0].shape.size_and_channels();
        let sizes = resize2d::Resize2d {
            size_in,
            size_out: [self.height, self.width],
            channels,
        };
        call.each_sample(y, |sample, y| resize2d(sample.operand(0), y, sizes));
    }
}
