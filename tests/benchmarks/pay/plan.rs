//! The cells of each table.

use crate::cell::{Key, Rows, Who};
use clap::ValueEnum;

/// The seven sets of the scores, in their order.
const SEVEN: [&str; 7] = [
    "ots_epw",
    "seis_dispersion",
    "xray_reflectivity",
    "ignition_scalars",
    "bench_borehole",
    "halo_power",
    "freegs_psi",
];
/// A set whose peaks dominate squared errors: it stands beside by its median relative error.
pub(crate) const BESIDE: &str = "ots_iaw";

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Table {
    /// Seven sets, a fifth held out
    Seven,
    /// Two simulators of known formula, 1,000 scrambled Sobol rows, 5,000 fresh rows
    Formula,
    /// 64 and 256 rows of three sets and of a formula
    Few,
    /// The same sets for one, two, five and ten minutes
    Longer,
    /// A tenth and three tenths of the budget
    Budget,
    /// Fixed networks, each trained alone for the same time
    Fixed,
}

/// Rows of a set or a formula, whatever the draw.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) set: String,
    pub(crate) train: Option<usize>,
}

/// The cells of a table that are asked for.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) table: Table,
    pub(crate) sources: Vec<Source>,
    /// Wall seconds of a search, each a part of the table.
    pub(crate) seconds: Vec<f64>,
    /// Draws, from 0.
    pub(crate) draws: u64,
    /// Threads of a search.
    pub(crate) threads: usize,
    /// Spaces of fixed networks.
    pub(crate) spaces: Vec<String>,
}

/// What the command line says instead of a table's defaults.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wishes {
    pub(crate) sets: Vec<String>,
    pub(crate) seconds: Vec<f64>,
    pub(crate) draws: Option<u64>,
}

/// What the key of a race of drawn kinds has for a space.
pub(crate) const UNIFORM: &str = "uniform";

/// The forms of a search: members, `None` for the default.
pub(crate) const FORMS: [Option<usize>; 2] = [None, Some(1)];

/// Sets that the bars of five minutes are for.
const FIVE_MINUTES: [&str; 3] = ["seis_dispersion", "halo_power", "ignition_scalars"];

impl Plan {
    /// Returns all tables, the seven with three of them for five minutes.
    pub(crate) fn all(wishes: &Wishes, threads: usize, spaces: &[String]) -> Vec<Self> {
        let mut plans = Vec::new();
        for &table in Table::value_variants() {
            plans.push(Self::new(table, wishes, threads, spaces));
            if table == Table::Seven && wishes.seconds.is_empty() {
                let mut longer = wishes.clone();
                longer.seconds = vec![300.0];
                let mut plan = Self::new(table, &longer, threads, spaces);
                let sources = &mut plan.sources;
                sources.retain(|source| FIVE_MINUTES.contains(&source.set.as_str()));
                plans.push(plan);
            }
        }
        plans
    }

    /// Returns a table's cells.
    pub(crate) fn new(table: Table, wishes: &Wishes, threads: usize, spaces: &[String]) -> Self {
        let sets = |names: &[&str], trains: &[Option<usize>]| -> Vec<Source> {
            let sources = names.iter().flat_map(|name| {
                trains.iter().map(|&train| Source {
                    set: (*name).to_owned(),
                    train,
                })
            });
            sources.collect()
        };
        let few = [Some(64), Some(256)];
        let (mut sources, seconds, draws): (_, &[f64], _) = match table {
            Table::Seven => {
                let names = [&SEVEN[..], &[BESIDE]].concat();
                (sets(&names, &[None]), &[60.0], 3)
            }
            Table::Formula => (sets(&["borehole", "ten"], &[Some(1000)]), &[300.0], 1),
            Table::Few => {
                let names = ["seis_dispersion", "ots_epw", "ignition_scalars", "borehole"];
                (sets(&names, &few), &[60.0], 2)
            }
            Table::Longer => {
                let sources = sets(&["seis_dispersion", "ots_epw"], &[None]);
                (sources, &[60.0, 120.0, 300.0, 600.0], 1)
            }
            Table::Budget => (sets(&SEVEN, &[None]), &[60.0], 1),
            Table::Fixed => (sets(&SEVEN, &[None]), &[60.0], 1),
        };
        let is_wanted =
            |source: &Source| wishes.sets.is_empty() || wishes.sets.contains(&source.set);
        sources.retain(is_wanted);
        Self {
            table,
            sources,
            seconds: match wishes.seconds.is_empty() {
                true => seconds.to_vec(),
                false => wishes.seconds.clone(),
            },
            draws: wishes.draws.unwrap_or(draws),
            threads,
            spaces: spaces.to_vec(),
        }
    }

    /// Returns every cell, those of the same rows one after the other. `before` says whether an
    /// earlier program is measured too.
    pub(crate) fn keys(&self, before: bool) -> Vec<Key> {
        let mut keys = Vec::new();
        for (source, draw) in self
            .sources
            .iter()
            .flat_map(|source| (0..self.draws).map(move |draw| (source, draw)))
        {
            for &seconds in &self.seconds {
                self.add(&mut keys, source, draw, seconds, before);
            }
        }
        // Regressors are the same for all times.
        let mut once: Vec<Key> = Vec::new();
        for key in keys {
            if !once.contains(&key) {
                once.push(key);
            }
        }
        once
    }

    fn add(&self, keys: &mut Vec<Key>, source: &Source, draw: u64, seconds: f64, before: bool) {
        let ours = |members| self.ours(source, draw, seconds, members);
        let rival = |who| self.rival(who, source, draw, seconds);
        match self.table {
            Table::Seven | Table::Few | Table::Formula => {
                keys.extend(FORMS.map(ours));
                keys.push(rival(Who::GatedJax));
                if source.set != BESIDE {
                    keys.push(rival(Who::Classical));
                }
                if before && self.table == Table::Formula {
                    keys.push(self.before(source, draw, seconds));
                }
            }
            Table::Longer => keys.push(ours(None)),
            Table::Budget => {
                let all = budgets(&source.set).map(|budget| Key {
                    budget,
                    ..ours(None)
                });
                keys.extend(all);
            }
            Table::Fixed => {
                keys.extend(FORMS.map(ours));
                let fixed = |space| self.fixed(source, draw, seconds, space);
                keys.extend(self.spaces.iter().map(|space| fixed(space)));
                keys.push(self.uniform(source, draw, seconds));
            }
        }
    }

    /// Returns the cell of a search.
    pub(crate) fn ours(
        &self,
        source: &Source,
        draw: u64,
        seconds: f64,
        members: Option<usize>,
    ) -> Key {
        Key {
            rows: Rows {
                set: source.set.clone(),
                train: source.train,
                draw,
            },
            who: Who::Ours,
            seconds,
            threads: self.threads,
            budget: budgets(&source.set)[2],
            members,
            space: None,
        }
    }

    /// Returns the cell of a fixed network that trains alone, as one member.
    pub(crate) fn fixed(&self, source: &Source, draw: u64, seconds: f64, space: &str) -> Key {
        Key {
            space: Some(space.to_owned()),
            ..self.ours(source, draw, seconds, Some(1))
        }
    }

    /// Returns the cell of a race of kinds that are drawn, each as likely as any other.
    pub(crate) fn uniform(&self, source: &Source, draw: u64, seconds: f64) -> Key {
        Key {
            space: Some(UNIFORM.to_owned()),
            ..self.ours(source, draw, seconds, None)
        }
    }

    /// Returns the cell of an earlier program.
    pub(crate) fn before(&self, source: &Source, draw: u64, seconds: f64) -> Key {
        Key {
            who: Who::Before,
            ..self.ours(source, draw, seconds, None)
        }
    }

    /// Returns the cell of a rival on one core.
    pub(crate) fn rival(&self, who: Who, source: &Source, draw: u64, seconds: f64) -> Key {
        Key {
            who,
            seconds: if who == Who::Classical { 0.0 } else { seconds },
            threads: 1,
            budget: 0,
            ..self.ours(source, draw, seconds, None)
        }
    }
}

/// A tenth of a set's budget, three tenths, and the budget, in multiply-accumulates.
pub(crate) fn budgets(set: &str) -> [u64; 3] {
    let whole = match set {
        "freegs_psi" => 2_000_000,
        _ => 100_000,
    };
    [whole / 10, whole * 3 / 10, whole]
}
