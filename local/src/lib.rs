//! EmptyClassroom on one machine, for development, tests and self-hosting.
//!
//! # Layout
//!
//! * [`server`]: builds the service for one machine and serves it.
//! * `connections`: client connections, each with a time limit.
//! * `request_log`: a log line for each request.
//! * [`schedule`]: when the next scheduled refresh is due.
//! * [`mod@env`]: the environment and the `.env` file.
//! * [`cli`]: the command line.
//! * [`campus`]: drafts and checks campus files.

pub mod campus;
pub mod cli;
mod connections;
pub mod env;
mod request_log;
pub mod schedule;
pub mod server;
