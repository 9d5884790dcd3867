//! Escapes the user's texts for the places where they appear.

use crate::emulator::Emulator;
use std::fmt::Write as _;

/// A name as code in a cell of a table, in Markdown and in a comment: on one line, with nothing
/// that reads as a link, a tag or a delimiter of the table.
pub(super) fn cell(name: &str) -> String {
    let sign = |sign| match sign {
        '`' => '\'',
        '|' => '_',
        sign if is_hidden(sign) => '_',
        sign => sign,
    };
    format!("`{}`", name.chars().map(sign).collect::<String>())
}

/// Whether a character is a control, or changes the direction of writing and the like: compilers
/// reject these in comments.
fn is_hidden(sign: char) -> bool {
    sign.escape_debug().to_string().starts_with("\\u") || sign.is_control()
}

/// Provenance as JSON that is valid in any comment and in a block of code.
pub(crate) fn provenance(emulator: &Emulator) -> String {
    let json = serde_json::to_string_pretty(emulator.provenance())
        .expect("provenance has string keys only");
    let mut text = String::new();
    for sign in json.chars() {
        match sign {
            '`' => text.push('\''),
            sign if is_hidden(sign) && sign != '\n' => {
                for unit in sign.encode_utf16(&mut [0; 2]) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
            sign => text.push(sign),
        }
    }
    text
}
