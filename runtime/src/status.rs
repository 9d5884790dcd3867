//! The status of a call: which inputs were not finite, which were outside the trained box and how
//! far, and whether the results overflowed.

use core::fmt;

/// The status of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Status {
    /// Bit `j` is set if input `j` was NaN or infinite. The prediction is then NaN.
    pub non_finite: u64,
    /// Bit `j` is set if input `j` was finite but outside its trained range. The prediction is then
    /// an extrapolation.
    pub outside: u64,
    /// The index of the input farthest outside its range; 0 if none was.
    pub worst: u8,
    /// The distance of that input from its range, in widths of the range (along the logarithm for
    /// logarithmic inputs); 0.0 inside.
    pub excess: f32,
    /// Whether finite inputs are far from every training point, in a box with holes. The prediction
    /// is then an extrapolation.
    pub far: bool,
    /// Whether finite inputs gave a result that is not finite.
    pub overflow: bool,
}

impl Status {
    /// Returns whether the emulator was trained for inputs like these and the results are finite.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        self.non_finite == 0 && self.outside == 0 && !self.far && !self.overflow
    }
}

/// Prints without formatting a float, which would add kilobytes to firmware.
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
