//! Executes frozen emulators.
#![cfg_attr(not(any(feature = "std", test)), no_std)]
