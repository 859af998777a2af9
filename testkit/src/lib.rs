//! The support of all tests: the service over a small campus with either cache, and what the tests start for real, on
//! loopback and on free ports: a redis-server, Lambda's Runtime API with the real function behind it, and a network that
//! fails on demand.
//!
//! Everything here ends with its value: dropping a [`RedisServer`], a [`Process`] or a [`Function`] kills and reaps
//! its process, dropping a [`Proxy`] or a [`RuntimeApi`] closes its port. Nothing waits for time to pass; what takes a
//! while is waited for with [`eventually`] or its like, and a wait that runs out panics with a sentence. The clock is the
//! real one: under tokio's paused time these waits would run out at once, because the processes do not share that clock.
//!
//! # Layout
//!
//! - `app`: [`TestApp`], the service in this process, asked with [`GatewayEvent`]s (`event`).
//! - `response`: [`TestResponse`], however the service was asked.
//! - `backend`: [`Backend`], the cache that a test runs over; [`TestStore`].
//! - `clock`: [`TestClock`], which shows the time that the test sets.
//! - `campus`: [`SMALL_CAMPUS`], the campus of the tests, and a 25Live that knows a campus.
//! - `aws_api`: [`AwsApi`], an API of AWS whose answers a test gives.
//! - `redis_server`: [`RedisServer`], a redis-server of the test's own, with or without TLS.
//! - `certificates`: the authority and the server certificate made for TLS.
//! - `runtime_api`: [`RuntimeApi`], the HTTP API that a Lambda bootstrap is a client of.
//! - `process`: [`Process`], a program that is frozen, killed and measured.
//! - `function`: [`Function`], a bootstrap started the way Lambda starts it; its responses and its logs.
//! - `proxy`: [`Proxy`], which swallows, refuses, breaks off or delays what passes through it.
//! - `tls`: [`TlsProxy`], which puts TLS before a plain server, with good certificates and bad ones; [`OldTls`].
//! - `gate`: [`Gate`], a way to Redis that stops at a given command.
//! - `machine`: [`machine`], which a benchmark names.
//! - `waiting`: [`eventually`].
//! - `port`: [`free_port`].
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "test support fails by panicking, everywhere and for any reason"
)]

mod app;
mod aws_api;
mod backend;
mod campus;
mod certificates;
mod clock;
mod event;
mod function;
mod gate;
mod machine;
mod port;
mod process;
mod proxy;
mod redis_server;
mod response;
mod runtime_api;
mod tls;
mod waiting;

pub use app::{TestApp, today};
pub use aws_api::{AwsApi, AwsRequest, SECRET_ARN};
pub use backend::{Backend, TestStore};
pub use campus::{ROOMS, SMALL_CAMPUS, large_campus, simulate, small_campus, small_campus_path, zone_at_midday};
pub use clock::TestClock;
pub use event::{GatewayEvent, event, events_folder};
pub use function::{Function, GRACE, REDIS_TIMEOUT};
pub use gate::Gate;
pub use machine::machine;
pub use port::free_port;
pub use process::Process;
pub use proxy::Proxy;
pub use redis_server::RedisServer;
pub use response::TestResponse;
pub use runtime_api::{InvocationError, RuntimeApi};
pub use tls::{Certificate, OldTls, TlsProxy};
pub use waiting::{PATIENCE, eventually};
