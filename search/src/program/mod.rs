//! The program: its command line ([`arguments`], [`values`]), the commands ([`dispatch`]), and its
//! output ([`terminal`]).

pub(crate) mod arguments;
mod completions;
mod demo;
mod dispatch;
mod terminal;
mod values;

pub(crate) use dispatch::Outcome;
