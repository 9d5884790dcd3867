//! The emulator of a trained super-network: its values are candle's, its costs those of the space.

use super::*;
use crate::contenders::output_shape;
use crate::data::testing::images;
use crate::data::{ReadOptions, Split, Transform};
use crate::nodes::Pass;
use crate::space::presets::{MicroSizes, PaperWidths, micro, micro_decoder, paper};
use crate::space::{Architecture, Space};
use crate::training::{Choices, Members, Rows, Settings, Trainer};
use candle_core::{Device, Tensor};
use dense_codegen::executor::Executor;

/// The emulator has what candle computes, within this share of an output's deviation: f32 sums in two orders.
const CANDLE: f32 = 1e-4;

const SMALL: PaperWidths = PaperWidths {
    dense: 16,
    channels: 4,
};

fn thomson() -> Dataset {
    let bytes = include_bytes!("../../../examples/thomson/thomson.npz");
    Dataset::from_npz_bytes(bytes, "thomson.npz", &ReadOptions::default()).unwrap()
}

/// What a short search finds.
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

/// Architectures that together select every candidate of every group, in changing company.
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

/// Rescalings of each output.
fn rescalings(transform: Transform) -> u64 {
    match transform {
        Transform::None => 1,
        Transform::Log => 2,
        Transform::Asinh => 3,
    }
}

/// Checks each of these architectures, as the only member, on the test rows; and its count of operations.
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

/// Checks an emulator's outputs, in the data's order, against what candle computes, in the network's.
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
        // The rounding of the result itself, and of what is added to it.
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
