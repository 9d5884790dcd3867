//! The same bits by one thread and two, and the steps of an undivided engine within rounding.

use super::*;
use crate::engine::Layer;
use crate::space::{Candidate, Function, Identity, Placement};
use crate::streams::stream;
use rand::Rng;

const INPUTS: usize = 5;
const OUTPUTS: usize = 21;
const ROWS: usize = 300;
/// Rows of batches: less than a panel, odd ones, and an odd number of panels.
const BATCHES: [usize; 6] = [64, 1, 16, 17, 75, 48];

/// A gated network with two heads, and rows.
fn task() -> (Core, Owned) {
    let layer = |candidate, inputs, outputs, identity| Layer {
        candidate,
        inputs,
        outputs,
        identity,
        placement: Placement::After,
        activation: Some(Function::Silu),
    };
    let head = |candidate| Layer {
        activation: None,
        ..layer(candidate, 24, OUTPUTS, Identity::Absent)
    };
    let groups = [
        vec![layer(Candidate::Dense, INPUTS, 24, Identity::Absent)],
        vec![layer(Candidate::Gated, 24, 24, Identity::Beside)],
        vec![head(Candidate::Dense), head(Candidate::LowRank { rank: 7 })],
    ];
    let mut core = Core::new(&groups, 0.01).unwrap();
    let mut random = stream(6, "lanes");
    let mut drawn = |count: usize, bound: f32| -> Vec<f32> {
        (0..count)
            .map(|_| random.random_range(-bound..bound))
            .collect()
    };
    for parameter in 0..core.parameters() {
        let count = core.weights(parameter).len();
        core.set_weights(parameter, &drawn(count, 0.3));
    }
    let data = [drawn(ROWS * INPUTS, 1.5), drawn(ROWS * OUTPUTS, 1.0)];
    (core, Arc::new(data))
}

/// The batch, the choice and the size of each step.
fn steps(count: usize, seed: u64) -> Vec<(Vec<usize>, [usize; 3], f64)> {
    let mut random = stream(seed, "steps of lanes");
    let mut step = |step: usize| {
        let count = BATCHES[step % BATCHES.len()];
        let rows = (0..count).map(|_| random.random_range(0..ROWS)).collect();
        (rows, [0, 0, random.random_range(0..2)], 2e-3)
    };
    (0..count).map(&mut step).collect()
}

fn bits(lanes: &Lanes) -> Vec<u32> {
    // Both replicas are equal.
    let of = |lane: usize| -> Vec<u32> {
        let lane = lanes.shared.lane(lane);
        let all = (0..lane.core.parameters()).flat_map(|index| lane.core.weights(index));
        all.map(f32::to_bits).collect()
    };
    assert_eq!(of(0), of(1));
    of(0)
}

fn take(lanes: &mut Lanes, steps: &[(Vec<usize>, [usize; 3], f64)]) -> Vec<u32> {
    let losses = steps
        .iter()
        .map(|(rows, choice, rate)| lanes.step(rows, choice, *rate).to_bits());
    losses.collect()
}

#[test]
fn one_thread_and_two_give_the_same_bits_and_an_undivided_engine_nearly_the_same_losses() {
    for is_soap in [false, true] {
        let (mut core, data) = task();
        let steps = steps(45, 1);
        let ways = [1, 2, 2]
            .map(|threads| Lanes::new(&core, is_soap, data.clone(), threads, Divided::Batches));
        let mut ways = ways.map(Result::unwrap);
        // The last one changes its way at every step.
        let losses = ways
            .iter_mut()
            .enumerate()
            .map(|(k, lanes)| match k {
                2 => steps
                    .chunks(1)
                    .enumerate()
                    .flat_map(|(step, one)| {
                        lanes.tempo.force(step % 2);
                        take(lanes, one)
                    })
                    .collect(),
                _ => take(lanes, &steps),
            })
            .collect::<Vec<_>>();
        assert_eq!(losses[0], losses[1]);
        assert_eq!(losses[0], losses[2]);
        assert_eq!(bits(&ways[0]), bits(&ways[1]));
        assert_eq!(bits(&ways[0]), bits(&ways[2]));

        let mut soap = core.soap();
        let [x, y] = &*data;
        for ((rows, choice, rate), loss) in steps.iter().zip(&losses[0]) {
            let data = Data { x, y };
            let expected = match is_soap {
                true => core.soap_step(&mut soap, data, rows, choice, *rate),
                false => core.step(data, rows, choice, *rate),
            };
            let loss = f32::from_bits(*loss);
            // Adam's first steps turn rounding into signs, and so do bases of equal eigenvalues.
            let most = if is_soap { 3e-2 } else { 2e-3 };
            let error = (loss - expected).abs();
            assert!(error < most * expected, "{is_soap}: {loss} {expected}");
        }
    }
}

#[test]
fn restored_lanes_continue_with_the_same_bits() {
    for is_soap in [false, true] {
        let (core, data) = task();
        let mut lanes = Lanes::new(&core, is_soap, data.clone(), 2, Divided::Batches).unwrap();
        take(&mut lanes, &steps(25, 2));
        let mut other = Lanes::new(&core, is_soap, data, 1, Divided::Batches).unwrap();
        for index in 0..core.parameters() {
            other.set_weights(index, &lanes.weights(index));
            other.set_moments(index, &lanes.moments(index));
        }
        let saved = lanes.save_soap();
        assert_eq!(saved.is_empty(), !is_soap);
        assert!(other.restore_soap(&saved));
        assert!(!other.restore_soap(&vec![(1, vec![0.0]); 3]));
        assert_eq!(other.save_soap(), saved);
        let steps = steps(25, 3);
        assert_eq!(take(&mut lanes, &steps), take(&mut other, &steps));
        assert_eq!(bits(&lanes), bits(&other));
    }
}

#[test]
fn both_lanes_have_much_to_do_whatever_is_chosen() {
    let (core, _) = task();
    let layers = core.layers();
    let cost = |index: usize| {
        let (rows, columns) = core.sizes(index);
        (rows * columns) as u64
    };
    let owners = owners(&layers, cost);
    for head in [0, 1] {
        let used = layers[0][0].clone().chain(layers[1][0].clone());
        let used = used.chain(layers[2][head].clone());
        let mut loads = [0; 2];
        used.for_each(|index| loads[owners[index]] += cost(index));
        assert!(
            2 * loads[0].min(loads[1]) > loads[0].max(loads[1]),
            "{loads:?}"
        );
    }
}

#[test]
fn no_thread_is_left_behind_and_a_panic_in_one_reaches_the_caller() {
    let (core, data) = task();
    let mut lanes = Lanes::new(&core, false, data.clone(), 2, Divided::Batches).unwrap();
    take(&mut lanes, &steps(3, 4));
    // Asleep by then.
    std::thread::sleep(std::time::Duration::from_millis(20));
    take(&mut lanes, &steps(3, 4));
    let shared = Arc::downgrade(&lanes.shared);
    drop(lanes);
    assert_eq!(shared.strong_count(), 0);

    for wrong in [0, 40] {
        let mut lanes = Lanes::new(&core, false, data.clone(), 2, Divided::Batches).unwrap();
        let shared = Arc::downgrade(&lanes.shared);
        let mut rows = vec![3; 64];
        // In the caller's half, or in the other.
        rows[wrong] = ROWS;
        let step = || lanes.step(&rows, &[0, 0, 1], 1e-3);
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(step));
        assert!(panic.is_err());
        drop(lanes);
        assert_eq!(shared.strong_count(), 0);
    }
}
