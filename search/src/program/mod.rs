//! The program: its command line ([`arguments`]), the commands ([`dispatch`]), and its output
//! ([`terminal`]).

pub(crate) mod arguments;
mod completions;
mod demo;
mod dispatch;
mod terminal;

pub(crate) use dispatch::Outcome;
