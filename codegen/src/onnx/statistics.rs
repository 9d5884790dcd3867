//! Statistics: the members' mean, and their spread as a calibrated standard deviation.
//!
//! ```text
//! mean = (m_0 + .. + m_{M-1}) / M,    std = unit * sqrt(gain / M * sum_k ((m_k - mean) / unit)^2 + floor)
//! ```
//!
//! and with slopes `hypot(std, slope |mean|)`, as larger * sqrt(1 + (smaller / larger)^2), so that
//! no finite result overflows.
//!
//! Differences from the mean are taken before they are squared, so that nearly equal members lose
//! no digits. An engine may sum in any order; Welford's order is that of deployed code alone.

use super::builder::ModelBuilder;
use crate::emulator::{Calibration, Emulator};

/// The members' mean, `[n, OUT]` like each of them.
pub(super) fn mean(builder: &mut ModelBuilder<'_>, members: &[String]) -> String {
    if let [only] = members {
        return only.clone();
    }
    let sum = sum(builder, members);
    let share = builder.number("share", 1.0 / members.len() as f32);
    builder.push("Mul", &[&sum, &share], Vec::new())
}

/// The standard deviation around their mean: `[n, OUT]`, or `[OUT]` where a single member has no
/// spread and no slope.
pub(super) fn deviation(
    builder: &mut ModelBuilder<'_>,
    emulator: &Emulator,
    members: &[String],
    mean: &str,
) -> String {
    let calibration = emulator.calibration();
    let spread = match members.len() {
        1 => builder.numbers("deviation", &calibration.deviation_of_one()),
        _ => spread(builder, calibration, members, mean),
    };
    match &calibration.slope {
        None => spread,
        Some(slope) => sloped(builder, slope, &spread, mean),
    }
}

/// The deviation with slopes: `[n, OUT]`.
fn sloped(builder: &mut ModelBuilder<'_>, slope: &[f32], deviation: &str, mean: &str) -> String {
    let slope = builder.numbers("slope", slope);
    let size = builder.push("Abs", &[mean], Vec::new());
    let beside = builder.push("Mul", &[&size, &slope], Vec::new());
    let larger = builder.push("Max", &[deviation, &beside], Vec::new());
    let smaller = builder.push("Min", &[deviation, &beside], Vec::new());
    // Neither 0 / 0 nor a quotient of infinities.
    let [least, most] = [("normal", f32::MIN_POSITIVE), ("largest", f32::MAX)]
        .map(|(name, value)| builder.number(name, value));
    let above = builder.push("Max", &[&larger, &least], Vec::new());
    let divisor = builder.push("Min", &[&above, &most], Vec::new());
    let ratio = builder.push("Div", &[&smaller, &divisor], Vec::new());
    let square = builder.push("Mul", &[&ratio, &ratio], Vec::new());
    let one = builder.number("one", 1.0);
    let sum = builder.push("Add", &[&square, &one], Vec::new());
    let root = builder.push("Sqrt", &[&sum], Vec::new());
    builder.push("Mul", &[&larger, &root], Vec::new())
}

/// The deviation of several members, `[n, OUT]`.
fn spread(
    builder: &mut ModelBuilder<'_>,
    calibration: &Calibration,
    members: &[String],
    mean: &str,
) -> String {
    let inverse: Vec<_> = calibration.unit.iter().map(|unit| unit.recip()).collect();
    let inverse = builder.numbers("inverse_unit", &inverse);
    let squares: Vec<_> = members
        .iter()
        .map(|member| {
            let from_mean = builder.push("Sub", &[member, mean], Vec::new());
            let scaled = builder.push("Mul", &[&from_mean, &inverse], Vec::new());
            builder.push("Mul", &[&scaled, &scaled], Vec::new())
        })
        .collect();
    let sum = sum(builder, &squares);
    let gain = builder.number("gain", calibration.gain / members.len() as f32);
    let floor = builder.numbers("floor", &calibration.floor);
    let unit = builder.numbers("unit", &calibration.unit);
    let spread = builder.push("Mul", &[&sum, &gain], Vec::new());
    let variance = builder.push("Add", &[&spread, &floor], Vec::new());
    let root = builder.push("Sqrt", &[&variance], Vec::new());
    builder.push("Mul", &[&root, &unit], Vec::new())
}

fn sum(builder: &mut ModelBuilder<'_>, values: &[String]) -> String {
    let [first, others @ ..] = values else {
        unreachable!("an emulator has a member");
    };
    others.iter().fold(first.clone(), |sum, value| {
        builder.push("Add", &[&sum, value], Vec::new())
    })
}
