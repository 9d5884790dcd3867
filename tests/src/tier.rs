//! The two tiers of tests: the short one, which covers every kind of claim and must pass for every
//! change; and the long one of `tests/run --long`, which covers all emulators, all flags and all
//! peers.
//!
//! A test of the long tier alone is `#[ignore = "long: REASON"]`; a test that does more in the long
//! tier calls [`is_long`].

use std::env;

/// The environment variable that `tests/run` sets to the tier's name.
const TIER: &str = "DENSE_TIER";

/// Returns whether the long tier runs.
#[must_use]
pub fn is_long() -> bool {
    env::var_os(TIER).is_some_and(|tier| tier == "long")
}

/// Returns the argument for the tier that runs.
#[must_use]
pub fn of_tier<T>(short: T, long: T) -> T {
    if is_long() { long } else { short }
}
