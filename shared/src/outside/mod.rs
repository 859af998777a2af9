//! The systems outside the process, one module each.

pub mod cache;
pub mod clock;
pub mod events;
pub mod metrics;
pub(crate) mod single_flight;
pub(crate) mod tls;
pub mod twenty_five_live;
