//! A plain arithmetic loop as long as a call: shows how slow calls get because of the machine
//! alone.

use super::engine::Engine;
use super::floor::dependent_additions;
use anyhow::Result;

/// This many dependent additions.
pub(crate) struct Plain(pub(crate) u64);

impl Engine for Plain {
    fn predict(&mut self, _: &[f32], _: &mut [f32]) -> Result<()> {
        dependent_additions(self.0);
        Ok(())
    }
}
