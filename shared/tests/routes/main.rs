//! What clients get, header by header and word by word: all the routes over both caches, asked with API Gateway's events of
//! `events/`, with a simulated 25Live and a clock that the test sets. One module for each route, and one for each thing that
//! all routes have in common.

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
