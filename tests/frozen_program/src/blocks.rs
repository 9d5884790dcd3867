//! Prints for every emulator how often its calls used the global allocator; then for one that
//! allocates on purpose.

use crate::calls::{Calls, Frozen};
use dense_runtime::predict::SelfTestFailure;
use dense_runtime::status::Status;
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, with a count of allocated blocks.
struct Counting;

static BLOCKS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: forwards to the system's allocator. The other methods (`realloc`, `alloc_zeroed`) go
// through `alloc`.
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

/// One value for all inputs of a row.
const ROWS: [f32; 5] = [0.0, 1.0e-42, f32::MAX, f32::NAN, f32::INFINITY];

pub fn run(emulators: &mut [Box<dyn Frozen>]) {
    for emulator in emulators {
        report(&mut **emulator);
    }
    report(&mut Planted);
}

fn report(emulator: &mut dyn Calls) {
    let (inputs, outputs) = (emulator.limits().0.len(), emulator.outputs());
    let rows: Vec<f32> = ROWS.iter().flat_map(|&value| vec![value; inputs]).collect();
    let (mut mean, mut std) = (
        vec![0.0; ROWS.len() * outputs],
        vec![0.0; ROWS.len() * outputs],
    );
    let mut status = [Status::default(); ROWS.len()];
    // The very first call is measured too, so that one-time work is counted.
    let predict = blocks(|| {
        emulator.predict(
            black_box(&rows[..inputs]),
            &mut mean[..outputs],
            &mut std[..outputs],
        );
    });
    let batch =
        blocks(|| emulator.predict_batch(black_box(&rows), &mut mean, &mut std, &mut status));
    let self_test = blocks(|| {
        let _ = black_box(emulator.self_test());
    });
    println!(
        "{}: predict {predict}, predict_batch {batch}, self_test {self_test}",
        emulator.name()
    );
}

/// Blocks that the work allocated.
fn blocks(work: impl FnOnce()) -> usize {
    let before = BLOCKS.load(Ordering::Relaxed);
    work();
    BLOCKS.load(Ordering::Relaxed) - before
}

/// Allocates a block in every call.
struct Planted;

impl Calls for Planted {
    fn name(&self) -> &'static str {
        "planted"
    }

    fn limits(&self) -> (&'static [f32], &'static [f32]) {
        (&[0.0], &[1.0])
    }

    fn outputs(&self) -> usize {
        1
    }

    fn predict(&mut self, x: &[f32], mean: &mut [f32], _: &mut [f32]) -> Status {
        mean[0] = *black_box(Box::new(x[0]));
        Status::default()
    }

    fn predict_batch(
        &mut self,
        x: &[f32],
        mean: &mut [f32],
        std: &mut [f32],
        status: &mut [Status],
    ) {
        for (row, status) in status.iter_mut().enumerate() {
            *status = self.predict(&x[row..], &mut mean[row..], &mut std[row..]);
        }
    }

    fn self_test(&mut self) -> Result<(), SelfTestFailure> {
        self.predict(&[0.0], &mut [0.0], &mut [0.0]);
        Ok(())
    }
}
