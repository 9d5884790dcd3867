//! Formats numbers and names for the page.

/// Escapes the characters that have a meaning in HTML.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            other => out.push(other),
        }
    }
    out
}

/// Formats a value to three digits, in short form: `0.25`, `1500`, `5·10¹⁷`.
pub(super) fn number(value: f64) -> String {
    digits(value, 3)
}

/// Formats a tick label, for which there is little space: `2·10⁴`.
pub(super) fn tick(value: f64) -> String {
    written(value, 3, 3)
}

/// Formats a value to this number of digits, in short form.
pub(super) fn digits(value: f64, digits: usize) -> String {
    written(value, digits, 4)
}

/// Formats a value of order 1 to this number of decimals.
pub(super) fn decimals(value: f64, places: usize) -> String {
    match value.is_finite() {
        true => format!("{value:.places$}").replace('-', "−"),
        false => "–".into(),
    }
}

/// Formats a value to this number of digits, with a power of ten outside 10^-3 to 10^`largest`.
fn written(value: f64, digits: usize, largest: i32) -> String {
    if value == 0.0 {
        return "0".into();
    }
    if !value.is_finite() {
        return "–".into();
    }
    // Round first: 9.996 gains a digit before the decimal point.
    let rounded = format!("{:.*e}", digits - 1, value);
    let (mantissa, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let short = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    match exponent {
        _ if (-3..=largest).contains(&exponent) => {
            let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
            short(&format!("{value:.decimals$}")).replace('-', "−")
        }
        _ => {
            let mantissa = short(mantissa).replace('-', "−");
            match mantissa.as_str() {
                "1" => format!("10{}", superscript(exponent)),
                mantissa => format!("{mantissa}·10{}", superscript(exponent)),
            }
        }
    }
}

/// Formats a value to three digits with a power of ten, whatever its size: such values line up in a
/// column.
pub(super) fn scientific(value: f64) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    let written = format!("{value:.2e}");
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let exponent = superscript(exponent.parse().unwrap_or(0));
    format!("{mantissa}·10{exponent}").replace('-', "−")
}

fn superscript(exponent: i32) -> String {
    let raised = |letter| match letter {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32('⁰' as u32 + digit as u32 - '0' as u32).unwrap_or(digit),
    };
    exponent.to_string().chars().map(raised).collect()
}

/// Formats a fraction as a percentage.
pub(super) fn percent(share: f64) -> String {
    format!("{}\u{a0}%", number(100.0 * share))
}

/// Formats a number of bytes, in kB from a thousand on.
pub(super) fn bytes(count: f64) -> String {
    match count {
        ..1000.0 => format!("{count} B"),
        ..1e6 => format!("{} kB", number(count / 1e3)),
        _ => format!("{} MB", number(count / 1e6)),
    }
}

/// Formats a time given in seconds.
pub(super) fn seconds(time: f64) -> String {
    let units = [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")];
    let fits = units.into_iter().find(|(size, _)| time >= *size);
    let (size, unit) = fits.unwrap_or((1e-9, "ns"));
    format!("{} {unit}", number(time / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_right() {
        let cases = [
            (0.25, "0.25"),
            (1500.0, "1500"),
            (5e17, "5·10¹⁷"),
            (1e-9, "10⁻⁹"),
            (-0.001_234, "−0.00123"),
            (9.996, "10"),
            (99_990.0, "10⁵"),
            (880.6, "881"),
            (f64::NAN, "–"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text, "{value}");
        }
    }

    #[test]
    fn shares_keep_their_places() {
        let cases = [
            (0.998_061_2, "0.99806"),
            (-0.006_440_8, "−0.00644"),
            (f64::NAN, "–"),
        ];
        for (value, text) in cases {
            assert_eq!(decimals(value, 5), text, "{value}");
        }
        let written = [0.366, -7.936e-12, f64::NAN].map(scientific);
        assert_eq!(written, ["3.66·10⁻¹", "−7.94·10⁻¹²", "–"]);
        assert_eq!(percent(0.0161), "1.61\u{a0}%");
    }

    #[test]
    fn sizes_and_times_have_their_unit() {
        assert_eq!(tick(20_000.0), "2·10⁴");
        assert_eq!(bytes(181_800.0), "182 kB");
        assert_eq!(seconds(2.6e-6), "2.6 µs");
        assert_eq!(seconds(2.293e-3), "2.29 ms");
    }
}
