//! The rounds: every engine and every probe in turn.

use super::Arguments;
use super::engine::{Engine, ROWS, Repeat, Turn, at, timer_ns};
use super::floor::{Floor, VALID};
use super::frozen::{Flavour, Frozen};
use super::generated_c::{GeneratedC, generate};
use super::onnx_runtime::{self, OnnxRuntime};
use super::plain::Plain;
use super::rten::Rten;
use super::table;
use anyhow::{Context, Result};
use dense_codegen::Emulator;
use dense_codegen::interpreter::interpret_f64;
use dense_tests::networks::Network;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// Rows for measuring the errors.
const CHECKED: usize = 200;
/// Batches that are timed in one turn.
const BATCHES: usize = 3;
/// Calls inside the frozen code in one turn.
const REPEATED: usize = 2000;

/// One engine on one network, with its measurements.
pub(crate) struct Contestant {
    pub(crate) name: String,
    /// `None` if it failed.
    engine: Option<Box<dyn Engine>>,
    /// The reason of the failure.
    pub(crate) failure: Option<String>,
    /// The largest error of the mean against the f64 interpreter; `None` if nothing is predicted.
    pub(crate) error: Option<f64>,
    call_ns: f64,
    /// ns of a call.
    pub(crate) readings: Vec<f64>,
    /// ns of a row.
    pub(crate) batches: Vec<f64>,
    /// ns of a call inside the frozen code: back to back, chained.
    pub(crate) repeated: [f64; 2],
}

/// One network with all its measurements.
pub(crate) struct Measured {
    pub(crate) network: Network,
    pub(crate) macs: u64,
    pub(crate) weight_bytes: usize,
    pub(crate) contestants: Vec<Contestant>,
}

/// Runs the benchmark and prints its table; the exit code is 1 if the run is void.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let networks = arguments
        .networks
        .iter()
        .map(|name| {
            let known = Network::ALL
                .into_iter()
                .find(|network| network.name() == name);
            known.with_context(|| format!("--networks: there is no {name:?}"))
        })
        .collect::<Result<Vec<_>>>()?;
    let flavours = arguments
        .flavours
        .iter()
        .map(|name| Flavour::named(name))
        .collect::<Result<Vec<_>>>()?;
    let folder = tempfile::tempdir()?;
    let mut floor = Floor::new()?;
    let timer_ns = timer_ns();
    let mut all = Vec::new();
    for network in networks {
        let emulator = network.emulator();
        let folder = folder.path().join(network.name());
        fs::create_dir_all(&folder)?;
        let contestants = contestants(&emulator, &flavours, arguments.peers.as_deref(), &folder);
        let mut measured = Measured {
            network,
            macs: emulator.macs(),
            weight_bytes: weight_bytes(&emulator),
            contestants,
        };
        measure(
            &mut measured,
            &emulator,
            &mut floor,
            timer_ns,
            arguments.rounds,
        );
        all.push(measured);
    }
    table::print(&mut all, &floor, timer_ns);
    let valid = floor.reached() >= VALID;
    if !valid {
        println!(
            "\nVOID: the peak is {:.0} % of two vectors a cycle, below {:.0} %",
            100.0 * floor.reached(),
            100.0 * VALID
        );
    }
    if arguments.json {
        println!("{}", table::json(&mut all, &floor, valid));
    }
    Ok(ExitCode::from(u8::from(!valid)))
}

/// Bytes of weights and biases, each once.
fn weight_bytes(emulator: &Emulator) -> usize {
    let parameters = emulator.graph().parameters().iter();
    4 * parameters
        .map(|(_, parameter)| parameter.values().len())
        .sum::<usize>()
}

fn contestants(
    emulator: &Emulator,
    flavours: &[Flavour],
    peers: Option<&Path>,
    folder: &Path,
) -> Vec<Contestant> {
    let mut all = Vec::new();
    for &flavour in flavours {
        let frozen = Frozen::build(emulator, flavour, &folder.join(flavour.name));
        all.push(Contestant::new(&format!("ours, {}", flavour.name), frozen));
    }
    all.push(Contestant::new("rten", Rten::load(emulator)));
    if let Some(python) = peers {
        let runtime =
            onnx_runtime::library(python).and_then(|library| OnnxRuntime::load(emulator, &library));
        all.push(Contestant::new("ONNX Runtime", runtime));
        let generated = generate(emulator, python, folder).map_err(|error| format!("{error:#}"));
        for (name, flags) in [
            ("emx-onnx-cgen, gcc -O3", &[][..]),
            ("emx-onnx-cgen, gcc -O3 -ffast-math", &["-ffast-math"][..]),
        ] {
            let compiled = generated
                .clone()
                .map_err(anyhow::Error::msg)
                .and_then(|()| GeneratedC::build(emulator, folder, flags));
            all.push(Contestant::new(name, compiled));
        }
    }
    all
}

impl Contestant {
    fn new<E: Engine + 'static>(name: &str, engine: Result<E>) -> Self {
        let (engine, failure) = match engine {
            Ok(engine) => (Some(Box::new(engine) as Box<dyn Engine>), None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        Self {
            name: name.to_owned(),
            engine,
            failure,
            error: None,
            call_ns: f64::NAN,
            readings: Vec::new(),
            batches: Vec::new(),
            repeated: [f64::INFINITY; 2],
        }
    }

    /// Runs the engine; one that fails is excluded.
    fn with(&mut self, work: impl FnOnce(&mut dyn Engine, &mut Records<'_>) -> Result<()>) {
        let Some(engine) = self.engine.as_deref_mut() else {
            return;
        };
        let mut records = Records {
            call_ns: &mut self.call_ns,
            readings: &mut self.readings,
            batches: &mut self.batches,
            repeated: &mut self.repeated,
            error: &mut self.error,
        };
        if let Err(error) = work(engine, &mut records) {
            self.failure = Some(format!("{error:#}"));
            self.engine = None;
        }
    }
}

/// The destination of an engine's figures.
struct Records<'a> {
    call_ns: &'a mut f64,
    readings: &'a mut Vec<f64>,
    batches: &'a mut Vec<f64>,
    repeated: &'a mut [f64; 2],
    error: &'a mut Option<f64>,
}

fn measure(
    measured: &mut Measured,
    emulator: &Emulator,
    floor: &mut Floor,
    timer_ns: f64,
    rounds: usize,
) {
    let (inputs, outputs) = (emulator.input_count(), emulator.output_count());
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut draw = |rows: usize| -> Vec<f32> {
        let count = rows * inputs;
        (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
    };
    let (checked, rows) = (draw(CHECKED), draw(ROWS));
    let expected: Vec<_> = checked
        .chunks_exact(inputs)
        .map(|x| interpret_f64(emulator, x).mean)
        .collect();
    let mut y = vec![0.0; outputs];
    let mut many = vec![0.0; ROWS * outputs];

    for contestant in &mut measured.contestants {
        contestant.with(|engine, records| {
            let pairs = checked.chunks_exact(inputs).zip(&expected);
            *records.error = Some(largest_error(engine, pairs, &mut y)?);
            let first = Turn {
                rows: &rows,
                readings: 50,
                group: 1,
                timer_ns: 0.0,
            };
            let mut readings = Vec::new();
            engine.turn(&first, &mut y, &mut readings)?;
            *records.call_ns = at(&mut readings, 0.5).max(1.0);
            Ok(())
        });
    }
    // A single measurement may be interrupted.
    (0..10).for_each(|_| floor.probe());
    let ours = measured.contestants.iter().map(|one| one.call_ns);
    let ours_ns = ours.take(1).find(|ns| ns.is_finite()).unwrap_or(1000.0);
    let steps = ((ours_ns - timer_ns).max(100.0) * floor.clock) as u64;
    let mut plain = Contestant::new("plain arithmetic of ours' length", Ok(Plain(steps)));
    plain.call_ns = ours_ns;
    measured.contestants.push(plain);

    for _ in 0..rounds {
        floor.probe();
        for contestant in &mut measured.contestants {
            contestant.with(|engine, records| {
                let turn = Turn::of(&rows, *records.call_ns, timer_ns);
                engine.turn(&turn, &mut y, records.readings)?;
                batches(engine, &rows, &mut many, records.batches)?;
                if measured.network == Network::Tiny {
                    repeat(engine, &rows, records.repeated);
                }
                Ok(())
            });
        }
    }
}

/// The largest absolute error; infinite if a result is NaN.
fn largest_error<'a>(
    engine: &mut dyn Engine,
    rows: impl Iterator<Item = (&'a [f32], &'a Vec<f64>)>,
    y: &mut [f32],
) -> Result<f64> {
    let mut largest = 0.0_f64;
    for (x, expected) in rows {
        y.fill(f32::NAN);
        engine.predict(x, y)?;
        for (&y, expected) in y.iter().zip(expected) {
            let error = (f64::from(y) - expected).abs();
            largest = largest.max(if error.is_nan() { f64::INFINITY } else { error });
        }
    }
    Ok(largest)
}

fn batches(
    engine: &mut dyn Engine,
    rows: &[f32],
    y: &mut [f32],
    readings: &mut Vec<f64>,
) -> Result<()> {
    for batch in 0..=BATCHES {
        let start = Instant::now();
        match engine.predict_batch(rows, y) {
            None => return Ok(()),
            Some(result) => result?,
        }
        // The first one fills the caches.
        if batch > 0 {
            readings.push(start.elapsed().as_nanos() as f64 / ROWS as f64);
        }
    }
    Ok(())
}

fn repeat(engine: &mut dyn Engine, rows: &[f32], best: &mut [f64; 2]) {
    for (how, best) in [Repeat::BackToBack, Repeat::Chained].into_iter().zip(best) {
        let start = Instant::now();
        if engine.repeat(REPEATED, how, rows).is_some() {
            *best = best.min(start.elapsed().as_nanos() as f64 / REPEATED as f64);
        }
    }
}
