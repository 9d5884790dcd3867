//! The functions of the C file that an emulator's call needs, from the templates.
//!
//! A template is a sequence of pieces, each a function or a macro. The line before a piece names it
//! and the pieces that it calls: `//! convolve: copy sums sums_at_4`. A piece comes before those
//! that call it.

use crate::emulator::Emulator;
use crate::template::fill_also;
use std::collections::BTreeSet;

/// The pieces; those that are called come before those that call.
const TEMPLATES: [&str; 6] = [
    include_str!("templates/arithmetic.c.txt"),
    include_str!("templates/elementary.c.txt"),
    include_str!("templates/kernels.c.txt"),
    include_str!("templates/guard.c.txt"),
    include_str!("templates/local.c.txt"),
    include_str!("templates/ensemble.c.txt"),
];

/// Placeholders of the templates whose values come with the whole file's.
pub(super) const LATER: [(&str, &str); 3] = [
    ("prefix", "{{prefix}}"),
    ("PREFIX", "{{PREFIX}}"),
    ("indent", "{{indent}}"),
];

/// A function or a macro.
struct Piece {
    name: &'static str,
    /// The pieces that it calls.
    needs: Vec<&'static str>,
    text: &'static str,
}

/// All pieces in order.
fn pieces() -> Vec<Piece> {
    let pieces = TEMPLATES.iter().flat_map(|text| text.split("//! ").skip(1));
    pieces
        .map(|piece| {
            let (head, text) = piece
                .split_once('\n')
                .expect("a piece begins with its name");
            let (name, needs) = head.split_once(':').unwrap_or((head, ""));
            Piece {
                name,
                needs: needs.split_whitespace().collect(),
                text,
            }
        })
        .collect()
}

/// The text of these functions and of those that they call, adapted to this emulator.
///
/// # Panics
/// A function is in no template.
pub(super) fn text(emulator: &Emulator, called: &BTreeSet<&'static str>) -> String {
    let pieces = pieces();
    let mut called = called.clone();
    if has_logarithms(emulator) {
        called.extend(["elementary_ln", "select_float"]);
    }
    for piece in pieces.iter().rev() {
        if called.contains(piece.name) {
            called.extend(&piece.needs);
        }
    }
    let taken: Vec<_> = pieces
        .iter()
        .filter(|piece| called.contains(piece.name))
        .collect();
    assert_eq!(
        taken.len(),
        called.len(),
        "the templates have not all of {called:?}"
    );
    let text: String = taken
        .iter()
        .map(|piece| format!("\n{}", piece.text))
        .collect();
    with_coordinates(emulator, &text)
}

/// The functions with the guard's coordinate for this emulator.
fn with_coordinates(emulator: &Emulator, text: &str) -> String {
    let logarithmic = has_logarithms(emulator);
    let coordinate = if logarithmic {
        "/* Which inputs are logarithmic is a constant of the emulator. */\n        \
             const float half =\n            \
             (range->logarithmic > 0.0f ? elementary_ln(select_float(value >= FLT_MIN, value, FLT_MIN)) : value) * 0.5f;"
    } else {
        "const float half = value * 0.5f;"
    };
    let local = if logarithmic {
        "const float value =\n            \
             ranges[k].logarithmic > 0.0f ? elementary_ln(select_float(x[k] >= FLT_MIN, x[k], FLT_MIN)) : x[k];"
    } else {
        "const float value = x[k];"
    };
    let values = [("coordinate", coordinate)];
    let also = [&[("local_coordinate", local)], &LATER[..]].concat();
    fill_also(text, &values, &also)
}

/// Whether some input is logarithmic in the guard.
fn has_logarithms(emulator: &Emulator) -> bool {
    emulator.domain().iter().any(|range| range.logarithmic)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a text calls a function, not one whose name has the same end.
    fn calls(text: &str, name: &str) -> bool {
        text.match_indices(&format!("{name}(")).any(|(place, _)| {
            let before = text[..place].chars().next_back();
            !before.is_some_and(|sign| sign.is_ascii_alphanumeric() || sign == '_')
        })
    }

    #[test]
    fn every_piece_names_exactly_the_pieces_that_it_calls() {
        let pieces = pieces();
        for (place, piece) in pieces.iter().enumerate() {
            let others = pieces.iter().filter(|other| other.name != piece.name);
            let called: BTreeSet<_> = others
                .filter(|other| calls(piece.text, other.name))
                .map(|other| other.name)
                .collect();
            let named: BTreeSet<_> = piece.needs.iter().copied().collect();
            assert_eq!(named, called, "{}", piece.name);
            let before = &pieces[..place];
            let stands_before = |name: &&str| before.iter().any(|other| other.name == *name);
            assert!(named.iter().all(stands_before), "{}", piece.name);
        }
    }
}
