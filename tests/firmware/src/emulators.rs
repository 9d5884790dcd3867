//! The frozen emulators: none, until the workstation's test writes some in the place of this file.

use core::fmt::{self, Write};

/// Prints what each emulator predicts.
pub(crate) fn run_all(_: &mut impl Write) -> fmt::Result {
    Ok(())
}
