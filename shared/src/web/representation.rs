//! Representations: a body, its ETag, and 304 for a client that has it already.

use std::convert::Infallible;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use headers::{ETag, HeaderMapExt, IfNoneMatch};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, VARY},
};
use serde::Serialize;

use super::{CACHE_STATUS, X_CACHE, problem::Problem};
use crate::{error_chain, outside::cache::checksum, service::read::CacheResult};

/// A body made from a snapshot.
#[derive(Clone, Debug)]
pub(super) struct Representation {
    content_type: &'static str,
    body: Bytes,
    /// The ETag, without quotes.
    etag: String,
    cache_result: CacheResult,
}

impl Representation {
    /// A JSON body that is rendered already.
    pub(super) fn ready(body: Bytes, etag: String, cache_result: CacheResult) -> Self {
        Self { content_type: "application/json", body, etag, cache_result }
    }

    /// A JSON body.
    #[expect(clippy::expect_used, reason = "no body has a map with keys that JSON cannot express")]
    pub(super) fn json(body: &impl Serialize, cache_result: CacheResult) -> Self {
        let body = Bytes::from(serde_json::to_vec(body).expect("a body should be JSON"));
        let etag = checksum(&body);
        Self::ready(body, etag, cache_result)
    }

    /// An iCalendar body.
    pub(super) fn calendar(text: String, cache_result: CacheResult) -> Self {
        let body = Bytes::from(text);
        Self { content_type: "text/calendar; charset=utf-8", etag: checksum(&body), body, cache_result }
    }

    /// The response: the body, or 304 if the client has it.
    pub(super) fn respond_to(self, request: &HeaderMap) -> Response {
        let mut response = conditional(request, self.content_type, self.body, &self.etag);
        let headers = response.headers_mut();
        headers.insert(X_CACHE, HeaderValue::from_static(self.cache_result.as_str()));
        headers.insert(CACHE_STATUS, HeaderValue::from_static(cache_status(self.cache_result)));
        response
    }
}

/// The same as X-Cache in the words of RFC 9211.
const fn cache_status(cache_result: CacheResult) -> &'static str {
    match cache_result {
        CacheResult::Hit => "EmptyClassroom; hit",
        CacheResult::Miss => "EmptyClassroom; fwd=miss",
        CacheResult::Stale => "EmptyClassroom; hit; detail=stale",
    }
}

/// The body, or 304 if the client has it. The ETag is weak, because the same body may be sent compressed. Clients must revalidate
/// each time (`no-cache`), so that a client that has just
/// refreshed sees the new data at once, and one that asks about now sees the present minute.
#[expect(clippy::expect_used, reason = "an ETag is made of hexadecimal digits")]
pub(super) fn conditional(request: &HeaderMap, content_type: &'static str, body: Bytes, etag: &str) -> Response {
    let etag: ETag = format!("W/\"{etag}\"").parse().expect("hexadecimal digits in quotes are an ETag");
    let is_known = request.typed_get::<IfNoneMatch>().is_some_and(|condition| !condition.precondition_passes(&etag));
    let mut response = if is_known {
        // The body is of no known length: of an empty one the length would be told, and a 304 may only tell that of the
        // body that it spares the client (RFC 9110, section 8.6).
        (StatusCode::NOT_MODIFIED, Body::from_stream(stream::empty::<Result<Bytes, Infallible>>())).into_response()
    } else {
        ([(CONTENT_TYPE, HeaderValue::from_static(content_type))], body).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.typed_insert(etag);
    response
}

/// 500 for a cached body that is no snapshot: another program wrote it.
pub(super) fn unreadable(error: &serde_json::Error) -> Problem {
    tracing::error!(cause = error_chain(error), "a cached snapshot could not be parsed");
    Problem::internal()
}
