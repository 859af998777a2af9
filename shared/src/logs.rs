//! Logs: JSON for machines, lines of text for people, `RUST_LOG` honoured in both.

use std::{
    error::Error,
    io::{self, IsTerminal},
    panic,
};

use tracing::{Level, Metadata, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer, Registry,
    filter::{Targets, filter_fn},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Libraries that would print what they are given, secrets included, at their finest levels. `RUST_LOG` cannot change it.
const KEPT_AT_INFO: [&str; 4] = ["aws_smithy_runtime", "hyper", "lambda_http", "lambda_runtime"];

/// Who reads the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// CloudWatch and other machines: a JSON object a line, on standard output.
    Json,
    /// People: a line of text each, on standard error.
    Text,
}

/// Starts logging: `info` and above, or what `RUST_LOG` says (`debug`, or `warn,emptyclassroom=debug`). Later calls change
/// nothing.
pub fn start(format: Format, rust_log: Option<String>) {
    let said = rust_log.unwrap_or_default();
    let filter = if said.is_empty() { Ok(Targets::new().with_default(LevelFilter::INFO)) } else { said.parse() };
    let (filter, misread) = match filter {
        Ok(filter) => (filter, false),
        Err(_) => (Targets::new().with_default(LevelFilter::INFO), true),
    };
    let lines = fmt::layer().with_target(false);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
        Format::Json => {
            let lines =
                lines.json().flatten_event(true).with_current_span(false).with_span_list(false).with_ansi(false);
            // Without spans: Lambda's runtime opens one at each event, with 200 bytes of ids that the lines START and END give too.
            lines.with_filter(filter_fn(is_line)).boxed()
        }
        Format::Text => lines.with_ansi(io::stderr().is_terminal()).with_writer(io::stderr).boxed(),
    };
    // An earlier subscriber stays: tests start the service many times in one process.
    let lines = lines.with_filter(filter).with_filter(filter_fn(is_harmless));
    let _: Result<(), _> = tracing_subscriber::registry().with(lines).try_init();
    if format == Format::Json {
        panic::set_hook(Box::new(|panic| tracing::error!(cause = %panic, "a panic")));
    }
    if misread {
        tracing::warn!(
            RUST_LOG = said,
            "RUST_LOG is passed over: it should be as `debug` or `warn,emptyclassroom=debug`"
        );
    }
}

fn is_line(line: &Metadata<'_>) -> bool {
    line.is_event()
}

fn is_harmless(line: &Metadata<'_>) -> bool {
    *line.level() <= Level::INFO || !KEPT_AT_INFO.iter().any(|library| line.target().starts_with(library))
}

/// How many characters of an error are told. Some quote what they could not read, and that may be megabytes long.
const LONGEST_CHAIN: usize = 1000;

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
    if let Some((end, _)) = chain.char_indices().nth(LONGEST_CHAIN) {
        chain.truncate(end);
        chain.push('…');
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_quotes_a_long_text_is_told_in_a_line() {
        let error = serde_json::from_str::<u32>(&format!("{:?}", "é".repeat(100_000))).unwrap_err();
        let told = error_chain(&error);
        assert!(told.starts_with("invalid type: string \"éé") && told.ends_with("é…"), "{told}");
        assert_eq!(told.chars().count(), LONGEST_CHAIN + 1);
    }
}
