//! What every frozen emulator can do.

use crate::status::Status;
use core::fmt;

/// A frozen emulator of `IN` inputs and `OUT` outputs, both in the simulator's units.
///
/// Nothing here can fail or panic: a call says in its [`Status`] what it thinks of its inputs.
pub trait Predict<const IN: usize, const OUT: usize> {
    /// The activations of one call, in buffers of a size known at compile time. The caller owns them.
    type Workspace;

    /// A workspace to begin with. What it holds between calls does not matter.
    const WORKSPACE: Self::Workspace;

    /// Writes the members' mean and the calibrated standard deviation at `x`.
    fn predict(
        &self,
        workspace: &mut Self::Workspace,
        x: &[f32; IN],
        mean: &mut [f32; OUT],
        std: &mut [f32; OUT],
    ) -> Status;

    /// Predicts row after row, as many as all four slices have: the bits of [`Predict::predict`].
    fn predict_batch(
        &self,
        workspace: &mut Self::Workspace,
        x: &[[f32; IN]],
        mean: &mut [[f32; OUT]],
        std: &mut [[f32; OUT]],
        status: &mut [Status],
    ) {
        let results = mean.iter_mut().zip(std).zip(status);
        for (x, ((mean, std), status)) in x.iter().zip(results) {
            *status = self.predict(workspace, x, mean, std);
        }
    }

    /// Checks the checksum of the weights and golden vectors, and predicts the golden inputs.
    ///
    /// # Errors
    /// Weights or vectors are not those that were frozen, or this processor computes other bits.
    fn self_test(&self, workspace: &mut Self::Workspace) -> Result<(), SelfTestFailure>;
}

/// Why a self-test did not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfTestFailure {
    /// Weights, golden vectors or the stored checksum have changed since they were frozen.
    Checksum,
    /// The golden vector of this index is not predicted bit for bit.
    Golden(usize),
}

impl fmt::Display for SelfTestFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checksum => {
                formatter.write_str("weights or golden vectors are not as frozen: flash again")
            }
            Self::Golden(index) => write!(
                formatter,
                "golden vector {index} is not predicted bit for bit"
            ),
        }
    }
}
