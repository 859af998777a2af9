//! What is compiled in and served as it is: a page, a document.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use headers::{ETag, HeaderMapExt, IfNoneMatch};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};

use crate::cached_snapshot::digest;

/// A body that stays the same until the next deployment.
#[derive(Clone, Debug)]
pub(super) struct Fixed {
    content_type: &'static str,
    body: Bytes,
    /// What a page may load and run.
    policy: Option<&'static str>,
    etag: Option<ETag>,
}

impl Fixed {
    pub(super) fn new(content_type: &'static str, body: impl Into<Bytes>, policy: Option<&'static str>) -> Self {
        let body = body.into();
        let etag = format!("\"{}\"", digest(&body)).parse().ok();
        Self { content_type, body, policy, etag }
    }

    /// The body, or 304 if the client has it. It asks each time (`no-cache`), so that after a deployment all that it has is of
    /// one version.
    pub(super) fn to(&self, request: &HeaderMap) -> Response {
        let known = match (request.typed_get::<IfNoneMatch>(), &self.etag) {
            (Some(condition), Some(etag)) => !condition.precondition_passes(etag),
            _ => false,
        };
        let mut response = if known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(CONTENT_TYPE, HeaderValue::from_static(self.content_type))], self.body.clone()).into_response()
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Some(policy) = self.policy {
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        }
        if let Some(etag) = &self.etag {
            headers.typed_insert(etag.clone());
        }
        response
    }
}
