//! Add on this machine.

use super::Add;
use crate::operation::host::{Call, Execute};
use dense_runtime::kernels::add::add;

impl Execute for Add {
    fn execute(&self, call: &Call<'_>, y: &mut [f32]) {
        call.each_sample(y, |sample, y| add(sample.operand(0), sample.operand(1), y));
    }
}
