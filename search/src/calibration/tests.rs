use super::*;
use crate::data::Split;
use crate::data::{ReadOptions, Transform};
use crate::metrics::evaluate;
use crate::streams::uniform;
use crate::unseen::Evidence;
use dense_codegen::emulator::{EmulatorParts, InputVariable, Layout, Outputs};
use dense_codegen::graph::{self, Dense, Graph, Inverse, Operation, Shape};

/// Approximately standard normal: the sum of twelve uniform draws.
fn normal(random: &mut impl FnMut() -> f64) -> f64 {
    (0..12).map(|_| random()).sum::<f64>() - 6.0
}

/// Inputs, and the logarithms of squared errors that scatter about `trend`.
fn group(rows: usize, seed: u64, trend: impl Fn(&[f32]) -> f64) -> (Vec<f32>, Vec<f64>) {
    let mut stream = stream(seed, "trend test");
    let mut random = || uniform(&mut stream);
    let x: Vec<f32> = (0..2 * rows)
        .map(|_| (3.4 * random() - 1.7) as f32)
        .collect();
    let logarithms = x.chunks_exact(2).map(|x| trend(x) + normal(&mut random));
    let logarithms = logarithms.collect();
    (x, logarithms)
}

#[test]
fn a_trend_of_the_errors_is_found_again_whatever_the_offsets() {
    let truth = |x: &[f32]| f64::from(1.2 * x[0] - 0.8 * x[1] * x[1]);
    let groups = [group(200, 1, truth), group(200, 2, |x| truth(x) - 5.0)];
    let trend = Trend::find(&groups, 2).expect("the trend is far above the scatter");
    // The trend of standard deviations is half that of variances.
    for (found, expected) in [
        (trend.linear[0], 0.6),
        (trend.linear[1], 0.0),
        (trend.square[0], 0.0),
        (trend.square[1], -0.4),
    ] {
        assert!((found - expected).abs() < 0.12, "{found}, not {expected}");
    }
    assert!(trend.limits[0] < 0.0 && trend.limits[1] > 0.0);
    assert_eq!(trend.of_rows.len(), 200);
}

#[test]
fn rows_that_trained_show_a_trend_unless_the_others_contradict_it() {
    let truth = |x: &[f32]| f64::from(0.35 * x[0]);
    let found = |trained: f64| {
        let others = [40, 41].map(|seed| group(60, seed, truth));
        let trained = group(1500, 42, |x| trained * truth(x) - 3.0);
        let [few, more] = others.clone();
        let without = Trend::find(&others, 2).map(|trend| trend.linear);
        let with = Trend::better(&[few, more, trained], 2).map(|trend| trend.linear);
        (without, with)
    };
    let (without, with) = found(1.0);
    assert_eq!(without, None, "120 rows are too few for so little");
    let with = with.expect("with 1,500 more it is seen");
    assert!(
        (with[0] - 0.175).abs() < 0.05 && with[1].abs() < 0.05,
        "{with:?}"
    );
    let (without, with) = found(-1.0);
    assert_eq!(with, without);
}

#[test]
fn scatter_and_few_rows_have_no_trend() {
    let found = (0..40).filter(|&seed| {
        let groups = [group(60, seed, |_| 0.0), group(60, seed + 100, |_| 1.0)];
        Trend::find(&groups, 2).is_some()
    });
    assert_eq!(found.count(), 0);
    let few = [
        group(15, 1, |x| f64::from(3.0 * x[0])),
        group(15, 2, |x| f64::from(3.0 * x[0])),
    ];
    assert!(Trend::find(&few, 2).is_none());
}

/// An emulator that predicts zero everywhere, for one input and one output of this unit.
fn zero(unit: f32) -> Emulator {
    line(0.0, None, unit)
}

/// An emulator with one output of this unit that predicts a multiple of its one input, or a
/// function of it.
fn line(weight: f32, function: Option<Inverse>, unit: f32) -> Emulator {
    let mut graph = Graph::new(1);
    let weight = graph.parameter("weight", &[1, 1], vec![weight]);
    let bias = graph.parameter("bias", &[1], vec![0.0]);
    let dense = Dense {
        weight: weight.unwrap(),
        bias: bias.unwrap(),
        output: Shape::Vector(1),
    };
    let mut member = graph
        .push(Operation::Dense(dense), &[Graph::INPUT])
        .unwrap();
    if let Some(function) = function {
        let transform = Operation::Transform(graph::Transform { function });
        member = graph.push(transform, &[member]).unwrap();
    }
    Emulator::new(EmulatorParts {
        members: vec![member],
        graph,
        calibration: Calibration {
            gain: 1.0,
            unit: vec![unit],
            floor: vec![0.0],
            slope: None,
        },
        local: Local::default(),
        inputs: vec![InputVariable {
            name: "a".into(),
            low: -1.0,
            high: 1.0,
            logarithmic: false,
        }],
        outputs: Outputs {
            layout: Layout::Scalars,
            shape: vec![1],
            names: Vec::new(),
            axes: Vec::new(),
            relative: None,
        },
        provenance: Default::default(),
    })
    .unwrap()
}

/// Rows of one input and one output, as text.
fn table(rows: usize, row: impl FnMut(usize) -> String) -> Dataset {
    let text = "a,y\n".to_owned() + &(0..rows).map(row).collect::<String>();
    let options = ReadOptions {
        inputs: vec!["a".into()],
        outputs: vec!["y".into()],
        ..ReadOptions::default()
    };
    Dataset::from_csv_bytes(text.as_bytes(), "test.csv", &options).unwrap()
}

/// Splits the rows into thirds: training, selection and calibration.
fn thirds(data: &Dataset) -> Split {
    let every_third = |first: usize| (first..data.rows()).step_by(3).collect::<Vec<_>>();
    Split {
        train: every_third(0),
        validation: [every_third(1), every_third(2)].concat(),
        test: Vec::new(),
        selection: every_third(1),
        calibration: every_third(2),
        notes: Vec::new(),
    }
}

/// The stated standard deviation is 20, that of the errors, for every unit of the emulator.
#[test]
fn the_standard_deviation_is_that_of_the_errors() {
    let mut stream = stream(3, "calibration test");
    let mut random = || uniform(&mut stream);
    let row = |_| {
        let x = 2.0 * random() - 1.0;
        format!("{x},{}\n", 20.0 * normal(&mut random))
    };
    let data = table(6000, row);
    let split = thirds(&data);
    let normalisation = Normalisation::fit(&data, &split.train);
    for unit in [1.0, 8.0] {
        let (calibration, error_scale) = calibrated(
            &zero(unit),
            &data,
            &normalisation,
            Evidence::HeldOut(&split),
        );
        assert!(error_scale.is_none());
        assert_eq!(calibration.unit, [unit]);
        let std = unit * calibration.floor[0].sqrt();
        // The 90 % point of 2,000 errors scatters by 3 % about that of the normal distribution.
        assert!((std / 20.0 - 1.0).abs() < 0.08, "{std}");
    }
}

/// Errors have a standard deviation of 0.1 in the logarithm, over ten decades, or in asinh, with
/// outputs of both signs. The band must hold 90 % of values of every size, and its width is
/// constant only for untransformed outputs.
#[test]
fn errors_of_the_learnt_coordinate_have_a_band_that_is_right_for_values_of_every_size() {
    let mut stream = stream(5, "band test");
    let mut random = || uniform(&mut stream);
    for transform in [Transform::Log, Transform::Asinh] {
        let mut row = |_| {
            let place = 2.0 * random() - 1.0;
            // The unit of asinh(y / unit) is the median size: sinh(7.05 / 8) = 1 here.
            let (coordinate, of) = match transform {
                Transform::Asinh => (7.05 * place.powi(3), f64::sinh as fn(f64) -> f64),
                _ => (12.0 * place, f64::exp as fn(f64) -> f64),
            };
            format!(
                "{coordinate},{}\n",
                of(coordinate + 0.1 * normal(&mut random))
            )
        };
        let [data, fresh] = [(); 2].map(|()| table(6000, &mut row));
        let split = thirds(&data);
        let normalisation = Normalisation::fit_transformed(&data, &split.train, transform);
        let unit = 1024.0;
        let emulator = line(1.0, transform.inverse(), unit);
        let (calibration, error_scale) =
            calibrated(&emulator, &data, &normalisation, Evidence::HeldOut(&split));
        assert!(error_scale.is_none(), "errors are the same everywhere");
        let slope = calibration.slope.as_ref().unwrap()[0];
        let of_small = unit * calibration.floor[0].sqrt();
        let expected = match transform {
            Transform::Asinh => 0.1 * normalisation.unit()[0],
            _ => 0.0,
        };
        assert!(
            (slope / 0.1 - 1.0).abs() < 0.12,
            "{transform:?}: slope {slope}"
        );
        assert!(
            (f64::from(of_small) - expected).abs() <= 0.12 * expected,
            "{transform:?}: {of_small}"
        );
        let mut parts = emulator.into_parts();
        parts.calibration = calibration;
        let emulator = Emulator::new(parts).unwrap();
        let rows: Vec<usize> = (0..fresh.rows()).collect();
        let judged = evaluate(&emulator, &fresh, &rows, normalisation.output_scale(), 1);
        // With 1,200 values in each fifth, a share of 0.9 scatters by 0.009; 2,000 rows calibrated.
        for share in judged.coverage_90_by_size.unwrap() {
            assert!(
                (share - 0.9).abs() < 0.04,
                "{transform:?}: {:?}",
                judged.coverage_90_by_size
            );
        }
    }
}
