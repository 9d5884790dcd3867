//! Searches, by this checkout or by an earlier build of the program, judged on the rows held out.

use crate::cell::{Contender, Key, Outcome};
use crate::plan::UNIFORM;
use anyhow::Context;
use dense_codegen::Emulator;
use dense_search::budget::Budget;
use dense_search::contenders::SpaceArgument;
use dense_search::data::{Dataset, Part, ReadOptions};
use dense_search::kind::Kind;
use dense_search::metrics::{Metrics, evaluate};
use dense_search::run_folder::RunFolder;
use dense_search::search::{ControlMode, Extent, Input, Search, SearchSettings, TeacherMode};
use dense_search::streams::{permutation, stream};
use dense_search::{Teacher, teacher_of};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Kinds in a race that are drawn, as many as by default begin one.
const DRAWN: usize = 5;

/// Searches with the program's defaults but for what the key says. A network of the key trains
/// by itself, without a teacher. Returns the seconds of the search too, without those of judging.
///
/// # Errors
/// The search fails, or its emulator has an error that is not finite.
pub(crate) fn searched(key: &Key, file: &Path) -> anyhow::Result<(Outcome, f64)> {
    let input = Input::read(file, ReadOptions::default())?;
    let mut settings = SearchSettings::default();
    settings.extent = Extent::Time(Duration::from_secs_f64(key.seconds));
    settings.seed = key.rows.draw;
    settings.threads = key.threads;
    settings.budget = Budget {
        macs: Some(key.budget),
        ..Budget::default()
    };
    settings.members = key.members;
    if let Some(space) = &key.space {
        let is_drawn = space == UNIFORM;
        let space = match is_drawn {
            true => drawn(key.rows.draw, input.data.output_count()),
            false => space.clone(),
        };
        let space: SpaceArgument = space.parse().map_err(anyhow::Error::msg)?;
        settings.space = space.read()?;
        settings.control = ControlMode::None;
        if !is_drawn {
            settings.teacher = TeacherMode::None;
        }
    }
    let run = tempfile::tempdir()?;
    let began = Instant::now();
    Search::new(settings).run(&input, run.path(), &|_| {})?;
    let seconds = began.elapsed().as_secs_f64();
    Ok((of_run(run.path(), &input.data, key.threads)?, seconds))
}

/// Returns kinds for a race, each as likely as any other that differs for so many outputs.
fn drawn(draw: u64, outputs: usize) -> String {
    let kinds: Vec<Kind> = Kind::all().filter(|kind| kind.applies(outputs)).collect();
    let order = permutation(&mut stream(draw, "kinds that race"), kinds.len());
    let names = order
        .into_iter()
        .take(DRAWN)
        .map(|place| kinds[place].name());
    names.collect::<Vec<_>>().join(",")
}

/// The same by a program, which is started as a user would.
///
/// # Errors
/// As [`searched`]; the program does not start.
pub(crate) fn by_program(key: &Key, program: &Path, file: &Path) -> anyhow::Result<(Outcome, f64)> {
    let folder = tempfile::tempdir()?;
    let run = folder.path().join("run");
    let mut command = Command::new(program);
    command.arg("search").arg(file).arg("--out").arg(&run);
    command.args(["--time", &format!("{}s", key.seconds)]);
    command.args(["--seed", &key.rows.draw.to_string()]);
    command.args(["--threads", &key.threads.to_string()]);
    command.args(["--budget-macs", &key.budget.to_string()]);
    if let Some(members) = key.members {
        command.args(["--members", &members.to_string()]);
    }
    let began = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| program.display().to_string())?;
    let seconds = began.elapsed().as_secs_f64();
    anyhow::ensure!(
        output.status.success(),
        "{}: {}",
        program.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    let data = Dataset::read(file, &ReadOptions::default())?;
    Ok((of_run(&run, &data, key.threads)?, seconds))
}

/// Judges what a run ships and all its contenders. The report is read as plain JSON, so that runs
/// of earlier and later versions are judged alike.
fn of_run(run: &Path, data: &Dataset, threads: usize) -> anyhow::Result<Outcome> {
    let text = fs::read_to_string(run.join("run.json"))?;
    let mut description: Value = serde_json::from_str(&text)?;
    let mut report = description["report"].take();
    let folder = RunFolder::at(run);
    let emulator = dense_codegen::file::load(&folder.emulator())?;
    let shipped = judged(&emulator, data, threads)?;
    anyhow::ensure!(
        shipped.mse_z.is_finite(),
        "the error of what ships is not finite"
    );
    let mut contenders = Vec::new();
    for one in report["contenders"].as_array().into_iter().flatten() {
        let name = one["name"].as_str().unwrap_or_default();
        let file = folder.contender(name);
        if !file.exists() {
            continue;
        }
        let emulator = dense_codegen::file::load(&file)?;
        let error = judged(&emulator, data, threads)?.mse_z;
        contenders.push(Contender {
            name: name.to_owned(),
            role: one["role"].as_str().map(str::to_owned),
            macs: emulator.macs(),
            selection_error: one["selection_error"].as_f64(),
            mse_z: Some(error).filter(|error| error.is_finite()),
        });
    }
    if let Some(report) = report.as_object_mut() {
        report.remove("pareto");
    }
    let is_taught = report.pointer("/plan/is_taught").and_then(Value::as_bool);
    let teacher = match is_taught {
        Some(true) => Some(of_teacher(&teacher_of(run)?, data)?),
        _ => None,
    };
    Ok(Outcome {
        mse_z: shipped.mse_z,
        best: report["space"].as_str().map(str::to_owned),
        macs: Some(emulator.macs()),
        median_relative_l2: Some(shipped.median_relative_l2),
        coverage: Some([
            shipped.coverage_50,
            shipped.coverage_90,
            shipped.coverage_99,
        ]),
        contenders,
        teacher,
        report,
        ..Outcome::default()
    })
}

/// The figures on the rows held out, in the units of the rivals.
fn judged(emulator: &Emulator, data: &Dataset, threads: usize) -> anyhow::Result<Metrics> {
    let mut units = units(data)?;
    if let Some(relative) = &emulator.outputs().relative {
        for (unit, scale) in units.iter_mut().zip(&relative.scale) {
            *unit /= scale;
        }
    }
    let rows = data.part_rows(Part::Test)?;
    Ok(evaluate(emulator, data, &rows, &units, threads))
}

/// The mean squared error of a teacher on the rows held out, in the units of the rivals.
fn of_teacher(teacher: &Teacher, data: &Dataset) -> anyhow::Result<f64> {
    let (rows, units) = (data.part_rows(Part::Test)?, units(data)?);
    let x = rows.iter().flat_map(|&row| data.x_row(row));
    let x: Vec<f32> = x.map(|&x| x as f32).collect();
    let said = teacher.predict(&x)?.mean;
    let (mut sum, mut count) = (0.0, 0);
    for (&row, said) in rows.iter().zip(said.chunks_exact(units.len())) {
        let values = said.iter().zip(data.y_row(row)).zip(&units);
        for ((said, y), unit) in values.filter(|(_, unit)| **unit > 0.0) {
            sum += ((said - y) / unit).powi(2);
            count += 1;
        }
    }
    Ok(sum / f64::from(count.max(1)))
}

/// The standard deviation of each output on the rows to learn from, whatever a run made of them;
/// 0 for constant outputs, by the rivals' rule: at most 1e-12 of the largest value of all outputs.
fn units(data: &Dataset) -> anyhow::Result<Vec<f64>> {
    let rows = data.part_rows(Part::Train)?;
    let count = data.output_count();
    let mut means = vec![0.0; count];
    let mut largest: f64 = 1e-300;
    for &row in &rows {
        for (mean, y) in means.iter_mut().zip(data.y_row(row)) {
            *mean += y / rows.len() as f64;
            largest = largest.max(y.abs());
        }
    }
    let mut units = vec![0.0; count];
    for &row in &rows {
        for ((unit, mean), y) in units.iter_mut().zip(&means).zip(data.y_row(row)) {
            *unit += (y - mean).powi(2) / rows.len() as f64;
        }
    }
    let deviation = |variance: &f64| match variance.sqrt() {
        unit if unit > 1e-12 * largest => unit,
        _ => 0.0,
    };
    Ok(units.iter().map(deviation).collect())
}
