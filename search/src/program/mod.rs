//! The program: what a user may type ([`arguments`]), what each command starts ([`dispatch`]), and what is printed where
//! ([`terminal`]).

pub(crate) mod arguments;
mod completions;
mod demo;
mod dispatch;
mod terminal;

pub(crate) use dispatch::Outcome;
