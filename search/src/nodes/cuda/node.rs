//! A node: one kernel in the forward pass, up to five in the backward pass.

use super::arguments::{Inside, Parts, Product, Resized, Weights};
use super::gradients::handed_over;
use super::tables::Tables;
use crate::gpu::{Address, Gpu, Kernel, NULL, gpu_of, gpu_of_storage};
use crate::nodes::{Epilogue, Grid, Kind, Pass, Plan};
use crate::space::Function;
use candle_core::cuda::cudarc::driver::CudaSlice;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor,
};
use std::sync::{Arc, Mutex};

/// Number of rows from which blocks of 128 rows fill a device.
const LARGE_FROM: usize = 1 << 15;
/// Approximate number of blocks into which a kernel that sums in parts is split.
const BLOCKS: usize = 264;
/// Minimum number of rows of a part.
const PART_ROWS: usize = 64;

const ABSENT: i32 = 0;
const INSIDE: i32 = 1;
const OUTSIDE: i32 = 2;
const LISTED: i32 = 3;

/// A node. `pass` tells whether a backward pass may follow.
pub(super) struct Node {
    tables: Arc<Tables>,
    kind: Kind,
    input: usize,
    output: usize,
    resizes: bool,
    /// The layout of the node, which is also its input's.
    shape: NodeShape,
    epilogue: Epilogue,
    pass: Pass,
    slopes: Mutex<Option<CudaSlice<f32>>>,
}

/// The layout of a node's result. Batch size and channels are not part of it.
enum NodeShape {
    /// (batch, values)
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

/// The results of the backward pass.
type Gradients = (Option<Tensor>, Option<Tensor>, Option<Tensor>);

impl Node {
    pub(super) fn new(plan: &Plan, x: &Tensor, epilogue: Epilogue, pass: Pass) -> Result<Self> {
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

    /// Whether the identity is inside the activation: if the epilogue says so, or if the identity
    /// stands alone.
    fn identity_inside(&self) -> bool {
        self.epilogue.identity_inside()
            || self.kind == Kind::Resize && !self.epilogue.identity_outside()
    }

    fn activation(&self) -> i32 {
        match self.epilogue.activation {
            None => 0,
            Some(Function::Relu) => 1,
            Some(Function::Silu) => 2,
            Some(Function::Tanh) => 3,
            Some(Function::Sine) => 4,
        }
    }

    fn result_shape(&self, batch: usize, channels: usize) -> Shape {
        match self.shape {
            NodeShape::Flat => Shape::from((batch, self.output * channels)),
            NodeShape::Sequence => Shape::from((batch, self.output, channels)),
            NodeShape::Image(grid) => Shape::from((batch, grid.height, grid.width, channels)),
        }
    }

    /// Batch size and channels of an input of this shape.
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
        // Borrow, do not take: a graph may be differentiated again.
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

    /// Returns the gradient of the input: the operation's part, from `g`, and the identity's.
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

/// Launches the variant of the product kernel that suits its sizes.
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

/// Returns the error for a node that is evaluated on an unsupported device.
pub(super) fn not_on_the_cpu<T>() -> Result<T> {
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
