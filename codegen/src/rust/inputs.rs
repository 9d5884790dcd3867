//! `inputs.rs` of a frozen crate: a structure with a field for each input, so that no two can be
//! confused.

use super::names::is_taken;
use super::text::cell;
use crate::emulator::Emulator;
use crate::template::fill;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The file's text.
pub(super) fn text(emulator: &Emulator) -> String {
    let inputs = emulator.inputs();
    let names = identifiers(inputs.iter().map(|input| &input.name[..]));
    let mut fields = String::new();
    for (name, input) in names.iter().zip(inputs) {
        let about = cell(&input.name);
        let _ = writeln!(
            fields,
            "    /// {about}, trained from {} to {}.\n    pub {name}: f32,",
            input.low, input.high
        );
    }
    let values: Vec<_> = names.iter().map(|name| format!("self.{name}")).collect();
    fill(
        include_str!("templates/inputs.rs.txt"),
        &[("fields", &fields), ("values", &values.join(", "))],
    )
}

/// A unique Rust identifier for each name: small letters, digits and single `_`.
fn identifiers<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let identifier = |(place, name): (usize, &str)| {
        let mut identifier = String::new();
        for sign in name.chars() {
            match sign {
                _ if sign.is_ascii_alphanumeric() => identifier.push(sign.to_ascii_lowercase()),
                _ if identifier.is_empty() || identifier.ends_with('_') => {}
                _ => identifier.push('_'),
            }
        }
        let mut identifier = match identifier.trim_end_matches('_') {
            "" => format!("input_{place}"),
            name if name.starts_with(|first: char| first.is_ascii_digit()) => format!("x_{name}"),
            name if is_taken(name) => format!("{name}_"),
            name => name.to_owned(),
        };
        let plain = identifier.clone();
        let mut count = 1;
        while !taken.insert(identifier.clone()) {
            count += 1;
            identifier = format!("{plain}_{count}");
        }
        identifier
    };
    names.enumerate().map(identifier).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_becomes_an_identifier_of_its_own() {
        let names = [
            "T_e (eV)", "n", "N", "n_2", "2nd", "type", "\u{b5}", "", "a--b",
        ];
        let expected = [
            "t_e_ev", "n", "n_2", "n_2_2", "x_2nd", "type_", "input_6", "input_7", "a_b",
        ];
        assert_eq!(identifiers(names.into_iter()), expected);
    }
}
