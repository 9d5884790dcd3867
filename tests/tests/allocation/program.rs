//! Prints for every emulator how often its calls went to the global allocator; then for one that is made to.

use dense_runtime::predict::{Predict, SelfTestFailure};
use dense_runtime::status::Status;
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

mod emulators;

/// The system's allocator, with a count of blocks that were asked for.
struct Counting;

static BLOCKS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator, untouched. What is not written here (`realloc`, `alloc_zeroed`) goes through `alloc`.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BLOCKS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

macro_rules! report {
    ($name:ident) => {
        report(stringify!($name), &emulators::$name::model::Emulator);
    };
}

fn main() {
    emulators::each!(report);
    report("planted", &Planted);
}

fn report<const IN: usize, const OUT: usize, P: Predict<IN, OUT>>(name: &str, emulator: &P) {
    let mut workspace = P::WORKSPACE;
    let mut batch_workspace = P::BATCH_WORKSPACE;
    let rows = [0.0, 1.0e-42, f32::MAX, f32::NAN, f32::INFINITY].map(|value| [value; IN]);
    let (mut mean, mut std) = ([[0.0; OUT]; 5], [[0.0; OUT]; 5]);
    let mut status = [Status::default(); 5];
    // The first call of all comes first, so that what is done once is counted too.
    let predict = blocks(|| {
        emulator.predict(
            &mut workspace,
            black_box(&rows[0]),
            &mut mean[0],
            &mut std[0],
        )
    });
    let batch = blocks(|| {
        emulator.predict_batch(
            &mut batch_workspace,
            black_box(&rows),
            &mut mean,
            &mut std,
            &mut status,
        )
    });
    let self_test = blocks(|| emulator.self_test(&mut workspace));
    println!("{name}: predict {predict}, predict_batch {batch}, self_test {self_test}");
}

/// Blocks that the work asked for.
fn blocks<R>(work: impl FnOnce() -> R) -> usize {
    let before = BLOCKS.load(Ordering::Relaxed);
    black_box(work());
    BLOCKS.load(Ordering::Relaxed) - before
}

/// Takes a block from the heap in every call.
struct Planted;

impl Predict<1, 1> for Planted {
    type Workspace = ();
    type BatchWorkspace = ();

    const WORKSPACE: () = ();
    const BATCH_WORKSPACE: () = ();

    fn predict(&self, (): &mut (), x: &[f32; 1], mean: &mut [f32; 1], _: &mut [f32; 1]) -> Status {
        *mean = *black_box(Box::new(*x));
        Status::default()
    }

    fn predict_batch(
        &self,
        (): &mut (),
        x: &[[f32; 1]],
        mean: &mut [[f32; 1]],
        std: &mut [[f32; 1]],
        status: &mut [Status],
    ) {
        for (((x, mean), std), status) in x.iter().zip(mean).zip(std).zip(status) {
            *status = self.predict(&mut (), x, mean, std);
        }
    }

    fn self_test(&self, (): &mut ()) -> Result<(), SelfTestFailure> {
        self.predict(&mut (), &[0.0], &mut [0.0], &mut [0.0]);
        Ok(())
    }
}
