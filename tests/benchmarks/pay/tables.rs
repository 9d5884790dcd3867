//! The tables as Markdown, with the figures of each and whether they keep their bars.

use crate::bars::{self, Bar, PUBLISHED, at_most, or_missing, short};
use crate::board::{Board, Ratios, mean};
use crate::cell::{Key, Outcome, Who};
use crate::plan::{BESIDE, FORMS, Plan, Source, Table, budgets};
use std::fmt::Write;

/// The names of [`FORMS`].
const FORM_NAMES: [&str; 2] = ["default", "members 1"];

/// Returns a table and its figures.
pub(crate) fn text(plan: &Plan, board: &Board) -> String {
    let page = Page { plan, board };
    let seconds: Vec<String> = plan.seconds.iter().map(f64::to_string).collect();
    let commits = board.commits(&plan.keys(true)).join(", ");
    let mut text = format!(
        "## {}: {} s, {} draws, {} threads, commits {}\n\n",
        format!("{:?}", plan.table).to_lowercase(),
        seconds.join(", "),
        plan.draws,
        plan.threads,
        match commits.is_empty() {
            true => "none",
            false => &commits,
        }
    );
    match plan.table {
        Table::Seven | Table::Few | Table::Formula => {
            for &seconds in &plan.seconds {
                page.beside_rivals(seconds, &mut text);
            }
        }
        Table::Longer => page.longer(&mut text),
        Table::Budget => page.budget(&mut text),
        Table::Fixed => {
            for &seconds in &plan.seconds {
                page.fixed(seconds, &mut text);
            }
        }
    }
    text
}

/// Returns the regret over all searches of several tables.
pub(crate) fn regret_of_all(plans: &[Plan], board: &Board) -> String {
    let mut keys: Vec<Key> = Vec::new();
    for key in plans.iter().flat_map(|plan| plan.keys(false)) {
        let is_search = key.who == Who::Ours && key.space.is_none() && key.rows.set != BESIDE;
        if is_search && !keys.contains(&key) {
            keys.push(key);
        }
    }
    let forms = FORMS.map(|members| {
        let of_form = keys.iter().filter(|key| key.members == members);
        of_form.map(|key| regret(board, key)).collect()
    });
    let figures = bars::text(&regret_bars(&forms), &FORM_NAMES);
    format!("## regret of all tables\n\n{figures}")
}

/// The error of what a search ships over that of the best contender of its run.
fn regret(board: &Board, key: &Key) -> Option<f64> {
    board.outcome(key)?.regret(key.budget)
}

fn regret_bars(forms: &[Ratios]) -> Vec<Bar> {
    let (mean, largest) = (Ratios::geometric_mean, Ratios::largest);
    vec![
        Bar::of("regret, geometric mean", forms, mean, at_most(1.15)),
        Bar::of("regret, largest", forms, largest, at_most(1.6)),
    ]
}

/// The error of what ships over its teacher's, if it was taught.
fn over_teacher(outcome: &Outcome) -> Option<f64> {
    Some(outcome.mse_z / outcome.teacher?)
}

fn ratio(above: Option<f64>, below: Option<f64>) -> Option<f64> {
    Some(above? / below?)
}

/// A table and the cells that it is printed from.
struct Page<'a> {
    plan: &'a Plan,
    board: &'a Board,
}

impl Page<'_> {
    /// The searches of all draws.
    fn ours(&self, source: &Source, seconds: f64, members: Option<usize>) -> Vec<Key> {
        let key = |draw| self.plan.ours(source, draw, seconds, members);
        (0..self.plan.draws).map(key).collect()
    }

    /// The mean error of a rival over all draws.
    fn rival(&self, who: Who, source: &Source, seconds: f64) -> Option<f64> {
        let key = |draw| self.plan.rival(who, source, draw, seconds);
        let keys: Vec<Key> = (0..self.plan.draws).map(key).collect();
        self.board.error(&keys)
    }

    /// The sets that figures are made of.
    fn sources(&self) -> impl Iterator<Item = &Source> + Clone {
        let sources = self.plan.sources.iter();
        sources.filter(|source| source.set != BESIDE)
    }

    /// A value of every set, for each form of the search.
    fn of_sets(&self, of: impl Fn(&Source, Option<usize>) -> Option<f64>) -> [Ratios; 2] {
        FORMS.map(|members| self.sources().map(|source| of(source, members)).collect())
    }

    /// A value of every search of a table, for each form.
    fn of_cells(&self, seconds: f64, of: impl Fn(&Key) -> Option<f64>) -> [Ratios; 2] {
        FORMS.map(|members| {
            let keys = self
                .sources()
                .flat_map(|source| self.ours(source, seconds, members));
            keys.map(|key| of(&key)).collect()
        })
    }

    /// Searches beside both rivals: a line a set and form.
    fn beside_rivals(&self, seconds: f64, text: &mut String) {
        *text += "| set | rows | form | ours | gated_jax.py | best classical | over gated_jax.py | over classical | MAC | regret | coverage 50/90/99 | relative L2 | out of fold / ours | over its teacher | CPU for what ships |\n";
        *text += "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";
        for source in &self.plan.sources {
            let rows = source.train;
            let rows = rows.map_or("four fifths".to_owned(), |rows| rows.to_string());
            let jax = self.rival(Who::GatedJax, source, seconds);
            let classical = self.rival(Who::Classical, source, seconds);
            let beside = |value| match source.set == BESIDE {
                true => "-".to_owned(),
                false => or_missing(value),
            };
            for (members, name) in FORMS.into_iter().zip(FORM_NAMES) {
                let keys = self.ours(source, seconds, members);
                let error = self.board.error(&keys);
                let _ = writeln!(
                    text,
                    "| {} | {rows} | {name} | {} | {} | {} | {} | {} | {} |",
                    source.set,
                    or_missing(error),
                    or_missing(jax),
                    beside(classical),
                    beside(ratio(error, jax)),
                    beside(ratio(error, classical)),
                    self.further(&keys),
                );
            }
        }
        let figures = bars::text(&self.bars_beside_rivals(seconds), &FORM_NAMES);
        let _ = writeln!(text, "\n{seconds} s:\n\n{figures}");
    }

    /// The last columns of a search, over all draws: cost, regret, coverage, relative error, what the
    /// run itself expects, its error over its teacher's, and the share of the CPU time for it.
    fn further(&self, keys: &[Key]) -> String {
        let outcomes: Vec<&Outcome> = keys
            .iter()
            .filter_map(|key| self.board.outcome(key))
            .collect();
        let over = |of: &dyn Fn(&Outcome) -> Option<f64>| {
            mean(outcomes.iter().filter_map(|outcome| of(outcome)))
        };
        let coverage = [0, 1, 2].map(|band| {
            let share = over(&|outcome| Some(outcome.coverage?[band]));
            share.map_or("-".to_owned(), |share| format!("{share:.2}"))
        });
        let macs = over(&|outcome| Some(outcome.macs? as f64));
        let regrets: Ratios = keys.iter().map(|key| regret(self.board, key)).collect();
        let estimates: Ratios = keys.iter().map(|key| self.estimate(key)).collect();
        let taught = outcomes.iter().filter_map(|outcome| over_teacher(outcome));
        let taught: Ratios = taught.map(Some).collect();
        let share = over(&Outcome::for_what_ships);
        format!(
            "{} | {} | {} | {} | {} | {} | {}",
            macs.map_or("missing".to_owned(), |macs| format!("{macs:.0}")),
            or_missing(regrets.geometric_mean()),
            coverage.join("/"),
            or_missing(over(&|outcome| outcome.median_relative_l2)),
            or_missing(estimates.geometric_mean()),
            taught.geometric_mean().map_or("-".to_owned(), short),
            or_missing(share),
        )
    }

    /// The error that a run expects over the one that it has.
    fn estimate(&self, key: &Key) -> Option<f64> {
        let outcome = self.board.outcome(key)?;
        Some(outcome.out_of_fold()? / outcome.mse_z)
    }

    fn bars_beside_rivals(&self, seconds: f64) -> Vec<Bar> {
        let (mean, largest) = (Ratios::geometric_mean, Ratios::largest);
        let over = |who| {
            self.of_sets(|source, members| {
                let error = self.board.error(&self.ours(source, seconds, members));
                ratio(error, self.rival(who, source, seconds))
            })
        };
        let [jax, classical] = match (self.plan.table, seconds) {
            (Table::Seven, 60.0) => [
                [at_most(0.5), at_most(1.0)],
                [at_most(0.065), at_most(0.75)],
            ],
            (Table::Seven, 300.0) => [[PUBLISHED, at_most(0.8)], [PUBLISHED; 2]],
            (Table::Few, 60.0) => [[at_most(0.5), at_most(1.1)]; 2],
            _ => [[PUBLISHED; 2]; 2],
        };
        let mut all = Vec::new();
        let rivals = [
            ("gated_jax.py", Who::GatedJax, jax),
            ("best classical", Who::Classical, classical),
        ];
        for (name, who, [of_mean, of_each]) in rivals {
            let ratios = over(who);
            let name = |figure: &str| format!("over {name}, {figure}");
            all.push(Bar::of(&name("geometric mean"), &ratios, mean, of_mean));
            all.push(Bar::of(&name("largest"), &ratios, largest, of_each));
        }
        if self.plan.table == Table::Formula {
            all.extend(self.bars_of_formulas(seconds));
        }
        if self.plan.table == Table::Few {
            let estimates = self.of_cells(seconds, |key| self.estimate(key));
            let name = "out of fold / ours, geometric mean";
            all.push(Bar::of(name, &estimates, mean, [0.8, 1.3]));
            let (name, smallest) = ("out of fold / ours, smallest", Ratios::smallest);
            all.push(Bar::of(name, &estimates, smallest, [0.5, f64::INFINITY]));
        }
        let regrets = self.of_cells(seconds, |key| regret(self.board, key));
        all.extend(regret_bars(&regrets));
        // Where nothing was taught, there is nothing to compare.
        let taught = self.of_cells(seconds, |key| over_teacher(self.board.outcome(key)?));
        let taught = taught.map(|ratios| ratios.known());
        let name = "what ships over its teacher, geometric mean";
        all.push(Bar::of(name, &taught, mean, at_most(1.6)));
        let shares = self.of_cells(seconds, |key| self.board.outcome(key)?.for_what_ships());
        let least = match seconds >= 300.0 {
            true => 0.6,
            false => 0.5,
        };
        let name = "CPU for what ships, smallest";
        let range = [least, f64::INFINITY];
        all.push(Bar::of(name, &shares, Ratios::smallest, range));
        all
    }

    /// The error of the borehole; the other formula over the earlier program.
    fn bars_of_formulas(&self, seconds: f64) -> Vec<Bar> {
        let bars = self.sources().map(|source| {
            let before = |draw| self.plan.before(source, draw, seconds);
            let before: Vec<Key> = (0..self.plan.draws).map(before).collect();
            let before = self.board.error(&before);
            let is_borehole = source.set == "borehole";
            let (name, range) = match (is_borehole, seconds) {
                (true, 300.0) => ("error of borehole".to_owned(), at_most(3e-9)),
                (true, _) => ("error of borehole".to_owned(), PUBLISHED),
                (false, 300.0) => (format!("{} over before", source.set), at_most(1.0 / 30.0)),
                (false, _) => (format!("{} over before", source.set), PUBLISHED),
            };
            let figures = FORMS.map(|members| {
                let error = self.board.error(&self.ours(source, seconds, members));
                Ratios::from_iter([match is_borehole {
                    true => error,
                    false => ratio(error, before),
                }])
            });
            Bar::of(&name, &figures, Ratios::largest, range)
        });
        bars.collect()
    }

    /// The error after each time.
    fn longer(&self, text: &mut String) {
        let times: Vec<String> = self.plan.seconds.iter().map(f64::to_string).collect();
        let _ = writeln!(text, "| set | {} s |", times.join(" s | "));
        let _ = writeln!(text, "|---|{}", "---|".repeat(times.len()));
        let mut growths = Vec::new();
        for source in self.sources() {
            let error = |&seconds: &f64| self.board.error(&self.ours(source, seconds, None));
            let errors: Vec<Option<f64>> = self.plan.seconds.iter().map(error).collect();
            let cells: Vec<String> = errors.iter().copied().map(or_missing).collect();
            let _ = writeln!(text, "| {} | {} |", source.set, cells.join(" | "));
            for (place, &longer) in errors.iter().enumerate() {
                let shorter = errors[..place].iter();
                growths.extend(shorter.map(|&shorter| ratio(longer, shorter)));
            }
        }
        let growths = [Ratios::from_iter(growths)];
        let name = "a longer run over a shorter one, largest";
        let bar = Bar::of(name, &growths, Ratios::largest, at_most(1.05));
        let _ = writeln!(text, "\n{}", bars::text(&[bar], &FORM_NAMES[..1]));
    }

    /// The error within each budget.
    fn budget(&self, text: &mut String) {
        *text += "| set | s | a tenth | three tenths | the whole | budget | a tenth / whole | three tenths / whole |\n";
        *text += "|---|---|---|---|---|---|---|---|\n";
        let mut growths = [Vec::new(), Vec::new()];
        for source in self.sources() {
            let all = budgets(&source.set);
            for &seconds in &self.plan.seconds {
                let [tenth, more, whole] = all.map(|budget| {
                    let keys = self.ours(source, seconds, None).into_iter();
                    let keys: Vec<Key> = keys.map(|key| Key { budget, ..key }).collect();
                    self.board.error(&keys)
                });
                let ratios = [ratio(tenth, whole), ratio(more, whole)];
                let errors = [tenth, more, whole].map(or_missing).join(" | ");
                let _ = writeln!(
                    text,
                    "| {} | {seconds} | {errors} | {} | {} |",
                    source.set,
                    all[2],
                    ratios.map(or_missing).join(" | ")
                );
                for (growths, ratio) in growths.iter_mut().zip(ratios) {
                    growths.push(ratio);
                }
            }
        }
        let means = growths.map(|all| Ratios::from_iter(all).geometric_mean());
        let means = means.map(or_missing).join(" | ");
        let _ = writeln!(text, "| geometric mean | | | | | | {means} |\n");
    }

    /// Searches beside fixed networks that train alone.
    fn fixed(&self, seconds: f64, text: &mut String) {
        let spaces = self.plan.spaces.join(" | ");
        let _ = writeln!(
            text,
            "| set | default | members 1 | drawn kinds | {spaces} | default / best | members 1 / best | drawn / best |"
        );
        let columns = 7 + self.plan.spaces.len();
        let _ = writeln!(text, "|{}", "---|".repeat(columns));
        let mut over = [Vec::new(), Vec::new(), Vec::new()];
        for source in self.sources() {
            let errors =
                FORMS.map(|members| self.board.error(&self.ours(source, seconds, members)));
            let of = |key: &dyn Fn(u64) -> Key| {
                let keys: Vec<Key> = (0..self.plan.draws).map(key).collect();
                self.board.error(&keys)
            };
            let uniform = of(&|draw| self.plan.uniform(source, draw, seconds));
            let fixed = |space: &String| of(&|draw| self.plan.fixed(source, draw, seconds, space));
            let fixed: Vec<Option<f64>> = self.plan.spaces.iter().map(fixed).collect();
            // The best of all, once all are known.
            let known: Option<Vec<f64>> = fixed.iter().copied().collect();
            let best = known.and_then(|all| all.into_iter().min_by(f64::total_cmp));
            let all = [errors[0], errors[1], uniform];
            let ratios = all.map(|error| ratio(error, best));
            let cells = all.into_iter().chain(fixed).chain(ratios);
            let cells: Vec<String> = cells.map(or_missing).collect();
            let _ = writeln!(text, "| {} | {} |", source.set, cells.join(" | "));
            for (over, ratio) in over.iter_mut().zip(ratios) {
                over.push(ratio);
            }
        }
        let [default, one, uniform] = over.map(Ratios::from_iter);
        let forms = [default, one];
        let name = |figure: &str| format!("over the best fixed network, {figure}");
        let mean = Ratios::geometric_mean;
        let count: fn(&Ratios) -> Option<f64> = |ratios| Some(ratios.below(0.9) as f64);
        let drawn = [uniform.clone(), uniform];
        let all = [
            Bar::of(&name("largest"), &forms, Ratios::largest, at_most(1.0)),
            Bar::of(&name("geometric mean"), &forms, mean, PUBLISHED),
            Bar::of(&name("sets below 0.9"), &forms, count, [3.0, f64::INFINITY]),
            Bar::of(
                "drawn kinds over it, geometric mean",
                &drawn,
                mean,
                PUBLISHED,
            ),
        ];
        let _ = writeln!(text, "\n{seconds} s:\n\n{}", bars::text(&all, &FORM_NAMES));
    }
}
