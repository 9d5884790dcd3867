//! Calls every emulator by functions that do not link where a panic can be reached from them.

use dense_runtime::predict::Predict;
use dense_runtime::status::Status;
use std::hint::black_box;

mod emulators;

macro_rules! entry_points {
    ($name:ident) => {
        mod $name {
            pub use crate::emulators::$name::model::{
                BATCH, Emulator, INPUTS, OUTPUTS, Weights, Workspace,
            };
            use dense_runtime::image::ImageError;
            use dense_runtime::predict::{Predict, SelfTestFailure};
            use dense_runtime::status::Status;
            use no_panic::no_panic;

            type Inputs = [f32; INPUTS];
            type Outputs = [f32; OUTPUTS];

            pub mod predict {
                use super::*;

                #[no_panic]
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

            pub mod predict_batch {
                use super::*;

                #[no_panic]
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

            pub mod from_image {
                use super::*;

                #[no_panic]
                #[inline(never)]
                pub fn $name<'a>(
                    image: &'a [u8],
                    workspace: &mut Workspace,
                    x: &Inputs,
                    mean: &mut Outputs,
                    std: &mut Outputs,
                ) -> Result<&'a Weights, ImageError> {
                    let weights = Weights::from_image(image)?;
                    weights.predict(workspace, x, mean, std);
                    Ok(weights)
                }
            }

            pub mod self_test {
                use super::*;

                #[no_panic]
                #[inline(never)]
                pub fn $name(workspace: &mut Workspace) -> Result<(), SelfTestFailure> {
                    Emulator.self_test(workspace)
                }
            }
        }
    };
}
emulators::each!(entry_points);

macro_rules! call {
    ($name:ident) => {{
        use $name::{Emulator, INPUTS, OUTPUTS};
        let mut workspace = black_box(Emulator::WORKSPACE);
        // Whatever the inputs and however many rows: the compiler must not know them.
        let rows = black_box(vec![[0.0; INPUTS]; 2]);
        let mut mean = black_box(vec![[0.0; OUTPUTS]; 2]);
        let mut std = black_box(mean.clone());
        let mut status = black_box(vec![Status::default(); 2]);
        black_box($name::predict::$name(
            &mut workspace,
            &rows[0],
            &mut mean[0],
            &mut std[0],
        ));
        let mut batch = black_box(Emulator::BATCH_WORKSPACE);
        $name::predict_batch::$name(&mut batch, &rows, &mut mean, &mut std, &mut status);
        let image = black_box(vec![0_u8; 64]);
        let none = $name::from_image::$name(&image, &mut workspace, &rows[0], &mut mean[0], &mut std[0]);
        assert!(none.is_err());
        black_box((mean, std, status));
        let passed = $name::self_test::$name(&mut workspace).is_ok();
        println!("{}: {passed}", stringify!($name));
    }};
}

fn main() {
    emulators::each!(call);
}
