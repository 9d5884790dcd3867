use super::*;

fn scales() -> [Scale; 4] {
    [
        Scale::around([-3.0, 5.0]),
        Scale::around([7.0]),
        Scale::decades([2e-9, 3e4, -1.0, 0.0]),
        Scale::decades([0.2, 0.21]),
    ]
}

#[test]
fn a_scale_takes_its_places_back_to_their_numbers() {
    for scale in scales() {
        for place in [0.0, 0.3, 1.0] {
            let back = scale.at(scale.value(place));
            assert!(
                (back - place).abs() < 1e-9,
                "{scale:?}: {place} comes back as {back}"
            );
        }
    }
}

#[test]
fn every_scale_has_a_few_ticks_all_within_it() {
    let spans = [1e-12, 0.9, 1.1, 3.0, 97.0, 1e17];
    let linear = spans.map(|span| Scale::around([0.3 * span, span]));
    let logarithmic =
        [1.2, 3.0, 30.0, 150.0, 1e5, 1e30].map(|ratio| Scale::decades([0.7, 0.7 * ratio]));
    let falling = Scale::between(9.0, -4.0, false);
    let all = linear.into_iter().chain(logarithmic).chain(scales());
    for scale in all.chain([falling]) {
        let ticks = scale.ticks();
        assert!((2..=9).contains(&ticks.len()), "{scale:?}: {ticks:?}");
        assert!(
            ticks
                .iter()
                .all(|&tick| (-1e-9..=1.0 + 1e-9).contains(&scale.at(tick))),
            "{scale:?}: {ticks:?}"
        );
    }
}
