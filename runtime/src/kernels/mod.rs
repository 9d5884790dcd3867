//! One kernel an operation: slices in, a slice out, in a written order of summation.
//!
//! - [`dense`] first weighs all inputs into every output; [`conv1d`] and [`transposed_conv1d`] do so near a position,
//!   both by the loop of `taps.rs`;
//! - [`resize`], [`add`] and [`transpose`] move values between nodes;
//! - [`elementwise`] has the activations, the transforms and the scaling of inputs and outputs.
//!
//! A sequence is position-major: `value[position * channels + channel]`. Every kernel has the bits of its written
//! order in [`Native`](crate::fma::Native) arithmetic, executes the same instructions for every input of the same
//! shape, and never panics: where lengths disagree, it computes what is there and leaves the rest.

pub mod add;
pub mod conv1d;
pub mod dense;
pub mod elementwise;
pub mod resize;
mod taps;
pub mod transpose;
pub mod transposed_conv1d;

#[cfg(test)]
mod tests;
