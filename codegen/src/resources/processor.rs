//! The microcontrollers that costs are reported for, and the QEMU boards that emulate them.

use std::fmt;
use std::str::FromStr;

/// A processor core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processor {
    /// ARMv6-M: no FPU, no divider. Run on a board with a Cortex-M3, which has all its
    /// instructions.
    CortexM0,
    /// ARMv7-M: no FPU.
    CortexM3,
    /// ARMv7E-M with the single-precision FPU.
    CortexM4,
    /// ARMv7E-M with the single-precision FPU, which can issue two instructions a cycle.
    CortexM7,
}

impl Processor {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::CortexM0,
        Self::CortexM3,
        Self::CortexM4,
        Self::CortexM7,
    ];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CortexM0 => "cortex-m0",
            Self::CortexM3 => "cortex-m3",
            Self::CortexM4 => "cortex-m4",
            Self::CortexM7 => "cortex-m7",
        }
    }

    /// Rust's name for the target.
    #[must_use]
    pub const fn triple(self) -> &'static str {
        match self {
            Self::CortexM0 => "thumbv6m-none-eabi",
            Self::CortexM3 => "thumbv7m-none-eabi",
            Self::CortexM4 | Self::CortexM7 => "thumbv7em-none-eabihf",
        }
    }

    /// Whether product and sum are rounded together ([`Order::Fused`](crate::interpreter::Order))
    /// or separately.
    #[must_use]
    pub const fn is_fused(self) -> bool {
        matches!(self, Self::CortexM4 | Self::CortexM7)
    }

    /// The feature of a frozen crate for this processor.
    pub(super) const fn feature(self) -> &'static str {
        if self.is_fused() {
            "core-float-math"
        } else {
            "no-fma"
        }
    }

    /// The options of a C compiler for Arm.
    pub(crate) const fn c_flags(self) -> &'static [&'static str] {
        match self {
            Self::CortexM0 => &["-mcpu=cortex-m0", "-mthumb"],
            Self::CortexM3 => &["-mcpu=cortex-m3", "-mthumb"],
            Self::CortexM4 => &[
                "-mcpu=cortex-m4",
                "-mthumb",
                "-mfloat-abi=hard",
                "-mfpu=fpv4-sp-d16",
            ],
            Self::CortexM7 => &[
                "-mcpu=cortex-m7",
                "-mthumb",
                "-mfloat-abi=hard",
                "-mfpu=fpv5-sp-d16",
            ],
        }
    }

    /// QEMU's arguments.
    pub(super) const fn machine(self) -> [&'static str; 4] {
        match self {
            Self::CortexM0 | Self::CortexM3 => ["-cpu", "cortex-m3", "-machine", "mps2-an385"],
            Self::CortexM4 => ["-cpu", "cortex-m4", "-machine", "mps2-an386"],
            Self::CortexM7 => ["-cpu", "cortex-m7", "-machine", "mps2-an500"],
        }
    }
}

impl fmt::Display for Processor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Processor {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|processor| processor.name() == name || processor.triple() == name)
            .ok_or_else(|| {
                let names: Vec<_> = Self::ALL.iter().map(|processor| processor.name()).collect();
                format!(
                    "expected one of {}, or Rust's name of its target (thumbv7em-none-eabihf is cortex-m4)",
                    names.join(", ")
                )
            })
    }
}
