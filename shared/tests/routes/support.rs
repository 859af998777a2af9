//! Helpers and bodies that the tests of several routes share.

use std::time::{Duration, Instant};

use simulator::Fault;
use testkit::{Backend, TestApp, TestResponse};

pub(crate) const MINUTE: i64 = 60_000;

/// The token that `refresh-invalidate-cache.json` sends.
pub(crate) const TOKEN: (&str, &str) = ("ADMIN_TOKEN", "test-admin-token");

/// The body with the four rooms after Tuesday's sweep.
pub(crate) const TUESDAY: &str = concat!(
    r#"{"campus":"Boston University","buildings":{"CAS":{"code":"CAS","name":"College of Arts & Sciences","#,
    r#""opens":"07:00","closes":"23:00","classrooms":["#,
    r#"{"id":"342","name":"116","status":"ok","availability":[{"start":"07:00:00","end":"09:04:00","#,
    r#""start_time":"07:00","end_time":"09:04","duration_minutes":124}]},"#,
    r#"{"id":"344","name":"201","status":"ok","availability":[{"start":"07:00:00","end":"23:00:00","#,
    r#""start_time":"07:00","end_time":"23:00","duration_minutes":960}]}]},"#,
    r#""CGS":{"code":"CGS","name":"College of General Studies","opens":"07:00","closes":"21:30","classrooms":["#,
    r#"{"id":"719","name":"129","status":"ok","availability":[]},"#,
    r#"{"id":"723","name":"311","status":"ok","availability":[]}]}},"#,
    r#""last_updated":"2026-03-03T10:00:00.123456-05:00","date":"2026-03-03","timezone":"America/New_York","#,
    r#""stale":false}"#
);

/// The body for `open-classrooms-question.json`: `at=08:00&min_minutes=65&q=cas 116&sort=free_until&building=cas`.
pub(crate) const FREE_AT_EIGHT: &str = concat!(
    r#"{"campus":"Boston University","buildings":{"CAS":{"code":"CAS","name":"College of Arts & Sciences","#,
    r#""opens":"07:00","closes":"23:00","classrooms":["#,
    r#"{"id":"342","name":"116","status":"ok","availability":[{"start":"07:00:00","end":"09:04:00","#,
    r#""start_time":"07:00","end_time":"09:04","duration_minutes":124}],"#,
    r#""free_until":"2026-03-03T09:05:00-05:00","free_minutes":65}]}},"#,
    r#""last_updated":"2026-03-03T10:00:00.123456-05:00","date":"2026-03-03","timezone":"America/New_York","#,
    r#""stale":false}"#
);

/// Starts a service whose cache has Tuesday's sweep only in the reserve, with 25Live failing.
pub(crate) async fn with_only_the_reserve(backend: Backend) -> TestApp {
    let app = TestApp::start(backend).await;
    assert_eq!(app.answer_to("open-classrooms").await.outcome(), (200, "MISS"));
    for key in ["classrooms:availability", "classrooms:last_refresh"] {
        app.store.store.delete(key).await.unwrap();
    }
    app.simulator.misbehave(Fault::Html);
    app
}

pub(crate) const FRONTEND: &str = "https://rooms.example.edu";

/// Asserts that an error body is a complete problem document without any internals.
pub(crate) fn assert_shows_no_internals(app: &TestApp, answer: &TestResponse) {
    let (_, detail) = answer.problem();
    let port = app.simulator.addr().port().to_string();
    let text = answer.text.to_lowercase();
    for internal in [
        "://",
        "127.0.0.1",
        "localhost",
        "example.com",
        "25live",
        "collegenet",
        "redis",
        "classrooms:",
        "lock",
        "panick",
        "thread",
        ".rs",
        "src/",
        "stack",
        "backtrace",
        "error",
        "hyper",
        "reqwest",
        "axum",
        "serde",
        "expected value",
        "line 1",
        "html",
        "test-admin-token",
        "os error",
        &port,
    ] {
        assert!(!text.contains(internal), "the error `{detail}` shows the internal `{internal}`");
    }
}

/// The body of `/api/health` when Redis cannot be reached.
pub(crate) const UNREACHABLE: &str = concat!(
    r#"{"status":"failing","cache":"unreachable","last_updated":null,"age_seconds":null,"#,
    r#""rooms":4,"rooms_ok":null,"rooms_failed":null,"rooms_unreached":null,"rooms_known":null,"#,
    r#""summary":"The cache cannot be reached, so nothing is known about today."}"#
);

/// Returns the response to an event while Redis is paused, and how long it took. The store's timeout is two seconds.
pub(crate) async fn while_redis_hangs(app: &TestApp, event: &str) -> (TestResponse, Duration) {
    let redis = app.store.redis.as_ref().unwrap();
    redis.pause();
    let asked = Instant::now();
    let answer = app.answer_to(event).await;
    redis.resume();
    (answer, asked.elapsed())
}
