//! The calls of every emulator, as functions that link only if no panic is reachable from them, and
//! one interface to emulators of all sizes.
//!
//! A function marked with `no-panic` refers to an undefined symbol wherever a panic could unwind
//! through it, so the program links only if the optimiser has shown that none can.

use dense_runtime::image::{Identity, ImageError};
use dense_runtime::predict::SelfTestFailure;
use dense_runtime::status::Status;

/// An emulator of any size. Rows follow one another; there are only complete ones.
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

/// A frozen emulator whose weights can be swapped.
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
    /// Tests the weights of an intact image, or the built-in weights, passed explicitly.
    fn self_test_of(&mut self, image: Option<&[u8]>) -> Result<(), SelfTestFailure>;
    /// Tests weights that need not be intact.
    ///
    /// # Safety
    /// There are enough bytes, and they are aligned.
    unsafe fn self_test_of_damaged(&mut self, image: &[u8]) -> Result<(), SelfTestFailure>;
    /// The index of the golden vectors' mean in an image, in words.
    fn golden_word(&self) -> usize;
    /// Whether the weights of an image are read in place.
    fn reads_in_place(&self, image: &[u8]) -> bool;
    /// The result of a check of an image in slices of these sizes in turn; of the built-in weights
    /// without an image.
    fn checked_in_slices(&self, image: Option<&[u8]>, sizes: &[usize]) -> Result<(), ImageError>;
    /// The identity of an image's weights, and their trained box; of the built-in weights without
    /// an image.
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

            /// The outputs of the calls.
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
                    // SAFETY: there are enough bytes, aligned; all bit patterns are valid floats
                    // and integers.
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
