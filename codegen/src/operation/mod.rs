//! The operations of nodes: a list, and a folder for each.
//!
//! In a folder, `mod.rs` defines the operation's semantics ([`rule::Rule`]: shape, cost, reference
//! evaluation), `host.rs` its execution on this machine, and `rust.rs`, `c.rs` and `onnx.rs` its
//! form in these languages. The list below is expanded for the enum and for every function over all
//! operations, so that an operation without one of these forms does not compile.
//! `docs/adding-an-operation.md` walks through an example.

pub(crate) mod c;
pub(crate) mod convolution;
pub(crate) mod host;
pub(crate) mod onnx;
pub(crate) mod rule;
pub(crate) mod rust;

use crate::graph::{ParameterId, Parameters, Real, Shape};
use c::WriteC;
use host::Execute;
use onnx::{Operators, WriteOnnx};
use rule::{Fusion, Mismatch, Rule, Value};
use rust::WriteRust;
use serde::{Deserialize, Serialize};

/// The interface of every operation beside its [`Rule`].
pub(crate) trait Implementation: Execute + WriteRust + WriteC + WriteOnnx {}

impl<T: Execute + WriteRust + WriteC + WriteOnnx> Implementation for T {}

/// Expands the list of operations, each `folder::Type`. The first is the graph's input, which is
/// not computed.
macro_rules! operations {
    (input::Input, $($folder:ident::$name:ident,)*) => {
        mod input;
        $(mod $folder;)*

        /// The operations' own types.
        pub(crate) mod types {
            pub use super::Operation;
            pub use super::activation::Function;
            pub use super::input::Input;
            pub use super::transform::Inverse;
            $(pub use super::$folder::$name;)*
        }
        use types::*;

        /// The operation of a node.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Operation {
            /// See [`Input`].
            Input(Input),
            $(
                #[doc = concat!("See [`", stringify!($name), "`].")]
                $name($name),
            )*
        }

        /// Evaluates `$body` with `$rule` bound to the operation's own type.
        macro_rules! with_rule {
            ($operation:expr, $rule:ident => $body:expr) => {
                match $operation {
                    Operation::Input($rule) => $body,
                    $(Operation::$name($rule) => $body,)*
                }
            };
        }

        impl Operation {
            /// The name of every kind, in the order of the list.
            pub const KINDS: &'static [&'static str] = &[Input::KIND, $($name::KIND,)*];

            /// The operation with its parameters replaced by `rename`.
            pub(crate) fn renamed(&self, rename: &dyn Fn(ParameterId) -> ParameterId) -> Self {
                match self {
                    Self::Input(rule) => Self::Input(rule.renamed(rename)),
                    $(Self::$name(rule) => Self::$name(rule.renamed(rename)),)*
                }
            }

            /// The ONNX operators of each kind, in the order of [`Self::KINDS`].
            pub const ONNX_OPERATORS: &'static [&'static [&'static str]] =
                &[&[], $($name::OPERATORS,)*];

            /// The execution and forms of the operation; `None` for the graph's input.
            pub(crate) fn implementation(&self) -> Option<&dyn Implementation> {
                match self {
                    Self::Input(_) => None,
                    $(Self::$name(rule) => Some(rule),)*
                }
            }
        }
    };
}

operations! {
    input::Input,
    logarithm::Logarithm,
    standardise::Standardise,
    dense::Dense,
    conv1d::Conv1d,
    conv2d::Conv2d,
    transposed_conv1d::TransposedConv1d,
    transposed_conv2d::TransposedConv2d,
    resize::Resize,
    resize2d::Resize2d,
    add::Add,
    multiply::Multiply,
    activation::Activation,
    rescale::Rescale,
    clip::Clip,
    transform::Transform,
    transpose::Transpose,
}

impl Operation {
    /// The kind's name: `dense`, `conv1d`, ...
    #[must_use]
    pub fn kind(&self) -> &'static str {
        fn kind<T: Rule>(_: &T) -> &'static str {
            T::KIND
        }
        with_rule!(self, rule => kind(rule))
    }

    /// The oldest version of the emulator file that has the operation.
    pub(crate) fn format(&self) -> u64 {
        with_rule!(self, rule => rule.format())
    }

    /// The parameters that the operation reads.
    #[must_use]
    pub fn parameters(&self) -> Vec<ParameterId> {
        with_rule!(self, rule => rule.parameters())
    }

    /// Whether the operation is elementwise and its kernel works in place.
    pub(crate) fn is_in_place(&self) -> bool {
        fn is_in_place<T: Rule>(_: &T) -> bool {
            T::IN_PLACE
        }
        with_rule!(self, rule => is_in_place(rule))
    }

    /// Whether a window moves over the operand.
    pub(crate) fn is_convolution(&self) -> bool {
        fn is_convolution<T: Rule>(_: &T) -> bool {
            T::IS_CONVOLUTION
        }
        with_rule!(self, rule => is_convolution(rule))
    }

    /// The fusion that the buffer plan may apply to the operation.
    pub(crate) fn fusion(&self) -> Fusion {
        with_rule!(self, rule => rule.fusion())
    }

    pub(crate) fn shape(
        &self,
        parameters: &Parameters,
        inputs: &[Shape],
    ) -> Result<Shape, Mismatch> {
        with_rule!(self, rule => rule.shape(parameters, inputs))
    }

    pub(crate) fn macs(&self, parameters: &Parameters, inputs: &[Shape], output: Shape) -> u64 {
        with_rule!(self, rule => rule.macs(parameters, inputs, output))
    }

    pub(crate) fn evaluate<R: Real>(
        &self,
        parameters: &Parameters,
        inputs: &[Value<'_, R>],
        output: Shape,
    ) -> Vec<R> {
        with_rule!(self, rule => rule.evaluate(parameters, inputs, output))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// The modules in an operation's folder.
    const FILES: [&str; 5] = ["c.rs", "host.rs", "mod.rs", "onnx.rs", "rust.rs"];

    #[test]
    fn every_operation_has_the_files_that_the_document_names() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = root.join("../docs/adding-an-operation.md");
        let document = std::fs::read_to_string(path).expect("the document can be read");
        for file in FILES {
            let link = format!("../codegen/src/operation/clip/{file})");
            assert!(document.contains(&link), "{link}");
        }
        for kind in Operation::KINDS.iter().filter(|kind| **kind != Input::KIND) {
            let folder = root.join("src/operation").join(kind);
            let entries = std::fs::read_dir(&folder).expect("a folder is named after its kind");
            let found: BTreeSet<_> = entries
                .map(|entry| entry.expect("it can be read").file_name())
                .collect();
            assert_eq!(found, FILES.map(Into::into).into(), "{}", folder.display());
        }
    }
}
