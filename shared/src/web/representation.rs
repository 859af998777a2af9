//! Representations: a body, its ETag, and 304 for a client that already has it.

use std::convert::Infallible;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use headers::{ETag, HeaderMapExt, IfNoneMatch};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY},
};
use serde::Serialize;

use super::{CACHE_STATUS, X_CACHE, problem::Problem};
use crate::{
    error_chain,
    outside::cache::checksum,
    service::read::{CacheResult, Served},
};

/// A body made from a snapshot.
#[derive(Clone, Debug)]
pub(super) struct Representation {
    content_type: &'static str,
    body: Bytes,
    /// The body compressed with gzip, if it is available.
    gzip: Option<Bytes>,
    /// The ETag, without quotes.
    etag: String,
    cache_result: CacheResult,
}

impl Representation {
    /// A JSON body that is already rendered.
    fn ready(body: Bytes, etag: String, cache_result: CacheResult) -> Self {
        Self { content_type: "application/json", body, gzip: None, etag, cache_result }
    }

    /// The body of a cached snapshot: nothing is parsed, rendered or compressed.
    pub(super) fn cached(served: Served, request: &HeaderMap) -> Self {
        let Served { snapshot, cache_result } = served;
        let gzip = if accepts_gzip(request) { snapshot.gzip() } else { None };
        Self { gzip, ..Self::ready(snapshot.body, snapshot.checksum, cache_result) }
    }

    /// A JSON body.
    #[expect(clippy::expect_used, reason = "no body has a map with keys that JSON cannot express")]
    pub(super) fn json(body: &impl Serialize, cache_result: CacheResult) -> Self {
        let body = Bytes::from(serde_json::to_vec(body).expect("a body can be written as JSON"));
        let etag = checksum(&body);
        Self::ready(body, etag, cache_result)
    }

    /// An iCalendar body.
    pub(super) fn calendar(text: String, cache_result: CacheResult) -> Self {
        let body = Bytes::from(text);
        Self { content_type: "text/calendar; charset=utf-8", etag: checksum(&body), body, gzip: None, cache_result }
    }

    /// Responds with the body, or 304 if the client has it.
    pub(super) fn respond_to(self, request: &HeaderMap, cache_control: HeaderValue) -> Response {
        let Self { content_type, body, gzip, etag, .. } = self;
        let mut response = conditional(request, cache_control, content_type, body, gzip, &etag);
        let headers = response.headers_mut();
        headers.insert(X_CACHE, HeaderValue::from_static(self.cache_result.as_str()));
        headers.insert(CACHE_STATUS, HeaderValue::from_static(cache_status(self.cache_result)));
        response
    }
}

/// Whether a client accepts gzip, by name or by `*`, with a weight above zero (RFC 9110, section 12.5.3).
pub(super) fn accepts_gzip(request: &HeaderMap) -> bool {
    let weight = |name| weight(request, &ACCEPT_ENCODING, name);
    weight("gzip").or_else(|| weight("*")).is_some_and(|weight| weight > 0.0)
}

/// Returns the weight of a name in a list of what a client accepts (RFC 9110, section 12.4.2): 0 if the weight is not a number.
/// `None` if the name does not occur, or occurs with other parameters.
pub(super) fn weight(request: &HeaderMap, list: &HeaderName, name: &str) -> Option<f32> {
    let lists = request.get_all(list).into_iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).find_map(|item| {
        let (item, parameter) = item.split_once(';').unwrap_or((item, "q=1"));
        let weight = parameter.trim().strip_prefix(['q', 'Q'])?.trim_start().strip_prefix('=')?.trim_start();
        item.trim().eq_ignore_ascii_case(name).then(|| weight.parse().unwrap_or(0.0))
    })
}

/// The same as X-Cache in the format of RFC 9211.
const fn cache_status(cache_result: CacheResult) -> &'static str {
    match cache_result {
        CacheResult::Hit => "EmptyClassroom; hit",
        CacheResult::Miss => "EmptyClassroom; fwd=miss",
        CacheResult::Stale => "EmptyClassroom; hit; detail=stale",
    }
}

/// Responds with the body, or 304 if the client has it. `gzip` is the compressed body, for a client that accepts it. The ETag is
/// weak, because the same body may be sent compressed.
#[expect(clippy::expect_used, reason = "an ETag is made of hexadecimal digits")]
pub(super) fn conditional(
    request: &HeaderMap,
    cache_control: HeaderValue,
    content_type: &'static str,
    body: Bytes,
    gzip: Option<Bytes>,
    etag: &str,
) -> Response {
    let etag: ETag = format!("W/\"{etag}\"").parse().expect("hexadecimal digits in quotes are an ETag");
    let is_known = request.typed_get::<IfNoneMatch>().is_some_and(|condition| !condition.precondition_passes(&etag));
    let mut response = if is_known {
        // A stream has no known length. An empty body would get `Content-Length: 0`, but a 304 may only have the length of the
        // body that it replaces (RFC 9110, section 8.6).
        (StatusCode::NOT_MODIFIED, Body::from_stream(stream::empty::<Result<Bytes, Infallible>>())).into_response()
    } else if let Some(gzip) = gzip {
        let headers = [(CONTENT_TYPE, content_type), (CONTENT_ENCODING, "gzip")];
        (headers.map(|(name, value)| (name, HeaderValue::from_static(value))), gzip).into_response()
    } else {
        ([(CONTENT_TYPE, HeaderValue::from_static(content_type))], body).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, cache_control);
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.typed_insert(etag);
    response
}

/// Returns 500 for a cached body that is not a snapshot, because another program wrote it.
pub(super) fn unreadable(error: &serde_json::Error) -> Problem {
    tracing::error!(cause = error_chain(error), "a cached snapshot could not be parsed");
    Problem::internal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_accepted_by_name_or_wildcard_with_a_weight_above_zero() {
        for (lists, accepts) in [
            (&["gzip"][..], true),
            (&["br, GZip;q=0.5"], true),
            (&["deflate", "gzip"], true),
            (&["*"], true),
            (&["gzip ; q = 1.0"], true),
            (&["*;q=0, gzip"], true),
            (&[], false),
            (&["br"], false),
            (&["identity"], false),
            (&["gzip;q=0, *"], false),
            (&["gzip;q=0.000"], false),
            (&["gzip;q=x"], false),
            (&["xgzip"], false),
        ] {
            let mut request = HeaderMap::new();
            for list in lists {
                request.append(ACCEPT_ENCODING, HeaderValue::from_static(list));
            }
            assert_eq!(accepts_gzip(&request), accepts, "{lists:?}");
        }
    }
}
