//! Random spaces and budgets: nothing above a budget is sampled, trained or shipped, and nothing
//! within it is excluded.

use super::*;
use crate::assemble::{assemble, data_order};
use crate::contenders::output_shape;
use crate::cost_model::random_model;
use crate::data::testing::images;
use crate::data::{Dataset, Normalisation, Split};
use crate::space::presets::{MicroSizes, micro};
use crate::space::{Candidate, Function, Group, Identity, Placement, Shape};
use crate::streams::stream;
use crate::training::{Choices, Members, Rows, Settings, Trainer};
use crate::unseen::Evidence;
use crate::variables::{NetworkVariables, Trial};
use candle_core::Device;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

const INPUTS: usize = 3;

fn terms(budget: Budget, cost_model: &CostModel) -> Terms<'_> {
    Terms {
        budget,
        share_of_one: 0.7,
        cost_model: Some(cost_model),
    }
}

fn group(name: String, output: Shape, identity: Identity, candidates: Vec<Candidate>) -> Group {
    Group {
        name,
        output,
        identity,
        candidates,
        activation: Some(Function::Silu),
        own_activations: BTreeMap::new(),
        placement: Placement::After,
    }
}

/// Two to five groups from vectors to images, with candidates of very different costs.
fn random_space(random: &mut ChaCha8Rng, output: Shape) -> Space {
    let mut groups = Vec::new();
    let width = Shape::Vector(random.random_range(2..40));
    let ranks = |random: &mut ChaCha8Rng| Candidate::LowRank {
        rank: random.random_range(1..20),
    };
    let frequencies = random.random_range(1..5);
    let first = vec![
        Candidate::Dense,
        ranks(random),
        Candidate::Gated,
        Candidate::Fourier { frequencies },
    ];
    groups.push(group("first".to_owned(), width, Identity::Absent, first));
    for number in 0..random.random_range(0..3) {
        let candidates = vec![
            Candidate::Zero,
            Candidate::Dense,
            ranks(random),
            Candidate::Gated,
        ];
        let name = format!("block{number}");
        groups.push(group(name, width, Identity::Beside, candidates));
    }
    let candidates = vec![Candidate::Dense, ranks(random), ranks(random)];
    groups.push(group(
        "head".to_owned(),
        output,
        Identity::Absent,
        candidates,
    ));
    if random.random_bool(0.7) {
        let conv = |kernel| Candidate::Conv { kernel };
        let tconv = Candidate::TransposedConv {
            kernel: 3,
            stride: 1,
        };
        let candidates = vec![Candidate::Zero, conv(1), conv(5), tconv];
        groups.push(group(
            "refine".to_owned(),
            output,
            Identity::Beside,
            candidates,
        ));
    }
    Space::new("random", INPUTS, groups).unwrap()
}

/// A random budget from slightly below the cheapest architecture to far above the most expensive,
/// or no limit.
fn random_budget(random: &mut ChaCha8Rng, space: &Space, model: &CostModel) -> Budget {
    let costs = candidate_costs(space, Some(model));
    let (each, once) = fixed_costs(space, 1, Transform::None, Some(model));
    let ends = |of: fn(&Cost) -> u64| {
        let least: u64 = costs.iter().filter_map(|g| g.iter().map(of).min()).sum();
        let most: u64 = costs.iter().filter_map(|g| g.iter().map(of).max()).sum();
        let fixed = of(&each.and(once));
        (least + fixed) * 9 / 10..2 * most + 2 * fixed
    };
    let macs = random.random_range(ends(|cost| cost.macs));
    let flash_bytes = random.random_range(ends(|cost| cost.flash_bytes));
    let time_ns = random.random_range(ends(|cost| cost.time_ps)) / 1000;
    // At least one limit is set.
    let which = random.random_range(1..8);
    Budget {
        macs: (which & 1 != 0).then_some(macs),
        flash_bytes: (which & 2 != 0).then_some(flash_bytes),
        time_ns: (which & 4 != 0).then_some(time_ns),
    }
}

fn all_architectures(space: &Space) -> Vec<Architecture> {
    let mut all = vec![Vec::new()];
    for group in space.groups() {
        let longer = all.iter().flat_map(|choices: &Vec<usize>| {
            let choices = choices.clone();
            (0..group.candidates.len()).map(move |k| [&choices[..], &[k]].concat())
        });
        all = longer.collect();
    }
    all.into_iter().map(Architecture::new).collect()
}

fn total(costs: &[Vec<Cost>], architecture: &Architecture) -> Cost {
    let choices = costs.iter().zip(architecture.choices());
    choices.fold(Cost::default(), |sum, (group, &choice)| {
        sum.and(group[choice])
    })
}

/// Variables after some updates by random ranks, within the room.
fn variables(space: &Space, room: &Affordable, random: &mut ChaCha8Rng) -> NetworkVariables {
    let mut variables = NetworkVariables::uniform(space);
    for _ in 0..random.random_range(0..20) {
        let trials: Vec<_> = (0..8)
            .map(|k| Trial {
                architecture: variables.sample_within(room, random),
                loss: f64::from(k),
            })
            .collect();
        variables.update_within(room, &trials, 1.0).unwrap();
    }
    variables
}

#[test]
fn exactly_the_architectures_within_a_limit_are_affordable_and_they_alone_are_sampled() {
    let mut random = stream(1, "budgets");
    let output = Shape::Image {
        height: 4,
        width: 3,
        channels: 2,
    };
    let (mut some, mut none) = (0, 0);
    for _ in 0..240 {
        let space = random_space(&mut random, output);
        let model = random_model(&mut random);
        let costs = candidate_costs(&space, Some(&model));
        let (each, once) = fixed_costs(&space, 1, Transform::None, Some(&model));
        let limit = random_budget(&mut random, &space, &model).limits();
        let Some(limit) = limit.less(each.and(once)) else {
            none += 1;
            continue;
        };
        let all = all_architectures(&space);
        let within = |one: &&Architecture| total(&costs, one).within(limit);
        let expected = all.iter().filter(within).count();
        let Some(room) = Affordable::new(&costs, limit) else {
            assert_eq!(expected, 0);
            none += 1;
            continue;
        };
        some += 1;
        for one in &all {
            assert_eq!(room.contains(one), within(&one), "{one:?}");
        }
        let variables = variables(&space, &room, &mut random);
        // The probabilities, derived from the gradients, form a distribution over exactly these
        // candidates.
        let (mut sum, mut mean) = (0.0, vec![0.0; costs.iter().map(Vec::len).sum()]);
        for one in &all {
            let Ok(gradient) = variables.gradient_within(&room, one) else {
                assert!(!within(&one));
                continue;
            };
            let choices = gradient.iter().zip(one.choices());
            let p: f64 = choices
                .map(|(slopes, &choice)| 1.0 - slopes[choice])
                .product();
            sum += p;
            for (mean, slope) in mean.iter_mut().zip(gradient.iter().flatten()) {
                *mean += p * slope;
            }
        }
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
        assert!(mean.iter().all(|mean| mean.abs() < 1e-9), "{mean:?}");
        for _ in 0..20 {
            assert!(room.contains(&variables.sample_within(&room, &mut random)));
        }
    }
    assert!(some > 120 && none > 3, "{some} and {none}");
}

#[test]
fn a_room_that_excludes_nothing_draws_what_none_would() {
    let space = micro(INPUTS, Shape::Vector(5), MicroSizes::default()).unwrap();
    let room = Room::new(
        &space,
        terms(Budget::default(), &CostModel::free()),
        4,
        Transform::None,
    )
    .unwrap();
    let variables = NetworkVariables::uniform(&space);
    let [mut one, mut other] = [0, 1].map(|_| stream(3, "samples"));
    for _ in 0..100 {
        let free = variables.sample(&mut one);
        assert_eq!(free, variables.sample_within(room.one(), &mut other));
        let within = variables.gradient_within(room.one(), &free).unwrap();
        assert_eq!(within, variables.gradient(&free).unwrap());
    }
}

fn rows(data: &Dataset, rows: &[usize], normalisation: &Normalisation, output: Shape) -> Rows {
    let order = data_order(output);
    let y = normalisation.encode_y(data, rows);
    let y = y
        .chunks_exact(order.len())
        .flat_map(|y| order.iter().map(|&place| y[place]))
        .collect();
    let x = normalisation.encode_x(data, rows);
    Rows::new(x, INPUTS, y, order.len(), &Device::Cpu).unwrap()
}

#[test]
fn what_is_trained_and_shipped_never_exceeds_a_budget_and_members_are_many_where_it_is_wide() {
    let data = images(60, 2);
    let output = output_shape(&data);
    let split = Split::resolve(&data, 0).unwrap();
    let mut random = stream(2, "budgets");
    let (mut shipped, mut several) = (0, 0);
    for number in 0..60 {
        let transform = [Transform::None, Transform::Asinh][number % 2];
        let normalisation = Normalisation::fit_transformed(&data, &split.train, transform);
        let space = random_space(&mut random, output);
        let model = random_model(&mut random);
        let budget = random_budget(&mut random, &space, &model);
        let terms = terms(budget, &model);
        let count = random.random_range(1..6);
        let Ok(room) = Room::new(&space, terms, count, transform) else {
            continue;
        };
        let settings = Settings {
            steps: Some(30),
            members: match number % 3 {
                0 => Members::Random(count),
                _ => Members::Searched(count),
            },
            seed: number as u64,
            choices: Choices {
                polish: 0.0,
                ..Choices::default()
            },
        };
        let of = |part: &[usize]| rows(&data, part, &normalisation, output);
        let trainer = Trainer::new(&space, of(&split.train), of(&split.selection), settings);
        let mut trainer = trainer.unwrap().within(room.clone());
        while !trainer.is_done() {
            let macs = trainer.step().unwrap().macs;
            assert!(budget.macs.is_none_or(|limit| macs <= limit));
        }
        let trained = trainer.finish();
        assert!(trained.members.iter().all(|one| room.one().contains(one)));
        check_given(&space, &trained.members, terms, transform).unwrap();
        let emulator = assemble(
            &trained,
            &data,
            &normalisation,
            Some(Evidence::HeldOut(&split)),
            BTreeMap::new(),
        )
        .unwrap();
        let cost = Cost::of(&emulator, Some(&model));
        assert!(budget.allows(cost), "{budget:?}, {cost:?}");
        shipped += 1;
        several += usize::from(trained.members.len() > 1);
    }
    assert!(shipped > 40 && several > 15, "{shipped}, {several}");
}

#[test]
fn the_cost_of_one_member_is_what_its_emulator_reports() {
    let data = images(60, 2);
    let output = output_shape(&data);
    let split = Split::resolve(&data, 0).unwrap();
    let mut random = stream(4, "budgets");
    for number in 0..20 {
        let transform = [Transform::None, Transform::Asinh][number % 2];
        let normalisation = Normalisation::fit_transformed(&data, &split.train, transform);
        let space = random_space(&mut random, output);
        let settings = Settings {
            steps: Some(1),
            members: Members::Searched(1),
            seed: 1,
            choices: Choices::default(),
        };
        let of = |part: &[usize]| rows(&data, part, &normalisation, output);
        let trainer = Trainer::new(&space, of(&split.train), of(&split.selection), settings);
        let mut trained = trainer.unwrap().finish();
        let all = all_architectures(&space);
        let member = all[random.random_range(0..all.len())].clone();
        trained.members = vec![member.clone()];
        let emulator = assemble(&trained, &data, &normalisation, None, BTreeMap::new()).unwrap();
        let model = random_model(&mut random);
        let (each, once) = fixed_costs(&space, 1, transform, Some(&model));
        let costs = candidate_costs(&space, Some(&model));
        let cost = total(&costs, &member).and(each).and(once);
        // Without calibration there is no error scale.
        let cost = cost
            .less(error_scale(space.inputs(), Some(&model)))
            .and_then(|cost| {
                let outputs = space.output().size();
                cost.less(slopes(outputs, transform, Some(&model)))
            })
            .unwrap();
        assert_eq!(emulator.macs(), cost.macs);
        assert_eq!(Cost::of(&emulator, Some(&model)).time_ps, cost.time_ps);
        // Candidates of equal rank share the zero biases of their first matrices.
        let flash_bytes = emulator.flash_bytes() as u64;
        assert!(flash_bytes <= cost.flash_bytes && cost.flash_bytes - flash_bytes <= 4 * 20 * 5);
    }
}

#[test]
fn a_budget_below_the_cheapest_architecture_says_by_how_much() {
    let space = micro(INPUTS, Shape::Vector(5), MicroSizes::default()).unwrap();
    let (free, dear) = (CostModel::free(), CostModel::of_operations(1000.0));
    let room = |macs, flash_bytes, time_ns, model: &CostModel| {
        let budget = Budget {
            macs,
            flash_bytes,
            time_ns,
        };
        Room::new(&space, terms(budget, model), 1, Transform::None)
    };
    let refused = |macs, flash_bytes| {
        let error = room(macs, flash_bytes, None, &free).unwrap_err();
        error.to_string()
    };
    // 3 * 64 for the first layer, 16 * (64 + 5) or 64 * 5 for the head, 5 for rescaling, 2 * 3 for
    // the error scale.
    let error = refused(Some(400), None);
    assert!(
        error.contains("\"micro\"")
            && error.contains("523 multiply-accumulates (--budget-macs 400)"),
        "{error}"
    );
    assert!(room(Some(523), None, None, &free).is_ok());
    let error = refused(None, Some(10));
    assert!(
        error.contains("bytes of flash (--budget-flash 10)"),
        "{error}"
    );
    let error = refused(Some(1), Some(1));
    assert!(
        error.contains(" and ") && error.contains("raise the budget"),
        "{error}"
    );
    // One each: logarithm, standardisation, layer, activation, head, rescaling, guard, statistics,
    // error scale, end.
    let error = room(None, None, Some(9_990), &dear)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("10.00 us by the cost model (--budget-us 9.99)"),
        "{error}"
    );
    assert!(room(None, None, Some(10_000), &dear).is_ok());
}
