//! Index tables of a plan: which positions each operation reads, stored on the device.

use crate::gpu::{Address, Gpu};
use crate::nodes::{Grid, Kind, Plan};
use candle_core::Result;
use candle_core::cuda::DeviceId;
use candle_core::cuda::cudarc::driver::CudaSlice;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

/// The tables of each device's plans, from their first use on.
static KNOWN: LazyLock<Mutex<HashMap<(DeviceId, Key), Arc<Tables>>>> =
    LazyLock::new(Mutex::default);

/// The properties that determine a plan's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    kind: Kind,
    kernel: Grid,
    input: Grid,
    output: Grid,
    stride: Grid,
}

/// Phases of a product, in the kernels' format.
#[derive(Debug, Clone, Default)]
pub(super) struct Phases {
    /// Their start in the plan's table.
    pub(super) start: usize,
    /// Number of rows of each.
    pub(super) rows: Vec<usize>,
}

/// The index tables of a plan, on the device.
#[derive(Debug)]
pub(super) struct Tables {
    numbers: CudaSlice<i32>,
    pub(super) forward: Phases,
    /// Phases from the outputs' gradients to the gradients of the positions that the taps read.
    pub(super) backward: Phases,
    /// `[out]`: the input position that each identity reads.
    pub(super) identity: usize,
    /// `[in + 1]`: where the list of outputs that read a position starts.
    pub(super) starts: usize,
    pub(super) list: usize,
    /// `[out]`: whether the bias is added.
    pub(super) biased: usize,
    /// Rows and taps of the products for the gradients of the weights.
    pub(super) weight_rows: usize,
    pub(super) taps: usize,
    /// `[rows][taps]`: positions of the input and of the output, or -1.
    pub(super) weight_sources: usize,
    pub(super) weight_places: usize,
}

impl Tables {
    pub(super) fn address(&self, gpu: &Gpu, offset: usize) -> Address {
        gpu.address(&self.numbers) + (offset * size_of::<i32>()) as Address
    }

    pub(super) fn of(gpu: &Gpu, plan: &Plan) -> Result<Arc<Self>> {
        let key = Key {
            kind: plan.kind,
            kernel: plan.kernel,
            input: plan.input,
            output: plan.output,
            stride: plan.stride,
        };
        let mut all = KNOWN.lock().expect("no holder panics");
        if let Some(tables) = all.get(&(gpu.id(), key)) {
            return Ok(Arc::clone(tables));
        }
        let tables = Arc::new(Self::new(gpu, key)?);
        all.insert((gpu.id(), key), Arc::clone(&tables));
        Ok(tables)
    }

    fn new(gpu: &Gpu, key: Key) -> Result<Self> {
        let mut numbers = Vec::new();
        let (reads, outputs) = (key.reads(), key.output.positions());
        let taps = key.kernel.positions();
        let nearest = key.nearest();
        let mut put = |values: &[i32]| {
            let start = numbers.len();
            numbers.extend_from_slice(values);
            start
        };
        let biased: Vec<i32> = (0..outputs)
            .map(|place| i32::from(key.computed(place)))
            .collect();
        let identity = put(&nearest);
        let mut readers = vec![Vec::new(); key.input.positions()];
        for (place, &position) in nearest.iter().enumerate() {
            readers[position as usize].push(place as i32);
        }
        let mut starts = vec![0];
        for readers in &readers {
            starts.push(starts[starts.len() - 1] + readers.len() as i32);
        }
        let (starts, list) = (put(&starts), put(&readers.concat()));
        let biased_at = put(&biased);

        // Outputs that meet the same taps, and agree on the bias, form a phase.
        let mut forward: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
        for place in 0..outputs {
            let met = key.taps_of_phase(place);
            match forward
                .iter_mut()
                .find(|(taps, places)| *taps == met && biased[places[0]] == biased[place])
            {
                Some((_, places)) => places.push(place),
                None => forward.push((met, vec![place])),
            }
        }
        let sections: Vec<_> = forward
            .iter()
            .map(|(met, places)| Section {
                taps: met.clone(),
                biased: biased[places[0]] == 1,
                sources: places
                    .iter()
                    .flat_map(|&place| met.iter().map(move |&tap| (place, tap)))
                    .map(|(place, tap)| reads[place * taps + tap])
                    .collect(),
                places: places.clone(),
            })
            .collect();
        let (packed, rows) = pack(&sections);
        let forward = Phases {
            start: put(&packed),
            rows,
        };
        let (places, sources) = key.gradient_reads();
        let (packed, rows) = pack(&[Section {
            taps: (0..taps).collect(),
            biased: false,
            sources: sources.clone(),
            places: (0..places).collect(),
        }]);
        let backward = Phases {
            start: put(&packed),
            rows,
        };
        // Runs along the positions that meet the most taps: for a transposed convolution, its
        // inputs.
        let (weight_rows, weight_sources, weight_places) = match key.kind {
            Kind::Transposed => {
                let own = (0..places as i32).flat_map(|q| std::iter::repeat_n(q, taps));
                (places, own.collect::<Vec<_>>(), sources)
            }
            _ => {
                let own = (0..outputs as i32).flat_map(|p| std::iter::repeat_n(p, taps));
                (outputs, reads, own.collect())
            }
        };
        let (weight_sources, weight_places) = (put(&weight_sources), put(&weight_places));
        Ok(Self {
            numbers: gpu.upload(&numbers)?,
            forward,
            backward,
            identity,
            starts,
            list,
            biased: biased_at,
            weight_rows,
            taps,
            weight_sources,
            weight_places,
        })
    }
}

/// A phase on the host.
struct Section {
    taps: Vec<usize>,
    biased: bool,
    /// `[places][taps]`
    sources: Vec<i32>,
    places: Vec<usize>,
}

/// Returns phases in the kernels' format, and the number of rows of each.
fn pack(sections: &[Section]) -> (Vec<i32>, Vec<usize>) {
    const FIELDS: usize = 6;
    let mut heads = Vec::new();
    let mut rest = Vec::new();
    for section in sections {
        let at = |rest: &Vec<i32>| (FIELDS * sections.len() + rest.len()) as i32;
        let sources = at(&rest);
        rest.extend(&section.sources);
        let taps = at(&rest);
        rest.extend(section.taps.iter().map(|&tap| tap as i32));
        let places = at(&rest);
        rest.extend(section.places.iter().map(|&place| place as i32));
        heads.extend([
            section.places.len() as i32,
            section.taps.len() as i32,
            sources,
            taps,
            places,
            i32::from(section.biased),
        ]);
    }
    heads.extend(rest);
    let rows = sections.iter().map(|section| section.places.len());
    (heads, rows.collect())
}

impl Key {
    /// Returns the row and column of a position on a grid.
    fn at(grid: Grid, place: usize) -> (usize, usize) {
        (place / grid.width, place % grid.width)
    }

    /// Returns `[out]`: the input position that nearest-neighbour resizing takes.
    fn nearest(self) -> Vec<i32> {
        let (input, output) = (self.input, self.output);
        (0..output.positions())
            .map(|place| {
                let (y, x) = Self::at(output, place);
                let (y, x) = (
                    y * input.height / output.height,
                    x * input.width / output.width,
                );
                (y * input.width + x) as i32
            })
            .collect()
    }

    /// Whether an output is computed: outputs of a transposed convolution beyond its natural size
    /// are not.
    fn computed(self, place: usize) -> bool {
        let (y, x) = Self::at(self.output, place);
        match self.kind {
            Kind::Resize => false,
            Kind::Convolution => true,
            Kind::Transposed => {
                y <= (self.input.height - 1) * self.stride.height
                    && x <= (self.input.width - 1) * self.stride.width
            }
        }
    }

    /// Returns the taps that an output's phase meets. One of them may still fall outside the input.
    fn taps_of_phase(self, place: usize) -> Vec<usize> {
        if !self.computed(place) {
            return Vec::new();
        }
        let (y, x) = Self::at(self.output, place);
        let Self { kernel, stride, .. } = self;
        (0..kernel.positions())
            .filter(|&tap| {
                let (line, column) = Self::at(kernel, tap);
                (y + kernel.height / 2 + kernel.height * stride.height - line) % stride.height == 0
                    && (x + kernel.width / 2 + kernel.width * stride.width - column) % stride.width
                        == 0
            })
            .collect()
    }

    /// Returns `[out][taps]`: the input position that a tap reads, or -1.
    fn reads(self) -> Vec<i32> {
        let Self {
            kernel,
            stride,
            input,
            output,
            ..
        } = self;
        let nearest = self.nearest();
        let mut reads = vec![-1; output.positions() * kernel.positions()];
        for place in 0..output.positions() {
            let (y, x) = Self::at(output, place);
            for tap in self.taps_of_phase(place) {
                let (line, column) = Self::at(kernel, tap);
                reads[place * kernel.positions() + tap] = match self.kind {
                    Kind::Transposed => {
                        let y = y as isize + (kernel.height / 2) as isize - line as isize;
                        let x = x as isize + (kernel.width / 2) as isize - column as isize;
                        let (y, x) = (y / stride.height as isize, x / stride.width as isize);
                        within(input, y, x)
                    }
                    _ => {
                        let y = (y + line) as isize - (kernel.height / 2) as isize;
                        let x = (x + column) as isize - (kernel.width / 2) as isize;
                        match within(output, y, x) {
                            -1 => -1,
                            place => nearest[place as usize],
                        }
                    }
                };
            }
        }
        reads
    }

    /// Returns the number of positions that the taps read, and `[positions][taps]`: the output
    /// whose gradient flows back there, or -1.
    ///
    /// A transposed convolution reads its input; a convolution reads its input resized to the
    /// output.
    fn gradient_reads(self) -> (usize, Vec<i32>) {
        let Self {
            kernel,
            stride,
            output,
            ..
        } = self;
        let from = match self.kind {
            Kind::Transposed => self.input,
            _ => output,
        };
        let mut reads = Vec::new();
        for position in 0..from.positions() {
            let (y, x) = Self::at(from, position);
            for tap in 0..kernel.positions() {
                let (line, column) = Self::at(kernel, tap);
                let line = line as isize - (kernel.height / 2) as isize;
                let column = column as isize - (kernel.width / 2) as isize;
                let place = match self.kind {
                    Kind::Transposed => within(
                        output,
                        (y * stride.height) as isize + line,
                        (x * stride.width) as isize + column,
                    ),
                    _ => within(output, y as isize - line, x as isize - column),
                };
                reads.push(match place {
                    -1 => -1,
                    place if self.computed(place as usize) => place,
                    _ => -1,
                });
            }
        }
        (from.positions(), reads)
    }
}

/// Returns the position of a row and column on a grid, -1 outside.
fn within(grid: Grid, y: isize, x: isize) -> i32 {
    let inside = (0..grid.height as isize).contains(&y) && (0..grid.width as isize).contains(&x);
    match inside {
        true => (y * grid.width as isize + x) as i32,
        false => -1,
    }
}
