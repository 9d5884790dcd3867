//! `dense-search search`: trains, and leaves an emulator in a run's folder.

use crate::assemble::{assemble, data_order};
use crate::data::{Dataset, Layout, Normalisation, Split};
use crate::metrics;
use crate::space::{Shape, Space, presets};
use crate::train::{self, Rows, Settings, Trained, train};
use anyhow::{Context, bail};
use dense_codegen::{Emulator, file};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Steps of the trial from which the number of steps in a given time is reckoned.
const TRIAL_STEPS: usize = 60;
/// The share of the time given that training may take; the rest is for reading, calibration and judging.
const TRAINING_SHARE: f64 = 0.9;

/// When a search ends.
#[derive(Debug, Clone, Copy)]
pub enum Extent {
    /// After so many weight steps.
    Steps(usize),
    /// After about this wall time.
    Time(Duration),
}

/// What a search is asked for.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The preset, `micro` or `paper`.
    pub space: String,
    /// When it ends.
    pub extent: Extent,
    /// Members of the ensemble.
    pub members: usize,
    /// The seed of every draw.
    pub seed: u64,
    /// Threads.
    pub threads: usize,
}

/// What a search reports.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Mean squared error on the validation rows, in training deviations.
    pub val_mse_z: f64,
    /// Multiply-accumulates of the shipped call.
    pub macs: u64,
    /// Multiply-accumulates of the largest member.
    pub member_macs: u64,
    /// Members.
    pub members: usize,
    /// Weight steps.
    pub steps: usize,
    /// Median milliseconds of a step of the training loop.
    pub ms_per_step: f64,
}

/// Returns the emulator's file of a run.
#[must_use]
pub fn emulator_file(run: &Path) -> PathBuf {
    if run.is_dir() {
        run.join("emulator.safetensors")
    } else {
        run.to_owned()
    }
}

/// Searches, and writes `emulator.safetensors` and `run.json` into the folder `out`.
///
/// # Errors
/// The folder has a run already, the data are 2-D, or something cannot be written.
pub fn run(data: &Dataset, plan: &Plan, out: &Path) -> anyhow::Result<Report> {
    let target = out.join("emulator.safetensors");
    if target.exists() {
        bail!(
            "{}: there is a run already; choose another folder",
            out.display()
        );
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(plan.threads)
        .build()?;
    let (emulator, report) = pool.install(|| search(data, plan))?;
    fs::create_dir_all(out).with_context(|| format!("{}: cannot be made", out.display()))?;
    file::save(&emulator, &target)?;
    let mut about = tempfile::NamedTempFile::new_in(out)?;
    let text = json!({ "report": report, "threads": plan.threads });
    serde_json::to_writer_pretty(&mut about, &text)?;
    about.persist(out.join("run.json"))?;
    Ok(report)
}

/// Returns the emulator that a search finds.
///
/// # Errors
/// As [`run`].
pub fn search(data: &Dataset, plan: &Plan) -> anyhow::Result<(Emulator, Report)> {
    let space = preset(&plan.space, data)?;
    let split = Split::resolve(data, plan.seed)?;
    for note in data.notes().iter().chain(&split.notes) {
        eprintln!("note: {note}");
    }
    let normalisation = Normalisation::fit(data, &split.train);
    let order = data_order(space.output());
    let rows = |rows: &[usize]| {
        let y = normalisation.encode_y(data, rows);
        let y = y
            .chunks_exact(order.len())
            .flat_map(|y| order.iter().map(|&place| y[place]))
            .collect();
        Rows::new(
            normalisation.encode_x(data, rows),
            data.input_count(),
            y,
            order.len(),
        )
    };
    let (train_rows, selection) = (rows(&split.train)?, rows(&split.selection)?);
    let mut settings = Settings {
        steps: TRIAL_STEPS,
        members: plan.members,
        seed: plan.seed,
    };
    settings.steps = match plan.extent {
        Extent::Steps(steps) => steps,
        Extent::Time(time) => {
            let began = Instant::now();
            train(&space, &train_rows, &selection, settings, |_, _| {})?;
            let left = time.as_secs_f64() * TRAINING_SHARE - began.elapsed().as_secs_f64();
            ((left / began.elapsed().as_secs_f64() * TRIAL_STEPS as f64) as usize).max(TRIAL_STEPS)
        }
    };
    let (trained, ms_per_step) = timed(&space, &train_rows, &selection, settings)?;
    let provenance = BTreeMap::from([
        (
            "tool".to_owned(),
            json!(concat!("dense-search ", env!("CARGO_PKG_VERSION"))),
        ),
        ("space".to_owned(), json!(plan.space)),
        ("seed".to_owned(), json!(plan.seed)),
        ("steps".to_owned(), json!(settings.steps)),
        ("data_sha256".to_owned(), json!(data.sha256())),
        (
            "probabilities".to_owned(),
            json!(trained.variables.probabilities()),
        ),
        ("members".to_owned(), json!(trained.members)),
    ]);
    let emulator = assemble(
        &trained,
        data,
        &normalisation,
        &split.calibration,
        provenance,
    )?;
    let deviation = normalisation.deployed_output_scale();
    let judged = metrics::evaluate(&emulator, data, &split.validation, &deviation, plan.threads);
    let report = Report {
        val_mse_z: judged.mse_z,
        macs: emulator.macs(),
        member_macs: emulator.member_macs(),
        members: emulator.members().len(),
        steps: settings.steps,
        ms_per_step,
    };
    Ok((emulator, report))
}

/// Trains under a progress bar, and returns the median milliseconds of a step beside what was found.
fn timed(
    space: &Space,
    rows: &Rows,
    selection: &Rows,
    settings: Settings,
) -> anyhow::Result<(Trained, f64)> {
    let bar = ProgressBar::new(settings.steps as u64);
    let style = "{msg} {wide_bar} {pos}/{len} steps, {eta} left";
    bar.set_style(ProgressStyle::with_template(style)?);
    let mut times = Vec::with_capacity(settings.steps);
    let mut last = Instant::now();
    let trained = train(space, rows, selection, settings, |step, loss| {
        times.push(last.elapsed());
        last = Instant::now();
        if step % 100 == 99 {
            bar.set_position(step as u64 + 1);
            bar.set_message(format!(
                "{} loss {loss:.2e}",
                train::phase(step, settings.steps)
            ));
        }
    })?;
    bar.finish_and_clear();
    times.sort();
    let median = times
        .get(times.len() / 2)
        .map_or(0.0, Duration::as_secs_f64);
    Ok((trained, median * 1e3))
}

/// The super-architecture of this name for these data.
fn preset(name: &str, data: &Dataset) -> anyhow::Result<Space> {
    let output = match (data.layout(), data.shape()) {
        (Layout::Scalars, _) => Shape::Vector(data.output_count()),
        (Layout::Curve, _) => Shape::Sequence {
            length: data.output_count(),
            channels: 1,
        },
        (Layout::Curves, &[channels, length]) => Shape::Sequence { length, channels },
        (layout, _) => bail!(
            "{}: outputs of layout {layout}: only scalars and curves can be searched",
            data.label()
        ),
    };
    match name {
        "micro" => Ok(presets::micro(data.input_count(), output)?),
        "paper" => Ok(presets::paper(
            data.input_count(),
            output,
            presets::PaperWidths::default(),
        )?),
        other => bail!("--space {other}: expected micro or paper"),
    }
}
