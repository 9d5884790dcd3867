//! A weight step by candle's graph.

use super::rows::Rows;
use crate::nodes::Pass;
use crate::optimiser::AdamW;
use crate::space::Architecture;
use crate::supernetwork::{Error, SuperNetwork};
use candle_core::Tensor;

/// Takes a gradient step of size `rate` on an architecture's weights; returns the loss before it.
///
/// # Errors
/// If the rows do not fit the network.
pub fn weight_step(
    network: &SuperNetwork,
    optimiser: &mut AdamW,
    rows: &Rows,
    architecture: &Architecture,
    rate: f64,
) -> Result<Tensor, Error> {
    let loss = network.loss(&rows.x, &rows.y, architecture, Pass::ForwardAndBackward)?;
    optimiser.step(&network.gradients(&loss)?, rate)?;
    Ok(loss.detach())
}
