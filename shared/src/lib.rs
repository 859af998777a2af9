//! Which classroom is free now, and until when: the library behind EmptyClassroom's functions and its local server.
//!
//! # Layout
//!
//! The pure centre knows no clock, no network and no runtime; time comes in as an argument:
//!
//! * [`campus`] and [`time_of_day`]: buildings, opening hours and rooms, from a campus file.
//! * [`bookings`]: 25Live's answer for a room, and the bookings in it.
//! * [`slots`]: the rule, from bookings to free slots.
//! * [`snapshot`]: every room on one day; its JSON is the answer to the frontend.
//! * [`cached_snapshot`]: a snapshot as it lies in the cache.
//! * [`cooldown`]: how long nobody may ask for another sweep.
//! * [`free_period`] and [`campus_day`]: when a room is really free, as times and as instants.
//! * [`parameters`] and [`question`]: a query string, what it asks about a day's rooms, and the answer out of a snapshot.
//! * [`facts`] and `calendar`: what else a room's slots tell, at an instant and as iCalendar.
//!
//! Around it, a module for each thing outside: [`twenty_five_live`], [`cache`] (Redis or memory), [`events`], [`clock`],
//! [`metrics`], and `aws` for what its clients have in common.
//! Above them the use cases: [`sweep`], [`refresh`], [`read`] and [`health`]. At the edge [`http`], [`config`] and [`logs`];
//! [`core`] puts it all together, and [`lambda`] starts a function. Imports point inwards only.
//!
//! Data flows one way: 25Live's answer → [`bookings::Bookings`] → [`slots::Slot`]s → [`snapshot::Snapshot`] →
//! [`cached_snapshot::CachedSnapshot`] → cache → response.

#[cfg(feature = "aws")]
mod aws;
pub mod bookings;
pub mod cache;
pub mod cached_snapshot;
#[cfg(feature = "twenty-five-live")]
pub mod calendar;
pub mod campus;
pub mod campus_day;
pub mod clock;
pub mod config;
pub mod cooldown;
pub mod core;
pub mod events;
pub mod facts;
pub mod free_period;
pub mod health;
pub mod http;
#[cfg(feature = "lambda")]
pub mod lambda;
pub mod last_good;
pub mod logs;
pub mod metrics;
pub mod parameters;
pub mod question;
#[cfg(feature = "twenty-five-live")]
pub mod read;
#[cfg(feature = "twenty-five-live")]
pub mod refresh;
#[cfg(any(feature = "redis", feature = "twenty-five-live"))]
mod single_flight;
pub mod slots;
pub mod snapshot;
#[cfg(feature = "twenty-five-live")]
pub mod sweep;
pub mod time_of_day;
#[cfg(feature = "twenty-five-live")]
pub mod twenty_five_live;

pub use crate::logs::error_chain;

/// Makes *ring* the process's TLS implementation, for Redis, 25Live and AWS alike. Each `main` calls it first.
#[cfg(feature = "redis")]
pub fn install_tls() {
    // An error says that one is installed already, which is what is wanted.
    let _: Result<(), _> = rustls::crypto::ring::default_provider().install_default();
}
