//! Compares fused nodes with plain loops, finite differences and the composite form, on random
//! shapes in one and two dimensions.

use super::*;
use crate::space::{Function, Identity, Placement};
use crate::streams::stream;
use candle_core::{DType, Tensor, Var};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Rounding error of sums of fewer than 2,000 products of values of order 1 in f64.
const ROUNDING: f64 = 1e-11;
/// The same bound in f32, including activations that are accurate to 4 units in the last place.
const ROUNDING_F32: f64 = 2e-4;
/// The step of central differences: truncation of order STEP^2, rounding of order 1e-16 / STEP of
/// the loss.
const STEP: f64 = 1e-5;
const DIFFERENCE: f64 = 1e-7;

fn grid(height: usize, width: usize) -> Grid {
    Grid { height, width }
}

/// A node with its tensors.
struct Case {
    /// `None` for a dense layer.
    plan: Option<Arc<Plan>>,
    epilogue: Epilogue,
    x: Var,
    /// Weight and bias; `None` for the identity alone.
    weights: Option<(Var, Var)>,
}

fn numbers(random: &mut ChaCha8Rng, shape: &[usize]) -> Var {
    let count = shape.iter().product();
    let values: Vec<f64> = (0..count).map(|_| random.random_range(-1.0..1.0)).collect();
    Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap()).unwrap()
}

impl Case {
    fn draw(random: &mut ChaCha8Rng) -> Self {
        let activation = [
            None,
            Some(Function::Silu),
            Some(Function::Tanh),
            Some(Function::Relu),
            Some(Function::Sine),
        ][random.random_range(0..5)];
        let placement = [Placement::After, Placement::OnBranch][random.random_range(0..2)];
        let identity = [Identity::Absent, Identity::Beside][random.random_range(0..2)];
        let mut epilogue = Epilogue {
            activation,
            placement,
            identity,
        };
        let batch = random.random_range(1..6);
        let inputs = random.random_range(1..8);
        let outputs = match identity {
            Identity::Beside => inputs,
            Identity::Absent => random.random_range(1..8),
        };
        let flat = random.random_bool(0.6);
        let mut sizes = |most: usize| match flat {
            true => grid(1, random.random_range(1..2 * most)),
            false => grid(random.random_range(1..most), random.random_range(1..most)),
        };
        let (from, to, half) = (sizes(9), sizes(9), sizes(3));
        let stride = sizes(3);
        let kernel = match flat {
            true => grid(1, 2 * half.width - 1),
            false => grid(2 * half.height - 1, 2 * half.width - 1),
        };
        let plan = match random.random_range(0..5) {
            0 => None,
            1 => Some(Plan::resize(from, to)),
            2 => Some(Plan::transposed(from, to, kernel, stride)),
            3 => Some(Plan::convolution(from, to, kernel)),
            // As in the published space.
            _ => Some(Plan::transposed(
                from,
                grid(from.height, 2 * from.width),
                kernel,
                grid(1, 2),
            )),
        };
        let dims = |grid: Grid, channels| match flat {
            true => vec![batch, grid.width, channels],
            false => vec![batch, grid.height, grid.width, channels],
        };
        let taps = match flat {
            true => vec![kernel.width, inputs, outputs],
            false => vec![kernel.height, kernel.width, inputs, outputs],
        };
        let weights = match plan.as_ref().map(|plan| plan.kind) {
            None => Some(vec![inputs, outputs]),
            Some(Kind::Resize) => None,
            Some(_) => Some(taps),
        };
        if weights.is_none() {
            epilogue.identity = Identity::Beside;
        }
        Self {
            x: numbers(
                random,
                &plan
                    .as_ref()
                    .map_or(vec![batch, inputs], |plan| dims(plan.input, inputs)),
            ),
            weights: weights.map(|shape| (numbers(random, &shape), numbers(random, &[outputs]))),
            plan: plan.map(Arc::new),
            epilogue,
        }
    }

    fn describe(&self) -> String {
        let kernel = self
            .plan
            .as_ref()
            .map(|p| (p.kind, p.input, p.output, p.kernel, p.stride));
        format!("{kernel:?} on {:?}, {:?}", self.x.dims(), self.epilogue)
    }

    fn run(&self, form: Form, dtype: DType) -> Tensor {
        let typed = |var: &Var| var.as_tensor().to_dtype(dtype).unwrap();
        let (x, epilogue, pass) = (typed(&self.x), self.epilogue, Pass::ForwardAndBackward);
        let weights = self.weights.as_ref().map(|(w, b)| (typed(w), typed(b)));
        match (&self.plan, &weights) {
            (None, Some((w, b))) => form.dense(&x, w, Some(b), epilogue, pass),
            (Some(plan), Some((w, b))) => form.correlate(plan, &x, w, b, epilogue, pass),
            (Some(plan), None) => form.identity(plan, &x, epilogue, pass),
            (None, None) => unreachable!("a dense layer has weights"),
        }
        .unwrap()
    }

    fn variables(&self) -> Vec<&Var> {
        let weights = self.weights.iter().flat_map(|(w, b)| [w, b]);
        std::iter::once(&self.x).chain(weights).collect()
    }

    /// The node by definition: each output is the sum over the inputs that contribute to it.
    fn expected(&self) -> Vec<f64> {
        let x = values(&self.x);
        let (w, b) = self
            .weights
            .as_ref()
            .map_or_else(Default::default, |(w, b)| (values(w), values(b)));
        let (batch, inputs) = (self.x.dims()[0], *self.x.dims().last().unwrap());
        let outputs = self
            .weights
            .as_ref()
            .map_or(inputs, |(_, b)| b.elem_count());
        let point = Arc::new(Plan::convolution(Grid::POINT, Grid::POINT, Grid::POINT));
        let plan = self.plan.as_ref().unwrap_or(&point);
        let (from, to, kernel, stride) = (plan.input, plan.output, plan.kernel, plan.stride);
        let at = |sample: usize, y: usize, x_place: usize, channel: usize| {
            x[((sample * from.height + y) * from.width + x_place) * inputs + channel]
        };
        let nearest = |y: usize, x: usize| (y * from.height / to.height, x * from.width / to.width);
        let mut all = Vec::new();
        for sample in 0..batch {
            for (oy, ox) in (0..to.height).flat_map(|y| (0..to.width).map(move |x| (y, x))) {
                for channel in 0..outputs {
                    let mut sum = b.get(channel).copied().unwrap_or(0.0);
                    for (ty, tx) in
                        (0..kernel.height).flat_map(|y| (0..kernel.width).map(move |x| (y, x)))
                    {
                        let source =
                            match plan.kind {
                                Kind::Resize => None,
                                Kind::Convolution => {
                                    let y = (oy + ty)
                                        .checked_sub(kernel.height / 2)
                                        .filter(|&y| y < to.height);
                                    let x = (ox + tx)
                                        .checked_sub(kernel.width / 2)
                                        .filter(|&x| x < to.width);
                                    y.zip(x).map(|(y, x)| nearest(y, x))
                                }
                                Kind::Transposed => {
                                    let meets =
                                        |o: usize, t: usize, k: usize, s: usize, n: usize| {
                                            (0..n).find(|i| i * s + t == o + k / 2)
                                        };
                                    meets(oy, ty, kernel.height, stride.height, from.height)
                                        .zip(meets(ox, tx, kernel.width, stride.width, from.width))
                                }
                            };
                        if let Some((y, x)) = source {
                            let tap = ty * kernel.width + tx;
                            for input in 0..inputs {
                                sum += at(sample, y, x, input)
                                    * w[(tap * inputs + input) * outputs + channel];
                            }
                        }
                    }
                    let natural = |n: usize, s: usize| (n - 1) * s + 1;
                    if plan.kind == Kind::Transposed
                        && (oy >= natural(from.height, stride.height)
                            || ox >= natural(from.width, stride.width))
                    {
                        sum = 0.0;
                    }
                    let beside = match self.epilogue.identity {
                        Identity::Absent => 0.0,
                        Identity::Beside => {
                            let (y, x) = nearest(oy, ox);
                            at(sample, y, x, channel)
                        }
                    };
                    let f = |v: f64| match self.epilogue.activation {
                        None => v,
                        Some(Function::Relu) => v.max(0.0),
                        Some(Function::Silu) => v / (1.0 + (-v).exp()),
                        Some(Function::Tanh) => v.tanh(),
                        Some(Function::Sine) => v.sin(),
                    };
                    all.push(match self.epilogue.placement {
                        Placement::After => f(beside + sum),
                        Placement::OnBranch => beside + f(sum),
                    });
                }
            }
        }
        all
    }
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor
        .to_dtype(DType::F64)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1()
        .unwrap()
}

/// A nonlinear loss in which every value has a different weight.
fn loss(node: &Tensor) -> Tensor {
    let goal: Vec<f64> = (0..node.elem_count())
        .map(|k| (k as f64 * 0.9).sin())
        .collect();
    let goal = Tensor::from_vec(goal, node.shape(), &Device::Cpu).unwrap();
    (node - goal).unwrap().sqr().unwrap().sum_all().unwrap()
}

#[test]
fn both_forms_equal_plain_loops() {
    let mut random = stream(1, "nodes");
    for number in 0..600 {
        let case = Case::draw(&mut random);
        let expected = case.expected();
        for (form, dtype, bound) in [
            (Form::Fused, DType::F64, ROUNDING),
            (Form::Composite, DType::F64, ROUNDING),
            (Form::Fused, DType::F32, ROUNDING_F32),
        ] {
            let actual = values(&case.run(form, dtype));
            assert_eq!(actual.len(), expected.len());
            for (place, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
                assert!(
                    (actual - expected).abs() < bound * (1.0 + expected.abs()),
                    "case {number}, {form:?} {dtype:?} {}: [{place}] {actual} against {expected}",
                    case.describe()
                );
            }
        }
    }
}

#[test]
fn gradients_equal_finite_differences_and_the_composite_form_has_the_same() {
    let mut random = stream(2, "nodes");
    for number in 0..300 {
        let case = Case::draw(&mut random);
        let value = loss(&case.run(Form::Fused, DType::F64));
        let size = value.to_scalar::<f64>().unwrap();
        let fused = value.backward().unwrap();
        let composite = loss(&case.run(Form::Composite, DType::F64))
            .backward()
            .unwrap();
        for (which, variable) in case.variables().into_iter().enumerate() {
            let Some(slopes) = fused.get(variable).map(values) else {
                panic!("case {number}: no gradient of {which}")
            };
            // If no tap meets an output, candle has no gradient for the weight.
            let others = composite
                .get(variable)
                .map_or(vec![0.0; slopes.len()], values);
            for (slope, other) in slopes.iter().zip(&others) {
                assert!(
                    (slope - other).abs() < ROUNDING * (size + slope.abs()),
                    "case {number}"
                );
            }
            // A kink within a step of the pre-activation invalidates the finite difference, not the
            // gradient.
            if case.epilogue.activation == Some(Function::Relu) {
                continue;
            }
            let before = values(variable);
            for _ in 0..6 {
                let k = random.random_range(0..before.len());
                let at = |step: f64| {
                    let mut moved = before.clone();
                    moved[k] += step;
                    let moved = Tensor::from_vec(moved, variable.shape(), &Device::Cpu).unwrap();
                    variable.set(&moved).unwrap();
                    loss(&case.run(Form::Fused, DType::F64))
                        .to_scalar::<f64>()
                        .unwrap()
                };
                let difference = (at(STEP) - at(-STEP)) / (2.0 * STEP);
                at(0.0);
                assert!(
                    (difference - slopes[k]).abs() < DIFFERENCE * (1.0 + size),
                    "case {number}, {}, tensor {which} [{k}]: {} against {difference}",
                    case.describe(),
                    slopes[k]
                );
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let mut random = stream(3, "nodes");
    let plan = Some(Arc::new(Plan::transposed(
        grid(1, 60),
        grid(1, 120),
        grid(1, 7),
        grid(1, 2),
    )));
    let case = Case {
        plan,
        epilogue: Epilogue {
            activation: Some(Function::Silu),
            placement: Placement::After,
            identity: Identity::Beside,
        },
        x: numbers(&mut random, &[32, 60, 32]),
        weights: Some((
            numbers(&mut random, &[7, 32, 32]),
            numbers(&mut random, &[32]),
        )),
    };
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let node = case.run(Form::Fused, DType::F32);
            let gradients = node.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let all = case
                .variables()
                .into_iter()
                .map(|v| values(gradients.get(v).unwrap()));
            std::iter::once(values(&node))
                .chain(all)
                .flatten()
                .map(f64::to_bits)
                .collect::<Vec<_>>()
        })
    };
    let once = on(1);
    assert!(on(2) == once && on(3) == once);
}

#[test]
fn tensors_that_do_not_fit_are_errors() {
    let mut random = stream(4, "nodes");
    let mut draw = |shape: &[usize]| numbers(&mut random, shape).as_tensor().clone();
    let plan = Arc::new(Plan::convolution(grid(1, 5), grid(1, 5), grid(1, 3)));
    let (x, w, b) = (draw(&[2, 5, 3]), draw(&[3, 3, 2]), draw(&[2]));
    let correlate = |x: &Tensor, w: &Tensor, b: &Tensor, epilogue| {
        fused::correlate(&plan, x, w, b, epilogue, Pass::Forward).map(|_| ())
    };
    assert!(correlate(&x, &w, &b, Epilogue::NONE).is_ok());
    assert!(correlate(&draw(&[2, 6, 3]), &w, &b, Epilogue::NONE).is_err());
    assert!(correlate(&x, &draw(&[5, 3, 2]), &b, Epilogue::NONE).is_err());
    assert!(correlate(&x, &w, &b, Epilogue::IDENTITY).is_err());
    let x = draw(&[2, 3]);
    assert!(fused::dense(&x, &draw(&[3, 2]), Some(&b), Epilogue::NONE, Pass::Forward).is_ok());
    assert!(
        fused::dense(
            &x,
            &draw(&[3, 2]),
            Some(&b),
            Epilogue::IDENTITY,
            Pass::Forward
        )
        .is_err()
    );
    assert!(fused::dense(&x, &draw(&[4, 2]), Some(&b), Epilogue::NONE, Pass::Forward).is_err());
    assert!(
        fused::dense(
            &x.t().unwrap(),
            &draw(&[2, 2]),
            Some(&b),
            Epilogue::NONE,
            Pass::Forward
        )
        .is_err()
    );
}
