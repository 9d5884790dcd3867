//! emx-onnx-cgen: the ONNX model as C, compiled by gcc.

use super::engine::Engine;
use anyhow::{Error, Result};
use dense_codegen::Emulator;
use dense_tests::emx;
use libloading::Library;
use std::path::Path;
use std::process::Command;

type Function = unsafe extern "C" fn(*const f32, *mut f32);

/// A compiled model in a loaded library.
pub(crate) struct GeneratedC {
    model: Function,
    sizes: (usize, usize),
    /// Owns the code of the function above, and is never unloaded.
    _library: Library,
}

/// Writes `model.c` into the folder.
pub(crate) fn generate(emulator: &Emulator, python: &Path, folder: &Path) -> Result<()> {
    emx::generate(emulator, python, folder).map_err(Error::msg)
}

impl GeneratedC {
    /// Compiles the folder's `model.c`.
    ///
    /// The flag is left out when the library is linked: it would make the whole process flush
    /// subnormal floats to zero.
    pub(crate) fn build(emulator: &Emulator, folder: &Path, flags: &[&str]) -> Result<Self> {
        let name = format!("model{}", flags.concat());
        let (object, library) = (format!("{name}.o"), format!("{name}.so"));
        let mut compile = Command::new("gcc");
        compile
            .args([
                "-O3",
                "-march=native",
                "-fPIC",
                "-w",
                "-c",
                "model.c",
                "-o",
                &object,
            ])
            .args(flags);
        done(compile.current_dir(folder))?;
        let mut link = Command::new("gcc");
        link.args(["-shared", &object, "-lm", "-o", &library]);
        done(link.current_dir(folder))?;
        // SAFETY: generated code has no initialiser, and the function takes the model's input and
        // output.
        unsafe {
            let library = Library::new(folder.join(library))?;
            Ok(Self {
                model: *library.get(b"model")?,
                sizes: (emulator.input_count(), emulator.output_count()),
                _library: library,
            })
        }
    }
}

fn done(command: &mut Command) -> Result<()> {
    emx::done(command).map(|_| ()).map_err(Error::msg)
}

impl Engine for GeneratedC {
    fn predict(&mut self, x: &[f32], y: &mut [f32]) -> Result<()> {
        assert!((x.len(), y.len()) == self.sizes);
        // SAFETY: the arrays have the sizes that the model reads and writes.
        unsafe { (self.model)(x.as_ptr(), y.as_mut_ptr()) };
        Ok(())
    }
}
