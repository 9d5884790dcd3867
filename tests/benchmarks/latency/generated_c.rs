//! emx-onnx-cgen: the ONNX model as C, compiled by gcc.

use super::engine::Engine;
use anyhow::{Context, Result, bail};
use dense_codegen::Emulator;
use dense_codegen::onnx::{Batch, What, write};
use libloading::Library;
use std::path::Path;
use std::process::Command;

type Function = unsafe extern "C" fn(*const f32, *mut f32);

/// A compiled model in a loaded library.
pub(crate) struct GeneratedC {
    model: Function,
    sizes: (usize, usize),
    /// Has the function above, and is never unloaded.
    _library: Library,
}

/// Writes `model.c` into the folder.
pub(crate) fn generate(emulator: &Emulator, python: &Path, folder: &Path) -> Result<()> {
    let model = folder.join("model.onnx");
    write(emulator, What::Mean, Batch::One, &model)?;
    let mut command = Command::new(python.with_file_name("emx-onnx-cgen"));
    command
        .args(["compile", "model.onnx", "model.c"])
        .args(["--large-temp-threshold", "0"])
        .args(["--large-weight-threshold", "0"]);
    done(command.current_dir(folder))
}

impl GeneratedC {
    /// Compiles the folder's `model.c`.
    ///
    /// The flag is left out when the library is linked: it would make the whole process flush denormal numbers to zero.
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
        // SAFETY: generated code has no initialiser, and the function takes the model's input and output.
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

/// Runs to the end, or says what the program said.
fn done(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rev().find(|line| !line.trim().is_empty());
        bail!(
            "{}: {}",
            command.get_program().display(),
            last.unwrap_or("failed")
        );
    }
    Ok(())
}

impl Engine for GeneratedC {
    fn predict(&mut self, x: &[f32], y: &mut [f32]) -> Result<()> {
        assert!((x.len(), y.len()) == self.sizes);
        // SAFETY: the arrays have the sizes that the model reads and writes.
        unsafe { (self.model)(x.as_ptr(), y.as_mut_ptr()) };
        Ok(())
    }
}
