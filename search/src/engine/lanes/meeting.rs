//! Where two threads wait for each other: a barrier that spins for as long as a step has gaps.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// Looks at the other's count before the thread gives way: some tens of microseconds.
const SPINS: usize = 2000;
/// Times that it gives way before it sleeps.
const YIELDS: usize = 20;

/// A barrier of two threads, 0 and 1, that either of them may leave for good.
#[derive(Debug, Default)]
pub(super) struct Meeting {
    /// How often each has come.
    came: [AtomicUsize; 2],
    sleeps: [AtomicBool; 2],
    is_left: AtomicBool,
    lock: Mutex<()>,
    woken: Condvar,
}

impl Meeting {
    /// Waits for the other thread; `false` if it has left.
    ///
    /// What a thread did before it came is seen by the other afterwards.
    #[must_use]
    pub(super) fn meet(&self, me: usize) -> bool {
        let count = self.came[me].load(Ordering::Relaxed).wrapping_add(1);
        // The order of this write, and of the look at whether the other sleeps, is that of the
        // other's note that it sleeps, and of its last look at the count: one sees the other.
        self.came[me].store(count, Ordering::SeqCst);
        self.wake(1 - me);
        let is_here = || {
            let other = self.came[1 - me].load(Ordering::SeqCst);
            // The other is here, or one meeting ahead.
            other == count || other == count.wrapping_add(1)
        };
        let is_over = || is_here() || self.is_left.load(Ordering::SeqCst);
        for _ in 0..SPINS {
            if is_over() {
                return is_here();
            }
            spin_loop();
        }
        for _ in 0..YIELDS {
            if is_over() {
                return is_here();
            }
            std::thread::yield_now();
        }
        let mut held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.sleeps[me].store(true, Ordering::SeqCst);
        while !is_over() {
            held = self
                .woken
                .wait(held)
                .unwrap_or_else(PoisonError::into_inner);
        }
        self.sleeps[me].store(false, Ordering::SeqCst);
        is_here()
    }

    /// Leaves: the other, and whoever comes later, waits no more.
    pub(super) fn leave(&self) {
        self.is_left.store(true, Ordering::SeqCst);
        self.wake(0);
        self.wake(1);
    }

    fn wake(&self, other: usize) {
        if self.sleeps[other].load(Ordering::SeqCst) {
            // Who has noted that it sleeps holds the lock until it does.
            drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
            self.woken.notify_all();
        }
    }
}
