use super::*;

fn dense(
    graph: &mut Graph,
    name: &str,
    inputs: usize,
    output: Shape,
    from: NodeId,
) -> Result<NodeId> {
    let outputs = output.size();
    let values = (0..inputs * outputs).map(|index| index as f32).collect();
    let weight = graph.parameter(&format!("{name}.weight"), &[inputs, outputs], values)?;
    let bias = graph.parameter(&format!("{name}.bias"), &[outputs], vec![0.0; outputs])?;
    graph.push(
        Operation::Dense(Dense {
            weight,
            bias,
            output,
        }),
        &[from],
    )
}

fn silu() -> Operation {
    Operation::Activation(Activation {
        function: Function::Silu,
    })
}

#[test]
fn the_same_operation_on_the_same_operands_is_one_node() {
    let mut graph = Graph::new(2);
    let hidden = dense(&mut graph, "a", 2, Shape::Vector(3), Graph::INPUT).unwrap();
    let first = graph.push(silu(), &[hidden]).unwrap();
    assert_eq!(graph.push(silu(), &[hidden]).unwrap(), first);
    assert_ne!(graph.push(silu(), &[Graph::INPUT]).unwrap(), first);
    assert_eq!(graph.nodes().len(), 4);
}

#[test]
fn a_misfit_is_refused_and_named_and_leaves_the_graph_as_it_was() {
    let mut graph = Graph::new(2);
    let hidden = dense(&mut graph, "a", 2, Shape::Vector(3), Graph::INPUT).unwrap();
    let before = graph.nodes().len();
    let cases: [(Operation, &[NodeId], &str); 9] = [
        (
            Operation::Multiply(Multiply),
            &[hidden, Graph::INPUT],
            "node 2 (multiply): expected a second operand [3], got [2]",
        ),
        (
            Operation::Add(Add),
            &[Graph::INPUT, hidden],
            "node 2 (add): expected a second operand [2], got [3]",
        ),
        (
            Operation::Add(Add),
            &[hidden],
            "node 2 (add): expected two operands, got 1",
        ),
        (
            silu(),
            &[],
            "node 2 (activation): expected one operand, got 0",
        ),
        (
            silu(),
            &[NodeId(9)],
            "node 2 (activation): expected operands below node 2, got node 9",
        ),
        (
            Operation::Transpose(Transpose),
            &[hidden],
            "node 2 (transpose): expected a sequence [length][channels] or an image [height][width][channels], got [3]",
        ),
        (
            Operation::Resize2d(Resize2d {
                height: 2,
                width: 2,
            }),
            &[hidden],
            "node 2 (resize2d): expected an image [height][width][channels], got [3]",
        ),
        (
            Operation::Logarithm(Logarithm { mask: vec![true] }),
            &[hidden],
            "node 2 (logarithm): expected a value of 1 numbers, got [3]",
        ),
        (
            Operation::Input(Input { size: 2 }),
            &[hidden],
            "node 2 (input): expected the one input node that the graph begins with, got another",
        ),
    ];
    for (operation, inputs, message) in cases {
        assert_eq!(
            graph.push(operation, inputs).unwrap_err().to_string(),
            message
        );
        assert_eq!(graph.nodes().len(), before);
    }
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    let mut graph = Graph::new(2);
    let even = graph.parameter("even", &[2, 3, 1], vec![0.0; 6]).unwrap();
    let bias = graph.parameter("bias", &[1], vec![0.0]).unwrap();
    let sequence = dense(
        &mut graph,
        "a",
        2,
        Shape::Sequence {
            length: 2,
            channels: 3,
        },
        Graph::INPUT,
    )
    .unwrap();
    let message = |result: Result<NodeId>| result.unwrap_err().to_string();
    let convolution = Operation::Conv1d(Conv1d { weight: even, bias });
    assert!(
        message(graph.push(convolution, &[sequence]))
            .contains("expected weight [odd, 3, any], got [2, 3, 1]")
    );
    let rescale = Operation::Rescale(Rescale {
        scale: bias,
        offset: bias,
    });
    assert!(message(graph.push(rescale, &[sequence])).contains("expected scale [6], got [1]"));
    let resize = Operation::Resize(Resize { length: usize::MAX });
    assert!(message(graph.push(resize, &[sequence])).contains("a result of 1 to"));
}

#[test]
fn weights_of_images_that_do_not_fit_are_refused() {
    let mut graph = Graph::new(2);
    let bias = graph.parameter("bias", &[2], vec![0.0; 2]).unwrap();
    let output = Shape::Image {
        height: 2,
        width: 3,
        channels: 3,
    };
    let image = dense(&mut graph, "a", 2, output, Graph::INPUT).unwrap();
    let mut weight = |shape: &[usize]| {
        let values = vec![0.0; shape.iter().product()];
        graph
            .parameter(&format!("{shape:?}"), shape, values)
            .unwrap()
    };
    let [flat, even, wide, good] = [
        weight(&[3, 3, 2]),
        weight(&[3, 2, 3, 2]),
        weight(&[3, 3, 4, 2]),
        weight(&[3, 1, 3, 2]),
    ];
    let mut message = |operation| graph.push(operation, &[image]).unwrap_err().to_string();
    for (weight, got) in [
        (flat, "[3, 3, 2]"),
        (even, "[3, 2, 3, 2]"),
        (wide, "[3, 3, 4, 2]"),
    ] {
        let expected = format!("expected weight [odd, odd, 3, any], got {got}");
        assert!(message(Operation::Conv2d(Conv2d { weight, bias })).contains(&expected));
    }
    let along = Operation::Conv1d(Conv1d { weight: flat, bias });
    assert!(message(along).contains("expected a sequence [length][channels], got [2][3][3]"));
    let grown = |stride, height| {
        Operation::TransposedConv2d(TransposedConv2d {
            weight: good,
            bias,
            stride,
            height,
            width: 3,
        })
    };
    assert!(message(grown([2, 0], 3)).contains("expected a stride of 1 to 16777216, got 0"));
    for height in [0, usize::MAX] {
        assert!(message(grown([2, 2], height)).contains("a result of 1 to"));
    }
}

#[test]
fn parameters_are_finite_complete_and_named_once() {
    let mut graph = Graph::new(1);
    graph.parameter("w", &[2], vec![1.0, 2.0]).unwrap();
    let message = |result: Result<ParameterId>| result.unwrap_err().to_string();
    assert!(message(graph.parameter("w", &[1], vec![1.0])).contains("expected a new name"));
    assert!(
        message(graph.parameter("v", &[3], vec![1.0])).contains("[3] holds, at least one, got 1")
    );
    assert!(message(graph.parameter("v", &[0], vec![])).contains("at least one"));
    assert!(
        message(graph.parameter("v", &[2], vec![1.0, f32::NAN]))
            .contains("finite values, got NaN at 1")
    );
}

/// Applies one operation to the sequence 1, 2, 3 (one channel).
fn through(operation: impl FnOnce(&mut Graph) -> Operation) -> (Vec<f64>, u64) {
    let mut graph = Graph::new(3);
    let identity = vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let weight = graph.parameter("identity", &[3, 3], identity).unwrap();
    let bias = graph.parameter("nothing", &[3], vec![0.0; 3]).unwrap();
    let output = Shape::Sequence {
        length: 3,
        channels: 1,
    };
    let sequence = graph
        .push(
            Operation::Dense(Dense {
                weight,
                bias,
                output,
            }),
            &[Graph::INPUT],
        )
        .unwrap();
    let operation = operation(&mut graph);
    let node = graph.push(operation, &[sequence]).unwrap();
    let values = crate::interpreter::node_values(&graph, &[1.0, 2.0, 3.0]);
    (values[node.index()].clone(), graph.macs(node))
}

fn taps(graph: &mut Graph) -> (ParameterId, ParameterId) {
    let weight = graph
        .parameter("weight", &[3, 1, 1], vec![1.0, 10.0, 100.0])
        .unwrap();
    (weight, graph.parameter("bias", &[1], vec![0.5]).unwrap())
}

#[test]
fn a_convolution_skips_the_taps_outside() {
    let (values, macs) = through(|graph| {
        let (weight, bias) = taps(graph);
        Operation::Conv1d(Conv1d { weight, bias })
    });
    assert_eq!(values, [210.5, 321.5, 32.5]);
    assert_eq!(macs, 2 + 3 + 2);
}

#[test]
fn a_transposed_convolution_scatters_every_source_and_fills_with_plain_zeros() {
    let grown = |length| {
        through(|graph| {
            let (weight, bias) = taps(graph);
            Operation::TransposedConv1d(TransposedConv1d {
                weight,
                bias,
                stride: 2,
                length,
            })
        })
    };
    // Source i reaches the positions 2 i - 1, 2 i and 2 i + 1 through the taps 0, 1 and 2.
    assert_eq!(grown(5), (vec![10.5, 102.5, 20.5, 203.5, 30.5], 7));
    assert_eq!(grown(7).0, [10.5, 102.5, 20.5, 203.5, 30.5, 0.0, 0.0]);
    assert_eq!(grown(2).0, [10.5, 102.5]);
}

#[test]
fn resizing_takes_the_nearest_position_below() {
    let resized = |length| through(|_| Operation::Resize(Resize { length })).0;
    assert_eq!(resized(5), [1.0, 1.0, 2.0, 2.0, 3.0]);
    assert_eq!(resized(2), [1.0, 2.0]);
}

/// Applies one operation to the image 1 to 6 of two rows of three columns (one channel).
fn through_image(operation: impl FnOnce(&mut Graph) -> Operation) -> (Vec<f64>, u64) {
    let mut graph = Graph::new(1);
    let numbers = vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let start = Dense {
        weight: graph.parameter("numbers", &[1, 6], numbers).unwrap(),
        bias: graph.parameter("nothing", &[6], vec![0.0; 6]).unwrap(),
        output: Shape::Image {
            height: 2,
            width: 3,
            channels: 1,
        },
    };
    let start = graph
        .push(Operation::Dense(start), &[Graph::INPUT])
        .unwrap();
    let operation = operation(&mut graph);
    let node = graph.push(operation, &[start]).unwrap();
    let values = crate::interpreter::node_values(&graph, &[1.0]);
    (values[node.index()].clone(), graph.macs(node))
}

/// Three rows of three taps, each with its own decimal place in the sum.
fn square_of_taps(graph: &mut Graph) -> (ParameterId, ParameterId) {
    let places = (0..9).map(|place| 10.0_f32.powi(place)).collect();
    let weight = graph.parameter("weight", &[3, 3, 1, 1], places).unwrap();
    (weight, graph.parameter("bias", &[1], vec![0.5]).unwrap())
}

#[test]
fn a_convolution_of_an_image_skips_the_taps_outside() {
    let (values, macs) = through_image(|graph| {
        let (weight, bias) = square_of_taps(graph);
        Operation::Conv2d(Conv2d { weight, bias })
    });
    // The decimal place of tap (s, t) is 3 s + t; (1, 1) is the centre.
    assert_eq!(
        values,
        [
            540_210_000.5,
            654_321_000.5,
            65_032_000.5,
            540_210.5,
            654_321.5,
            65_032.5
        ]
    );
    // Two rows see two rows of taps each, three columns 2, 3 and 2 taps.
    assert_eq!(macs, (2 + 2) * (2 + 3 + 2));
}

#[test]
fn a_transposed_convolution_of_an_image_cuts_and_fills_each_axis_by_itself() {
    let grown = |stride, [height, width]: [usize; 2]| {
        through_image(|graph| {
            let (weight, bias) = square_of_taps(graph);
            Operation::TransposedConv2d(TransposedConv2d {
                weight,
                bias,
                stride,
                height,
                width,
            })
        })
    };
    // Row and column 2 q take tap 1 of source q; those between take tap 2 of the one before and tap
    // 0 of the one after.
    let (values, macs) = grown([2, 2], [3, 5]);
    let row = |left: [f64; 3], taps: [f64; 3]| {
        let [before, centre, after] = taps;
        [
            left[0] * centre,
            left[0] * after + left[1] * before,
            left[1] * centre,
            left[1] * after + left[2] * before,
            left[2] * centre,
        ]
    };
    let (upper, lower) = ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]);
    let above = row(upper, [1e3, 1e4, 1e5]);
    let between = row(upper, [1e6, 1e7, 1e8]);
    let between_too = row(lower, [1.0, 10.0, 100.0]);
    let below = row(lower, [1e3, 1e4, 1e5]);
    let expected: Vec<f64> = (0..5)
        .map(|c| above[c] + 0.5)
        .chain((0..5).map(|c| between[c] + between_too[c] + 0.5))
        .chain((0..5).map(|c| below[c] + 0.5))
        .collect();
    assert_eq!(values, expected);
    // Rows see 1, 2 and 1 rows of taps, columns 1, 2, 1, 2 and 1 taps.
    assert_eq!(macs, 4 * 7);

    let (cut_and_filled, macs) = grown([2, 2], [4, 2]);
    let mut kept: Vec<f64> = expected
        .chunks(5)
        .flat_map(|row| row[..2].to_vec())
        .collect();
    kept.extend([0.0, 0.0]);
    assert_eq!((cut_and_filled, macs), (kept, 4 * 3));
    let (filled_and_cut, _) = grown([2, 2], [1, 7]);
    assert_eq!(filled_and_cut, [&expected[..5], &[0.0, 0.0]].concat());
    // Rows unchanged, columns three apart: each sees one tap of both rows.
    let (values, _) = grown([1, 3], [1, 4]);
    assert_eq!(values, [10_040.5, 100_400.5, 2_005.5, 20_050.5]);
}

#[test]
fn resizing_an_image_takes_the_nearest_row_and_column_above_and_left() {
    let resized =
        |height, width| through_image(|_| Operation::Resize2d(Resize2d { height, width })).0;
    assert_eq!(
        resized(3, 4),
        [1.0, 1.0, 2.0, 3.0, 1.0, 1.0, 2.0, 3.0, 4.0, 4.0, 5.0, 6.0]
    );
    assert_eq!(resized(1, 2), [1.0, 2.0]);
}

#[test]
fn transposing_an_image_puts_channels_first_and_keeps_rows() {
    let mut graph = Graph::new(1);
    let numbers = (0..12).map(|number| number as f32).collect();
    let start = Dense {
        weight: graph.parameter("numbers", &[1, 12], numbers).unwrap(),
        bias: graph.parameter("nothing", &[12], vec![0.0; 12]).unwrap(),
        output: Shape::Image {
            height: 2,
            width: 3,
            channels: 2,
        },
    };
    let start = graph
        .push(Operation::Dense(start), &[Graph::INPUT])
        .unwrap();
    let node = graph
        .push(Operation::Transpose(Transpose), &[start])
        .unwrap();
    assert_eq!(graph.shape(node), Shape::Vector(12));
    let values = crate::interpreter::node_values::<f64>(&graph, &[1.0]);
    let expected = [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11].map(f64::from);
    assert_eq!(values[node.index()], expected);
}

#[test]
fn pruning_keeps_what_the_roots_need_and_nothing_else() {
    let mut graph = Graph::new(2);
    let unused = dense(&mut graph, "unused", 2, Shape::Vector(3), Graph::INPUT).unwrap();
    let used = dense(&mut graph, "used", 2, Shape::Vector(3), Graph::INPUT).unwrap();
    graph.push(silu(), &[unused]).unwrap();
    let root = graph.push(silu(), &[used]).unwrap();
    let (mut pruned, roots) = graph.pruned(&[root]);
    assert_eq!(pruned.nodes().len(), 3);
    let names: Vec<_> = pruned
        .parameters()
        .iter()
        .map(|(_, parameter)| parameter.name())
        .collect();
    assert_eq!(names, ["used.weight", "used.bias"]);
    assert_eq!(roots, [NodeId(2)]);
    assert_eq!(
        pruned.push(silu(), &[NodeId(1)]).unwrap(),
        roots[0],
        "hash-consing goes on"
    );
}

/// The exact value of the operation that `build` makes on two inputs, and its multiply-accumulates.
fn on_two(x: [f32; 2], build: impl FnOnce(&mut Graph) -> Operation) -> (Vec<f64>, u64) {
    let mut graph = Graph::new(2);
    let operation = build(&mut graph);
    let node = graph.push(operation, &[Graph::INPUT]).unwrap();
    let values = crate::interpreter::node_values(&graph, &x);
    (values[node.index()].clone(), graph.macs(node))
}

fn pair(graph: &mut Graph, name: &str, values: [f32; 2]) -> ParameterId {
    graph.parameter(name, &[2], values.into()).unwrap()
}

#[test]
fn a_dense_layer_reads_its_weight_input_major() {
    let (values, macs) = on_two([2.0, 3.0], |graph| {
        let weight = vec![1.0, 10.0, 100.0, 1000.0, 0.25, 0.5];
        Operation::Dense(Dense {
            weight: graph.parameter("weight", &[2, 3], weight).unwrap(),
            bias: graph.parameter("bias", &[3], vec![0.5; 3]).unwrap(),
            output: Shape::Vector(3),
        })
    });
    assert_eq!(values, [3002.5, 21.25, 202.0]);
    assert_eq!(macs, 6);
}

#[test]
fn normalisation_subtracts_then_multiplies_and_rescaling_multiplies_then_adds() {
    let standardised = on_two([2.0, 3.0], |graph| {
        Operation::Standardise(Standardise {
            centre: pair(graph, "centre", [1.0, 5.0]),
            scale: pair(graph, "scale", [4.0, 0.5]),
        })
    });
    assert_eq!(standardised, (vec![4.0, -1.0], 0));
    let rescaled = on_two([2.0, 3.0], |graph| {
        Operation::Rescale(Rescale {
            scale: pair(graph, "scale", [4.0, 0.5]),
            offset: pair(graph, "offset", [1.0, 5.0]),
        })
    });
    assert_eq!(rescaled, (vec![9.0, 6.5], 2));
}

#[test]
fn a_logarithm_is_taken_where_the_mask_says_of_at_least_the_smallest_normal_number() {
    let logarithm = |x| {
        on_two(x, |_| {
            Operation::Logarithm(Logarithm {
                mask: vec![true, false],
            })
        })
        .0
    };
    let smallest = f64::from(f32::MIN_POSITIVE).ln();
    assert_eq!(logarithm([1.0, -3.0]), [0.0, -3.0]);
    assert_eq!(logarithm([10.0, 0.0]), [10.0_f64.ln(), 0.0]);
    for low in [0.0, -1.0, 1e-45] {
        assert_eq!(logarithm([low, low])[0], smallest, "{low}");
    }
}

#[test]
fn elementwise_functions_are_what_they_are_called() {
    let activation = |function| {
        on_two([-1.0, 2.0], |_| {
            Operation::Activation(Activation { function })
        })
        .0
    };
    let transform = |function| {
        on_two([-1.0, 2.0], |_| {
            Operation::Transform(Transform { function })
        })
        .0
    };
    let near = |values: Vec<f64>, expected: [f64; 2]| {
        for (value, expected) in values.iter().zip(expected) {
            // The expected values have ten digits.
            assert!(
                (value - expected).abs() < 1e-9,
                "{values:?}, not {expected}"
            );
        }
    };
    assert_eq!(activation(Function::Relu), [0.0, 2.0]);
    near(
        activation(Function::Silu),
        [-0.268_941_421_4, 1.761_594_156_0],
    );
    near(
        activation(Function::Tanh),
        [-0.761_594_156_0, 0.964_027_580_1],
    );
    near(
        activation(Function::Sine),
        [-0.841_470_984_8, 0.909_297_426_8],
    );
    near(transform(Inverse::Exp), [0.367_879_441_2, 7.389_056_098_9]);
    near(
        transform(Inverse::Sinh),
        [-1.175_201_193_6, 3.626_860_407_8],
    );
}

#[test]
fn adding_is_elementwise_and_transposing_puts_channels_first() {
    let mut graph = Graph::new(6);
    let sum = graph
        .push(Operation::Add(Add), &[Graph::INPUT, Graph::INPUT])
        .unwrap();
    let mut identity = vec![0.0; 36];
    (0..6).for_each(|index| identity[index * 7] = 1.0);
    let weight = graph.parameter("weight", &[6, 6], identity).unwrap();
    let bias = graph.parameter("bias", &[6], vec![0.0; 6]).unwrap();
    let output = Shape::Sequence {
        length: 3,
        channels: 2,
    };
    let sequence = graph
        .push(
            Operation::Dense(Dense {
                weight,
                bias,
                output,
            }),
            &[sum],
        )
        .unwrap();
    let transposed = graph
        .push(Operation::Transpose(Transpose), &[sequence])
        .unwrap();
    assert_eq!(graph.shape(transposed), Shape::Vector(6));
    let values = crate::interpreter::node_values::<f64>(&graph, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(values[sum.index()], [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
    assert_eq!(values[transposed.index()], [2.0, 6.0, 10.0, 4.0, 8.0, 12.0]);
}

#[test]
fn a_convolution_sums_over_taps_and_channels_of_a_position_major_sequence() {
    let mut graph = Graph::new(1);
    // Two positions of two channels: 1, 2 and 3, 4.
    let weight = graph
        .parameter("start", &[1, 4], vec![1.0, 2.0, 3.0, 4.0])
        .unwrap();
    let bias = graph.parameter("nothing", &[4], vec![0.0; 4]).unwrap();
    let output = Shape::Sequence {
        length: 2,
        channels: 2,
    };
    let start = Operation::Dense(Dense {
        weight,
        bias,
        output,
    });
    let start = graph.push(start, &[Graph::INPUT]).unwrap();
    // [K = 3][CIN = 2][COUT = 1]: each product has its own decimal place in the sum.
    let weight = vec![1.0, 10.0, 100.0, 1e3, 1e4, 1e5];
    let weight = graph.parameter("weight", &[3, 2, 1], weight).unwrap();
    let bias = graph.parameter("bias", &[1], vec![0.0]).unwrap();
    let convolution = Operation::Conv1d(Conv1d { weight, bias });
    let node = graph.push(convolution, &[start]).unwrap();
    let values = crate::interpreter::node_values::<f64>(&graph, &[1.0]);
    assert_eq!(values[node.index()], [432_100.0, 4_321.0]);
    assert_eq!(graph.macs(node), 8);
}
