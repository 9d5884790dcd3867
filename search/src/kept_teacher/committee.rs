//! Networks of one kind, whose mean is a model.

use crate::arrays::{ArraysIn, ArraysOut};
use crate::error::{Context, Error, Result};
use crate::lowering::data_order;
use crate::space::{Architecture, Group, Space};
use crate::supernetwork::SuperNetwork;
use crate::training::Trained;
use crate::transfer;
use candle_core::{DType, Device, Tensor};
use std::collections::BTreeMap;

/// Networks with one architecture, each with its weights, on the CPU.
#[derive(Debug)]
pub(crate) struct Committee {
    space: Space,
    networks: Vec<SuperNetwork>,
}

impl Committee {
    /// Returns the committee of all members of networks. Groups behind those that are trained are left
    /// out.
    ///
    /// # Errors
    /// A device cannot be read, or members differ in more than their weights.
    pub(crate) fn of(trained: &[Trained]) -> Result<Self> {
        let all = trained
            .iter()
            .flat_map(|one| one.members.iter().map(|member| (&one.network, member)));
        let Some((first, member)) = all.clone().next() else {
            return Err(Error::Fault("a committee has no networks".to_owned()));
        };
        let space = of_one(first, member)?;
        let networks = all.map(|(whole, member)| {
            let choices = member.choices().iter().enumerate();
            let of_groups = choices.take(whole.trained_groups());
            let parameters = of_groups.flat_map(|(k, &choice)| whole.parameters(k, choice));
            let values = parameters.map(|one| transfer::fetched(one.var.as_tensor()));
            network(&space, values.map(|value| Ok(value?)))
        });
        Ok(Self {
            networks: networks.collect::<Result<_>>()?,
            space,
        })
    }

    /// Returns the numbers of inputs and of targets.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.space.inputs(), self.space.output().size())
    }

    /// Returns the architecture of each network, a space with nothing to search.
    pub(crate) fn space(&self) -> &Space {
        &self.space
    }

    /// Returns the number of networks.
    pub(crate) fn count(&self) -> usize {
        self.networks.len()
    }

    /// Predicts the targets.
    ///
    /// *Shapes*: `x: [rows][inputs]`, encoded; result `[rows][targets]`, in the order of the data.
    ///
    /// # Errors
    /// None that is known.
    pub(crate) fn predict(&self, x: &[f32]) -> Result<Vec<f32>> {
        let (inputs, targets) = self.sizes();
        let (rows, order) = (x.len() / inputs, data_order(self.space.output()));
        let x = Tensor::from_slice(x, (rows, inputs), &Device::Cpu)?;
        let only = [Architecture::new(vec![0; self.space.groups().len()])];
        let mut sum = vec![0.0f32; rows * targets];
        for network in &self.networks {
            let said = network.mean_of(&x, &only, &order)?;
            for (sum, said) in sum.iter_mut().zip(said) {
                *sum += said / self.networks.len() as f32;
            }
        }
        Ok(sum)
    }

    /// Adds the weights to a file, with names that begin with `prefix`.
    ///
    /// # Errors
    /// None that is known.
    pub(crate) fn save(&self, prefix: &str, arrays: &mut ArraysOut) -> Result<()> {
        for (k, network) in self.networks.iter().enumerate() {
            for (number, var) in network.variables().iter().enumerate() {
                let values: Vec<f32> = transfer::numbers(var)?;
                arrays.add(format!("{prefix}/{k}/{number}"), var.dims(), values);
            }
        }
        Ok(())
    }

    /// Reads what [`Committee::save`] has added for this number of networks.
    ///
    /// # Errors
    /// The file lacks weights of such networks.
    pub(crate) fn load(
        prefix: &str,
        (space, count): (Space, usize),
        arrays: &ArraysIn<'_>,
    ) -> Result<Self> {
        let shapes: Vec<Vec<usize>> = SuperNetwork::new(&space, 0, DType::F32, &Device::Cpu)?
            .variables()
            .iter()
            .map(|var| var.dims().to_vec())
            .collect();
        let networks = (0..count).map(|k| {
            let values = shapes.iter().enumerate().map(|(number, shape)| {
                let values: Vec<f32> = arrays.take(&format!("{prefix}/{k}/{number}"), shape)?;
                Ok(Tensor::from_vec(values, shape.as_slice(), &Device::Cpu)?)
            });
            network(&space, values)
        });
        Ok(Self {
            networks: networks.collect::<Result<_>>()?,
            space,
        })
    }
}

/// Returns the space of one architecture of a network, without groups that are not trained.
fn of_one(network: &SuperNetwork, member: &Architecture) -> Result<Space> {
    let space = network.space();
    let groups = space.groups().iter().zip(member.choices());
    let groups = groups.take(network.trained_groups());
    let groups = groups.map(|(group, &choice)| Group {
        candidates: vec![group.candidates[choice]],
        activation: group.activation_of(choice),
        own_activations: BTreeMap::new(),
        ..group.clone()
    });
    Ok(Space::new(space.name(), space.inputs(), groups.collect())?)
}

/// Returns the network of a space without choices that has these weights, in the order of its
/// variables.
fn network(space: &Space, values: impl Iterator<Item = Result<Tensor>>) -> Result<SuperNetwork> {
    let network = SuperNetwork::new(space, 0, DType::F32, &Device::Cpu)?;
    let variables = network.variables();
    let mut set = 0;
    for (variable, value) in variables.iter().zip(values) {
        let text = || {
            format!(
                "damaged: the weights of {} are of another shape",
                space.name()
            )
        };
        variable.set(&value?).with_context(text)?;
        set += 1;
    }
    match set == variables.len() {
        true => Ok(network),
        false => Err(Error::Fault("a network lacks weights".to_owned())),
    }
}
