//! EmptyClassroom on one machine, for development, tests and self-hosting.
//!
//! # Layout
//!
//! * [`server`]: the service put together for this home, and served.
//! * `connections`: those of clients, on none of which is waited without an end.
//! * `request_log`: a log line for each request.
//! * [`schedule`]: when the next scheduled refresh is due.
//! * [`mod@env`]: the environment and the `.env` file.
//! * [`cli`]: the command line.
//! * [`campus`]: campus files, drafted from 25Live's room lists and checked.

pub mod campus;
pub mod cli;
mod connections;
pub mod env;
mod request_log;
pub mod schedule;
pub mod server;
