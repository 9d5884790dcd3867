//! What is trained for one run: a space to search, or fixed networks of which the better one ships.

use crate::data::{Dataset, Layout};
use crate::space::presets::{self, Mlp, PaperWidths};
use crate::space::{Shape, Space};
use crate::training::Members;
use anyhow::bail;

/// The names that `--space` takes.
pub const SPACES: [&str; 6] = [
    "micro",
    "micro-decoder",
    "paper",
    "mlp",
    "mlp-residual",
    "mlp-basis",
];

/// A super-architecture, and where its members come from.
#[derive(Debug, Clone)]
pub struct Contender {
    /// The super-architecture.
    pub space: Space,
    /// Where its members come from.
    pub members: Members,
    /// What else it trains on.
    pub teaching: Teaching,
}

/// What a contender trains on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Teaching {
    /// The simulated rows.
    Untaught,
    /// What a [`teacher`](crate::teacher) says, too.
    Taught,
}

impl Contender {
    /// Returns the name of its checkpoint.
    #[must_use]
    pub fn name(&self) -> String {
        match self.teaching {
            Teaching::Untaught => self.space.name().to_owned(),
            Teaching::Taught => format!("{}-taught", self.space.name()),
        }
    }

    /// Returns it with a teacher.
    #[must_use]
    pub fn taught(&self) -> Self {
        Self {
            teaching: Teaching::Taught,
            ..self.clone()
        }
    }
}

/// Returns what `--space` asks to be trained on these data: more than one where the better is to be chosen.
///
/// # Errors
/// There is no such space, or it has none for outputs like these.
pub fn contenders(space: &str, data: &Dataset, members: usize) -> anyhow::Result<Vec<Contender>> {
    let inputs = data.input_count();
    let output = output_shape(data);
    let searched = |space| Contender {
        space,
        members: Members::Searched(members),
        teaching: Teaching::Untaught,
    };
    let fixed = |kind| {
        let (space, members) = presets::mlp(inputs, output, kind, members)?;
        Ok(Contender {
            space,
            members: Members::Given(members),
            teaching: Teaching::Untaught,
        })
    };
    Ok(match space {
        "micro" => {
            let mut all = vec![searched(presets::micro(inputs, output)?)];
            if let Shape::Image { .. } = output {
                all.push(searched(presets::micro_decoder(inputs, output)?));
            }
            all
        }
        "micro-decoder" => match output {
            Shape::Vector(_) => bail!(
                "{}: outputs of layout {}: --space micro-decoder searches curves and images; try --space micro",
                data.label(),
                data.layout()
            ),
            _ => vec![searched(presets::micro_decoder(inputs, output)?)],
        },
        "paper" => {
            vec![searched(presets::paper(
                inputs,
                output,
                PaperWidths::default(),
            )?)]
        }
        "mlp" => Mlp::ALL
            .into_iter()
            .map(fixed)
            .collect::<anyhow::Result<_>>()?,
        "mlp-residual" => vec![fixed(Mlp::Residual)?],
        "mlp-basis" => vec![fixed(Mlp::Basis)?],
        other => bail!("--space {other}: expected {}", SPACES.join(", ")),
    })
}

/// Returns the shape of the network's outputs.
#[must_use]
pub fn output_shape(data: &Dataset) -> Shape {
    match (data.layout(), data.shape()) {
        (Layout::Curve, _) => Shape::Sequence {
            length: data.output_count(),
            channels: 1,
        },
        (Layout::Curves, &[channels, length]) => Shape::Sequence { length, channels },
        (Layout::Image, &[height, width]) => Shape::Image {
            height,
            width,
            channels: 1,
        },
        (Layout::Images, &[channels, height, width]) => Shape::Image {
            height,
            width,
            channels,
        },
        _ => Shape::Vector(data.output_count()),
    }
}
