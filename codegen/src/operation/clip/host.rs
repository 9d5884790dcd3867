//! Clip on this machine.

use super::Clip;
use crate::operation::host::{Call, Execute};
use dense_runtime::kernels::elementwise::clip;

impl Execute for Clip {
    fn execute(&self, call: &Call<'_>, y: &mut [f32]) {
        let (low, high) = (call.stored(self.low), call.stored(self.high));
        call.each_sample(y, |_, y| clip(low, high, y));
    }
}
