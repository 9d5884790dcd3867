use super::*;

#[test]
fn numbers_that_are_none_leave_no_trace_in_a_picture() {
    let axis = || Axis::new(Scale::around([0.0, 1.0]), "something (unit)");
    let mut plot = Plot::new(axis(), axis());
    plot.line(
        "a",
        [
            (0.0, 0.0),
            (0.5, f64::NAN),
            (1.0, f64::INFINITY),
            (1.0, 1e300),
        ],
    );
    let svg = plot.svg("a <title>");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    assert!(svg.contains("a &lt;title&gt;"));
}

#[test]
fn numbers_below_a_crowded_axis_do_not_meet() {
    let x = Axis::new(Scale::between(28_000.0, 88_000.0, true), "work (1)");
    let y = Axis::new(Scale::around([0.0, 1.0]), "something (unit)");
    let ticks = x.scale.ticks().len();
    let svg = Plot::new(x, y).svg("work");
    let numbers: Vec<(f64, usize)> = svg
        .split("<text class=\"tick\" x=\"")
        .filter_map(|text| {
            let (place, rest) = text.split_once("</text>")?.0.split_once('"')?;
            let number = rest.split_once("middle\">")?.1;
            Some((place.parse().ok()?, number.chars().count()))
        })
        .collect();
    assert!((2..ticks).contains(&numbers.len()), "{numbers:?}");
    for pair in numbers.windows(2) {
        let width = HALF_LETTER * (pair[0].1 + pair[1].1) as f64;
        assert!(pair[1].0 - pair[0].0 > width, "{numbers:?}");
    }
}

#[test]
fn long_names_keep_their_beginning_and_their_end() {
    assert_eq!(shortened("T_final_K", 20), "T_final_K");
    let short = shortened("mean_weight_final_kg_kmol", 20);
    assert_eq!(short, "mean_weigh…l_kg_kmol");
    assert_eq!(short.chars().count(), 20);
}
