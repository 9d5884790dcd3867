//! Exported ONNX models are read by a second implementation of the format, and another engine computes with them what the
//! f64 interpreter does, on cases that use every operation.

use dense_codegen::Emulator;
use dense_codegen::graph::{NodeId, Operation, Shape};
use dense_codegen::interpreter::interpret_f64;
use dense_codegen::onnx::{Batch, What, model_bytes, write};
use dense_tests::cases::CASES;
use dense_tests::networks::Network;
use dense_tests::rows::random_rows;
use dense_tests::tolerance::ONNX_AGAINST_F64;
use onnx_protobuf::{Message, ModelProto};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use rten::{Model, Value};
use std::collections::BTreeSet;

/// Rows of each emulator that the engine computes, all in one call where the model allows it.
const ROWS: usize = 20;

/// The emulators of the conformance cases and the networks, each with its rows.
fn emulators() -> Vec<(String, Emulator, Vec<f32>)> {
    let cases = CASES
        .iter()
        .map(|case| (case.to_string(), case.emulator.clone(), case.rows.clone()));
    let networks = Network::ALL.map(|network| {
        let emulator = network.emulator();
        let rows = random_rows(&emulator, 10 * ROWS, &mut ChaCha8Rng::seed_from_u64(1));
        (network.name().to_owned(), emulator, rows)
    });
    cases.chain(networks).collect()
}

/// The emulator that is this one's member alone.
fn alone(emulator: &Emulator, member: usize) -> Emulator {
    let mut parts = emulator.clone().into_parts();
    parts.members = vec![parts.members[member]];
    Emulator::new(parts).expect("a member is an emulator")
}

/// What the engine makes of `rows` inputs.
fn run(model: &[u8], x: &[f32], rows: usize) -> Vec<f32> {
    let model = Model::load(model.to_vec()).expect("the engine reads the model");
    let x = Value::from_shape([rows, x.len() / rows], x.to_vec()).expect("rows are of one length");
    let y = model
        .run_one((&x).into(), None)
        .expect("the engine runs the model");
    y.into_tensor::<f32>().expect("numbers").into_data()
}

/// The largest error over the rows, in the units that the tolerance is stated in; infinite where it is not a number.
fn error(emulator: &Emulator, x: &[f32], y: &[f32]) -> f64 {
    let (inputs, outputs) = (emulator.input_count(), emulator.output_count());
    assert_eq!(y.len() * inputs, x.len() * outputs, "count of results");
    let row = |(x, y): (&[f32], &[f32])| {
        let exact = interpret_f64(emulator, x).mean;
        let scale = exact
            .iter()
            .fold(0.0, |largest: f64, y| largest.max(y.abs()));
        let units = &emulator.calibration().unit;
        let errors = y
            .iter()
            .zip(&exact)
            .zip(units)
            .map(|((&y, exact), &unit)| (f64::from(y) - exact).abs() / scale.max(unit.into()))
            .map(|error| if error.is_nan() { f64::INFINITY } else { error });
        errors.fold(0.0, f64::max)
    };
    let rows = x.chunks_exact(inputs).zip(y.chunks_exact(outputs));
    rows.map(row).fold(0.0, f64::max)
}

#[test]
fn another_engine_computes_what_the_f64_interpreter_does() {
    emulators().par_iter().for_each(|(name, emulator, rows)| {
        let inside: Vec<f32> = rows
            .chunks_exact(emulator.input_count())
            .filter(|row| interpret_f64(emulator, row).status.is_ok())
            .take(ROWS)
            .flatten()
            .copied()
            .collect();
        let last = emulator.members().len() - 1;
        for (what, meaning) in [
            (What::Mean, emulator.clone()),
            (What::Member(last), alone(emulator, last)),
        ] {
            for batch in [Batch::One, Batch::Any] {
                let count = match batch {
                    Batch::One => 1,
                    Batch::Any => inside.len() / emulator.input_count(),
                };
                let x = &inside[..count * emulator.input_count()];
                let model = model_bytes(emulator, what, batch).expect("there is such a member");
                let error = error(&meaning, x, &run(&model, x, count));
                assert!(
                    error <= ONNX_AGAINST_F64,
                    "{name}, {what:?}, {batch:?}: {error:.1e} is above {ONNX_AGAINST_F64:.1e}"
                );
            }
        }
    });
}

#[test]
fn members_that_end_in_sequences_and_images_come_out_position_by_position() {
    let mut shapes = BTreeSet::new();
    for case in CASES.iter() {
        let mut parts = case.emulator.clone().into_parts();
        let before = |node: NodeId| {
            let node = &parts.graph.nodes()[node.index()];
            matches!(node.operation(), Operation::Transpose(_)).then(|| node.inputs()[0])
        };
        let members: Option<Vec<_>> = parts.members.iter().map(|&member| before(member)).collect();
        let Some(members) = members else { continue };
        let shape = parts.graph.shape(members[0]);
        parts.members = members;
        let emulator = Emulator::new(parts).expect("as many numbers as before");
        let x = &case.rows[..emulator.input_count()];
        let model = model_bytes(&emulator, What::Mean, Batch::One).expect("a mean");
        let error = error(&emulator, x, &run(&model, x, 1));
        assert!(error <= ONNX_AGAINST_F64, "{case}, {shape}: {error:.1e}");
        shapes.insert(matches!(shape, Shape::Image { channels: 2.., .. }));
    }
    assert_eq!(shapes.len(), 2, "sequences, and images of several channels");
}

#[test]
fn a_second_reader_finds_sizes_names_and_every_weight_once() {
    for (name, emulator, _) in emulators() {
        let bytes = model_bytes(&emulator, What::Mean, Batch::Any).expect("a mean");
        let model = ModelProto::parse_from_bytes(&bytes).expect("a second reader reads the model");
        assert_eq!(model.ir_version, 8, "{name}");
        assert_eq!(model.opset_import[0].version, 13, "{name}");

        let graph = &model.graph;
        let sizes = |info: &onnx_protobuf::ValueInfoProto| -> Vec<i64> {
            let dims = &info.type_.tensor_type().shape.dim;
            assert_eq!(dims[0].dim_param(), "n", "{name}");
            dims[1..].iter().map(|dim| dim.dim_value()).collect()
        };
        let outputs = emulator.outputs().shape.iter().map(|&size| size as i64);
        assert_eq!(graph.input[0].name, "x");
        assert_eq!(sizes(&graph.input[0]), [emulator.input_count() as i64]);
        assert_eq!(graph.output[0].name, "mean");
        assert_eq!(sizes(&graph.output[0]), outputs.collect::<Vec<_>>());

        let mut known: BTreeSet<&str> = BTreeSet::from(["", "x"]);
        for tensor in &graph.initializer {
            assert!(known.insert(&tensor.name), "{name}: two {}", tensor.name);
        }
        for node in &graph.node {
            for input in &node.input {
                assert!(known.contains(&input[..]), "{name}: {input} is read first");
            }
            for output in &node.output {
                assert!(known.insert(output), "{name}: two {output}");
            }
        }
        let stored = graph.initializer.iter().map(|tensor| &tensor.raw_data);
        let weights = stored.filter(|data| data.len() > 64).collect::<Vec<_>>();
        let distinct: BTreeSet<_> = weights.iter().collect();
        assert_eq!(
            weights.len(),
            distinct.len(),
            "{name}: numbers stored twice"
        );
    }
}

#[test]
fn a_member_that_there_is_not_is_refused_and_leaves_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.onnx");
    let emulator = Network::Tiny.emulator();
    let refused = write(&emulator, What::Member(1), Batch::One, &path);
    let message = refused.expect_err("there is one member").to_string();
    assert!(
        message.contains("below 1") && message.contains("got 1"),
        "{message}"
    );
    assert_eq!(entries(folder.path()), Vec::<String>::new());
}

#[test]
fn a_written_file_has_the_models_bytes_and_nothing_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.onnx");
    let emulator = Network::Decoder.emulator();
    std::fs::write(&path, "an older model").expect("a file");
    write(&emulator, What::Mean, Batch::One, &path).expect("the folder is there");
    let bytes = model_bytes(&emulator, What::Mean, Batch::One).expect("a mean");
    assert_eq!(std::fs::read(&path).expect("a file"), bytes);
    assert_eq!(entries(folder.path()), ["model.onnx"]);
}

fn entries(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}
