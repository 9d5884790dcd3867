//! Parses the Python literals in the header of a `.npy`: strings, booleans and tuples of integers.
//!
//! The parser has neither recursion nor nesting, so no text can exhaust the stack. Strings have no
//! escapes, because numpy writes none for its plain element types.

use super::npy_error::{NpyError, invalid};

/// The largest number of dimensions of an array; numpy's own limit is 64.
const MAXIMUM_RANK: usize = 64;

/// Reads literals one by one.
pub(super) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    /// A cursor at the beginning of `text`.
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// Skips white space and then `letter`, if it follows. Returns whether it did.
    pub(super) fn take(&mut self, letter: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(letter) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Skips white space and then `letter`, which must follow.
    pub(super) fn expect(&mut self, letter: char) -> Result<(), NpyError> {
        if self.take(letter) {
            Ok(())
        } else if self.rest.starts_with('[') {
            Err(invalid(
                "expected one plain number type, got a structured array",
            ))
        } else {
            Err(invalid(format!(
                "expected {letter:?} in the header, got {:?}",
                self.rest.chars().take(12).collect::<String>()
            )))
        }
    }

    /// Reads a string in either kind of quotes.
    pub(super) fn string(&mut self) -> Result<&'a str, NpyError> {
        let quote = if self.take('"') {
            '"'
        } else {
            self.expect('\'')?;
            '\''
        };
        let (text, rest) = self
            .rest
            .split_once(quote)
            .ok_or_else(|| invalid("a string in the header has no end"))?;
        self.rest = rest;
        Ok(text)
    }

    /// Reads `True` or `False`.
    pub(super) fn boolean(&mut self) -> Result<bool, NpyError> {
        self.rest = self.rest.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err(invalid("expected True or False for fortran_order"))
    }

    /// Reads a tuple of integers.
    pub(super) fn sizes(&mut self) -> Result<Vec<usize>, NpyError> {
        let mut sizes = Vec::new();
        self.expect('(')?;
        while !self.take(')') {
            self.rest = self.rest.trim_start();
            let digits = self.rest.len()
                - self
                    .rest
                    .trim_start_matches(|c: char| c.is_ascii_digit())
                    .len();
            let (size, rest) = self.rest.split_at(digits);
            sizes.push(
                size.parse()
                    .map_err(|_| invalid("expected whole numbers for shape"))?,
            );
            self.rest = rest;
            if sizes.len() > MAXIMUM_RANK {
                return Err(invalid("its shape has too many sizes"));
            }
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(sizes)
    }
}
