//! Runs each command: prints its results on standard output, and returns an exit code.

use super::arguments::{Cli, Command, all_cores};
use super::terminal::{self, Terminal};
use super::{completions, demo};
use anyhow::bail;
use clap::CommandFactory;
use dense_codegen::c::FrozenC;
use dense_codegen::onnx::{Batch, What};
use dense_search::Error;
use dense_search::collect;
use dense_search::contenders;
use dense_search::cost_model::store;
use dense_search::data::Dataset;
use dense_search::design::write_design;
use dense_search::export::export_run;
use dense_search::freezing::{
    CChoices, RustChoices, freeze_run, freeze_run_as_c, measure_resources,
};
use dense_search::inspect::{Curve, inspect};
use dense_search::judge::judge;
use dense_search::latency;
use dense_search::predict::{By, predict_file};
use dense_search::report::{Latency, write_page};
use dense_search::search::{Input, RunReport, Search};
use dense_search::shell::shell_word;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// The outcome of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It completed.
    Done,
    /// It was interrupted. Its results so far are usable, and it can be continued.
    Interrupted,
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// The input does not suit the command; the text says what to do.
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let terminal = &Terminal::new(self.verbosity());
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
                let found = inspect(&path, &options, curve)?;
                print(&match self.json {
                    true => serde_json::to_string(&found)?,
                    false => found.to_string(),
                })
            }
            Command::Demo { out, search } => {
                search.device.check()?;
                terminal.catch_interrupts()?;
                let temporary = tempfile::tempdir()?;
                let run = out.clone();
                let run = run.unwrap_or_else(|| temporary.path().join("run"));
                let shown = demo::run(search.settings(Duration::from_secs(120))?, &run, terminal)?;
                print(&if self.json {
                    shown.json().to_string()
                } else {
                    shown.text()
                })?;
                Ok(outcome(shown.report(), out.as_deref(), terminal))
            }
            Command::Space {
                preset,
                data,
                options,
                channels,
                dense,
            } => {
                let data = Dataset::read(&data, &options.into())?;
                let space = contenders::preset(&preset, &data, channels, dense, terminal)?;
                print(&match self.json {
                    true => json!(space).to_string(),
                    false => space.to_toml()?,
                })
            }
            Command::Search { data, out, search } => {
                search.device.check()?;
                let settings = search.settings(Duration::from_secs(300))?;
                let (path, options) = data.split();
                let input = Input::read(&path, options)?;
                terminal.catch_interrupts()?;
                let report = Search::new(settings).run(&input, &out, terminal)?;
                searched(&report, &out, self.json, terminal)
            }
            Command::Resume { run, data } => {
                terminal.catch_interrupts()?;
                let report = Search::resume(&run, data.as_deref(), demo::bundled, terminal)?;
                searched(&report, &run, self.json, terminal)
            }
            Command::Evaluate { run, data, split } => {
                let (path, options) = data.split();
                let judged = judge(&run, &path, options, split, all_cores(), terminal)?;
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
                teacher,
                threads,
            } => {
                terminal.catch_interrupts()?;
                let threads = threads.map_or_else(all_cores, usize::from);
                let by = if teacher { By::Teacher } else { By::Emulator };
                let found = predict_file(&run, by, &inputs, &output, threads, terminal)?;
                let Some(found) = found else {
                    terminal.say("interrupted: nothing was written");
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
                runtime: _,
            } => {
                let mut choices = CChoices::default();
                choices.prefix = prefix;
                choices.target = target;
                choices.section = section;
                choices.code_section = code_section;
                let frozen = freeze_run_as_c(&run, row, &out, choices, terminal)?;
                report(&c_figures(&frozen), self.json)
            }
            Command::Freeze {
                run,
                row,
                out,
                target,
                section,
                member,
                runtime,
                ..
            } => {
                let mut choices = RustChoices::default();
                choices.section = section;
                choices.member = member;
                choices.runtime = runtime;
                let frozen = freeze_run(&run, row, &out, choices, terminal)?;
                let resources = target
                    .map(|processor| measure_resources(&run, row, &out, processor, terminal))
                    .transpose()?;
                let mut figures = json!({
                    "crate": frozen.path,
                    "macs": frozen.macs,
                    "member_macs": frozen.member_macs,
                    "flash_bytes": frozen.flash_bytes,
                    "ram_bytes": frozen.ram_bytes,
                    "members": frozen.members,
                    "carries": frozen.carries,
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
                let written = export_run(&run, &output, what, batch)?;
                report(&json!(written), self.json)
            }
            Command::Report {
                run,
                output,
                data,
                no_latency,
            } => {
                let latency = match no_latency {
                    true => Latency::LeftOut,
                    false => Latency::Measured,
                };
                let bytes = write_page(
                    &run,
                    &output,
                    data.as_deref(),
                    demo::bundled,
                    latency,
                    all_cores(),
                    terminal,
                )?;
                report(&json!({ "report": output, "bytes": bytes }), self.json)
            }
            Command::Costs { again } => {
                let model = match again {
                    true => store::remeasure(terminal)?,
                    false => store::of_this_machine(terminal)?,
                };
                print(&match self.json {
                    true => json!(model).to_string(),
                    false => serde_json::to_string_pretty(&model)?,
                })
            }
            Command::Bench { run } => report(&latency::measure(&run)?, self.json),
            Command::Design {
                parameters,
                points,
                output,
                method,
                seed,
            } => {
                let inputs = write_design(
                    &parameters,
                    method,
                    points as usize,
                    seed,
                    &output,
                    terminal,
                )?;
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
                let mut settings = collect::Settings::new(design, command, output);
                settings.input = input;
                settings.parameters = parameters;
                settings.jobs = jobs.map_or_else(all_cores, usize::from);
                settings.limit = timeout;
                settings.decimal = decimal;
                settings.retry_failed = retry_failed;
                settings.layout = layout;
                settings.axes = axes;
                settings.runs = runs;
                collected(&settings, self.json, terminal)
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

/// The properties of an emulator as C.
fn c_figures(frozen: &FrozenC) -> Value {
    let mut figures = json!({
        "folder": frozen.path,
        "prefix": frozen.prefix.as_str(),
        "macs": frozen.macs,
        "flash_bytes": frozen.flash_bytes,
        "ram_bytes": frozen.ram_bytes,
        "members": frozen.members,
        "carries": frozen.carries,
    });
    if let Some(Ok(costs)) = &frozen.costs {
        figures["code_bytes"] = json!(costs.code_bytes);
        figures["stack_bytes"] = json!(costs.stack_bytes);
        figures["self_test_stack_bytes"] = json!(costs.self_test_stack_bytes);
        figures["compiler"] = json!(costs.compiler);
    }
    figures
}

/// Collects runs, and reports the stored data.
fn collected(
    settings: &collect::Settings,
    json: bool,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    terminal.catch_interrupts()?;
    let found = match collect::run(settings, terminal) {
        // The program knows the command line, so it can print a corrected one.
        Err(Error::Elsewhere(elsewhere)) => {
            match typed_with(&settings.command, &elsewhere.command) {
                Some(line) => bail!(elsewhere.text(&line)),
                None => return Err(elsewhere.into()),
            }
        }
        found => found?,
    };
    let Some(stored) = found.stored else {
        terminal.say("interrupted between runs; start the same command again to go on");
        return Ok(Outcome::Interrupted);
    };
    if let Some(table) = &stored.table {
        terminal.say(&format!(
            "{} runs failed and are left out; {} says why",
            stored.failed.len(),
            table.display()
        ));
    }
    let figures = json!({
        "rows": stored.rows,
        "failed": stored.failed.len(),
        "started": found.started,
        "shape": stored.shape,
        "seconds_per_call": stored.seconds_per_call,
        "wall_seconds_per_call": stored.wall_seconds_per_call,
        "output": settings.out,
    });
    report(&figures, json)
}

/// The command line with another simulator command in it.
fn typed_with(before: &str, command: &str) -> Option<String> {
    let words: Option<Vec<String>> = std::env::args_os()
        .map(|word| word.into_string().ok())
        .collect();
    let mut words = words?;
    let option = format!("--command={before}");
    let place = (1..words.len())
        .find(|&at| words[at] == option || (words[at] == before && words[at - 1] == "--command"))?;
    words[place] = match words[place] == option {
        true => format!("--command={command}"),
        false => command.to_owned(),
    };
    let words: Vec<String> = words.iter().map(|word| shell_word(word)).collect();
    Some(words.join(" "))
}

/// Reports on a search in the folder `run`.
fn searched(
    found: &RunReport,
    run: &Path,
    json: bool,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    print(&match json {
        true => json!(found).to_string(),
        false => found.text(),
    })?;
    Ok(outcome(found, Some(run), terminal))
}

/// Says how to continue an interrupted search, if its folder is kept.
fn outcome(found: &RunReport, run: Option<&Path>, terminal: &Terminal) -> Outcome {
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
    terminal.say(&format!("interrupted: the emulator can be used; {next}"));
    Outcome::Interrupted
}

/// Prints an object's fields, one per line, or as JSON.
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
    terminal::print(text)?;
    Ok(Outcome::Done)
}
