//! Golden vectors: inputs, and the results of the f32 interpreter for them in either order.

use crate::domain::Range;
use crate::emulator::Emulator;
use crate::interpreter::{Order, Prediction, interpret_f32};

/// The number of golden inputs drawn from the box, beside its centre and two opposite corners.
const DRAWN: u64 = 2;

/// Inputs, and the interpreter's results in the orders of [`Order::ALL`].
pub(crate) struct Golden {
    pub(crate) inputs: Vec<Vec<f32>>,
    pub(crate) predictions: [Vec<Prediction<f32>>; 2],
}

impl Golden {
    pub(crate) fn new(emulator: &Emulator) -> Self {
        let inputs = golden_inputs(emulator);
        let predictions = Order::ALL.map(|order| {
            let predicted = inputs.iter().map(|x| interpret_f32(emulator, x, order));
            predicted.collect()
        });
        Self {
            inputs,
            predictions,
        }
    }
}

/// The golden inputs, `[n][IN]`: the centre, the corner of all lower and of all upper limits, and
/// points between.
#[must_use]
pub fn golden_inputs(emulator: &Emulator) -> Vec<Vec<f32>> {
    let domain = emulator.domain();
    let at = |fraction: &mut dyn FnMut() -> f32| {
        let within = |range: &Range| {
            (range.low + fraction() * (range.high - range.low)).clamp(range.low, range.high)
        };
        domain.iter().map(within).collect::<Vec<_>>()
    };
    let mut state = 0;
    let mut uniform = || splitmix64(&mut state);
    let mut points = vec![at(&mut || 0.5), at(&mut || 0.0), at(&mut || 1.0)];
    points.extend((0..DRAWN).map(|_| at(&mut uniform)));
    points
}

/// A float in [0, 1): Steele, Lea and Flood's generator, OOPSLA 2014.
fn splitmix64(state: &mut u64) -> f32 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 40) as f32 / (1 << 24) as f32
}
