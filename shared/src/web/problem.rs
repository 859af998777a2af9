//! Errors as clients see them: RFC 9457 problem details, one sentence each, without internals.

use axum::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;

/// An error response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    kind: ProblemType,
    status: StatusCode,
    detail: String,
    retry_after: Option<u64>,
}

/// The kind of problem: a URI that does not depend on the host, the path or the sentence. docs/API.md lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) enum ProblemType {
    #[serde(rename = "urn:emptyclassroom:problem:not-found")]
    NotFound,
    #[serde(rename = "urn:emptyclassroom:problem:method-not-allowed")]
    MethodNotAllowed,
    #[serde(rename = "urn:emptyclassroom:problem:internal-error")]
    InternalError,
    #[serde(rename = "urn:emptyclassroom:problem:bad-parameter")]
    BadParameter,
    #[serde(rename = "urn:emptyclassroom:problem:unreadable-body")]
    UnreadableBody,
    #[serde(rename = "urn:emptyclassroom:problem:unauthorized")]
    Unauthorized,
    #[serde(rename = "urn:emptyclassroom:problem:cache-invalidation-disabled")]
    CacheInvalidationDisabled,
    #[serde(rename = "urn:emptyclassroom:problem:classroom-not-found")]
    ClassroomNotFound,
    #[serde(rename = "urn:emptyclassroom:problem:date-not-kept")]
    DateNotKept,
    #[serde(rename = "urn:emptyclassroom:problem:body-timeout")]
    BodyTimeout,
    #[serde(rename = "urn:emptyclassroom:problem:body-too-large")]
    BodyTooLarge,
    #[serde(rename = "urn:emptyclassroom:problem:refresh-cooldown")]
    RefreshCooldown,
    #[serde(rename = "urn:emptyclassroom:problem:refresh-failed")]
    RefreshFailed,
    #[serde(rename = "urn:emptyclassroom:problem:cache-unavailable")]
    CacheUnavailable,
    #[serde(rename = "urn:emptyclassroom:problem:refresh-in-progress")]
    RefreshInProgress,
}

/// An error as problem details (RFC 9457).
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Problem))]
pub(super) struct Details<'a> {
    /// The kind of problem, for programs.
    r#type: ProblemType,
    /// The reason phrase of the status.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// A sentence that says what is wrong.
    detail: &'a str,
}

impl Problem {
    fn new(kind: ProblemType, status: StatusCode, detail: impl Into<String>) -> Self {
        Self { kind, status, detail: detail.into(), retry_after: None }
    }

    /// 404: no such path.
    pub(crate) fn not_found() -> Self {
        Self::new(ProblemType::NotFound, StatusCode::NOT_FOUND, "Not Found")
    }

    /// 405: the path exists. Axum adds the Allow header.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(ProblemType::MethodNotAllowed, StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
    }

    /// 500: a bug.
    pub(crate) fn internal() -> Self {
        Self::new(ProblemType::InternalError, StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }
}

impl Problem {
    /// 400: a parameter has a bad value.
    pub(crate) fn bad_parameter(mut bad: super::query::BadParameter) -> Self {
        if let Some((end, _)) = bad.held.char_indices().nth(50) {
            bad.held.truncate(end);
            bad.held.push('…');
        }
        Self::new(ProblemType::BadParameter, StatusCode::BAD_REQUEST, bad.to_string())
    }

    /// 400: the body does not match its headers.
    pub(crate) fn unreadable_content() -> Self {
        Self::new(ProblemType::UnreadableBody, StatusCode::BAD_REQUEST, "The request body cannot be read")
    }

    /// 401: the admin token is missing or wrong.
    pub(crate) fn unauthorized() -> Self {
        Self::new(ProblemType::Unauthorized, StatusCode::UNAUTHORIZED, "Invalid or missing admin token")
    }

    /// 403: no admin token is configured.
    pub(crate) fn forbidden() -> Self {
        Self::new(ProblemType::CacheInvalidationDisabled, StatusCode::FORBIDDEN, "Cache invalidation is not enabled")
    }

    /// 404: no such room on this campus.
    pub(crate) fn classroom_not_found() -> Self {
        Self::new(ProblemType::ClassroomNotFound, StatusCode::NOT_FOUND, "Classroom not found")
    }

    /// 404: a day that is not kept.
    pub(crate) fn date_not_kept(date: chrono::NaiveDate) -> Self {
        Self::new(ProblemType::DateNotKept, StatusCode::NOT_FOUND, format!("No availability is kept for {date}"))
    }

    /// 408: the client announced a body and did not send it in time.
    pub(crate) fn content_timed_out(limit: std::time::Duration) -> Self {
        let detail = format!("The request body did not arrive within {} s", limit.as_secs());
        Self::new(ProblemType::BodyTimeout, StatusCode::REQUEST_TIMEOUT, detail)
    }

    /// 413: the body is too long for a request that needs none.
    pub(crate) fn content_too_large(limit: usize) -> Self {
        let detail = format!("The request body is longer than {limit} bytes");
        Self::new(ProblemType::BodyTooLarge, StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// 429: the frontend reads the minutes from this sentence.
    pub(crate) fn cooling_down(left: domain::cooldown::Remaining) -> Self {
        let detail = format!("Refresh cooldown active. Please wait {:.1} more minutes.", left.minutes());
        let problem = Self::new(ProblemType::RefreshCooldown, StatusCode::TOO_MANY_REQUESTS, detail);
        Self { retry_after: Some(left.whole_seconds()), ..problem }
    }

    /// 502: 25Live failed.
    pub(crate) fn refresh_failed() -> Self {
        Self::new(ProblemType::RefreshFailed, StatusCode::BAD_GATEWAY, "Failed to refresh data")
    }

    /// 503: no data available now.
    pub(crate) fn cache_unavailable(retry_after: std::time::Duration) -> Self {
        Self::unavailable(ProblemType::CacheUnavailable, "Cache unavailable", retry_after)
    }

    /// 503: another sweep takes longer than a request can wait for.
    pub(crate) fn refresh_in_progress(retry_after: std::time::Duration) -> Self {
        Self::unavailable(ProblemType::RefreshInProgress, "Refresh in progress", retry_after)
    }

    fn unavailable(kind: ProblemType, detail: &str, retry_after: std::time::Duration) -> Self {
        let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
        Self { retry_after: Some(seconds), ..Self::new(kind, StatusCode::SERVICE_UNAVAILABLE, detail) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or_default();
        let details = Details { r#type: self.kind, title, status: self.status.as_u16(), detail: &self.detail };
        let mut response = (self.status, axum::Json(details)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        debug_assert!(!headers.contains_key(ALLOW), "axum adds its own Allow header");
        response
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::NaiveDate;

    use super::*;
    use crate::web::query::BadParameter;

    #[test]
    fn each_kind_of_problem_has_a_stable_type() {
        let second = Duration::from_secs(1);
        for (problem, name) in [
            (Problem::not_found(), "not-found"),
            (Problem::method_not_allowed(), "method-not-allowed"),
            (Problem::internal(), "internal-error"),
            (Problem::bad_parameter(BadParameter::new("date", "", "")), "bad-parameter"),
            (Problem::unreadable_content(), "unreadable-body"),
            (Problem::unauthorized(), "unauthorized"),
            (Problem::forbidden(), "cache-invalidation-disabled"),
            (Problem::classroom_not_found(), "classroom-not-found"),
            (Problem::date_not_kept(NaiveDate::MIN), "date-not-kept"),
            (Problem::content_timed_out(second), "body-timeout"),
            (Problem::content_too_large(1), "body-too-large"),
            (Problem::refresh_failed(), "refresh-failed"),
            (Problem::cache_unavailable(second), "cache-unavailable"),
            (Problem::refresh_in_progress(second), "refresh-in-progress"),
        ] {
            let written = serde_json::to_value(problem.kind).unwrap();
            assert_eq!(written, format!("urn:emptyclassroom:problem:{name}"));
        }
    }
}
