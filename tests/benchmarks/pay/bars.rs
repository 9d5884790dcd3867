//! Figures beside the bars that they have to keep, as Markdown.

use crate::board::Ratios;
use std::fmt::Write;

/// No bar.
pub(crate) const PUBLISHED: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];

/// A bar that is a largest value.
pub(crate) fn at_most(value: f64) -> [f64; 2] {
    [f64::NEG_INFINITY, value]
}

/// A figure of each form of the search, and the bar that it has to keep.
pub(crate) struct Bar {
    name: String,
    /// The figures; `None` while cells are missing.
    figures: Vec<Option<f64>>,
    /// What is known of them, as it is printed.
    so_far: Vec<String>,
    /// The least and the largest value allowed; infinite where there is no bar.
    range: [f64; 2],
}

impl Bar {
    /// A figure of the ratios of each form.
    pub(crate) fn of(
        name: &str,
        forms: &[Ratios],
        figure: fn(&Ratios) -> Option<f64>,
        range: [f64; 2],
    ) -> Self {
        let whole = |ratios: &Ratios| figure(ratios).filter(|_| ratios.is_whole());
        let so_far = |ratios: &Ratios| match (figure(ratios), ratios.counts()) {
            (Some(value), (known, all)) if known < all => {
                format!("{} ({known} of {all})", short(value))
            }
            (value, _) => or_missing(value),
        };
        Self {
            name: name.to_owned(),
            figures: forms.iter().map(whole).collect(),
            so_far: forms.iter().map(so_far).collect(),
            range,
        }
    }

    /// Whether a form keeps the bar; `None` while cells are missing.
    fn is_met(&self, form: usize) -> Option<bool> {
        let [least, most] = self.range;
        self.figures[form].map(|figure| (least..=most).contains(&figure))
    }

    fn is_published_only(&self) -> bool {
        self.range == PUBLISHED
    }

    fn range_text(&self) -> String {
        match self.range {
            PUBLISHED => "published".to_owned(),
            [f64::NEG_INFINITY, most] => format!("at most {}", short(most)),
            [least, f64::INFINITY] => format!("at least {}", short(least)),
            [least, most] => format!("{} to {}", short(least), short(most)),
        }
    }
}

/// Returns the table of several bars. Of several forms, the one that keeps more of them decides,
/// and of two such the one with the smaller first figure.
pub(crate) fn text(bars: &[Bar], forms: &[&str]) -> String {
    let kept = |form: usize| {
        let met = bars.iter().filter(|bar| bar.is_met(form) == Some(true));
        let first = bars.iter().find_map(|bar| bar.figures[form]);
        (met.count(), first.unwrap_or(f64::INFINITY))
    };
    let better = (0..forms.len()).max_by(|&a, &b| {
        let ((more, first), (other, second)) = (kept(a), kept(b));
        more.cmp(&other).then(second.total_cmp(&first))
    });
    let better = better.unwrap_or(0);
    let mut text = format!("| figure | {} | bar | |\n", forms.join(" | "));
    let _ = writeln!(text, "|---|{}---|---|", "---|".repeat(forms.len()));
    for bar in bars {
        let verdict = match bar.is_met(better) {
            _ if bar.is_published_only() => "",
            None => "missing",
            Some(true) => "met",
            Some(false) => "**missed**",
        };
        let figures = bar.so_far.join(" | ");
        let range = bar.range_text();
        let _ = writeln!(text, "| {} | {figures} | {range} | {verdict} |", bar.name);
    }
    if forms.len() > 1 {
        let _ = writeln!(text, "\nThe better form, which decides: {}.", forms[better]);
    }
    text
}

/// A value with three digits.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        size if (0.01..1e4).contains(&size) => {
            let digits = (2.0 - size.log10().floor()).clamp(0.0, 4.0) as usize;
            format!("{value:.digits$}")
        }
        _ => format!("{value:.2e}"),
    }
}

/// A value that may be missing.
pub(crate) fn or_missing(value: Option<f64>) -> String {
    value.map_or("missing".to_owned(), short)
}
