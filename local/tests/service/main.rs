//! The whole local server over HTTP, with a simulated 25Live, both caches and a clock that the test sets.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod clients;
mod failing;
mod large_campuses;
mod opening_hours;
mod reading;
mod redis_trouble;
mod refreshing;
mod support;
mod times;
