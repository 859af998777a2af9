//! Which classroom is free now, and until when: the library behind EmptyClassroom's functions and its local server.
//!
//! # Layout
//!
//! Each folder is a layer. Imports point inwards only, from a later line to an earlier one; `make check` fails on one that
//! does not.
//!
//! * [`domain`], a crate of its own: the rules, free of I/O.
//! * [`outside`]: one module for each thing outside the process: 25Live, the cache, the event bus, the clock, the metrics.
//! * [`service`]: what the service does with them: [`read`](service::read), [`refresh`](service::refresh),
//!   [`health`](service::health).
//! * [`web`]: the HTTP API and the pages.
//! * [`lambda`]: the start of a Lambda function, and API Gateway's events.
//!
//! [`config`] and [`logs`] stand beside them, for all but the domain.
//!
//! Data flows one way: 25Live's answer → [`Bookings`](domain::bookings::Bookings) → [`Slot`](domain::slots::Slot)s →
//! [`Snapshot`](domain::snapshot::Snapshot) → [`CachedSnapshot`](outside::cache::CachedSnapshot) → cache → response.

pub mod config;
#[cfg(feature = "lambda")]
pub mod lambda;
pub mod logs;
pub mod outside;
pub mod service;
pub mod web;

pub use domain;

pub use crate::logs::error_chain;

/// Makes *ring* the process's TLS provider, for Redis, 25Live and AWS. Each `main` calls it first.
pub fn install_tls() {
    // An error says that a provider is installed already.
    let _: Result<(), _> = rustls::crypto::ring::default_provider().install_default();
}
