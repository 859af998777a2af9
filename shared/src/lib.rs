//! The library behind EmptyClassroom's functions and its local server: which classroom is free now, and until when.
//!
//! # Layout
//!
//! Each folder is a layer. A layer imports only from layers above it in this list; `make check` enforces it.
//!
//! * [`domain`], a separate crate: the rules, free of I/O.
//! * [`outside`]: the systems outside the process, one module each: 25Live, the cache, the event bus, the clock, the metrics.
//! * [`service`]: what the service does with them: [`read`](service::read), [`refresh`](service::refresh),
//!   [`health`](service::health).
//! * [`web`]: the HTTP API and the pages.
//! * [`lambda`]: the start of a Lambda function, and API Gateway's events.
//!
//! [`config`] and [`logs`] serve all layers except the domain.
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

/// Installs *ring* as the process's TLS provider, for Redis, 25Live and AWS. Each `main` calls this first.
pub fn install_tls() {
    // An error means that a provider is already installed.
    let _: Result<(), _> = rustls::crypto::ring::default_provider().install_default();
}
