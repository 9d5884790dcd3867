//! The super-architectures that ship with the product.
//!
//! [`paper`] follows Fig. 1 of Kasim et al., "Building high accuracy emulators for scientific simulations with deep
//! neural architecture search", Mach. Learn.: Sci. Technol. 3, 015013 (2022); [`micro`] is built for microseconds; [`mlp`]
//! has the fixed networks that a search has to beat.

use super::{Activation, Architecture, Candidate, Error, Group, Identity, Placement, Shape, Space};

/// The sizes of the published figure for an output of 250 points; others scale with the output.
const PAPER_SIZES: [usize; 7] = [4, 8, 16, 32, 64, 126, 250];

/// The output length of the published figure.
const PAPER_LENGTH: usize = 250;

/// The widths of the preset [`paper`]; the default is the published one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaperWidths {
    /// Numbers in the fully connected node after the inputs.
    pub dense: usize,
    /// Channels of every sequence but the output.
    pub channels: usize,
}

impl Default for PaperWidths {
    fn default() -> Self {
        Self {
            dense: 256,
            channels: 64,
        }
    }
}

/// Returns the published super-architecture, in our reading where the figure leaves details open.
///
/// Sizes are `round(L * [4, 8, 16, 32, 64, 126, 250] / 250)`, at least 1. Groups A keep the size and choose among zero
/// and convolutions of 1, 3 and 5 taps; groups B change it and choose also among transposed convolutions of stride 2
/// with 1, 3, 5 and 7 taps. The identity runs beside all of them. The last group has neither identity nor zero. For an
/// output without positions every kernel has one tap (`k^0`), so that each group is left with zero and dense.
/// The activation, which the paper does not name, is SiLU: the best of three in our measurements.
///
/// # Errors
/// If a width, the inputs or the output is empty.
pub fn paper(inputs: usize, output: Shape, widths: PaperWidths) -> Result<Space, Error> {
    let node = |length: usize| match output {
        Shape::Vector(_) => Shape::Vector(widths.channels),
        // An image is refused with the group that leads to it.
        Shape::Sequence { .. } | Shape::Image { .. } => Shape::Sequence {
            length,
            channels: widths.channels,
        },
    };
    let lengths = PAPER_SIZES.map(|size| paper_length(size, output));
    let mut groups = vec![
        fixed("dense", Shape::Vector(widths.dense)),
        fixed("start", node(lengths[0])),
        residual("a1", node(lengths[0]), same_size(output)),
    ];
    for (index, &length) in lengths.iter().enumerate().skip(1) {
        let (grow, keep) = (format!("b{index}"), format!("a{}", index + 1));
        groups.push(residual(&grow, node(length), growing(output)));
        groups.push(residual(&keep, node(length), same_size(output)));
    }
    let mut last = same_size(output);
    last.retain(|candidate| *candidate != Candidate::Zero);
    groups.push(Group {
        name: "output".to_owned(),
        output,
        identity: Identity::Absent,
        candidates: last,
        activation: None,
        placement: Placement::After,
    });
    Space::new("paper", inputs, groups)
}

/// Returns `size` of the published figure, scaled to the length of this output: half rounds up.
fn paper_length(size: usize, output: Shape) -> usize {
    match output {
        Shape::Vector(_) | Shape::Image { .. } => 1,
        Shape::Sequence { length, .. } => {
            ((2 * length * size + PAPER_LENGTH) / (2 * PAPER_LENGTH)).max(1)
        }
    }
}

fn fixed(name: &str, output: Shape) -> Group {
    Group {
        name: name.to_owned(),
        output,
        identity: Identity::Absent,
        candidates: vec![Candidate::Dense],
        activation: Some(Activation::Silu),
        placement: Placement::After,
    }
}

fn residual(name: &str, output: Shape, candidates: Vec<Candidate>) -> Group {
    Group {
        name: name.to_owned(),
        output,
        identity: Identity::Beside,
        candidates,
        activation: Some(Activation::Silu),
        placement: Placement::After,
    }
}

/// The candidates of groups A.
fn same_size(output: Shape) -> Vec<Candidate> {
    match output {
        Shape::Vector(_) | Shape::Image { .. } => vec![Candidate::Zero, Candidate::Dense],
        Shape::Sequence { .. } => std::iter::once(Candidate::Zero)
            .chain([1, 3, 5].map(|kernel| Candidate::Conv { kernel }))
            .collect(),
    }
}

/// The candidates of groups B.
fn growing(output: Shape) -> Vec<Candidate> {
    let mut candidates = same_size(output);
    if let Shape::Sequence { .. } = output {
        candidates
            .extend([1, 3, 5, 7].map(|kernel| Candidate::TransposedConv { kernel, stride: 2 }));
    }
    candidates
}

/// The width of the residual blocks of [`micro`].
const MICRO_WIDTH: usize = 64;

/// Returns the super-architecture for answers within microseconds.
///
/// A dense layer to 64 numbers, three residual groups on them (zero, dense, low rank 16; `x + silu(op)`), a head
/// (dense, or low rank 16, 32 or 48: a learnt basis of the outputs), and for sequences a last group that refines the
/// head's curve (zero, convolutions of 3 and 5 taps).
///
/// # Errors
/// If the inputs or the output is empty.
pub fn micro(inputs: usize, output: Shape) -> Result<Space, Error> {
    let width = Shape::Vector(MICRO_WIDTH);
    let blocks = vec![
        Candidate::Zero,
        Candidate::Dense,
        Candidate::LowRank { rank: 16 },
    ];
    let mut groups = vec![fixed("dense", width)];
    groups.extend(["block1", "block2", "block3"].map(|name| Group {
        placement: Placement::OnBranch,
        ..residual(name, width, blocks.clone())
    }));
    groups.push(Group {
        name: "head".to_owned(),
        output,
        identity: Identity::Absent,
        candidates: std::iter::once(Candidate::Dense)
            .chain([16, 32, 48].map(|rank| Candidate::LowRank { rank }))
            .collect(),
        activation: None,
        placement: Placement::After,
    });
    if let Shape::Sequence { .. } = output {
        groups.push(Group {
            name: "refine".to_owned(),
            output,
            identity: Identity::Beside,
            candidates: std::iter::once(Candidate::Zero)
                .chain([3, 5].map(|kernel| Candidate::Conv { kernel }))
                .collect(),
            activation: None,
            placement: Placement::After,
        });
    }
    Space::new("micro", inputs, groups)
}

/// A fixed network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mlp {
    /// Three layers of 64 numbers, the last two residual, and a dense head.
    Residual,
    /// Four layers of 128, the last three residual, and a head of 48 basis functions of the outputs.
    Basis,
}

impl Mlp {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Residual, Self::Basis];

    /// Returns its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Residual => "mlp-residual",
            Self::Basis => "mlp-basis",
        }
    }
}

/// Returns a fixed network as a space in which nothing is to be searched, and its members.
///
/// Each group has its one operation `members` times, with weights of their own; member `k` takes the `k`-th everywhere,
/// so that members are independent. The layers are `x + silu(W x + b)` but for the first, as those of [`micro`].
///
/// # Errors
/// If the inputs, the output or the members are none.
pub fn mlp(
    inputs: usize,
    output: Shape,
    kind: Mlp,
    members: usize,
) -> Result<(Space, Vec<Architecture>), Error> {
    let (width, layers, head) = match kind {
        Mlp::Residual => (64, ["layer2", "layer3"].as_slice(), Candidate::Dense),
        Mlp::Basis => {
            let rank = output.size().min(48);
            (
                128,
                ["layer2", "layer3", "layer4"].as_slice(),
                Candidate::LowRank { rank },
            )
        }
    };
    let node = Shape::Vector(width);
    let mut groups = vec![fixed("layer1", node)];
    groups.extend(layers.iter().map(|name| Group {
        placement: Placement::OnBranch,
        ..residual(name, node, vec![Candidate::Dense])
    }));
    groups.push(Group {
        candidates: vec![head],
        activation: None,
        ..fixed("head", output)
    });
    for group in &mut groups {
        group.candidates = vec![group.candidates[0]; members];
    }
    let architectures = (0..members)
        .map(|k| Architecture::new(vec![k; groups.len()]))
        .collect();
    Ok((Space::new(kind.name(), inputs, groups)?, architectures))
}
