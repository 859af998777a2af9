//! `POST /api/refresh`: the cooldown, failures, and the admin token.

use rstest::rstest;
use simulator::Fault;
use testkit::{
    Backend::{self, Memory, Redis},
    GatewayEvent, ROOMS, TestApp, TestResponse,
};

use crate::support::{MINUTE, TOKEN};

#[rstest]
#[tokio::test]
async fn a_refresh_returns_its_timestamp(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let answer = app.answer_to("refresh").await;
    assert_eq!(
        answer.text,
        r#"{"message":"Data refreshed successfully","timestamp":"2026-03-03T10:00:00.123456-05:00"}"#
    );
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(app.answer_to("open-classrooms").await.outcome(), (200, "HIT"));
}

/// Milliseconds since the refresh, the remaining minutes in `detail`, and `Retry-After`.
const COOLDOWN: [(i64, &str, &str); 7] = [
    (0, "30.0", "1800"),
    (1_000, "30.0", "1799"),
    (MINUTE, "29.0", "1740"),
    (14 * MINUTE + 30_000, "15.5", "930"),
    (14 * MINUTE + 30_001, "15.5", "930"),
    (29 * MINUTE, "1.0", "60"),
    (30 * MINUTE - 1, "0.0", "1"),
];

#[rstest]
#[tokio::test]
async fn during_the_cooldown_429_has_the_remaining_minutes_to_one_decimal(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    assert_eq!(app.answer_to("refresh").await.status, 200);
    let mut now = 0;
    for (at, minutes, retry_after) in COOLDOWN {
        app.advance(at - now);
        now = at;
        let answer = app.answer_to("refresh").await;
        let sentence = format!("Refresh cooldown active. Please wait {minutes} more minutes.");
        assert_eq!(answer.problem(), (429, sentence));
        assert_eq!(answer.problem_type(), "urn:emptyclassroom:problem:refresh-cooldown");
        assert_eq!(answer.header("retry-after"), retry_after, "after {at} ms");
    }
    assert_eq!(app.simulator.requests(), ROOMS.len());
    app.advance(1);
    assert_eq!(app.answer_to("refresh").await.status, 200);
}

/// Whether `Retry-After` is a whole number of seconds from 30 to 60.
fn about_a_minute(answer: &TestResponse) -> bool {
    (30..=60).contains(&answer.header("retry-after").parse::<u32>().unwrap())
}

#[rstest]
#[tokio::test]
async fn a_failed_sweep_is_502_and_requests_during_the_backoff_are_503(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start_with(backend, &[TOKEN]).await;
    app.simulator.misbehave(Fault::Html);
    assert_eq!(app.answer_to("refresh").await.problem(), (502, "Failed to refresh data".to_owned()));
    let requests = app.simulator.requests();
    for event in ["refresh", "refresh-invalidate-cache", "open-classrooms", "classroom"] {
        let answer = app.answer_to(event).await;
        assert_eq!(answer.problem(), (503, "Cache unavailable".to_owned()), "{event}");
        assert!(about_a_minute(&answer), "{event}: {:?}", answer.headers);
    }
    assert_eq!(app.answer_to("cooldown-status").await.json()["in_cooldown"], false);
    assert_eq!(app.simulator.requests(), requests, "no sweep starts during the backoff");
}

#[rstest]
#[tokio::test]
async fn only_the_admin_token_drops_the_cache(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start_with(backend, &[TOKEN]).await;
    app.answer_to("open-classrooms").await;
    let event = GatewayEvent::post("/api/refresh?invalidate_cache=true");
    let invalid_tokens =
        ["", "Bearer", "Bearer ", "Bearer wrong", "Bearer test-admin-toke", "Basic dGVzdDphZG1pbg==", "\t"];
    for authorization in invalid_tokens {
        let answer = app.answer(event.clone().header("authorization", authorization)).await;
        assert_eq!(answer.problem(), (401, "Invalid or missing admin token".to_owned()), "{authorization}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    assert_eq!(app.answer(event).await.status, 401);
    assert_eq!(app.answer_to("open-classrooms").await.outcome(), (200, "HIT"), "the cache is not dropped");

    app.advance(MINUTE);
    let answer = app.answer_to("refresh-invalidate-cache").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["timestamp"], "2026-03-03T10:01:00.123456-05:00", "the cooldown is ignored");
    let declined = GatewayEvent::post("/api/refresh?invalidate_cache=false");
    assert_eq!(app.answer(declined).await.status, 429);
}

#[rstest]
#[tokio::test]
async fn without_a_configured_admin_token_invalidate_cache_is_403(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    app.answer_to("open-classrooms").await;
    for event in [
        GatewayEvent::named("refresh-invalidate-cache"),
        GatewayEvent::post("/api/refresh?invalidate_cache=true").header("authorization", "Bearer "),
    ] {
        let answer = app.answer(event).await;
        assert_eq!(answer.problem(), (403, "Cache invalidation is not enabled".to_owned()));
        assert_eq!(answer.header("www-authenticate"), "");
    }
    assert_eq!(app.answer_to("open-classrooms").await.outcome(), (200, "HIT"), "the cache is not dropped");
}

#[rstest]
#[tokio::test]
async fn a_request_body_of_1024_bytes_is_accepted_and_1025_is_413(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let too_long = app.answer(GatewayEvent::named("refresh").body(&"x".repeat(1025))).await;
    assert_eq!(too_long.problem(), (413, "The request body is longer than 1024 bytes".to_owned()));
    assert_eq!(app.simulator.requests(), 0);
    assert_eq!(app.answer(GatewayEvent::named("refresh").body(&"x".repeat(1024))).await.status, 200);
}

#[tokio::test]
async fn a_sweep_without_any_booking_fails_if_the_last_one_had_some() {
    let app = TestApp::start(Backend::Memory).await;
    app.simulator.misbehave(Fault::MissingItems);
    assert_eq!(app.answer_to("refresh").await.status, 200, "the first sweep may be empty");
    app.simulator.behave();
    app.advance(31 * MINUTE);
    assert_eq!(app.answer_to("refresh").await.status, 200);
    let good = app.answer_to("open-classrooms").await;
    app.advance(31 * MINUTE);
    app.simulator.misbehave(Fault::MissingItems);
    assert_eq!(app.answer_to("refresh").await.problem(), (502, "Failed to refresh data".to_owned()));
    let kept = app.answer_to("open-classrooms").await;
    assert_eq!((kept.outcome(), &kept.text), ((200, "HIT"), &good.text));
}
