use super::*;
use crate::data::ReadOptions;
use dense_codegen::emulator::InputVariable;

/// Rows of three inputs drawn in a cube, filtered by `keep`.
fn data(rows: usize, seed: u64, keep: fn(&[f64]) -> bool) -> Dataset {
    let mut random = stream(seed, "holes test");
    let mut text = "a,b,c,y\n".to_owned();
    let mut count = 0;
    while count < rows {
        let x: Vec<f64> = (0..3).map(|_| uniform(&mut random)).collect();
        if keep(&x) {
            text += &format!("{},{},{},{}\n", x[0], x[1], x[2], x[0]);
            count += 1;
        }
    }
    let options = ReadOptions {
        inputs: ["a", "b", "c"].map(str::to_owned).to_vec(),
        outputs: vec!["y".into()],
        ..ReadOptions::default()
    };
    Dataset::from_csv_bytes(text.as_bytes(), "test.csv", &options).unwrap()
}

fn all(data: &Dataset) -> Option<Holes> {
    find(data, &(0..data.rows()).collect::<Vec<_>>())
}

/// The share of rows that the reference implementation reports as far.
fn far(holes: &Holes, data: &Dataset) -> f64 {
    let inputs: Vec<InputVariable> = data
        .inputs()
        .iter()
        .map(|input| InputVariable {
            name: input.name.clone(),
            low: input.low,
            high: input.high,
            logarithmic: input.logarithmic,
        })
        .collect();
    let is_far = |row: &usize| {
        let x: Vec<f32> = data.x_row(*row).iter().map(|&x| x as f32).collect();
        holes.coverage.is_far_in_f64(&inputs, &x)
    };
    (0..data.rows()).filter(is_far).count() as f64 / data.rows() as f64
}

#[test]
fn a_box_that_is_filled_has_no_holes_however_many_the_rows() {
    for rows in [30, 60, 300, 2500] {
        for seed in 0..5 {
            assert_eq!(
                all(&data(rows, seed, |_| true)),
                None,
                "{rows} rows, seed {seed}"
            );
        }
    }
}

#[test]
fn a_constrained_design_calls_its_hole_far_and_its_own_inputs_near() {
    let designs: [fn(&[f64]) -> bool; 3] = [
        |x| x[0] + x[1] < 1.0,
        |x| (x[0] - x[1]).abs() < 0.1,
        |x| x[0] < 0.4 || x[1] > 0.6,
    ];
    for (number, design) in designs.into_iter().enumerate() {
        let holes = all(&data(800, 1, design)).expect("a part of the box is empty");
        assert!(holes.flagged > 0.8 * holes.empty, "{number}: {holes:?}");
        // New inputs of the same design: one in 200 is far, up to the scatter of 2000 draws.
        let own = far(&holes, &data(2000, 2, design));
        assert!(own < 0.012, "{number}: {own}");
        // Inputs of the whole box: those beyond the reach are far.
        let box_share = far(&holes, &data(2000, 3, |_| true));
        assert!(
            (box_share - holes.flagged).abs() < 0.05,
            "{number}: {box_share}, {}",
            holes.flagged
        );
    }
}

/// Training rows with these inputs, given as columns.
fn of_columns(columns: &[Vec<f64>]) -> Dataset {
    let names: Vec<String> = (0..columns.len()).map(|j| format!("x{j}")).collect();
    let mut text = names.join(",") + ",y\n";
    for row in 0..columns[0].len() {
        let cells: Vec<String> = columns
            .iter()
            .map(|column| column[row].to_string())
            .collect();
        text += &format!("{},{row}\n", cells.join(","));
    }
    let options = ReadOptions {
        inputs: names,
        outputs: vec!["y".into()],
        ..ReadOptions::default()
    };
    Dataset::from_csv_bytes(text.as_bytes(), "test.csv", &options).unwrap()
}

/// A full factorial design of the inputs, with each combination repeated `times` times.
fn factorial(levels: usize, inputs: u32, times: usize) -> Vec<Vec<f64>> {
    let count = levels.pow(inputs);
    let level = |row: usize, input: u32| (row / levels.pow(input) % levels) as f64;
    let column = |input| (0..count * times).map(move |row| level(row % count, input));
    (0..inputs).map(|input| column(input).collect()).collect()
}

/// No training row is far, in the control loop's arithmetic as in the reference's.
fn assert_all_near(design: &str, columns: &[Vec<f64>]) {
    let data = of_columns(columns);
    let Some(holes) = all(&data) else {
        return;
    };
    assert_eq!(far(&holes, &data), 0.0, "{design}: {holes:?}");
    // A distance equal to the radius is rounded in single precision.
    let mut smaller = holes.clone();
    smaller.coverage.square_radius *= 1.0 - 2e-4;
    assert_eq!(far(&smaller, &data), 0.0, "{design}, by a hair");
}

#[test]
fn no_training_row_is_far_whatever_the_design() {
    let seed = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    println!("seed {seed}");
    let mut random = stream(seed, "designs");
    for inputs in 1..=6 {
        for rows in [40, 60, 200, 2300] {
            let mut column = || (0..rows).map(|_| uniform(&mut random)).collect();
            let columns: Vec<Vec<f64>> = (0..inputs).map(|_| column()).collect();
            assert_all_near("uniform", &columns);
            // A few rows far from the rest, as from a second study.
            let mut outlying = columns.clone();
            for column in &mut outlying {
                let far = 5.0 + column[3];
                column[..3].fill(far);
            }
            assert_all_near("with outliers", &outlying);
            let cubed = columns
                .iter()
                .map(|column| column.iter().map(|x| x.powi(9)).collect());
            assert_all_near("crowded", &cubed.collect::<Vec<_>>());
            let of_first = |j: usize| columns[0].iter().map(move |x| x * (j + 1) as f64);
            let line: Vec<Vec<f64>> = (0..inputs).map(|j| of_first(j).collect()).collect();
            assert_all_near("collinear", &line);
        }
    }
    for (levels, inputs, times) in [(5, 2, 8), (2, 6, 4), (3, 4, 2), (40, 1, 3), (7, 3, 1)] {
        assert_all_near("factorial", &factorial(levels, inputs, times));
    }
}

#[test]
fn repeated_points_leave_no_more_of_the_box_empty_than_once() {
    // A two-factor study with eight repeats, and a grid that fills its box.
    for (levels, inputs, times) in [(6, 2, 8), (20, 2, 5)] {
        let data = of_columns(&factorial(levels, inputs, times));
        assert_eq!(all(&data), None, "{levels} levels");
    }
}

#[test]
fn of_few_rows_one_new_row_in_a_hundred_is_far() {
    let triangle: fn(&[f64]) -> bool = |x| x[0] + x[1] < 0.7;
    let (mut count, mut sum) = (0, 0.0);
    for seed in 0..60 {
        if let Some(holes) = all(&data(80, seed, triangle)) {
            count += 1;
            sum += far(&holes, &data(1000, seed + 100, triangle));
        }
    }
    assert!(count >= 30, "{count} designs");
    assert!(sum / f64::from(count) <= 0.01, "{}", sum / f64::from(count));
}

#[test]
fn inputs_on_a_line_are_near_there_alone() {
    let mut random = stream(4, "holes test");
    let mut text = "a,b,y\n".to_owned();
    for _ in 0..200 {
        let a = uniform(&mut random);
        text += &format!("{a},{},{a}\n", 2.0 * a);
    }
    let options = ReadOptions {
        inputs: ["a", "b"].map(str::to_owned).to_vec(),
        outputs: vec!["y".into()],
        ..ReadOptions::default()
    };
    let data = Dataset::from_csv_bytes(text.as_bytes(), "test.csv", &options).unwrap();
    let holes = all(&data).unwrap();
    assert!(holes.flagged > 0.9, "{holes:?}");
    assert!(far(&holes, &data) < 0.02);
}
