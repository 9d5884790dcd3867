//! The calls of every emulator, as functions that do not link where a panic can be reached from them, and one interface to
//! the emulators of all sizes.
//!
//! What `no-panic` marks refers to an undefined symbol wherever a panic could unwind through it, so that the program links
//! only where the optimiser has shown that none can.

use dense_runtime::image::{Identity, ImageError};
use dense_runtime::predict::SelfTestFailure;
use dense_runtime::status::Status;

/// An emulator, whatever its sizes. Rows follow one another; there are whole ones alone.
pub trait Calls {
    fn name(&self) -> &'static str;
    /// The box, from low to high.
    fn limits(&self) -> (&'static [f32], &'static [f32]);
    fn outputs(&self) -> usize;
    fn predict(&mut self, x: &[f32], mean: &mut [f32], std: &mut [f32]) -> Status;
    fn predict_batch(
        &mut self,
        x: &[f32],
        mean: &mut [f32],
        std: &mut [f32],
        status: &mut [Status],
    );
    fn self_test(&mut self) -> Result<(), SelfTestFailure>;
}

/// An emulator that was frozen, and whose weights can be swapped.
pub trait Frozen: Calls {
    fn predict_parallel(
        &self,
        threads: usize,
        x: &[f32],
        mean: &mut [f32],
        std: &mut [f32],
        status: &mut [Status],
    );
    fn image_bytes(&self) -> usize;
    /// Predicts one row with the weights of an image.
    fn predict_from_image(
        &mut self,
        image: &[u8],
        x: &[f32],
        mean: &mut [f32],
        std: &mut [f32],
    ) -> Result<Status, ImageError>;
    /// Tests the weights of an image that is sound, or those that are built in and named as such.
    fn self_test_of(&mut self, image: Option<&[u8]>) -> Result<(), SelfTestFailure>;
    /// Tests weights by themselves that need not be whole.
    ///
    /// # Safety
    /// There are enough bytes, and they are aligned.
    unsafe fn self_test_of_damaged(&mut self, image: &[u8]) -> Result<(), SelfTestFailure>;
    /// Where in an image the mean of the golden vectors is, in words.
    fn golden_word(&self) -> usize;
    /// Whether the weights of an image are read where they lie.
    fn reads_in_place(&self, image: &[u8]) -> bool;
    /// What a check in slices of so many bytes in turn says of an image, and of the weights that are built in without one.
    fn checked_in_slices(&self, image: Option<&[u8]>, sizes: &[usize]) -> Result<(), ImageError>;
    /// Which weights those of an image are, and their trained box; those that are built in without one.
    fn identity(&self, image: Option<&[u8]>) -> (Identity, Vec<f32>);
}

macro_rules! calls {
    ($name:ident) => {
        pub mod $name {
            use crate::emulators::$name::model::{
                BATCH, Emulator, INPUT_HIGH, INPUT_LOW, INPUTS, OUTPUTS, Weights, Workspace,
            };
            use dense_runtime::image::{Check, Identity, ImageError};
            use dense_runtime::predict::{Predict, SelfTestFailure};
            use dense_runtime::status::Status;

            type Inputs = [f32; INPUTS];
            type Outputs = [f32; OUTPUTS];

            mod predict {
                use super::*;

                #[cfg_attr(feature = "proof", no_panic::no_panic)]
                #[unsafe(export_name = concat!("measured_", stringify!($name)))]
                #[inline(never)]
                pub fn $name(
                    workspace: &mut Workspace,
                    x: &Inputs,
                    mean: &mut Outputs,
                    std: &mut Outputs,
                ) -> Status {
                    let status = Emulator.predict(workspace, x, mean, std);
                    #[cfg(feature = "planted")]
                    assert!(mean[0] != 0.125, "planted");
                    status
                }
            }

            mod predict_batch {
                use super::*;

                #[cfg_attr(feature = "proof", no_panic::no_panic)]
                #[inline(never)]
                pub fn $name(
                    workspace: &mut Workspace<BATCH>,
                    x: &[Inputs],
                    mean: &mut [Outputs],
                    std: &mut [Outputs],
                    status: &mut [Status],
                ) {
                    Emulator.predict_batch(workspace, x, mean, std, status);
                }
            }

            mod from_image {
                use super::*;

                #[cfg_attr(feature = "proof", no_panic::no_panic)]
                #[inline(never)]
                pub fn $name(
                    image: &[u8],
                    workspace: &mut Workspace,
                    x: &Inputs,
                    mean: &mut Outputs,
                    std: &mut Outputs,
                ) -> Result<Status, ImageError> {
                    Ok(Weights::from_image(image)?.predict(workspace, x, mean, std))
                }
            }

            mod self_test {
                use super::*;

                #[cfg_attr(feature = "proof", no_panic::no_panic)]
                #[inline(never)]
                pub fn $name(workspace: &mut Workspace) -> Result<(), SelfTestFailure> {
                    Emulator.self_test(workspace)
                }
            }

            mod step {
                use super::*;

                #[cfg_attr(feature = "proof", no_panic::no_panic)]
                #[inline(never)]
                pub fn $name(
                    check: &mut Check<'_, Weights>,
                    bytes: usize,
                ) -> Option<Result<[[f32; INPUTS]; 2], ImageError>> {
                    check.step(bytes);
                    Some(check.finished()?.map(Weights::limits))
                }
            }

            /// What the calls write to.
            pub struct Caller {
                workspace: Workspace,
                batch: Workspace<BATCH>,
            }

            pub fn frozen() -> Caller {
                Caller {
                    workspace: Emulator::WORKSPACE,
                    batch: Emulator::BATCH_WORKSPACE,
                }
            }

            /// The one row of a slice.
            fn row<const SIZE: usize>(values: &[f32]) -> &[f32; SIZE] {
                values.first_chunk().unwrap()
            }

            fn row_mut<const SIZE: usize>(values: &mut [f32]) -> &mut [f32; SIZE] {
                values.first_chunk_mut().unwrap()
            }

            impl crate::calls::Calls for Caller {
                fn name(&self) -> &'static str {
                    stringify!($name)
                }

                fn limits(&self) -> (&'static [f32], &'static [f32]) {
                    (&INPUT_LOW, &INPUT_HIGH)
                }

                fn outputs(&self) -> usize {
                    OUTPUTS
                }

                fn predict(&mut self, x: &[f32], mean: &mut [f32], std: &mut [f32]) -> Status {
                    predict::$name(&mut self.workspace, row(x), row_mut(mean), row_mut(std))
                }

                fn predict_batch(
                    &mut self,
                    x: &[f32],
                    mean: &mut [f32],
                    std: &mut [f32],
                    status: &mut [Status],
                ) {
                    let (x, _) = x.as_chunks();
                    let ((mean, _), (std, _)) = (mean.as_chunks_mut(), std.as_chunks_mut());
                    predict_batch::$name(&mut self.batch, x, mean, std, status);
                }

                fn self_test(&mut self) -> Result<(), SelfTestFailure> {
                    self_test::$name(&mut self.workspace)
                }
            }

            impl crate::calls::Frozen for Caller {
                fn predict_parallel(
                    &self,
                    threads: usize,
                    x: &[f32],
                    mean: &mut [f32],
                    std: &mut [f32],
                    status: &mut [Status],
                ) {
                    let (x, _) = x.as_chunks();
                    let ((mean, _), (std, _)) = (mean.as_chunks_mut(), std.as_chunks_mut());
                    Emulator.predict_parallel(threads, x, mean, std, status);
                }

                fn image_bytes(&self) -> usize {
                    Weights::IMAGE_BYTES
                }

                fn predict_from_image(
                    &mut self,
                    image: &[u8],
                    x: &[f32],
                    mean: &mut [f32],
                    std: &mut [f32],
                ) -> Result<Status, ImageError> {
                    from_image::$name(
                        image,
                        &mut self.workspace,
                        row(x),
                        row_mut(mean),
                        row_mut(std),
                    )
                }

                fn self_test_of(&mut self, image: Option<&[u8]>) -> Result<(), SelfTestFailure> {
                    let weights = match image {
                        Some(image) => Weights::from_image(image).unwrap(),
                        None => Weights::BUILT_IN,
                    };
                    weights.self_test(&mut self.workspace)
                }

                unsafe fn self_test_of_damaged(
                    &mut self,
                    image: &[u8],
                ) -> Result<(), SelfTestFailure> {
                    // SAFETY: as many bytes as there have to be, aligned; any bits are numbers.
                    let damaged = unsafe { &*image.as_ptr().cast::<Weights>() };
                    damaged.self_test(&mut self.workspace)
                }

                fn golden_word(&self) -> usize {
                    std::mem::offset_of!(Weights, golden_mean_fused) / 4
                }

                fn checked_in_slices(
                    &self,
                    image: Option<&[u8]>,
                    sizes: &[usize],
                ) -> Result<(), ImageError> {
                    let mut check = match image {
                        Some(image) => Weights::check_image(image)?,
                        None => Weights::BUILT_IN.check(),
                    };
                    let mut sizes = sizes.iter().cycle();
                    loop {
                        let size = sizes.next().copied().unwrap_or(4);
                        if let Some(answer) = step::$name(&mut check, size) {
                            return answer.map(|_| ());
                        }
                    }
                }

                fn identity(&self, image: Option<&[u8]>) -> (Identity, Vec<f32>) {
                    let weights = match image {
                        Some(image) => Weights::from_image(image).unwrap(),
                        None => Weights::BUILT_IN,
                    };
                    (weights.identity(), weights.limits().concat())
                }

                fn reads_in_place(&self, image: &[u8]) -> bool {
                    let weights = Weights::from_image(image).unwrap();
                    (&raw const *weights).cast() == image.as_ptr()
                }
            }
        }
    };
}
crate::emulators::each!(calls);
