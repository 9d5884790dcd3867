//! Quoting of `sh`: text for a place in a command, and commands for a user to type.

/// The quoting at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quote {
    /// None.
    Bare,
    /// By single quotes.
    Single,
    /// By double quotes.
    Double,
}

/// Tracks the quoting at a place in a command, character by character.
#[derive(Debug, Clone)]
pub(crate) struct Quoting {
    /// Open quotings, innermost last; `$(` and `(` begin a new one.
    open: Vec<Quote>,
    before: char,
    escaped: bool,
}

impl Quoting {
    pub(crate) fn new() -> Self {
        Self {
            open: vec![Quote::Bare],
            before: ' ',
            escaped: false,
        }
    }

    /// The quoting of the next character.
    pub(crate) fn now(&self) -> Quote {
        self.open.last().copied().unwrap_or(Quote::Bare)
    }

    /// Whether the next character is in a substitution inside double quotes.
    pub(crate) fn within(&self) -> bool {
        let outer = self.open.len().saturating_sub(1);
        self.open[..outer].contains(&Quote::Double)
    }

    /// Advances over a character.
    pub(crate) fn pass(&mut self, letter: char) {
        let (now, before) = (self.now(), std::mem::replace(&mut self.before, letter));
        if std::mem::take(&mut self.escaped) {
            self.before = ' ';
            return;
        }
        match (now, letter) {
            (Quote::Single, '\'') | (Quote::Double, '"') => {
                self.open.pop();
            }
            (Quote::Single, _) => {}
            (_, '\\') => self.escaped = true,
            (Quote::Double, '(') if before == '$' => self.open.push(Quote::Bare),
            (Quote::Double, _) => {}
            (Quote::Bare, '\'') => self.open.push(Quote::Single),
            (Quote::Bare, '"') => self.open.push(Quote::Double),
            (Quote::Bare, '(') => self.open.push(Quote::Bare),
            (Quote::Bare, ')') if self.open.len() > 1 => {
                self.open.pop();
            }
            (Quote::Bare, _) => {}
        }
    }
}

/// Escapes text for a place in a command with this quoting.
pub(crate) fn quoted(text: &str, quote: Quote) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+=:,@%".contains(letter);
    match quote {
        Quote::Bare if !text.is_empty() && text.chars().all(plain) => text.to_owned(),
        Quote::Bare => format!("'{}'", text.replace('\'', r"'\''")),
        Quote::Single => text.replace('\'', r"'\''"),
        Quote::Double => text.chars().fold(String::new(), |mut all, letter| {
            if "\\\"$`".contains(letter) {
                all.push('\\');
            }
            all.push(letter);
            all
        }),
    }
}

/// Returns text as one word of a shell.
#[must_use]
pub fn shell_word(text: &str) -> String {
    quoted(text, Quote::Bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_as_its_place_asks_for() {
        let quotes = |command: &str| {
            let mut quoting = Quoting::new();
            let mut found = Vec::new();
            for letter in command.chars() {
                if letter == '@' {
                    found.push(quoting.now());
                }
                quoting.pass(letter);
            }
            found
        };
        use Quote::{Bare, Double, Single};
        assert_eq!(
            quotes(r#"@ '@' "@ $(@ '@') \"@" \'@ (@) @"#),
            [Bare, Single, Double, Bare, Single, Double, Bare, Bare, Bare]
        );
        assert_eq!(quoted("/a b's", Bare), r"'/a b'\''s'");
        assert_eq!(quoted("/a b's", Single), r"/a b'\''s");
        assert_eq!(quoted("/a $b\"", Double), "/a \\$b\\\"");
        assert_eq!(quoted("/a.b", Bare), "/a.b");
    }
}
