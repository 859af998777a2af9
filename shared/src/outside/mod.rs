//! The things outside the process, one module for each.

#[cfg(feature = "lambda")]
pub(crate) mod aws;
pub mod cache;
pub mod clock;
pub mod events;
pub mod metrics;
pub(crate) mod single_flight;
pub mod twenty_five_live;
