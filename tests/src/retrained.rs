//! An emulator of the same structure with other constants, as from training on other data.

use dense_codegen::emulator::Emulator;
use dense_codegen::graph::Graph;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Returns an emulator of the same structure whose parameters, calibration and trained box differ
/// by up to a tenth, and whose training data differ.
///
/// # Panics
/// Never: the values stay finite, and the shapes are those of an emulator.
#[must_use]
pub fn retrained(emulator: &Emulator, seed: u64) -> Emulator {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut parts = emulator.clone().into_parts();
    let old = &parts.graph;
    let mut graph = Graph::new(emulator.input_count());
    for (_, parameter) in old.parameters().iter() {
        let values = parameter.values().iter();
        let values = values.map(|value| value * rng.random_range(0.9_f32..1.1));
        graph
            .parameter(parameter.name(), parameter.shape(), values.collect())
            .expect("finite numbers of the same shape");
    }
    for node in &old.nodes()[1..] {
        graph
            .push(node.operation().clone(), node.inputs())
            .expect("the nodes of a graph");
    }
    parts.graph = graph;
    parts.calibration.gain *= 1.05;
    for floor in &mut parts.calibration.floor {
        *floor *= rng.random_range(0.9..1.1);
    }
    for slope in parts.calibration.slope.iter_mut().flatten() {
        *slope *= rng.random_range(0.9..1.1);
    }
    for input in &mut parts.inputs {
        input.high -= 0.03 * (input.high - input.low);
    }
    if let Some(scale) = &mut parts.local.error_scale {
        scale.constant *= 0.9;
        scale.linear.iter_mut().for_each(|linear| *linear *= 1.1);
    }
    if let Some(coverage) = &mut parts.local.coverage {
        coverage.square_radius *= 0.9;
    }
    let hash: String = (0..8)
        .map(|_| format!("{:08x}", rng.random::<u32>()))
        .collect();
    parts.provenance.insert("data_sha256".into(), hash.into());
    Emulator::new(parts).expect("an emulator with other numbers is one")
}
