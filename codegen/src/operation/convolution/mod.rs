//! The common parts of all convolutions: their weight, the window that an output sees, and their
//! forms in C and ONNX.

pub(crate) mod c;
mod kernel;
pub(crate) mod onnx;
pub(crate) mod window;

pub(crate) use kernel::Kernel;
