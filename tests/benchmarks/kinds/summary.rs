//! What the measured errors say, as Markdown.

use crate::Cell;
use dense_search::kind::Kind;
use dense_search::kind::prior::{DEVIATION, Errors, Prior, ROWS};
use std::fmt::Write;

/// Kinds that begin a race, and those that are left after its first round.
const STARTERS: usize = 5;
const LEFT: usize = 2;
/// Deviations of rows and of errors, beside the product's.
const DEVIATIONS: [(f64, f64); 8] = [
    (ROWS, 0.3),
    (ROWS, 0.5),
    (ROWS, DEVIATION),
    (ROWS, 1.0),
    (ROWS, 2.0),
    (0.7, DEVIATION),
    (2.0, DEVIATION),
    (1e3, DEVIATION),
];
/// The logarithm of an error above which a network has failed.
const FAILED: f64 = 1.1;
/// The kinds of races before there was a prior.
const BEFORE: [&str; STARTERS] = [
    "gated",
    "gated-decayed",
    "gated-dense",
    "residual",
    "fourier-gated-decayed",
];

/// A set's number of rows, and its errors.
type Measured = (usize, Errors);

/// Returns the tables of the sets that all kinds were measured on, those with few outputs first.
pub(crate) fn summary(cells: &[Cell]) -> String {
    let mut text = String::new();
    for (outputs, name) in [(1, "Few outputs"), (100, "Many outputs")] {
        let kinds: Vec<Kind> = Kind::all().filter(|kind| kind.applies(outputs)).collect();
        let sets = measured(cells, &kinds);
        let _ = writeln!(text, "## {name}: {} sets\n", sets.len());
        text += &of_kinds(&kinds, &sets);
        text += &of_choices(&kinds, &sets);
    }
    text
}

/// The errors of the sets that these kinds and no others were measured on.
fn measured(cells: &[Cell], kinds: &[Kind]) -> Vec<Measured> {
    let mut names: Vec<&str> = cells.iter().map(|cell| cell.set.as_str()).collect();
    names.dedup();
    let set = |name: &str| {
        let of_set: Vec<&Cell> = cells.iter().filter(|cell| cell.set == name).collect();
        let of = |kind: &Kind| {
            let cell = of_set.iter().find(|cell| cell.kind == kind.name())?;
            Some(cell.mse_z.map(|error| error.ln().min(FAILED)))
        };
        let all: Option<Errors> = kinds.iter().map(of).collect();
        let all = all.filter(|_| of_set.len() == kinds.len());
        Some((of_set.first()?.rows, all?))
    };
    names.into_iter().filter_map(set).collect()
}

fn least(errors: impl IntoIterator<Item = f64>) -> f64 {
    errors.into_iter().fold(f64::INFINITY, f64::min)
}

/// The places of the least of these values, the least first.
fn order(values: &[f64]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..values.len()).collect();
    places.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    places
}

/// Wins and errors of each kind.
fn of_kinds(kinds: &[Kind], sets: &[Measured]) -> String {
    let mut text = "| kind | least error, few steps | many steps | over the least, many steps |\n|---|---|---|---|\n".to_owned();
    for (place, kind) in kinds.iter().enumerate() {
        let wins = |when: usize| {
            let wins = sets
                .iter()
                .filter(|(_, set)| set[place][when] == least(set.iter().map(|one| one[when])));
            wins.count()
        };
        let over = sets
            .iter()
            .map(|(_, set)| set[place][1] - least(set.iter().map(|one| one[1])));
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {:.2} |",
            kind.name(),
            wins(0),
            wins(1),
            (over.sum::<f64>() / sets.len() as f64).exp()
        );
    }
    text + "\n"
}

/// The least error of the kinds that each way of choosing leaves, over that of all kinds; each set is
/// left out of what its own choice is made by.
fn of_choices(kinds: &[Kind], sets: &[Measured]) -> String {
    let mut text = "| kinds that are left after the first round | least error over that of all kinds, geometric mean | largest |\n|---|---|---|\n".to_owned();
    let mut line = |name: &str, left: &dyn Fn(usize) -> Vec<usize>| {
        let over = sets.iter().enumerate().map(|(number, (_, set))| {
            let chosen = left(number).into_iter().map(|place| set[place][1]);
            least(chosen) - least(set.iter().map(|one| one[1]))
        });
        let over: Vec<f64> = over.collect();
        let mean = over.iter().sum::<f64>() / over.len().max(1) as f64;
        let largest = over.iter().copied().fold(0.0, f64::max);
        let _ = writeln!(
            text,
            "| {name} | {:.2} | {:.2} |",
            mean.exp(),
            largest.exp()
        );
    };
    let without = |number: usize, deviation: f64| {
        let mut others = sets.to_vec();
        let (rows, _) = others.remove(number);
        Prior::new(kinds.to_vec(), others, rows, deviation)
    };
    let place = |kind: &Kind| kinds.iter().position(|one| one == kind).unwrap_or(0);
    let by_error = |number: usize, starters: Vec<usize>| {
        let errors: Vec<f64> = starters
            .iter()
            .map(|&place| sets[number].1[place][0])
            .collect();
        let best = order(&errors).into_iter().take(LEFT);
        best.map(|one| starters[one]).collect::<Vec<_>>()
    };
    let first = |number: usize, deviation: f64| -> Vec<usize> {
        let first = without(number, deviation).first(STARTERS);
        first.iter().map(place).collect()
    };
    line("`gated`", &|_| vec![place(&Kind::GATED)]);
    line("two of the five of before, by their errors", &|number| {
        let named = BEFORE.iter().filter_map(|name| Kind::named(name));
        let applying = named.filter(|kind| kinds.contains(kind));
        by_error(number, applying.map(|kind| place(&kind)).collect())
    });
    line("two of the five first, by their errors", &|number| {
        by_error(number, first(number, ROWS))
    });
    for (of_rows, of_errors) in DEVIATIONS {
        let mark = match (of_rows, of_errors) == (ROWS, DEVIATION) {
            true => ", the product's",
            false => "",
        };
        let name = format!(
            "two of all, by what is expected; deviations: rows {of_rows}, errors {of_errors}{mark}"
        );
        line(&name, &|number| {
            let prior = without(number, of_rows);
            let observed = first(number, of_rows).into_iter();
            let observed = observed.map(|place| (kinds[place], sets[number].1[place][0]));
            let observed: Vec<(Kind, f64)> = observed.collect();
            let expected = prior.after(&observed, of_errors);
            let errors: Vec<f64> = expected.iter().map(|one| one.error).collect();
            order(&errors).into_iter().take(LEFT).collect()
        });
    }
    line("all of the five first", &|number| first(number, ROWS));
    text + "\n"
}
