//! Gradients of whole sampled super-networks, and the effect of the seed.

use super::*;
use crate::space::presets::{MicroSizes, PaperWidths, micro, micro_decoder, paper};
use crate::streams::stream;
use rand_chacha::rand_core::RngCore;

const BATCH: usize = 3;
const INPUTS: usize = 2;

fn waves(count: usize, step: f64, shape: &[usize]) -> Tensor {
    let values: Vec<f64> = (0..count).map(|k| (k as f64 * step + 0.3).sin()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// A nonlinear loss in which every output has a different weight.
fn loss(network: &SuperNetwork, architecture: &Architecture) -> Tensor {
    let x = waves(BATCH * INPUTS, 1.1, &[BATCH, INPUTS]);
    let outputs = network.space().output().size();
    let target = waves(BATCH * outputs, 0.9, &[BATCH, outputs]);
    let y = network
        .forward(&x, architecture, Pass::ForwardAndBackward)
        .unwrap();
    assert_eq!(y.dims(), [BATCH, outputs]);
    (y - target).unwrap().sqr().unwrap().sum_all().unwrap()
}

/// Architectures that together select every candidate of every group, in varying combinations.
fn covering(space: &Space) -> Vec<Architecture> {
    let groups = space.groups();
    let most = groups.iter().map(|g| g.candidates.len()).max().unwrap();
    (0..most)
        .map(|first| {
            let choices = groups.iter().enumerate();
            Architecture::new(
                choices
                    .map(|(g, group)| (first + g) % group.candidates.len())
                    .collect(),
            )
        })
        .collect()
}

/// Moves biases away from zero, so that a missing bias fails the tests.
fn perturbed(space: &Space) -> SuperNetwork {
    let network = SuperNetwork::new(space, 5, DType::F64, &Device::Cpu).unwrap();
    let operations = network.operations.iter().flatten();
    for parameter in operations
        .flat_map(|o| &o.parameters)
        .filter(|p| p.role.ends_with("bias"))
    {
        let shape = parameter.var.dims().to_vec();
        let values = waves(shape[0], 1.9, &shape).affine(0.3, 0.0).unwrap();
        parameter.var.set(&values).unwrap();
    }
    network
}

const STEP: f64 = 1e-5;

/// Central differences: truncation of order STEP^2, rounding of order 1e-16 / STEP of the loss.
const RELATIVE: f64 = 2e-7;

fn assert_gradients(space: &Space) {
    let network = perturbed(space);
    let composite = perturbed(space).in_form(Form::Composite);
    let mut random = stream(2, "elements");
    let mut touched = std::collections::HashSet::new();
    for architecture in covering(space) {
        let value = loss(&network, &architecture);
        let size = value.to_scalar::<f64>().unwrap();
        let gradients = network.gradients(&value).unwrap();
        assert_same_in_composite_form(&network, &composite, &architecture, size, &gradients);
        for (g, &choice) in architecture.choices().iter().enumerate() {
            for parameter in network.parameters(g, choice) {
                touched.insert(parameter.var.id());
                let gradient = gradients.get(&parameter.var).expect("a gradient");
                let slopes: Vec<f64> = gradient.flatten_all().unwrap().to_vec1().unwrap();
                let shape = parameter.var.dims().to_vec();
                let values: Vec<f64> = parameter.var.flatten_all().unwrap().to_vec1().unwrap();
                for _ in 0..12.min(values.len()) {
                    let k = random.next_u64() as usize % values.len();
                    let at = |step: f64| {
                        let mut moved = values.clone();
                        moved[k] += step;
                        let moved =
                            Tensor::from_vec(moved, shape.as_slice(), &Device::Cpu).unwrap();
                        parameter.var.set(&moved).unwrap();
                        loss(&network, &architecture).to_scalar::<f64>().unwrap()
                    };
                    let difference = (at(STEP) - at(-STEP)) / (2.0 * STEP);
                    at(0.0);
                    assert!(
                        (difference - slopes[k]).abs() < RELATIVE * (size + slopes[k].abs()),
                        "group {g}, candidate {choice}, {}[{k}]: {} against {difference}",
                        parameter.role,
                        slopes[k]
                    );
                }
            }
        }
    }
    assert_eq!(touched.len(), network.variables().len());
}

/// Bound for sums in another order, in f64 through up to 16 nodes.
const FORMS: f64 = 1e-10;

fn assert_same_in_composite_form(
    network: &SuperNetwork,
    composite: &SuperNetwork,
    architecture: &Architecture,
    size: f64,
    gradients: &GradStore,
) {
    let value = loss(composite, architecture);
    assert!((value.to_scalar::<f64>().unwrap() - size).abs() < FORMS * size);
    let others = composite.gradients(&value).unwrap();
    for (g, &choice) in architecture.choices().iter().enumerate() {
        let pairs = network
            .parameters(g, choice)
            .iter()
            .zip(composite.parameters(g, choice));
        for (parameter, other) in pairs {
            let flat = |gradients: &GradStore, var: &Var| -> Vec<f64> {
                gradients
                    .get(var)
                    .unwrap()
                    .flatten_all()
                    .unwrap()
                    .to_vec1()
                    .unwrap()
            };
            let (slopes, others) = (flat(gradients, &parameter.var), flat(&others, &other.var));
            for (slope, other) in slopes.iter().zip(others) {
                assert!(
                    (slope - other).abs() < FORMS * (size + slope.abs()),
                    "group {g}, candidate {choice}"
                );
            }
        }
    }
}

const SMALL: PaperWidths = PaperWidths {
    dense: 5,
    channels: 3,
};

#[test]
fn gradients_of_the_published_space_equal_finite_differences() {
    // Lengths 1, 1, 2, 3, 6, 12, 23: odd, even, and not multiples of each other.
    let curve = Shape::Sequence {
        length: 23,
        channels: 2,
    };
    assert_gradients(&paper(INPUTS, curve, SMALL).unwrap());
    assert_gradients(&paper(INPUTS, Shape::Vector(4), SMALL).unwrap());
}

#[test]
fn gradients_of_the_micro_space_equal_finite_differences() {
    let curve = Shape::Sequence {
        length: 7,
        channels: 2,
    };
    assert_gradients(&micro(INPUTS, curve, MicroSizes::default()).unwrap());
    assert_gradients(&micro(INPUTS, Shape::Vector(4), MicroSizes::default()).unwrap());
}

#[test]
fn gradients_of_spaces_of_images_equal_finite_differences() {
    // Rows 1, 1, 1, 1, 2, 5, 9 and columns 1, 1, 1, 1, 2, 4, 7; then an image of one row.
    for (height, width, channels) in [(9, 7, 2), (1, 6, 1)] {
        let image = Shape::Image {
            height,
            width,
            channels,
        };
        assert_gradients(&paper(INPUTS, image, SMALL).unwrap());
        assert_gradients(&micro(INPUTS, image, MicroSizes::default()).unwrap());
        assert_gradients(&micro_decoder(INPUTS, image).unwrap());
    }
}

#[test]
fn gradients_of_gated_layers_equal_finite_differences_wherever_they_stand() {
    for identity in ["true", "false"] {
        for placement in ["after", "branch"] {
            let text = format!(
                r#"
                name = "gates"
                inputs = {INPUTS}
                group = [
                    {{ name = "first", size = 5, candidates = ["gated"] }},
                    {{ name = "block", size = 5, candidates = ["gated", "gated tanh"], identity = {identity},
                       activation = "silu", placement = "{placement}" }},
                    {{ name = "coarse", length = 3, channels = 2, candidates = ["gated relu"] }},
                    {{ name = "fine", length = 7, channels = 2, candidates = ["gated"], identity = {identity},
                       activation = "tanh", placement = "{placement}" }},
                ]
                "#
            );
            assert_gradients(&Space::from_toml(&text).unwrap());
        }
    }
}

#[test]
fn gradients_of_waves_equal_finite_differences_wherever_they_stand() {
    for (identity, placement) in [("true", "after"), ("true", "branch"), ("false", "after")] {
        let text = format!(
            r#"
            name = "waves"
            inputs = {INPUTS}
            group = [
                {{ name = "first", size = 5, candidates = ["fourier 2", "dense sine"], activation = "silu" }},
                {{ name = "block", size = 5, candidates = ["fourier 1", "dense", "gated"], identity = {identity},
                   activation = "sine", placement = "{placement}" }},
                {{ name = "fine", length = 7, channels = 2, candidates = ["fourier 1 tanh"] }},
                {{ name = "refine", length = 9, channels = 2, candidates = ["conv 3", "fourier 1"], identity = {identity},
                   activation = "sine", placement = "{placement}" }},
            ]
            "#
        );
        assert_gradients(&Space::from_toml(&text).unwrap());
    }
}

#[test]
fn waves_start_as_sines_and_cosines_of_single_inputs() {
    let text = r#"
        name = "waves"
        inputs = 9
        group = [{ name = "first", size = 3, candidates = ["fourier 500"] }]
    "#;
    let space = Space::from_toml(text).unwrap();
    let network = SuperNetwork::new(&space, 3, DType::F64, &Device::Cpu).unwrap();
    let [weight, phases, second, bias] = network.parameters(0, 0) else {
        panic!("two layers")
    };
    let weight = weight.var.to_vec2::<f64>().unwrap();
    let mut squares = 0.0;
    for (input, row) in weight.iter().enumerate() {
        for (wave, &frequency) in row.iter().enumerate() {
            assert_eq!(frequency != 0.0, wave / 1000 == input);
            assert_eq!(frequency, row[wave - wave % 2]);
            squares += frequency * frequency / 9000.0;
        }
    }
    // The variance of 4,500 draws: its standard deviation is sqrt(2 / 4500) of it, 2 %.
    assert!((squares / 3.5f64.powi(2) - 1.0).abs() < 0.08, "{squares}");
    let phases = phases.var.to_vec1::<f64>().unwrap();
    let quarter = std::f64::consts::FRAC_PI_2;
    for (wave, &phase) in phases.iter().enumerate() {
        assert_eq!(phase, [0.0, quarter][wave % 2]);
    }
    let second = second.var.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    let most = second.iter().fold(0.0, |most: f64, w| most.max(w.abs()));
    let bound = 1.0 / 9000f64.sqrt();
    assert!(most < bound && most > 0.99 * bound);
    assert_eq!(bias.var.to_vec1::<f64>().unwrap(), [0.0; 3]);
}

#[test]
fn the_seed_alone_decides_the_weights() {
    let space = micro(INPUTS, Shape::Vector(4), MicroSizes::default()).unwrap();
    let values = |seed| -> Vec<u32> {
        let network = SuperNetwork::new(&space, seed, DType::F32, &Device::Cpu).unwrap();
        let flat = |var: Var| var.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        network
            .variables()
            .into_iter()
            .flat_map(flat)
            .map(f32::to_bits)
            .collect()
    };
    assert_eq!(values(1), values(1));
    assert_ne!(values(1), values(2));
}

#[test]
fn a_strange_architecture_is_an_error() {
    let network = SuperNetwork::new(
        &micro(INPUTS, Shape::Vector(4), MicroSizes::default()).unwrap(),
        1,
        DType::F64,
        &Device::Cpu,
    )
    .unwrap();
    let x = waves(BATCH * INPUTS, 1.1, &[BATCH, INPUTS]);
    assert!(
        network
            .forward(&x, &Architecture::new(vec![0, 9, 0, 0, 0]), Pass::Forward)
            .is_err()
    );
    assert!(
        network
            .forward(
                &x.t().unwrap(),
                &Architecture::new(vec![0; 5]),
                Pass::Forward
            )
            .is_err()
    );
}

#[test]
fn only_what_uses_a_weight_that_is_not_finite_is_not_finite() {
    let space = micro(INPUTS, Shape::Vector(3), MicroSizes::default()).unwrap();
    let network = SuperNetwork::new(&space, 5, DType::F32, &Device::Cpu).unwrap();
    let first = &network.parameters(0, 1)[0].var;
    let last = Architecture::new(space.groups().iter().map(|_| 0).collect());
    let mut choices = last.choices().to_vec();
    choices[0] = 1;
    let broken = Architecture::new(choices);
    for value in [f32::MAX, f32::INFINITY, f32::NAN] {
        first
            .set(&Tensor::full(value, first.dims(), &Device::Cpu).unwrap())
            .unwrap();
        let all = [last.clone(), broken.clone()];
        assert!(network.is_finite(&all[..1]).unwrap());
        assert_eq!(network.is_finite(&all).unwrap(), value == f32::MAX);
    }
}
