//! Trains DENSE.

pub mod data;
pub mod streams;
