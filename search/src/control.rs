//! The control: the fixed network that a search has to beat with the same budget in the same time.
//!
//! It is the strongest fixed network that is known for most data, a gated one
//! ([`Kind::GATED`]). Without a budget, its work is that of the most expensive ensemble that the
//! search can ship. If a search learns components of its outputs, so does the control.

use crate::budget::{Budget, Terms};
use crate::fixed::{Conditions, widest};
use crate::kind::Kind;
use crate::space::{Architecture, Error, Space};
use crate::training::MACS;

/// Name of the control among the contenders of a run.
pub const CONTROL: &str = "control";

/// Returns the widest control within the budget with as many members as possible: a space with
/// nothing to search, and the members. Returns `None` if no control fits the budget.
///
/// `searched` are the spaces of the search that the control competes with.
///
/// # Errors
/// There are no inputs or no outputs.
pub fn control<'a>(
    conditions: Conditions<'_>,
    searched: impl Iterator<Item = &'a Space>,
) -> Result<Option<(Space, Vec<Architecture>)>, Error> {
    let terms = within_work_of(conditions.terms, searched);
    widest(
        CONTROL,
        Kind::GATED,
        Conditions {
            terms,
            ..conditions
        },
    )
}

/// Returns the terms with the work of the most expensive ensemble of these spaces as their budget, if
/// they have none.
#[must_use]
pub fn within_work_of<'a, 'b>(
    terms: Terms<'a>,
    searched: impl Iterator<Item = &'b Space>,
) -> Terms<'a> {
    if terms.budget != Budget::default() {
        return terms;
    }
    let dearest = searched.map(|space| {
        let groups = space.macs().iter();
        groups.filter_map(|group| group.iter().max()).sum::<u64>()
    });
    let macs = (MACS * dearest.max().unwrap_or(0) as f64) as u64;
    Terms {
        budget: Budget {
            macs: Some(macs),
            ..Budget::default()
        },
        ..terms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::check_given;
    use crate::data::Transform;
    use crate::space::Shape;
    use crate::space::presets::{MicroSizes, micro};

    const CURVE: Shape = Shape::Sequence {
        length: 250,
        channels: 1,
    };

    fn width(macs: Option<u64>, members: usize) -> Option<(usize, usize)> {
        let space = micro(5, CURVE, MicroSizes::default()).unwrap();
        let terms = Terms {
            budget: Budget {
                macs,
                ..Budget::default()
            },
            share_of_one: 1.0,
            cost_model: None,
        };
        let conditions = Conditions {
            inputs: 5,
            output: CURVE,
            components: None,
            members,
            terms,
            transform: Transform::None,
        };
        let (space, given) = control(conditions, [&space].into_iter()).unwrap()?;
        check_given(&space, &given, terms, Transform::None).unwrap();
        Some((space.groups()[0].output.size(), given.len()))
    }

    #[test]
    fn the_control_is_as_wide_as_the_budget_allows() {
        assert_eq!(width(Some(1_000_000), 4), Some((128, 4)));
        // 5 w + 8 w^2 for the layers and 48 (w + 250) + 250 for the head of each, 2 * 5 for the error
        // scale.
        let of = |w: u64| 10 + 4 * (5 * w + 8 * w * w + 48 * (w + 250) + 250);
        assert_eq!(width(Some(of(96)), 4), Some((96, 4)));
        assert_eq!(width(Some(of(96) - 1), 4), Some((88, 4)));
        // One member with 16 functions: 5 w + 8 w^2 + 16 (w + 250) + 250, and 2 * 5 for the error
        // scale.
        assert_eq!(width(Some(6_644), 4), Some((16, 1)));
        assert_eq!(width(Some(6_643), 4), Some((8, 1)));
        assert_eq!(width(Some(100), 4), None);
        // The work of the most expensive ensemble of the search.
        let dearest = 5 * 64 + 4 * 2 * 64 * 64 + 48 * (64 + 250) + 5 * 250;
        assert_eq!(width(None, 4), width(Some(dearest * 5 / 2), 4));
    }
}
