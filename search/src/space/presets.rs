//! The built-in super-architectures.
//!
//! [`paper`] follows Fig. 1 of Kasim et al., "Building high accuracy emulators for scientific
//! simulations with deep neural architecture search", Mach. Learn.: Sci. Technol. 3, 015013 (2022);
//! [`micro`] is built for answers within microseconds; [`mlp`] provides the fixed networks that a
//! search has to beat.

use super::{Architecture, Candidate, Error, Function, Group, Identity, Placement, Shape, Space};
use std::collections::BTreeMap;

/// The sizes of the published figure for an output of 250 points. They scale with the output.
const PAPER_SIZES: [usize; 7] = [4, 8, 16, 32, 64, 126, 250];

/// The output length of the published figure.
const PAPER_LENGTH: usize = 250;

/// The widths of the preset [`paper`]; the default is the published one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaperWidths {
    /// Values in the fully connected node after the inputs.
    pub dense: usize,
    /// Channels of every sequence or image except the output.
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

/// Returns the published super-architecture, with our interpretation where the figure leaves
/// details open.
///
/// Sizes are `round(L * [4, 8, 16, 32, 64, 126, 250] / 250)`, at least 1, separately for each axis
/// of an image. Groups A keep the size and choose among zero and convolutions of 1, 3 and 5 taps.
/// Groups B change the size and choose also among transposed convolutions of stride 2 with 1, 3, 5
/// and 7 taps (over an image, k x k taps). The identity runs beside all of them. The last group has
/// neither identity nor zero. For an output without positions every kernel has one tap (`k^0`), so
/// each group keeps only zero and dense. The paper does not name the activation; SiLU was the best
/// of three in our measurements.
///
/// # Errors
/// A width is 0, or the inputs or the output are empty.
pub fn paper(inputs: usize, output: Shape, widths: PaperWidths) -> Result<Space, Error> {
    let node = |size: usize| match output {
        Shape::Vector(_) => Shape::Vector(widths.channels),
        Shape::Sequence { length, .. } => Shape::Sequence {
            length: paper_length(size, length),
            channels: widths.channels,
        },
        Shape::Image { height, width, .. } => Shape::Image {
            height: paper_length(size, height),
            width: paper_length(size, width),
            channels: widths.channels,
        },
    };
    let nodes = PAPER_SIZES.map(node);
    let mut groups = vec![
        fixed("dense", Shape::Vector(widths.dense)),
        fixed("start", nodes[0]),
        residual("a1", nodes[0], same_size(output)),
    ];
    for (index, &node) in nodes.iter().enumerate().skip(1) {
        let (grow, keep) = (format!("b{index}"), format!("a{}", index + 1));
        groups.push(residual(&grow, node, growing(output)));
        groups.push(residual(&keep, node, same_size(output)));
    }
    let mut last = same_size(output);
    last.retain(|candidate| *candidate != Candidate::Zero);
    groups.push(Group {
        name: "output".to_owned(),
        output,
        identity: Identity::Absent,
        candidates: last,
        activation: None,
        own_activations: BTreeMap::new(),
        placement: Placement::After,
    });
    Space::new("paper", inputs, groups)
}

/// Returns `size` of the published figure, scaled to an axis of this length. Halves round up.
fn paper_length(size: usize, length: usize) -> usize {
    ((2 * length * size + PAPER_LENGTH) / (2 * PAPER_LENGTH)).max(1)
}

fn fixed(name: &str, output: Shape) -> Group {
    Group {
        name: name.to_owned(),
        output,
        identity: Identity::Absent,
        candidates: vec![Candidate::Dense],
        activation: Some(Function::Silu),
        own_activations: BTreeMap::new(),
        placement: Placement::After,
    }
}

fn residual(name: &str, output: Shape, candidates: Vec<Candidate>) -> Group {
    Group {
        name: name.to_owned(),
        output,
        identity: Identity::Beside,
        candidates,
        activation: Some(Function::Silu),
        own_activations: BTreeMap::new(),
        placement: Placement::After,
    }
}

/// The candidates of groups A.
fn same_size(output: Shape) -> Vec<Candidate> {
    match output {
        Shape::Vector(_) => vec![Candidate::Zero, Candidate::Dense],
        Shape::Sequence { .. } | Shape::Image { .. } => std::iter::once(Candidate::Zero)
            .chain([1, 3, 5].map(|kernel| Candidate::Conv { kernel }))
            .collect(),
    }
}

/// The candidates of groups B.
fn growing(output: Shape) -> Vec<Candidate> {
    let mut candidates = same_size(output);
    if !matches!(output, Shape::Vector(_)) {
        candidates
            .extend([1, 3, 5, 7].map(|kernel| Candidate::TransposedConv { kernel, stride: 2 }));
    }
    candidates
}

/// The sizes of the preset [`micro`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MicroSizes {
    /// Values between the residual blocks.
    pub width: usize,
    /// Functions of the head's basis.
    pub rank: usize,
    /// Heads. This number of members can each have a head with weights of its own.
    pub heads: usize,
}

impl Default for MicroSizes {
    fn default() -> Self {
        Self {
            width: 64,
            rank: MICRO_RANKS[0],
            heads: 4,
        }
    }
}

/// Sizes of the basis of [`micro`], the smaller ones for small budgets. They are not searched:
/// while steps are large, the error of a truncated basis does not show
/// (docs/measurements/search.md).
const MICRO_RANKS: [usize; 3] = [48, 32, 16];

/// Number of residual groups of [`micro`].
const MICRO_BLOCKS: usize = 4;

/// Upper limit of the total weights in the dense heads of [`micro`]. Large images get fewer copies.
const MICRO_HEAD_WEIGHTS: usize = 1 << 24;

/// Returns the super-architecture for answers within microseconds.
///
/// A dense layer to `width` values with SiLU or tanh; four residual groups on them (zero; dense or
/// low rank 16, `x + silu(op)`; gated, `x + silu(op) op`); a head (a learnt basis of `rank`
/// functions, or dense if the number of outputs does not exceed `rank`); and for sequences and
/// images a last group that refines the head's result (zero, convolutions of 3 and 5 taps).
///
/// # Errors
/// The inputs or the output are empty, or the width or the rank is 0.
pub fn micro(inputs: usize, output: Shape, sizes: MicroSizes) -> Result<Space, Error> {
    let mut groups = micro_blocks(sizes.width, MICRO_BLOCKS);
    groups[0].candidates.push(Candidate::Dense);
    groups[0].own_activations = BTreeMap::from([(1, Function::Tanh)]);
    let dense = sizes.width.saturating_mul(output.size()).max(1);
    let heads = sizes.heads.clamp(1, (MICRO_HEAD_WEIGHTS / dense).max(1));
    let head = match output.size() > sizes.rank {
        true => Candidate::LowRank { rank: sizes.rank },
        false => Candidate::Dense,
    };
    groups.push(Group {
        name: "head".to_owned(),
        output,
        identity: Identity::Absent,
        candidates: vec![head; heads],
        activation: None,
        own_activations: BTreeMap::new(),
        placement: Placement::After,
    });
    if !matches!(output, Shape::Vector(_)) {
        groups.push(Group {
            name: "refine".to_owned(),
            output,
            identity: Identity::Beside,
            candidates: std::iter::once(Candidate::Zero)
                .chain([3, 5].map(|kernel| Candidate::Conv { kernel }))
                .collect(),
            activation: None,
            own_activations: BTreeMap::new(),
            placement: Placement::After,
        });
    }
    Space::new("micro", inputs, groups)
}

/// The largest width of [`micro`] within a budget.
const MICRO_WIDEST: usize = 128;
/// The widths of [`micro`] are multiples of this.
const MICRO_LANES: usize = 8;

/// Returns the sizes at which one member per head, with gated blocks, keeps the budget: the largest
/// possible basis, then the widest possible layers from the given width up to `widest`. If nothing
/// fits, returns the smallest basis and the given width; the search then has to choose cheaper
/// blocks.
///
/// # Errors
/// The inputs or the output are empty, or the width is 0.
pub fn largest_micro(
    inputs: usize,
    output: Shape,
    sizes: MicroSizes,
    widest: usize,
    fits: impl Fn(&Space, &[Architecture]) -> bool,
) -> Result<MicroSizes, Error> {
    for rank in MICRO_RANKS {
        let widths = (sizes.width..=widest.min(MICRO_WIDEST)).rev();
        for width in widths.filter(|width| width % MICRO_LANES == 0) {
            let larger = MicroSizes {
                width,
                rank,
                ..sizes
            };
            let space = micro(inputs, output, larger)?;
            let members: Vec<_> = (0..sizes.heads).map(|head| gated(&space, head)).collect();
            if fits(&space, &members) {
                return Ok(larger);
            }
        }
    }
    Ok(MicroSizes {
        rank: MICRO_RANKS[MICRO_RANKS.len() - 1],
        ..sizes
    })
}

/// The architecture of [`micro`] with gated blocks and one of its heads.
fn gated(space: &Space, head: usize) -> Architecture {
    let choice = |group: &Group| {
        let mut candidates = group.candidates.iter();
        match group.name.as_str() {
            "head" => head % group.candidates.len(),
            _ => candidates
                .position(|one| *one == Candidate::Gated)
                .unwrap_or(0),
        }
    };
    Architecture::new(space.groups().iter().map(choice).collect())
}

/// Returns [`micro`] for outputs that are a sequence or many values, with four kinds of heads and
/// three copies of each.
#[cfg(test)]
pub(crate) fn micro_with_kinds_of_heads(inputs: usize, output: Shape) -> Space {
    let space = micro(inputs, output, MicroSizes::default()).expect("neither is empty");
    let mut groups = space.groups().to_vec();
    let ranks = [16, 32, 48].map(|rank| Candidate::LowRank { rank });
    let kinds = [&[Candidate::Dense][..], &ranks].concat();
    groups[1 + MICRO_BLOCKS].candidates = kinds.repeat(4);
    Space::new(space.name(), inputs, groups).expect("heads lead from numbers to outputs")
}

/// Channels within the decoder of [`micro_decoder`].
const DECODER_CHANNELS: usize = 8;

/// Returns the super-architecture that answers for sequences and images within microseconds by a
/// small convolutional decoder.
///
/// It begins with the dense layer and two residual groups of [`micro`]. A group (dense, or low rank
/// 16) leads from there to a coarse grid of 8 channels, about a quarter of the output along each
/// axis. A group acts on that grid (zero, convolutions of 1, 3 and 5 taps). The next group doubles
/// the grid (zero, a convolution of 3 taps, transposed convolutions of 3 and 5 taps). The last
/// group doubles it again, to the outputs (convolutions or transposed convolutions of 3 and 5
/// taps).
///
/// # Errors
/// The inputs or the output are empty, or the output has no positions.
pub fn micro_decoder(inputs: usize, output: Shape) -> Result<Space, Error> {
    let half = halved(output, DECODER_CHANNELS);
    let quarter = halved(half, DECODER_CHANNELS);
    let conv = |kernel| Candidate::Conv { kernel };
    let tconv = |kernel| Candidate::TransposedConv { kernel, stride: 2 };
    let mut groups = micro_blocks(MicroSizes::default().width, 2);
    groups.push(Group {
        candidates: vec![Candidate::Dense, Candidate::LowRank { rank: 16 }],
        ..fixed("start", quarter)
    });
    groups.push(residual(
        "coarse",
        quarter,
        vec![Candidate::Zero, conv(1), conv(3), conv(5)],
    ));
    groups.push(residual(
        "grow",
        half,
        vec![Candidate::Zero, conv(3), tconv(3), tconv(5)],
    ));
    groups.push(Group {
        candidates: vec![conv(3), conv(5), tconv(3), tconv(5)],
        activation: None,
        ..fixed("output", output)
    });
    Space::new("micro-decoder", inputs, groups)
}

/// The shape from which a transposed convolution of stride 2 fills every position of this one.
fn halved(shape: Shape, channels: usize) -> Shape {
    let half = |length: usize| length / 2 + 1;
    match shape {
        Shape::Vector(size) => Shape::Vector(size),
        Shape::Sequence { length, .. } => Shape::Sequence {
            length: half(length),
            channels,
        },
        Shape::Image { height, width, .. } => Shape::Image {
            height: half(height),
            width: half(width),
            channels,
        },
    }
}

/// A dense layer to `width` values and `count` residual groups on them.
fn micro_blocks(width: usize, count: usize) -> Vec<Group> {
    let width = Shape::Vector(width);
    let blocks = vec![
        Candidate::Zero,
        Candidate::Dense,
        Candidate::LowRank { rank: 16 },
        Candidate::Gated,
    ];
    let names = (1..=count).map(|number| format!("block{number}"));
    let residual = names.map(|name| Group {
        placement: Placement::OnBranch,
        ..residual(&name, width, blocks.clone())
    });
    std::iter::once(fixed("dense", width))
        .chain(residual)
        .collect()
}

/// A fixed network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mlp {
    /// Three layers of width 64, the last two residual, and a dense head.
    Residual,
    /// Four layers of width 128, the last three residual, and a head of 48 basis functions of the
    /// outputs.
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

/// Returns a fixed network as a space without choices, together with its members.
///
/// Each group repeats its one operation `members` times, each time with weights of its own. Member
/// `k` takes the `k`-th copy everywhere, so members are independent. All layers but the first are
/// `x + silu(W x + b)`, like those of [`micro`].
///
/// # Errors
/// The inputs or the output are empty, or `members` is 0.
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
