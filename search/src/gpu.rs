//! Compiles the kernels of `search/cuda/nodes.cu` for a GPU on its first use, and launches them.
//!
//! A kernel takes one argument: a structure of pointers and sizes with the same layout in both
//! languages. All work of a device goes into one stream, so later launches see the results of
//! earlier ones, and nothing waits for the host.

use candle_core::backend::BackendStorage;
use candle_core::cuda::cudarc::driver::sys::{self, CUdevice_attribute};
use candle_core::cuda::cudarc::driver::{
    CudaFunction, CudaSlice, CudaStream, DevicePtr, DeviceRepr, LaunchConfig, PushKernelArg,
};
use candle_core::cuda::cudarc::nvrtc::{CompileOptions, compile_ptx_with_opts};
use candle_core::cuda::{CudaDevice, DeviceId, WrapErr};
use candle_core::op::BackpropOp;
use candle_core::{CudaStorage, DType, Layout, Result, Shape, Storage, Tensor};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex};

const SOURCE: &str = include_str!("../cuda/nodes.cu");

/// The kernels of each device, from its first use on.
static GPUS: LazyLock<Mutex<HashMap<DeviceId, Arc<Gpu>>>> = LazyLock::new(Mutex::default);

/// An address in a device's memory.
pub(crate) type Address = sys::CUdeviceptr;

/// The null address.
pub(crate) const NULL: Address = 0;

/// A kernel, by its index in [`Kernel::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kernel {
    ProductSmall,
    ProductSmallAny,
    ProductLarge,
    ProductLargeAny,
    ProductOne,
    WeightGradients,
    Inside,
    SumParts,
    ReturnResized,
    MeanSquaredError,
    ErrorGradient,
    AdamW,
}

impl Kernel {
    /// The kernels' names, in the order of their indices.
    const ALL: [&str; 12] = [
        "product_small",
        "product_small_any",
        "product_large",
        "product_large_any",
        "product_one",
        "weight_gradients",
        "inside",
        "sum_parts",
        "return_resized",
        "mean_squared_error",
        "error_gradient",
        "adamw",
    ];

    fn threads(self) -> u32 {
        match self {
            Self::ProductSmall
            | Self::ProductSmallAny
            | Self::ProductLarge
            | Self::ProductLargeAny
            | Self::ProductOne => 128,
            Self::MeanSquaredError => 1024,
            _ => 256,
        }
    }
}

/// The argument of a kernel.
///
/// # Safety
/// The structure matches the one in `search/cuda/nodes.cu` field by field.
#[expect(unsafe_code, reason = "the layout is a promise to the kernels")]
pub(crate) unsafe trait Argument: DeviceRepr {}

/// A device with its kernels.
pub(crate) struct Gpu {
    device: CudaDevice,
    stream: Arc<CudaStream>,
    functions: Vec<CudaFunction>,
}

impl fmt::Debug for Gpu {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Gpu").field(&self.device).finish()
    }
}

impl Gpu {
    /// Returns the device's kernels, compiled on their first use.
    ///
    /// # Errors
    /// The kernels cannot be compiled for the device.
    pub(crate) fn of(device: &CudaDevice) -> Result<Arc<Self>> {
        let mut gpus = GPUS.lock().expect("no holder panics");
        if let Some(gpu) = gpus.get(&device.id()) {
            return Ok(Arc::clone(gpu));
        }
        let gpu = Arc::new(Self::new(device)?);
        gpus.insert(device.id(), Arc::clone(&gpu));
        Ok(gpu)
    }

    #[expect(
        unsafe_code,
        reason = "events between streams cost as much as a launch"
    )]
    fn new(device: &CudaDevice) -> Result<Self> {
        let stream = device.cuda_stream();
        let context = stream.context();
        let major = CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR;
        let minor = CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR;
        let (major, minor) = (context.attribute(major).w()?, context.attribute(minor).w()?);
        let options = CompileOptions {
            options: vec![format!("--gpu-architecture=compute_{major}{minor}")],
            ..CompileOptions::default()
        };
        let module = context
            .load_module(compile_ptx_with_opts(SOURCE, options).w()?)
            .w()?;
        let functions = Kernel::ALL
            .iter()
            .map(|name| module.load_function(name).w());
        keep_memory(context.ordinal());
        // SAFETY: candle and this crate put all of the device's work into this one stream, so there
        // is no other stream to wait for.
        unsafe { device.disable_event_tracking() };
        Ok(Self {
            functions: functions.collect::<Result<_>>()?,
            device: device.clone(),
            stream,
        })
    }

    /// Returns the device's id.
    pub(crate) fn id(&self) -> DeviceId {
        self.device.id()
    }

    /// Launches a kernel into the stream.
    ///
    /// # Errors
    /// The device refuses the launch.
    #[expect(
        unsafe_code,
        reason = "a kernel reads and writes what its argument points to"
    )]
    pub(crate) fn launch<A: Argument>(
        &self,
        kernel: Kernel,
        blocks: [usize; 3],
        argument: &A,
    ) -> Result<()> {
        let [x, y, z] = blocks.map(|blocks| blocks as u32);
        if x == 0 {
            return Ok(());
        }
        let sizes = LaunchConfig {
            grid_dim: (x, y, z),
            block_dim: (kernel.threads(), 1, 1),
            shared_mem_bytes: 0,
        };
        let mut launch = self.stream.launch_builder(&self.functions[kernel as usize]);
        launch.arg(argument);
        // SAFETY: the argument has the kernel's layout (`Argument`); its callers fill it with
        // addresses of live memory of the stated sizes. Memory is freed in the same stream, after
        // the kernel.
        unsafe { launch.launch(sizes) }.w()?;
        Ok(())
    }

    /// Returns uninitialised memory for `count` floats.
    ///
    /// # Errors
    /// The device is out of memory.
    #[expect(
        unsafe_code,
        reason = "a kernel writes every number before one is read"
    )]
    pub(crate) fn stale(&self, count: usize) -> Result<CudaSlice<f32>> {
        // SAFETY: every caller launches a kernel that writes all of it before another kernel reads
        // it.
        unsafe { self.device.alloc::<f32>(count) }
    }

    /// Copies these integers to the device.
    ///
    /// # Errors
    /// The device is out of memory.
    pub(crate) fn upload(&self, numbers: &[i32]) -> Result<CudaSlice<i32>> {
        self.device.clone_htod(numbers)
    }

    /// Returns the address of this memory.
    pub(crate) fn address<T>(&self, numbers: &CudaSlice<T>) -> Address {
        numbers.device_ptr(&self.stream).0
    }

    /// Returns the address of the elements of a contiguous F32 tensor on this device.
    ///
    /// # Errors
    /// The tensor has another layout or type, or is on another device.
    pub(crate) fn address_of(&self, storage: &CudaStorage, layout: &Layout) -> Result<Address> {
        let Some((start, _)) = layout.contiguous_offsets() else {
            candle_core::bail!("a kernel needs contiguous tensors");
        };
        let numbers = storage.as_cuda_slice::<f32>()?;
        Ok(self.address(numbers) + (start * size_of::<f32>()) as Address)
    }

    /// Returns the address of the elements of a contiguous F32 tensor on this device.
    ///
    /// # Errors
    /// The tensor has another layout or type, or is on another device.
    pub(crate) fn address_in(&self, tensor: &Tensor) -> Result<Address> {
        let (storage, layout) = tensor.storage_and_layout();
        match &*storage {
            Storage::Cuda(storage) => self.address_of(storage, layout),
            _ => Err(no_gpu()),
        }
    }

    /// Wraps this memory as a storage.
    pub(crate) fn storage(&self, numbers: CudaSlice<f32>) -> CudaStorage {
        CudaStorage::wrap_cuda_slice(numbers, self.device.clone())
    }

    /// Wraps this memory as a tensor.
    pub(crate) fn tensor(&self, numbers: CudaSlice<f32>, shape: &Shape) -> Tensor {
        let storage = Storage::Cuda(self.storage(numbers));
        Tensor::from_storage(storage, shape.clone(), BackpropOp::none(), false)
    }
}

/// Returns the kernels of the device of an F32 tensor.
///
/// # Errors
/// The tensor is not on a GPU, or not F32.
pub(crate) fn gpu_of(tensor: &Tensor) -> Result<Arc<Gpu>> {
    if tensor.dtype() != DType::F32 {
        candle_core::bail!("the kernels compute in F32, got {:?}", tensor.dtype());
    }
    match tensor.device() {
        candle_core::Device::Cuda(device) => Gpu::of(device),
        _ => Err(no_gpu()),
    }
}

/// Returns the kernels of a storage's device.
///
/// # Errors
/// The kernels cannot be compiled.
pub(crate) fn gpu_of_storage(storage: &CudaStorage) -> Result<Arc<Gpu>> {
    Gpu::of(storage.device())
}

fn no_gpu() -> candle_core::Error {
    candle_core::Error::Msg("a kernel needs tensors on a GPU".into()).bt()
}

/// Makes the device keep freed memory for the next step instead of returning it at every
/// synchronisation. If this fails, steps are slower.
#[expect(unsafe_code, reason = "the driver's settings have no safe form")]
fn keep_memory(ordinal: usize) {
    let threshold = u64::MAX;
    let mut pool = std::ptr::null_mut();
    // SAFETY: the device exists because its context exists; the driver writes a handle and reads
    // one 64-bit integer.
    unsafe {
        if sys::cuDeviceGetDefaultMemPool(&mut pool, ordinal as i32) == sys::CUresult::CUDA_SUCCESS
        {
            let release = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
            sys::cuMemPoolSetAttribute(
                pool,
                release,
                std::ptr::from_ref(&threshold).cast_mut().cast(),
            );
        }
    }
}
