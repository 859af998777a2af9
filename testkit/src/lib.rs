//! Support for all tests: the service over a small campus with either cache, and real servers on free loopback ports: a
//! redis-server, Lambda's Runtime API with a real function, and a network that fails on demand.
//!
//! Every resource ends when its value is dropped: a [`RedisServer`], a [`Process`] or a [`Function`] kills and reaps its
//! process, a [`Proxy`] or a [`RuntimeApi`] closes its port. Nothing sleeps for a fixed time; tests wait for conditions with
//! [`eventually`] and similar functions, which panic with a description when they time out. They use real time: under
//! tokio's paused time they would time out immediately, because the processes do not share that clock.
//!
//! # Layout
//!
//! - `app`: [`TestApp`], the service in this process, which answers [`GatewayEvent`]s (`event`).
//! - `response`: [`TestResponse`], from a router or from a function.
//! - `backend`: [`Backend`], the cache that a test uses; [`TestStore`].
//! - `clock`: [`TestClock`], which shows the time that the test sets.
//! - `campus`: [`SMALL_CAMPUS`], the campus of the tests, and a simulated 25Live for a campus.
//! - `aws_api`: [`AwsApi`], a fake AWS API with responses from the test.
//! - `redis_server`: [`RedisServer`], a separate redis-server for a test, with or without TLS.
//! - `certificates`: a certificate authority and a server certificate.
//! - `runtime_api`: [`RuntimeApi`], the HTTP API that a Lambda bootstrap calls.
//! - `process`: [`Process`], a program that a test can freeze, kill and measure.
//! - `function`: [`Function`], a bootstrap started as Lambda starts it; its responses and its logs.
//! - `proxy`: [`Proxy`], which drops, refuses, breaks off or delays traffic.
//! - `tls`: [`TlsProxy`], which adds TLS to a plain server, with good and bad certificates; [`OldTls`].
//! - `gate`: [`Gate`], a proxy to Redis that stops at a given command.
//! - `machine`: [`machine`], the processors of a benchmark.
//! - `waiting`: [`eventually`].
//! - `port`: [`free_port`].
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "test support fails by panicking"
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
