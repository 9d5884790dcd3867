//! Plots as inline SVG: two axes with ticks and labels, and lines, bands, points, bars and cells
//! between them.
//!
//! We use no crate: drawn elements have no fixed colour but a class, which the page colours in
//! light and dark. Text must keep its size from desktop to phone, so every plot has the width of a
//! phone's page.

use super::scale::Scale;
use super::text::{escape, tick};
use std::fmt::Write;

/// Width and height of a plot, in pixels at its natural size.
pub(super) const SIZE: [f64; 2] = [360.0, 236.0];
/// Space for labels: left, right, above, below.
const MARGIN: [f64; 4] = [58.0, 14.0, 10.0, 40.0];

/// Width of a letter in names beside the vertical axis, and of the other elements beside those
/// names, in pixels.
const LETTER: f64 = 6.4;
const LABEL: f64 = 30.0;
/// Upper limit of half the width of a digit below an axis, in pixels.
const HALF_LETTER: f64 = 3.5;
/// Overlap of neighbouring cells, so that no background shows between them.
const SEAM: f64 = 0.3;

/// An axis: its scale, and its label with the unit.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) scale: Scale,
    pub(super) label: String,
}

impl Axis {
    pub(super) fn new(scale: Scale, label: impl Into<String>) -> Self {
        Self {
            scale,
            label: label.into(),
        }
    }
}

/// A plot under construction.
pub(super) struct Plot {
    x: Axis,
    y: Axis,
    size: [f64; 2],
    body: String,
    /// Labels that replace the horizontal or vertical ticks, each with its position.
    names: Option<Vec<(f64, String)>>,
}

impl Plot {
    pub(super) fn new(x: Axis, y: Axis) -> Self {
        Self::sized(x, y, SIZE)
    }

    pub(super) fn sized(x: Axis, y: Axis, size: [f64; 2]) -> Self {
        Self {
            x,
            y,
            size,
            body: String::new(),
            names: None,
        }
    }

    /// Uses names instead of numbers along the vertical axis. Long names are shortened in the
    /// middle.
    pub(super) fn named(mut self, names: Vec<(f64, String)>) -> Self {
        let most = ((0.45 * self.size[0] - LABEL) / LETTER) as usize;
        let names = names.into_iter();
        self.names = Some(
            names
                .map(|(place, name)| (place, shortened(&name, most)))
                .collect(),
        );
        self
    }

    fn left(&self) -> f64 {
        match &self.names {
            Some(names) => {
                let longest = names.iter().map(|(_, name)| name.chars().count()).max();
                LABEL + LETTER * longest.unwrap_or(0) as f64
            }
            None => MARGIN[0],
        }
    }

    /// Width and height between the axes.
    fn inner(&self) -> [f64; 2] {
        let [_, right, top, bottom] = MARGIN;
        [
            self.size[0] - self.left() - right,
            self.size[1] - top - bottom,
        ]
    }

    /// A point's position between the axes. Points far outside are moved closer, which keeps the
    /// text short.
    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let [width, height] = self.inner();
        let near = |place: f64| place.clamp(-1.0, 2.0);
        (
            width * near(self.x.scale.at(x)),
            height * (1.0 - near(self.y.scale.at(y))),
        )
    }

    fn path(&self, points: impl IntoIterator<Item = (f64, f64)>) -> String {
        let mut path = String::new();
        for (x, y) in points
            .into_iter()
            .filter(|(x, y)| x.is_finite() && y.is_finite())
        {
            let (x, y) = self.place(x, y);
            let letter = if path.is_empty() { 'M' } else { 'L' };
            let _ = write!(path, "{letter}{x:.1} {y:.1}");
        }
        path
    }

    /// A line through these points. `class` gives its colour and style.
    pub(super) fn line(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let path = self.path(points);
        let _ = write!(self.body, "<path class=\"line {class}\" d=\"{path}\"/>");
    }

    /// The area between two curves: `(x, low, high)`.
    pub(super) fn band(&mut self, class: &str, points: &[(f64, f64, f64)]) {
        let there = points.iter().map(|&(x, _, high)| (x, high));
        let back = points.iter().rev().map(|&(x, low, _)| (x, low));
        let path = self.path(there.chain(back));
        let _ = write!(self.body, "<path class=\"band {class}\" d=\"{path}Z\"/>");
    }

    /// A dot at each of these points.
    pub(super) fn points(
        &mut self,
        class: &str,
        radius: f64,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) {
        // A path of zero-length dots with round ends takes a quarter of the bytes of the same
        // number of circles.
        let mut path = String::new();
        for (x, y) in points {
            let (x, y) = self.place(x, y);
            let _ = write!(path, "M{x:.1} {y:.1}h0");
        }
        let width = 2.0 * radius;
        let _ = write!(
            self.body,
            "<path class=\"dots {class}\" stroke-width=\"{width}\" d=\"{path}\"/>"
        );
    }

    /// A text next to a point.
    pub(super) fn note(&mut self, x: f64, y: f64, text: &str) {
        let (x, y) = self.place(x, y);
        self.write_note(x, (y - 4.0).max(9.0), text);
    }

    /// A text to the right of a position, or to its left if there is no space.
    fn write_note(&mut self, x: f64, y: f64, text: &str) {
        let (x, anchor) = match x < 0.7 * self.inner()[0] {
            true => (x + 5.0, "start"),
            false => (x - 5.0, "end"),
        };
        let text = escape(text);
        let _ = write!(
            self.body,
            "<text class=\"note\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
        );
    }

    /// A text after the end of a bar.
    pub(super) fn beside(&mut self, x: f64, y: f64, text: &str) {
        let (x, y) = self.place(x, y);
        let (x, y, text) = (x + 5.0, y + 3.5, escape(text));
        let _ = write!(
            self.body,
            "<text class=\"note\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"
        );
    }

    /// A vertical line with a text at its top. Texts that would overlap go on separate lines.
    pub(super) fn mark(&mut self, x: f64, text: &str, line: usize) {
        let (low, high) = (self.y.scale.value(0.0), self.y.scale.value(1.0));
        self.line("mark", [(x, low), (x, high)]);
        let (x, _) = self.place(x, low);
        self.write_note(x, 10.0 + 13.0 * line as f64, text);
    }

    /// Filled rectangles `(x from, x to, y from, y to)`.
    pub(super) fn bars(&mut self, class: &str, bars: impl IntoIterator<Item = [f64; 4]>) {
        let mut path = String::new();
        for [x0, x1, y0, y1] in bars {
            let ((x0, y0), (x1, y1)) = (self.place(x0, y0), self.place(x1, y1));
            let _ = write!(path, "M{x0:.1} {y0:.1}H{x1:.1}V{y1:.1}H{x0:.1}Z");
        }
        let _ = write!(self.body, "<path class=\"bar {class}\" d=\"{path}\"/>");
    }

    /// Cells that fill the plot, `[rows][columns]` from below, each empty or with a level.
    /// Neighbours of equal level become one rectangle. `style` gives the attributes of a level.
    pub(super) fn cells(&mut self, rows: &[Vec<Option<usize>>], style: impl Fn(usize) -> String) {
        let [width, height] = self.inner();
        let columns = rows.first().map_or(1, Vec::len);
        let (w, h) = (width / columns as f64, height / rows.len() as f64);
        let levels = rows
            .iter()
            .flatten()
            .flatten()
            .max()
            .map_or(0, |level| level + 1);
        let tall = h + SEAM;
        let mut paths = vec![String::new(); levels];
        for (index, row) in rows.iter().enumerate() {
            let y = height - (index + 1) as f64 * h - SEAM;
            let mut start = 0;
            for run in row.chunk_by(|a, b| a == b) {
                if let Some(level) = run[0] {
                    let (x, w) = (start as f64 * w, run.len() as f64 * w + SEAM);
                    let _ = write!(paths[level], "M{x:.1} {y:.1}h{w:.1}v{tall:.1}h-{w:.1}z");
                }
                start += run.len();
            }
        }
        for (level, path) in paths
            .iter()
            .enumerate()
            .filter(|(_, path)| !path.is_empty())
        {
            let _ = write!(self.body, "<path {} d=\"{path}\"/>", style(level));
        }
    }

    /// The complete picture with a visible title, for figures with several pictures.
    pub(super) fn titled(self, title: &str) -> String {
        let svg = self.svg(title);
        format!(
            "<div><div class=\"title\">{}</div>{svg}</div>",
            escape(title)
        )
    }

    /// The complete picture. `title` describes it for people who cannot see it.
    pub(super) fn svg(self, title: &str) -> String {
        let ([width, height], [w, h]) = (self.size, self.inner());
        let (left, top) = (self.left(), MARGIN[2]);
        let mut out = format!(
            "<svg class=\"plot\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">",
            escape(title)
        );
        let mut grid = String::new();
        let mut last: Option<(f64, f64)> = None;
        for at in self.x.scale.ticks() {
            let x = left + w * self.x.scale.at(at);
            let _ = write!(grid, "M{x:.1} {top}v{h:.1}");
            let y = top + h + 14.0;
            let number = tick(at);
            let half = HALF_LETTER * number.chars().count() as f64 + 2.0;
            // At the edge of the picture, keep it inside.
            let x = x.min(width - half);
            // On a logarithmic axis ticks can crowd: skip a number that would overlap the previous
            // one.
            if last.is_some_and(|(place, other)| (x - place).abs() < half + other) {
                continue;
            }
            last = Some((x, half));
            let _ = write!(
                out,
                "<text class=\"tick\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{number}</text>"
            );
        }
        let numbers = || self.y.scale.ticks().into_iter().map(|at| (at, tick(at)));
        for (tick, name) in self.names.clone().unwrap_or_else(|| numbers().collect()) {
            let y = top + h * (1.0 - self.y.scale.at(tick));
            if self.names.is_none() {
                let _ = write!(grid, "M{left:.1} {y:.1}h{w:.1}");
            }
            let _ = write!(
                out,
                "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left - 5.0,
                y + 3.5,
                escape(&name)
            );
        }
        let _ = write!(
            out,
            "<path class=\"rule\" d=\"{grid}\"/><svg x=\"{left:.1}\" y=\"{top}\" width=\"{w:.1}\" height=\"{h:.1}\">{}</svg>\
             <path class=\"frame\" d=\"M{left:.1} {top}v{h:.1}h{w:.1}\"/>\
             <text class=\"label x\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text class=\"label y\" transform=\"translate(11 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text></svg>",
            self.body,
            left + w / 2.0,
            height - 7.0,
            escape(&self.x.label),
            top + h / 2.0,
            escape(&self.y.label),
        );
        out
    }
}

/// A name of at most `most` letters: its beginning and its end.
fn shortened(name: &str, most: usize) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= most {
        return name.to_owned();
    }
    let (begin, end) = (most / 2, most - most / 2 - 1);
    let parts = [&letters[..begin], &['…'], &letters[letters.len() - end..]];
    parts.concat().into_iter().collect()
}

#[cfg(test)]
mod tests;
