//! The two tiers of tests: the short one, which meets every kind of claim and is what a change has to pass; and the long one of
//! `tests/run --long`, which meets all emulators, all flags and all peers.
//!
//! A test that belongs to the long tier alone is `#[ignore = "long: REASON"]`; one that has more to do there asks here.

use std::env;

/// The environment variable that `tests/run` sets to the tier's name.
const TIER: &str = "DENSE_TIER";

/// Returns whether the long tier runs.
#[must_use]
pub fn is_long() -> bool {
    env::var_os(TIER).is_some_and(|tier| tier == "long")
}

/// Returns the one that belongs to the tier that runs.
#[must_use]
pub fn of_tier<T>(short: T, long: T) -> T {
    if is_long() { long } else { short }
}
