//! Statistics: the members' mean, and their spread as a calibrated standard deviation.
//!
//! ```text
//! mean = (m_0 + .. + m_{M-1}) / M,    std = unit * sqrt(gain / M * sum_k ((m_k - mean) / unit)^2 + floor)
//! ```
//!
//! and with slopes `hypot(std, slope |mean|)`, as larger * sqrt(1 + (smaller / larger)^2), so that nothing finite overflows.
//!
//! Deviations are taken from the mean before they are squared, so that nearly equal members lose nothing. An engine may
//! sum in any order; Welford's order is that of deployed code alone.

use super::draft::Draft;
use crate::emulator::{Calibration, Emulator};

/// The members' mean, `[n, OUT]` as each of them.
pub(super) fn mean(draft: &mut Draft<'_>, members: &[String]) -> String {
    if let [only] = members {
        return only.clone();
    }
    let sum = sum(draft, members);
    let share = draft.number("share", 1.0 / members.len() as f32);
    draft.push("Mul", &[&sum, &share], Vec::new())
}

/// The standard deviation around their mean: `[n, OUT]`, or `[OUT]` where a single member has no spread and no slope.
pub(super) fn deviation(
    draft: &mut Draft<'_>,
    emulator: &Emulator,
    members: &[String],
    mean: &str,
) -> String {
    let calibration = emulator.calibration();
    let spread = match members.len() {
        1 => draft.numbers("deviation", &calibration.deviation_of_one()),
        _ => spread(draft, calibration, members, mean),
    };
    match &calibration.slope {
        None => spread,
        Some(slope) => sloped(draft, slope, &spread, mean),
    }
}

/// What slopes make of a deviation: `[n, OUT]`.
fn sloped(draft: &mut Draft<'_>, slope: &[f32], deviation: &str, mean: &str) -> String {
    let slope = draft.numbers("slope", slope);
    let size = draft.push("Abs", &[mean], Vec::new());
    let beside = draft.push("Mul", &[&size, &slope], Vec::new());
    let larger = draft.push("Max", &[deviation, &beside], Vec::new());
    let smaller = draft.push("Min", &[deviation, &beside], Vec::new());
    // Neither 0 / 0 nor a quotient of infinities.
    let [least, most] = [("normal", f32::MIN_POSITIVE), ("largest", f32::MAX)]
        .map(|(name, value)| draft.number(name, value));
    let above = draft.push("Max", &[&larger, &least], Vec::new());
    let divisor = draft.push("Min", &[&above, &most], Vec::new());
    let ratio = draft.push("Div", &[&smaller, &divisor], Vec::new());
    let square = draft.push("Mul", &[&ratio, &ratio], Vec::new());
    let one = draft.number("one", 1.0);
    let sum = draft.push("Add", &[&square, &one], Vec::new());
    let root = draft.push("Sqrt", &[&sum], Vec::new());
    draft.push("Mul", &[&larger, &root], Vec::new())
}

/// The deviation of several members, `[n, OUT]`.
fn spread(
    draft: &mut Draft<'_>,
    calibration: &Calibration,
    members: &[String],
    mean: &str,
) -> String {
    let inverse: Vec<_> = calibration.unit.iter().map(|unit| unit.recip()).collect();
    let inverse = draft.numbers("inverse_unit", &inverse);
    let squares: Vec<_> = members
        .iter()
        .map(|member| {
            let from_mean = draft.push("Sub", &[member, mean], Vec::new());
            let scaled = draft.push("Mul", &[&from_mean, &inverse], Vec::new());
            draft.push("Mul", &[&scaled, &scaled], Vec::new())
        })
        .collect();
    let sum = sum(draft, &squares);
    let gain = draft.number("gain", calibration.gain / members.len() as f32);
    let floor = draft.numbers("floor", &calibration.floor);
    let unit = draft.numbers("unit", &calibration.unit);
    let spread = draft.push("Mul", &[&sum, &gain], Vec::new());
    let variance = draft.push("Add", &[&spread, &floor], Vec::new());
    let root = draft.push("Sqrt", &[&variance], Vec::new());
    draft.push("Mul", &[&root, &unit], Vec::new())
}

fn sum(draft: &mut Draft<'_>, values: &[String]) -> String {
    let [first, others @ ..] = values else {
        unreachable!("an emulator has a member");
    };
    others.iter().fold(first.clone(), |sum, value| {
        draft.push("Add", &[&sum, value], Vec::new())
    })
}
