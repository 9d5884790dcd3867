//! Ours: the network is frozen, built by cargo as a user would build it, and loaded.

use super::engine::{Engine, ROWS, Repeat};
use anyhow::{Context, Result, bail, ensure};
use dense_codegen::Emulator;
use dense_codegen::rust::{FreezeOptions, freeze};
use libloading::Library;
use std::ffi::c_void;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// The build of the frozen crate.
#[derive(Clone, Copy)]
pub(crate) struct Flavour {
    pub(crate) name: &'static str,
    rustflags: &'static str,
}

impl Flavour {
    /// For this machine, for the third level of x86-64, and for any x86-64 with dispatch at run
    /// time.
    const ALL: [Self; 3] = [
        Self {
            name: "native",
            rustflags: "-C target-cpu=native",
        },
        Self {
            name: "v3",
            rustflags: "-C target-cpu=x86-64-v3",
        },
        Self {
            name: "baseline",
            rustflags: "",
        },
    ];

    pub(crate) fn named(name: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|flavour| flavour.name == name);
        known.with_context(|| format!("--flavours: expected native, v3 or baseline, got {name:?}"))
    }
}

type Call = unsafe extern "C" fn(*mut c_void, *const f32, *mut f32);
type Loop = unsafe extern "C" fn(*mut c_void, *const f32, usize);

/// A frozen network in a loaded library.
pub(crate) struct Frozen {
    state: *mut c_void,
    predict: Call,
    predict_batch: Call,
    repeat: Loop,
    chain: Loop,
    inputs: usize,
    outputs: usize,
    /// Owns the code of the functions above, and is never unloaded.
    _library: Library,
}

impl Frozen {
    /// Freezes, builds in `folder`, and loads.
    pub(crate) fn build(emulator: &Emulator, flavour: Flavour, folder: &Path) -> Result<Self> {
        let options = FreezeOptions {
            crate_name: "frozen".into(),
            ..FreezeOptions::default()
        };
        fs::create_dir_all(folder)?;
        freeze(emulator, &folder.join("frozen"), &options)?;
        // Beside it, not around it: each is a workspace.
        let folder = &folder.join("wrapper");
        fs::create_dir_all(folder.join("src"))?;
        fs::write(folder.join("src/lib.rs"), include_str!("wrapper.rs.txt"))?;
        fs::write(folder.join("Cargo.toml"), include_str!("wrapper.toml.txt"))?;
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["build", "--release", "--offline", "--quiet"])
            .current_dir(folder)
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .env("RUSTFLAGS", flavour.rustflags)
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .output()
            .context("cannot run cargo")?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        let path = folder
            .join("target/release")
            .join(libloading::library_filename("wrapper"));
        Self::load(&path, emulator)
    }

    fn load(path: &Path, emulator: &Emulator) -> Result<Self> {
        // SAFETY: the library was written and built above: it has no initialiser, and the functions
        // have these types.
        unsafe {
            let library = Library::new(path)?;
            let create: unsafe extern "C" fn() -> *mut c_void = *library.get(b"create")?;
            let state = create();
            ensure!(!state.is_null(), "the library has no state");
            Ok(Self {
                state,
                predict: *library.get(b"predict")?,
                predict_batch: *library.get(b"predict_batch")?,
                repeat: *library.get(b"repeat")?,
                chain: *library.get(b"chain")?,
                inputs: emulator.input_count(),
                outputs: emulator.output_count(),
                _library: library,
            })
        }
    }
}

impl Engine for Frozen {
    fn predict(&mut self, x: &[f32], y: &mut [f32]) -> Result<()> {
        assert!(x.len() == self.inputs && y.len() == self.outputs);
        // SAFETY: the arrays have the sizes that the library reads and writes.
        unsafe { (self.predict)(self.state, x.as_ptr(), y.as_mut_ptr()) };
        Ok(())
    }

    fn predict_batch(&mut self, x: &[f32], y: &mut [f32]) -> Option<Result<()>> {
        assert!(x.len() == ROWS * self.inputs && y.len() == ROWS * self.outputs);
        // SAFETY: as above.
        unsafe { (self.predict_batch)(self.state, x.as_ptr(), y.as_mut_ptr()) };
        Some(Ok(()))
    }

    fn repeat(&mut self, calls: usize, how: Repeat, x: &[f32]) -> Option<()> {
        assert!(x.len() == ROWS * self.inputs);
        let function = match how {
            Repeat::BackToBack => self.repeat,
            Repeat::Chained => self.chain,
        };
        // SAFETY: as above.
        unsafe { function(self.state, x.as_ptr(), calls) };
        Some(())
    }
}
