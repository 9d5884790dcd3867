//! The race: what took part and how it erred, what ships and why, the plan, and what the time went
//! into.

use super::facts::Facts;
use super::page::{Page, figure, grid, missing, table};
use super::plot::{Axis, Plot, SIZE};
use super::scale::Scale;
use super::spread::COLOURS;
use super::text::{decimals, number, scientific};
use crate::search::{Judged, PROCESSES, Plan, Raced, RunReport, STACK, TeacherMode, TimeSpent};

pub(super) fn section(facts: &Facts, page: &mut Page) {
    const HEADING: &str = "What raced";
    if !facts.description.plan.space.is_race() {
        return;
    }
    let report = facts.description.report.as_ref();
    let Some(report) = report.filter(|report| !report.race.is_empty()) else {
        let line = "What raced is not known: the run was interrupted before its first round ended.";
        return page.section(HEADING, "", &missing(line));
    };
    let mut figures = vec![course(report)];
    let mut lines = String::new();
    match &report.time_spent {
        Some(spent) => figures.push(shares(spent)),
        None => lines += &missing("What the time went into is not known: it was not measured."),
    }
    let plan = report.plan.as_ref();
    let plan = plan.map(|plan| carried_out(plan, report.time_spent.as_ref()));
    let content = format!(
        "{}{lines}<div class=\"tables\">{}{}</div>",
        grid(&figures),
        raced(report),
        plan.unwrap_or_default()
    );
    let about = why(report, facts.description.plan.teacher);
    page.section(HEADING, &about, &content);
}

/// The kinds of networks among what raced.
fn networks(report: &RunReport) -> impl Iterator<Item = &Raced> {
    report.race.iter().filter(|one| one.steps > 0)
}

/// What ships, and why, in plain words.
fn why(report: &RunReport, teacher: TeacherMode) -> String {
    let stack = report.race.iter().find(|one| one.name == STACK);
    let count = networks(report).count();
    let name = &report.space;
    let of = |one: &Raced| format!("mse_z {}", number(one.mse_z));
    let error = networks(report).find(|one| &one.name == name);
    let error = error.map_or_else(String::new, |one| format!(", {}", of(one)));
    let chosen = match count {
        1 => format!("What ships is {name}, the only kind of network that took part{error}"),
        count => format!(
            "What ships is {name}: of {count} kinds of network, its networks of folds erred least on rows that they had not \
             seen{error}"
        ),
    };
    let stack = stack.map_or_else(String::new, |one| format!(" ({} on such rows)", of(one)));
    let is_taught = report.plan.as_ref().and_then(|plan| plan.is_taught);
    let how = match (is_taught == Some(true), teacher, stack.is_empty()) {
        (true, TeacherMode::Always, _) => {
            format!("and was taught by the stack of models{stack}, as --teacher always asks")
        }
        (true, ..) => format!(
            "and was taught by the stack of models{stack}, which was expected to err less than it would alone"
        ),
        (false, TeacherMode::None, _) => "alone, as --teacher none asks".to_owned(),
        (false, _, false) => {
            format!("alone: the stack of models{stack} was not expected to err less by enough")
        }
        (false, _, true) => "alone".to_owned(),
    };
    let judged = match report.judged {
        Judged::Validation => "measured on validation rows, which do not train",
        Judged::OutOfFold => "estimated out of fold",
    };
    format!(
        "{chosen}. It trained on all training rows {how}. Its mse_z of {} is {judged}.",
        number(report.val_mse_z)
    )
}

/// Error against steps of each kind over the rounds, with that of what teaches and of what ships.
fn course(report: &RunReport) -> String {
    const SHOWS: &str = "Error against steps.";
    let courses: Vec<(&str, Vec<(f64, f64)>)> = networks(report)
        .map(|one| {
            let rounds = one.rounds.iter().map(|round| (round.steps, round.mse_z));
            let mut course: Vec<(f64, f64)> =
                rounds.map(|(steps, error)| (steps as f64, error)).collect();
            if course.is_empty() {
                course.push((one.steps as f64, one.mse_z));
            }
            course.retain(|(_, error)| error.is_finite());
            (one.name.as_str(), course)
        })
        .collect();
    let others = report.race.iter().filter(|one| one.steps == 0);
    let levels: Vec<(&str, &str, f64)> = others
        .filter(|one| one.mse_z.is_finite())
        .map(|one| match one.name.as_str() {
            PROCESSES => ("quiet dash", PROCESSES, one.mse_z),
            name => ("ink dash", name, one.mse_z),
        })
        .collect();
    let ships = Some((report.steps as f64, report.val_mse_z));
    let ships = ships.filter(|(steps, error)| *steps > 0.0 && error.is_finite());
    let all = || courses.iter().flat_map(|(_, course)| course).chain(&ships);
    let x = Scale::decades(all().map(|point| point.0));
    let errors = all().map(|point| point.1);
    let y = Scale::decades(errors.chain(levels.iter().map(|level| level.2)));
    let mut plot = Plot::new(
        Axis::new(x, "steps of a network (number)"),
        Axis::new(y, "mse_z on unseen rows (1)"),
    );
    let mut keys = Vec::new();
    for (class, name, error) in levels {
        plot.line(class, [x.value(0.0), x.value(1.0)].map(|x| (x, error)));
        keys.push((class, name));
    }
    for ((name, course), colour) in courses.iter().zip(COLOURS.iter().cycle()) {
        plot.line(colour, course.iter().copied());
        plot.points(colour, 3.0, course.iter().copied());
        keys.push((colour, name));
    }
    if let Some((steps, error)) = ships {
        plot.points("ink", 4.5, [(steps, error)]);
        plot.note(steps, error, "ships");
    }
    figure(
        &plot.svg(SHOWS),
        SHOWS,
        "Of each kind, on rows that its networks have not seen.",
        &keys,
    )
}

/// The shares of the CPU time.
fn shares(spent: &TimeSpent) -> String {
    const SHOWS: &str = "What the time went into.";
    let parts = spent.parts();
    let total = spent.total().max(f64::MIN_POSITIVE);
    let share = |seconds: f64| 100.0 * seconds / total;
    let most = parts.iter().map(|part| share(part.1)).fold(1.0, f64::max);
    let names = parts.iter().enumerate();
    let names = names.map(|(place, (name, _))| (place as f64, (*name).to_owned()));
    let mut plot = Plot::sized(
        Axis::new(
            Scale::between(0.0, 1.25 * most, false),
            "share of the CPU time (%)",
        ),
        Axis::new(
            Scale::between(parts.len() as f64 - 0.5, -0.5, false),
            "part of the run (name)",
        ),
        SIZE,
    )
    .named(names.collect());
    for (place, (_, seconds)) in parts.iter().enumerate() {
        let (place, share) = (place as f64, share(*seconds));
        plot.bars("a", [[0.0, share, place - 0.36, place + 0.36]]);
        plot.beside(share, place, &format!("{share:.0} %"));
    }
    let there = spent.wall * spent.threads as f64;
    let plural = if spent.threads == 1 { "" } else { "s" };
    let read = format!(
        "{} CPU seconds in {} s on {} thread{plural}: {:.0} % of what {} could give. Judging, calibrating and writing are other.",
        number(total),
        number(spent.wall),
        spent.threads,
        (100.0 * total / there.max(f64::MIN_POSITIVE)).min(100.0),
        if spent.threads == 1 { "it" } else { "they" },
    );
    figure(&plot.svg(SHOWS), SHOWS, &read, &[])
}

/// What raced, the best first, and what ships.
fn raced(report: &RunReport) -> String {
    let head = [
        "raced",
        "steps",
        "mse_z, unseen rows",
        "over least",
        "p(best)",
        "in the stack",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let best = report.race.iter().map(|one| one.mse_z);
    let best = best.fold(f64::INFINITY, f64::min);
    let none = || "–".to_owned();
    for one in &report.race {
        let ships = if one.name == report.space {
            ", ships"
        } else {
            ""
        };
        rows.push(vec![
            format!("{}{ships}", one.name),
            match one.steps {
                0 => none(),
                steps => steps.to_string(),
            },
            scientific(one.mse_z),
            match one.mse_z / best {
                ratio if ratio < 1e3 => format!("{} ×", decimals(ratio, 2)),
                ratio => format!("{} ×", number(ratio)),
            },
            one.probability
                .map_or_else(none, |probability| format!("{probability:.2}")),
            match one.weight {
                0.0 => none(),
                weight => format!("{weight:.2}"),
            },
        ]);
    }
    table(&rows, &[false, true, true, true, true, true])
}

/// What was carried out of the plan, with the CPU seconds of each part.
fn carried_out(plan: &Plan, spent: Option<&TimeSpent>) -> String {
    let rounds: Vec<String> = plan.rounds.iter().map(ToString::to_string).collect();
    let what = |part: &str| match part {
        "processes" if plan.process_seconds > 0.0 => {
            format!("fits for {} s of a thread", number(plan.process_seconds))
        }
        "processes" => "no fits".to_owned(),
        "rounds" => format!("{} steps of each network", rounds.join(", then ")),
        "answers" if plan.is_taught == Some(true) => {
            format!("at up to {} fresh points", plan.fresh)
        }
        "answers" => "of the stack, to judge it".to_owned(),
        "last training" => format!("{} steps on all training rows", plan.last),
        _ => "judging, calibrating, writing".to_owned(),
    };
    let mut rows = vec![
        ["part of the run", "carried out", "CPU seconds"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let parts = spent.copied().unwrap_or_default().parts();
    rows.extend(parts.map(|(part, seconds)| {
        vec![
            part.to_owned(),
            what(part),
            spent.map_or_else(|| "–".to_owned(), |_| format!("{seconds:.1}")),
        ]
    }));
    table(&rows, &[false, false, true])
}
