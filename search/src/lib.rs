//! Trains DENSE emulators from the runs of a simulator.
//!
//! The modules in the order of the data flow:
//!
//! - [`design`] chooses the points at which to run a simulator, and [`collect`](mod@collect) runs
//!   it there;
//! - [`data`] reads runs, splits and normalises them; [`warnings`] reports irregularities;
//!   [`learning_curve`] estimates the benefit of more runs;
//! - [`transform`] chooses the coordinate in which outputs are learnt; [`components`] represent
//!   large outputs;
//! - [`space`] has the super-architectures: groups of candidate operations between nodes, as
//!   presets or read from TOML; [`contenders`] lists the contenders of a run, including the
//!   [`control`];
//! - `lowering` turns candidates, and the parts of a member outside its groups, into operations of
//!   an emulator's graph;
//! - [`supernetwork`] holds the weights that architectures share, in candle; its [`nodes`] are
//!   fused on the CPU; [`variables`] holds the probabilities of the candidates;
//! - [`budget`] limits the cost of the shipped call; a [`cost_model`] gives its time;
//! - [`engine`] takes the steps of small dense networks on the CPU;
//! - [`training`] alternates the two updates of DENSE, by [`optimiser`], and ends with [`lbfgs`] if
//!   there are few rows;
//! - [`teacher`] adds rows that a [`gaussian_process`] predicts, where its predictions are good;
//! - [`stack`] weighs models by what each says of rows that it has not seen; [`kept_teacher`] is
//!   the stack that a race leaves in its run;
//! - [`assemble`](mod@assemble) builds an emulator from the trained networks; [`calibration`] fits
//!   its uncertainty, and [`holes`] finds the parts of the box without points;
//! - [`device`] names the training device, a CPU or a GPU; [`transfer`] reads values back from it;
//! - [`metrics`] measures errors, and [`report`] shows them on a page;
//! - [`search`](mod@search) runs all of this, from data to a [`run_folder`] with one writer at a
//!   time ([`folder_lock`]);
//! - [`judge`](mod@judge), [`predict`], [`freezing`], [`export`] and [`latency`] use a run's
//!   emulator; [`inspect`](mod@inspect) examines data before a search;
//! - [`events`] report the progress of a long call to its caller, [`error`] has the errors, and
//!   [`streams`] makes every random draw.
//!
//! The library prints nothing and has no command line. The program `dense-search` consists of
//! modules of its binary, behind the feature `program` (on by default):
//! `cargo build --lib --no-default-features` builds the library without the program's dependencies.
//!
//! # Example
//! A search over 64 runs of a simulator, a prediction between them, and the emulator as a crate
//! with static weights:
//! ```
//! use dense_search::data::ReadOptions;
//! use dense_search::{Dataset, Event, Executor, Extent, FreezeOptions, Input, Search, SearchSettings};
//! use dense_search::{emulator_of, freeze};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let wave = |a: f64, b: f64| (3.0 * a).sin() * b + 2.0;
//! let mut table = "a,b,wave\n".to_owned();
//! for row in 0..64 {
//!     let (a, b) = (f64::from(row / 8) / 7.0, f64::from(row % 8) / 7.0);
//!     table += &format!("{a},{b},{}\n", wave(a, b));
//! }
//! let mut options = ReadOptions::default();
//! options.inputs = vec!["a".to_owned(), "b".to_owned()];
//! options.outputs = vec!["wave".to_owned()];
//! let data = Dataset::from_csv_bytes(table.as_bytes(), "waves.csv", &options)?;
//!
//! let folder = tempfile::tempdir()?;
//! let run = folder.path().join("run");
//! let mut settings = SearchSettings::default();
//! settings.extent = Extent::Steps(1000);
//! settings.members = Some(2);
//! let report = Search::new(settings).run(&Input::in_memory(data), &run, &|event: Event| {
//!     if let Event::Warning(text) = event {
//!         eprintln!("{text}");
//!     }
//! })?;
//! assert!(report.val_mse_z < 0.1);
//!
//! let emulator = emulator_of(&run)?;
//! let answer = Executor::new(&emulator).predict(&[0.4, 0.6], 1);
//! assert!(answer.status[0].is_ok());
//! assert!((f64::from(answer.mean[0]) - wave(0.4, 0.6)).abs() < 0.2);
//!
//! let mut options = FreezeOptions::default();
//! options.crate_name = "waves".to_owned();
//! let frozen = freeze(&emulator, &folder.path().join("waves"), &options)?;
//! assert!(frozen.path.join("Cargo.toml").exists());
//! # Ok(())
//! # }
//! ```

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod arrays;
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
pub mod engine;
pub mod error;
pub mod events;
pub mod export;
pub mod fixed;
pub mod folder_lock;
pub mod freezing;
pub mod gaussian_process;
#[cfg(feature = "cuda")]
mod gpu;
pub mod holes;
pub mod inspect;
mod json;
pub mod judge;
pub mod kept_teacher;
pub mod kind;
pub mod latency;
pub mod lbfgs;
pub mod learning_curve;
mod lowering;
pub mod metrics;
pub mod nodes;
pub mod optimiser;
pub mod pace;
pub mod predict;
mod principal;
pub mod provenance;
pub mod report;
pub mod run_folder;
pub mod search;
pub mod shell;
pub mod space;
pub mod stack;
pub mod streams;
pub mod supernetwork;
pub mod teacher;
pub mod training;
pub mod transfer;
pub mod transform;
pub mod unseen;
pub mod variables;
pub mod warnings;

pub use candle_core;
pub use data::Dataset;
pub use dense_codegen::Emulator;
pub use dense_codegen::executor::Executor;
pub use dense_codegen::rust::{FreezeOptions, FrozenCrate, freeze};
pub use error::{Error, Result};
pub use events::{Event, Observer};
pub use kept_teacher::Teacher;
pub use run_folder::{emulator_of, teacher_of};
pub use search::{Extent, Input, RunReport, Search, SearchSettings};
