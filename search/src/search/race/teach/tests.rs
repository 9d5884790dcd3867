use super::*;
use crate::components::Components;
use crate::data::testing::{NpzFile, doubles};
use crate::data::{Dataset, Normalisation, ReadOptions, Split, Transform};
use crate::events::Event;
use crate::kept_teacher::Teacher as Kept;
use crate::run_folder::RunFolder;
use crate::search::SearchSettings;
use crate::search::race::Plan;
use crate::search::time_spent::Clock;
use crate::streams::{stream, uniform};
use candle_core::Device;
use dense_codegen::emulator::Relative;
use std::sync::Arc;

const ROWS: usize = 60;
const CHANNELS: usize = 2;

/// Three inputs, of which the first is logarithmic, and two channels of curves, of which the last
/// value is constant, with noise of this size. Outputs are positive.
fn data(points: usize, noise: f64) -> Dataset {
    let mut random = stream(23, "data of a teacher");
    let mut draw = || uniform(&mut random);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for _ in 0..ROWS {
        let (a, b, c) = (draw(), draw(), draw());
        x.extend([10f64.powf(3.0 * a), b, 5.0 * c - 2.0]);
        for k in 0..CHANNELS * points {
            let place = (k / points) as f64 + (k % points) as f64 / points as f64;
            let wave = (3.0 * a + place).sin() * b + (place * c).exp();
            y.push((wave + noise * (draw() - 0.5)).exp());
        }
        if let Some(last) = y.last_mut() {
            *last = 0.1;
        }
    }
    let file = NpzFile::new()
        .with("x", "<f8", &[ROWS, 3], doubles(&x))
        .with("y", "<f8", &[ROWS, CHANNELS, points], doubles(&y))
        .with("x_log", "|b1", &[3], vec![1, 0, 0]);
    Dataset::from_npz_bytes(&file.bytes(), "teacher.npz", &ReadOptions::default()).unwrap()
}

/// Holds a race with this effort on processes, and compares what is kept of its teacher with it.
/// Returns the number of models that are kept.
fn compare(data: &Dataset, transform: Transform, has_components: bool, seconds: f64) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(&folder.path().join("run"), &|_: Event| {}).unwrap();
    let mut settings = SearchSettings::default();
    settings.budget.macs = Some(15_000);
    settings.extent = Extent::Plan(Plan {
        process_seconds: seconds,
        rounds: vec![20, 60],
        last: 100,
        ..Plan::default()
    });
    let split = Split::divide(data, 0, settings.division()).unwrap();
    let normalisation = Normalisation::fit_transformed(data, &split.train, transform);
    let y = normalisation.encode_y(data, &split.train);
    let components = Components::of(&y, data.output_count()).map(Arc::new);
    let components = components.filter(|_| has_components);
    let learnt = Learnt {
        data,
        normalisation: &normalisation,
        components: components.as_deref(),
    };
    let run = Run {
        data,
        split,
        settings: &settings,
        device: Device::Cpu,
        folder: &folder,
        observer: &|_: Event| {},
        began: Instant::now(),
        clock: Clock::new(settings.threads),
    };
    let contenders = settings.contenders(data, transform, components.as_ref());
    let entrants = contenders.unwrap().into_iter().map(Entrant::new);
    let mut entrants: Vec<Entrant> = entrants.collect();
    let rounds = run.rounds(settings.choices, learnt);
    let (_, processes) = run.hold_rounds(&rounds, &mut entrants).unwrap();
    let teacher = run.teacher(&rounds, &entrants, processes.as_ref());
    let teacher = teacher.unwrap().unwrap();
    let parts = run.kept(&teacher, &rounds).unwrap();
    let bytes = parts.to_bytes(MOST_BYTES).unwrap().unwrap();
    assert!(parts.to_bytes(MOST_BYTES).unwrap().unwrap() == bytes);
    assert_eq!(parts.to_bytes(bytes.len() / 2).unwrap(), None);
    let kept = Kept::from_bytes(&bytes).unwrap();
    assert_eq!(kept.error(), teacher.error);
    assert_eq!(kept.expected_error(), teacher.expected);
    assert_eq!(
        (kept.input_count(), kept.output_count()),
        (3, data.output_count())
    );

    let x = fresh_inputs(learnt, 5, 300);
    let said = run.answers(&teacher, &x, &rounds).unwrap();
    assert!(
        kept.targets(&x).unwrap() == said,
        "the answers have other bits"
    );

    // In the units of the data, in batches: rows of the data five times over.
    let all: Vec<usize> = (0..5 * ROWS).map(|k| k % ROWS).collect();
    let x: Vec<f32> = all
        .iter()
        .flat_map(|&row| data.x_row(row).iter().map(|&x| x as f32))
        .collect();
    let found = kept.predict(&x).unwrap();
    let said = run.answers(&teacher, &learnt.x(&all), &rounds).unwrap();
    let outputs = data.output_count();
    let rows = said.chunks_exact(learnt.count());
    for (row, (said, found)) in rows.zip(found.mean.chunks_exact(outputs)).enumerate() {
        let mut expected = learnt.outputs(said);
        expected[outputs - 1] = normalisation.output_offset()[outputs - 1];
        if let Some(Relative { offset, scale }) = data.relative() {
            for (y, (offset, scale)) in expected.iter_mut().zip(offset.iter().zip(scale)) {
                *y = offset + scale * *y;
            }
        }
        assert_eq!(found, expected, "row {row}");
    }

    // The errors that were judged, in training deviations.
    let judged = run.rows_at(&rounds.judged);
    let (mut square, mut all) = (0.0, 0.0);
    for (said, &row) in teacher.said.chunks_exact(learnt.count()).zip(&judged) {
        let mut z = match &components {
            None => said.to_vec(),
            Some(components) => components.expanded(said),
        };
        let truth = match &components {
            None => learnt.y(&[row]),
            Some(components) => components.expanded(&learnt.y(&[row])),
        };
        all += mean_square(&z, &truth) / judged.len() as f64;
        // The constant is known, whatever the models say.
        z[outputs - 1] = truth[outputs - 1];
        square += mean_square(&z, &truth) / judged.len() as f64;
    }
    let (learnt_scale, row) = (normalisation.learnt().1, &found.mean[..outputs]);
    let z = found.std[..outputs].iter().enumerate().map(|(k, std)| {
        let slope = match transform {
            Transform::None => data.relative().map_or(1.0, |relative| relative.scale[k]),
            Transform::Log => row[k],
            Transform::Asinh => row[k].hypot(normalisation.unit()[k]),
        };
        std / (slope * learnt_scale[k])
    });
    let stated = z.map(|z| z.powi(2)).sum::<f64>() / outputs as f64;
    assert!(
        (stated / square - 1.0).abs() < 1e-3,
        "{stated:e}, not {square:e}"
    );
    assert_eq!(found.std[outputs - 1], 0.0);
    assert!((all / teacher.error - 1.0).abs() < 0.01, "{all:e}");
    parts.models.len()
}

#[test]
fn a_teacher_that_is_kept_answers_with_the_bits_of_the_race() {
    // Noise makes networks and processes alike: each has a weight.
    let models = compare(&data(2, 2.0), Transform::None, false, 0.2);
    assert!(models > 1, "{models}");
    compare(&data(2, 0.0), Transform::Log, false, 0.2);
    compare(&data(15, 0.1), Transform::Asinh, false, 0.2);
    let relative = Relative {
        offset: vec![0.5, -20.0, 0.0, 0.1],
        scale: vec![1.0, 0.25, 1e3, 1.0],
    };
    let data_of = data(2, 0.0);
    let data_of = data_of.relative_to(Some(&relative));
    let models = compare(&data_of, Transform::None, false, 0.2);
    assert!(models > 0);
    compare(&data(15, 0.0), Transform::None, false, 0.0);
}

#[test]
fn a_teacher_of_components_that_is_kept_answers_with_the_bits_of_the_race() {
    compare(&data(40, 1.0), Transform::None, true, 0.2);
    compare(&data(40, 0.0), Transform::Log, true, 0.2);
    compare(&data(40, 0.0), Transform::None, true, 0.0);
}
