//! The interface of every frozen emulator.

use crate::status::Status;
use core::fmt;
#[cfg(feature = "std")]
use std::sync::Mutex;

/// A frozen emulator of `IN` inputs and `OUT` outputs, both in the simulator's units.
///
/// No method fails or panics, but for the self-test's error: problems with the inputs are reported
/// in the returned [`Status`].
pub trait Predict<const IN: usize, const OUT: usize> {
    /// The activations of one call, in buffers whose sizes are known at compile time. The caller
    /// owns them.
    type Workspace;

    /// A workspace to begin with. Its contents between calls do not matter.
    const WORKSPACE: Self::Workspace;

    /// The activations of the rows that a batch computes at once.
    type BatchWorkspace;

    /// A workspace for batches to begin with.
    const BATCH_WORKSPACE: Self::BatchWorkspace;

    /// Writes the members' mean and the calibrated standard deviation at `x`.
    fn predict(
        &self,
        workspace: &mut Self::Workspace,
        x: &[f32; IN],
        mean: &mut [f32; OUT],
        std: &mut [f32; OUT],
    ) -> Status;

    /// Returns the prediction at `x` as one value with named parts.
    ///
    /// [`Predict::predict`] writes the same bits into the caller's own arrays.
    #[inline]
    fn answer(&self, workspace: &mut Self::Workspace, x: &[f32; IN]) -> Prediction<OUT> {
        let (mut mean, mut std) = ([0.0; OUT], [0.0; OUT]);
        let status = self.predict(workspace, x, &mut mean, &mut std);
        Prediction { mean, std, status }
    }

    /// Predicts rows until the shortest of the four slices ends, a few rows at a time on this
    /// thread. The bits are those of [`Predict::predict`].
    fn predict_batch(
        &self,
        workspace: &mut Self::BatchWorkspace,
        x: &[[f32; IN]],
        mean: &mut [[f32; OUT]],
        std: &mut [[f32; OUT]],
        status: &mut [Status],
    );

    /// [`Predict::predict_batch`] on several threads, each with its own workspace on its stack;
    /// `threads` of 0 counts as 1. If the system cannot start all threads, this thread does the
    /// rest.
    #[cfg(feature = "std")]
    fn predict_parallel(
        &self,
        threads: usize,
        x: &[[f32; IN]],
        mean: &mut [[f32; OUT]],
        std: &mut [[f32; OUT]],
        status: &mut [Status],
    ) where
        Self: Sync,
    {
        const STACK: usize = 1 << 18;
        let share = x.len().div_ceil(threads.max(1)).max(1);
        let results = mean.chunks_mut(share).zip(std.chunks_mut(share));
        let parts = x
            .chunks(share)
            .zip(results.zip(status.chunks_mut(share)))
            .map(|(x, ((mean, std), status))| Mutex::new((x, mean, std, status)));
        let work = |part: &Mutex<Part<IN, OUT>>| {
            if let Ok(mut part) = part.lock() {
                let (x, mean, std, status) = &mut *part;
                self.predict_batch(&mut { Self::BATCH_WORKSPACE }, x, mean, std, status);
            }
        };
        let parts: Vec<_> = parts.collect();
        std::thread::scope(|scope| {
            for part in &parts {
                let builder = std::thread::Builder::new()
                    .stack_size(STACK + size_of::<Self::BatchWorkspace>());
                if builder.spawn_scoped(scope, || work(part)).is_err() {
                    work(part);
                }
            }
        });
    }

    /// Verifies the checksum of the weights and golden vectors, then predicts the golden inputs and
    /// compares the results bit for bit.
    ///
    /// # Errors
    /// The weights or vectors have changed since they were frozen, or this processor computes other
    /// bits.
    fn self_test(&self, workspace: &mut Self::Workspace) -> Result<(), SelfTestFailure>;
}

/// The prediction of one call, in the simulator's units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction<const OUT: usize> {
    /// The members' mean.
    pub mean: [f32; OUT],
    /// The calibrated standard deviation.
    pub std: [f32; OUT],
    /// Problems with the inputs or the results.
    pub status: Status,
}

/// The rows of one thread: inputs, means, standard deviations, statuses.
#[cfg(feature = "std")]
type Part<'a, const IN: usize, const OUT: usize> = (
    &'a [[f32; IN]],
    &'a mut [[f32; OUT]],
    &'a mut [[f32; OUT]],
    &'a mut [Status],
);

/// An array that starts at a cache line, if the processor has a cache: no vector of it then crosses
/// two lines.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(target_arch = "arm"), repr(align(64)))]
pub struct Aligned<T>(pub T);

/// Why a self-test failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfTestFailure {
    /// Weights, golden vectors or the stored checksum have changed since they were frozen.
    Checksum,
    /// The golden vector of this index is not reproduced bit for bit.
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

impl core::error::Error for SelfTestFailure {}
