//! A plain arithmetic loop as long as a call: what of the slowest calls is the machine's own.

use super::engine::Engine;
use super::floor::dependent_additions;
use anyhow::Result;

/// So many dependent additions.
pub(crate) struct Plain(pub(crate) u64);

impl Engine for Plain {
    fn predict(&mut self, _: &[f32], _: &mut [f32]) -> Result<()> {
        dependent_additions(self.0);
        Ok(())
    }
}
