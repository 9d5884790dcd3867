//! The user's choices for a frozen crate, and the software that it carries.

use serde::Serialize;
use std::path::PathBuf;
use std::str::FromStr;

/// The user's choices for a frozen crate.
#[derive(Clone, Debug)]
pub struct FreezeOptions {
    /// The crate's name, as in a `Cargo.toml`.
    pub crate_name: String,
    /// The linker section for all constants, weights and golden vectors, for example
    /// `.qspi_weights`; the default one if absent.
    pub section: Option<String>,
    /// Whether the crate is a member of a Cargo workspace, instead of a workspace of its own: its
    /// manifest then has no `[workspace]` and no profile, which cargo takes from the workspace's
    /// root.
    pub member: bool,
    /// The source of the runtime.
    pub runtime: Runtime,
}

/// The source of a frozen crate's runtime.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Runtime {
    /// A folder of the crate itself, which then builds anywhere without a network.
    #[default]
    Carried,
    /// A folder with dense-runtime, as a path from the frozen crate or from the root.
    Path(PathBuf),
    /// The registry, which must have this version.
    Registry,
}

impl FromStr for Runtime {
    type Err = String;

    /// `carried`, `registry` or `path=FOLDER`.
    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.split_once('=')) {
            ("carried", _) => Ok(Self::Carried),
            ("registry", _) => Ok(Self::Registry),
            (_, Some(("path", folder))) if !folder.is_empty() => Ok(Self::Path(folder.into())),
            _ => Err("expected carried, registry or path=FOLDER".into()),
        }
    }
}

/// Third-party software in a frozen crate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Carried {
    /// The package.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Its licences, as an SPDX expression. Their texts are in its folder.
    pub licence: &'static str,
    /// Its folder in the crate.
    pub folder: &'static str,
}

/// The runtime as a frozen crate carries it.
pub const RUNTIME: Carried = Carried {
    name: "dense-runtime",
    version: env!("CARGO_PKG_VERSION"),
    licence: "MIT OR Apache-2.0",
    folder: "dense-runtime",
};

impl Default for FreezeOptions {
    fn default() -> Self {
        Self {
            crate_name: "frozen-emulator".into(),
            section: None,
            member: false,
            runtime: Runtime::default(),
        }
    }
}
