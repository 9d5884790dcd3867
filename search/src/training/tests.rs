//! Whole trainings: the effects of the seed and of resuming, and whether they learn.

use super::*;
use crate::fixed::usual;
use crate::kind::Kind;
use crate::space::Shape;
use crate::space::presets::{MicroSizes, Mlp, micro, mlp};
use rand::Rng;

const CURVE: Shape = Shape::Sequence {
    length: 5,
    channels: 1,
};

fn rows(count: usize, seed: u64) -> Rows {
    let mut random = stream(seed, "test rows");
    let x: Vec<f32> = (0..2 * count)
        .map(|_| random.random_range(-1.5..1.5))
        .collect();
    let curve = |x: &[f32]| {
        (0..5)
            .map(|k| (x[0] * (k + 1) as f32 * 0.5).sin() + x[1] * 0.3)
            .collect::<Vec<_>>()
    };
    let y = x.chunks_exact(2).flat_map(curve).collect();
    Rows::new(x, 2, y, 5, &Device::Cpu).unwrap()
}

fn trainer(seed: u64, steps: Option<usize>) -> Trainer {
    on_output(CURVE, seed, steps)
}

/// A training whose last group has convolutions, or one of dense layers alone, by the engine.
fn on_output(output: Shape, seed: u64, steps: Option<usize>) -> Trainer {
    let settings = Settings {
        steps,
        members: Members::Searched(3),
        seed,
        choices: Choices::default(),
    };
    Trainer::new(
        &micro(2, output, MicroSizes::default()).unwrap(),
        rows(200, 1),
        rows(60, 2),
        settings,
    )
    .unwrap()
}

fn value(step: &Step) -> f32 {
    step.loss.to_scalar().unwrap()
}

fn weights(trained: &Trained) -> Vec<u32> {
    weights_of(&trained.network)
}

fn weights_of(network: &SuperNetwork) -> Vec<u32> {
    let flat = |var: candle_core::Var| var.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let variables = network.variables().into_iter();
    variables.flat_map(flat).map(f32::to_bits).collect()
}

fn run(mut trainer: Trainer) -> (Vec<f32>, Trained) {
    let mut losses = Vec::new();
    while !trainer.is_done() {
        losses.push(value(&trainer.step().unwrap()));
    }
    (losses, trainer.finish())
}

fn on_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(work)
}

#[test]
fn a_seed_gives_its_bits_on_one_and_two_threads_and_another_gives_others() {
    let trained = |seed, threads| on_threads(threads, || run(trainer(seed, Some(600))));
    let (losses, first) = trained(1, 1);
    let (again, second) = trained(1, 2);
    assert_eq!(losses, again);
    assert_eq!(first.members.len(), 3);
    assert_eq!(first.members, second.members);
    assert_eq!(weights(&first), weights(&second));
    assert_ne!(weights(&first), weights(&trained(2, 2).1));
}

#[test]
fn a_training_resumed_in_any_phase_ends_with_the_same_bits() {
    const STEPS: usize = 600;
    for output in [CURVE, Shape::Vector(5)] {
        let trainer = || on_output(output, 4, Some(STEPS));
        let (_, whole) = run(trainer());
        for stop in [1, 150, 333, 359, 360, 500, 599] {
            let mut first = trainer();
            for _ in 0..stop {
                first.step().unwrap();
            }
            let bytes = first.checkpoint(0.5).unwrap().to_bytes().unwrap();
            let mut second = trainer();
            second
                .restore(&Checkpoint::from_bytes(&bytes).unwrap())
                .unwrap();
            let (_, resumed) = run(second);
            assert_eq!(whole.members, resumed.members, "stopped after {stop}");
            assert_eq!(whole.variables, resumed.variables, "stopped after {stop}");
            assert_eq!(weights(&whole), weights(&resumed), "stopped after {stop}");
        }
    }
}

#[test]
fn the_network_has_the_weights_of_the_engine_and_gives_them_back() {
    let trainer = || on_output(Shape::Vector(5), 8, Some(60));
    let (_, expected) = run(trainer());
    let mut watched = trainer();
    let mut before = weights_of(watched.network());
    while watched.steps_taken() < 60 {
        watched.step().unwrap();
        if watched.steps_taken() % 7 == 0 {
            let now = weights_of(watched.network());
            assert_ne!(before, now);
            before = now;
        }
    }
    let (_, trained) = run(watched);
    assert_eq!(weights(&trained), weights(&expected));

    // What is written to the network is what the next step starts from.
    let (mut changed, mut other) = (trainer(), trainer());
    for trainer in [&mut changed, &mut other] {
        (0..5).for_each(|_| drop(trainer.step().unwrap()));
    }
    for var in changed.network().variables() {
        var.set(&var.zeros_like().unwrap()).unwrap();
    }
    let losses = [&mut changed, &mut other].map(|trainer| value(&trainer.step().unwrap()));
    assert_ne!(losses[0], losses[1]);
    let y = rows(200, 1).y.to_vec2::<f32>().unwrap();
    let squares = y.iter().flatten().map(|y| y * y).sum::<f32>() / 1000.0;
    assert!(
        (losses[0] - squares).abs() < 0.2 * squares,
        "{losses:?} {squares}"
    );
}

#[test]
fn members_start_from_the_weights_of_other_networks() {
    let (space, members) = usual(Kind::GATED, 2, Shape::Vector(5), 2).unwrap();
    let trainer = |members: &[Architecture], seed| {
        let settings = Settings {
            steps: Some(200),
            members: Members::Given(members.to_vec()),
            seed,
            choices: Choices {
                polish: 0.0,
                ..Choices::default()
            },
        };
        Trainer::new(&space, rows(200, 1), rows(50, 2), settings).unwrap()
    };
    let others = [8, 9].map(|seed| run(trainer(&members[..1], seed)).1);
    let began = trainer(&members, 10);
    began.start_from(&others).unwrap();
    let of = |network: &SuperNetwork, member: usize| -> Vec<Vec<f32>> {
        let groups = 0..space.groups().len();
        let all = groups.flat_map(|group| network.parameters(group, member));
        let numbers = all.map(|one| transfer::numbers(one.var.as_tensor()).unwrap());
        numbers.collect()
    };
    for (member, other) in others.iter().enumerate() {
        assert_eq!(of(began.network(), member), of(&other.network, 0));
    }
    // The others keep their weights when this one learns.
    let before = others.each_ref().map(weights);
    let (losses, _) = run(began);
    let (from_random, _) = run(trainer(&members, 10));
    let mean = |losses: &[f32]| losses[..20].iter().sum::<f32>();
    assert!(mean(&losses) < 0.3 * mean(&from_random), "{losses:?}");
    assert_eq!(others.each_ref().map(weights), before);
}

#[test]
fn members_that_share_nothing_take_the_steps_that_each_would_take_alone() {
    for count in [2, 3] {
        let (space, members) = usual(Kind::GATED, 2, CURVE, count).unwrap();
        let trained = |members: &[Architecture], threads: Option<usize>| {
            let settings = Settings {
                steps: Some(120),
                members: Members::Given(members.to_vec()),
                seed: 3,
                choices: Choices {
                    polish: 0.0,
                    ..Choices::default()
                },
            };
            let trainer = Trainer::new(&space, rows(200, 1), rows(50, 2), settings).unwrap();
            let trainer = match threads {
                None => trainer,
                Some(threads) => trainer.divided(threads).unwrap(),
            };
            run(trainer)
        };
        let alone = members
            .iter()
            .map(|member| trained(std::slice::from_ref(member), None));
        let alone: Vec<(Vec<f32>, Trained)> = alone.collect();
        for threads in [None, Some(1), Some(2)] {
            let (losses, all) = trained(&members, threads);
            for (member, (_, one)) in alone.iter().enumerate() {
                for group in 0..space.groups().len() {
                    let of = |trained: &Trained| -> Vec<Vec<f32>> {
                        let all = trained.network.parameters(group, member).iter();
                        all.map(|one| transfer::numbers(one.var.as_tensor()).unwrap())
                            .collect()
                    };
                    assert_eq!(of(&all), of(one), "member {member} of {count}, {threads:?}");
                }
            }
            for (step, loss) in losses.iter().enumerate() {
                let mean = alone.iter().map(|(losses, _)| losses[step]).sum::<f32>() / count as f32;
                assert!((loss - mean).abs() < 1e-5 * mean, "{step}: {loss} {mean}");
            }
        }
    }
}

#[test]
fn a_training_resumed_within_its_polish_ends_with_the_same_bits() {
    const STEPS: usize = 300;
    let given = || {
        let (space, members) = mlp(2, CURVE, Mlp::Residual, 2).unwrap();
        let settings = Settings {
            steps: Some(STEPS),
            members: Members::Given(members),
            seed: 6,
            choices: Choices::default(),
        };
        Trainer::new(&space, rows(100, 1), rows(60, 2), settings).unwrap()
    };
    let kinds: [&dyn Fn() -> Trainer; 2] = [&given, &|| trainer(6, Some(STEPS))];
    for kind in kinds {
        let evaluations = kind().polish_evaluations();
        let (losses, whole) = run(kind());
        let iterations = losses.len() - STEPS;
        assert!(
            iterations > evaluations / 2 && iterations < evaluations,
            "{iterations} iterations and a start have {evaluations} evaluations or so"
        );
        assert!(losses[losses.len() - 1] < losses[STEPS]);
        for stop in [0, 1, iterations / 2, iterations - 2, iterations - 1] {
            let mut first = kind();
            for _ in 0..STEPS + stop {
                first.step().unwrap();
            }
            let bytes = first.checkpoint(0.5).unwrap().to_bytes().unwrap();
            let mut second = kind();
            second
                .restore(&Checkpoint::from_bytes(&bytes).unwrap())
                .unwrap();
            let (_, resumed) = run(second);
            assert_eq!(weights(&whole), weights(&resumed), "stopped after {stop}");
        }
    }
}

/// Three hundred outputs in five directions, and a training on their components.
fn on_components() -> (Components, Trainer) {
    const OUTPUTS: usize = 300;
    let row = |y: &[f32]| -> Vec<f32> {
        let output = |place: usize| {
            let waves = y.iter().enumerate();
            waves
                .map(|(k, y)| y * ((k * place) as f32 * 0.01 + 0.2).cos())
                .sum::<f32>()
        };
        (0..OUTPUTS).map(output).collect()
    };
    let wide = |rows: &Rows| -> Vec<f32> {
        let y = transfer::numbers::<f32>(&rows.y).unwrap();
        y.chunks_exact(5).flat_map(row).collect()
    };
    let (train, selection) = (rows(200, 1), rows(60, 2));
    let components = Components::of(&wide(&train), OUTPUTS).unwrap();
    assert_eq!(components.count(), 5);
    let learnt = |rows: &Rows| {
        let x = transfer::numbers::<f32>(&rows.x).unwrap();
        let y = components.coordinates(&wide(rows));
        Rows::new(x, 2, y, components.count(), &Device::Cpu).unwrap()
    };
    let settings = Settings {
        steps: Some(600),
        members: Members::Searched(2),
        seed: 5,
        choices: Choices::default(),
    };
    let space = micro(2, components.node(), MicroSizes::default()).unwrap();
    let space = components.onto(&space, Shape::Vector(OUTPUTS)).unwrap();
    let (train, selection) = (learnt(&train), learnt(&selection));
    let trainer = Trainer::onto(&space, &components, train, selection, settings).unwrap();
    (components, trainer)
}

#[test]
fn components_are_trained_resumed_and_polished_and_the_layer_behind_them_stays() {
    let (components, trainer) = on_components();
    let fixed = components.weights(Shape::Vector(300));
    let (losses, expected) = run(trainer);
    let [first, last] = [losses[0], losses[losses.len() - 1]];
    assert!(last < 0.2 * first, "{last} {first}");
    assert!(expected.members.len() == 2, "they branch before that layer");
    let groups = expected.network.space().groups().len();
    let found = &expected.network.parameters(groups - 1, 0)[0].var;
    assert_eq!(transfer::numbers::<f32>(found).unwrap(), fixed);
    assert_eq!(expected.network.trained_groups(), groups - 1);

    let polish = losses.len() - 600;
    assert!(polish > 1, "{polish} iterations of the polish");
    for end in [150, 400, 600 + polish / 2] {
        let mut first = on_components().1;
        (0..end).for_each(|_| drop(first.step().unwrap()));
        let bytes = first.checkpoint(0.5).unwrap().to_bytes().unwrap();
        let mut second = on_components().1;
        second
            .restore(&Checkpoint::from_bytes(&bytes).unwrap())
            .unwrap();
        let (_, trained) = run(second);
        assert_eq!(weights(&trained), weights(&expected), "after {end}");
        assert_eq!(trained.members, expected.members);
    }
}

#[test]
fn an_interrupted_polish_leaves_its_best_weights() {
    let mut trainer = trainer(7, Some(300));
    while trainer.steps_taken() < 300 {
        trainer.step().unwrap();
    }
    let before = trainer.network().variables()[0].to_vec2::<f32>().unwrap();
    for _ in 0..5 {
        trainer.step().unwrap();
    }
    assert!(!trainer.is_done());
    trainer.wind_down(10).unwrap();
    assert!(trainer.is_done());
    let after = trainer.network().variables()[0].to_vec2::<f32>().unwrap();
    assert_ne!(before, after);
}

#[test]
fn an_open_total_that_ends_at_a_step_is_repeated_by_the_number_of_steps() {
    let mut open = trainer(5, None);
    for _ in 0..400 {
        open.step().unwrap();
    }
    open.end_search();
    let total = open.total().unwrap();
    let (_, first) = run(open);
    let (losses, second) = run(trainer(5, Some(total)));
    assert!(losses.len() > total, "no polish");
    assert_eq!(weights(&first), weights(&second));
}

#[test]
fn a_checkpoint_of_another_training_is_an_error() {
    let mut small = trainer(1, Some(10));
    small.step().unwrap();
    let checkpoint = small.checkpoint(0.5).unwrap();
    let space = micro(2, Shape::Vector(5), MicroSizes::default()).unwrap();
    let settings = small.settings.clone();
    let mut other = Trainer::new(&space, rows(200, 1), rows(60, 2), settings.clone()).unwrap();
    assert!(other.restore(&checkpoint).is_err());
    let mut fewer = Trainer::new(
        &micro(2, CURVE, MicroSizes::default()).unwrap(),
        rows(100, 1),
        rows(60, 2),
        settings,
    )
    .unwrap();
    assert!(fewer.restore(&checkpoint).is_err());
    let bytes = checkpoint.to_bytes().unwrap();
    for length in [0, 7, 200, bytes.len() - 1] {
        assert!(
            Checkpoint::from_bytes(&bytes[..length]).is_err(),
            "{length} bytes"
        );
    }
}

#[test]
fn the_loss_falls_whether_members_are_searched_or_given() {
    let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
    let (losses, _) = run(trainer(3, Some(1500)));
    assert!(mean(&losses[1490..]) < 0.02 * mean(&losses[..5]));
    let space = micro(2, CURVE, MicroSizes::default()).unwrap();
    let given = vec![Architecture::new(vec![0, 1, 2, 0, 1, 3, 0])];
    let settings = Settings {
        steps: Some(1500),
        members: Members::Given(given.clone()),
        seed: 3,
        choices: Choices::default(),
    };
    let (losses, trained) = run(Trainer::new(&space, rows(200, 1), rows(60, 2), settings).unwrap());
    assert!(mean(&losses[1490..]) < 0.02 * mean(&losses[..5]));
    assert_eq!(trained.members, given);
}

#[test]
fn a_divided_training_resumed_ends_with_the_same_bits_on_one_thread_and_two() {
    const STEPS: usize = 200;
    for optimiser in [Optimiser::Adamw, Optimiser::Soap] {
        let undivided = || {
            let output = Shape::Vector(5);
            let space = micro(2, output, MicroSizes::default()).unwrap();
            let settings = Settings {
                steps: Some(STEPS),
                members: Members::Searched(2),
                seed: 4,
                choices: Choices {
                    optimiser,
                    batch: 40,
                    ..Choices::default()
                },
            };
            Trainer::new(&space, rows(200, 1), rows(60, 2), settings).unwrap()
        };
        let trainer = |threads| undivided().divided(threads).unwrap();
        let (losses, whole) = run(trainer(1));
        let (expected, _) = run(undivided());
        // Later, rounding leads to other candidates.
        for (loss, expected) in losses.into_iter().zip(expected).take(20) {
            assert!(
                (loss - expected).abs() < 0.02 * expected,
                "{loss} {expected}"
            );
        }
        let mut first = trainer(2);
        for _ in 0..150 {
            first.step().unwrap();
        }
        let bytes = first.checkpoint(0.5).unwrap().to_bytes().unwrap();
        let checkpoint = Checkpoint::from_bytes(&bytes).unwrap();
        for mut second in [1, 2].map(trainer) {
            second.restore(&checkpoint).unwrap();
            let (_, resumed) = run(second);
            assert_eq!(weights(&whole), weights(&resumed), "{optimiser:?}");
        }
        let (_, unbroken) = run(first);
        assert_eq!(weights(&whole), weights(&unbroken), "{optimiser:?}");
    }
}
