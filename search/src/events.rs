//! Progress reports of a long call to its caller, and the way to interrupt the call.
//!
//! The library prints nothing: a search, a collection or a prediction passes each [`Event`] to an
//! [`Observer`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// An event during a call.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A choice made for the user, or a fact about the data.
    Note(String),
    /// A problem that degrades the result or may make it wrong, and what to do about it.
    Warning(String),
    /// A substitute for the requested action, and the missing tool that made it necessary.
    Fallback(String),
    /// The current action of the call, or an intermediate finding.
    Status(String),
    /// Details on a status, for users who ask for them.
    Detail(String),
    /// Progress in the training of one contender.
    Training {
        /// The contender.
        name: String,
        /// Progress of its training.
        progress: Training,
    },
    /// Progress in a collection of simulator runs.
    Collection(Collection),
}

/// Progress in the training of a contender.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Training {
    /// The training begins.
    Began,
    /// The training has taken more steps.
    Step {
        /// The phase of training that the steps belong to.
        phase: &'static str,
        /// Steps taken.
        step: usize,
        /// The loss on the last batch.
        loss: f32,
        /// Wall time since the training began, including the time before a resumption.
        elapsed: Duration,
        /// Estimate of the remaining wall time.
        left: Duration,
    },
    /// The training was interrupted: its step sizes fall to zero, which takes up to two seconds.
    Interrupted,
    /// The training has ended.
    Ended,
}

/// Progress in a collection of simulator runs.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Collection {
    /// The collection begins.
    Began {
        /// Rows of the design.
        rows: usize,
        /// Rows whose runs had already ended.
        ended: usize,
    },
    /// A run has ended.
    RunEnded {
        /// Row of the run in the design, from 0.
        row: usize,
        /// The reason for a failure; `None` if the run succeeded.
        error: Option<String>,
    },
    /// No run is active any more.
    Ended,
}

/// The caller of a long call: it receives events, from any thread, and may interrupt the call.
///
/// A closure that takes an [`Event`] is an observer that never interrupts. An [`AtomicBool`] is an
/// observer that drops all events and interrupts once it is true.
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
    /// Receives an event.
    fn event(&self, event: Event);

    /// Returns whether the call should end as soon as its results so far are safe.
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
