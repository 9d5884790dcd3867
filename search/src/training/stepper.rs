//! What takes the weight steps of a training: the engine of small dense networks where it supports
//! the network, else candle's graph.

use super::choices::{Choices, Optimiser};
use super::rows::Rows;
use super::step::weight_step;
use crate::engine::{Data, Divided, Engine, Owned, Soap};
use crate::nodes::Pass;
use crate::optimiser::{AdamW, Saved};
use crate::space::Architecture;
use crate::supernetwork::{Error, SuperNetwork};
use crate::transfer;
use candle_core::{Device, Result as TensorResult, Tensor};
use std::cell::Cell;
use std::sync::Arc;

/// One of the two ways to take steps.
#[derive(Debug)]
pub(super) enum Stepper {
    /// On the CPU, for networks of dense layers.
    Engine(Box<InEngine>),
    /// On every device, for every network.
    Graph(AdamW),
}

/// An engine with the rows in its layout.
///
/// The weights lie either in the engine, while it takes steps, or in the network, once someone
/// wants to see or change them there.
#[derive(Debug)]
pub(super) struct InEngine {
    engine: Engine,
    /// `None` for AdamW.
    soap: Option<Soap>,
    /// Whether the weights lie in the engine.
    has_weights: Cell<bool>,
    train: Owned,
    selection: [Vec<f32>; 2],
}

impl InEngine {
    /// Brings the weights to the engine.
    fn take(&mut self, network: &SuperNetwork) -> Result<(), Error> {
        if !self.has_weights.replace(true) {
            self.engine.read(network)?;
        }
        Ok(())
    }
}

fn data([x, y]: &[Vec<f32>; 2]) -> Data<'_> {
    Data { x, y }
}

impl Stepper {
    /// Returns what is fastest for a network and its rows.
    ///
    /// # Errors
    /// If the device fails.
    pub(super) fn new(
        network: &SuperNetwork,
        choices: Choices,
        train: &Rows,
        selection: &Rows,
    ) -> Result<Self, Error> {
        let numbers = |rows: &Rows| -> Result<[Vec<f32>; 2], Error> {
            Ok([transfer::numbers(rows.x())?, transfer::numbers(rows.y())?])
        };
        let decay = choices.decay;
        Ok(match Engine::new(network, decay)? {
            Some(mut engine) => Self::Engine(Box::new(InEngine {
                soap: (choices.optimiser == Optimiser::Soap).then(|| engine.core().soap()),
                engine,
                has_weights: Cell::new(true),
                train: Arc::new(numbers(train)?),
                selection: numbers(selection)?,
            })),
            None => Self::Graph(AdamW::new(network.variables(), decay)?),
        })
    }

    /// Divides steps between two lanes, and takes them by `threads` threads; the graph has threads of
    /// its own.
    ///
    /// # Errors
    /// If the system has no other thread.
    pub(super) fn divide(&mut self, threads: usize, divided: Divided) -> std::io::Result<()> {
        match self {
            Self::Engine(inside) => {
                let is_soap = inside.soap.take().is_some();
                let train = Arc::clone(&inside.train);
                inside.engine.divide(is_soap, train, threads, divided)
            }
            Self::Graph(_) => Ok(()),
        }
    }

    /// Brings the weights to the network, where they may be read and changed.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(super) fn settle(&self, network: &SuperNetwork) -> Result<(), Error> {
        match self {
            Self::Engine(inside) if inside.has_weights.replace(false) => {
                inside.engine.write(network)
            }
            _ => Ok(()),
        }
    }

    /// Whether a loss is known when a step returns, without waiting for a device.
    pub(super) fn is_immediate(&self) -> bool {
        matches!(self, Self::Engine(_))
    }

    /// Takes a step of size `rate` on an architecture's weights and these training rows; returns
    /// the loss before it.
    ///
    /// # Errors
    /// If the device fails.
    pub(super) fn step(
        &mut self,
        network: &SuperNetwork,
        train: &Rows,
        rows: &[usize],
        architecture: &Architecture,
        rate: f64,
    ) -> Result<Tensor, Error> {
        match self {
            Self::Engine(inside) => {
                inside.take(network)?;
                let all = data(&inside.train);
                let engine = &mut inside.engine;
                let loss = engine.divided_step(rows, architecture, rate);
                let loss = loss.unwrap_or_else(|| match &mut inside.soap {
                    None => engine.step(all, rows, architecture, rate),
                    Some(soap) => engine.soap_step(soap, all, rows, architecture, rate),
                });
                Ok(Tensor::new(loss, &Device::Cpu)?)
            }
            Self::Graph(optimiser) => {
                weight_step(network, optimiser, &train.chosen(rows)?, architecture, rate)
            }
        }
    }

    /// Takes a step of size `rate` of each of these members on the same training rows; returns the
    /// mean of the losses before it.
    ///
    /// # Errors
    /// If the device fails.
    pub(super) fn steps(
        &mut self,
        network: &SuperNetwork,
        train: &Rows,
        rows: &[usize],
        members: &[Architecture],
        rate: f64,
    ) -> Result<Tensor, Error> {
        if let [only] = members {
            return self.step(network, train, rows, only, rate);
        }
        let mut losses = Vec::new();
        let mut left = members;
        while let [first, rest @ ..] = left {
            left = rest;
            let beside = match (&mut *self, rest) {
                (Self::Engine(inside), [second, ..]) => {
                    inside.take(network)?;
                    inside.engine.steps_beside(rows, [first, second], rate)
                }
                _ => None,
            };
            match beside {
                Some(both) => {
                    for loss in both {
                        losses.push(Tensor::new(loss, &Device::Cpu)?);
                    }
                    left = &left[1..];
                }
                None => losses.push(self.step(network, train, rows, first, rate)?),
            }
        }
        Ok(Tensor::stack(&losses, 0)?.mean_all()?)
    }

    /// Returns the losses of architectures on these rows for choices.
    ///
    /// # Errors
    /// If the device fails.
    pub(super) fn losses(
        &mut self,
        network: &SuperNetwork,
        selection: &Rows,
        rows: &[usize],
        architectures: &[Architecture],
    ) -> Result<Vec<f32>, Error> {
        match self {
            Self::Engine(inside) => {
                inside.take(network)?;
                let all = data(&inside.selection);
                let one = |of| inside.engine.loss(all, rows, of);
                Ok(architectures.iter().map(one).collect())
            }
            Self::Graph(_) => {
                let rows = selection.chosen(rows)?;
                let losses = architectures
                    .iter()
                    .map(|of| network.loss(&rows.x, &rows.y, of, Pass::Forward));
                let losses = Tensor::stack(&losses.collect::<Result<Vec<_>, _>>()?, 0)?;
                Ok(transfer::numbers::<f32>(&losses)?)
            }
        }
    }

    /// Returns the state of the optimiser.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub(super) fn save(&self) -> TensorResult<Vec<Saved>> {
        match self {
            Self::Engine(inside) => inside.engine.save(),
            Self::Graph(optimiser) => optimiser.save(),
        }
    }

    /// Returns the state of SOAP, if that is what updates the weights: for each matrix, the number of
    /// its updates and values.
    pub(super) fn save_soap(&self) -> Vec<(u32, Vec<f32>)> {
        match self {
            Self::Engine(inside) => {
                let undivided = || inside.soap.as_ref().map(Soap::save).unwrap_or_default();
                inside.engine.save_soap().unwrap_or_else(undivided)
            }
            Self::Graph(_) => Vec::new(),
        }
    }

    /// Restores a state that [`Stepper::save_soap`] returned; `false` if it is of another training.
    pub(super) fn restore_soap(&mut self, saved: &[(u32, Vec<f32>)]) -> bool {
        match self {
            Self::Engine(inside) => match (inside.engine.lanes(), &mut inside.soap) {
                (Some(lanes), _) => lanes.restore_soap(saved),
                (None, Some(soap)) => soap.restore(saved),
                (None, None) => saved.is_empty(),
            },
            Self::Graph(_) => saved.is_empty(),
        }
    }

    /// Restores a state that [`Stepper::save`] returned for the same variables.
    ///
    /// # Errors
    /// If the state belongs to other variables.
    pub(super) fn restore(&mut self, saved: &[Saved]) -> TensorResult<()> {
        match self {
            Self::Engine(inside) => inside.engine.restore(saved),
            Self::Graph(optimiser) => optimiser.restore(saved),
        }
    }
}
