//! The program's output: results on standard output, everything else on standard error, with
//! progress bars on a terminal.
//!
//! Either may be a pipe whose reader has ended (`| head -n1`). This neither ends a search nor
//! counts as an error.

use anyhow::Context;
use clap::builder::styling::{AnsiColor, Style};
use dense_search::events::{Collection, Event, Observer, Training};
use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressStyle};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Number of failed runs of a collection that are printed.
const FAILURES_SHOWN: usize = 3;

/// The amount of output besides the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verbosity {
    /// Warnings only.
    Quiet,
    /// Also notes and progress.
    Usual,
    /// Also details.
    Verbose,
}

/// Standard error, and the signals with which a user interrupts.
#[derive(Debug)]
pub(crate) struct Terminal {
    verbosity: Verbosity,
    has_colour: bool,
    interrupt: Arc<AtomicBool>,
    bars: Mutex<Bars>,
}

/// The progress bars; hidden unless standard error is a terminal.
#[derive(Debug, Default)]
struct Bars {
    all: MultiProgress,
    trainings: BTreeMap<String, ProgressBar>,
    runs: Option<ProgressBar>,
    failed: usize,
}

impl Terminal {
    pub(crate) fn new(verbosity: Verbosity) -> Self {
        // https://no-color.org
        let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            verbosity,
            has_colour: io::stderr().is_terminal() && !is_refused,
            interrupt: Arc::default(),
            bars: Mutex::default(),
        }
    }

    /// Makes Ctrl-C interrupt the running command. A second Ctrl-C ends the program at once.
    ///
    /// # Errors
    /// The system refuses to install the handler.
    pub(crate) fn catch_interrupts(&self) -> anyhow::Result<()> {
        for signal in [SIGINT, SIGTERM] {
            let flag = Arc::clone(&self.interrupt);
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag))?;
            signal_hook::flag::register(signal, flag)?;
        }
        Ok(())
    }

    /// Writes a line to standard error. Unlike `eprintln`, it does not fail if nobody reads: a
    /// search must not end because the reader of its messages has ended.
    pub(crate) fn say(&self, text: &str) {
        self.bars().say(text);
    }

    /// Writes a line that begins with its kind, coloured on a terminal.
    fn say_kind(&self, kind: &str, colour: AnsiColor, text: &str) {
        let style = match self.has_colour {
            true => colour.on_default().bold(),
            false => Style::new(),
        };
        self.say(&format!("{style}{kind}:{style:#} {text}"));
    }

    fn bars(&self) -> std::sync::MutexGuard<'_, Bars> {
        self.bars.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Terminal {
    fn event(&self, event: Event) {
        match event {
            Event::Warning(text) => self.say_kind("warning", AnsiColor::Yellow, &text),
            Event::Fallback(text) => self.say_kind("dense-search", AnsiColor::Yellow, &text),
            _ if self.verbosity == Verbosity::Quiet => {}
            Event::Note(text) => self.say_kind("note", AnsiColor::Cyan, &text),
            Event::Status(text) => self.say(&text),
            Event::Detail(text) if self.verbosity == Verbosity::Verbose => self.say(&text),
            Event::Training { name, progress } => self.bars().training(name, progress),
            Event::Collection(progress) => self.bars().collection(progress),
            _ => {}
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed)
    }
}

impl Bars {
    fn say(&self, text: &str) {
        self.all.suspend(|| {
            let _ = writeln!(io::stderr(), "{text}");
        });
    }

    fn training(&mut self, name: String, progress: Training) {
        match progress {
            Training::Began => {
                let bar = self.all.add(ProgressBar::new(1000));
                if let Ok(style) = ProgressStyle::with_template("{prefix:12} {bar:30} {msg}") {
                    bar.set_style(style);
                }
                bar.set_prefix(name.clone());
                self.trainings.insert(name, bar);
            }
            Training::Step {
                phase,
                step,
                loss,
                elapsed,
                left,
            } => {
                let Some(bar) = self.trainings.get(&name) else {
                    return;
                };
                let (done, left_seconds) = (elapsed.as_secs_f64(), left.as_secs_f64());
                bar.set_position((1000.0 * done / (done + left_seconds).max(1e-9)) as u64);
                bar.set_message(format!(
                    "{phase}, step {step}, loss {loss:.1e}, {} left",
                    HumanDuration(left)
                ));
            }
            Training::Interrupted => {
                if let Some(bar) = self.trainings.get(&name) {
                    bar.set_message("interrupted: the steps fall to zero");
                }
            }
            Training::Ended => {
                if let Some(bar) = self.trainings.remove(&name) {
                    bar.finish_and_clear();
                }
            }
            _ => {}
        }
    }

    fn collection(&mut self, progress: Collection) {
        match progress {
            Collection::Began { rows, ended } => {
                let bar = ProgressBar::new(rows as u64).with_position(ended as u64);
                let bar = self.all.add(bar);
                let style = "{pos} of {len} runs, {msg} failed, {eta} left";
                if let Ok(style) = ProgressStyle::with_template(style) {
                    bar.set_style(style);
                }
                bar.set_message("0");
                (self.runs, self.failed) = (Some(bar), 0);
            }
            Collection::RunEnded { row, error } => {
                if let Some(error) = error {
                    if self.failed < FAILURES_SHOWN {
                        self.say(&format!("row {row} failed: {error}"));
                    }
                    self.failed += 1;
                }
                if let Some(bar) = &self.runs {
                    bar.set_message(self.failed.to_string());
                    bar.inc(1);
                }
            }
            Collection::Ended => {
                if let Some(bar) = self.runs.take() {
                    bar.finish_and_clear();
                }
            }
            _ => {}
        }
    }
}

/// Writes a result and a line end to standard output. If the reader has ended, the rest is dropped.
///
/// # Errors
/// Writing fails for another reason.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    let written = writeln!(output, "{}", text.trim_end()).and_then(|()| output.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("standard output cannot be written"),
    }
}
