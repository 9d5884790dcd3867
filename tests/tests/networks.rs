//! The benchmark network of the published space is one of its architectures.

use dense_codegen::graph::{Graph, Operation, Shape};
use dense_search::space::presets::{PaperWidths, paper};
use dense_search::space::{self, Architecture, Candidate};
use dense_tests::networks::{Choice, Network, PAPER};

/// Multiply-accumulates as the space counts them: taps that fall outside as well.
fn macs(graph: &Graph) -> u64 {
    let mut total = 0;
    for node in graph.nodes() {
        let length = |shape: Shape| match shape {
            Shape::Sequence { length, .. } => length,
            _ => 1,
        };
        let (weight, times) = match node.operation() {
            Operation::Dense(dense) => (dense.weight, 1),
            Operation::Conv1d(conv) => (conv.weight, length(node.shape())),
            Operation::TransposedConv1d(conv) => {
                (conv.weight, length(graph.shape(node.inputs()[0])))
            }
            _ => continue,
        };
        total += (graph.parameter_values(weight).len() * times) as u64;
    }
    total
}

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
    assert_eq!(
        macs(emulator.graph()),
        macs_of_space.expect("one choice a group")
    );
    assert_eq!(emulator.output_count(), 250);
}
