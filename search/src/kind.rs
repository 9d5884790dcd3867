//! The kinds of networks that race: one candidate of each of the groups that matter.
//!
//! | group | candidates |
//! |---|---|
//! | features | the inputs themselves; sines and cosines of each beside them |
//! | trunk | blocks `x + silu(x U + a) (x V + b)`, `x + silu(W x + b)`, or `silu(W x + b)` |
//! | head | dense, or dense onto some basis functions, which are learnt |
//! | decay | of weights, usual or strong |
//!
//! What each is worth on many data sets is measured, and a race begins with that ([`prior`]).

pub mod fall;
pub mod prior;

use crate::space::Candidate;

/// With more outputs than this, there are heads with a basis.
const BASIS_FROM: usize = 20;
/// Frequencies of each input, where there are waves.
const FREQUENCIES: usize = 8;
/// The strong decay of weights: 0.3 was the best of 0.01, 0.1, 0.3 and 1 on fringes.
const STRONG_DECAY: f64 = 0.3;

/// What the trunk is applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Features {
    /// A dense layer of the inputs.
    Plain,
    /// A dense layer of the inputs and of sines and cosines of each: for fringes.
    Fourier,
}

/// A block of the trunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trunk {
    /// `x + silu(x U + a) (x V + b)`.
    Gated,
    /// `x + silu(W x + b)`.
    Residual,
    /// `silu(W x + b)`.
    Plain,
}

/// How the outputs are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// From the coefficients of basis functions, where there are many outputs.
    Basis,
    /// One by one.
    Dense,
}

/// The decay of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decay {
    /// As all trainings.
    Usual,
    /// For outputs that a network would rather learn by heart.
    Strong,
}

/// A kind of network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// What the trunk is applied to.
    pub features: Features,
    /// Its blocks.
    pub trunk: Trunk,
    /// How the outputs are computed.
    pub head: Head,
    /// The decay of its weights.
    pub decay: Decay,
}

impl Kind {
    /// The strongest fixed network that is known for most data.
    pub const GATED: Self = Self {
        features: Features::Plain,
        trunk: Trunk::Gated,
        head: Head::Basis,
        decay: Decay::Usual,
    };

    /// Returns all kinds, in the order of the groups' candidates.
    pub fn all() -> impl Iterator<Item = Self> {
        let features = [Features::Plain, Features::Fourier].into_iter();
        let trunks = [Trunk::Gated, Trunk::Residual, Trunk::Plain];
        let both = features.flat_map(move |features| trunks.map(|trunk| (features, trunk)));
        let heads = [Head::Basis, Head::Dense];
        let three =
            both.flat_map(move |(features, trunk)| heads.map(|head| (features, trunk, head)));
        three.flat_map(|(features, trunk, head)| {
            [Decay::Usual, Decay::Strong].map(|decay| Self {
                features,
                trunk,
                head,
                decay,
            })
        })
    }

    /// Returns its name: the trunk's, with what differs from the usual before and behind it.
    #[must_use]
    pub fn name(self) -> String {
        let before = match self.features {
            Features::Plain => "",
            Features::Fourier => "fourier-",
        };
        let trunk = match self.trunk {
            Trunk::Gated => "gated",
            Trunk::Residual => "residual",
            Trunk::Plain => "plain",
        };
        let head = match self.head {
            Head::Basis => "",
            Head::Dense => "-dense",
        };
        let behind = match self.decay {
            Decay::Usual => "",
            Decay::Strong => "-decayed",
        };
        format!("{before}{trunk}{head}{behind}")
    }

    /// Returns the kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name() == name)
    }

    /// Whether the kind differs from all others for this number of outputs: few have no basis.
    #[must_use]
    pub fn applies(self, outputs: usize) -> bool {
        self.head == Head::Basis || outputs > BASIS_FROM
    }

    /// Returns the kind that is the same for this number of outputs, and applies.
    #[must_use]
    pub fn for_outputs(self, outputs: usize) -> Self {
        match self.applies(outputs) {
            true => self,
            false => Self {
                head: Head::Basis,
                ..self
            },
        }
    }

    /// Returns the decay of its weights, if that is another than usual.
    #[must_use]
    pub fn decay(self) -> Option<f64> {
        (self.decay == Decay::Strong).then_some(STRONG_DECAY)
    }

    /// The first layer.
    pub(crate) fn first(self) -> Candidate {
        match self.features {
            Features::Plain => Candidate::Dense,
            Features::Fourier => Candidate::Fourier {
                frequencies: FREQUENCIES,
            },
        }
    }

    /// The operation of a block.
    pub(crate) fn block(self) -> Candidate {
        match self.trunk {
            Trunk::Gated => Candidate::Gated,
            Trunk::Residual | Trunk::Plain => Candidate::Dense,
        }
    }

    /// The operation of the head, whose basis has `rank` functions.
    pub(crate) fn head(self, outputs: usize, rank: usize) -> Candidate {
        match self.head == Head::Dense || outputs <= BASIS_FROM.max(rank) {
            true => Candidate::Dense,
            false => Candidate::LowRank { rank },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        let names: BTreeSet<String> = Kind::all().map(Kind::name).collect();
        assert_eq!(names.len(), 24);
        assert!(Kind::all().all(|kind| Kind::named(&kind.name()) == Some(kind)));
        assert_eq!(Kind::GATED.name(), "gated");
        assert!(names.contains("fourier-residual-dense-decayed"));
        assert_eq!(Kind::named("gated-fourier"), None);
    }
}
