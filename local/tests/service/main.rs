//! The whole local server over HTTP, with a simulated 25Live, over both caches, and with the clock in the test's hand.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[macro_use]
mod support;

mod clients;
mod failing;
mod reading;
mod redis_trouble;
mod refreshing;
mod times;
