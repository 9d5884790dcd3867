//! Exported ONNX models pass the official checker, are read by a second implementation of the
//! format, and three engines compute the f64 interpreter's results with them, on cases that use
//! every operation.

use dense_codegen::Emulator;
use dense_codegen::emulator::{EmulatorParts, InputVariable};
use dense_codegen::graph::{NodeId, Operation, Shape};
use dense_codegen::interpreter::interpret_f64;
use dense_codegen::onnx::{Batch, What, model_bytes, write};
use dense_codegen::rust::golden_inputs;
use dense_search::export::export_run;
use dense_tests::cases::CASES;
use dense_tests::networks::Network;
use dense_tests::onnx::engines::{self, Outputs, Python, Question};
use dense_tests::onnx::operations::operations;
use dense_tests::onnx::{Errors, at_overflow, deployed_status, error, in_box};
use dense_tests::rows::random_rows;
use dense_tests::skip::skipped;
use dense_tests::tolerance::ONNX_AGAINST_F64;
use onnx_protobuf::{Message, ModelProto};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Random rows of each emulator that an engine computes, in one call if the model allows it.
const ROWS: usize = 20;

/// The emulators of the conformance cases, the networks and one for each operation, each with its
/// rows.
fn emulators() -> Vec<(String, Emulator, Vec<f32>)> {
    let cases = CASES
        .iter()
        .map(|case| (case.to_string(), case.emulator.clone(), case.rows.clone()));
    let networks = Network::ALL.map(|network| {
        let emulator = network.emulator();
        let rows = random_rows(&emulator, 10 * ROWS, &mut ChaCha8Rng::seed_from_u64(1));
        (network.name().to_owned(), emulator, rows)
    });
    let operations = operations().into_iter().map(|(name, emulator)| {
        let rows = random_rows(&emulator, 10 * ROWS, &mut ChaCha8Rng::seed_from_u64(1));
        (name.to_owned(), emulator, rows)
    });
    let overflowing = overflowing().into_iter().map(|(name, emulator)| {
        let rows = random_rows(&emulator, 10 * ROWS, &mut ChaCha8Rng::seed_from_u64(1));
        (name.to_owned(), emulator, rows)
    });
    let all = cases.chain(networks).chain(operations);
    all.chain(overflowing).collect()
}

/// Emulators whose mean or standard deviation exceeds single precision in a part of their box.
fn overflowing() -> Vec<(&'static str, Emulator)> {
    let with = |name: &str, change: fn(&mut EmulatorParts)| {
        let mut all = operations().into_iter();
        let (_, emulator) = all.find(|(other, _)| *other == name).expect("a name");
        let mut parts = emulator.into_parts();
        change(&mut parts);
        Emulator::new(parts).expect("limits in order")
    };
    // The exponential's argument is eight times as large, and overflows at 89.
    let wide = |parts: &mut EmulatorParts| {
        for input in &mut parts.inputs {
            (input.low, input.high) = (-12.0, 12.0);
        }
    };
    // The error scale is from 0.4 to 2.7: beyond 2 it overflows.
    let large = |parts: &mut EmulatorParts| {
        parts.calibration.unit.fill(2_f32.powi(126));
        parts.calibration.floor.fill(4.0);
    };
    vec![
        ("exp in a wide box", with("exp", wide)),
        ("slopes in a wide box", with("slopes of one member", wide)),
        ("sinh in a wide box", with("sinh", wide)),
        ("error scale of large units", with("error scale", large)),
    ]
}

/// The emulator of this member alone.
fn alone(emulator: &Emulator, member: usize) -> Emulator {
    let mut parts = emulator.clone().into_parts();
    parts.members = vec![parts.members[member]];
    Emulator::new(parts).expect("a member is an emulator")
}

/// Every emulator's model of the whole prediction, with golden rows and random ones; every fourth
/// model takes one row a call.
fn questions(emulators: &[(String, Emulator, Vec<f32>)]) -> Vec<Question> {
    let question = |(index, (name, emulator, rows)): (usize, &(String, Emulator, Vec<f32>))| {
        let columns = emulator.input_count();
        let mut x = golden_inputs(emulator).concat();
        x.extend(&rows[..ROWS.min(rows.len() / columns) * columns]);
        let batch = match index % 4 {
            3 => Batch::One,
            _ => Batch::Any,
        };
        if batch == Batch::One {
            x.truncate(columns);
        }
        Question {
            name: name.clone(),
            model: model_bytes(emulator, What::Prediction, batch).expect("a prediction"),
            rows: x.len() / columns,
            x,
        }
    };
    emulators.iter().enumerate().map(question).collect()
}

/// Compares an engine's results with the f64 interpreter's; returns the errors.
fn compared(engine: &str, emulator: &Emulator, question: &Question, outputs: &Outputs) -> Errors {
    let errors = Errors::of(emulator, &question.x, outputs);
    let place = format!("{engine}, {}: {errors:?}", question.name);
    assert_eq!(errors.wrong_rows, 0, "{place}");
    let near = errors.mean <= ONNX_AGAINST_F64 && errors.std <= ONNX_AGAINST_F64;
    assert!(near, "{place}, above {ONNX_AGAINST_F64:.1e}");
    errors
}

/// Prints the errors, shown with `--nocapture`.
fn tell(engine: &str, errors: &[Errors]) {
    let largest = |of: fn(&Errors) -> f64| errors.iter().map(of).fold(0.0, f64::max);
    let (mean, std) = (largest(|errors| errors.mean), largest(|errors| errors.std));
    let count = errors.len();
    eprintln!(
        "{engine}, {count} emulators: largest error of a mean {mean:.1e}, of a std {std:.1e}"
    );
}

#[test]
fn rten_predicts_what_the_f64_interpreter_does() {
    let emulators = emulators();
    let questions = questions(&emulators);
    let pairs = emulators.par_iter().zip(&questions);
    let errors = pairs.map(|((_, emulator, _), question)| {
        compared("rten", emulator, question, &engines::rten(question))
    });
    tell("rten", &errors.collect::<Vec<_>>());
}

#[test]
fn the_checker_passes_every_model_and_two_engines_predict_what_the_f64_interpreter_does() {
    let Some(python) = Python::find() else {
        return skipped(engines::INSTALL);
    };
    let emulators = emulators();
    let questions = questions(&emulators);
    let answers = python.run(&questions);
    for (which, engine) in engines::IN_PYTHON.iter().enumerate() {
        let pairs = emulators.iter().zip(&questions).zip(&answers);
        let errors = pairs.map(|(((_, emulator, _), question), answers)| {
            compared(engine, emulator, question, &answers[which])
        });
        tell(engine, &errors.collect::<Vec<_>>());
    }
}

#[test]
fn the_comparison_sees_a_wrong_mean_a_wrong_deviation_and_a_wrong_guard() {
    let (_, emulator) = operations().pop().expect("there are operations");
    let question = &questions(&[("statistics".into(), emulator.clone(), Vec::new())])[0];
    let right = engines::rten(question);
    let wrong = |output: &str, change: fn(f32) -> f32| {
        let mut wrong = right.clone();
        let values = wrong.get_mut(output).expect("an output of that name");
        values[0] = change(values[0]);
        Errors::of(&emulator, &question.x, &wrong)
    };
    assert!(wrong("mean", |mean| mean * 1.001).mean > ONNX_AGAINST_F64);
    assert!(wrong("mean", |_| f32::NAN).mean > ONNX_AGAINST_F64);
    assert!(wrong("std", |std| std + 0.1).std > ONNX_AGAINST_F64);
    assert_eq!(wrong("in_domain", |inside| 1.0 - inside).wrong_rows, 1);
}

#[test]
fn rows_within_the_box_are_both_near_and_far_where_there_is_a_coverage() {
    let (_, emulator, rows) = emulators()
        .into_iter()
        .find(|(name, ..)| name == "coverage")
        .expect("an emulator of that name");
    let question = &questions(&[("coverage".into(), emulator.clone(), rows)])[0];
    let inside = |far: bool| {
        let rows = question.x.chunks_exact(emulator.input_count());
        let statuses = rows.map(|x| deployed_status(&emulator, x));
        let of = statuses.filter(|status| in_box(status) && status.far == far);
        of.count()
    };
    let (near, far) = (inside(false), inside(true));
    assert!(near >= 5 && far >= 5, "{near} near, {far} far");
}

#[test]
fn rows_within_the_box_both_overflow_and_do_not_where_exponentials_are_large() {
    for (name, emulator) in overflowing() {
        let rows = random_rows(&emulator, 10 * ROWS, &mut ChaCha8Rng::seed_from_u64(1));
        let question = &questions(&[(name.to_owned(), emulator.clone(), rows)])[0];
        let rows = question.x.chunks_exact(emulator.input_count());
        let statuses = rows.map(|x| deployed_status(&emulator, x));
        let within = statuses.filter(|status| status.outside == 0 && status.non_finite == 0);
        let (over, finite): (Vec<_>, Vec<_>) = within.partition(|status| status.overflow);
        let counts = (over.len(), finite.len());
        assert!(counts.0 >= 2 && counts.1 >= 2, "{name}: {counts:?}");
    }
}

#[test]
fn what_an_emulator_does_not_have_is_not_in_its_model() {
    for case in CASES.iter() {
        let mut parts = case.emulator.clone().into_parts();
        let local = std::mem::take(&mut parts.local);
        let without = Emulator::new(parts).expect("neither is needed");
        let operators = |emulator: &Emulator, what| {
            let bytes = model_bytes(emulator, what, Batch::Any).expect("a model");
            let graph = ModelProto::parse_from_bytes(&bytes).expect("a model").graph;
            let operators = graph.node.iter().map(|node| node.op_type.clone());
            operators.collect::<Vec<_>>()
        };
        let sums = |emulator| {
            let operators = operators(emulator, What::Prediction);
            operators.iter().filter(|name| *name == "ReduceSum").count()
        };
        let parts =
            usize::from(local.error_scale.is_some()) + usize::from(local.coverage.is_some());
        assert_eq!((sums(&without), sums(&case.emulator)), (0, parts), "{case}");
        let means = [&without, &case.emulator].map(|emulator| operators(emulator, What::Mean));
        assert_eq!(means[0], means[1], "{case}: the mean depends on neither");
    }
}

#[test]
fn the_mean_alone_and_a_member_alone_are_what_the_f64_interpreter_gives() {
    emulators().par_iter().for_each(|(name, emulator, rows)| {
        let columns = emulator.input_count();
        let inside: Vec<f32> = rows
            .chunks_exact(columns)
            .filter(|row| in_box(&deployed_status(emulator, row)))
            .filter(|row| !at_overflow(&interpret_f64(emulator, row)))
            .take(ROWS)
            .flatten()
            .copied()
            .collect();
        let last = emulator.members().len() - 1;
        for (what, output, meaning) in [
            (What::Mean, "mean", emulator.clone()),
            (What::Member(last), "member", alone(emulator, last)),
        ] {
            for batch in [Batch::One, Batch::Any] {
                let rows = match batch {
                    Batch::One => 1,
                    Batch::Any => inside.len() / columns,
                };
                let x = &inside[..rows * columns];
                let question = Question {
                    name: format!("{name}, {what:?}, {batch:?}"),
                    model: model_bytes(emulator, what, batch).expect("there is such a member"),
                    x: x.to_vec(),
                    rows,
                };
                let outputs = engines::rten(&question);
                assert_eq!(outputs.len(), 1, "{name}");
                let error = mean_error(&meaning, x, &outputs[output]);
                assert!(
                    error <= ONNX_AGAINST_F64,
                    "{name}, {what:?}, {batch:?}: {error:.1e}"
                );
            }
        }
    });
}

/// The largest error of these means.
fn mean_error(emulator: &Emulator, x: &[f32], y: &[f32]) -> f64 {
    let rows = x.chunks_exact(emulator.input_count());
    rows.zip(y.chunks_exact(emulator.output_count()))
        .map(|(x, y)| {
            let exact = interpret_f64(emulator, x).mean;
            error(emulator, &exact, &exact, y)
        })
        .fold(0.0, f64::max)
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
        let question = Question {
            name: case.to_string(),
            model: model_bytes(&emulator, What::Mean, Batch::One).expect("a mean"),
            x: case.rows[..emulator.input_count()].to_vec(),
            rows: 1,
        };
        let error = mean_error(&emulator, &question.x, &engines::rten(&question)["mean"]);
        assert!(error <= ONNX_AGAINST_F64, "{case}, {shape}: {error:.1e}");
        shapes.insert(matches!(shape, Shape::Image { channels: 2.., .. }));
    }
    assert_eq!(shapes.len(), 2, "sequences, and images of several channels");
}

#[test]
fn a_second_reader_finds_sizes_names_and_every_weight_once() {
    for (name, emulator, _) in emulators() {
        let bytes = model_bytes(&emulator, What::Prediction, Batch::Any).expect("a prediction");
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
        let outputs: Vec<_> = outputs.collect();
        let names = ["mean", "std", "in_domain"];
        assert_eq!(graph.output.len(), names.len(), "{name}");
        for (output, known) in graph.output.iter().zip(names) {
            assert_eq!(output.name, known, "{name}");
        }
        assert_eq!(sizes(&graph.output[0]), outputs);
        assert_eq!(sizes(&graph.output[1]), outputs);
        assert!(sizes(&graph.output[2]).is_empty(), "{name}");
        let property = |key: &str| {
            let mut entries = model.metadata_props.iter();
            let entry = entries.find(|entry| entry.key == key);
            entry
                .unwrap_or_else(|| panic!("{name}: no {key}"))
                .value
                .clone()
        };
        let read: Vec<InputVariable> = serde_json::from_str(&property("inputs")).expect("inputs");
        assert_eq!(read, emulator.inputs(), "{name}");
        let read: dense_codegen::emulator::Outputs =
            serde_json::from_str(&property("outputs")).expect("outputs");
        assert_eq!(&read, emulator.outputs(), "{name}");
        serde_json::from_str::<serde_json::Value>(&property("provenance")).expect("provenance");
        assert_eq!(property("emulator_sha256").len(), 64, "{name}");

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
fn operations_that_members_share_are_shared_nodes() {
    let (_, emulator) = operations().pop().expect("there are operations");
    assert_eq!(emulator.members().len(), 4);
    let bytes = model_bytes(&emulator, What::Prediction, Batch::Any).expect("a prediction");
    let model = ModelProto::parse_from_bytes(&bytes).expect("a model");
    let products = model
        .graph
        .node
        .iter()
        .filter(|node| node.op_type == "Gemm");
    assert_eq!(products.count(), 1 + 4, "a trunk, and four members' ends");
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

#[test]
fn the_command_writes_the_model_of_an_emulator_file_with_that_files_hash() {
    let folder = tempfile::tempdir().expect("a folder");
    let (run, path) = (
        folder.path().join("emulator.safetensors"),
        folder.path().join("model.onnx"),
    );
    let emulator = Network::Tiny.emulator();
    dense_codegen::file::save(&emulator, &run).expect("the folder is there");
    let told = export_run(&run, &path, What::Prediction, Batch::Any).expect("a prediction");
    assert_eq!(told.outputs, ["mean", "std", "in_domain"]);
    let bytes = std::fs::read(&path).expect("a file");
    assert_eq!(told.bytes, bytes.len() as u64);
    let model = ModelProto::parse_from_bytes(&bytes).expect("a model");
    let mut properties = model.metadata_props.iter();
    let stored = properties.find(|entry| entry.key == "emulator_sha256");
    let hash = Sha256::digest(std::fs::read(&run).expect("a file"));
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(stored.expect("a hash").value, hash);
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
