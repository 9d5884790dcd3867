//! Passes over activations and their gradients: what lies between the products.
//!
//! Plain loops, compiled for the vectors of the processor. A closure that an iterator calls would
//! be compiled without them.

use super::product::LANES;
use crate::space::Function;
use dense_runtime::elementary;
use dense_runtime::fma::Fused;

/// An activation with its slope.
trait Activation {
    /// Returns the activation and its derivative at a number.
    fn at(x: f32) -> (f32, f32);
}

struct Silu;
struct Tanh;
struct Relu;
struct Sine;
struct Linear;

impl Activation for Silu {
    #[inline(always)]
    fn at(x: f32) -> (f32, f32) {
        let s = elementary::sigmoid::<Fused>(x);
        (x * s, s * (1.0 + x * (1.0 - s)))
    }
}

impl Activation for Tanh {
    #[inline(always)]
    fn at(x: f32) -> (f32, f32) {
        let t = elementary::tanh::<Fused>(x);
        (t, 1.0 - t * t)
    }
}

impl Activation for Relu {
    #[inline(always)]
    fn at(x: f32) -> (f32, f32) {
        let slope = if x > 0.0 { 1.0 } else { 0.0 };
        (x * slope, slope)
    }
}

impl Activation for Sine {
    #[inline(always)]
    fn at(x: f32) -> (f32, f32) {
        (elementary::sin::<Fused>(x), elementary::cos::<Fused>(x))
    }
}

impl Activation for Linear {
    #[inline(always)]
    fn at(x: f32) -> (f32, f32) {
        (x, 1.0)
    }
}

/// Calls a function that is generic over the activation with these arguments.
macro_rules! with_activation {
    ($function:expr, $work:ident($($argument:expr),*)) => {
        match $function {
            Some(Function::Silu) => $work::<Silu>($($argument),*),
            Some(Function::Tanh) => $work::<Tanh>($($argument),*),
            Some(Function::Relu) => $work::<Relu>($($argument),*),
            Some(Function::Sine) => $work::<Sine>($($argument),*),
            None => $work::<Linear>($($argument),*),
        }
    };
}

/// Applies the activation in place and writes its slopes.
///
/// *Shapes*: equal lengths.
pub(super) fn activate(function: Option<Function>, values: &mut [f32], slopes: &mut [f32]) {
    fn work<A: Activation>(values: &mut [f32], slopes: &mut [f32]) {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for (value, slope) in values.iter_mut().zip(slopes) {
                    (*value, *slope) = A::at(*value);
                }
            },
        );
    }
    with_activation!(function, work(values, slopes));
}

/// Replaces the gate's pre-activations by the gate, writes its slopes, and `gate * carried` to the
/// node, with the identity added if there is one.
///
/// *Shapes*: equal lengths.
pub(super) fn gated(
    function: Option<Function>,
    gate: &mut [f32],
    slopes: &mut [f32],
    carried: &[f32],
    identity: Option<&[f32]>,
    node: &mut [f32],
) {
    fn work<A: Activation>(
        gate: &mut [f32],
        slopes: &mut [f32],
        carried: &[f32],
        identity: Option<&[f32]>,
        node: &mut [f32],
    ) {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                let both = gate.iter_mut().zip(slopes).zip(carried);
                match identity {
                    None => {
                        for (((gate, slope), &carried), node) in both.zip(node) {
                            (*gate, *slope) = A::at(*gate);
                            *node = *gate * carried;
                        }
                    }
                    Some(identity) => {
                        for ((((gate, slope), &carried), node), &identity) in
                            both.zip(node).zip(identity)
                        {
                            (*gate, *slope) = A::at(*gate);
                            *node = identity + *gate * carried;
                        }
                    }
                }
            },
        );
    }
    with_activation!(function, work(gate, slopes, carried, identity, node));
}

/// Writes the gradients of a gate's pre-activations and of what it carries, given those of their
/// product.
///
/// *Shapes*: equal lengths.
pub(super) fn gated_back(
    gradient: &[f32],
    (gate, slopes): (&[f32], &[f32]),
    carried: &[f32],
    of_gate: &mut [f32],
    of_carried: &mut [f32],
) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            let given = gradient.iter().zip(gate).zip(slopes.iter().zip(carried));
            let written = of_gate.iter_mut().zip(of_carried);
            for (((&gradient, &gate), (&slope, &carried)), (of_gate, of_carried)) in
                given.zip(written)
            {
                *of_gate = gradient * carried * slope;
                *of_carried = gradient * gate;
            }
        },
    );
}

/// Multiplies in place.
///
/// *Shapes*: equal lengths.
pub(super) fn scale(values: &mut [f32], factors: &[f32]) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for (value, &factor) in values.iter_mut().zip(factors) {
                *value *= factor;
            }
        },
    );
}

/// Writes products.
///
/// *Shapes*: equal lengths.
pub(super) fn products(left: &[f32], right: &[f32], target: &mut [f32]) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for ((target, &left), &right) in target.iter_mut().zip(left).zip(right) {
                *target = left * right;
            }
        },
    );
}

/// Writes sums.
///
/// *Shapes*: equal lengths.
pub(super) fn sum(left: &[f32], right: &[f32], target: &mut [f32]) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for ((target, &left), &right) in target.iter_mut().zip(left).zip(right) {
                *target = left + right;
            }
        },
    );
}

/// Adds in place.
///
/// *Shapes*: equal lengths.
pub(super) fn add(values: &mut [f32], others: &[f32]) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for (value, &other) in values.iter_mut().zip(others) {
                *value += other;
            }
        },
    );
}

/// Replaces outputs by `factor` times their errors, and returns the sum of the squared errors.
///
/// *Shapes*: equal lengths, a multiple of the lanes; only the first `valid` lanes of sixteen count,
/// and the others become zero.
pub(super) fn errors(outputs: &mut [f32], targets: &[f32], valid: usize, factor: f32) -> f64 {
    let mut mask = [0.0_f32; LANES];
    mask[..valid].fill(1.0);
    let mut sums = [0.0_f32; LANES];
    let rows = outputs.as_chunks_mut::<LANES>().0.iter_mut();
    let rows = rows.zip(targets.as_chunks::<LANES>().0);
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for (outputs, targets) in rows {
                for lane in 0..LANES {
                    let error = outputs[lane] - targets[lane];
                    // A selection, not a product: an output of a lane that does not count may be
                    // infinite.
                    let error = if mask[lane] > 0.0 { error } else { 0.0 };
                    sums[lane] += error * error;
                    outputs[lane] = factor * error;
                }
            }
        },
    );
    sums.iter().map(|&sum| f64::from(sum)).sum()
}

/// Writes the sum over the lanes and panels of each feature: the gradient of a bias.
///
/// # Shapes
/// `gradients`: `[panels][features or more][16]`, panels `panel` apart; `target`: one number a
/// feature.
pub(super) fn sums(gradients: &[f32], panel: usize, panels: usize, target: &mut [f32]) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for (feature, target) in target.iter_mut().enumerate() {
                let mut lanes = [0.0_f32; LANES];
                for p in 0..panels {
                    let place = p * panel + feature * LANES;
                    let row = &gradients[place..place + LANES];
                    for (sum, &value) in lanes.iter_mut().zip(row) {
                        *sum += value;
                    }
                }
                for half in [8, 4, 2, 1] {
                    for lane in 0..half {
                        lanes[lane] += lanes[lane + half];
                    }
                }
                *target = lanes[0];
            }
        },
    );
}

/// The numbers of one step of AdamW: `w = keep w - step m / (sqrt(root v) + epsilon)`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) step: f32,
    pub(super) root: f32,
    pub(super) keep: f32,
    pub(super) epsilon: f32,
    /// One minus the decay rate of each moment.
    pub(super) share: [f32; 2],
}

/// Updates moments and weights.
///
/// *Shapes*: equal lengths.
pub(super) fn adamw(
    weights: &mut [f32],
    [mean, square]: [&mut [f32]; 2],
    gradient: &[f32],
    by: Step,
) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            let moments = mean.iter_mut().zip(square);
            for ((w, &g), (mean, square)) in weights.iter_mut().zip(gradient).zip(moments) {
                *mean += by.share[0] * (g - *mean);
                *square += by.share[1] * (g * g - *square);
                *w = by.keep * *w - by.step * *mean / ((by.root * *square).sqrt() + by.epsilon);
            }
        },
    );
}

/// Updates moments by a gradient, and replaces it by Adam's step without the decay,
/// `step m / (sqrt(root v) + epsilon)`.
///
/// *Shapes*: equal lengths.
pub(super) fn adam(gradient: &mut [f32], [mean, square]: [&mut [f32]; 2], by: Step) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            let moments = mean.iter_mut().zip(square);
            for (g, (mean, square)) in gradient.iter_mut().zip(moments) {
                *mean += by.share[0] * (*g - *mean);
                *square += by.share[1] * (*g * *g - *square);
                *g = by.step * *mean / ((by.root * *square).sqrt() + by.epsilon);
            }
        },
    );
}

/// Multiplies all numbers by a factor.
pub(super) fn multiply_by(values: &mut [f32], factor: f32) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for value in values {
                *value *= factor;
            }
        },
    );
}
