//! What is shown to readers: a body, where it came from, and whether the client has it already.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use headers::{ETag, HeaderMapExt, IfNoneMatch};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG},
};
use serde::Serialize;

use super::{X_CACHE, problem::Problem};
use crate::{cached_snapshot::digest, error_chain, read::Source};

/// A body for a reader.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
    /// A digest of the body.
    pub(super) etag: String,
    pub(super) source: Source,
}

impl Shown {
    /// A body in JSON that is ready.
    pub(super) fn ready(body: Bytes, etag: String, source: Source) -> Self {
        Self { content_type: "application/json", body, etag, source }
    }

    /// A body in JSON that is yet to be rendered.
    pub(super) fn json(body: &impl Serialize, source: Source) -> Result<Self, Problem> {
        let body = serde_json::to_vec(body).map(Bytes::from).map_err(|error| unreadable(&error))?;
        Ok(Self::ready(body.clone(), digest(&body), source))
    }

    /// A calendar.
    pub(super) fn calendar(text: String, source: Source) -> Self {
        let body = Bytes::from(text);
        Self { content_type: "text/calendar; charset=utf-8", etag: digest(&body), body, source }
    }

    /// The body, or 304 if the client has it.
    pub(super) fn to(self, request: &HeaderMap) -> Response {
        let mut response = conditional(request, self.content_type, self.body, &self.etag);
        response.headers_mut().insert(X_CACHE, HeaderValue::from_static(self.source.as_str()));
        response
    }
}

/// The body, or 304 if the client has it. Clients ask each time (`no-cache`), so that one that has just refreshed sees the new
/// data at once, and one that asks about now what is true now.
pub(super) fn conditional(request: &HeaderMap, content_type: &'static str, body: Bytes, etag: &str) -> Response {
    let quoted = format!("\"{etag}\"");
    let known = match (request.typed_get::<IfNoneMatch>(), quoted.parse::<ETag>()) {
        (Some(condition), Ok(etag)) => !condition.precondition_passes(&etag),
        _ => false,
    };
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, HeaderValue::from_static(content_type))], body).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(etag) = HeaderValue::try_from(quoted) {
        headers.insert(ETAG, etag);
    }
    response
}

/// A snapshot that cannot be read or written again: a bug, or the work of another program.
pub(super) fn unreadable(error: &serde_json::Error) -> Problem {
    tracing::error!(cause = error_chain(error), "an answer could not be taken from its snapshot");
    Problem::internal()
}
