//! The emulator of a trained super-network reproduces candle's values and the space's costs.

use super::*;
use crate::contenders::output_shape;
use crate::cost_model::random_model;
use crate::data::ReadOptions;
use crate::data::Split;
use crate::data::testing::images;
use crate::nodes::Pass;
use crate::space::presets::{MicroSizes, PaperWidths, micro, micro_decoder, paper};
use crate::space::{Candidate, Function, Group, Identity, Placement, Space};
use crate::streams::stream;
use crate::training::{Choices, Members, Rows, Settings, Trainer};
use candle_core::{DType, Device, Tensor};
use dense_codegen::emulator::InputVariable;
use dense_codegen::executor::Executor;
use dense_codegen::interpreter::interpret_f64;
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::HashSet;

/// Tolerance between emulator and candle, as a fraction of an output's deviation: the two add `f32`
/// values in different orders.
const CANDLE: f32 = 1e-4;

const SMALL: PaperWidths = PaperWidths {
    dense: 16,
    channels: 4,
};

fn thomson() -> Dataset {
    let bytes = include_bytes!("../../data/thomson.npz");
    Dataset::from_npz_bytes(bytes, "thomson.npz", &ReadOptions::default()).unwrap()
}

/// The result of a short search.
fn trained(space: &Space, data: &Dataset, split: &Split, normalisation: &Normalisation) -> Trained {
    let order = data_order(space.output());
    let rows = |rows: &[usize]| {
        let x = normalisation.encode_x(data, rows);
        let y = normalisation.encode_y(data, rows);
        let y = y
            .chunks_exact(order.len())
            .flat_map(|y| order.iter().map(|&place| y[place]))
            .collect();
        Rows::new(x, data.input_count(), y, order.len(), &Device::Cpu).unwrap()
    };
    let settings = Settings {
        steps: Some(20),
        members: Members::Searched(3),
        seed: 1,
        choices: Choices::default(),
    };
    let (train, selection) = (rows(&split.train), rows(&split.selection));
    let mut trainer = Trainer::new(space, train, selection, settings).unwrap();
    while !trainer.is_done() {
        trainer.step().unwrap();
    }
    trainer.finish()
}

/// Architectures that together select every candidate of every group, in varying combinations.
fn covering(space: &Space) -> Vec<Architecture> {
    let groups = space.groups();
    let most = groups.iter().map(|g| g.candidates.len()).max().unwrap();
    let choice = |first: usize| {
        let groups = groups.iter().enumerate();
        groups.map(move |(g, group)| (first + g) % group.candidates.len())
    };
    (0..most)
        .map(|first| Architecture::new(choice(first).collect()))
        .collect()
}

/// Number of rescalings of each output.
fn rescalings(transform: Transform) -> u64 {
    match transform {
        Transform::None => 1,
        Transform::Log => 2,
        Transform::Asinh => 3,
    }
}

/// Checks each of these architectures as the only member, on the test rows, and checks its
/// operation count.
fn assert_deployed(space: &Space, data: &Dataset, transform: Transform) {
    let split = Split::resolve(data, 0).unwrap();
    let normalisation = Normalisation::fit_transformed(data, &split.train, transform);
    let mut trained = trained(space, data, &split, &normalisation);
    let outputs = space.output().size();
    let members = std::mem::take(&mut trained.members);
    for member in members.into_iter().chain(covering(space)) {
        trained.members = vec![member.clone()];
        let emulator = assemble(&trained, data, &normalisation, None, BTreeMap::new()).unwrap();
        let macs = space.architecture_macs(&member).unwrap();
        let rescaled = rescalings(transform) * outputs as u64;
        assert_eq!(emulator.macs(), macs + rescaled, "{member:?}");
        let encoded = normalisation.encode_x(data, &split.test);
        let shape = (split.test.len(), data.input_count());
        let x = Tensor::from_vec(encoded, shape, &Device::Cpu).unwrap();
        let candle = trained.network.forward(&x, &member, Pass::Forward).unwrap();
        let candle: Vec<f32> = candle.flatten_all().unwrap().to_vec1().unwrap();
        let raw = split.test.iter().flat_map(|&row| data.x_row(row));
        let raw: Vec<f32> = raw.map(|&x| x as f32).collect();
        let deployed = Executor::new(&emulator).predict(&raw, 2).mean;
        let rows = deployed
            .chunks_exact(outputs)
            .zip(candle.chunks_exact(outputs));
        for (deployed, candle) in rows {
            assert_row(&normalisation, space, deployed, candle);
        }
    }
}

/// Checks an emulator's outputs, in the data's order, against candle's, in the network's order.
fn assert_row(normalisation: &Normalisation, space: &Space, deployed: &[f32], candle: &[f32]) {
    let mut z = vec![0.0; candle.len()];
    for (place, &value) in data_order(space.output()).into_iter().zip(candle) {
        z[place] = value;
    }
    let moved = |by: f32| {
        let z: Vec<f32> = z.iter().map(|z| z + by).collect();
        normalisation.decode_y(&z)
    };
    let bounds = moved(-CANDLE).into_iter().zip(moved(CANDLE));
    for (j, (&deployed, (low, high))) in deployed.iter().zip(bounds).enumerate() {
        if normalisation.output_constant()[j] {
            assert_eq!(deployed, normalisation.output_offset()[j] as f32);
            continue;
        }
        let deployed = f64::from(deployed);
        // Rounding of the result itself and of its added terms.
        let slack = 1e-6 * (low.abs() + normalisation.unit()[j]);
        assert!(
            (low - slack..=high + slack).contains(&deployed),
            "{}, output {j}: {deployed}, not {low} to {high}",
            space.name()
        );
    }
}

#[test]
fn the_deployed_arithmetic_of_curves_agrees_with_candle_and_costs_what_the_space_says() {
    let data = thomson();
    let output = output_shape(&data);
    let micro = micro(5, output, MicroSizes::default()).unwrap();
    for transform in [Transform::None, Transform::Log, Transform::Asinh] {
        assert_deployed(&micro, &data, transform);
    }
    assert_deployed(&paper(5, output, SMALL).unwrap(), &data, Transform::None);
}

#[test]
fn the_deployed_arithmetic_of_images_agrees_with_candle_and_costs_what_the_space_says() {
    for channels in [1, 2] {
        let data = images(80, channels);
        let output = output_shape(&data);
        for space in [
            micro(3, output, MicroSizes::default()),
            micro_decoder(3, output),
            paper(3, output, SMALL),
        ] {
            assert_deployed(&space.unwrap(), &data, Transform::None);
        }
        assert_deployed(
            &micro(3, output, MicroSizes::default()).unwrap(),
            &data,
            Transform::Asinh,
        );
    }
}

#[test]
fn outputs_that_are_constant_in_training_are_known_by_their_place_in_the_data() {
    let data = images(80, 2);
    let split = Split::resolve(&data, 0).unwrap();
    let normalisation = Normalisation::fit(&data, &split.train);
    let space = micro(3, output_shape(&data), MicroSizes::default()).unwrap();
    let trained = trained(&space, &data, &split, &normalisation);
    let emulator = assemble(&trained, &data, &normalisation, None, BTreeMap::new()).unwrap();
    assert_eq!(
        output_deviation(&emulator),
        normalisation.deployed_output_scale()
    );
    let constant = normalisation.output_constant().iter();
    assert_eq!(constant.filter(|&&constant| constant).count(), 1);
}

/// Tolerance for sums of a few hundred products of order 1, in `f64`, in two different orders.
const DOUBLE: f64 = 1e-11;

const INPUTS: usize = 3;

/// Returns two nodes that a group can connect. With an identity beside the group, they have equal
/// sizes or equal channels.
fn random_shapes(random: &mut ChaCha8Rng, identity: Identity) -> [Shape; 2] {
    let [from, to] = match identity {
        Identity::Beside => [random.random_range(1..5); 2],
        Identity::Absent => [(); 2].map(|()| random.random_range(1..5)),
    };
    let shape = |random: &mut ChaCha8Rng, kind: usize, channels| match kind {
        0 => Shape::Vector(channels),
        1 => Shape::Sequence {
            length: random.random_range(1..9),
            channels,
        },
        _ => Shape::Image {
            height: random.random_range(1..6),
            width: random.random_range(1..6),
            channels,
        },
    };
    let kind = random.random_range(0..3);
    let other = match identity {
        Identity::Absent if random.random_bool(0.3) => random.random_range(0..3),
        _ => kind,
    };
    [shape(random, kind, from), shape(random, other, to)]
}

/// A group with one candidate of each kind that fits between its nodes.
fn random_group(random: &mut ChaCha8Rng) -> (Shape, Group) {
    let identity = [Identity::Absent, Identity::Beside][random.random_range(0..2)];
    let [input, output] = random_shapes(random, identity);
    let rank = random.random_range(1..4);
    let mut candidates = vec![
        Candidate::Dense,
        Candidate::Gated,
        Candidate::LowRank { rank },
        Candidate::Fourier {
            frequencies: random.random_range(1..4),
        },
    ];
    if identity == Identity::Beside {
        candidates.push(Candidate::Zero);
    }
    if matches!(
        (input, output),
        (Shape::Sequence { .. }, Shape::Sequence { .. })
            | (Shape::Image { .. }, Shape::Image { .. })
    ) {
        let kernel = 2 * random.random_range(0..3) + 1;
        let stride = random.random_range(1..4);
        candidates.push(Candidate::Conv { kernel });
        candidates.push(Candidate::TransposedConv { kernel, stride });
    }
    let activations = [
        Function::Relu,
        Function::Silu,
        Function::Tanh,
        Function::Sine,
    ];
    let own = activations.choose(random).map(|&own| (0, own));
    let group = Group {
        name: "group".to_owned(),
        output,
        identity,
        candidates,
        activation: random
            .random_bool(0.8)
            .then(|| activations[random.random_range(0..4)]),
        own_activations: own
            .filter(|_| random.random_bool(0.3))
            .into_iter()
            .collect(),
        placement: [Placement::After, Placement::OnBranch][random.random_range(0..2)],
    };
    (input, group)
}

/// The emulator whose only member ends at this node, in the network's order.
fn emulator_of(graph: Graph, node: NodeId) -> Emulator {
    let outputs = graph.shape(node).size();
    let input = |k| InputVariable {
        name: format!("x{k}"),
        low: -1.0,
        high: 1.0,
        logarithmic: false,
    };
    let parts = EmulatorParts {
        graph,
        members: vec![node],
        calibration: Calibration {
            gain: 1.0,
            floor: vec![0.0; outputs],
            slope: None,
            unit: vec![1.0; outputs],
        },
        local: Local::default(),
        inputs: (0..INPUTS).map(input).collect(),
        outputs: Outputs {
            layout: Layout::Scalars,
            shape: vec![outputs],
            names: Vec::new(),
            axes: Vec::new(),
            relative: None,
        },
        provenance: BTreeMap::new(),
    };
    Emulator::new(parts).unwrap()
}

#[test]
fn every_candidate_means_in_the_network_what_its_fragment_means_in_a_graph_and_costs_what_it_says()
{
    let mut random = stream(7, "groups");
    let mut seen = HashSet::new();
    for number in 0..240 {
        let (input, group) = random_group(&mut random);
        let first = Group {
            name: "first".to_owned(),
            output: input,
            identity: Identity::Absent,
            candidates: vec![Candidate::Dense],
            activation: Some(Function::Tanh),
            own_activations: BTreeMap::new(),
            placement: Placement::After,
        };
        let space = Space::new("random", INPUTS, vec![first, group.clone()]).unwrap();
        let network = SuperNetwork::new(&space, number, DType::F32, &Device::Cpu).unwrap();
        // Nonzero biases, so that a missing one is noticed.
        for variable in network.variables() {
            let count = variable.elem_count();
            let values: Vec<f32> = (0..count).map(|_| random.random_range(-0.7..0.7)).collect();
            let values = Tensor::from_vec(values, variable.dims(), &Device::Cpu).unwrap();
            variable.set(&values).unwrap();
        }
        let double = network.in_double_precision().unwrap();
        let x: Vec<f32> = (0..INPUTS)
            .map(|_| random.random_range(-1.0..1.0))
            .collect();
        let tensor = Tensor::from_vec(x.clone(), (1, INPUTS), &Device::Cpu).unwrap();
        let tensor = tensor.to_dtype(DType::F64).unwrap();
        let model = random_model(&mut random);
        for (choice, candidate) in group.candidates.iter().enumerate() {
            let architecture = Architecture::new(vec![0, choice]);
            let mut builder = GraphBuilder::new(INPUTS, &network);
            let node = builder.graft_groups(&architecture, Graph::INPUT).unwrap();
            let emulator = emulator_of(builder.graph, node);
            let fused = double
                .forward(&tensor, &architecture, Pass::Forward)
                .unwrap();
            let fused: Vec<f64> = fused.flatten_all().unwrap().to_vec1().unwrap();
            let grafted = interpret_f64(&emulator, &x).mean;
            assert_eq!(fused.len(), grafted.len());
            for (fused, grafted) in fused.iter().zip(&grafted) {
                assert!(
                    (fused - grafted).abs() <= DOUBLE * (1.0 + grafted.abs()),
                    "{input:?}, {group:?}, {candidate:?}: {fused} and {grafted}"
                );
            }
            let macs = space.architecture_macs(&architecture).unwrap();
            assert_eq!(emulator.macs(), macs, "{input:?}, {group:?}, {candidate:?}");
            let fragments = [&space.fragments()[0][0], &space.fragments()[1][choice]];
            let groups: u64 = fragments.map(|part| model.fragment_ps(part)).iter().sum();
            let beside = model.once_ps(INPUTS, grafted.len()) + model.member_ps(grafted.len());
            assert_eq!(model.call_ps(&emulator), groups + beside, "{candidate:?}");
            seen.insert((
                std::mem::discriminant(candidate),
                format!("{:?} {:?}", group.identity, group.placement),
                group
                    .activation_of(choice)
                    .map(|function| function as usize),
                std::mem::discriminant(&group.output),
            ));
        }
    }
    // With and without the identity, four kinds lead to 3 shapes and two kinds to 2; zero with the
    // identity leads to 3. These 35 cases each occur in two placements, with one of four functions
    // or without any.
    assert!(seen.len() > 300, "{} of 350", seen.len());
}
