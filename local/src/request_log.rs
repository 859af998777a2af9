//! A log line for each request.

use std::time::Instant;

use hyper::{Method, Request, StatusCode, Uri};

/// Watched every few seconds, and so logged at `debug`.
const HEALTH: &str = "/api/health";
/// How many characters of a path are logged: a client may send 64 KB.
const LONGEST_PATH: usize = 200;

/// A request under way, of which a line is logged once its response is there.
pub(crate) struct RequestLine {
    method: Method,
    uri: Uri,
    began: Instant,
}

impl RequestLine {
    pub(crate) fn begin<B>(request: &Request<B>) -> Self {
        Self { method: request.method().clone(), uri: request.uri().clone(), began: Instant::now() }
    }

    /// Without the query: it holds what people look for, and what a client may have sent there by mistake.
    pub(crate) fn log(self, status: StatusCode) {
        let path = self.uri.path();
        let shown = path.get(..path.floor_char_boundary(LONGEST_PATH)).unwrap_or_default();
        let (method, status) = (self.method.as_str(), status.as_u16());
        let duration_ms = milliseconds(self.began);
        if path == HEALTH {
            tracing::debug!(method, path = shown, status, duration_ms, "request");
        } else {
            tracing::info!(method, path = shown, status, duration_ms, "request");
        }
    }
}

/// The time since then, to a hundredth: a hit takes less than a millisecond.
fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 100_000.0).round() / 100.0
}
