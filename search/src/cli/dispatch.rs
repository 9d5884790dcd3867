//! What each command starts, and how it ends: figures on standard output, an exit code.

use super::{Cli, Command, all_cores};
use crate::commands::inspect::Curve;
use crate::commands::{
    bench, collect, completions, demo, design, evaluate, export, freeze, inspect, predict,
    report as page, resume, search, space,
};
use crate::cost_model::store;
use crate::data::Dataset;
use crate::say::{self, say};
use clap::CommandFactory;
use dense_codegen::onnx::{Batch, What};
use serde_json::{Value, json};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what was asked for.
    Done,
    /// It was interrupted; what it leaves can be used, and continued.
    Interrupted,
}

impl Cli {
    /// Does what was typed.
    ///
    /// # Errors
    /// The input is not what the command needs; the text says what to do.
    pub fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Inspect {
                data,
                learning_curve,
            } => {
                let (path, options) = data.split();
                let curve = match learning_curve {
                    true => Curve::Measured,
                    false => Curve::LeftOut,
                };
                print(&inspect::run(&path, &options, curve, self.json)?)
            }
            Command::Demo { out, search } => {
                search.device.check()?;
                let interrupt = interrupt()?;
                let temporary = tempfile::tempdir()?;
                let run = out.clone();
                let run = run.unwrap_or_else(|| temporary.path().join("run"));
                let shown = demo::run(&search.plan(Duration::from_secs(120))?, &run, &interrupt)?;
                print(&if self.json {
                    shown.json().to_string()
                } else {
                    shown.text()
                })?;
                Ok(outcome(shown.report(), out.as_deref()))
            }
            Command::Space {
                preset,
                data,
                options,
                channels,
                dense,
            } => {
                let data = Dataset::read(&data, &options.into())?;
                let space = space::run(&preset, &data, channels, dense)?;
                print(&match self.json {
                    true => json!(space).to_string(),
                    false => space.to_toml()?,
                })
            }
            Command::Search { data, out, search } => {
                search.device.check()?;
                let plan = search.plan(Duration::from_secs(300))?;
                let (path, options) = data.split();
                let input = search::Input {
                    data: Dataset::read(&path, &options)?,
                    path: Some(path),
                    options,
                };
                let interrupt = interrupt()?;
                let report = search::run(&input, &plan, &out, &interrupt)?;
                searched(&report, &out, self.json)
            }
            Command::Resume { run, data } => {
                let interrupt = interrupt()?;
                let report = resume::run(&run, data, &interrupt)?;
                searched(&report, &run, self.json)
            }
            Command::Evaluate { run, data, split } => {
                let (path, options) = data.split();
                let judged = evaluate::run(&run, &path, options, split, all_cores())?;
                let mut figures = json!(judged);
                if self.json {
                    return report(&figures, true);
                }
                if let Some(figures) = figures.as_object_mut() {
                    for lines in ["coverage_90_by_size", "coverage_90_least", "outputs"] {
                        figures.remove(lines);
                    }
                }
                report(&figures, false)?;
                let texts = [judged.metrics.held_text(), judged.metrics.outputs_text()];
                for text in texts.iter().filter(|text| !text.is_empty()) {
                    print(&format!("\n{text}"))?;
                }
                Ok(Outcome::Done)
            }
            Command::Predict {
                run,
                inputs,
                output,
                threads,
            } => {
                let interrupt = interrupt()?;
                let threads = threads.map_or_else(all_cores, usize::from);
                let Some(found) = predict::run(&run, &inputs, &output, threads, &interrupt)? else {
                    say!("interrupted: nothing was written");
                    return Ok(Outcome::Interrupted);
                };
                let mut figures = json!(found);
                figures["output"] = json!(output);
                report(&figures, self.json)
            }
            Command::Freeze {
                run,
                row,
                out,
                c: true,
                prefix,
                target,
                section,
                code_section,
                member: _,
            } => {
                let choices = freeze::CChoices {
                    prefix,
                    target,
                    section,
                    code_section,
                };
                report(&freeze::run_c(&run, row, &out, choices)?, self.json)
            }
            Command::Freeze {
                run,
                row,
                out,
                target,
                section,
                member,
                ..
            } => {
                let frozen = freeze::run(&run, row, &out, section, member)?;
                let resources = target
                    .map(|processor| freeze::resources(&run, row, &out, processor))
                    .transpose()?;
                let mut figures = json!({
                    "crate": frozen.path,
                    "macs": frozen.macs,
                    "member_macs": frozen.member_macs,
                    "flash_bytes": frozen.flash_bytes,
                    "ram_bytes": frozen.ram_bytes,
                    "members": frozen.members,
                });
                if let Some(resources) = resources {
                    if !self.json {
                        report(&figures, false)?;
                        return print(&format!("\n{resources}"));
                    }
                    figures["resources"] = json!(resources);
                }
                report(&figures, self.json)
            }
            Command::Export {
                run,
                output,
                mean_only,
                member,
                batch_one,
            } => {
                let what = match member {
                    Some(member) => What::Member(member),
                    None if mean_only => What::Mean,
                    None => What::Prediction,
                };
                let batch = if batch_one { Batch::One } else { Batch::Any };
                report(&export::run(&run, &output, what, batch)?, self.json)
            }
            Command::Report {
                run,
                output,
                data,
                no_latency,
            } => {
                let latency = match no_latency {
                    true => page::Latency::LeftOut,
                    false => page::Latency::Measured,
                };
                let written = page::run(&run, &output, data.as_deref(), latency, all_cores())?;
                report(&written, self.json)
            }
            Command::Costs { again } => {
                let model = match again {
                    true => store::remeasure()?,
                    false => store::of_this_machine()?,
                };
                print(&match self.json {
                    true => json!(model).to_string(),
                    false => serde_json::to_string_pretty(&model)?,
                })
            }
            Command::Bench { run } => report(&bench::run(&run)?, self.json),
            Command::Design {
                parameters,
                points,
                output,
                method,
                seed,
            } => {
                let inputs = design::run(&parameters, method, points as usize, seed, &output)?;
                let figures = json!({ "points": points, "parameters": inputs, "output": output });
                report(&figures, self.json)
            }
            Command::Collect {
                design,
                command,
                output,
                parameters,
                input,
                jobs,
                timeout,
                decimal,
                retry_failed,
                layout,
                axes,
                runs,
            } => {
                let plan = collect::Plan {
                    design,
                    command,
                    input,
                    parameters,
                    jobs: jobs.map_or_else(all_cores, usize::from),
                    limit: timeout,
                    decimal,
                    retry_failed,
                    layout,
                    axes,
                    runs,
                    out: output,
                };
                collected(&plan, self.json)
            }
            Command::Completions { shell } => {
                print(&completions::completions(shell, Self::command())?)
            }
            Command::Man { command, out } => match out {
                Some(folder) => {
                    completions::pages(Self::command(), &folder)?;
                    report(&json!({ "output": folder }), self.json)
                }
                None => print(&completions::page(Self::command(), command.as_deref())?),
            },
        }
    }
}

/// Returns the flag that Ctrl-C sets; a second Ctrl-C ends the program at once.
fn interrupt() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag))?;
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}

/// Collects, and reports what was stored.
fn collected(plan: &collect::Plan, json: bool) -> anyhow::Result<Outcome> {
    let found = collect::run(plan, &*interrupt()?)?;
    let Some(stored) = found.stored else {
        say!("interrupted between runs; start the same command again to go on");
        return Ok(Outcome::Interrupted);
    };
    if let Some(table) = &stored.table {
        say!(
            "{} runs failed and are left out; {} says why",
            stored.failed.len(),
            table.display()
        );
    }
    let figures = json!({
        "rows": stored.rows,
        "failed": stored.failed.len(),
        "started": found.started,
        "shape": stored.shape,
        "seconds_per_call": stored.seconds_per_call,
        "wall_seconds_per_call": stored.wall_seconds_per_call,
        "output": plan.out,
    });
    report(&figures, json)
}

/// Reports a search that is in the folder `run`.
fn searched(found: &search::Report, run: &Path, json: bool) -> anyhow::Result<Outcome> {
    print(&match json {
        true => json!(found).to_string(),
        false => found.text(),
    })?;
    Ok(outcome(found, Some(run)))
}

/// Says how to continue a search that was interrupted, where its folder is kept.
fn outcome(found: &search::Report, run: Option<&Path>) -> Outcome {
    if !found.interrupted {
        return Outcome::Done;
    }
    let next = match run {
        Some(run) => format!(
            "`dense-search resume {}` continues the search",
            run.display()
        ),
        None => "with --out it would be kept".to_owned(),
    };
    say!("interrupted: the emulator can be used; {next}");
    Outcome::Interrupted
}

/// Prints an object's fields, one a line, or as JSON.
fn report(figures: &Value, json: bool) -> anyhow::Result<Outcome> {
    let fields = figures.as_object().into_iter().flatten();
    let longest = fields.clone().map(|(name, _)| name.len()).max();
    let width = longest.unwrap_or(0).max(20);
    let lines: Vec<_> = fields
        .map(|(name, value)| format!("{name:width$} {value}"))
        .collect();
    print(&if json {
        figures.to_string()
    } else {
        lines.join("\n")
    })
}

fn print(text: &str) -> anyhow::Result<Outcome> {
    say::print(text)?;
    Ok(Outcome::Done)
}
