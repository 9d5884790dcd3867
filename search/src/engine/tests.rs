//! Gradients of the engine against finite differences of the super-network in double precision, and
//! its steps against candle's.

use super::*;
use crate::nodes::Pass;
use crate::optimiser::AdamW;
use crate::space::{Architecture, Candidate, Function, Group, Identity, Placement, Shape, Space};
use crate::streams::stream;
use crate::supernetwork::SuperNetwork;
use crate::training::{Rows, weight_step};
use candle_core::{DType, Device, Tensor};
use rand::Rng;
use std::collections::BTreeMap;

const INPUTS: usize = 5;
const WIDTH: usize = 27;
const CURVE: Shape = Shape::Sequence {
    length: 19,
    channels: 1,
};
const OUTPUTS: usize = 19;

/// A group of every candidate of this kind, each with an activation of its own where it may.
fn group(
    name: &str,
    output: Shape,
    identity: Identity,
    placement: Placement,
    activation: Option<Function>,
) -> Group {
    let mut candidates = vec![
        Candidate::Dense,
        Candidate::Gated,
        Candidate::LowRank { rank: 9 },
    ];
    // The same ones with another activation.
    let own = [Function::Tanh, Function::Relu, Function::Silu];
    candidates.extend(candidates.clone());
    let own_activations: BTreeMap<_, _> = (3..6).zip(own).collect();
    if identity == Identity::Beside {
        candidates.push(Candidate::Zero);
    }
    Group {
        name: name.to_owned(),
        output,
        identity,
        candidates,
        activation,
        own_activations,
        placement,
    }
}

fn space() -> Space {
    use Identity::{Absent, Beside};
    use Placement::{After, OnBranch};
    let inner = Shape::Vector(WIDTH);
    let groups = vec![
        group("first", inner, Absent, After, Some(Function::Silu)),
        group("sums", inner, Beside, After, Some(Function::Tanh)),
        group("branches", inner, Beside, OnBranch, Some(Function::Silu)),
        group("plain", inner, Beside, OnBranch, None),
        group("rectified", inner, Absent, OnBranch, Some(Function::Relu)),
        group("head", CURVE, Absent, After, None),
    ];
    Space::new("every-layer", INPUTS, groups).unwrap()
}

fn drawn(random: &mut impl Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| random.random_range(-1.5..1.5)).collect()
}

fn architecture(space: &Space, random: &mut impl Rng) -> Architecture {
    let counts = space.groups().iter().map(|group| group.candidates.len());
    Architecture::new(counts.map(|count| random.random_range(0..count)).collect())
}

/// The network with weights that are not small, biases included.
fn network(space: &Space, seed: u64) -> SuperNetwork {
    let network = SuperNetwork::new(space, seed, DType::F32, &Device::Cpu).unwrap();
    let mut random = stream(seed, "weights");
    for var in network.variables() {
        let bound = match var.dims() {
            [inputs, _] => 1.5 / (*inputs as f32).sqrt(),
            _ => 0.5,
        };
        let count = var.elem_count();
        let values: Vec<f32> = (0..count)
            .map(|_| random.random_range(-bound..bound))
            .collect();
        var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap())
            .unwrap();
    }
    network
}

fn loss_of(network: &SuperNetwork, x: &Tensor, y: &Tensor, of: &Architecture) -> f64 {
    let loss = network.loss(x, y, of, Pass::Forward).unwrap();
    loss.to_scalar::<f64>().unwrap()
}

#[test]
fn gradients_are_the_finite_differences_of_the_network_in_double_precision() {
    let space = space();
    let mut random = stream(2, "finite differences");
    for case in 0..40 {
        let network = network(&space, case);
        let double = network.in_double_precision().unwrap();
        let mut engine = Engine::new(&network, 0.0).unwrap().unwrap();
        let forms = Instructions::available();
        let count = [1, 7, 16, 33, 64, 70][case as usize % 6];
        let (x, y) = (
            drawn(&mut random, 80 * INPUTS),
            drawn(&mut random, 80 * OUTPUTS),
        );
        let rows: Vec<usize> = (0..count).map(|_| random.random_range(0..80)).collect();
        let of = architecture(&space, &mut random);
        let chosen = |values: &[f32], width: usize| {
            let numbers = rows.iter().flat_map(|row| &values[row * width..][..width]);
            let numbers = numbers.map(|&value| f64::from(value)).collect::<Vec<_>>();
            Tensor::from_vec(numbers, (count, width), &Device::Cpu).unwrap()
        };
        let (x_64, y_64) = (chosen(&x, INPUTS), chosen(&y, OUTPUTS));
        let form = forms[case as usize % forms.len()];
        let core = engine.core();
        core.use_instructions(form);
        let data = Data { x: &x, y: &y };
        let (loss, gradients) = core.gradients(data, &rows, of.choices());
        let expected = loss_of(&double, &x_64, &y_64, &of);
        assert!(
            (f64::from(loss) - expected).abs() < 1e-5 * expected,
            "{of:?}"
        );
        let used = double.variables_of(std::slice::from_ref(&of)).len();
        assert_eq!(gradients.len(), used, "{of:?}");
        for (index, gradient) in gradients {
            let var = &double.variables()[index];
            let place = var.as_tensor().copy().unwrap();
            let way = drawn(&mut random, gradient.len());
            let way: Vec<f64> = way.into_iter().map(f64::from).collect();
            let along = gradient.iter().zip(&way);
            let along: f64 = along
                .map(|(&gradient, way)| f64::from(gradient) * way)
                .sum();
            let way = Tensor::from_vec(way, var.shape(), &Device::Cpu).unwrap();
            const H: f64 = 1e-6;
            let at = |h: f64| {
                var.set(&(&place + (&way * h).unwrap()).unwrap()).unwrap();
                loss_of(&double, &x_64, &y_64, &of)
            };
            let difference = (at(H) - at(-H)) / (2.0 * H);
            at(0.0);
            let size = gradient.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>();
            let error = (along - difference).abs();
            assert!(
                error < 2e-4 * size.sqrt() + 1e-6,
                "{form:?}, variable {index} of {of:?}: {along} {difference}"
            );
        }
    }
}

#[test]
fn steps_are_those_of_candle_and_unused_parameters_keep_their_state() {
    const DECAY: f64 = 0.01;
    let space = space();
    let (ours, theirs) = (network(&space, 3), network(&space, 3));
    let mut engine = Engine::new(&ours, DECAY).unwrap().unwrap();
    let mut optimiser = AdamW::new(theirs.variables(), DECAY).unwrap();
    let mut random = stream(3, "steps");
    let (x, y) = (
        drawn(&mut random, 90 * INPUTS),
        drawn(&mut random, 90 * OUTPUTS),
    );
    let data = Data { x: &x, y: &y };
    let all = Rows::new(x.clone(), INPUTS, y.clone(), OUTPUTS, &Device::Cpu).unwrap();
    for step in 0..60 {
        let rows: Vec<usize> = (0..20).map(|_| random.random_range(0..90)).collect();
        let of = architecture(&space, &mut random);
        let batch = all.chosen(&rows).unwrap();
        let expected = weight_step(&theirs, &mut optimiser, &batch, &of, 1e-3).unwrap();
        let expected = expected.to_scalar::<f32>().unwrap();
        let loss = engine.step(data, &rows, &of, 1e-3);
        assert!(
            (loss - expected).abs() < 1e-3 * expected,
            "{step}: {loss} {expected}"
        );
    }
    engine.write(&ours).unwrap();
    let (saved, expected) = (engine.save().unwrap(), optimiser.save().unwrap());
    let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for (index, (ours, theirs)) in ours.variables().iter().zip(theirs.variables()).enumerate() {
        assert_eq!(saved[index].steps, expected[index].steps);
        assert_eq!(saved[index].mean.shape(), expected[index].mean.shape());
        let pairs = values(ours).into_iter().zip(values(&theirs));
        // A step moves a weight by a rate of 1e-3 or so, whatever the size of its gradient.
        let most = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(most < 1e-3, "{index}: {most}");
    }
}

#[test]
fn a_restored_engine_continues_with_the_same_bits_and_outputs_are_those_of_the_network() {
    let space = space();
    let first = network(&space, 4);
    let mut engine = Engine::new(&first, 0.01).unwrap().unwrap();
    let mut random = stream(4, "restored");
    let (x, y) = (
        drawn(&mut random, 300 * INPUTS),
        drawn(&mut random, 300 * OUTPUTS),
    );
    let data = Data { x: &x, y: &y };
    let architectures: Vec<_> = (0..10).map(|_| architecture(&space, &mut random)).collect();
    let train = |engine: &mut Engine| {
        let of = architectures.iter().enumerate();
        of.map(|(k, of)| engine.step(data, &[k, 3, 9 * k], of, 1e-2).to_bits())
            .collect::<Vec<_>>()
    };
    train(&mut engine);
    engine.write(&first).unwrap();
    let mut second = Engine::new(&first, 0.01).unwrap().unwrap();
    second.restore(&engine.save().unwrap()).unwrap();
    assert_eq!(train(&mut engine), train(&mut second));
    assert!(second.restore(&[]).is_err());
    engine.write(&first).unwrap();
    for of in &architectures {
        let inputs = Tensor::from_slice(&x, (300, INPUTS), &Device::Cpu).unwrap();
        let expected = first.forward(&inputs, of, Pass::Forward).unwrap();
        let expected = expected.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let outputs = engine.forward(&x, of);
        let errors = outputs
            .iter()
            .zip(&y)
            .map(|(a, b)| f64::from(a - b).powi(2));
        let mean = errors.sum::<f64>() / y.len() as f64;
        let rows: Vec<usize> = (0..300).collect();
        let loss = f64::from(engine.loss(data, &rows, of));
        assert!((loss - mean).abs() < 1e-5 * mean, "{loss} {mean}");
        for (output, expected) in outputs.into_iter().zip(expected) {
            assert!((output - expected).abs() < 2e-5 * (1.0 + expected.abs()));
        }
    }
}

#[test]
fn an_unsupported_network_has_no_engine() {
    let engine = |candidate, from, to, identity| {
        let one = |name: &str, candidate, output, identity| Group {
            candidates: vec![candidate],
            own_activations: BTreeMap::new(),
            ..group(name, output, identity, Placement::After, None)
        };
        let first = one("first", Candidate::Dense, from, Identity::Absent);
        let groups = vec![first, one("second", candidate, to, identity)];
        let space = Space::new("two", INPUTS, groups).unwrap();
        let network = SuperNetwork::new(&space, 1, DType::F32, &Device::Cpu).unwrap();
        Engine::new(&network, 0.0).unwrap()
    };
    let (dense, conv) = (Candidate::Dense, Candidate::Conv { kernel: 3 });
    let vector = Shape::Vector(OUTPUTS);
    let wider = Shape::Sequence {
        length: 38,
        channels: 1,
    };
    assert!(engine(dense, vector, vector, Identity::Beside).is_some());
    assert!(engine(dense, vector, CURVE, Identity::Absent).is_some());
    assert!(engine(conv, CURVE, CURVE, Identity::Absent).is_none());
    assert!(engine(dense, CURVE, wider, Identity::Beside).is_none());
    let space = space();
    let double = SuperNetwork::new(&space, 1, DType::F64, &Device::Cpu).unwrap();
    assert!(Engine::new(&double, 0.0).unwrap().is_none());
}
