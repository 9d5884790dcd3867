//! The JSON files of a run's folder. Each has one type, which every command uses to write or read
//! it.
//!
//! Every key is required, so a missing one is never replaced by a default. Unknown values are
//! `null`.

use super::race::Plan;
use super::run_report::{ParetoRow, RunReport};
use super::settings::SearchSettings;
use crate::contenders::Role;
use crate::data::{Dataset, Pooling, ReadOptions};
use crate::error::{Context, Error, Result, ensure};
use crate::json::{self, Version};
use crate::provenance::TOOL;
use crate::space::{Group, activation_name};
use crate::training::Record;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// `run.json`: the request of a run and, at its end, the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunDescription {
    /// The program that started the run, and its version.
    pub tool: String,
    /// The source of its data.
    pub data: DataSource,
    /// Its settings.
    pub plan: SearchSettings,
    /// The result; `None` until the end.
    #[serde(deserialize_with = "Option::deserialize")]
    pub report: Option<RunReport>,
    /// An error that ended the run and that a repetition would reproduce; absent from other runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl RunDescription {
    /// Reads what the race of a run has carried out from its `run.json`, and whether validation rows
    /// were to train.
    ///
    /// # Errors
    /// The file cannot be read, is not the description of a run, or the run held no race.
    pub fn carried_out(file: &Path) -> Result<(Plan, Pooling)> {
        let text = fs::read(file).with_context(|| {
            let file = file.display();
            format!("--plan {file}: cannot be read; name the run.json of a run")
        })?;
        let what = format!("the description of a run that {TOOL} can read");
        let description: Self = json::parse(&text, file, &what)?;
        let pooling = description.plan.pool_validation;
        let report = description.report.filter(|report| !report.interrupted);
        let plan = report.and_then(|report| report.plan);
        let file = file.display();
        let none = || Error::Run(format!("--plan {file}: no race was held to its end there"));
        Ok((plan.ok_or_else(none)?, pooling))
    }
}

/// The source of a run's data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSource {
    /// The file; `None` if the data are not in a file.
    #[serde(deserialize_with = "Option::deserialize")]
    pub path: Option<PathBuf>,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// The options used to read it.
    pub options: ReadOptions,
}

impl DataSource {
    /// Reads the data: from `data` if given, else from their previous path, else from `in_memory`.
    ///
    /// # Errors
    /// They cannot be read, or are not the data of the run.
    pub fn read(
        &self,
        data: Option<&Path>,
        in_memory: impl FnOnce() -> Result<Dataset>,
    ) -> Result<Dataset> {
        let data = match data.or(self.path.as_deref()) {
            Some(path) => Dataset::read(path, &self.options)
                .context("reading the run's data (--data says where they are now)")?,
            None => in_memory()?,
        };
        ensure!(
            Run,
            data.sha256() == self.sha256,
            "{}: not the data that the run was made with; name those with --data",
            data.label()
        );
        Ok(data)
    }
}

/// `pareto.json`: the best ensembles of the run at each cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParetoTable {
    /// The version of this format.
    pub version: Version<1>,
    /// The error that ranks the rows, [`RunReport::chosen_by`], on validation rows.
    pub error: String,
    /// The rows, in order of increasing error.
    pub rows: Vec<ParetoRow>,
}

/// `history.json`: the history of each training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingHistory {
    /// The version of this format.
    pub version: Version<1>,
    /// The trainings, one per contender.
    pub trainings: Vec<TrainingRecords>,
}

/// The history of a contender's training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecords {
    /// The contender.
    pub name: String,
    /// Its role in the run.
    pub role: Role,
    /// The operation groups, in the order of entropies and probabilities in the records.
    pub groups: Vec<GroupCandidates>,
    /// The training at some of its steps.
    pub records: Vec<Record>,
}

/// An operation group with its candidates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupCandidates {
    /// Its name.
    pub name: String,
    /// Its candidates, as in the JSON of a space. A candidate with its own activation includes it
    /// as `activation`, so only copies are equal.
    pub candidates: Vec<serde_json::Value>,
}

impl GroupCandidates {
    /// Returns the candidates of a group.
    #[must_use]
    pub fn of(group: &Group) -> Self {
        Self {
            name: group.name.clone(),
            candidates: (0..group.candidates.len())
                .map(|choice| candidate(group, choice))
                .collect(),
        }
    }
}

fn candidate(group: &Group, choice: usize) -> serde_json::Value {
    let value = json!(group.candidates[choice]);
    let Some(&own) = group.own_activations.get(&choice) else {
        return value;
    };
    let mut value = match value {
        serde_json::Value::String(name) => json!({ name: {} }),
        other => other,
    };
    let settings = value
        .as_object_mut()
        .and_then(|kinds| kinds.values_mut().next());
    if let Some(settings) = settings.and_then(serde_json::Value::as_object_mut) {
        settings.insert("activation".to_owned(), json!(activation_name(own)));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contenders::SpaceChoice;
    use crate::data::Transform;
    use crate::search::{Judged, Verdict};
    use crate::space::presets::{MicroSizes, micro};
    use crate::space::{Candidate, Function, Shape};

    /// A finished run of a space whose first group has a candidate with its own activation.
    fn described() -> RunDescription {
        let space = micro(2, Shape::Vector(50), MicroSizes::default()).unwrap();
        assert!(!space.groups()[0].own_activations.is_empty());
        let verdict = Verdict {
            name: "mine".to_owned(),
            role: Role::Search,
            ships: true,
            selection_error: 0.25,
            departure: None,
            astray: false,
            val_mse_z: 0.5,
            val_relative_l2: 0.125,
            macs: 10,
            flash_bytes: 20,
            us: 1.5,
            members: 1,
            steps: 3,
            seconds: 2.0,
            threads: 2,
        };
        RunDescription {
            tool: "dense-search".to_owned(),
            data: DataSource {
                path: Some("a.npz".into()),
                sha256: "0a".to_owned(),
                options: ReadOptions::default(),
            },
            plan: SearchSettings {
                space: SpaceChoice::Given(space),
                seed: 7,
                ..SearchSettings::default()
            },
            report: Some(RunReport {
                space: "mine".to_owned(),
                judged: Judged::Validation,
                val_mse_z: 0.5,
                val_relative_l2: 0.125,
                val_worst_output: None,
                val_coverage: [0.5, 0.75, 1.0],
                val_width_over_constant: 0.5,
                transform: Transform::Log,
                macs: 10,
                member_macs: 10,
                flash_bytes: 20,
                us: 1.5,
                members: 1,
                steps: 3,
                ms_per_step: 0.25,
                interrupted: false,
                race: Vec::new(),
                plan: None,
                time_spent: None,
                contenders: vec![verdict],
                pareto: Vec::new(),
            }),
            error: None,
        }
    }

    #[test]
    fn a_description_is_read_back_equal_and_its_space_has_the_form_that_runs_have() {
        let written = described();
        let text = serde_json::to_string_pretty(&written).unwrap();
        assert!(text.contains("\"activation\": \"Silu\"") && text.contains("\"1\": \"Tanh\""));
        assert_eq!(
            serde_json::from_str::<RunDescription>(&text).unwrap(),
            written
        );
    }

    #[test]
    fn every_key_of_a_description_has_to_be_there() {
        let whole = json!(described());
        let lacking = |path: &str, key: &str| {
            let mut value = whole.clone();
            let part = value
                .pointer_mut(path)
                .and_then(|part| part.as_object_mut());
            assert!(
                part.is_some_and(|part| part.remove(key).is_some()),
                "{path} {key}"
            );
            let read = serde_json::from_value::<RunDescription>(value);
            read.err()
                .map_or_else(String::new, |error| error.to_string())
        };
        let mut parts = vec![String::new()];
        while let Some(path) = parts.pop() {
            for (key, value) in whole
                .pointer(&path)
                .and_then(|part| part.as_object())
                .unwrap()
            {
                let inner = format!("{path}/{key}");
                if inner == "/plan/space" {
                    continue;
                }
                let error = lacking(&path, key);
                let expected = format!("missing field `{key}`");
                assert!(error.contains(&expected), "{inner}: {error}");
                if value.is_object() && inner != "/plan/extent" {
                    parts.push(inner);
                }
            }
        }
    }

    #[test]
    fn an_error_that_is_not_finite_is_read_back_as_not_finite() {
        let mut written = described();
        let report = written.report.as_mut().unwrap();
        report.contenders[0].val_mse_z = f64::INFINITY;
        let text = serde_json::to_string(&written).unwrap();
        let read: RunDescription = serde_json::from_str(&text).unwrap();
        assert!(read.report.unwrap().contenders[0].val_mse_z.is_nan());
    }

    #[test]
    fn only_copies_are_equal_in_the_history() {
        let space = micro(2, Shape::Vector(50), MicroSizes::default()).unwrap();
        let mut groups = space.groups().to_vec();
        groups[1].own_activations.insert(2, Function::Relu);
        assert_eq!(groups[1].candidates[2], Candidate::LowRank { rank: 16 });
        assert_eq!(
            candidate(&groups[1], 2),
            json!({"LowRank": {"rank": 16, "activation": "Relu"}})
        );
        assert_eq!(
            candidate(&groups[0], 1),
            json!({"Dense": {"activation": "Tanh"}})
        );
        for group in &groups {
            let count = 0..group.candidates.len();
            for (left, right) in count
                .clone()
                .flat_map(|k| count.clone().map(move |j| (k, j)))
            {
                let alike = candidate(group, left) == candidate(group, right);
                assert_eq!(alike, group.original(left) == group.original(right));
            }
        }
    }
}
