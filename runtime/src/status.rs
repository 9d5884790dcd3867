//! What one call says about itself: which inputs were not finite or outside the trained box, and how far, and what
//! came of them.

use core::fmt;

/// The status of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Status {
    /// Bit `j`: input `j` was NaN or infinite. The prediction is then NaN.
    pub non_finite: u64,
    /// Bit `j`: input `j` was finite and outside its trained range. The prediction is then an extrapolation.
    pub outside: u64,
    /// The input that was farthest outside; 0 where none was.
    pub worst: u8,
    /// How far outside it was, in widths of its trained range (of its logarithm's, for an input taken so); 0.0 inside.
    pub excess: f32,
    /// Whether finite inputs are far from every training point, in a box with holes; the prediction is then an extrapolation.
    pub far: bool,
    /// Whether finite inputs led to a result that is not.
    pub overflow: bool,
}

impl Status {
    /// Returns whether the prediction is one that the emulator was trained for.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        self.non_finite == 0 && self.outside == 0 && !self.far && !self.overflow
    }
}

/// Prints without formatting a float, which would be kilobytes of firmware.
impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_ok() {
            return formatter.write_str("ok");
        }
        let mut separator = "";
        for (what, inputs) in [("not finite", self.non_finite), ("outside", self.outside)] {
            if inputs != 0 {
                write!(formatter, "{separator}{what}: inputs")?;
                separator = "; ";
                for input in (0..64).filter(|input| inputs >> input & 1 == 1) {
                    write!(formatter, " {input}")?;
                }
            }
        }
        if self.far {
            write!(formatter, "{separator}far from data")?;
            separator = "; ";
        }
        if self.overflow {
            write!(formatter, "{separator}overflow")?;
        }
        Ok(())
    }
}
