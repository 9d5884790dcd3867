use super::*;
use crate::data::ReadOptions;
use dense_codegen::emulator::InputVariable;

/// Rows of three inputs drawn in a cube, those that `keep` says.
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

/// The share of rows that are called far, by the reference's own words.
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
        // New inputs of the same design: one in 200, and the scatter of 2000 draws.
        let own = far(&holes, &data(2000, 2, design));
        assert!(own < 0.02, "{number}: {own}");
        // Inputs of the whole box, of which those beyond the reach are far.
        let box_share = far(&holes, &data(2000, 3, |_| true));
        assert!(
            (box_share - holes.flagged).abs() < 0.05,
            "{number}: {box_share}, {}",
            holes.flagged
        );
    }
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
