//! The user's choices for the C form.

use super::names::trouble;
use crate::resources::Processor;
use crate::template::fill_also;

/// The version of the interface that the header describes: functions, structures and codes.
pub const ABI: u32 = 4;

/// The user's choices for the C form.
#[derive(Clone, Debug)]
pub struct FreezeOptions {
    /// The prefix of every name.
    pub prefix: Prefix,
    /// The linker section for all constants, weights and golden vectors, for example
    /// `.qspi_weights`; the default one if absent.
    pub section: Option<String>,
    /// The linker section for the functions, for example `.itcm_code`; the default one if absent.
    pub code_section: Option<String>,
    /// The processor whose code and stack the header states.
    pub processor: Option<Processor>,
}

impl From<Prefix> for FreezeOptions {
    fn from(prefix: Prefix) -> Self {
        Self {
            prefix,
            section: None,
            code_section: None,
            processor: None,
        }
    }
}

/// The prefix of every function, type and macro of an emulator: small letters, digits and `_`, a
/// letter first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(pub(super) String);

impl Prefix {
    /// Returns this name as a prefix.
    ///
    /// # Errors
    /// The problem with the name.
    pub fn new(name: &str) -> Result<Self, String> {
        let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
        let ordinary =
            |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '_';
        let is_ordinary = begins && name.chars().all(ordinary);
        if is_ordinary && let Some(trouble) = trouble(name) {
            return Err(format!(
                "{name:?} cannot begin the names of C: {trouble}; take another word, for example {name}_emulator"
            ));
        }
        if is_ordinary && !name.contains("__") && name.len() <= 40 {
            return Ok(Self(name.into()));
        }
        Err(format!(
            "{name:?} cannot begin the names of C: take at most 40 small letters, digits and single _, a letter first"
        ))
    }

    /// The valid prefix nearest to a name.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        let mut prefix = String::new();
        for sign in name.chars().map(|sign| sign.to_ascii_lowercase()) {
            match sign {
                'a'..='z' => prefix.push(sign),
                '0'..='9' if !prefix.is_empty() => prefix.push(sign),
                _ if !prefix.is_empty() && !prefix.ends_with('_') => prefix.push('_'),
                _ => {}
            }
        }
        prefix.truncate(40);
        Self::new(prefix.trim_end_matches('_')).unwrap_or_else(|_| Self("emulator".into()))
    }

    /// The prefix of functions and types.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Fills the template with these values, and with `{{prefix}}`, `{{PREFIX}}` (of macros),
    /// `{{indent}}` (as wide as the prefix) and `{{version}}` if it has placeholders for them.
    pub(super) fn fill(&self, template: &str, values: &[(&str, &str)]) -> String {
        let also = [
            ("prefix", &self.0[..]),
            ("PREFIX", &self.0.to_uppercase()),
            ("indent", &" ".repeat(self.0.len())),
            ("version", env!("CARGO_PKG_VERSION")),
        ];
        fill_also(template, values, &also)
    }
}
