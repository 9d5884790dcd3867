//! Training of small dense networks on one core of the CPU, at the rate of its arithmetic.
//!
//! A step of a network of a hundred thousand multiply-accumulates on a batch of 64 rows takes a few
//! hundred microseconds, of which a general graph of tensors spends as many on itself. Here,
//! activations of a batch lie in panels of sixteen samples (`layer`), so that a layer, the
//! gradient of its inputs and that of its weights are one kernel (`product`); between them lie
//! few passes (`passes`), and a step allocates nothing.
//!
//! [`Core`] has layers, parameters and steps on slices; [`Engine`] is that of a super-network.
//! [`Lanes`] are two of them, for two threads.

mod aligned;
mod bridge;
mod core;
mod lanes;
mod layer;
mod parameters;
mod passes;
mod product;
mod soap;
#[cfg(test)]
mod tests;

pub use self::core::{Core, Data};
pub use bridge::Engine;
pub use lanes::{Divided, Lanes, Owned};
pub use layer::Layer;
pub use parameters::Moments;
pub use product::Instructions;
pub use soap::Soap;
