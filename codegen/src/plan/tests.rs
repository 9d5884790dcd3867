use super::*;
use crate::emulator::Emulator;
use crate::testing;
use std::collections::BTreeSet;

fn plan(emulator: &Emulator) -> BufferPlan {
    BufferPlan::new(emulator.graph(), emulator.members())
}

/// Executes a plan with the nodes' names as values, and checks that every read finds the expected
/// one.
fn check(emulator: &Emulator) {
    let (graph, plan) = (emulator.graph(), plan(emulator));
    let mut holds = vec![None; plan.sizes().len()];
    holds[0] = Some(Graph::INPUT);
    let mut members = Vec::new();
    for step in plan.steps() {
        match *step {
            Step::Evaluate(Evaluation {
                node,
                result,
                residual,
                place,
                ..
            }) => {
                let evaluated = &graph.nodes()[node.index()];
                let slot = plan.slot(result);
                assert!(plan.sizes()[slot] >= evaluated.shape().size());
                for operand in evaluated.inputs().iter().copied().chain(residual) {
                    assert_eq!(
                        holds[plan.slot(operand)],
                        Some(operand),
                        "{node:?} finds its operand overwritten"
                    );
                    assert_eq!(plan.slot(operand) == slot, place == Place::InPlace);
                }
                holds[slot] = Some(result);
            }
            Step::Member { index, node } => {
                assert_eq!(
                    holds[plan.slot(node)],
                    Some(node),
                    "member {index} finds its value overwritten"
                );
                members.push((index, node));
            }
        }
    }
    assert!(
        members
            .into_iter()
            .eq(emulator.members().iter().copied().enumerate())
    );
}

#[test]
fn no_live_value_is_overwritten() {
    check(&testing::emulator(1));
    for seed in 0..200 {
        check(&testing::random_structure(seed));
    }
}

#[test]
fn every_layer_takes_in_what_its_kernel_can_do() {
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let emulator = testing::random_structure(seed);
        for step in plan(&emulator).steps() {
            if let Step::Evaluate(Evaluation { node, then, .. }) = step {
                let kind = emulator.graph().nodes()[node.index()].operation().kind();
                seen.insert((kind, format!("{then:?}")));
            }
        }
    }
    for kind in ["conv1d", "conv2d", "transposed_conv1d", "transposed_conv2d"] {
        for then in ["Nothing", "Relu", "Add", "ReluAdd", "AddRelu"] {
            let can = !(kind.starts_with("transposed") && then.contains("Add"));
            assert_eq!(seen.contains(&(kind, then.into())), can, "{kind}, {then}");
        }
    }
}

#[test]
fn equal_members_and_members_inside_others_find_their_values() {
    let mut parts = testing::emulator(1).into_parts();
    let [first, second, third] = parts.members[..] else {
        panic!("three members")
    };
    parts.members = vec![second, first, second, second, third];
    check(&Emulator::new(parts.clone()).unwrap());

    let negated = crate::graph::Activation {
        function: crate::graph::Function::Tanh,
    };
    let deeper = parts
        .graph
        .push(crate::graph::Operation::Activation(negated), &[first])
        .unwrap();
    parts.members = vec![deeper, first];
    check(&Emulator::new(parts).unwrap());
}

#[test]
fn more_members_take_no_more_buffers() {
    let parts = testing::emulator(1).into_parts();
    let buffers = |members: &[NodeId]| {
        let parts = crate::EmulatorParts {
            members: members.into(),
            ..parts.clone()
        };
        plan(&Emulator::new(parts).unwrap())
            .sizes()
            .iter()
            .sum::<usize>()
    };
    assert!(buffers(&parts.members) <= buffers(&parts.members[..2]));
}
