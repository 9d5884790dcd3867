//! Trains DENSE.

pub mod cli;
pub mod commands;
pub mod data;
pub mod space;
pub mod streams;
pub mod supernetwork;
pub mod variables;
