//! The arrays of a graph: weights, biases and normalisation constants, each with a unique name.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Identifies a parameter of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ParameterId(pub(super) usize);

impl ParameterId {
    /// The parameter's index in [`Parameters::iter`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

/// One named array of finite floats, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Parameter {
    /// The parameter's name in the emulator file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The length of every axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values, row-major.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

/// The parameters of a graph, in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters(pub(super) Vec<Parameter>);

impl Parameters {
    /// Adds an array.
    ///
    /// # Errors
    /// The name is taken, the number of values is not the product of `shape`, or a value is not
    /// finite.
    pub(super) fn add(
        &mut self,
        name: &str,
        shape: &[usize],
        values: Vec<f32>,
    ) -> Result<ParameterId> {
        self.check_new(name)?;
        if count(shape) != Some(values.len()) || values.is_empty() {
            return refuse(
                name,
                format!("as many values as shape {shape:?} holds, at least one"),
                values.len().to_string(),
            );
        }
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            return refuse(
                name,
                "finite values".into(),
                format!("{} at {place}", values[place]),
            );
        }
        Ok(self.append(name, shape, values))
    }

    /// Adds the shape of an array whose values are not known yet, for a fragment.
    ///
    /// # Errors
    /// The name is taken, or an array of this shape would be empty or too large.
    pub(super) fn declare(&mut self, name: &str, shape: &[usize]) -> Result<ParameterId> {
        self.check_new(name)?;
        if matches!(count(shape), None | Some(0)) {
            return refuse(
                name,
                "a shape of at least one value".into(),
                format!("{shape:?}"),
            );
        }
        Ok(self.append(name, shape, Vec::new()))
    }

    fn check_new(&self, name: &str) -> Result<()> {
        if self.0.iter().any(|known| known.name == name) {
            refuse(name, "a new name".into(), "one in use".into())
        } else {
            Ok(())
        }
    }

    fn append(&mut self, name: &str, shape: &[usize], values: Vec<f32>) -> ParameterId {
        self.0.push(Parameter {
            name: name.into(),
            shape: shape.into(),
            values,
        });
        ParameterId(self.0.len() - 1)
    }

    /// The parameter of this name, if the graph has it.
    #[must_use]
    pub fn get(&self, id: ParameterId) -> Option<&Parameter> {
        self.0.get(id.0)
    }

    /// All parameters in order.
    pub fn iter(&self) -> impl Iterator<Item = (ParameterId, &Parameter)> {
        self.0
            .iter()
            .enumerate()
            .map(|(index, parameter)| (ParameterId(index), parameter))
    }

    /// The values of a parameter that belongs to the graph.
    pub(crate) fn values(&self, id: ParameterId) -> &[f32] {
        &self.0[id.0].values
    }

    /// The shape of a parameter that belongs to the graph.
    pub(crate) fn shape(&self, id: ParameterId) -> &[usize] {
        &self.0[id.0].shape
    }
}

/// The number of values of this shape, unless it overflows.
fn count(shape: &[usize]) -> Option<usize> {
    let mut sizes = shape.iter();
    sizes.try_fold(1usize, |product, &size| product.checked_mul(size))
}

fn refuse<T>(name: &str, expected: String, got: String) -> Result<T> {
    Err(Error::Parameter {
        name: name.into(),
        expected,
        got,
    })
}
