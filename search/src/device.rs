//! The training device as named on the command line and in a run's description: `cpu` or `cuda:0`.

use crate::error::{Result, bail};
use candle_core::Device;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The name of a device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceName {
    /// The CPU.
    #[default]
    Cpu,
    /// The GPU with this CUDA index.
    Cuda(usize),
}

impl DeviceName {
    /// Checks that the device exists, without running anything on it.
    ///
    /// # Errors
    /// If the program was built without the feature `cuda`, or the driver does not list the device.
    pub fn check(self) -> Result<()> {
        match self {
            Self::Cpu => Ok(()),
            Self::Cuda(number) => check_cuda(number),
        }
    }

    /// Opens the device.
    ///
    /// # Errors
    /// As [`DeviceName::check`], or if the device cannot be used.
    pub fn open(self) -> Result<Device> {
        self.check()?;
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(number) => match Device::new_cuda(number) {
                Ok(device) => Ok(device),
                Err(error) => bail!(
                    Device,
                    "--device cuda:{number}: the device cannot be used: {error}"
                ),
            },
        }
    }
}

#[cfg(feature = "cuda")]
fn check_cuda(number: usize) -> Result<()> {
    use candle_core::cuda::cudarc::driver::CudaContext;
    match CudaContext::device_count() {
        Err(error) => {
            bail!(
                Device,
                "--device cuda:{number}: the driver answers {error}; use --device cpu"
            )
        }
        Ok(count) if usize::try_from(count).is_ok_and(|count| number < count) => Ok(()),
        Ok(count) => bail!(
            Device,
            "--device cuda:{number}: the driver has {count} CUDA devices, numbered from 0; use one of them or --device cpu"
        ),
    }
}

#[cfg(not(feature = "cuda"))]
fn check_cuda(number: usize) -> Result<()> {
    bail!(
        Device,
        "--device cuda:{number}: this program was built without CUDA; build it with `--features cuda` (docs/gpu.md), or \
         use --device cpu"
    )
}

impl FromStr for DeviceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_prefix("cuda:").map(str::parse);
        match (text, number) {
            ("cpu", _) => Ok(Self::Cpu),
            (_, Some(Ok(number))) => Ok(Self::Cuda(number)),
            _ => Err(format!("expected cpu or cuda:0, got {text:?}")),
        }
    }
}

impl TryFrom<String> for DeviceName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => formatter.write_str("cpu"),
            Self::Cuda(number) => write!(formatter, "cuda:{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written_and_others_are_errors() {
        for name in [DeviceName::Cpu, DeviceName::Cuda(0), DeviceName::Cuda(3)] {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        for text in [
            "", "gpu", "cuda", "cuda:", "cuda:-1", "cuda:x", "CPU", "cpu:0",
        ] {
            assert!(text.parse::<DeviceName>().is_err(), "{text:?}");
        }
        assert!(matches!(DeviceName::Cpu.open(), Ok(Device::Cpu)));
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn without_the_feature_a_cuda_device_is_an_error_that_says_what_to_do() {
        let error = DeviceName::Cuda(0).open().unwrap_err().to_string();
        assert!(error.contains("cuda:0") && error.contains("--features cuda"));
    }
}
