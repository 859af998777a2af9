//! `GET /api/health`.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use simulator::Fault;
use testkit::{
    Backend::{self, Memory, Redis},
    TestApp,
};

use crate::support::{MINUTE, UNREACHABLE, while_redis_hangs};

#[rstest]
#[tokio::test]
async fn health_is_ok_until_todays_data_are_too_old(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let health = async || {
        let answer = app.answer_to("health").await;
        assert_eq!((answer.header("content-type"), answer.header("cache-control")), ("application/json", "no-store"));
        let body = answer.json();
        let of = ["status", "cache", "age_seconds", "rooms_ok", "rooms_failed"].map(|name| body[name].clone());
        (answer.status.as_u16(), json!(of))
    };
    assert_eq!(health().await, (503, json!(["failing", "ok", null, null, null])));
    app.simulator.misbehave_for("719", Fault::Html);
    app.answer_to("refresh").await;
    assert_eq!(health().await, (200, json!(["ok", "ok", 0, 3, 1])));
    app.advance(90_500);
    assert_eq!(health().await, (200, json!(["ok", "ok", 90, 3, 1])));
    // After midnight, today's data come from the reserve.
    app.advance(25 * 60 * MINUTE - 90_500);
    if app.store.redis.is_none() {
        assert_eq!(app.store.store.get("classrooms:availability").await.unwrap(), None, "the snapshot has expired");
    }
    assert_eq!(health().await, (200, json!(["ok", "ok", 90_000, 3, 1])));
    app.advance(1_000);
    assert_eq!(health().await, (503, json!(["failing", "ok", 90_001, 3, 1])));
}

#[rstest]
#[tokio::test]
async fn health_never_sweeps(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    for _ in 0..3 {
        assert_eq!(app.answer_to("health").await.status, 503);
    }
    assert_eq!(app.simulator.requests(), 0);
}

#[tokio::test]
async fn a_hanging_redis_makes_health_503_within_redis_timeout() {
    let app = TestApp::start_with(Backend::Redis, &[("REDIS_TIMEOUT", "0.5")]).await;
    app.answer_to("open-classrooms").await;
    assert_eq!(app.answer_to("health").await.status, 200);
    let (health, took) = while_redis_hangs(&app, "health").await;
    assert_eq!((health.status.as_u16(), health.text.as_str()), (503, UNREACHABLE));
    assert!(took < Duration::from_millis(1_500), "it took {took:?}");
}
