//! Logs: JSON for machines or lines of text for people. Both honor `RUST_LOG`.

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

/// Libraries that would log their input, secrets included, at levels below `info`. `RUST_LOG` cannot override this.
const KEPT_AT_INFO: [&str; 4] = ["aws_smithy_runtime", "hyper", "lambda_http", "lambda_runtime"];

/// Who reads the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// CloudWatch and other machines: one JSON object per line, on standard output.
    Json,
    /// People: lines of text, on standard error.
    Text,
}

/// Starts logging at `info` and above, or by the filter in `RUST_LOG` (`debug`, or `warn,emptyclassroom=debug`). Later calls
/// have no effect.
pub fn start(format: Format, rust_log: Option<String>) {
    let rust_log = rust_log.unwrap_or_default();
    let filter =
        if rust_log.is_empty() { Ok(Targets::new().with_default(LevelFilter::INFO)) } else { rust_log.parse() };
    let (filter, is_ignored) = match filter {
        Ok(filter) => (filter, false),
        Err(_) => (Targets::new().with_default(LevelFilter::INFO), true),
    };
    let lines = fmt::layer().with_target(false);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
        Format::Json => {
            let lines =
                lines.json().flatten_event(true).with_current_span(false).with_span_list(false).with_ansi(false);
            // Without spans: Lambda's runtime opens one per event, with 200 bytes of ids that its START and END lines have too.
            lines.with_filter(filter_fn(is_line)).boxed()
        }
        Format::Text => lines.with_ansi(io::stderr().is_terminal()).with_writer(io::stderr).boxed(),
    };
    // Keep an earlier subscriber: tests start the service many times in one process.
    let lines = lines.with_filter(filter).with_filter(filter_fn(is_harmless));
    let _: Result<(), _> = tracing_subscriber::registry().with(lines).try_init();
    if format == Format::Json {
        panic::set_hook(Box::new(|panic| tracing::error!(cause = %panic, "a thread panicked")));
    }
    if is_ignored {
        tracing::warn!(
            RUST_LOG = rust_log,
            "RUST_LOG is ignored; expected a filter such as `debug` or `warn,emptyclassroom=debug`"
        );
    }
}

fn is_line(line: &Metadata<'_>) -> bool {
    line.is_event()
}

fn is_harmless(line: &Metadata<'_>) -> bool {
    *line.level() <= Level::INFO || !KEPT_AT_INFO.iter().any(|library| line.target().starts_with(library))
}

/// The maximum length of an error in characters. Some errors quote their input, which may be megabytes long.
const LONGEST_CHAIN: usize = 1000;

/// Returns an error and all its causes in one line, for operators.
#[must_use]
pub fn error_chain(error: &dyn Error) -> String {
    let mut chain = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Some libraries repeat the cause's text in their own.
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
    fn a_long_error_is_truncated() {
        let error = serde_json::from_str::<u32>(&format!("{:?}", "é".repeat(100_000))).unwrap_err();
        let shown = error_chain(&error);
        assert!(shown.starts_with("invalid type: string \"éé") && shown.ends_with("é…"), "{shown}");
        assert_eq!(shown.chars().count(), LONGEST_CHAIN + 1);
    }
}
