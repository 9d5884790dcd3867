//! The reference interpreters, which define the semantics of an emulator.
//!
//! In f64 they give the exact result, with which every other execution is compared; in f32 they
//! give the deployed bits of either order. They are plain scalar loops and share nothing with the
//! runtime's kernels, packing, buffer plan, guard or statistics.
//!
//! For members m_0 .. m_{M-1} of one output, in this order (Welford): mean = m_0, m2 = 0; then d =
//! m_k - mean, mean += d / (k + 1), e = m_k - mean, m2 += (d / unit) (e / unit); finally std = unit
//! * sqrt(m2 / M * gain + floor), times the error scale if the emulator has one ([`crate::local`]).
//!
//! If the emulator has slopes, the factor before the error scale is hypot(std, slope * |mean|). In
//! single precision hypot(a, b) = p * sqrt((a / p) (a / p) + (b / p)^2), with p the largest power
//! of two not above the larger of both, and not below 2^-126 nor above 2^126: its squares stay in
//! range, and divisions by it are exact but for values that vanish beside the other.

use crate::domain;
use crate::emulator::Emulator;
use crate::graph::{Graph, NodeId, Real, Single};
use crate::local::Local;
use crate::operation::rule::Value;
use dense_runtime::fma::{Fused, Separate};
use dense_runtime::status::Status;

/// Mean and calibrated standard deviation, `[OUT]` each, in physical units, and the guard's status.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction<T> {
    /// The members' mean.
    pub mean: Vec<T>,
    /// The calibrated standard deviation.
    pub std: Vec<T>,
    /// Problems with the inputs or the results.
    pub status: Status,
}

/// Returns the exact prediction, in double precision.
///
/// *Shapes*: `x: [IN]`, raw inputs. An input that is not finite makes every result NaN.
///
/// # Panics
/// `x` does not have one value for each input.
#[must_use]
pub fn interpret_f64(emulator: &Emulator, x: &[f32]) -> Prediction<f64> {
    predict(emulator, x)
}

/// The rounding of a multiply-add in deployed arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Rounded once: targets with a fused multiply-add.
    Fused,
    /// Product and sum rounded separately: targets without.
    Separate,
}

impl Order {
    /// Both orders.
    pub const ALL: [Self; 2] = [Self::Fused, Self::Separate];
}

/// Returns the bits that deployed code of this order gives.
///
/// *Shapes*: `x: [IN]`, raw inputs. An input that is not finite makes every result the NaN
/// 0x7FC00000.
///
/// # Panics
/// `x` does not have one value for each input.
#[must_use]
pub fn interpret_f32(emulator: &Emulator, x: &[f32], order: Order) -> Prediction<f32> {
    match order {
        Order::Fused => numbers(predict::<Single<Fused>>(emulator, x)),
        Order::Separate => numbers(predict::<Single<Separate>>(emulator, x)),
    }
}

/// The prediction as plain floats.
fn numbers<A>(prediction: Prediction<Single<A>>) -> Prediction<f32> {
    let plain = |values: Vec<Single<A>>| values.into_iter().map(|value| value.0).collect();
    Prediction {
        mean: plain(prediction.mean),
        std: plain(prediction.std),
        status: prediction.status,
    }
}

/// The prediction in any arithmetic.
fn predict<R: Real>(emulator: &Emulator, x: &[f32]) -> Prediction<R> {
    assert_eq!(x.len(), emulator.input_count(), "one number for each input");
    let outputs = emulator.output_count();
    let mut status = domain::check::<R>(&emulator.domain(), x);
    if status.non_finite != 0 {
        return Prediction {
            mean: vec![R::nan(); outputs],
            std: vec![R::nan(); outputs],
            status,
        };
    }
    let values = node_values::<R>(emulator.graph(), x);
    let members = emulator
        .members()
        .iter()
        .map(|&member| &values[member.index()][..]);
    let (mean, mut std) = ensemble(emulator, &members.collect::<Vec<_>>());
    let Local {
        error_scale,
        coverage,
    } = emulator.local();
    if let Some(scale) = error_scale {
        let scale = scale.at::<R>(emulator.inputs(), x);
        std.iter_mut()
            .for_each(|std| *std = canonical(std.mul(scale)));
    }
    status.far = coverage
        .as_ref()
        .is_some_and(|coverage| coverage.is_far::<R>(emulator.inputs(), x));
    status.overflow = !mean.iter().chain(&std).all(|value| value.is_finite());
    Prediction { mean, std, status }
}

/// The value of every node at raw inputs, in order.
pub(crate) fn node_values<R: Real>(graph: &Graph, x: &[f32]) -> Vec<Vec<R>> {
    values_from(graph, x.iter().copied().map(R::from_f32).collect())
}

/// The value of every node at inputs in this arithmetic, in order.
pub(crate) fn values_from<R: Real>(graph: &Graph, inputs: Vec<R>) -> Vec<Vec<R>> {
    let mut values = vec![inputs];
    for node in graph.nodes().iter().skip(1) {
        let operand = |&input: &NodeId| Value {
            shape: graph.shape(input),
            data: &values[input.index()],
        };
        let operands: Vec<_> = node.inputs().iter().map(operand).collect();
        let value = node
            .operation()
            .evaluate(graph.parameters(), &operands, node.shape());
        values.push(value);
    }
    values
}

/// The module's statistics of the members' outputs.
fn ensemble<R: Real>(emulator: &Emulator, members: &[&[R]]) -> (Vec<R>, Vec<R>) {
    let calibration = emulator.calibration();
    let inverse_count = R::from_f32(1.0 / members.len() as f32);
    let (mut means, mut deviations) = (Vec::new(), Vec::new());
    for (output, (&unit, &floor)) in calibration.unit.iter().zip(&calibration.floor).enumerate() {
        let inverse_unit = R::from_f32(1.0 / unit);
        let mut mean = members[0][output];
        let mut m2 = R::from_f32(0.0);
        for (k, member) in members.iter().enumerate().skip(1) {
            let before = member[output].sub(mean);
            mean = before.fma(R::from_f32(1.0 / (k + 1) as f32), mean);
            let after = member[output].sub(mean);
            m2 = before.mul(inverse_unit).fma(after.mul(inverse_unit), m2);
        }
        let variance = m2
            .mul(inverse_count)
            .fma(R::from_f32(calibration.gain), R::from_f32(floor));
        let mut deviation = R::from_f32(unit).mul(variance.sqrt());
        if let Some(slope) = &calibration.slope {
            deviation = deviation.hypot(R::from_f32(slope[output]).mul(mean.abs()));
        }
        means.push(canonical(mean));
        deviations.push(canonical(deviation));
    }
    (means, deviations)
}

/// Returns the value; every NaN becomes the same NaN, since payloads would depend on the processor.
fn canonical<R: Real>(x: R) -> R {
    if x.partial_cmp(&x).is_some() {
        x
    } else {
        R::nan()
    }
}

#[cfg(test)]
mod tests;
