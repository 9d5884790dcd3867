//! The engine of a super-network: its layers, with weights from candle's variables and back.

use super::core::{Core, Data};
use super::lanes::{Divided, Lanes, Owned};
use super::layer::Layer;
use super::parameters::Moments;
use super::soap::Soap;
use crate::optimiser::Saved;
use crate::space::{Architecture, Identity, Space};
use crate::supernetwork::{Error, SuperNetwork};
use crate::transfer;
use candle_core::{DType, Device, Result as TensorResult, Shape, Tensor};

/// The engine of the trained groups of a super-network.
#[derive(Debug)]
pub struct Engine {
    core: Core,
    /// What has weights and moments instead, once steps are divided.
    lanes: Option<Lanes>,
    /// The shapes of the network's variables, in their order.
    shapes: Vec<Shape>,
    /// Number of trained groups.
    trained: usize,
}

impl Engine {
    /// Returns the engine of a network with its weights and fresh moments, or `None` if it has
    /// convolutions, an identity between vectors of different sizes, or is not in `F32` on the CPU.
    ///
    /// # Errors
    /// If the weights cannot be read.
    pub fn new(network: &SuperNetwork, decay: f64) -> Result<Option<Self>, Error> {
        let variables = network.variables();
        let fits = variables
            .iter()
            .all(|var| var.device().is_cpu() && var.dtype() == DType::F32);
        if !fits {
            return Ok(None);
        }
        let groups = layers(network.space(), network.trained_groups());
        let Some(core) = groups.and_then(|groups| Core::new(&groups, decay)) else {
            return Ok(None);
        };
        let mut engine = Self {
            core,
            lanes: None,
            shapes: variables.iter().map(|var| var.shape().clone()).collect(),
            trained: network.trained_groups(),
        };
        engine.read(network)?;
        Ok(Some(engine))
    }

    /// Divides steps between two lanes from here on, for [`Engine::divided_step`] on the rows of
    /// `data` by `threads` threads; the moments of SOAP begin anew.
    ///
    /// # Errors
    /// If the system has no other thread.
    pub fn divide(
        &mut self,
        is_soap: bool,
        data: Owned,
        threads: usize,
        divided: Divided,
    ) -> std::io::Result<()> {
        self.lanes = Some(Lanes::new(&self.core, is_soap, data, threads, divided)?);
        Ok(())
    }

    /// Returns the lanes, if steps are divided.
    pub fn lanes(&mut self) -> Option<&mut Lanes> {
        self.lanes.as_mut()
    }

    /// Returns the engine on slices, which does not learn from divided batches.
    pub fn core(&mut self) -> &mut Core {
        &mut self.core
    }

    /// Takes the weights of the network that the engine was made of.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn read(&mut self, network: &SuperNetwork) -> Result<(), Error> {
        for (index, var) in network.variables().iter().enumerate() {
            let weights = transfer::numbers::<f32>(var.as_tensor())?;
            match &mut self.lanes {
                None => self.core.set_weights(index, &weights),
                Some(lanes) => lanes.set_weights(index, &weights),
            }
        }
        Ok(())
    }

    /// Writes the weights to the variables of the network that the engine was made of.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write(&self, network: &SuperNetwork) -> Result<(), Error> {
        for (index, var) in network.variables().iter().enumerate() {
            let weights = match &self.lanes {
                None => self.core.weights(index),
                Some(lanes) => lanes.weights(index),
            };
            var.set(&Tensor::from_vec(weights, var.shape(), &Device::Cpu)?)?;
        }
        Ok(())
    }

    /// Takes a step of AdamW of size `rate` on an architecture's weights; returns the mean squared
    /// error before it.
    ///
    /// *Shapes*: `data`: all rows, of which the batch has those with the indices `rows`.
    ///
    /// # Panics
    /// If the architecture is of another space, or a row does not exist.
    pub fn step(
        &mut self,
        data: Data<'_>,
        rows: &[usize],
        architecture: &Architecture,
        rate: f64,
    ) -> f32 {
        let choice = &architecture.choices()[..self.trained];
        self.core.step(data, rows, choice, rate)
    }

    /// Takes a step of SOAP; as [`Engine::step`] otherwise.
    ///
    /// # Panics
    /// As [`Engine::step`], or if the state is of another engine.
    pub fn soap_step(
        &mut self,
        soap: &mut Soap,
        data: Data<'_>,
        rows: &[usize],
        architecture: &Architecture,
        rate: f64,
    ) -> f32 {
        let choice = &architecture.choices()[..self.trained];
        self.core.soap_step(soap, data, rows, choice, rate)
    }

    /// Takes a divided step on the rows with these indices of those that [`Engine::divide`] was given;
    /// as [`Engine::step`] otherwise. `None` if steps are not divided.
    ///
    /// # Panics
    /// As [`Engine::step`].
    pub fn divided_step(
        &mut self,
        rows: &[usize],
        architecture: &Architecture,
        rate: f64,
    ) -> Option<f32> {
        let choice = &architecture.choices()[..self.trained];
        let lanes = self.lanes.as_mut()?;
        Some(lanes.step(rows, choice, rate))
    }

    /// Takes the steps of two members side by side on the same rows; as two of
    /// [`Engine::divided_step`] otherwise. `None` if these members cannot take them so.
    ///
    /// # Panics
    /// As [`Engine::step`].
    pub fn steps_beside(
        &mut self,
        rows: &[usize],
        members: [&Architecture; 2],
        rate: f64,
    ) -> Option<[f32; 2]> {
        let choices = members.map(|of| &of.choices()[..self.trained]);
        let lanes = self.lanes.as_mut()?;
        let is_beside = lanes.is_beside(choices);
        is_beside.then(|| lanes.steps(rows, choices, rate))
    }

    /// Returns the mean squared error of an architecture on these rows of the data.
    ///
    /// # Panics
    /// As [`Engine::step`].
    pub fn loss(&mut self, data: Data<'_>, rows: &[usize], architecture: &Architecture) -> f32 {
        let choice = &architecture.choices()[..self.trained];
        match &self.lanes {
            None => self.core.loss(data, rows, choice),
            Some(lanes) => lanes.with_core(choice, |core| core.loss(data, rows, choice)),
        }
    }

    /// Returns the outputs of an architecture, `[rows][outputs]`.
    ///
    /// *Shapes*: `x`: `[rows][inputs]`.
    ///
    /// # Panics
    /// As [`Engine::step`].
    pub fn forward(&mut self, x: &[f32], architecture: &Architecture) -> Vec<f32> {
        let choice = &architecture.choices()[..self.trained];
        match &self.lanes {
            None => self.core.forward(x, choice),
            Some(lanes) => lanes.with_core(choice, |core| core.forward(x, choice)),
        }
    }

    /// Returns the state of SOAP of divided batches, as [`Soap::save`] does; `None` if they are not
    /// divided.
    pub fn save_soap(&self) -> Option<Vec<(u32, Vec<f32>)>> {
        self.lanes.as_ref().map(Lanes::save_soap)
    }

    /// Returns the state of the optimiser, as [`crate::optimiser::AdamW::save`] does.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn save(&self) -> TensorResult<Vec<Saved>> {
        let saved = self.shapes.iter().enumerate().map(|(index, shape)| {
            let moments = match &self.lanes {
                None => self.core.moments(index),
                Some(lanes) => lanes.moments(index),
            };
            let tensor = |values| Tensor::from_vec(values, shape, &Device::Cpu);
            Ok(Saved {
                steps: moments.steps,
                mean: tensor(moments.mean)?,
                square: tensor(moments.square)?,
            })
        });
        saved.collect()
    }

    /// Restores a state of the optimiser of the same variables.
    ///
    /// # Errors
    /// If the state belongs to other variables.
    pub fn restore(&mut self, saved: &[Saved]) -> TensorResult<()> {
        if saved.len() != self.shapes.len() {
            candle_core::bail!(
                "expected the moments of {} variables, got {}",
                self.shapes.len(),
                saved.len()
            );
        }
        for (shape, saved) in self.shapes.iter().zip(saved) {
            for moment in [&saved.mean, &saved.square] {
                if moment.shape() != shape || moment.dtype() != DType::F32 {
                    candle_core::bail!("expected moments of {shape:?}, got {:?}", moment.shape());
                }
            }
        }
        for (index, saved) in saved.iter().enumerate() {
            let moments = Moments {
                steps: saved.steps,
                mean: transfer::numbers(&saved.mean)?,
                square: transfer::numbers(&saved.square)?,
            };
            match &mut self.lanes {
                None => self.core.set_moments(index, &moments),
                Some(lanes) => lanes.set_moments(index, &moments),
            }
        }
        Ok(())
    }
}

/// Returns the layers of the first groups of a space, `[group][candidate]`, with every node
/// flattened; `None` if an identity is resized between nodes.
fn layers(space: &Space, groups: usize) -> Option<Vec<Vec<Layer>>> {
    let steps = space.steps().take(groups);
    let layers = steps.map(|(input, group)| {
        if group.identity == Identity::Beside && input != group.output {
            return None;
        }
        let layer = |(index, &candidate)| Layer {
            candidate,
            inputs: input.size(),
            outputs: group.output.size(),
            identity: group.identity,
            placement: group.placement,
            activation: group.activation_of(index),
        };
        Some(group.candidates.iter().enumerate().map(layer).collect())
    });
    layers.collect()
}
