//! A whole collection: runs a user's simulator over a design and writes a file for a search.

use super::archive::{self, About, Stored};
use super::command::{InputForm, Template};
use super::elsewhere::Elsewhere;
use super::output::Decimal;
use super::runs::Runs;
use super::{Ended, Simulation, collect, output};
use crate::data::{DataError, FutureInputs, Layout, Table, csv_table};
use crate::design::{Parameter, parameters};
use crate::error::{Context, Error, Result, bail, ensure};
use crate::events::{Collection, Event, Observer};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The settings of a collection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// A `.csv` with a column for each parameter.
    pub design: PathBuf,
    /// The simulator's command.
    pub command: String,
    /// The form in which the command receives its parameters.
    pub input: InputForm,
    /// The parameter file of the design: units, limits and scales.
    pub parameters: Option<PathBuf>,
    /// Maximum number of simultaneous runs.
    pub jobs: usize,
    /// Time limit of a run.
    pub limit: Option<Duration>,
    /// The decimal mark of text outputs.
    pub decimal: Option<Decimal>,
    /// Whether failed runs are repeated.
    pub retry_failed: bool,
    /// The layout of one output.
    pub layout: Option<Layout>,
    /// Coordinates: `NAME=FILE`.
    pub axes: Vec<String>,
    /// The folder of the runs.
    pub runs: Option<PathBuf>,
    /// The `.npz` to write.
    pub out: PathBuf,
}

impl Settings {
    /// Returns the settings of a collection of the runs of `command` over `design` to the `.npz`
    /// file `out`: one run at a time, without a time limit.
    #[must_use]
    pub fn new(design: PathBuf, command: String, out: PathBuf) -> Self {
        Self {
            design,
            command,
            input: InputForm::default(),
            parameters: None,
            jobs: 1,
            limit: None,
            decimal: None,
            retry_failed: false,
            layout: None,
            axes: Vec::new(),
            runs: None,
            out,
        }
    }
}

/// The result of a collection.
#[derive(Debug)]
#[non_exhaustive]
pub struct Collected {
    /// The contents of the file; `None` after an interrupt.
    pub stored: Option<Stored>,
    /// Number of runs that this call started.
    pub started: usize,
    /// The folder of the runs.
    pub runs: PathBuf,
}

/// Runs the simulator for all rows that have not ended, and writes the file once every run has
/// ended.
///
/// # Errors
/// If the system is not a Unix; if the design, parameters, command or axes are invalid; if the
/// folder belongs to another simulator; or if no run succeeded.
pub fn run(settings: &Settings, observer: &dyn Observer) -> Result<Collected> {
    // Process groups, signals and `sh` exist only on Unix.
    ensure!(
        Collection,
        cfg!(unix),
        "collect runs simulators by the shell and the signals of Unix, which this system does not have: run it in WSL, or write \
         runs.npz with arrays x and y by a script of your own"
    );
    ensure!(
        Collection,
        settings
            .out
            .extension()
            .is_some_and(|ending| ending == "npz"),
        "{}: expected a name that ends in .npz",
        settings.out.display()
    );
    let design = csv_table(&settings.design)?;
    let parameters = settings
        .parameters
        .as_ref()
        .map(|path| named(path, &design.names))
        .transpose()?;
    for note in check(settings, &design, parameters.as_deref())? {
        observer.note(note);
    }
    if parameters.is_none() {
        observer.note("without --parameters no input is logarithmic");
    }
    let axes = settings
        .axes
        .iter()
        .map(|text| axis(text, settings.decimal))
        .collect::<Result<_, _>>()?;
    let here = std::env::current_dir()?;
    ensure!(
        Collection,
        here.to_str().is_some(),
        "{}: expected a folder whose path is text; call collect from another",
        here.display()
    );
    let template = Template::new(&settings.command, settings.input, &design.names)?;
    if let Some((names, command)) = template.files_of(&here) {
        return Err(Elsewhere { names, command }.into());
    }
    let shared = Shared::new(&template, &here);
    let simulation = Simulation {
        template,
        names: design.names,
        points: design.values,
        cells: design.cells,
        here,
        limit: settings.limit,
        decimal: settings.decimal,
    };
    let folder = settings.runs.clone().unwrap_or_else(|| {
        let mut name = settings.out.clone().into_os_string();
        name.push(".runs");
        name.into()
    });
    let runs = Runs::open(&folder, &simulation, settings.retry_failed, observer)?;
    let (ended, started) = watch(&simulation, &runs, settings.jobs, observer)?;
    shared.warn(observer);
    let stored = match ended {
        Ended::Interrupted => None,
        Ended::AllFailed(error) => bail!(
            Collection,
            "the first runs failed, every one of them: {error}\nsee the logs in {}, mend the simulator or its command and \
             start again with --retry-failed{}",
            folder.display(),
            match settings.command.contains("{here}") {
                true => "",
                false =>
                    "\neach run starts in an empty folder of its own: the command finds files of this one as {here}/FILE",
            }
        ),
        Ended::Complete => {
            let meta = json!({
                "simulator": settings.command,
                "design": settings.design.display().to_string(),
                "tool": concat!("dense-search ", env!("CARGO_PKG_VERSION"), " collect"),
            });
            let about = About {
                parameters,
                layout: settings.layout,
                axes,
                meta: meta.to_string(),
            };
            Some(archive::write(&simulation, &runs, &about, &settings.out)?)
        }
    };
    Ok(Collected {
        stored,
        started,
        runs: folder,
    })
}

/// The files that a command names by `{here}`, with their state before the runs.
struct Shared(Vec<(PathBuf, Option<Stamp>)>);

/// Modification time and size of a file.
type Stamp = (SystemTime, u64);

impl Shared {
    fn new(template: &Template, here: &Path) -> Self {
        let files = template.shared(here).into_iter();
        Self(files.map(|path| (path.clone(), stamp(&path))).collect())
    }

    /// Warns of files that changed during the runs.
    fn warn(&self, observer: &dyn Observer) {
        for (path, before) in &self.0 {
            if stamp(path) != *before {
                observer.warn(format!(
                    "{} changed while runs went on. If they write it, they overwrite what others wrote: name it \
                     without {{here}}/, so that each run has its own, and collect again with another --runs. If you did, \
                     runs before and after may differ",
                    path.display()
                ));
            }
        }
    }
}

/// Returns the stamp of a file; `None` if it does not exist or is a folder.
fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = path.metadata().ok().filter(fs::Metadata::is_file)?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Collects, and reports progress to the observer.
fn watch(
    simulation: &Simulation,
    runs: &Runs,
    jobs: usize,
    observer: &dyn Observer,
) -> Result<(Ended, usize)> {
    let rows = simulation.rows();
    let ended = (0..rows).filter(|&row| runs.record(row).is_some()).count();
    if ended > 0 {
        observer.status(format!("{ended} of {rows} runs have ended before"));
    }
    observer.event(Event::Collection(Collection::Began { rows, ended }));
    let result = collect(simulation, runs, jobs, observer);
    observer.event(Event::Collection(Collection::Ended));
    result
}

/// Checks the inputs for errors that a search would report, before the first run; returns warnings
/// for the user.
fn check(
    settings: &Settings,
    design: &Table,
    parameters: Option<&[Parameter]>,
) -> Result<Vec<String>, DataError> {
    let file = settings.design.display().to_string();
    let Table {
        names,
        values,
        lines,
        ..
    } = design;
    match parameters {
        Some(all) => parameters::check(all, &file, values, lines),
        None => FutureInputs {
            file: &file,
            names,
            logarithmic: &vec![false; names.len()],
            limits: None,
            x: values,
            lines,
        }
        .check(),
    }
}

/// Reads parameters and sorts them in the order of the design's columns.
fn named(path: &Path, names: &[String]) -> Result<Vec<Parameter>> {
    let all = parameters::read(path)?;
    let found = |name: &String| all.iter().find(|one| one.name == *name).cloned();
    let ordered: Option<Vec<_>> = names.iter().map(found).collect();
    ordered
        .filter(|ordered| ordered.len() == all.len())
        .ok_or_else(|| {
            let there: Vec<_> = all.iter().map(|one| one.name.as_str()).collect();
            Error::Collection(format!(
                "{}: expected the parameters of the design, {}; got {}",
                path.display(),
                names.join(", "),
                there.join(", ")
            ))
        })
}

/// Parses `NAME=FILE` and reads the file.
fn axis(text: &str, decimal: Option<Decimal>) -> Result<(String, Vec<f64>)> {
    let (name, file) = text
        .split_once('=')
        .filter(|(name, file)| !name.is_empty() && !file.is_empty())
        .ok_or_else(|| Error::Collection(format!("--axis {text}: expected NAME=FILE")))?;
    ensure!(
        Collection,
        !archive::RESERVED.contains(&name),
        "--axis {text}: {name} means something else in a .npz; choose another name"
    );
    let bytes = fs::read(file).with_context(|| format!("--axis {text}: {file} cannot be read"))?;
    let read = output::parse(&bytes, decimal)
        .map_err(|error| Error::Collection(format!("--axis {text}: as an output, {error}")))?;
    Ok((name.to_owned(), read.values))
}
