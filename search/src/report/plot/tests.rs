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
