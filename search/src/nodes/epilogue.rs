//! What follows an operation in its node: bias, identity and activation in the pass that writes the result.
//!
//! ```text
//! node = act(identity + op)      (Placement::After)
//! node = identity + act(op)      (Placement::OnBranch)
//! ```

use crate::space::{Function, Group, Identity, Placement};

/// What follows an operation in its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epilogue {
    /// The activation, if any.
    pub activation: Option<Function>,
    /// Where it acts.
    pub placement: Placement,
    /// Whether the resized input is added.
    pub identity: Identity,
}

impl Epilogue {
    /// The operation's result is the node.
    pub const NONE: Self = Self {
        activation: None,
        placement: Placement::After,
        identity: Identity::Absent,
    };

    /// Returns what follows the operation of a group's candidate.
    #[must_use]
    pub fn of(group: &Group, choice: usize) -> Self {
        Self {
            activation: group.activation_of(choice),
            placement: group.placement,
            identity: group.identity,
        }
    }

    /// The identity stands alone.
    pub const IDENTITY: Self = Self {
        identity: Identity::Beside,
        ..Self::NONE
    };

    /// Returns what follows the operation before the identity is added to it.
    #[must_use]
    pub fn of_branch(self) -> Self {
        let inside = self.identity_inside();
        Self {
            activation: self.activation.filter(|_| !inside),
            identity: Identity::Absent,
            ..self
        }
    }

    /// Whether the identity enters the activation.
    pub(crate) fn identity_inside(self) -> bool {
        self.identity == Identity::Beside && self.placement == Placement::After
    }

    /// Whether the identity is added to what was activated.
    pub(crate) fn identity_outside(self) -> bool {
        self.identity == Identity::Beside && self.placement == Placement::OnBranch
    }
}
