//! Guard: whether every input of a row is finite, whether each is within its trained range, and
//! whether every result is finite.
//!
//! Consists of comparisons with the limits of deployed code: the results are exact, and a NaN
//! compares false.

use super::builder::{INPUT, ModelBuilder, int, ints};
use super::proto::TensorProto;
use crate::emulator::Emulator;

/// The names of the guard's results.
pub(super) struct Guard {
    /// `[n, 1]`: whether all inputs are finite.
    pub(super) finite: String,
    /// `[n]`: whether all inputs are within their ranges.
    pub(super) in_domain: String,
}

/// Adds the guard's nodes.
pub(super) fn guard(builder: &mut ModelBuilder<'_>, emulator: &Emulator) -> Guard {
    let finite = finite(builder, INPUT);
    let (low, high): (Vec<_>, Vec<_>) = emulator
        .domain()
        .iter()
        .map(|range| (range.low, range.high))
        .unzip();
    let (low, high) = (builder.numbers("low", &low), builder.numbers("high", &high));
    let above = builder.push("GreaterOrEqual", &[INPUT, &low], Vec::new());
    let below = builder.push("LessOrEqual", &[INPUT, &high], Vec::new());
    let within = builder.push("And", &[&above, &below], Vec::new());
    Guard {
        finite: all(builder, &finite, Axis::Kept),
        in_domain: all(builder, &within, Axis::Dropped),
    }
}

/// `[n]`: these results, combined with whether mean and standard deviation, `[n, OUT]`, are finite.
pub(super) fn and_no_overflow(
    builder: &mut ModelBuilder<'_>,
    in_domain: &str,
    [mean, deviation]: [&str; 2],
) -> String {
    let (mean, deviation) = (finite(builder, mean), finite(builder, deviation));
    let both = builder.push("And", &[&mean, &deviation], Vec::new());
    let results = all(builder, &both, Axis::Dropped);
    builder.push("And", &[in_domain, &results], Vec::new())
}

/// Whether each of these values is finite.
fn finite(builder: &mut ModelBuilder<'_>, values: &str) -> String {
    let largest = builder.number("largest", f32::MAX);
    let size = builder.push("Abs", &[values], Vec::new());
    builder.push("LessOrEqual", &[&size, &largest], Vec::new())
}

/// Whether the reduced axis is kept.
enum Axis {
    Kept,
    Dropped,
}

/// Whether all results of a row are true: their minimum as floats, for which every engine has an
/// operator.
fn all(builder: &mut ModelBuilder<'_>, answers: &str, axis: Axis) -> String {
    let to = |data_type: i32| vec![int("to", data_type as usize)];
    let numbers = builder.push("Cast", &[answers], to(TensorProto::FLOAT));
    let kept = matches!(axis, Axis::Kept);
    let settings = vec![ints("axes", &[1]), int("keepdims", kept.into())];
    let least = builder.push("ReduceMin", &[&numbers], settings);
    builder.push("Cast", &[&least], to(TensorProto::BOOL))
}
