//! Logs: JSON for machines on Lambda, lines for people elsewhere, `RUST_LOG` honoured in both.

use std::{
    error::Error,
    io::{self, IsTerminal},
};

use tracing_subscriber::{EnvFilter, filter::Directive};

/// What is logged unless `RUST_LOG` says otherwise.
const DEFAULT: &str = "info";

/// Libraries that would print what they are given, secrets included, at their finest level.
const KEPT_AT_INFO: [&str; 4] = ["lambda_runtime=info", "lambda_http=info", "aws_smithy_runtime=info", "hyper=info"];

/// Who reads the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// CloudWatch: a JSON object a line.
    Json,
    /// A person at a terminal.
    Human,
}

/// Starts logging to standard error (people) or standard output (Lambda). Later calls change nothing.
pub fn start(format: Format) {
    let filter = EnvFilter::builder().parse_lossy(std::env::var("RUST_LOG").unwrap_or_else(|_| DEFAULT.to_owned()));
    let quiet = KEPT_AT_INFO.iter().filter_map(|directive| directive.parse::<Directive>().ok());
    let filter = quiet.fold(filter, EnvFilter::add_directive);
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    // An earlier subscriber stays: tests start the service many times in one process.
    let _: Result<(), _> = match format {
        Format::Json => logs.json().flatten_event(true).with_current_span(false).with_ansi(false).try_init(),
        Format::Human => logs.with_ansi(io::stderr().is_terminal()).with_writer(io::stderr).try_init(),
    };
}

/// An error and all its causes in one line, for operators.
#[must_use]
pub fn error_chain(error: &dyn Error) -> String {
    let mut chain = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Some libraries repeat their cause's text in their own.
        if !chain.ends_with(&text) {
            chain = format!("{chain}: {text}");
        }
        cause = error.source();
    }
    chain
}
