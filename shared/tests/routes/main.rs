//! The exact responses of all routes, over both caches, to API Gateway's events (`events/`), with a simulated 25Live and a clock
//! that the test sets. There is one module per route, and one per feature that all routes share.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod buildings;
mod calendar;
mod classroom;
mod conditional;
mod cooldown_status;
mod cors;
mod days;
mod edge;
mod errors;
mod events;
mod examples;
mod health;
mod hints;
mod last_updated;
mod open_classrooms;
#[cfg(feature = "openapi")]
mod openapi;
mod page;
mod questions;
mod refresh;
mod simulated;
mod support;
