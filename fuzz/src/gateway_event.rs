//! Fuzzes the events that API Gateway sends to a function.

use http::{Method, StatusCode};
use serde_json::{Map, Value};

use crate::service::{Cached, answer};

/// Parses the bytes as an event. An event that a client can cause is a request, and every request gets a valid response.
///
/// # Panics
/// An invariant is broken.
pub fn check(event: &[u8]) {
    for cached in [Cached::Sweep, Cached::Failure, Cached::Nothing] {
        match answer(cached, event) {
            Ok(answer) => check_answer(&answer),
            Err(_) if !is_request(event) => return,
            Err(_) => check_answer(&answer(cached, &each_key_once(event)).expect("a request should not be refused")),
        }
    }
}

/// Returns whether a client can cause such an event: it has a method, and its URI is within API Gateway's limit.
fn is_request(event: &[u8]) -> bool {
    let Ok(event) = serde_json::from_slice::<Value>(event) else { return false };
    let Some(method) = event.pointer("/requestContext/http/method").and_then(Value::as_str) else { return false };
    let length = |key| event.get(key).and_then(Value::as_str).unwrap_or_default().len();
    method.parse::<Method>().is_ok() && length("rawPath") + length("rawQueryString") <= 10_240
}

/// Returns the event without duplicate keys, which API Gateway never sends.
fn each_key_once(event: &[u8]) -> Vec<u8> {
    let event: Value = serde_json::from_slice(event).unwrap();
    event.to_string().into_bytes()
}

/// Checks that the response is valid for API Gateway and for clients.
pub(crate) fn check_answer(answer: &Value) {
    let status = answer["statusCode"].as_u64().expect("there should be a status");
    assert!((100..=599).contains(&status) && status != 500, "{answer}");
    let status = StatusCode::from_u16(u16::try_from(status).unwrap()).unwrap();
    let headers = answer["headers"].as_object().expect("there should be headers");
    assert_eq!(header(headers, "x-content-type-options"), Some("nosniff"), "{answer}");
    assert!(header(headers, "cache-control").is_some(), "{answer}");
    let content_type = header(headers, "content-type");
    let is_bytes = header(headers, "content-encoding").is_some()
        || content_type.is_some_and(|content_type| content_type.starts_with("image/"));
    assert!(is_bytes || answer["isBase64Encoded"] == false, "this is text: {answer}");
    if is_bytes {
        return;
    }

    let body = answer["body"].as_str().unwrap_or_default();
    match (status.as_u16(), content_type) {
        (304, _) => assert!(body.is_empty(), "{answer}"),
        (303 | 308, None) => assert!(header(headers, "location").is_some(), "{answer}"),
        (400.., Some("application/problem+json")) => check_problem(status, body),
        (200 | 503, Some("application/json" | "application/manifest+json")) => check_json(status, body),
        (200 | 404, Some("text/html; charset=utf-8")) => check_text(body, "<!doctype html>"),
        (200, Some("text/javascript; charset=utf-8")) => check_text(body, "// The page's service worker."),
        (200, Some("text/plain; charset=utf-8")) => check_text(body, "User-agent: *"),
        (200, Some("text/calendar; charset=utf-8")) => check_text(body, "BEGIN:VCALENDAR"),
        other => panic!("{other:?}: {answer}"),
    }
}

fn check_problem(status: StatusCode, body: &str) {
    // The response to HEAD.
    if body.is_empty() {
        return;
    }
    let problem: Value = serde_json::from_str(body).expect("a problem should be JSON");
    assert_eq!(problem["status"], status.as_u16(), "{body}");
    let problem_type = problem["type"].as_str().unwrap_or_default();
    assert!(problem_type.starts_with("urn:emptyclassroom:problem:"), "{body}");
    assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty() && detail.len() < 500), "{body}");
}

/// Checks JSON. Apart from problems, only a failing health check is JSON with another status than 200.
fn check_json(status: StatusCode, body: &str) {
    if body.is_empty() {
        return;
    }
    let body: Value = serde_json::from_str(body).expect("a body should be JSON");
    assert!(status == StatusCode::OK || body["status"] == "failing", "{body}");
}

fn check_text(body: &str, beginning: &str) {
    assert!(body.is_empty() || body.starts_with(beginning), "{body}");
}

fn header<'a>(headers: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(Value::as_str)
}
