//! Standardise on this machine.

use super::Standardise;
use crate::operation::host::{Call, Execute};
use dense_runtime::kernels::elementwise::standardise;

impl Execute for Standardise {
    fn execute(&self, call: &Call<'_>, y: &mut [f32]) {
        let (centre, scale) = (call.stored(self.centre), call.stored(self.scale));
        call.each_sample(y, |_, y| standardise(centre, scale, y));
    }
}
