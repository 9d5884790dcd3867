//! Runs every frozen emulator that was written beside it (`emulators`), in one of the modes of the
//! tests:
//!
//! ```text
//! frozen-program bits FOLDER    self-tests, then the rows of FOLDER, whose results it leaves there
//! frozen-program blocks         how often a call goes to the global allocator
//! frozen-program work NAME      calls of one emulator, or of other code of that name, on inputs of
//!                               each kind, whose instructions Callgrind counts
//! frozen-program swap FOLDER    weights that are swapped in, whole and damaged ones
//! ```
//!
//! It panics if a check fails.

mod bits;
mod blocks;
mod calls;
mod emulators;
mod swap;
mod work;

use calls::Frozen;
use std::env;
use std::path::PathBuf;

fn main() {
    let mut emulators: Vec<Box<dyn Frozen>> = Vec::new();
    macro_rules! push {
        ($name:ident) => {
            emulators.push(Box::new(calls::$name::frozen()));
        };
    }
    emulators::each!(push);

    let mut arguments = env::args().skip(1);
    let way = arguments.next().unwrap_or_default();
    let which = arguments.next().unwrap_or_default();
    let folder = PathBuf::from(&which);
    match &way[..] {
        "bits" => bits::run(&mut emulators, &folder),
        "blocks" => blocks::run(&mut emulators),
        "work" => work::run(&mut emulators, &which),
        "swap" => swap::run(&mut emulators, &folder),
        _ => panic!("{way:?}: expected bits, blocks, work or swap"),
    }
}
