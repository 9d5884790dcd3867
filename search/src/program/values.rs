//! Values of options, read from what is typed.

use std::time::Duration;

/// Reads `90s`, `5m` or `1.5h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) =
        text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let unit = match unit {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err("expected a number with s, m or h, for example 5m".into()),
    };
    match number.parse::<f64>().map(|number| number * unit) {
        Ok(seconds) if (1.0..=1e7).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("expected 1s to 1e7s, for example 5m".into()),
    }
}

/// The value of `--hold-out`; `None` is auto.
#[derive(Debug, Clone, Copy)]
pub(super) struct HoldOut(pub(super) Option<f64>);

/// Reads `auto`, or a share.
pub(super) fn hold_out(text: &str) -> Result<HoldOut, String> {
    match (text, text.parse::<f64>()) {
        ("auto", _) => Ok(HoldOut(None)),
        (_, Ok(share)) if (0.0..=0.9).contains(&share) => Ok(HoldOut(Some(share))),
        _ => Err("expected auto, or a share from 0 to 0.9".into()),
    }
}

/// Names in one argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names(pub(super) Vec<String>);

/// Reads names separated by commas. Quotation marks around a name protect its commas and blanks;
/// two of them inside a name stand for one.
pub(super) fn names(text: &str) -> Result<Names, String> {
    let (mut all, mut rest) = (Vec::new(), text);
    loop {
        let begin = rest.trim_start();
        let after = match begin.strip_prefix('"') {
            None => {
                let end = begin.find(',').unwrap_or(begin.len());
                all.push(begin[..end].trim_end().to_owned());
                &begin[end..]
            }
            Some(inside) => {
                let (mut name, mut inside) = (String::new(), inside);
                loop {
                    let end = inside.find('"').ok_or("a quotation mark is not closed")?;
                    name += &inside[..end];
                    inside = &inside[end + 1..];
                    match inside.strip_prefix('"') {
                        Some(more) => {
                            name.push('"');
                            inside = more;
                        }
                        None => break,
                    }
                }
                all.push(name);
                inside.trim_start()
            }
        };
        if after.is_empty() {
            return Ok(Names(all));
        }
        rest = after
            .strip_prefix(',')
            .ok_or("expected a comma after a name in quotation marks")?;
    }
}

/// Reads microseconds as whole nanoseconds.
pub(super) fn microseconds(text: &str) -> Result<u64, String> {
    match text.parse::<f64>() {
        Ok(us) if (1e-3..=1e9).contains(&us) => Ok((us * 1e3) as u64),
        _ => Err("expected microseconds from 0.001 to 1e9, for example 5".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_have_commas_blanks_and_quotation_marks_within_quotation_marks() {
        let table: [(&str, Result<&[&str], &str>); 7] = [
            ("a,b", Ok(&["a", "b"])),
            ("a", Ok(&["a"])),
            ("a , b c", Ok(&["a", "b c"])),
            ("\"n, cm^-3\",T", Ok(&["n, cm^-3", "T"])),
            (
                "T, \" a \"\"q\"\" \" ,5\" pipe",
                Ok(&["T", " a \"q\" ", "5\" pipe"]),
            ),
            ("a,\"b", Err("not closed")),
            ("\"a\"b", Err("expected a comma")),
        ];
        for (text, expected) in table {
            match (names(text), expected) {
                (Ok(Names(found)), Ok(expected)) => assert_eq!(found, expected),
                (Err(error), Err(expected)) => assert!(error.contains(expected), "{error}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }
}
