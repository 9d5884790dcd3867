//! ONNX Runtime through its C interface: one thread, inputs and outputs bound once.

use super::engine::{Engine, ROWS};
use anyhow::{Context, Result, bail, ensure};
use dense_codegen::Emulator;
use dense_codegen::onnx::{Batch, What, model_bytes};
use libloading::Library;
use ort_sys::{
    ExecutionMode, GraphOptimizationLevel, ONNXTensorElementDataType, OrtAllocatorType, OrtApi,
    OrtApiBase, OrtIoBinding, OrtLoggingLevel, OrtMemType, OrtSession, OrtStatusPtr,
};
use std::ffi::{CStr, c_char};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, ptr};

/// The oldest interface with all functions called here.
const INTERFACE: u32 = 17;

/// A network in two sessions: for one row and, if the engine accepts it, for many.
pub(crate) struct OnnxRuntime {
    one: Session,
    many: Option<Session>,
    /// Owns the interface, and is never unloaded.
    _library: Library,
}

/// A session with its input and output bound.
struct Session {
    api: &'static OrtApi,
    session: *mut OrtSession,
    binding: *mut OrtIoBinding,
    x: Box<[f32]>,
    y: Box<[f32]>,
}

/// The library in the wheel installed for this Python.
pub(crate) fn library(python: &Path) -> Result<PathBuf> {
    let program = "import onnxruntime, os; print(os.path.dirname(onnxruntime.__file__))";
    let output = Command::new(python).args(["-c", program]).output()?;
    ensure!(
        output.status.success(),
        "{} has no onnxruntime",
        python.display()
    );
    let folder = Path::new(String::from_utf8(output.stdout)?.trim()).join("capi");
    let entries = fs::read_dir(&folder)?.filter_map(Result::ok);
    let mut paths = entries.map(|entry| entry.path());
    // Libraries of single providers lie beside it; their names continue with `_`.
    paths
        .find(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("libonnxruntime.so"))
        })
        .with_context(|| format!("no libonnxruntime.so in {}", folder.display()))
}

impl OnnxRuntime {
    pub(crate) fn load(emulator: &Emulator, library: &Path) -> Result<Self> {
        // SAFETY: this is the documented entry point of the C interface.
        let (library, api) = unsafe {
            let library = Library::new(library)?;
            let base: unsafe extern "C" fn() -> *const OrtApiBase =
                *library.get(b"OrtGetApiBase")?;
            let api = ((*base()).GetApi)(INTERFACE);
            (
                library,
                api.as_ref().context("the library has no such interface")?,
            )
        };
        Ok(Self {
            one: Session::new(api, emulator, Batch::One, 1)?,
            many: Some(Session::new(api, emulator, Batch::Any, ROWS)?),
            _library: library,
        })
    }
}

impl Session {
    fn new(api: &'static OrtApi, emulator: &Emulator, batch: Batch, rows: usize) -> Result<Self> {
        let bytes = model_bytes(emulator, What::Mean, batch)?;
        let mut x = vec![0.0; rows * emulator.input_count()].into_boxed_slice();
        let mut y = vec![0.0; rows * emulator.output_count()].into_boxed_slice();
        let rows = [rows as i64];
        let with_rows = |row: &[usize]| -> Vec<i64> {
            let row = row.iter().map(|&size| size as i64);
            rows.into_iter().chain(row).collect()
        };
        let x_sizes = with_rows(&[emulator.input_count()]);
        let y_sizes = with_rows(&emulator.outputs().shape);
        let check = |status| check(api, status);
        let (mut environment, mut options, mut memory) =
            (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        let (mut session, mut binding) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: every call follows the documentation of the C interface; results are written to
        // the pointers above, and the bound arrays are kept on the heap beside the session, which
        // is never released.
        unsafe {
            let level = OrtLoggingLevel::ORT_LOGGING_LEVEL_ERROR;
            check((api.CreateEnv)(
                level,
                c"latency".as_ptr(),
                &raw mut environment,
            ))?;
            check((api.CreateSessionOptions)(&raw mut options))?;
            check((api.SetIntraOpNumThreads)(options, 1))?;
            check((api.SetInterOpNumThreads)(options, 1))?;
            let mode = ExecutionMode::ORT_SEQUENTIAL;
            check((api.SetSessionExecutionMode)(options, mode))?;
            let level = GraphOptimizationLevel::ORT_ENABLE_ALL;
            check((api.SetSessionGraphOptimizationLevel)(options, level))?;
            check((api.CreateSessionFromArray)(
                environment,
                bytes.as_ptr().cast(),
                bytes.len(),
                options,
                &raw mut session,
            ))?;
            check((api.CreateCpuMemoryInfo)(
                OrtAllocatorType::OrtDeviceAllocator,
                OrtMemType::OrtMemTypeDefault,
                &raw mut memory,
            ))?;
            check((api.CreateIoBinding)(session, &raw mut binding))?;
            let tensor = |data: &mut [f32], sizes: &[i64]| -> Result<_> {
                let mut value = ptr::null_mut();
                check((api.CreateTensorWithDataAsOrtValue)(
                    memory,
                    data.as_mut_ptr().cast(),
                    size_of_val(data),
                    sizes.as_ptr(),
                    sizes.len(),
                    ONNXTensorElementDataType::ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
                    &raw mut value,
                ))?;
                Ok(value)
            };
            let value = tensor(&mut x, &x_sizes)?;
            check((api.BindInput)(binding, name(c"x"), value))?;
            let value = tensor(&mut y, &y_sizes)?;
            check((api.BindOutput)(binding, name(c"mean"), value))?;
        }
        Ok(Self {
            api,
            session,
            binding,
            x,
            y,
        })
    }

    fn run(&mut self, x: &[f32], y: &mut [f32]) -> Result<()> {
        self.x.copy_from_slice(x);
        // SAFETY: session and binding are from `new`.
        let status = unsafe { (self.api.RunWithBinding)(self.session, ptr::null(), self.binding) };
        check(self.api, status)?;
        y.copy_from_slice(&self.y);
        Ok(())
    }
}

fn name(name: &CStr) -> *const c_char {
    name.as_ptr()
}

/// The library's own message if a call failed.
fn check(api: &OrtApi, status: OrtStatusPtr) -> Result<()> {
    if status.0.is_null() {
        return Ok(());
    }
    // SAFETY: a status that is not null has a message until it is released.
    let message = unsafe {
        let message = CStr::from_ptr((api.GetErrorMessage)(status.0)).to_string_lossy();
        let message = message.into_owned();
        (api.ReleaseStatus)(status.0);
        message
    };
    bail!("{message}")
}

impl Engine for OnnxRuntime {
    fn predict(&mut self, x: &[f32], y: &mut [f32]) -> Result<()> {
        self.one.run(x, y)
    }

    fn predict_batch(&mut self, x: &[f32], y: &mut [f32]) -> Option<Result<()>> {
        self.many.as_mut().map(|many| many.run(x, y))
    }
}
