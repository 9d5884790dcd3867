//! What every frozen emulator can do.

use crate::status::Status;
use core::fmt;
#[cfg(feature = "std")]
use std::sync::Mutex;

/// A frozen emulator of `IN` inputs and `OUT` outputs, both in the simulator's units.
///
/// Nothing here can fail or panic: problems with the inputs are reported in the returned [`Status`].
pub trait Predict<const IN: usize, const OUT: usize> {
    /// The activations of one call, in buffers of a size known at compile time. The caller owns them.
    type Workspace;

    /// A workspace to begin with. What it holds between calls does not matter.
    const WORKSPACE: Self::Workspace;

    /// The activations of the rows that a batch takes at once.
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

    /// Returns the answer at `x` as one value, whose parts have names.
    ///
    /// [`Predict::predict`] writes the same bits where the caller has room for them.
    #[inline]
    fn answer(&self, workspace: &mut Self::Workspace, x: &[f32; IN]) -> Prediction<OUT> {
        let (mut mean, mut std) = ([0.0; OUT], [0.0; OUT]);
        let status = self.predict(workspace, x, &mut mean, &mut std);
        Prediction { mean, std, status }
    }

    /// Predicts all rows, as many as all four slices have, a few at a time on this thread: the bits of
    /// [`Predict::predict`].
    fn predict_batch(
        &self,
        workspace: &mut Self::BatchWorkspace,
        x: &[[f32; IN]],
        mean: &mut [[f32; OUT]],
        std: &mut [[f32; OUT]],
        status: &mut [Status],
    );

    /// [`Predict::predict_batch`] on several threads, each with a workspace of its own on its stack; `threads` of 0 counts
    /// as 1. Where the system gives no more threads, this one does their part.
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

    /// Checks the checksum of the weights and golden vectors, and predicts the golden inputs.
    ///
    /// # Errors
    /// Weights or vectors are not those that were frozen, or this processor computes other bits.
    fn self_test(&self, workspace: &mut Self::Workspace) -> Result<(), SelfTestFailure>;
}

/// The answer of one call, in the simulator's units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction<const OUT: usize> {
    /// The members' mean.
    pub mean: [f32; OUT],
    /// The calibrated standard deviation.
    pub std: [f32; OUT],
    /// Problems with the inputs or the answer.
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

/// Numbers that begin at a cache line, where the processor has one: vectors of them then never lie across two.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(target_arch = "arm"), repr(align(64)))]
pub struct Aligned<T>(pub T);

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

impl core::error::Error for SelfTestFailure {}
