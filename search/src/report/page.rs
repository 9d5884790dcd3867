//! The page around the figures: one self-contained file, in light and dark.

use super::text::escape;
use std::fmt::Write;

const STYLE: &str = include_str!("style.css");

/// A page under construction.
pub(super) struct Page {
    title: String,
    body: String,
}

impl Page {
    pub(super) fn new(title: &str) -> Self {
        Self {
            title: escape(title),
            body: String::new(),
        }
    }

    /// Adds a section: a heading, an introduction, and content.
    pub(super) fn section(&mut self, heading: &str, about: &str, content: &str) {
        let _ = writeln!(
            self.body,
            "<section><h2>{}</h2><p class=\"about\">{}</p>{content}</section>",
            escape(heading),
            escape(about)
        );
    }

    /// Adds content before the first section.
    pub(super) fn begin(&mut self, content: &str) {
        self.body += content;
    }

    pub(super) fn html(&self) -> String {
        let Self { title, body } = self;
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
             <body>\n<main>\n{body}</main>\n</body>\n</html>\n"
        )
    }
}

/// Figures side by side, wrapped at the width of the page.
pub(super) fn grid(figures: &[String]) -> String {
    format!("<div class=\"grid\">{}</div>", figures.concat())
}

/// A picture with its caption: its subject, in bold, and how to read it. `keys` explain colours, by
/// class.
pub(super) fn figure(picture: &str, shows: &str, read: &str, keys: &[(&str, &str)]) -> String {
    let mut legend = String::new();
    for (class, text) in keys {
        let _ = write!(
            legend,
            "<span class=\"key {class}\">{}</span>",
            escape(text)
        );
    }
    if !legend.is_empty() {
        legend = format!("<div class=\"keys\">{legend}</div>");
    }
    format!(
        "<figure><figcaption><b>{}</b> {}</figcaption>{legend}{picture}</figure>\n",
        escape(shows),
        escape(read)
    )
}

/// A line in place of something that the run lacks.
pub(super) fn missing(text: &str) -> String {
    format!("<p class=\"missing\">{}</p>", escape(text))
}

/// A table of rows, the first of which is the header. `numbers` tells which columns are numeric.
pub(super) fn table(rows: &[Vec<String>], numbers: &[bool]) -> String {
    let mut out = String::from("<div class=\"wide\"><table>");
    for (index, row) in rows.iter().enumerate() {
        let tag = if index == 0 { "th" } else { "td" };
        out += "<tr>";
        for (cell, &number) in row.iter().zip(numbers) {
            let class = if number { " class=\"number\"" } else { "" };
            let _ = write!(out, "<{tag}{class}>{}</{tag}>", escape(cell));
        }
        out += "</tr>";
    }
    out + "</table></div>"
}
