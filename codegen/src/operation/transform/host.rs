//! Transform on this machine.

use super::{Inverse, Transform};
use crate::operation::host::{Call, Execute};
use dense_runtime::kernels::elementwise;

impl Execute for Transform {
    fn execute(&self, call: &Call<'_>, y: &mut [f32]) {
        let function = match self.function {
            Inverse::Exp => elementwise::Transform::Exp,
            Inverse::Sinh => elementwise::Transform::Sinh,
        };
        call.each_sample(y, |_, y| elementwise::transform(function, y));
    }
}
