//! A log line for each request.

use std::time::Instant;

use hyper::{Method, Request, StatusCode, Uri};

/// Logged at `debug`, because monitoring requests it every few seconds.
const HEALTH: &str = "/api/health";
/// How many bytes of a path are logged, because a client may send 64 KB.
const LONGEST_PATH: usize = 200;

/// An open request, which is logged with its response.
pub(crate) struct RequestLine {
    method: Method,
    uri: Uri,
    began: Instant,
}

impl RequestLine {
    pub(crate) fn begin<B>(request: &Request<B>) -> Self {
        Self { method: request.method().clone(), uri: request.uri().clone(), began: Instant::now() }
    }

    /// Logs the request without its query, which contains what users search for, and perhaps secrets sent by mistake.
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

/// The elapsed time in milliseconds, to a hundredth, because a hit takes less than one.
fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 100_000.0).round() / 100.0
}
