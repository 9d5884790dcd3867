//! One file a command.

pub mod bench;
pub mod collect;
pub mod completions;
pub mod demo;
pub mod design;
pub mod evaluate;
pub mod export;
pub mod freeze;
pub mod inspect;
pub mod predict;
pub mod report;
pub mod resume;
pub mod search;
pub mod space;
