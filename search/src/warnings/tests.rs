use super::*;
use crate::data::ReadOptions;
use crate::streams::{stream, uniform};

/// Rows of a table: inputs drawn in a cube, followed by their `outputs`.
fn table(
    rows: usize,
    inputs: usize,
    seed: u64,
    outputs: impl Fn(&[f64]) -> Vec<f64>,
) -> Vec<(Vec<f64>, Vec<f64>)> {
    let mut random = stream(seed, "warnings test");
    let mut draw = || {
        (0..inputs)
            .map(|_| uniform(&mut random))
            .collect::<Vec<_>>()
    };
    (0..rows)
        .map(|_| {
            let x = draw();
            let y = outputs(&x);
            (x, y)
        })
        .collect()
}

fn data(table: &[(Vec<f64>, Vec<f64>)]) -> Dataset {
    let names = |letter: &str, count: usize| (0..count).map(|k| format!("{letter}{k}")).collect();
    let options = ReadOptions {
        inputs: names("x", table[0].0.len()),
        outputs: names("y", table[0].1.len()),
        ..ReadOptions::default()
    };
    let mut text = [options.inputs.join(","), options.outputs.join(",")].join(",") + "\n";
    for (x, y) in table {
        let row: Vec<String> = x.iter().chain(y).map(ToString::to_string).collect();
        text += &(row.join(",") + "\n");
    }
    Dataset::from_csv_bytes(text.as_bytes(), "test.csv", &options).unwrap()
}

fn kinds(warnings: &[Warning]) -> Vec<Kind> {
    warnings.iter().map(|warning| warning.kind).collect()
}

/// Three inputs with influence, two outputs.
fn smooth(x: &[f64]) -> Vec<f64> {
    vec![
        (3.0 * x[0]).sin() + x[1] * x[1],
        (2.0 * x[1]).cos() * (1.0 + 0.3 * x[2]),
    ]
}

#[test]
fn clean_data_have_no_warning() {
    for seed in 0..5 {
        for rows in [60, 300] {
            let data = data(&table(rows, 3, seed, smooth));
            assert_eq!(of(&data), [], "{rows} rows, seed {seed}");
            let split = Split::resolve(&data, seed).unwrap();
            assert_eq!(of_split(&data, &split), [], "{rows} rows, seed {seed}");
        }
    }
}

#[test]
fn rows_that_repeat_or_contradict_others_are_named() {
    let mut rows = table(300, 3, 1, smooth);
    rows[200] = rows[7].clone();
    rows[290] = rows[7].clone();
    let found = of(&data(&rows));
    assert_eq!(kinds(&found), [Kind::RepeatedRows]);
    assert_eq!(found[0].rows, [200, 290]);
    assert!(
        found[0].text.contains("row 200 is row 7 again"),
        "{}",
        found[0]
    );

    rows[290].1[1] += 1e-3;
    rows[200] = rows[199].clone();
    let found = of(&data(&rows));
    assert_eq!(kinds(&found), [Kind::RepeatedRows, Kind::ContradictingRows]);
    assert_eq!(found[1].rows, [7, 290]);
    // Zeros of either sign are the same input.
    rows[290] = rows[0].clone();
    (rows[1], rows[1].0[0], rows[0].0[0]) = (rows[0].clone(), -0.0, 0.0);
    assert!(of(&data(&rows)).iter().any(|one| one.rows.contains(&1)));
}

#[test]
fn judged_rows_that_train_are_named() {
    let mut rows = table(300, 3, 2, smooth);
    for (copy, original) in [(290, 3), (291, 4), (250, 5), (6, 8)] {
        rows[copy] = rows[original].clone();
    }
    let parts = (0..300).map(|row| match row {
        280.. => Part::Test,
        240.. => Part::Validation,
        _ => Part::Train,
    });
    let found = of(&data(&rows).with_parts(parts.collect()));
    assert_eq!(kinds(&found), [Kind::RepeatedRows, Kind::LeakedRows]);
    assert_eq!(found[1].rows, [250, 290, 291]);
    assert!(
        found[1].text.starts_with("2 test and 1 validation rows"),
        "{}",
        found[1]
    );
}

#[test]
fn an_input_that_the_simulator_does_not_read_is_found() {
    let mut missed = 0;
    for seed in 0..10 {
        for (rows, inputs) in [(150, 4), (400, 5)] {
            let table = table(rows, inputs, seed, |x| {
                let curve = |k: usize| ((3.0 + 0.1 * k as f64) * x[0]).sin() + x[1] * x[2];
                (0..if inputs == 4 { 1 } else { 12 }).map(curve).collect()
            });
            let found = of(&data(&table));
            let named: Vec<&str> = found
                .iter()
                .flat_map(|one| &one.inputs)
                .map(String::as_str)
                .collect();
            let dead = ["x3", "x4"];
            assert!(
                named.iter().all(|name| dead.contains(name)),
                "{rows} rows, seed {seed}: {found:?}"
            );
            assert!(
                found.iter().all(|one| one.kind == Kind::NoInfluence),
                "{found:?}"
            );
            missed += inputs - 3 - named.len();
        }
    }
    // All thirty should be found, but the sign tests miss one in twenty, and the bound for few rows
    // some more.
    assert!(missed <= 6, "{missed} of 30 were missed");
}

#[test]
fn constant_outputs_say_nothing_about_inputs() {
    let found = of(&data(&table(200, 3, 1, |_| vec![2.0, 3.0])));
    assert_eq!(kinds(&found), [Kind::Refused]);
}

#[test]
fn an_input_that_matters_is_not_called_dead_however_it_does() {
    // The first input is weak, the second affects one output in twelve, the third only a product
    // with another input. The fourth acts on too fine a scale for any process, the fifth in few
    // rows.
    type Simulator = fn(&[f64]) -> Vec<f64>;
    let simulators: [Simulator; 5] = [
        |x| vec![(3.0 * x[0]).sin() + 1e-4 * x[1]],
        |x| {
            let mut y = vec![(3.0 * x[0]).sin(); 12];
            y[7] += 0.02 * x[1] * x[1];
            y
        },
        |x| vec![x[0] + 0.05 * (x[0] - 0.5) * (x[1] - 0.5)],
        |x| vec![x[0] + 0.3 * (900.0 * x[1]).sin()],
        |x| vec![x[0] + if x[1] > 0.8 { 0.4 } else { 0.0 }],
    ];
    for (number, simulator) in simulators.into_iter().enumerate() {
        for seed in 0..10 {
            let found = of(&data(&table(300, 2, seed, simulator)));
            assert_eq!(found, [], "simulator {number}, seed {seed}");
        }
    }
}

#[test]
fn inputs_that_fix_one_another_are_called_so_and_not_dead() {
    let mut rows = table(200, 4, 3, |_| Vec::new());
    for (x, y) in &mut rows {
        x[3] = 1.0 - x[0] - x[1] - x[2];
        *y = smooth(x);
    }
    let found = of(&data(&rows));
    assert_eq!(kinds(&found), [Kind::DependentInput, Kind::Holes]);
    assert_eq!(found[0].inputs, ["x0", "x1", "x2", "x3"]);
}

#[test]
fn an_input_that_is_constant_where_it_trains_is_named() {
    let mut rows = table(200, 4, 4, smooth);
    rows[..150].iter_mut().for_each(|(x, _)| x[3] = 0.5);
    let parts = (0..200).map(|row| if row < 150 { Part::Train } else { Part::Test });
    let found = of(&data(&rows).with_parts(parts.collect()));
    assert_eq!(kinds(&found), [Kind::ConstantInput]);
    assert_eq!(found[0].inputs, ["x3"]);
}

#[test]
fn too_few_rows_for_the_inputs_are_said() {
    let found = of(&data(&table(29, 3, 5, smooth)));
    assert_eq!(kinds(&found), [Kind::FewRows]);
    assert!(
        found[0].text.contains("29 training rows for 3 inputs"),
        "{}",
        found[0]
    );
    assert_eq!(of(&data(&table(30, 3, 5, smooth))), []);
}

#[test]
fn outputs_over_decades_are_said_with_the_transform_that_they_have() {
    let decades = |x: &[f64]| vec![(10.0 * x[0] + 3.0 * x[1]).exp() * (1.0 + x[2])];
    let found = of(&data(&table(300, 3, 6, decades)));
    assert_eq!(kinds(&found), [Kind::Decades]);
    assert!(found[0].text.contains("--transform log"), "{}", found[0]);

    let peaks = |x: &[f64]| vec![(40.0 * (x[0] * x[1] - 0.4) * x[2]).sinh()];
    let found = of(&data(&table(3000, 3, 6, peaks)));
    assert_eq!(kinds(&found), [Kind::Decades]);
    assert!(found[0].text.contains("--transform asinh"), "{}", found[0]);

    let scalars = |x: &[f64]| vec![x[0] + x[1] + x[2], decades(x)[0]];
    let found = of(&data(&table(300, 3, 6, scalars)));
    assert_eq!(kinds(&found), [Kind::Decades]);
    assert!(
        found[0].text.contains("output \"y1\" spans"),
        "{}",
        found[0]
    );

    // One output crosses zero, one is mostly off.
    let signed = |x: &[f64]| vec![x[0] - x[1], if x[2] > 0.7 { x[0] } else { 0.0 }];
    assert_eq!(of(&data(&table(300, 3, 6, signed))), []);
}

#[test]
fn fill_values_are_named_with_their_rows_and_not_taken_for_decades() {
    for (fill, rows) in [
        (-999.0, &[7, 80, 200][..]),
        (1e20, &[7, 80, 200]),
        (1e20, &[9]),
        (0.0, &[3, 4]),
    ] {
        let mut table = table(300, 3, 4, |x| smooth(x).iter().map(|y| 300.0 + y).collect());
        for &row in rows {
            table[row].1[1] = fill;
        }
        let data = data(&table);
        let found = of(&data);
        assert_eq!(kinds(&found), [Kind::FillValue], "{fill}: {found:?}");
        assert_eq!(found[0].rows, rows);
        let said = format!(
            "the value {:?} stands in {} of 300 rows",
            fill as f32,
            rows.len()
        );
        assert!(found[0].text.contains(&said), "{}", found[0]);
        assert!(found[0].text.contains("output \"y1\""), "{}", found[0]);
        let split = Split::resolve(&data, 0).unwrap();
        assert_eq!(
            crate::transform::choose(&data, &split),
            crate::data::Transform::None
        );
    }
    // Two fill values in one output, and one in an input.
    let mut both = table(300, 3, 4, smooth);
    (both[5].1[0], both[6].1[0], both[70].1[0]) = (-999.0, 1e20, -999.0);
    (both[8].0[2], both[9].0[2]) = (-99.0, -99.0);
    let found = of(&data(&both));
    let fills = found.iter().filter(|one| one.kind == Kind::FillValue);
    let rows: Vec<_> = fills.map(|one| one.rows.clone()).collect();
    assert_eq!(rows.len(), 3, "{found:?}");
    for expected in [&[5, 70][..], &[6], &[8, 9]] {
        assert!(rows.iter().any(|rows| rows == expected), "{rows:?}");
    }
}

#[test]
fn peaks_repeats_switches_and_saturation_are_no_fill_values() {
    let none = |table: &[(Vec<f64>, Vec<f64>)], what: &str| {
        let found = of(&data(table));
        assert!(
            !kinds(&found).contains(&Kind::FillValue),
            "{what}: {found:?}"
        );
    };
    for seed in 0..5 {
        let mut peaks = table(300, 2, seed, |x| vec![10f64.powf(12.0 * x[0] * x[1])]);
        none(&peaks, "decades");
        let largest = (0..300).max_by(|&a, &b| peaks[a].1[0].total_cmp(&peaks[b].1[0]));
        let mut repeated = peaks[largest.unwrap()].clone();
        repeated.1[0] *= 4.0;
        (peaks[0], peaks[1]) = (repeated.clone(), repeated);
        none(&peaks, "a peak that is run twice");
        let saturated = table(300, 2, seed, |x| vec![(x[0] + 0.3 * x[1]).min(0.9)]);
        none(&saturated, "saturation");
        let switch = table(300, 2, seed, |x| {
            vec![f64::from(u8::from(x[0] > 0.9)), x[1]]
        });
        none(&switch, "a switch");
        let grid = table(300, 2, seed, |x| vec![(5.0 * x[0]).floor() + x[1] * 1e-3]);
        none(&grid, "levels");
    }
}

#[test]
fn what_a_search_refuses_is_said_before_it() {
    let refused = |table: &[(Vec<f64>, Vec<f64>)]| -> String {
        let found = of(&data(table));
        assert_eq!(found[0].kind, Kind::Refused, "{found:?}");
        found[0].text.clone()
    };
    let few = refused(&table(10, 2, 1, smooth_of_two));
    assert!(
        few.contains("expected at least 8 training rows, got 6 of 10 rows"),
        "{few}"
    );
    let constant = refused(&table(100, 2, 1, |_| vec![7.5]));
    assert!(
        constant.contains("no output varies over the 70 training rows (y0 = 7.5)"),
        "{constant}"
    );
    assert_eq!(of(&data(&table(60, 2, 1, smooth_of_two))), []);
}

fn smooth_of_two(x: &[f64]) -> Vec<f64> {
    vec![(3.0 * x[0]).sin() + x[1] * x[1]]
}

/// The advice must work: a curve that would be rejected is not recommended.
#[test]
fn a_learning_curve_is_recommended_where_there_are_rows_for_it() {
    for (rows, inputs) in [(20, 3), (60, 7), (75, 8), (95, 10)] {
        let data = data(&table(rows, inputs, 1, |x| {
            vec![x.iter().sum::<f64>().sin()]
        }));
        let found = of(&data);
        let few = found.iter().find(|one| one.kind == Kind::FewRows);
        let is_recommended = few.unwrap().text.contains("--learning-curve");
        let works = crate::learning_curve::measure(&data).is_ok();
        assert_eq!(is_recommended, works, "{rows} rows, {inputs} inputs");
    }
}
