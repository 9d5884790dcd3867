//! The benchmark network of the published space is one of its architectures.

use dense_search::space::presets::{PaperWidths, paper};
use dense_search::space::{self, Architecture, Candidate};
use dense_tests::networks::{Choice, Network, PAPER};

#[test]
fn the_paper_network_is_an_architecture_of_the_preset_with_its_count_of_operations() {
    let output = space::Shape::Sequence {
        length: 250,
        channels: 1,
    };
    let space = paper(5, output, PaperWidths::default()).expect("the preset is valid");
    let mut choices = vec![0, 0];
    for (group, (name, length, choice)) in space.groups()[2..].iter().zip(PAPER) {
        assert_eq!(group.name, name);
        assert!(
            matches!(group.output, space::Shape::Sequence { length: known, .. } if known == length),
            "{name}: {:?} against length {length}",
            group.output
        );
        let candidate = match choice {
            Choice::Zero => Candidate::Zero,
            Choice::Conv(kernel) => Candidate::Conv { kernel },
            Choice::Transposed(kernel) => Candidate::TransposedConv { kernel, stride: 2 },
        };
        let known = group
            .candidates
            .iter()
            .position(|&known| known == candidate);
        choices.push(known.expect("the group has the drawn candidate"));
    }
    let macs_of_space = space.architecture_macs(&Architecture::new(choices));
    let emulator = Network::Paper.emulator();
    assert_eq!(emulator.macs(), macs_of_space.expect("one choice a group"));
    assert_eq!(emulator.output_count(), 250);
}
