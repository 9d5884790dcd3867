//! A super-architecture as hand-written TOML: docs/spaces.md.
//!
//! ```text
//! name = "mine"
//! inputs = 5
//!
//! [[group]]
//! name = "head"
//! length = 250
//! channels = 1
//! candidates = ["dense", "basis 32"]
//! activation = "silu"
//! ```
//!
//! Reading a text gives a valid [`Space`]. Writing a space and reading it back gives an equal
//! space.

use super::{Candidate, Error, Function, Group, Identity, Placement, Shape, Space};
use serde::{Deserialize, Serialize};

/// The fields of a space in TOML.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpaceText {
    name: String,
    inputs: usize,
    #[serde(default)]
    group: Vec<GroupText>,
}

/// The fields of a group in TOML.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupText {
    name: String,
    size: Option<usize>,
    length: Option<usize>,
    height: Option<usize>,
    width: Option<usize>,
    channels: Option<usize>,
    candidates: Vec<String>,
    #[serde(default)]
    identity: bool,
    activation: Option<Function>,
    #[serde(default)]
    placement: PlacementText,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PlacementText {
    #[default]
    After,
    Branch,
}

impl Space {
    /// Reads a super-architecture from TOML.
    ///
    /// # Errors
    /// The error names the line or the group at fault, the expected value, and the value found.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let parts: SpaceText = toml::from_str(text).map_err(|error| Error::Text {
            problem: error.to_string().trim_end().to_owned(),
        })?;
        let groups = parts.group.iter().map(GroupText::group);
        Self::new(&parts.name, parts.inputs, groups.collect::<Result<_, _>>()?)
    }

    /// Returns the super-architecture as TOML. [`Space::from_toml`] reads it back as an equal
    /// space.
    ///
    /// # Errors
    /// None in practice: every space has a TOML form.
    pub fn to_toml(&self) -> Result<String, Error> {
        let parts = SpaceText {
            name: self.name().to_owned(),
            inputs: self.inputs(),
            group: self.groups().iter().map(GroupText::of).collect(),
        };
        toml::to_string(&parts).map_err(|error| Error::Text {
            problem: error.to_string(),
        })
    }
}

impl GroupText {
    fn group(&self) -> Result<Group, Error> {
        let error = |problem: String| Error::Group {
            group: self.name.clone(),
            problem,
        };
        let candidates = self.candidates.iter().map(|text| candidate(text));
        let candidates = candidates.collect::<Result<Vec<_>, _>>().map_err(error)?;
        let own = candidates.iter().enumerate();
        let own = own.filter_map(|(index, (_, own))| Some((index, (*own)?)));
        Ok(Group {
            name: self.name.clone(),
            output: self.shape().map_err(error)?,
            identity: match self.identity {
                true => Identity::Beside,
                false => Identity::Absent,
            },
            own_activations: own.collect(),
            candidates: candidates
                .into_iter()
                .map(|(candidate, _)| candidate)
                .collect(),
            activation: self.activation,
            placement: match self.placement {
                PlacementText::After => Placement::After,
                PlacementText::Branch => Placement::OnBranch,
            },
        })
    }

    fn shape(&self) -> Result<Shape, String> {
        let keys = [
            ("size", self.size),
            ("length", self.length),
            ("height", self.height),
            ("width", self.width),
            ("channels", self.channels),
        ];
        match keys.map(|(_, value)| value) {
            [Some(size), None, None, None, None] => Ok(Shape::Vector(size)),
            [None, Some(length), None, None, Some(channels)] => {
                Ok(Shape::Sequence { length, channels })
            }
            [None, None, Some(height), Some(width), Some(channels)] => Ok(Shape::Image {
                height,
                width,
                channels,
            }),
            _ => {
                let there = keys.iter().filter(|(_, value)| value.is_some());
                let there: Vec<_> = there.map(|(key, _)| *key).collect();
                let got = match there.is_empty() {
                    true => "none of them".to_owned(),
                    false => there.join(", "),
                };
                Err(format!(
                    "its shape: expected the keys size (numbers), or length and channels (a sequence), or height, width \
                     and channels (an image), got {got}"
                ))
            }
        }
    }

    fn of(group: &Group) -> Self {
        let (mut size, mut length, mut height, mut width, mut channels) =
            (None, None, None, None, None);
        match group.output {
            Shape::Vector(numbers) => size = Some(numbers),
            Shape::Sequence {
                length: l,
                channels: c,
            } => (length, channels) = (Some(l), Some(c)),
            Shape::Image {
                height: h,
                width: w,
                channels: c,
            } => (height, width, channels) = (Some(h), Some(w), Some(c)),
        }
        Self {
            name: group.name.clone(),
            size,
            length,
            height,
            width,
            channels,
            candidates: (0..group.candidates.len())
                .map(|index| written(group, index))
                .collect(),
            identity: group.identity == Identity::Beside,
            activation: group.activation,
            placement: match group.placement {
                Placement::After => PlacementText::After,
                Placement::OnBranch => PlacementText::Branch,
            },
        }
    }
}

/// The stride of a transposed convolution if none is given.
const USUAL_STRIDE: usize = 2;

/// Activations by their names in candidates.
const ACTIVATIONS: [(&str, Function); 4] = [
    ("relu", Function::Relu),
    ("silu", Function::Silu),
    ("tanh", Function::Tanh),
    ("sine", Function::Sine),
];

/// Reads `conv 3`, or `conv 3 tanh` with an activation of its own.
fn candidate(text: &str) -> Result<(Candidate, Option<Function>), String> {
    let error = || {
        format!(
            "candidate {text:?}: expected zero, dense, gated, basis R, fourier F, conv K, tconv K or tconv K stride S, with whole \
             numbers, and behind it silu, tanh, relu or sine where it has an activation of its own"
        )
    };
    let number = |word: &str| word.parse::<usize>().map_err(|_| error());
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let own = words.last().and_then(|last| {
        let mut all = ACTIVATIONS.into_iter();
        all.find_map(|(name, activation)| (name == *last).then_some(activation))
    });
    if own.is_some() {
        words.pop();
    }
    let candidate = match words[..] {
        ["zero"] => Candidate::Zero,
        ["dense"] => Candidate::Dense,
        ["gated"] => Candidate::Gated,
        ["basis", rank] => Candidate::LowRank {
            rank: number(rank)?,
        },
        ["fourier", frequencies] => Candidate::Fourier {
            frequencies: number(frequencies)?,
        },
        ["conv", kernel] => Candidate::Conv {
            kernel: number(kernel)?,
        },
        ["tconv", kernel] => Candidate::TransposedConv {
            kernel: number(kernel)?,
            stride: USUAL_STRIDE,
        },
        ["tconv", kernel, "stride", stride] => Candidate::TransposedConv {
            kernel: number(kernel)?,
            stride: number(stride)?,
        },
        _ => return Err(error()),
    };
    Ok((candidate, own))
}

/// Returns a candidate in the form that [`candidate`] reads.
fn written(group: &Group, index: usize) -> String {
    let operation = match group.candidates[index] {
        Candidate::Zero => "zero".to_owned(),
        Candidate::Dense => "dense".to_owned(),
        Candidate::Gated => "gated".to_owned(),
        Candidate::LowRank { rank } => format!("basis {rank}"),
        Candidate::Fourier { frequencies } => format!("fourier {frequencies}"),
        Candidate::Conv { kernel } => format!("conv {kernel}"),
        Candidate::TransposedConv {
            kernel,
            stride: USUAL_STRIDE,
        } => format!("tconv {kernel}"),
        Candidate::TransposedConv { kernel, stride } => format!("tconv {kernel} stride {stride}"),
    };
    let own = group.own_activations.get(&index);
    let name = ACTIVATIONS
        .iter()
        .find(|(_, activation)| Some(activation) == own);
    name.map_or(operation.clone(), |(name, _)| format!("{operation} {name}"))
}

#[cfg(test)]
mod tests {
    use super::super::presets::{MicroSizes, Mlp, PaperWidths, micro, micro_decoder, mlp, paper};
    use super::*;
    use std::collections::BTreeMap;

    fn example() -> String {
        let page = include_str!("../../../docs/spaces.md");
        let begun = page
            .split("```toml\n")
            .nth(1)
            .expect("the page has an example");
        begun.split("```").next().expect("it ends").to_owned()
    }

    #[test]
    fn the_example_of_the_documentation_is_read_as_it_says() {
        let space = Space::from_toml(&example()).unwrap();
        assert_eq!((space.name(), space.inputs()), ("small-images", 3));
        assert_eq!(
            space.output(),
            Shape::Image {
                height: 9,
                width: 7,
                channels: 2
            }
        );
        let candidates: Vec<_> = space.groups().iter().map(|g| g.candidates.len()).collect();
        assert_eq!(candidates, [1, 3, 2, 4, 2]);
        assert_eq!(Space::from_toml(&space.to_toml().unwrap()).unwrap(), space);
    }

    #[test]
    fn every_preset_is_read_back_as_it_was_written() {
        let shapes = [
            Shape::Vector(7),
            Shape::Sequence {
                length: 250,
                channels: 2,
            },
            Shape::Image {
                height: 65,
                width: 64,
                channels: 1,
            },
        ];
        for output in shapes {
            let mut spaces = vec![
                paper(5, output, PaperWidths::default()).unwrap(),
                micro(5, output, MicroSizes::default()).unwrap(),
            ];
            spaces.extend(micro_decoder(5, output));
            spaces.extend(Mlp::ALL.map(|kind| mlp(5, output, kind, 3).unwrap().0));
            for space in spaces {
                let text = space.to_toml().unwrap();
                assert_eq!(Space::from_toml(&text).unwrap(), space, "{text}");
            }
        }
    }

    #[test]
    fn whatever_a_space_may_have_is_read_back() {
        let group = |name: &str, activation, placement, candidates| Group {
            name: name.to_owned(),
            output: Shape::Sequence {
                length: 9,
                channels: 2,
            },
            identity: Identity::Absent,
            candidates,
            activation,
            own_activations: BTreeMap::from([(1, Function::Silu)]),
            placement,
        };
        let tconv = |stride| Candidate::TransposedConv { kernel: 3, stride };
        let groups = vec![
            group(
                "a",
                Some(Function::Tanh),
                Placement::After,
                vec![Candidate::Dense; 2],
            ),
            group(
                "b_1-x",
                Some(Function::Relu),
                Placement::OnBranch,
                vec![tconv(1), tconv(3)],
            ),
            group(
                "c",
                Some(Function::Sine),
                Placement::After,
                vec![Candidate::Fourier { frequencies: 8 }; 2],
            ),
        ];
        let space = Space::new("s", 3, groups).unwrap();
        assert_eq!(Space::from_toml(&space.to_toml().unwrap()).unwrap(), space);
    }

    #[test]
    fn a_wrong_text_is_refused_with_the_group_or_the_line_and_what_was_expected() {
        let table = [
            (
                "\"conv 3\"",
                "\"conv3\"",
                "\"coarse\": candidate \"conv3\": expected zero, dense, gated, basis R",
            ),
            (
                "\"conv 3\"",
                "\"conv 4\"",
                "\"coarse\": candidate 1, Conv { kernel: 4 }: expected an odd kernel, got 4",
            ),
            (
                "\"conv 3\"",
                "\"conv -3\"",
                "\"coarse\": candidate \"conv -3\"",
            ),
            (
                "\"zero\"",
                "\"zero tanh\"",
                "\"coarse\": candidate 0 has an activation of its own: expected an operation",
            ),
            (
                "height = 5\n",
                "",
                "\"coarse\": its shape: expected the keys size",
            ),
            ("height = 5\n", "heigth = 5\n", "heigth"),
            ("activation = \"silu\"", "activation = \"gelu\"", "gelu"),
            ("inputs = 3\n", "", "inputs"),
            (
                "name = \"coarse\"",
                "name = \"start\"",
                "two groups are called \"start\"",
            ),
            (
                "name = \"coarse\"",
                "name = \"a/b\"",
                "\"a/b\": expected a name of letters, digits, - and _",
            ),
            (
                "name = \"small-images\"",
                "name = \"../x\"",
                "\"../x\": expected a name of letters, digits, - and _",
            ),
        ];
        for (there, instead, reason) in table {
            let text = example();
            let place = text.find("name = \"coarse\"").unwrap();
            // The first match after the group at fault, or the first of all.
            let at = text[place..]
                .find(there)
                .map_or_else(|| text.find(there), |at| Some(place + at));
            let at = at.unwrap_or_else(|| panic!("{there:?} is in the example"));
            let changed = format!("{}{instead}{}", &text[..at], &text[at + there.len()..]);
            let error = Space::from_toml(&changed).unwrap_err().to_string();
            assert!(error.contains(reason), "{there:?} -> {instead:?}: {error}");
        }
        assert!(Space::from_toml("name = \"empty\"\ninputs = 1").is_err());
    }
}
