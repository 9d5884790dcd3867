//! The epilogue of an operation: bias, identity and activation, applied in the pass that writes the
//! result.
//!
//! ```text
//! node = act(identity + op)      (Placement::After)
//! node = identity + act(op)      (Placement::OnBranch)
//! ```

use crate::space::{Function, Group, Identity, Placement};

/// The steps applied to the result of an operation in its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epilogue {
    /// The activation, if any.
    pub activation: Option<Function>,
    /// Whether the activation is applied before or after the identity is added.
    pub placement: Placement,
    /// Whether the resized input is added.
    pub identity: Identity,
}

impl Epilogue {
    /// No epilogue: the result of the operation is the node.
    pub const NONE: Self = Self {
        activation: None,
        placement: Placement::After,
        identity: Identity::Absent,
    };

    /// The epilogue of waves: the sine of the result.
    pub const SINE: Self = Self {
        activation: Some(Function::Sine),
        ..Self::NONE
    };

    /// Returns the epilogue of a group's candidate.
    #[must_use]
    pub fn of(group: &Group, choice: usize) -> Self {
        Self {
            activation: group.activation_of(choice),
            placement: group.placement,
            identity: group.identity,
        }
    }

    /// The epilogue of a node that is the identity alone.
    pub const IDENTITY: Self = Self {
        identity: Identity::Beside,
        ..Self::NONE
    };

    /// Returns the part of the epilogue that precedes the addition of the identity.
    #[must_use]
    pub fn of_branch(self) -> Self {
        let inside = self.identity_inside();
        Self {
            activation: self.activation.filter(|_| !inside),
            identity: Identity::Absent,
            ..self
        }
    }

    /// Whether the identity is added before the activation.
    pub(crate) fn identity_inside(self) -> bool {
        self.identity == Identity::Beside && self.placement == Placement::After
    }

    /// Whether the identity is added after the activation.
    pub(crate) fn identity_outside(self) -> bool {
        self.identity == Identity::Beside && self.placement == Placement::OnBranch
    }
}
