//! Random emulators: every operation, with sizes that no block size divides, in graphs whose
//! members share first layers.
//!
//! An emulator depends on a number and on a generator. The number fixes two operations that are
//! part of it (`steps` and `image_steps`, each in turn), the number of members, the output
//! transform and the layout; the generator decides everything else. So a run of consecutive
//! numbers, as long as the longer list of steps, uses every operation whatever the seed.
//! [`operations`] lists those that a finished graph uses.

mod builder;
mod step;

pub use step::{every_operation, operations};

use builder::GraphBuilder;
use dense_codegen::emulator::{
    Calibration, Emulator, EmulatorParts, InputVariable, Layout, Outputs, Relative,
};
use dense_codegen::graph::{Inverse, Shape};
use dense_codegen::local::{Coordinates, Coverage, ErrorScale, Local};
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use step::{Step, image_steps, one_of_each_kind, steps};

/// Channels, widths and lengths: 1, multiples of a vector, and primes between.
const SIZES: [usize; 9] = [1, 2, 3, 5, 8, 11, 16, 17, 23];
/// Images that have grown larger than this along an axis are resized before the next convolution.
const LARGEST: usize = 6;

/// The random emulator of this number.
pub fn random_emulator(number: usize, rng: &mut ChaCha8Rng) -> Emulator {
    let (steps, image_steps) = (steps(), image_steps());
    let both = [&steps[..], &image_steps].concat();
    let mut prefix = some_of(&both, rng);
    for sure in [&steps, &image_steps] {
        let place = rng.random_range(0..=prefix.len());
        prefix.insert(place, sure[number % sure.len()]);
    }
    let branches = (0..members(number)).map(|_| some_of(&both, rng)).collect();
    emulator(number, prefix, branches, rng)
}

/// Emulators that together have every step once; they compile faster than random ones that have
/// every operation.
pub fn emulators_with_every_step(rng: &mut ChaCha8Rng) -> Vec<Emulator> {
    // Enough emulators that none has more than a dozen layers.
    let numbers: Vec<_> = (0..8).collect();
    dealt(&numbers, [steps(), image_steps()], rng)
}

/// Fewer emulators, which together have every kind of step, arrangement of outputs, transform and
/// number of members; sizes, strides and the ends of transposed convolutions are drawn.
pub fn emulators_with_every_kind(rng: &mut ChaCha8Rng) -> Vec<Emulator> {
    let steps = [steps(), image_steps()].map(|steps| one_of_each_kind(&steps, rng));
    dealt(&[3, 5, 8, 10], steps, rng)
}

/// Deals these steps out among the emulators of these numbers, each step once: first those on
/// sequences, then those on images. Members differ in their heads alone.
fn dealt(numbers: &[usize], steps: [Vec<Step>; 2], rng: &mut ChaCha8Rng) -> Vec<Emulator> {
    let mut steps = steps;
    for steps in &mut steps {
        steps.shuffle(rng);
    }
    let hand = |place: usize| -> Vec<Step> {
        let of = |steps: &Vec<Step>| -> Vec<Step> {
            let hand = steps.iter().skip(place).step_by(numbers.len());
            hand.copied().collect()
        };
        steps.iter().flat_map(of).collect()
    };
    let numbers = numbers.iter().enumerate();
    numbers
        .map(|(place, &number)| {
            let branches = vec![Vec::new(); members(number)];
            emulator(number, hand(place), branches, rng)
        })
        .collect()
}

/// The number of members of the emulator with this number.
fn members(number: usize) -> usize {
    1 + number / 3 % 3
}

/// Up to two random steps.
fn some_of(steps: &[Step], rng: &mut ChaCha8Rng) -> Vec<Step> {
    let count = rng.random_range(0..=2);
    let mut draw = || *steps.choose(rng).expect("there are steps");
    (0..count).map(|_| draw()).collect()
}

/// A random emulator whose shared layers have the steps `prefix`, and each member those of its
/// branch.
fn emulator(
    number: usize,
    prefix: Vec<Step>,
    branches: Vec<Vec<Step>>,
    rng: &mut ChaCha8Rng,
) -> Emulator {
    let inputs: Vec<_> = (0..rng.random_range(1..=8))
        .map(|index| input(index, rng))
        .collect();
    let mut builder = GraphBuilder::new(inputs.len(), rng);
    let start = builder.normalised(&inputs);
    let trunk = prefix
        .into_iter()
        .fold(start, |node, step| builder.step(node, step));
    let head = Head::draw(number, builder.rng);
    let mut member = |branch: Vec<Step>| {
        let steps = branch.into_iter();
        let end = steps.fold(trunk, |node, step| builder.step(node, step));
        builder.head(end, head)
    };
    let members = branches.into_iter().map(&mut member).collect();
    let calibration = calibration(number, head.shape.size(), builder.rng);
    let local = local(number, &inputs, builder.rng);
    let mut outputs = head.outputs();
    outputs.relative = relative(number, head.shape.size(), builder.rng);
    Emulator::new(EmulatorParts {
        graph: builder.graph,
        members,
        calibration,
        local,
        inputs,
        outputs,
        provenance: Default::default(),
    })
    .expect("a drawn emulator is a valid one")
}

/// A linear box around 0, or a logarithmic one of some decades.
fn input(index: usize, rng: &mut ChaCha8Rng) -> InputVariable {
    let logarithmic = rng.random();
    let (low, high) = if logarithmic {
        (
            10_f64.powf(rng.random_range(-6.0..0.0)),
            10_f64.powf(rng.random_range(0.5..6.0)),
        )
    } else {
        (rng.random_range(-9.0..-0.1), rng.random_range(0.1..9.0))
    };
    InputVariable {
        name: format!("x{index}"),
        low,
        high,
        logarithmic,
    }
}

/// The common end of the members.
#[derive(Clone, Copy)]
struct Head {
    shape: Shape,
    transform: Option<Inverse>,
}

impl Head {
    /// Cycles through transforms and shapes.
    fn draw(number: usize, rng: &mut ChaCha8Rng) -> Self {
        let length = *SIZES.choose(rng).expect("there are sizes");
        let channels = rng.random_range(1..=5);
        let [height, width] = [0, 1].map(|_| rng.random_range(1..=LARGEST));
        let shape = match number % 4 {
            0 => Shape::Vector(length),
            1 => Shape::Sequence { length, channels },
            2 => Shape::Image {
                height,
                width,
                channels: 1,
            },
            _ => Shape::Image {
                height,
                width,
                channels,
            },
        };
        let transform = [None, Some(Inverse::Exp), Some(Inverse::Sinh)][number % 3];
        Self { shape, transform }
    }

    /// A sequence becomes curves, an image images, a vector scalars.
    fn outputs(self) -> Outputs {
        let (layout, shape) = match self.shape {
            Shape::Vector(length) => (Layout::Scalars, vec![length]),
            Shape::Sequence { length, channels } => (Layout::Curves, vec![channels, length]),
            Shape::Image {
                height,
                width,
                channels: 1,
            } => (Layout::Image, vec![height, width]),
            Shape::Image {
                height,
                width,
                channels,
            } => (Layout::Images, vec![channels, height, width]),
        };
        Outputs {
            layout,
            shape,
            names: Vec::new(),
            axes: Vec::new(),
            relative: None,
        }
    }
}

/// Random offsets and scales of the outputs; none in four fifths of the emulators.
fn relative(number: usize, outputs: usize, rng: &mut ChaCha8Rng) -> Option<Relative> {
    (number % 5 == 2).then(|| Relative {
        offset: (0..outputs).map(|_| rng.random_range(-1e9..1e9)).collect(),
        scale: (0..outputs)
            .map(|_| 10f64.powf(rng.random_range(-300.0..300.0)))
            .collect(),
    })
}

/// Random local estimates: none in half of the emulators, else either or both. Coordinates are near
/// one within the box, like those of trained emulators.
fn local(number: usize, variables: &[InputVariable], rng: &mut ChaCha8Rng) -> Local {
    let inputs = variables.len();
    let mut numbers = |count: usize, size: f32| -> Vec<f32> {
        (0..count).map(|_| rng.random_range(-size..size)).collect()
    };
    let coordinates = |numbers: &mut dyn FnMut(usize, f32) -> Vec<f32>| {
        let mut coordinates = Coordinates {
            centre: numbers(inputs, 1.0),
            scale: numbers(inputs, 2.0),
        };
        for (j, variable) in variables.iter().enumerate() {
            let [low, high] = [variable.low, variable.high].map(|limit| {
                if variable.logarithmic {
                    limit.ln()
                } else {
                    limit
                }
            });
            let half = ((high - low) / 2.0) as f32;
            let middle = (low + (high - low) / 2.0) as f32;
            coordinates.centre[j] = middle + half * coordinates.centre[j];
            coordinates.scale[j] /= half.max(1e-6);
        }
        coordinates
    };
    Local {
        error_scale: (number % 4 == 1 || number % 8 == 3).then(|| ErrorScale {
            coordinates: coordinates(&mut numbers),
            linear: numbers(inputs, 0.5),
            square: numbers(inputs, 0.3),
            constant: 0.2,
            limits: [-1.0, 1.5],
        }),
        coverage: (number % 4 == 3).then(|| Coverage {
            coordinates: coordinates(&mut numbers),
            whitening: numbers(inputs * inputs, 1.0),
            centres: numbers(inputs * (1 + number % 19), 3.0),
            square_radius: inputs as f32,
        }),
    }
}

/// Random slopes for outputs learnt by their logarithm, and in every other emulator with outputs
/// learnt by their inverse hyperbolic sine.
fn calibration(number: usize, outputs: usize, rng: &mut ChaCha8Rng) -> Calibration {
    Calibration {
        gain: rng.random_range(0.0..3.0),
        unit: (0..outputs)
            .map(|_| 2_f32.powi(rng.random_range(-3..=3)))
            .collect(),
        floor: (0..outputs).map(|_| rng.random_range(0.0..0.1)).collect(),
        slope: (number % 3 == 1 || number % 6 == 5)
            .then(|| (0..outputs).map(|_| rng.random_range(0.0..0.5)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dense_codegen::graph::Operation;
    use rand::SeedableRng;
    use std::collections::BTreeSet;

    #[test]
    fn as_many_numbers_as_steps_use_every_operation() {
        for seed in 0..20 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut used = BTreeSet::new();
            for number in 0..steps().len().max(image_steps().len()) {
                used.extend(operations(&random_emulator(number, &mut rng)));
            }
            assert_eq!(used, every_operation(), "seed {seed}");
        }
    }

    #[test]
    fn every_kind_of_operation_is_drawn() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let emulators = emulators_with_every_step(&mut rng);
        let nodes = emulators
            .iter()
            .flat_map(|emulator| emulator.graph().nodes());
        let drawn: BTreeSet<_> = nodes.map(|node| node.operation().kind()).collect();
        let missing: Vec<_> = Operation::KINDS
            .iter()
            .filter(|kind| !drawn.contains(*kind))
            .collect();
        assert!(
            missing.is_empty(),
            "no step of random_graph draws {missing:?}"
        );
    }

    #[test]
    fn few_emulators_have_every_step_and_fewer_every_kind() {
        let kind = |name: &String| name.split([' ', '(']).next().map(str::to_owned);
        let kinds: BTreeSet<_> = every_operation().iter().map(kind).collect();
        for seed in 0..20 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let emulators = emulators_with_every_step(&mut rng);
            let used: BTreeSet<_> = emulators.iter().flat_map(operations).collect();
            assert_eq!(used, every_operation(), "seed {seed}");
            let emulators = emulators_with_every_kind(&mut rng);
            let used = emulators.iter().flat_map(operations);
            let used: BTreeSet<_> = used.map(|name| kind(&name)).collect();
            assert_eq!(used, kinds, "seed {seed}");
        }
    }
}
