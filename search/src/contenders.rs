//! The contenders of a run: a space to search, or fixed networks of which the better one ships.

use crate::budget::Terms;
use crate::components::Components;
use crate::control::{CONTROL, control};
use crate::data::{Dataset, Layout, Transform};
use crate::error::{Context, Error, Result, bail, ensure};
use crate::events::Observer;
use crate::fixed::{self, Conditions, led_on};
use crate::kind::Kind;
use crate::space::presets::{self, MicroSizes, Mlp, PaperWidths};
use crate::space::{self, Architecture, Shape, Space};
use crate::training::Members;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

/// The names that `--space` takes, in addition to kinds of networks and to files.
pub const SPACES: [&str; 7] = [
    RACE,
    "micro",
    "micro-decoder",
    "paper",
    "mlp",
    "mlp-residual",
    "mlp-basis",
];

/// The space whose kinds of fixed networks race.
pub const RACE: &str = "race";
/// Between the names of kinds that are to race.
const BETWEEN: char = ',';

/// Returns what is expected of `--space`.
fn expected() -> String {
    format!(
        "expected {}; {} or other kinds of networks (docs/training.md), with commas if they are to race; or a file that ends in .toml (docs/spaces.md)",
        SPACES.join(", "),
        Kind::GATED.name()
    )
}

/// Returns the kinds of these names.
fn kinds_named(names: &str) -> Option<Vec<Kind>> {
    names.split(BETWEEN).map(Kind::named).collect()
}

/// Returns the name of a preset or of kinds of networks.
///
/// # Errors
/// There is none of this name.
pub fn preset_name(name: &str) -> Result<String, String> {
    match SPACES.contains(&name) || kinds_named(name).is_some() {
        true => Ok(name.to_owned()),
        false => Err(expected()),
    }
}

/// The value of `--space`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpaceArgument {
    /// One of [`SPACES`], or kinds of networks.
    Preset(String),
    /// A TOML file.
    File(PathBuf),
}

impl FromStr for SpaceArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().ends_with(".toml") {
            true => Ok(Self::File(text.into())),
            false => preset_name(text).map(Self::Preset),
        }
    }
}

impl SpaceArgument {
    /// Reads the file, if the choice is a file.
    ///
    /// # Errors
    /// The file cannot be read, or is not the TOML of a super-architecture.
    pub fn read(&self) -> Result<SpaceChoice> {
        match self {
            Self::Preset(name) => Ok(SpaceChoice::Preset(name.clone())),
            Self::File(path) => {
                let text = fs::read_to_string(path).with_context(|| {
                    format!(
                        "--space {}: cannot be read; check the path, or name a preset",
                        path.display()
                    )
                })?;
                let space = Space::from_toml(&text)
                    .with_context(|| format!("--space {}", path.display()))?;
                Ok(SpaceChoice::Given(space))
            }
        }
    }
}

/// The space to search, as a run's description stores it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SpaceChoice {
    /// One of [`SPACES`], or kinds of networks.
    Preset(String),
    /// A super-architecture that the user wrote.
    Given(Space),
}

impl SpaceChoice {
    /// Whether kinds of fixed networks race.
    #[must_use]
    pub fn is_race(&self) -> bool {
        match self {
            Self::Preset(name) => name == RACE || kinds_named(name).is_some(),
            Self::Given(_) => false,
        }
    }

    /// Returns the kinds of networks that may race for this number of outputs; none if the space is
    /// searched.
    #[must_use]
    pub fn kinds(&self, outputs: usize) -> Vec<Kind> {
        match self {
            Self::Preset(name) if name == RACE => {
                Kind::all().filter(|kind| kind.applies(outputs)).collect()
            }
            Self::Preset(names) => {
                let named = kinds_named(names).unwrap_or_default();
                let mut kinds: Vec<Kind> = Vec::new();
                for kind in named {
                    let kind = kind.for_outputs(outputs);
                    if !kinds.contains(&kind) {
                        kinds.push(kind);
                    }
                }
                kinds
            }
            Self::Given(_) => Vec::new(),
        }
    }

    /// Whether the kinds that race are chosen by what they are known to be worth.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Preset(name) if name == RACE)
    }

    /// Whether large outputs are learnt by their components. A space that refines positions, or
    /// that the user wrote, learns the outputs themselves.
    #[must_use]
    pub fn takes_components(&self) -> bool {
        match self {
            Self::Preset(name) => name == "micro" || name.starts_with("mlp") || self.is_race(),
            Self::Given(_) => false,
        }
    }

    /// Returns the contenders for these data: more than one if the better of them is to be chosen.
    /// If the outputs have components, the trained groups lead to the components, and a fixed group
    /// leads from them to the outputs.
    ///
    /// # Errors
    /// There is no such preset, the preset does not support such outputs, or the space has other
    /// inputs or outputs.
    pub fn contenders(
        &self,
        data: &Dataset,
        components: Option<&Arc<Components>>,
        members: usize,
        sizes: MicroSizes,
    ) -> Result<Vec<Contender>> {
        match (self, components) {
            (Self::Preset(name), None) => contenders(name, data, members, sizes),
            (Self::Preset(name), Some(components)) => {
                let (label, layout) = (data.label(), data.layout());
                let target = Target {
                    inputs: data.input_count(),
                    output: components.node(),
                    label,
                    layout,
                };
                let all = contenders_onto(name, target, members, sizes)?.into_iter();
                let output = output_shape(data);
                Ok(all
                    .map(|one| one.led_on(components, output))
                    .collect::<Result<_, _>>()?)
            }
            (Self::Given(space), _) => {
                check_fit(space, data)?;
                Ok(vec![Contender {
                    components: None,
                    space: space.clone(),
                    members: Members::Searched(members),
                    teaching: Teaching::Untaught,
                    role: Role::Search,
                }])
            }
        }
    }
}

/// Checks that a space leads from the inputs of these data to their outputs.
fn check_fit(space: &Space, data: &Dataset) -> Result<()> {
    let advice = "`dense-search space micro --for DATA` prints one that fits";
    ensure!(
        Settings,
        space.name() != CONTROL,
        "super-architecture {CONTROL:?}: the fixed network beside a search has this name; choose another"
    );
    ensure!(
        Settings,
        space.inputs() == data.input_count(),
        "super-architecture {:?}: expected inputs = {}, as {} has, got {}; {advice}",
        space.name(),
        data.input_count(),
        data.label(),
        space.inputs()
    );
    let (expected, got) = (output_shape(data), space.output());
    let last = space.groups().last().map_or("", |group| &group.name);
    ensure!(
        Settings,
        expected == got,
        "operation group {last:?}: the last group leads to the outputs of {}: expected {}, got {}; {advice}",
        data.label(),
        space::named(expected),
        space::named(got)
    );
    Ok(())
}

/// A super-architecture and the way its members are chosen.
#[derive(Debug, Clone)]
pub struct Contender {
    /// The super-architecture.
    pub space: Space,
    /// The way its members are chosen.
    pub members: Members,
    /// Its additional training data.
    pub teaching: Teaching,
    /// Its role in the run.
    pub role: Role,
    /// The components that its last group, which is not trained, expands to outputs.
    pub components: Option<Arc<Components>>,
}

/// The training data of a contender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Teaching {
    /// The simulated rows only.
    Untaught,
    /// The predictions of a [`teacher`](crate::teacher) too.
    Taught,
}

/// The role of a contender in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The purpose of the run: a search, or the fixed networks that the user asked for.
    Search,
    /// The fixed network beside a search.
    Control,
    /// Random search beside the main search.
    Random,
}

impl Role {
    /// Returns its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Control => "control",
            Self::Random => "random",
        }
    }
}

impl Contender {
    /// Returns a fixed network.
    #[must_use]
    pub fn fixed(
        space: Space,
        members: Vec<Architecture>,
        components: Option<Arc<Components>>,
    ) -> Self {
        Self {
            space,
            members: Members::Given(members),
            teaching: Teaching::Untaught,
            role: Role::Search,
            components,
        }
    }

    /// Returns the name of its checkpoint, which is unique in a run.
    #[must_use]
    pub fn name(&self) -> String {
        let random = match self.role {
            Role::Random => "-random",
            _ => "",
        };
        let taught = match self.teaching {
            Teaching::Untaught => "",
            Teaching::Taught => "-taught",
        };
        format!("{}{random}{taught}", self.space.name())
    }

    /// Returns a random search over the same space.
    #[must_use]
    pub fn at_random(&self) -> Self {
        Self {
            members: match self.members {
                Members::Searched(count) => Members::Random(count),
                ref given => given.clone(),
            },
            role: Role::Random,
            ..self.clone()
        }
    }

    /// Returns the control for a search with these contenders, on the same terms; `None` if the
    /// budget has no room for it.
    ///
    /// # Errors
    /// The outputs are empty.
    pub fn control(
        data: &Dataset,
        searched: &[Self],
        members: usize,
        terms: Terms<'_>,
        transform: Transform,
    ) -> Result<Option<Self>, space::Error> {
        let spaces = searched.iter().map(|one| &one.space);
        let components = searched.iter().find_map(|one| one.components.as_ref());
        let conditions = Conditions {
            inputs: data.input_count(),
            output: output_shape(data),
            components: components.map(Arc::as_ref),
            members,
            terms,
            transform,
        };
        let found = control(conditions, spaces)?;
        Ok(found.map(|(space, given)| Self {
            space,
            members: Members::Given(given),
            teaching: Teaching::Untaught,
            role: Role::Control,
            components: components.cloned(),
        }))
    }

    /// Returns the contender with an added group that leads from components to the outputs.
    fn led_on(self, components: &Arc<Components>, output: Shape) -> Result<Self, space::Error> {
        Ok(Self {
            space: components.onto(&self.space, output)?,
            members: match self.members {
                Members::Given(members) => Members::Given(led_on(&members)),
                searched => searched,
            },
            components: Some(Arc::clone(components)),
            ..self
        })
    }

    /// Returns the contender with a teacher.
    #[must_use]
    pub fn taught(&self) -> Self {
        Self {
            teaching: Teaching::Taught,
            ..self.clone()
        }
    }
}

/// The data that a preset is built for.
#[derive(Debug, Clone, Copy)]
struct Target<'a> {
    inputs: usize,
    output: Shape,
    /// Label and layout of the data, for messages.
    label: &'a str,
    layout: Layout,
}

/// Returns the contenders that a preset trains on these data: more than one if the better of them
/// is to be chosen.
///
/// `sizes` applies to `micro`.
///
/// # Errors
/// There is no such space, or it does not support such outputs.
pub fn contenders(
    space: &str,
    data: &Dataset,
    members: usize,
    sizes: MicroSizes,
) -> Result<Vec<Contender>> {
    let target = Target {
        inputs: data.input_count(),
        output: output_shape(data),
        label: data.label(),
        layout: data.layout(),
    };
    contenders_onto(space, target, members, sizes)
}

fn contenders_onto(
    space: &str,
    target: Target<'_>,
    members: usize,
    sizes: MicroSizes,
) -> Result<Vec<Contender>> {
    let Target { inputs, output, .. } = target;
    let contender = |space, members| Contender {
        space,
        members,
        teaching: Teaching::Untaught,
        role: Role::Search,
        components: None,
    };
    let searched = |space| contender(space, Members::Searched(members));
    let fixed = |kind| {
        let (space, members) = presets::mlp(inputs, output, kind, members)?;
        Ok::<_, Error>(contender(space, Members::Given(members)))
    };
    let usual = |kind: Kind| {
        let (space, given) = fixed::usual(kind, inputs, output, members)?;
        Ok::<_, Error>(contender(space, Members::Given(given)))
    };
    Ok(match space {
        "micro" => {
            let mut all = vec![searched(presets::micro(inputs, output, sizes)?)];
            if let Shape::Image { .. } = output {
                all.push(searched(presets::micro_decoder(inputs, output)?));
            }
            all
        }
        "micro-decoder" => match output {
            Shape::Vector(_) => bail!(
                Settings,
                "{}: outputs of layout {}: --space micro-decoder searches curves and images; try --space micro",
                target.label,
                target.layout
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
        "mlp" => Mlp::ALL.into_iter().map(fixed).collect::<Result<_>>()?,
        "mlp-residual" => vec![fixed(Mlp::Residual)?],
        "mlp-basis" => vec![fixed(Mlp::Basis)?],
        RACE => {
            let kinds = Kind::all().filter(|kind| kind.applies(output.size()));
            kinds.map(usual).collect::<Result<_>>()?
        }
        other => match kinds_named(other) {
            Some(kinds) => kinds.into_iter().map(usual).collect::<Result<_>>()?,
            None => bail!(Settings, "--space {other}: {}", expected()),
        },
    })
}

/// Returns the super-architecture of this preset for such data. `widths` applies to `paper`.
///
/// # Errors
/// The preset trains several spaces, does not support such outputs, or does not take widths.
pub fn preset(
    preset: &str,
    data: &Dataset,
    channels: Option<usize>,
    dense: Option<usize>,
    observer: &dyn Observer,
) -> Result<Space> {
    let default = PaperWidths::default();
    match (preset, channels, dense) {
        ("paper", _, _) => {
            let widths = PaperWidths {
                dense: dense.unwrap_or(default.dense),
                channels: channels.unwrap_or(default.channels),
            };
            let output = output_shape(data);
            return Ok(presets::paper(data.input_count(), output, widths)?);
        }
        (_, None, None) => {}
        _ => bail!(
            Settings,
            "{preset}: --channels and --dense set the widths of paper; change the text of another"
        ),
    }
    let all = contenders(preset, data, 1, MicroSizes::default())?;
    let names: Vec<_> = all.iter().map(|one| one.space.name().to_owned()).collect();
    let named = all.into_iter().find(|one| one.space.name() == preset);
    let Some(named) = named else {
        bail!(
            Settings,
            "{preset}: trains {}; name one of them",
            names.join(" and ")
        );
    };
    let others = names
        .iter()
        .filter(|name| *name != preset && preset_name(name).is_ok());
    for other in others {
        observer.note(format!(
            "on these data, --space {preset} trains {other} too"
        ));
    }
    Ok(named.space)
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
