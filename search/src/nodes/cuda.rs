//! The nodes as custom operations on a GPU, each with its gradient: the kernels are in `search/cuda/nodes.cu`.
//!
//! A node is one kernel forward. Backward it is up to five: the gradient inside the activation (with the bias's), that by
//! the input, that by the weights in parts, the sum of the parts, and the way back through a resize. What reads what is
//! in tables, made once for each plan and kept on the device.

use super::{Epilogue, Grid, Kind, Pass, Plan};
use crate::gpu::{Address, Argument, Gpu, Kernel, NULL, gpu_of, gpu_of_storage};
use crate::space::Activation;
use candle_core::backprop::GradStore;
use candle_core::cuda::cudarc::driver::{CudaSlice, DeviceRepr};
use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor,
    TensorId,
};
use std::cell::RefCell;
use std::sync::{Arc, Mutex};

/// Rows from which blocks of 128 of them fill a device.
const LARGE_FROM: usize = 1 << 15;
/// Blocks that a kernel which sums in parts is split into, about.
const BLOCKS: usize = 264;
/// Rows of a part, at least.
const PART_ROWS: usize = 64;

/// Returns the node of a dense layer, as [`Form::dense`](super::Form::dense).
///
/// # Errors
/// The shapes do not fit, or the numbers are not `F32`, contiguous and on one GPU.
pub fn dense(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    epilogue: Epilogue,
    pass: Pass,
) -> Result<Tensor> {
    let plan = Plan::convolution(Grid::POINT, Grid::POINT, Grid::POINT);
    let node = Node::new(&plan, x, epilogue, pass)?;
    match bias {
        Some(bias) => x.apply_op3(weight, bias, node),
        None => x.apply_op2(weight, node),
    }
}

/// Returns the node of a convolution or transposed convolution, as [`Form::correlate`](super::Form::correlate).
///
/// # Errors
/// As [`dense`].
pub fn correlate(
    plan: &Plan,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    epilogue: Epilogue,
    pass: Pass,
) -> Result<Tensor> {
    x.apply_op3(weight, bias, Node::new(plan, x, epilogue, pass)?)
}

/// Returns the node in which the resized identity stands alone, as [`Form::identity`](super::Form::identity).
///
/// # Errors
/// As [`dense`].
pub fn identity(plan: &Plan, x: &Tensor, epilogue: Epilogue, pass: Pass) -> Result<Tensor> {
    match plan.kind {
        Kind::Resize => x.apply_op1(Node::new(plan, x, epilogue, pass)?),
        _ => identity(&Plan::resize(plan.input, plan.output), x, epilogue, pass),
    }
}

thread_local! {
    /// Where gradients by weights go while [`backward`] runs.
    static FOUND: RefCell<Option<Vec<(TensorId, Tensor)>>> = const { RefCell::new(None) };
}

/// Returns the gradients of a loss, as [`Tensor::backward`].
///
/// Candle adds each gradient to zeros, two kernels and two allocations that take as long as the gradient itself. Those by
/// weights and biases therefore pass by it; a variable that two nodes share has their sum.
///
/// # Errors
/// The device fails.
pub fn backward(loss: &Tensor) -> Result<GradStore> {
    FOUND.replace(Some(Vec::new()));
    let gradients = loss.backward();
    let found = FOUND.take().unwrap_or_default();
    let mut gradients = gradients?;
    for (variable, gradient) in found {
        let sum = match gradients.get_id(variable) {
            Some(other) => (other + gradient)?,
            None => gradient,
        };
        gradients.insert_id(variable, sum);
    }
    Ok(gradients)
}

/// Hands a variable's gradient to [`backward`] where that runs; returns it to candle otherwise.
fn handed_over(variable: &Tensor, gradient: Tensor) -> Option<Tensor> {
    if !variable.is_variable() {
        return Some(gradient);
    }
    FOUND.with_borrow_mut(|found| match found {
        Some(found) => {
            found.push((variable.id(), gradient));
            None
        }
        None => Some(gradient),
    })
}

/// Returns the mean squared error, as [`Form::mean_squared_error`](super::Form::mean_squared_error).
///
/// # Errors
/// As [`dense`].
pub fn mean_squared_error(y: &Tensor, target: &Tensor) -> Result<Tensor> {
    y.apply_op2(target, MeanSquaredError)
}

/// What a plan's tables depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    kind: Kind,
    kernel: Grid,
    input: Grid,
    output: Grid,
    stride: Grid,
}

/// Phases of a product, as the kernels read them.
#[derive(Debug, Clone, Default)]
struct Phases {
    /// Where they start among a plan's numbers.
    start: usize,
    /// Rows of each.
    rows: Vec<usize>,
}

/// What reads what in a plan, on the device.
#[derive(Debug)]
pub(crate) struct Tables {
    numbers: CudaSlice<i32>,
    forward: Phases,
    /// From the outputs' gradients to those of the positions that the taps read.
    backward: Phases,
    /// `[out]`: the input's position of each identity.
    identity: usize,
    /// `[in + 1]`: where the outputs that read a position start in the list.
    starts: usize,
    list: usize,
    /// `[out]`: whether the bias is added.
    biased: usize,
    /// Rows and taps of the products that are gradients by the weights.
    weight_rows: usize,
    taps: usize,
    /// `[rows][taps]`: positions of the input and of the output, or -1.
    weight_sources: usize,
    weight_places: usize,
}

impl Tables {
    fn address(&self, gpu: &Gpu, offset: usize) -> Address {
        gpu.address(&self.numbers) + (offset * size_of::<i32>()) as Address
    }

    fn of(gpu: &Gpu, plan: &Plan) -> Result<Arc<Self>> {
        let key = Key {
            kind: plan.kind,
            kernel: plan.kernel,
            input: plan.input,
            output: plan.output,
            stride: plan.stride,
        };
        let mut all = gpu.tables.lock().expect("no holder panics");
        if let Some(tables) = all.get(&key) {
            return Ok(Arc::clone(tables));
        }
        let tables = Arc::new(Self::new(gpu, key)?);
        all.insert(key, Arc::clone(&tables));
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
        let readers: Vec<Vec<i32>> = (0..key.input.positions() as i32)
            .map(|q| {
                (0..outputs as i32)
                    .filter(|&p| nearest[p as usize] == q)
                    .collect()
            })
            .collect();
        let mut starts = vec![0];
        for readers in &readers {
            starts.push(starts[starts.len() - 1] + readers.len() as i32);
        }
        let (starts, list) = (put(&starts), put(&readers.concat()));
        let biased_at = put(&biased);

        // Outputs that the same taps meet, with or without the bias, are a phase.
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
        // Along the positions that have most taps: a transposed convolution's are its inputs.
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

/// Returns phases as the kernels read them, and the rows of each.
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
    /// Returns the positions of a grid as pairs of line and column.
    fn at(grid: Grid, place: usize) -> (usize, usize) {
        (place / grid.width, place % grid.width)
    }

    /// Returns `[out]`: the input's position that nearest neighbour takes.
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

    /// Whether an output is computed: one of a transposed convolution may lie beyond its natural size.
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

    /// Returns the taps that an output's phase meets, one of which may still fall outside the input.
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

    /// Returns `[out][taps]`: the input's position that a tap reads, or -1.
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

    /// Returns how many positions the taps read, and `[positions][taps]`: the output whose gradient returns there, or -1.
    ///
    /// A transposed convolution reads its input, a convolution its input resized to the output.
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

/// Returns the place of a line and column on a grid, -1 outside.
fn within(grid: Grid, y: isize, x: isize) -> i32 {
    let inside = (0..grid.height as isize).contains(&y) && (0..grid.width as isize).contains(&x);
    match inside {
        true => (y * grid.width as isize + x) as i32,
        false => -1,
    }
}

/// `struct Product` of the kernels.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Product {
    x: Address,
    weight: Address,
    bias: Address,
    identity: Address,
    y: Address,
    slope: Address,
    table: Address,
    sources: Address,
    list: Address,
    phases: i32,
    batch: i32,
    input: i32,
    output: i32,
    inputs: i32,
    outputs: i32,
    identity_positions: i32,
    reversed: i32,
    identity_mode: i32,
    activation: i32,
}

/// `struct Weights` of the kernels.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Weights {
    x: Address,
    g: Address,
    parts: Address,
    sources: Address,
    places: Address,
    batch: i32,
    rows: i32,
    taps: i32,
    input: i32,
    output: i32,
    inputs: i32,
    outputs: i32,
    splits: i32,
}

/// `struct Inside` of the kernels.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Inside {
    dy: Address,
    slope: Address,
    g: Address,
    parts: Address,
    biased: Address,
    rows: i32,
    positions: i32,
    outputs: i32,
}

/// `struct Parts` of the kernels.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Parts {
    weight_parts: Address,
    weight: Address,
    bias_parts: Address,
    bias: Address,
    weights: i32,
    weight_splits: i32,
    biases: i32,
    bias_splits: i32,
}

/// `struct Resized` of the kernels.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Resized {
    dr: Address,
    g: Address,
    dx: Address,
    starts: Address,
    list: Address,
    batch: i32,
    input: i32,
    output: i32,
    channels: i32,
}

/// `struct Error` of the kernels.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct ErrorOf {
    y: Address,
    target: Address,
    gradient: Address,
    result: Address,
    count: i32,
}

/// Declares structures that are kernels' arguments.
macro_rules! arguments {
    ($($name:ty),*) => {$(
        #[expect(unsafe_code, reason = "the layout is a promise to the kernels")]
        // SAFETY: plain numbers in C's layout.
        unsafe impl DeviceRepr for $name {}
        #[expect(unsafe_code, reason = "the layout is a promise to the kernels")]
        // SAFETY: field by field as in nodes.cu.
        unsafe impl Argument for $name {}
    )*};
}
arguments!(Product, Weights, Inside, Parts, Resized, ErrorOf);

const ABSENT: i32 = 0;
const INSIDE: i32 = 1;
const OUTSIDE: i32 = 2;
const LISTED: i32 = 3;

/// A node; `pass` says whether a backward pass may follow.
struct Node {
    tables: Arc<Tables>,
    kind: Kind,
    input: usize,
    output: usize,
    resizes: bool,
    /// Dimensions of the node: those of its input.
    shape: NodeShape,
    epilogue: Epilogue,
    pass: Pass,
    slopes: Mutex<Option<CudaSlice<f32>>>,
}

/// How a node's result is arranged, but for the batch and the channels.
enum NodeShape {
    /// (batch, numbers)
    Flat,
    /// (batch, positions, channels)
    Sequence,
    /// (batch, height, width, channels)
    Image(Grid),
}

/// The tensors of an evaluation.
#[derive(Clone, Copy)]
struct Operands {
    x: Address,
    weight: Address,
    bias: Address,
}

/// What the backward pass finds.
type Gradients = (Option<Tensor>, Option<Tensor>, Option<Tensor>);

impl Node {
    fn new(plan: &Plan, x: &Tensor, epilogue: Epilogue, pass: Pass) -> Result<Self> {
        let gpu = gpu_of(x)?;
        Ok(Self {
            tables: Tables::of(&gpu, plan)?,
            kind: plan.kind,
            input: plan.input.positions(),
            output: plan.output.positions(),
            resizes: plan.input != plan.output,
            shape: match x.rank() {
                2 => NodeShape::Flat,
                3 => NodeShape::Sequence,
                _ => NodeShape::Image(plan.output),
            },
            epilogue,
            pass,
            slopes: Mutex::default(),
        })
    }

    /// Whether the identity enters the activation: as the epilogue says, and where it stands alone.
    fn identity_inside(&self) -> bool {
        self.epilogue.identity_inside()
            || self.kind == Kind::Resize && !self.epilogue.identity_outside()
    }

    fn activation(&self) -> i32 {
        match self.epilogue.activation {
            None => 0,
            Some(Activation::Relu) => 1,
            Some(Activation::Silu) => 2,
            Some(Activation::Tanh) => 3,
        }
    }

    fn result_shape(&self, batch: usize, channels: usize) -> Shape {
        match self.shape {
            NodeShape::Flat => Shape::from((batch, self.output * channels)),
            NodeShape::Sequence => Shape::from((batch, self.output, channels)),
            NodeShape::Image(grid) => Shape::from((batch, grid.height, grid.width, channels)),
        }
    }

    /// Batch and channels of an input of this shape.
    fn sizes(&self, x: &Shape) -> Result<(usize, usize)> {
        let batch = x.dims().first().copied().unwrap_or(0);
        let each = x.elem_count() / batch.max(1);
        if batch == 0 || !each.is_multiple_of(self.input) {
            candle_core::bail!("a node of {} positions cannot read {x:?}", self.input);
        }
        Ok((batch, each / self.input))
    }

    fn forward(
        &self,
        gpu: &Gpu,
        operands: Operands,
        x: &Shape,
        weight: Option<&Shape>,
        bias: Option<&Shape>,
    ) -> Result<(CudaStorage, Shape)> {
        let (batch, inputs) = self.sizes(x)?;
        let outputs = match weight {
            None => inputs,
            Some(weight) => {
                let dims = weight.dims();
                let outputs = dims.last().copied().unwrap_or(0);
                if weight.elem_count() != self.tables.taps * inputs * outputs {
                    candle_core::bail!("weights of {weight:?} do not fit an input of {x:?}");
                }
                outputs
            }
        };
        if bias.is_some_and(|bias| bias.elem_count() != outputs) {
            candle_core::bail!("a bias of {bias:?} does not fit {outputs} channels");
        }
        let mode = match (self.identity_inside(), self.epilogue.identity_outside()) {
            (true, _) => INSIDE,
            (_, true) => OUTSIDE,
            _ => ABSENT,
        };
        if mode != ABSENT && inputs != outputs {
            candle_core::bail!("the identity has {inputs} channels, the operation {outputs}");
        }
        let count = batch * self.output * outputs;
        let y = gpu.stale(count)?;
        let keep = self.pass == Pass::ForwardAndBackward && self.epilogue.activation.is_some();
        let slopes = match keep {
            true => Some(gpu.stale(count)?),
            false => None,
        };
        let argument = Product {
            x: operands.x,
            weight: operands.weight,
            bias: operands.bias,
            identity: operands.x,
            y: gpu.address(&y),
            slope: slopes.as_ref().map_or(NULL, |slopes| gpu.address(slopes)),
            table: self.tables.address(gpu, self.tables.forward.start),
            sources: self.tables.address(gpu, self.tables.identity),
            list: NULL,
            phases: self.tables.forward.rows.len() as i32,
            batch: batch as i32,
            input: self.input as i32,
            output: self.output as i32,
            inputs: inputs as i32,
            outputs: outputs as i32,
            identity_positions: self.input as i32,
            reversed: 0,
            identity_mode: mode,
            activation: self.activation(),
        };
        launch_product(gpu, &argument, &self.tables.forward.rows)?;
        *self.slopes.lock().expect("no holder panics") = slopes;
        Ok((gpu.storage(y), self.result_shape(batch, outputs)))
    }

    fn backward(
        &self,
        x: &Tensor,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        dy: &Tensor,
    ) -> Result<Gradients> {
        let gpu = &*gpu_of(x)?;
        let tables = &*self.tables;
        let (batch, inputs) = self.sizes(x.shape())?;
        let outputs = weight.map_or(Ok(inputs), |weight| weight.dim(weight.rank() - 1))?;
        let rows = batch * self.output;
        let dy = dy.contiguous()?;
        let outside = gpu.address_in(&dy)?;
        // Read, not taken: a graph may be differentiated again.
        let slopes = self.slopes.lock().expect("no holder panics");
        let slope = slopes.as_ref().map_or(NULL, |slopes| gpu.address(slopes));
        let inside = match &*slopes {
            Some(_) => Some(gpu.stale(rows * outputs)?),
            None => None,
        };
        let g = inside
            .as_ref()
            .map_or(outside, |inside| gpu.address(inside));
        let bias_splits = rows.div_ceil(PART_ROWS).clamp(1, BLOCKS / 2);
        let bias_parts = gpu.stale(bias_splits * outputs)?;
        if bias.is_some() || inside.is_some() {
            let argument = Inside {
                dy: outside,
                slope,
                g: inside.as_ref().map_or(NULL, |inside| gpu.address(inside)),
                parts: gpu.address(&bias_parts),
                biased: tables.address(gpu, tables.biased),
                rows: rows as i32,
                positions: self.output as i32,
                outputs: outputs as i32,
            };
            gpu.launch(
                Kernel::Inside,
                [bias_splits, outputs.div_ceil(64), 1],
                &argument,
            )?;
        }
        let identity = match (self.identity_inside(), self.epilogue.identity_outside()) {
            (true, _) => g,
            (_, true) => outside,
            _ => NULL,
        };
        let wanted = x.is_variable() || x.track_op();
        let dx = match (wanted, weight) {
            (false, _) => None,
            (true, None) => {
                let dx = gpu.stale(x.elem_count())?;
                self.return_resized(gpu, NULL, identity, &dx, batch, inputs)?;
                Some(gpu.tensor(dx, x.shape()))
            }
            (true, Some(weight)) => {
                let dx = self.input_gradient(gpu, weight, g, identity, batch, inputs, outputs)?;
                Some(gpu.tensor(dx, x.shape()))
            }
        };
        let Some(weight) = weight else {
            return Ok((dx, None, None));
        };
        let tiles = [inputs.div_ceil(64), outputs.div_ceil(64)];
        let splits = (BLOCKS / (tables.taps * tiles[0] * tiles[1]))
            .clamp(1, (batch * tables.weight_rows).div_ceil(PART_ROWS));
        let dw = gpu.stale(weight.elem_count())?;
        let parts = match splits {
            1 => None,
            _ => Some(gpu.stale(splits * weight.elem_count())?),
        };
        let argument = Weights {
            x: gpu.address_in(x)?,
            g,
            parts: gpu.address(parts.as_ref().unwrap_or(&dw)),
            sources: tables.address(gpu, tables.weight_sources),
            places: tables.address(gpu, tables.weight_places),
            batch: batch as i32,
            rows: tables.weight_rows as i32,
            taps: tables.taps as i32,
            input: self.input as i32,
            output: self.output as i32,
            inputs: inputs as i32,
            outputs: outputs as i32,
            splits: splits as i32,
        };
        let blocks = [tables.taps * splits, tiles[0], tiles[1]];
        gpu.launch(Kernel::WeightGradients, blocks, &argument)?;
        let db = match bias {
            Some(_) => Some(gpu.stale(outputs)?),
            None => None,
        };
        let argument = Parts {
            weight_parts: parts.as_ref().map_or(NULL, |parts| gpu.address(parts)),
            weight: gpu.address(&dw),
            bias_parts: gpu.address(&bias_parts),
            bias: db.as_ref().map_or(NULL, |db| gpu.address(db)),
            weights: parts.as_ref().map_or(0, |_| weight.elem_count() as i32),
            weight_splits: splits as i32,
            biases: db.as_ref().map_or(0, |_| outputs as i32),
            bias_splits: bias_splits as i32,
        };
        let sums = (argument.weights + argument.biases) as usize;
        gpu.launch(Kernel::SumParts, [sums.div_ceil(256), 1, 1], &argument)?;
        let db = match (db, bias) {
            (Some(db), Some(bias)) => handed_over(bias, gpu.tensor(db, bias.shape())),
            _ => None,
        };
        Ok((dx, handed_over(weight, gpu.tensor(dw, weight.shape())), db))
    }

    /// Returns the gradient by the input: of the operation from `g`, and of the identity.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a backward pass knows of a node"
    )]
    fn input_gradient(
        &self,
        gpu: &Gpu,
        weight: &Tensor,
        g: Address,
        identity: Address,
        batch: usize,
        inputs: usize,
        outputs: usize,
    ) -> Result<CudaSlice<f32>> {
        let tables = &*self.tables;
        let positions = tables.backward.rows[0];
        let resized = self.resizes && self.kind == Kind::Convolution;
        let dr = gpu.stale(batch * positions * inputs)?;
        let (mode, sources) = match (identity, resized, self.resizes) {
            (NULL, ..) | (_, true, _) => (ABSENT, tables.identity),
            (_, _, false) => (OUTSIDE, tables.identity),
            (_, _, true) => (LISTED, tables.starts),
        };
        let argument = Product {
            x: g,
            weight: gpu.address_in(weight)?,
            bias: NULL,
            identity,
            y: gpu.address(&dr),
            slope: NULL,
            table: tables.address(gpu, tables.backward.start),
            sources: tables.address(gpu, sources),
            list: tables.address(gpu, tables.list),
            phases: 1,
            batch: batch as i32,
            input: self.output as i32,
            output: positions as i32,
            inputs: outputs as i32,
            outputs: inputs as i32,
            identity_positions: self.output as i32,
            reversed: 1,
            identity_mode: mode,
            activation: 0,
        };
        launch_product(gpu, &argument, &tables.backward.rows)?;
        if !resized {
            return Ok(dr);
        }
        let dx = gpu.stale(batch * self.input * inputs)?;
        self.return_resized(gpu, gpu.address(&dr), identity, &dx, batch, inputs)?;
        Ok(dx)
    }

    fn return_resized(
        &self,
        gpu: &Gpu,
        dr: Address,
        g: Address,
        dx: &CudaSlice<f32>,
        batch: usize,
        channels: usize,
    ) -> Result<()> {
        let tables = &*self.tables;
        let argument = Resized {
            dr,
            g,
            dx: gpu.address(dx),
            starts: tables.address(gpu, tables.starts),
            list: tables.address(gpu, tables.list),
            batch: batch as i32,
            input: self.input as i32,
            output: self.output as i32,
            channels: channels as i32,
        };
        let numbers = batch * self.input * channels;
        gpu.launch(
            Kernel::ReturnResized,
            [numbers.div_ceil(256), 1, 1],
            &argument,
        )
    }
}

/// Launches the form of the product that fits its sizes.
fn launch_product(gpu: &Gpu, product: &Product, rows: &[usize]) -> Result<()> {
    let (inputs, outputs) = (product.inputs as usize, product.outputs as usize);
    let all: usize = rows.iter().map(|rows| rows * product.batch as usize).sum();
    let read = product.x | product.weight | product.bias | product.identity;
    let aligned = read.is_multiple_of(16);
    let quads = inputs.is_multiple_of(16) && outputs.is_multiple_of(4) && aligned;
    let (kernel, tile, columns) = match (all >= LARGE_FROM, quads) {
        _ if outputs == 1 && product.reversed == 0 => (Kernel::ProductOne, 32, 1),
        (false, true) => (Kernel::ProductSmall, 32, 64),
        (false, false) => (Kernel::ProductSmallAny, 32, 64),
        (true, true) => (Kernel::ProductLarge, 128, 64),
        (true, false) => (Kernel::ProductLargeAny, 128, 64),
    };
    let batch = product.batch as usize;
    let blocks = rows.iter().map(|rows| (rows * batch).div_ceil(tile)).sum();
    gpu.launch(kernel, [blocks, outputs.div_ceil(columns), 1], product)
}

/// Returns an error where a node is evaluated on a device that it is not for.
fn not_on_the_cpu<T>() -> Result<T> {
    candle_core::bail!("a node of kernels runs on a GPU alone")
}

impl CustomOp1 for Node {
    fn name(&self) -> &'static str {
        "resized identity on a GPU"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        not_on_the_cpu()
    }

    fn cuda_fwd(&self, x: &CudaStorage, x_layout: &Layout) -> Result<(CudaStorage, Shape)> {
        let gpu = gpu_of_storage(x)?;
        let operands = Operands {
            x: gpu.address_of(x, x_layout)?,
            weight: NULL,
            bias: NULL,
        };
        self.forward(&gpu, operands, x_layout.shape(), None, None)
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(self.backward(x, None, None, gradient)?.0)
    }
}

impl CustomOp2 for Node {
    fn name(&self) -> &'static str {
        "node without bias on a GPU"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        not_on_the_cpu()
    }

    fn cuda_fwd(
        &self,
        x: &CudaStorage,
        x_layout: &Layout,
        weight: &CudaStorage,
        weight_layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let gpu = gpu_of_storage(x)?;
        let operands = Operands {
            x: gpu.address_of(x, x_layout)?,
            weight: gpu.address_of(weight, weight_layout)?,
            bias: NULL,
        };
        let weight = Some(weight_layout.shape());
        self.forward(&gpu, operands, x_layout.shape(), weight, None)
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (dx, dw, _) = self.backward(x, Some(weight), None, gradient)?;
        Ok((dx, dw))
    }
}

impl CustomOp3 for Node {
    fn name(&self) -> &'static str {
        "node on a GPU"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        not_on_the_cpu()
    }

    fn cuda_fwd(
        &self,
        x: &CudaStorage,
        x_layout: &Layout,
        weight: &CudaStorage,
        weight_layout: &Layout,
        bias: &CudaStorage,
        bias_layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let gpu = gpu_of_storage(x)?;
        let operands = Operands {
            x: gpu.address_of(x, x_layout)?,
            weight: gpu.address_of(weight, weight_layout)?,
            bias: gpu.address_of(bias, bias_layout)?,
        };
        let (weight, bias) = (weight_layout.shape(), bias_layout.shape());
        self.forward(&gpu, operands, x_layout.shape(), Some(weight), Some(bias))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<Gradients> {
        self.backward(x, Some(weight), Some(bias), gradient)
    }
}

/// The mean squared error between outputs and constant targets.
struct MeanSquaredError;

impl CustomOp2 for MeanSquaredError {
    fn name(&self) -> &'static str {
        "mean squared error on a GPU"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        not_on_the_cpu()
    }

    fn cuda_fwd(
        &self,
        y: &CudaStorage,
        y_layout: &Layout,
        target: &CudaStorage,
        target_layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        if y_layout.shape() != target_layout.shape() {
            candle_core::bail!(
                "outputs of {:?}, targets of {:?}",
                y_layout.dims(),
                target_layout.dims()
            );
        }
        let gpu = gpu_of_storage(y)?;
        let loss = gpu.stale(1)?;
        let argument = ErrorOf {
            y: gpu.address_of(y, y_layout)?,
            target: gpu.address_of(target, target_layout)?,
            gradient: NULL,
            result: gpu.address(&loss),
            count: y_layout.shape().elem_count() as i32,
        };
        gpu.launch(Kernel::MeanSquaredError, [1, 1, 1], &argument)?;
        Ok((gpu.storage(loss), Shape::from(())))
    }

    fn bwd(
        &self,
        y: &Tensor,
        target: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gpu = gpu_of(y)?;
        let dy = gpu.stale(y.elem_count())?;
        let argument = ErrorOf {
            y: gpu.address_in(y)?,
            target: gpu.address_in(target)?,
            gradient: gpu.address_in(gradient)?,
            result: gpu.address(&dy),
            count: y.elem_count() as i32,
        };
        let blocks = [y.elem_count().div_ceil(256), 1, 1];
        gpu.launch(Kernel::ErrorGradient, blocks, &argument)?;
        Ok((Some(gpu.tensor(dy, y.shape())), None))
    }
}
