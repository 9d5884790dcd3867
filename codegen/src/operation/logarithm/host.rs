//! Logarithm on this machine.

use super::Logarithm;
use crate::operation::host::{Call, Execute};
use dense_runtime::kernels::elementwise::logarithm;

impl Execute for Logarithm {
    fn execute(&self, call: &Call<'_>, y: &mut [f32]) {
        call.each_sample(y, |_, y| logarithm(&self.mask, y));
    }
}
