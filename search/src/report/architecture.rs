//! The super-architecture: the final probabilities of every group's candidates, and their history.

use super::facts::{Facts, moving};
use super::page::{Page, figure, grid, missing};
use super::plot::{Axis, Plot, SIZE};
use super::scale::Scale;
use super::spread::COLOURS;
use super::text::{escape, percent};
use crate::search::TrainingRecords;
use crate::space::Architecture;
use serde_json::Value;
use std::fmt::Write;

/// Largest number of candidates side by side.
const ABREAST: usize = 4;
/// Height of a candidate, of the space around a row of them, and of either end of the network, in
/// pixels.
const PILL: f64 = 38.0;
const ROOM: f64 = 26.0;
const END: f64 = 28.0;

/// A group as drawn: its name, the names of its candidates without copies, and their probabilities.
struct Drawn {
    name: String,
    candidates: Vec<String>,
    probabilities: Vec<f64>,
    /// The choice that each drawn candidate stands for.
    choices: Vec<usize>,
    /// For each choice, the index of the drawn candidate that it is or copies.
    place: Vec<usize>,
}

pub(super) fn section(facts: &Facts, page: &mut Page) {
    let searched = facts.searched();
    let groups = searched.map_or_else(|| unnamed(facts), named);
    let heading = "What was searched";
    let about = "Between two neighbouring nodes stands one operation of several candidates. The search learns the probability of \
                 each; members of the ensemble are drawn from them. How they moved is shown until a while after all had settled.";
    if groups.is_empty() {
        return page.section(
            heading,
            about,
            &missing("Nothing was searched in this run: its networks are fixed."),
        );
    }
    let picture = network(facts, &groups, searched.map(|training| &training.name[..]));
    let content = match searched {
        Some(training) => {
            let moved: Vec<_> = (0..groups.len())
                .filter(|&group| groups[group].candidates.len() > 1)
                .map(|group| moved(training, group, &groups[group]))
                .collect();
            format!("<div class=\"beside\">{picture}{}</div>", grid(&moved))
        }
        None => {
            let line = "How the probabilities moved is not known: the run has no history.json.";
            format!("{}<div class=\"beside\">{picture}</div>", missing(line))
        }
    };
    page.section(heading, about, &content);
}

/// The groups at the end of a training that searched.
fn named(training: &TrainingRecords) -> Vec<Drawn> {
    let last = training
        .records
        .iter()
        .rfind(|record| !record.probabilities.is_empty());
    let probabilities = last
        .map(|record| &record.probabilities[..])
        .unwrap_or_default();
    let pairs = training.groups.iter().zip(probabilities);
    pairs
        .map(|(group, probabilities)| {
            let all = &group.candidates;
            let mut choices: Vec<usize> = Vec::new();
            let mut place = Vec::new();
            for (choice, value) in all.iter().enumerate() {
                let known = choices.iter().position(|&other| all[other] == *value);
                place.push(known.unwrap_or(choices.len()));
                if known.is_none() {
                    choices.push(choice);
                }
            }
            let of = |choice: &usize| probabilities.get(*choice).copied().unwrap_or(0.0);
            Drawn {
                name: group.name.clone(),
                candidates: choices
                    .iter()
                    .map(|&choice| candidate(&all[choice]))
                    .collect(),
                probabilities: choices.iter().map(of).collect(),
                choices,
                place,
            }
        })
        .collect()
}

/// The groups from the emulator's provenance, without names; empty if nothing was searched.
fn unnamed(facts: &Facts) -> Vec<Drawn> {
    let provenance = facts.provenance.as_ref();
    let groups = provenance.map_or(&[][..], |from| &from.probabilities);
    if groups.iter().all(|group| group.len() == 1) {
        return Vec::new();
    }
    let numbered = |(index, probabilities): (usize, &Vec<f64>)| Drawn {
        name: format!("group {}", index + 1),
        candidates: (1..=probabilities.len())
            .map(|number| format!("candidate {number}"))
            .collect(),
        choices: (0..probabilities.len()).collect(),
        place: (0..probabilities.len()).collect(),
        probabilities: probabilities.clone(),
    };
    groups.iter().enumerate().map(numbered).collect()
}

/// A candidate in words: `low rank 16` for `{"LowRank": {"rank": 16}}`.
fn candidate(value: &Value) -> String {
    let words = |name: &str| {
        let mut words = String::new();
        for letter in name.chars() {
            if letter.is_uppercase() && !words.is_empty() {
                words.push(' ');
            }
            words.extend(letter.to_lowercase());
        }
        words
    };
    match value {
        Value::String(name) if name == "Zero" => "nothing".into(),
        Value::String(name) => words(name),
        Value::Object(fields) => {
            let (name, settings) = fields.iter().next().unzip();
            let mut text =
                words(name.map_or("", String::as_str)).replace("transposed conv", "transp. conv");
            for setting in settings.and_then(Value::as_object).into_iter().flatten() {
                let _ = match setting {
                    (name, value) if name == "stride" => write!(text, ", stride {value}"),
                    (_, Value::String(value)) => write!(text, " {}", words(value)),
                    (_, value) => write!(text, " {value}"),
                };
            }
            text
        }
        other => other.to_string(),
    }
}

/// The choices of the shipped members, if they belong to the drawn space.
fn members<'a>(facts: &'a Facts, space: Option<&str>) -> &'a [Architecture] {
    match &facts.provenance {
        Some(from) if space.is_none_or(|space| from.space == space) => &from.members,
        _ => &[],
    }
}

fn network(facts: &Facts, groups: &[Drawn], space: Option<&str>) -> String {
    let members = members(facts, space);
    let (width, middle) = (SIZE[0], SIZE[0] / 2.0);
    let mut body = String::new();
    let ends = [
        format!("{} inputs", facts.emulator.input_count()),
        format!("{} outputs", facts.emulator.output_count()),
    ];
    let end = |body: &mut String, y: f64, text: &str| {
        let _ = write!(
            body,
            "<rect class=\"node\" x=\"{:.1}\" y=\"{y:.1}\" width=\"110\" height=\"{END}\" rx=\"6\"/>\
             <text class=\"name\" x=\"{middle}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
            middle - 55.0,
            y + 18.0
        );
    };
    let mut y = 4.0;
    end(&mut body, y, &ends[0]);
    y += END;
    for (index, group) in groups.iter().enumerate() {
        let _ = write!(
            body,
            "<text class=\"name\" x=\"4\" y=\"{:.1}\">{}</text>",
            y + ROOM - 10.0,
            escape(&group.name)
        );
        let rows = group.candidates.len().div_ceil(ABREAST);
        let next = y + 2.0 * ROOM + rows as f64 * (PILL + 6.0) - 6.0;
        let abreast = group.candidates.len().div_ceil(rows);
        let each = (width - 8.0) / abreast as f64;
        let (mut edges, mut pills) = (String::new(), String::new());
        for (choice, (name, &probability)) in group
            .candidates
            .iter()
            .zip(&group.probabilities)
            .enumerate()
        {
            let x = 4.0 + (choice % abreast) as f64 * each;
            let top = y + ROOM + (choice / abreast) as f64 * (PILL + 6.0);
            let (centre, below) = (x + each / 2.0, top + PILL);
            let _ = write!(
                edges,
                "<path class=\"edge\" stroke-width=\"{:.1}\" opacity=\"{:.2}\" d=\"M{middle} {y:.1}C{middle} {:.1} {centre:.1} {:.1} \
                 {centre:.1} {top:.1}M{centre:.1} {below:.1}C{centre:.1} {:.1} {middle} {:.1} {middle} {next:.1}\"/>",
                0.8 + 5.0 * probability,
                0.25 + 0.65 * probability,
                y + 14.0,
                top - 14.0,
                below + 14.0,
                next - 14.0
            );
            let _ = write!(
                pills,
                "<rect class=\"node\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{PILL}\" rx=\"7\" stroke-opacity=\"0\"/>\
                 <rect class=\"pill\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{PILL}\" rx=\"7\" fill-opacity=\"{:.2}\" \
                 stroke-opacity=\"0.5\"/><text x=\"{centre:.1}\" y=\"{:.1}\" text-anchor=\"middle\" class=\"pill-name\">{}</text>\
                 <text x=\"{centre:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                x + 3.0,
                each - 6.0,
                x + 3.0,
                each - 6.0,
                0.03 + 0.32 * probability,
                top + 16.0,
                escape(name),
                top + 30.0,
                share(probability)
            );
            let using = members
                .iter()
                .filter(|member| {
                    let choices = member.choices();
                    let drawn = choices
                        .get(index)
                        .and_then(|&chosen| group.place.get(chosen));
                    drawn == Some(&choice)
                })
                .count();
            for dot in 0..using {
                let x = x + each - 9.0 - 7.0 * (dot % 12) as f64;
                let _ = write!(
                    pills,
                    "<circle class=\"member\" cx=\"{x:.1}\" cy=\"{below:.1}\" r=\"2.8\"/>"
                );
            }
        }
        body += &edges;
        body += &pills;
        y = next;
        if index + 1 < groups.len() {
            let _ = write!(
                body,
                "<circle class=\"node\" cx=\"{middle}\" cy=\"{y:.1}\" r=\"4\"/>"
            );
        }
    }
    end(&mut body, y, &ends[1]);
    let height = y + END + 4.0;
    let title = "The super-architecture";
    let svg = format!(
        "<svg class=\"plot drawing\" viewBox=\"0 0 {width} {height:.0}\" role=\"img\" aria-label=\"{title}\">{body}</svg>"
    );
    let mut read = "Data flow from top to bottom; lines and fills are as strong as a candidate is probable, in per cent.".to_owned();
    if !members.is_empty() {
        read += " Each dot is a member that ships.";
    }
    figure(&svg, "The super-architecture.", &read, &[])
}

/// A probability in per cent, without false precision.
fn share(probability: f64) -> String {
    match probability {
        ..0.001 => "&lt; 0.1 %".into(),
        0.999..1.0 => "&gt; 99.9 %".into(),
        other => percent(other),
    }
}

/// The probabilities of a group over time, stacked.
fn moved(training: &TrainingRecords, group: usize, drawn: &Drawn) -> String {
    let records = moving(training).iter();
    let records: Vec<_> = records
        .filter(|record| record.probabilities.len() > group)
        .collect();
    let mut plot = Plot::sized(
        Axis::new(
            Scale::around(records.iter().map(|record| record.seconds)),
            "time (s)",
        ),
        Axis::new(Scale::between(0.0, 1.0, false), "probability (1)"),
        [SIZE[0], 172.0],
    );
    let mut keys = Vec::new();
    for (number, (&choice, name)) in drawn.choices.iter().zip(&drawn.candidates).enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let area: Vec<_> = records
            .iter()
            .map(|record| {
                let all = &record.probabilities[group];
                let below: f64 = all.iter().take(choice).sum();
                (
                    record.seconds,
                    below,
                    below + all.get(choice).unwrap_or(&0.0),
                )
            })
            .collect();
        plot.band(&format!("full {colour}"), &area);
        keys.push((format!("{colour} area"), name.clone()));
    }
    let keys: Vec<_> = keys
        .iter()
        .map(|(class, text)| (&class[..], &text[..]))
        .collect();
    let shows = format!("{}: how the probabilities moved.", drawn.name);
    figure(&plot.svg(&shows), &shows, "", &keys)
}
