//! Rescale on this machine.

use super::Rescale;
use crate::operation::host::{Call, Execute};
use dense_runtime::kernels::elementwise::rescale;

impl Execute for Rescale {
    fn execute(&self, call: &Call<'_>, y: &mut [f32]) {
        let (scale, offset) = (call.stored(self.scale), call.stored(self.offset));
        call.each_sample(y, |_, y| rescale(scale, offset, y));
    }
}
