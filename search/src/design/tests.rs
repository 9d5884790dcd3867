use super::*;

const BOX: &str = r#"
[[parameter]]
name = "n_e_cm3"
unit = "cm^-3"
low = 5e17
high = 1.5e19
scale = "log"

[[parameter]]
name = "drift"
low = -3
high = 3

[[parameter]]
name = "share"
low = 0
high = 0.3
"#;

/// Returns each value as a fraction of its range, in the scale of the parameter.
fn shares(points: &[f64], parameters: &[Parameter]) -> Vec<f64> {
    let values = points.iter().zip(parameters.iter().cycle());
    values
        .map(|(value, parameter)| {
            let place = |value: f64| match parameter.scale {
                Scale::Linear | Scale::Integer => value,
                Scale::Log => value.ln(),
            };
            let (low, high) = (place(parameter.low), place(parameter.high));
            (place(*value) - low) / (high - low)
        })
        .collect()
}

#[test]
fn every_parameter_is_even_by_itself_in_both_methods() {
    let parameters = parameters::parse(BOX).unwrap();
    for method in [Method::Sobol, Method::LatinHypercube] {
        for seed in [0, 7] {
            let shares = shares(&design(&parameters, method, 256, seed), &parameters);
            for column in 0..3 {
                let mut parts: Vec<usize> = shares[column..]
                    .iter()
                    .step_by(3)
                    .map(|share| (share * 256.0 + 1e-9) as usize)
                    .collect();
                parts.sort_unstable();
                assert_eq!(parts, (0..256).collect::<Vec<_>>(), "{method:?} {column}");
            }
        }
    }
}

/// A scrambled net in two dimensions: every box of 16 x 16, 4 x 64 or 64 x 4 parts contains one of
/// 256 points.
#[test]
fn sobol_points_are_even_in_the_first_pair_of_parameters() {
    let parameters = parameters::parse(BOX).unwrap();
    let shares = shares(&design(&parameters, Method::Sobol, 256, 3), &parameters);
    for (across, down) in [(16, 16), (4, 64), (64, 4)] {
        let mut boxes: Vec<usize> = shares
            .chunks(3)
            .map(|point| {
                let part = |share: f64, parts: usize| (share * parts as f64 + 1e-9) as usize;
                part(point[0], across) * down + part(point[1], down)
            })
            .collect();
        boxes.sort_unstable();
        boxes.dedup();
        assert_eq!(boxes.len(), 256, "{across} x {down}");
    }
}

#[test]
fn whole_numbers_are_equally_likely_and_written_as_such() {
    let text = "[[parameter]]\nname = \"n\"\nlow = -3\nhigh = 4\nscale = \"integer\"\n";
    let parameters = parameters::parse(text).unwrap();
    for method in [Method::Sobol, Method::LatinHypercube] {
        let points = design(&parameters, method, 64, 1);
        let mut counts = [0; 8];
        for &value in &points {
            assert_eq!(value.fract(), 0.0);
            counts[(value + 3.0) as usize] += 1;
        }
        assert_eq!(counts, [8; 8], "{method:?}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("design.csv");
        write(&path, &parameters, &points).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines: Vec<_> = text.lines().skip(1).collect();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines, ["-1", "-2", "-3", "0", "1", "2", "3", "4"]);
    }
}

#[test]
fn a_longer_sobol_design_begins_with_the_shorter_and_another_seed_is_another_design() {
    let parameters = parameters::parse(BOX).unwrap();
    let long = design(&parameters, Method::Sobol, SEQUENCE + 100, 5);
    let short = design(&parameters, Method::Sobol, 777, 5);
    assert_eq!(long[..short.len()], short);
    assert_ne!(long[3 * SEQUENCE..], long[..300]);
    assert_ne!(design(&parameters, Method::Sobol, 777, 6), short);
    let hypercube = |seed| design(&parameters, Method::LatinHypercube, 50, seed);
    assert_eq!(hypercube(5), hypercube(5));
    assert_ne!(hypercube(5), hypercube(6));
}

#[test]
fn a_written_design_is_read_back_to_the_last_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("design.csv");
    let parameters = parameters::parse(BOX).unwrap();
    let points = design(&parameters, Method::LatinHypercube, 20, 1);
    write(&path, &parameters, &points).unwrap();
    let mut csv = ::csv::Reader::from_path(&path).unwrap();
    assert_eq!(csv.headers().unwrap(), vec!["n_e_cm3", "drift", "share"]);
    let numbers = csv.records().flat_map(|record| {
        let record = record.unwrap();
        let cells: Vec<f64> = record.iter().map(|cell| cell.parse().unwrap()).collect();
        cells
    });
    assert_eq!(numbers.collect::<Vec<_>>(), points);
}

#[test]
fn unsound_parameters_are_refused_in_words() {
    let one = |lines: &str| format!("[[parameter]]\n{lines}\n");
    let many: String = (0..65)
        .map(|index| one(&format!("name = \"p{index}\"\nlow = 0\nhigh = 1")))
        .collect();
    let table = [
        (String::new(), "no [[parameter]]"),
        (many, "1 to 64 inputs, got 65 parameters"),
        (
            one("name = \"a\"\nlow = 2\nhigh = 2"),
            "\"a\": low and high, 2.0 and 2.0: expected low < high",
        ),
        (
            one("name = \"a\"\nlow = nan\nhigh = 2"),
            "expected low < high",
        ),
        (one("name = \"a\"\nlow = 0\nhigh = 1e31"), "at most 1e30"),
        (
            one("name = \"a\"\nlow = 0\nhigh = 2\nscale = \"log\""),
            "needs low above 1.2e-38; raise it",
        ),
        (
            one("name = \"a\"\nlow = 0.5\nhigh = 2\nscale = \"integer\""),
            "needs whole limits of at most 2^53, got 0.5 and 2.0",
        ),
        (
            one("name = \"a\"\nlow = 0\nhigh = 2\nscale = \"cubic\""),
            "cubic",
        ),
        (one("name = \"a\"\nlow = 0\nhigh = 2\nstep = 1"), "step"),
        (one("name = \"a\"\nlow = 0"), "high"),
        (
            one("name = \" \"\nlow = 0\nhigh = 1"),
            "parameter 1 has no name",
        ),
        (
            one("name = \"a\"\nlow = 1e9\nhigh = 1000000001.0"),
            "too narrow beside its magnitude",
        ),
        (
            one("name = \"output\"\nlow = 0\nhigh = 1"),
            "no parameter can be called \"output\"",
        ),
        (
            one("name = \"a\"\nlow = 0\nhigh = 1").repeat(2),
            "two parameters are called \"a\"",
        ),
    ];
    for (text, expected) in table {
        let error = parameters::parse(&text).unwrap_err().chain();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}
