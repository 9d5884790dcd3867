//! Templates of generated code: texts with placeholders `{{name}}`.

/// Returns the template with its placeholders filled in.
///
/// Values are not expanded again: a name in the data cannot be mistaken for a placeholder.
///
/// # Panics
/// A placeholder has no value, or a value has no placeholder: the template and the code that fills
/// it must agree.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    fill_also(template, values, &[])
}

/// As [`fill`], with further values `also`, for which the template need not have a placeholder.
///
/// # Panics
/// A placeholder has no value, or one of `values` has no placeholder.
pub(crate) fn fill_also(template: &str, values: &[(&str, &str)], also: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len());
    let (mut rest, mut used) = (template, Vec::new());
    while let Some((before, name, after)) = next_place(rest) {
        let value = values.iter().chain(also).find(|(known, _)| *known == name);
        let Some((_, value)) = value else {
            panic!("no value for {{{{{name}}}}} in {template}");
        };
        text += before;
        text += value;
        used.push(name);
        rest = after;
    }
    let unused = values.iter().find(|(name, _)| !used.contains(name));
    assert!(unused.is_none(), "no place for {unused:?} in {template}");
    text + rest
}

/// The text before the first placeholder, the placeholder's name, and the text after it.
fn next_place(text: &str) -> Option<(&str, &str, &str)> {
    let is_part = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    // Searches for single braces, since a brace of the language itself may stand before a
    // placeholder.
    text.match_indices('{').find_map(|(begin, _)| {
        let inside = text[begin..].strip_prefix("{{")?;
        let end = inside.find(|sign| !is_part(sign))?;
        let after = inside[end..].strip_prefix("}}")?;
        (end > 0).then_some((&text[..begin], &inside[..end], after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_in_once() {
        let text = fill("{{a}} and {{b}}, {{a}}", &[("a", "{{b}}"), ("b", "2")]);
        assert_eq!(text, "{{b}} and 2, {{b}}");
        assert_eq!(fill_also("{{b}}", &[("b", "2")], &[("a", "1")]), "2");
        assert_eq!(fill("{{{}}} {{ a }}", &[]), "{{{}}} {{ a }}");
        assert_eq!(fill("{{{a}}}", &[("a", "1")]), "{1}");
    }

    #[test]
    #[should_panic = "no value for {{b}}"]
    fn an_unknown_place_is_refused() {
        let _ = fill("{{b}}", &[("a", "1")]);
    }

    #[test]
    #[should_panic = "no place for Some((\"a\", \"1\"))"]
    fn an_unused_value_is_refused() {
        let _ = fill("text", &[("a", "1")]);
    }
}
