//! Errors as clients see them: RFC 9457 problem details, one sentence each, with nothing of the inside.

use axum::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;

/// An error response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    retry_after: Option<u64>,
}

/// The members of RFC 9457 that are used. Without a `type`, the title is the status's phrase.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Problem))]
pub(super) struct Details<'a> {
    /// The phrase of the status.
    title: &'a str,
    /// The status, again.
    status: u16,
    /// A sentence that tells what is wrong.
    detail: &'a str,
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after: None }
    }

    /// 404: no such path.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    /// 405: the path exists. Axum adds the Allow header.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
    }

    /// 500: a bug.
    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }
}

impl Problem {
    /// 400: a parameter does not hold what it should.
    pub(crate) fn bad_parameter(mut bad: super::query::BadParameter) -> Self {
        if let Some((end, _)) = bad.held.char_indices().nth(50) {
            bad.held.truncate(end);
            bad.held.push('…');
        }
        Self::new(StatusCode::BAD_REQUEST, bad.to_string())
    }

    /// 400: the body is not what its headers say.
    pub(crate) fn unreadable_content() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "The request body cannot be read")
    }

    /// 401: an operator's door, and no right key.
    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Invalid or missing admin token")
    }

    /// 403: an operator's door that is walled up.
    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Cache invalidation is not enabled")
    }

    /// 404: no such room on this campus.
    pub(crate) fn classroom_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Classroom not found")
    }

    /// 404: a day that no sweep has brought.
    pub(crate) fn date_not_kept(date: chrono::NaiveDate) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("No availability is kept for {date}"))
    }

    /// 408: the client has promised a body.
    pub(crate) fn content_did_not_come(limit: std::time::Duration) -> Self {
        let detail = format!("The request body did not come within {} s", limit.as_secs());
        Self::new(StatusCode::REQUEST_TIMEOUT, detail)
    }

    /// 413: more than a request without content can need.
    pub(crate) fn content_too_large(limit: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("The request body is longer than {limit} bytes"))
    }

    /// 429: the sentence that the frontend reads the minutes from.
    pub(crate) fn cooling_down(left: domain::cooldown::Remaining) -> Self {
        let detail = format!("Refresh cooldown active. Please wait {:.1} more minutes.", left.minutes());
        Self { retry_after: Some(left.whole_seconds()), ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// 502: 25Live failed.
    pub(crate) fn refresh_failed() -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "Failed to refresh data")
    }

    /// 503: the cache has nothing for now.
    pub(crate) fn cache_unavailable(retry_after: std::time::Duration) -> Self {
        Self::unavailable("Cache unavailable", retry_after)
    }

    /// 503: another sweep takes longer than a request can wait for.
    pub(crate) fn refresh_in_progress(retry_after: std::time::Duration) -> Self {
        Self::unavailable("Refresh in progress", retry_after)
    }

    fn unavailable(detail: &str, retry_after: std::time::Duration) -> Self {
        let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or_default();
        let details = Details { title, status: self.status.as_u16(), detail: &self.detail };
        let mut response = (self.status, axum::Json(details)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        debug_assert!(!headers.contains_key(ALLOW), "axum's own Allow header would be doubled");
        response
    }
}
