//! One kernel for each operation: slices in, a slice out, in a documented order of summation.
//!
//! - [`dense`] combines all inputs in every output; [`conv1d`], [`conv2d`], [`transposed_conv1d`]
//!   and [`transposed_conv2d`] combine those near a position. All use the loop of `tiles.rs`, and
//!   [`finish`] for fused operations;
//! - [`resize`], [`resize2d`], [`add`], [`multiply`] and [`transpose`] move values between nodes;
//! - [`elementwise`] has the activations, the transforms and the scaling of inputs and outputs.
//!
//! A sequence is position-major: `value[position * channels + channel]`; an image is its rows one
//! after the other. Weights are packed by outputs ([`blocks`]) once, when the emulator is frozen.
//! Every kernel has the bits of its documented order in [`Native`](crate::fma::Native) arithmetic,
//! executes the same instructions for every input of the same shape, and never panics: where
//! lengths disagree, it computes the common part and leaves the rest.

pub mod add;
mod axis;
pub mod blocks;
pub mod conv1d;
pub mod conv2d;
pub mod dense;
pub mod elementwise;
pub mod finish;
mod layer;
pub mod multiply;
mod narrow;
pub mod resize;
pub mod resize2d;
mod scalar;
mod sweep;
mod tiles;
pub mod transpose;
pub mod transposed_conv1d;
pub mod transposed_conv2d;
mod write;

#[cfg(test)]
mod tests;
