//! Guard: whether every input of a row is a finite number, whether every one is within its trained range, and whether
//! every result is finite.
//!
//! Comparisons alone, on the limits that deployed code has: the answers are exact, and a NaN compares false.

use super::draft::{Draft, INPUT, int, ints};
use super::proto::TensorProto;
use crate::emulator::Emulator;

/// The names of the guard's answers.
pub(super) struct Guard {
    /// `[n, 1]`: whether all inputs are finite.
    pub(super) finite: String,
    /// `[n]`: whether all inputs are within their ranges.
    pub(super) in_domain: String,
}

/// Adds the guard's nodes.
pub(super) fn guard(draft: &mut Draft<'_>, emulator: &Emulator) -> Guard {
    let finite = finite(draft, INPUT);
    let (low, high): (Vec<_>, Vec<_>) = emulator
        .domain()
        .iter()
        .map(|range| (range.low, range.high))
        .unzip();
    let (low, high) = (draft.numbers("low", &low), draft.numbers("high", &high));
    let above = draft.push("GreaterOrEqual", &[INPUT, &low], Vec::new());
    let below = draft.push("LessOrEqual", &[INPUT, &high], Vec::new());
    let within = draft.push("And", &[&above, &below], Vec::new());
    Guard {
        finite: all(draft, &finite, Axis::Kept),
        in_domain: all(draft, &within, Axis::Dropped),
    }
}

/// `[n]`: these answers, and whether mean and standard deviation, `[n, OUT]`, are finite.
pub(super) fn and_no_overflow(
    draft: &mut Draft<'_>,
    in_domain: &str,
    [mean, deviation]: [&str; 2],
) -> String {
    let (mean, deviation) = (finite(draft, mean), finite(draft, deviation));
    let both = draft.push("And", &[&mean, &deviation], Vec::new());
    let results = all(draft, &both, Axis::Dropped);
    draft.push("And", &[in_domain, &results], Vec::new())
}

/// Whether each of these numbers is finite.
fn finite(draft: &mut Draft<'_>, values: &str) -> String {
    let largest = draft.number("largest", f32::MAX);
    let size = draft.push("Abs", &[values], Vec::new());
    draft.push("LessOrEqual", &[&size, &largest], Vec::new())
}

/// What becomes of the axis over which answers are gathered.
enum Axis {
    Kept,
    Dropped,
}

/// Whether all answers of a row are yes: the least of them as numbers, for which every engine has an operator.
fn all(draft: &mut Draft<'_>, answers: &str, axis: Axis) -> String {
    let to = |data_type: i32| vec![int("to", data_type as usize)];
    let numbers = draft.push("Cast", &[answers], to(TensorProto::FLOAT));
    let kept = matches!(axis, Axis::Kept);
    let settings = vec![ints("axes", &[1]), int("keepdims", kept.into())];
    let least = draft.push("ReduceMin", &[&numbers], settings);
    draft.push("Cast", &[&least], to(TensorProto::BOOL))
}
