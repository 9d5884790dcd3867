//! Writes the runs that ended to a `.npz` for a search, and a table of failed runs.
//!
//! Outputs are read again one at a time, so that memory holds only one. If their sizes differ, the
//! most common shape is used and the other runs count as failed.

use super::runs::{Record, Runs};
use super::{Simulation, output};
use crate::data::{ArchiveWriter, Aside, DataError, Layout, Packing, fits};
use crate::design::{Parameter, Scale};
use crate::error::{Result, bail, ensure};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Array names that an axis cannot have.
pub const RESERVED: [&str; 14] = [
    "x",
    "y",
    "x_names",
    "x_units",
    "x_low",
    "x_high",
    "x_log",
    "y_names",
    "y_layout",
    "split",
    "sec_per_call",
    "wall_sec_per_call",
    "design_row",
    "meta",
];

/// Data stored beside inputs and outputs.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Units, limits and scales of the parameters, if known.
    pub parameters: Option<Vec<Parameter>>,
    /// The layout of one output.
    pub layout: Option<Layout>,
    /// Coordinates along the output: name and values.
    pub axes: Vec<(String, Vec<f64>)>,
    /// A description of the origin of the data.
    pub meta: String,
}

/// Summary of the stored data.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Number of runs in the file.
    pub rows: usize,
    /// Rows of the design that failed, with their errors.
    pub failed: Vec<(usize, String)>,
    /// The median processor time of a run in seconds, or its wall time if processor times are too
    /// short to measure.
    pub seconds_per_call: f64,
    /// The median wall time of a run in seconds, including the start of the process.
    pub wall_seconds_per_call: f64,
    /// The shape of one output.
    pub shape: Vec<usize>,
    /// The table of failed runs; `None` if all succeeded.
    pub table: Option<PathBuf>,
}

/// Writes all successful runs to `out`, and the failed ones to `failed.csv` in the folder of the
/// runs.
///
/// # Errors
/// If no run succeeded, layout or axes do not match, or a file cannot be read or written.
pub fn write(simulation: &Simulation, runs: &Runs, about: &About, out: &Path) -> Result<Stored> {
    let records: Vec<(usize, Record)> = (0..simulation.rows())
        .filter_map(|row| Some((row, runs.record(row)?)))
        .collect();
    let form = most_common(&records);
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    let (mut seconds, mut wall) = (Vec::new(), Vec::new());
    for (row, record) in records {
        let Record {
            seconds: took,
            processor_seconds,
            shape,
            names,
            error,
        } = record;
        match (error, &form) {
            (Some(error), _) => failed.push((row, error)),
            (None, Some(form)) if (&shape, &names) == (&form.0, &form.1) => {
                rows.push(row);
                wall.push(took);
                seconds.push(processor_seconds.unwrap_or_default());
            }
            (None, form) => {
                let most = form.as_ref().map_or(&[][..], |form| &form.0);
                failed.push((
                    row,
                    format!("its output has shape {shape:?} and names {names:?}, expected {most:?} as most others have"),
                ));
            }
        }
    }
    let table = runs.path().join("failed.csv");
    write_failed(simulation, &failed, &table)?;
    let Some((shape, names)) = form else {
        let errors: String = failed
            .iter()
            .take(3)
            .map(|(row, error)| format!("\n  row {row}: {error}"))
            .collect();
        bail!(
            Collection,
            "no run succeeded; each has its own folder with its log in {}, the first errors are:{errors}\nmend the \
             simulator or its command and start again with --retry-failed",
            runs.path().display()
        );
    };
    // Names belong to channels; an image with a single channel has none.
    let layout = about.layout.or(match (names.is_empty(), shape.len()) {
        (false, 2) => Some(Layout::Curves),
        _ => None,
    });
    let about = &About {
        layout,
        ..about.clone()
    };
    check(about, &shape, &names)?;
    let wall = median(wall);
    let processor = median(seconds);
    let stored = Stored {
        rows: rows.len(),
        seconds_per_call: if processor > 0.0 { processor } else { wall },
        wall_seconds_per_call: wall,
        table: (!failed.is_empty()).then_some(table),
        shape,
        failed,
    };
    write_npz(simulation, runs, about, out, &rows, &stored, &names)?;
    Ok(stored)
}

/// Returns the median; `values` is not empty.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Returns shape and names of most outputs; ties go to the first.
fn most_common(records: &[(usize, Record)]) -> Option<(Vec<usize>, Vec<String>)> {
    let mut counts = BTreeMap::new();
    for (row, record) in records {
        if record.error.is_none() {
            let form = (&record.shape, &record.names);
            counts.entry(form).or_insert((0usize, *row)).0 += 1;
        }
    }
    let most = counts
        .into_iter()
        .max_by_key(|&(_, (count, first))| (count, usize::MAX - first));
    most.map(|((shape, names), _)| (shape.clone(), names.clone()))
}

fn check(about: &About, shape: &[usize], names: &[String]) -> Result<()> {
    if let Some(layout) = about.layout {
        ensure!(
            Collection,
            names.len() < 2 || layout != Layout::Image,
            "--layout {layout} does not fit outputs with {} names; choose another and start again: no run is repeated",
            names.len()
        );
        ensure!(
            Collection,
            fits(layout, shape),
            "--layout {layout} does not fit outputs of shape {shape:?}; choose another and start again: no run is \
             repeated"
        );
    }
    for (name, values) in &about.axes {
        ensure!(
            Collection,
            shape.contains(&values.len()),
            "--axis {name} has {} values, the outputs have shape {shape:?}; repair it and start again: no run is repeated",
            values.len()
        );
    }
    Ok(())
}

fn write_npz(
    simulation: &Simulation,
    runs: &Runs,
    about: &About,
    out: &Path,
    rows: &[usize],
    stored: &Stored,
    names: &[String],
) -> Result<()> {
    let count = rows.len();
    let mut archive = ArchiveWriter::new(Aside::create(out)?);
    let failed = |source| DataError::Write {
        file: out.display().to_string(),
        source,
    };
    let columns = simulation.names.len();
    let x: Vec<f64> = rows
        .iter()
        .flat_map(|&row| simulation.point(row))
        .copied()
        .collect();
    let numbers: usize = stored.shape.iter().product();
    let shape = [&[count], &stored.shape[..]].concat();
    archive
        .add("x", "<f8", &[count, columns], &doubles(&x))
        .and_then(|()| {
            let bytes = count * numbers * size_of::<f64>();
            archive.begin("y", "<f8", &shape, bytes, Packing::Deflated)
        })
        .map_err(failed)?;
    for &row in rows {
        let folder = runs.folder(row);
        let output = match output::read(&folder, simulation.decimal) {
            Ok(output) if output.shape == stored.shape => output,
            _ => bail!(
                Collection,
                "{}: its output is not what it was when the run ended; say the same --decimal as then, or remove that \
                 folder and start again",
                folder.display()
            ),
        };
        archive
            .write_all(&doubles(&output.values))
            .map_err(failed)?;
    }
    let mut rest = || -> io::Result<()> {
        texts(&mut archive, "x_names", &[columns], &simulation.names)?;
        if let Some(parameters) = &about.parameters {
            let all = |value: fn(&Parameter) -> f64| {
                doubles(&parameters.iter().map(value).collect::<Vec<_>>())
            };
            archive.add("x_low", "<f8", &[columns], &all(|parameter| parameter.low))?;
            archive.add(
                "x_high",
                "<f8",
                &[columns],
                &all(|parameter| parameter.high),
            )?;
            let flags = parameters
                .iter()
                .map(|one| u8::from(one.scale == Scale::Log));
            archive.add("x_log", "|b1", &[columns], &flags.collect::<Vec<_>>())?;
            let units: Vec<_> = parameters.iter().map(|one| one.unit.clone()).collect();
            texts(&mut archive, "x_units", &[columns], &units)?;
        }
        if !names.is_empty() {
            texts(&mut archive, "y_names", &[names.len()], names)?;
        }
        if let Some(layout) = about.layout {
            texts(&mut archive, "y_layout", &[], &[layout.to_string()])?;
        }
        for (name, values) in &about.axes {
            archive.add(name, "<f8", &[values.len()], &doubles(values))?;
        }
        archive.add(
            "sec_per_call",
            "<f8",
            &[],
            &doubles(&[stored.seconds_per_call]),
        )?;
        let wall = doubles(&[stored.wall_seconds_per_call]);
        archive.add("wall_sec_per_call", "<f8", &[], &wall)?;
        let rows: Vec<u8> = rows
            .iter()
            .flat_map(|&row| (row as i64).to_le_bytes())
            .collect();
        archive.add("design_row", "<i8", &[count], &rows)?;
        texts(&mut archive, "meta", &[], std::slice::from_ref(&about.meta))
    };
    rest().map_err(failed)?;
    archive.finish().map_err(failed)?.finish()?;
    Ok(())
}

/// Adds texts as an array of numpy's `str`.
fn texts(
    archive: &mut ArchiveWriter<Aside>,
    name: &str,
    shape: &[usize],
    texts: &[String],
) -> io::Result<()> {
    let lengths = texts.iter().map(|text| text.chars().count());
    let length = lengths.max().unwrap_or_default().max(1);
    let mut bytes = Vec::new();
    for text in texts {
        let mut units: Vec<u32> = text.chars().map(u32::from).collect();
        units.resize(length, 0);
        bytes.extend(units.into_iter().flat_map(u32::to_le_bytes));
    }
    archive.add(name, &format!("<U{length}"), shape, &bytes)
}

fn doubles(values: &[f64]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// Writes the table of failures, or removes an outdated one.
fn write_failed(simulation: &Simulation, failed: &[(usize, String)], path: &Path) -> Result<()> {
    if failed.is_empty() {
        return match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        };
    }
    let mut aside = Aside::create(path)?;
    {
        let mut csv = ::csv::Writer::from_writer(&mut aside);
        let names = simulation.names.iter().map(String::as_str);
        csv.write_record(["row"].into_iter().chain(names).chain(["error"]))?;
        for (row, error) in failed {
            let point = simulation.cells(*row).iter().cloned();
            let cells = [row.to_string()].into_iter().chain(point);
            csv.write_record(cells.chain([error.clone()]))?;
        }
        csv.flush()?;
    }
    Ok(aside.finish()?)
}
