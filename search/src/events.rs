//! What a long call tells its caller while it runs, and how the caller stops it.
//!
//! The library prints nothing: a search, a collection or a prediction gives each [`Event`] to an [`Observer`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What happens while a call runs.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A choice that was made, or a fact about the data, that the user did not ask for.
    Note(String),
    /// Something that makes the result worse, or may make it wrong, and what to do about it.
    Warning(String),
    /// What is done instead of what was asked for, and which tool is missing for that.
    Fallback(String),
    /// What the call does now, or what it has found on the way.
    Status(String),
    /// The same at length, for those who ask for it.
    Detail(String),
    /// The training of a contender of a search.
    Training {
        /// The contender.
        name: String,
        /// Where its training stands.
        progress: Training,
    },
    /// A collection of simulator runs.
    Collection(Collection),
}

/// Where the training of a contender stands.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Training {
    /// It begins.
    Began,
    /// It has taken some more steps.
    Step {
        /// What the steps belong to.
        phase: &'static str,
        /// Steps taken.
        step: usize,
        /// The loss on the last batch.
        loss: f32,
        /// Wall time since it began, that before a resumption included.
        elapsed: Duration,
        /// Wall time that it will still take, about.
        left: Duration,
    },
    /// It was interrupted: its steps fall to zero, which takes up to two seconds.
    Interrupted,
    /// It has ended.
    Ended,
}

/// Where a collection of simulator runs stands.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Collection {
    /// It begins.
    Began {
        /// Rows of the design.
        rows: usize,
        /// Rows whose runs have ended before.
        ended: usize,
    },
    /// A run has ended.
    RunEnded {
        /// Its row of the design, from 0.
        row: usize,
        /// Why it failed; `None` where it succeeded.
        error: Option<String>,
    },
    /// No run goes on any more.
    Ended,
}

/// The caller of a long call: takes its events, from any thread, and may interrupt it.
///
/// A closure of an [`Event`] is an observer that never interrupts. An [`AtomicBool`] is one that drops all events and
/// interrupts once it is true.
///
/// # Example
/// ```
/// use dense_search::events::{Event, Observer};
///
/// let observer: &dyn Observer = &|event: Event| {
///     if let Event::Warning(text) = event {
///         eprintln!("{text}");
///     }
/// };
/// assert!(!observer.is_interrupted());
/// ```
pub trait Observer: Sync {
    /// Takes an event.
    fn event(&self, event: Event);

    /// Returns whether the call is to end as soon as its results so far are safe.
    fn is_interrupted(&self) -> bool {
        false
    }
}

impl<F: Fn(Event) + Sync> Observer for F {
    fn event(&self, event: Event) {
        self(event);
    }
}

impl Observer for AtomicBool {
    fn event(&self, _: Event) {}

    fn is_interrupted(&self) -> bool {
        self.load(Ordering::Relaxed)
    }
}

impl dyn Observer + '_ {
    pub(crate) fn note(&self, text: impl ToString) {
        self.event(Event::Note(text.to_string()));
    }

    pub(crate) fn warn(&self, text: impl ToString) {
        self.event(Event::Warning(text.to_string()));
    }

    pub(crate) fn status(&self, text: impl ToString) {
        self.event(Event::Status(text.to_string()));
    }

    pub(crate) fn detail(&self, text: impl ToString) {
        self.event(Event::Detail(text.to_string()));
    }

    pub(crate) fn training(&self, name: &str, progress: Training) {
        let name = name.to_owned();
        self.event(Event::Training { name, progress });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn closures_take_events_and_flags_interrupt() {
        let taken = Mutex::new(Vec::new());
        let closure = |event| taken.lock().unwrap().push(event);
        let observer: &dyn Observer = &closure;
        observer.note("one");
        observer.warn("two");
        assert!(!observer.is_interrupted());
        let expected = [Event::Note("one".into()), Event::Warning("two".into())];
        assert_eq!(*taken.lock().unwrap(), expected);

        let flag = AtomicBool::new(false);
        let observer: &dyn Observer = &flag;
        observer.note("dropped");
        assert!(!observer.is_interrupted());
        flag.store(true, Ordering::Relaxed);
        assert!(observer.is_interrupted());
    }
}
