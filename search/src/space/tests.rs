//! Checks sizes and costs of the presets, and clear errors for invalid super-architectures.

use super::presets::{MicroSizes, PaperWidths, micro, micro_decoder, paper};
use super::*;
use std::collections::BTreeMap;

const CURVE: Shape = Shape::Sequence {
    length: 250,
    channels: 1,
};

#[test]
fn the_published_space_has_the_published_size_and_cost() {
    let space = paper(5, CURVE, PaperWidths::default()).unwrap();
    assert_eq!(space.architectures(), 3 * 4u128.pow(7) * 8u128.pow(6));
    let lengths: Vec<usize> = space.groups()[1..]
        .iter()
        .map(|g| g.output.size())
        .collect();
    let sizes = [4, 4, 8, 8, 16, 16, 32, 32, 64, 64, 126, 126, 250, 250];
    assert_eq!(lengths[..14], sizes.map(|size| 64 * size));
    assert_eq!(space.output(), CURVE);

    let macs = space.macs();
    let largest: u64 = macs.iter().filter_map(|group| group.iter().max()).sum();
    let mean: f64 = macs
        .iter()
        .map(|group| group.iter().sum::<u64>() as f64 / group.len() as f64)
        .sum();
    // 20.5e6 and 9.0e6 if taps that fall outside are counted.
    assert_eq!(largest, 20_225_024);
    assert!((8.8e6..9.0e6).contains(&mean), "{mean}");
}

#[test]
fn the_published_space_of_images_has_its_sizes_along_each_axis() {
    let image = Shape::Image {
        height: 125,
        width: 16,
        channels: 4,
    };
    let space = paper(5, image, PaperWidths::default()).unwrap();
    assert_eq!(space.architectures(), 3 * 4u128.pow(7) * 8u128.pow(6));
    let sizes: Vec<_> = space.groups()[1..]
        .iter()
        .map(|group| match group.output {
            Shape::Image { height, width, .. } => (height, width),
            other => panic!("{other:?}"),
        })
        .collect();
    let [rows, columns] = [[2, 4, 8, 16, 32, 63, 125], [1, 1, 1, 2, 4, 8, 16]];
    for (k, pair) in sizes[..14].chunks_exact(2).enumerate() {
        assert_eq!(pair, [(rows[k], columns[k]); 2]);
    }
    assert_eq!(space.output(), image);
}

#[test]
fn the_decoder_fills_every_position_of_its_outputs() {
    for length in 1..40 {
        let image = Shape::Image {
            height: length,
            width: 41 - length,
            channels: 3,
        };
        let space = micro_decoder(2, image).unwrap();
        let Shape::Image { height, width, .. } = space.groups()[5].output else {
            panic!("a grid leads to the outputs");
        };
        // The natural size of a transposed convolution with stride 2.
        assert!(2 * (height - 1) + 1 >= length && 2 * (width - 1) + 1 >= 41 - length);
    }
    assert!(micro_decoder(2, Shape::Vector(5)).is_err());
}

#[test]
fn without_positions_the_published_groups_choose_between_zero_and_dense() {
    let space = paper(5, Shape::Vector(15), PaperWidths::default()).unwrap();
    assert_eq!(space.architectures(), 1 << 13);
    assert_eq!(space.groups()[15].candidates, [Candidate::Dense]);
    let densest = Architecture::new(
        space
            .groups()
            .iter()
            .map(|g| g.candidates.len() - 1)
            .collect(),
    );
    let expected = 5 * 256 + 256 * 64 + 13 * 64 * 64 + 64 * 15;
    assert_eq!(space.architecture_macs(&densest), Ok(expected));
}

#[test]
fn the_micro_space_costs_thousands_of_multiply_accumulates() {
    let space = micro(5, CURVE, MicroSizes::default()).unwrap();
    assert_eq!(space.architectures(), 2 * 256 * 3);
    let head = 48 * (64 + 250);
    for (blocks, macs) in [(0, 0), (1, 64 * 64), (2, 2 * 16 * 64), (3, 2 * 64 * 64)] {
        let one = Architecture::new(vec![0, blocks, blocks, blocks, blocks, 1, 0]);
        assert_eq!(space.architecture_macs(&one), Ok(5 * 64 + 4 * macs + head));
    }
    assert_eq!(
        micro(5, Shape::Vector(3), MicroSizes::default())
            .unwrap()
            .architectures(),
        2 * 256
    );
}

#[test]
fn a_space_survives_its_text_and_a_bad_text_is_refused() {
    let space = micro(5, CURVE, MicroSizes::default()).unwrap();
    let text = serde_json::to_string(&space).unwrap();
    assert_eq!(serde_json::from_str::<Space>(&text).unwrap(), space);
    let bad = text.replace("\"kernel\":3", "\"kernel\":4");
    let error = serde_json::from_str::<Space>(&bad).unwrap_err().to_string();
    assert!(
        error.contains("\"refine\"") && error.contains("odd kernel, got 4"),
        "{error}"
    );
}

#[test]
fn every_senseless_space_is_refused_with_its_reason() {
    let sequence = |length, channels| Shape::Sequence { length, channels };
    let vector = Shape::Vector(3);
    let refused = |identity, output, candidates: &[Candidate]| {
        let group = Group {
            name: "g".to_owned(),
            output,
            identity,
            candidates: candidates.to_vec(),
            activation: None,
            own_activations: BTreeMap::new(),
            placement: Placement::After,
        };
        let first = Group {
            name: "first".to_owned(),
            output: sequence(4, 2),
            identity: Identity::Absent,
            candidates: vec![Candidate::Dense],
            activation: None,
            own_activations: BTreeMap::new(),
            placement: Placement::After,
        };
        Space::new("s", 3, vec![first, group])
            .unwrap_err()
            .to_string()
    };
    use Candidate::{Conv, Dense, Fourier, LowRank, TransposedConv, Zero};
    use Identity::{Absent, Beside};
    let same = sequence(4, 2);
    for (identity, output, candidates, reason) in [
        (Absent, vector, vec![], "no candidate"),
        (Absent, same, vec![Dense, Zero], "zero without the identity"),
        (
            Beside,
            sequence(8, 3),
            vec![Dense],
            "the identity cannot lead",
        ),
        (Beside, vector, vec![Dense], "the identity cannot lead"),
        (
            Absent,
            vector,
            vec![Conv { kernel: 3 }],
            "expected two sequences",
        ),
        (Absent, same, vec![Conv { kernel: 2 }], "odd kernel, got 2"),
        (
            Absent,
            same,
            vec![TransposedConv {
                kernel: 0,
                stride: 1,
            }],
            "odd kernel, got 0",
        ),
        (
            Absent,
            same,
            vec![TransposedConv {
                kernel: 3,
                stride: 0,
            }],
            "stride",
        ),
        (Absent, same, vec![LowRank { rank: 0 }], "rank"),
        (
            Absent,
            same,
            vec![Fourier { frequencies: 0 }],
            "at least 1 frequency",
        ),
        (
            Absent,
            same,
            vec![Fourier {
                frequencies: usize::MAX / 3,
            }],
            "too many weights",
        ),
        (Absent, sequence(0, 2), vec![Dense], "no number"),
        (
            Absent,
            Shape::Image {
                height: 2,
                width: 2,
                channels: 1,
            },
            vec![Conv { kernel: 3 }],
            "expected two sequences or two images, got a sequence of length 4 with 2 channels to an image of 2 x 2",
        ),
        (Absent, sequence(1 << 20, 64), vec![Dense], "too large"),
        (
            Absent,
            same,
            vec![Conv { kernel: usize::MAX }],
            "too many weights",
        ),
        (
            Absent,
            sequence((1 << 23) + 1, 1),
            vec![Conv { kernel: 3 }],
            "candidate 0, Conv { kernel: 3 }: node 1 (resize): expected a result of 1 to 16777216 numbers",
        ),
        (
            Absent,
            same,
            vec![TransposedConv {
                kernel: 3,
                stride: 17,
            }],
            "expected a stride of 1 to 16, got 17",
        ),
    ] {
        let error = refused(identity, output, &candidates);
        assert!(error.contains(reason) && error.contains("\"g\""), "{error}");
    }
    assert!(Space::new("s", 3, vec![]).is_err());
    let error = Space::new("s", usize::MAX, vec![]).unwrap_err().to_string();
    assert!(error.contains("at most 16777216 inputs"), "{error}");
    assert!(micro(0, vector, MicroSizes::default()).is_err());
}

#[test]
fn a_strange_architecture_is_refused() {
    let space = micro(5, Shape::Vector(2), MicroSizes::default()).unwrap();
    assert!(
        space
            .check(&Architecture::new(vec![0, 2, 2, 2, 2, 3]))
            .is_ok()
    );
    for choices in [
        vec![0, 2, 2, 2, 2],
        vec![2, 2, 2, 2, 2, 3],
        vec![0, 4, 2, 2, 2, 3],
    ] {
        assert!(space.check(&Architecture::new(choices)).is_err());
    }
}
