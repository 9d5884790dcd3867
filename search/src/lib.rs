//! Trains DENSE: from a simulator's runs to an emulator.
//!
//! In the order in which data pass:
//!
//! - [`design`] says where to run a simulator, and [`collect`](mod@collect) runs it there;
//! - [`data`] reads runs, splits and normalises them; [`warnings`] says what is odd about them;
//!   [`learning_curve`] what more of them would bring;
//! - [`transform`] chooses the coordinate that outputs are learnt in, and where they are many, their [`components`] are;
//! - [`space`] has the super-architectures: groups of candidate operations between nodes, presets or read from TOML;
//!   [`contenders`] are those that a run trains, the [`control`] among them;
//! - [`supernetwork`] has the weights that their architectures share, on candle, with its [`nodes`] fused on the CPU;
//!   [`variables`] has the probabilities of the candidates;
//! - [`budget`] has what the shipped call may cost, by a [`cost_model`] where that is time;
//! - [`training`] alternates the two updates of DENSE, by [`optimiser`], and ends with [`lbfgs`] where rows are few;
//! - [`teacher`] adds rows that a [`gaussian_process`] predicts, where these are good;
//! - [`assemble`](mod@assemble) makes an emulator of what was trained; [`calibration`] fits its uncertainty, and
//!   [`holes`] finds the part of the box that has no points;
//! - [`device`] names what trains: the processor, or a GPU; [`transfer`] is where it is read;
//! - [`metrics`] says how good it is, [`report`] shows it on a page;
//! - [`commands`] and [`cli`] are the program; a [`run_folder`] has one writer at a time ([`folder_lock`]). [`streams`] has every random draw.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod assemble;
pub mod budget;
pub mod calibration;
pub mod collect;
pub mod components;
pub mod contenders;
pub mod control;
pub mod cost_model;
pub mod data;
pub mod design;
pub mod device;
pub mod error;
pub mod events;
pub mod export;
pub mod folder_lock;
pub mod freezing;
pub mod gaussian_process;
#[cfg(feature = "cuda")]
mod gpu;
pub mod holes;
pub mod inspect;
pub mod judge;
pub mod latency;
pub mod lbfgs;
pub mod learning_curve;
pub mod metrics;
pub mod nodes;
pub mod optimiser;
pub mod pace;
pub mod predict;
mod principal;
pub mod report;
pub mod run_folder;
pub mod search;
pub mod shell;
pub mod space;
pub mod streams;
pub mod supernetwork;
pub mod teacher;
pub mod training;
pub mod transfer;
pub mod transform;
pub mod variables;
pub mod warnings;

pub use candle_core;
pub use error::{Error, Result};
