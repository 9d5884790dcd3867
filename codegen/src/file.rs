//! The emulator file: one `.safetensors` with the parameters as tensors and everything else as JSON
//! in its metadata.
//!
//! The metadata has the single key `dense`: `{ "format": 3, "sha256": ..., "content": ... }`. The
//! hash covers the content's text and the name, shape and bytes of every tensor, so that every
//! change is detected. The same emulator gives the same bytes: keys are sorted, and nothing depends
//! on time or place.

use crate::aside::write_whole;
use crate::emulator::{Calibration, Emulator, EmulatorParts, InputVariable, Outputs};
use crate::graph::{Graph, NodeId, Operation};
use crate::local::{Coordinates, Coverage, ErrorScale, Local};
use crate::{Error, Result};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;

/// The newest version of the format. Version 2 added the error scale and the neighbourhood of the
/// training points, version 3 slopes (all as further tensors) and offsets and scales of outputs,
/// version 4 the operation `clip`, version 5 the activation `sine`. An emulator is written in the oldest version that can hold it.
/// Versions from 1 on can be read.
pub const FORMAT: u64 = 5;

/// The metadata's key. With a second key, the order of the file's bytes would depend on a hash map.
const KEY: &str = "dense";
/// The prefix of every parameter's tensor, so that no name collides with the calibration's.
const PARAMETER: &str = "parameter/";
const GAIN: &str = "calibration/gain";
const UNIT: &str = "calibration/unit";
const FLOOR: &str = "calibration/floor";
/// Added in version 3.
const SLOPE: &str = "calibration/slope";
/// The prefixes of the tensors added in version 2.
const ERROR_SCALE: &str = "error scale/";
const COVERAGE: &str = "coverage/";

/// Advice for a file that was complete once and has changed since.
const COPY_AGAIN: &str = "copy it again from where it was made, or run the search again";

/// Everything in an emulator that is not an array.
#[derive(Serialize, Deserialize)]
struct Content {
    inputs: Vec<InputVariable>,
    outputs: Outputs,
    parameters: Vec<String>,
    nodes: Vec<StoredNode>,
    members: Vec<NodeId>,
    provenance: BTreeMap<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct StoredNode {
    operation: Operation,
    inputs: Vec<NodeId>,
}

/// Shape and little-endian bytes of each tensor, by name.
type Tensors = BTreeMap<String, (Vec<usize>, Vec<u8>)>;

/// Writes the emulator under a temporary name, then renames it to `path`, so that a file there is
/// always complete.
///
/// # Errors
/// The file cannot be written.
pub fn save(emulator: &Emulator, path: &Path) -> Result<()> {
    write_whole(path, &to_bytes(emulator)).map_err(|source| Error::Io {
        action: "write",
        path: path.into(),
        source,
    })
}

/// Reads an emulator.
///
/// # Errors
/// Those of [`from_bytes`], and the file cannot be read.
pub fn load(path: &Path) -> Result<Emulator> {
    let bytes = std::fs::read(path).map_err(|source| Error::Io {
        action: "read",
        path: path.into(),
        source,
    })?;
    from_bytes(&bytes, path)
}

/// The file's bytes.
#[must_use]
pub fn to_bytes(emulator: &Emulator) -> Vec<u8> {
    let graph = emulator.graph();
    let nodes = graph.nodes().iter().skip(1);
    let content = Content {
        inputs: emulator.inputs().to_vec(),
        outputs: emulator.outputs().clone(),
        parameters: graph
            .parameters()
            .iter()
            .map(|(_, parameter)| parameter.name().into())
            .collect(),
        nodes: nodes
            .map(|node| StoredNode {
                operation: node.operation().clone(),
                inputs: node.inputs().into(),
            })
            .collect(),
        members: emulator.members().into(),
        provenance: emulator.provenance().clone(),
    };
    let content =
        serde_json::to_string(&content).expect("content has string keys only and finite numbers");
    let tensors = tensors(emulator);
    let metadata = serde_json::json!({ "format": format_of(emulator), "sha256": hash(&content, &tensors), "content": content });
    let views = tensors.iter().map(|(name, (shape, bytes))| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
        (
            name,
            view.expect("a parameter has as many values as its shape says"),
        )
    });
    safetensors::serialize(
        views,
        Some(HashMap::from([(KEY.into(), metadata.to_string())])),
    )
    .expect("views of checked arrays can be laid out")
}

fn tensors(emulator: &Emulator) -> Tensors {
    let bytes = |values: &[f32]| {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect::<Vec<_>>()
    };
    let Calibration {
        gain,
        unit,
        floor,
        slope,
    } = emulator.calibration();
    let parameters = emulator.graph().parameters().iter().map(|(_, parameter)| {
        (
            format!("{PARAMETER}{}", parameter.name()),
            (parameter.shape().to_vec(), bytes(parameter.values())),
        )
    });
    let calibration = [
        (GAIN, std::slice::from_ref(gain)),
        (UNIT, unit),
        (FLOOR, floor),
    ];
    let slope = slope.iter().map(|slope| (SLOPE, &slope[..]));
    let calibration = calibration
        .into_iter()
        .chain(slope)
        .map(|(name, values)| (name.into(), (vec![values.len()], bytes(values))));
    let local = local_tensors(emulator.local());
    let local = local.map(|(name, shape, values)| (name, (shape, bytes(&values))));
    parameters.chain(calibration).chain(local).collect()
}

/// The oldest version of the format that can hold the emulator.
fn format_of(emulator: &Emulator) -> u64 {
    let nodes = emulator.graph().nodes().iter();
    let operations = nodes.map(|node| node.operation().format()).max();
    operations.unwrap_or(1).max(format_of_numbers(emulator))
}

/// The oldest version of the format that can hold everything but the operations.
fn format_of_numbers(emulator: &Emulator) -> u64 {
    if emulator.calibration().slope.is_some() || emulator.outputs().relative.is_some() {
        3
    } else if *emulator.local() != Local::default() {
        2
    } else {
        1
    }
}

/// Name, shape and values of the tensors added in version 2, if present.
fn local_tensors(local: &Local) -> impl Iterator<Item = (String, Vec<usize>, Vec<f32>)> {
    let mut tensors = Vec::new();
    let mut push = |group: &str, name: &str, shape: &[usize], values: &[f32]| {
        tensors.push((format!("{group}{name}"), shape.to_vec(), values.to_vec()));
    };
    if let Some(scale) = &local.error_scale {
        let inputs = [scale.linear.len()];
        push(ERROR_SCALE, "centre", &inputs, &scale.coordinates.centre);
        push(ERROR_SCALE, "scale", &inputs, &scale.coordinates.scale);
        push(ERROR_SCALE, "linear", &inputs, &scale.linear);
        push(ERROR_SCALE, "square", &inputs, &scale.square);
        let [least, most] = scale.limits;
        push(
            ERROR_SCALE,
            "constant and limits",
            &[3],
            &[scale.constant, least, most],
        );
    }
    if let Some(coverage) = &local.coverage {
        let inputs = coverage.coordinates.centre.len();
        push(COVERAGE, "centre", &[inputs], &coverage.coordinates.centre);
        push(COVERAGE, "scale", &[inputs], &coverage.coordinates.scale);
        push(
            COVERAGE,
            "whitening",
            &[inputs, inputs],
            &coverage.whitening,
        );
        push(
            COVERAGE,
            "centres",
            &[coverage.count(), inputs],
            &coverage.centres,
        );
        push(COVERAGE, "square radius", &[1], &[coverage.square_radius]);
    }
    tensors.into_iter()
}

/// The SHA-256 of the whole emulator, in hexadecimal. Each part is preceded by its length, so that
/// different parts cannot give the same bytes.
fn hash(content: &str, tensors: &Tensors) -> String {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(content.as_bytes());
    for (name, (shape, bytes)) in tensors {
        part(name.as_bytes());
        part(format!("{shape:?}").as_bytes());
        part(bytes);
    }
    hash.finalize()
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes every text");
            text
        })
}

/// The emulator in a file's bytes; errors name `origin`.
///
/// # Errors
/// The bytes are not an emulator file, have a newer format, are truncated, or have changed since
/// they were written.
pub fn from_bytes(bytes: &[u8], origin: &Path) -> Result<Emulator> {
    let fail = |problem: String, advice| Error::File {
        path: origin.into(),
        problem,
        advice,
    };
    let damaged = |what: &str| fail(format!("damaged: {what}"), COPY_AGAIN);

    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| {
        fail(
            format!("not a whole .safetensors file ({error})"),
            COPY_AGAIN,
        )
    })?;
    let metadata = header
        .metadata()
        .as_ref()
        .and_then(|metadata| metadata.get(KEY))
        .ok_or_else(|| {
            fail(
                format!("no metadata {KEY:?}: not an emulator file"),
                "give the emulator.safetensors of a finished search",
            )
        })?;
    let metadata: Value =
        serde_json::from_str(metadata).map_err(|error| damaged(&error.to_string()))?;
    let format = metadata["format"]
        .as_u64()
        .ok_or_else(|| damaged("no format version"))?;
    if !(1..=FORMAT).contains(&format) {
        let problem = format!("format {format}; this program reads formats 1 to {FORMAT}");
        return Err(fail(
            problem,
            "use the version of the program that wrote it, or search again with this one",
        ));
    }
    let tensors = read_tensors(bytes).map_err(|error| damaged(&error))?;
    let content = metadata["content"]
        .as_str()
        .ok_or_else(|| damaged("no content"))?;
    if metadata["sha256"] != hash(content, &tensors) {
        return Err(damaged(
            "its content does not have the hash that was stored with it",
        ));
    }
    let content = serde_json::from_str(content).map_err(|error| damaged(&error.to_string()))?;
    rebuild(content, tensors).map_err(|problem| damaged(&problem))
}

fn read_tensors(bytes: &[u8]) -> Result<Tensors, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let tensor = |(name, view): (&str, TensorView<'_>)| match view.dtype() {
        Dtype::F32 => Ok((
            name.to_owned(),
            (view.shape().to_vec(), view.data().to_vec()),
        )),
        other => Err(format!("tensor {name:?}: expected F32, got {other:?}")),
    };
    file.iter().map(tensor).collect()
}

/// Builds the emulator with the checks for new ones.
fn rebuild(content: Content, mut tensors: Tensors) -> Result<Emulator, String> {
    let has = |group: &str| tensors.keys().any(|name| name.starts_with(group));
    let (has_scale, has_coverage) = (has(ERROR_SCALE), has(COVERAGE));
    let has_slope = has(SLOPE);
    let mut take = |name: &str| {
        let (shape, bytes) = tensors
            .remove(name)
            .ok_or_else(|| format!("no tensor {name:?}"))?;
        let values: Vec<_> = bytes
            .as_chunks()
            .0
            .iter()
            .map(|&bytes| f32::from_le_bytes(bytes))
            .collect();
        Ok::<_, String>((shape, values))
    };
    let mut graph = Graph::new(content.inputs.len());
    for name in &content.parameters {
        let (shape, values) = take(&format!("{PARAMETER}{name}"))?;
        graph
            .parameter(name, &shape, values)
            .map_err(|error| error.to_string())?;
    }
    for (index, StoredNode { operation, inputs }) in content.nodes.into_iter().enumerate() {
        let node = graph
            .push(operation, &inputs)
            .map_err(|error| error.to_string())?;
        if node.index() != index + 1 {
            return Err(format!("node {} repeats node {}", index + 1, node.index()));
        }
    }
    let gain = match take(GAIN)?.1[..] {
        [gain] => gain,
        ref other => return Err(format!("{GAIN}: expected one number, got {}", other.len())),
    };
    let calibration = Calibration {
        gain,
        unit: take(UNIT)?.1,
        floor: take(FLOOR)?.1,
        slope: has_slope
            .then(|| take(SLOPE))
            .transpose()?
            .map(|(_, slope)| slope),
    };
    let mut numbers = |group: &str, name: &str| Ok::<_, String>(take(&format!("{group}{name}"))?.1);
    let mut coordinates = |group: &str| {
        Ok::<_, String>(Coordinates {
            centre: numbers(group, "centre")?,
            scale: numbers(group, "scale")?,
        })
    };
    let places = [(has_scale, ERROR_SCALE), (has_coverage, COVERAGE)];
    let [scale_places, coverage_places] =
        places.map(|(there, group)| there.then(|| coordinates(group)).transpose());
    let error_scale = match scale_places? {
        None => None,
        Some(coordinates) => {
            let name = "constant and limits";
            let [constant, least, most] = numbers(ERROR_SCALE, name)?[..] else {
                return Err(format!("{ERROR_SCALE}{name}: expected three numbers"));
            };
            Some(ErrorScale {
                coordinates,
                linear: numbers(ERROR_SCALE, "linear")?,
                square: numbers(ERROR_SCALE, "square")?,
                constant,
                limits: [least, most],
            })
        }
    };
    let coverage = match coverage_places? {
        None => None,
        Some(coordinates) => Some(Coverage {
            coordinates,
            whitening: numbers(COVERAGE, "whitening")?,
            centres: numbers(COVERAGE, "centres")?,
            square_radius: match numbers(COVERAGE, "square radius")?[..] {
                [square_radius] => square_radius,
                _ => return Err(format!("{COVERAGE}square radius: expected one number")),
            },
        }),
    };
    let Content {
        members,
        inputs,
        outputs,
        provenance,
        ..
    } = content;
    Emulator::new(EmulatorParts {
        graph,
        members,
        calibration,
        local: Local {
            error_scale,
            coverage,
        },
        inputs,
        outputs,
        provenance,
    })
    .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
