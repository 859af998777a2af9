//! Refreshes: the cooldown, shared sweeps and cache invalidation.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use emptyclassroom::service::refresh::Scheduled;
use rstest::rstest;
use serde_json::json;
use testkit::{
    Backend::{self, Memory, Redis},
    TestResponse, eventually,
};

use crate::support::{TestServer, at_once};

#[rstest]
#[tokio::test]
async fn fifty_simultaneous_refreshes_share_one_sweep_and_its_response(#[values(Memory, Redis)] backend: Backend) {
    let app = Arc::new(TestServer::start(backend).await);
    // Long enough that the last request arrives during the sweep.
    app.simulator.set_latency(Duration::from_secs(2));
    let answers = refresh_at_once(50, std::slice::from_ref(&app)).await;
    for answer in &answers {
        assert_eq!((answer.status.as_u16(), &answer.text), (200, &answers[0].text));
    }
    assert_eq!(
        answers[0].json(),
        json!({"message": "Data refreshed successfully", "timestamp": "2026-03-03T12:00:00.000000-05:00"})
    );
    assert_eq!(app.simulator.requests(), 4);
}

async fn refresh_at_once(count: usize, apps: &[Arc<TestServer>]) -> Vec<TestResponse> {
    at_once(count, |index| {
        let app = Arc::clone(&apps[index % apps.len()]);
        async move { app.refresh().await }
    })
    .await
}

#[tokio::test]
async fn refreshes_of_several_processes_share_one_sweep() {
    let one = Arc::new(TestServer::start(Backend::Redis).await);
    let apps = [Arc::clone(&one), Arc::new(one.another().await), Arc::new(one.another().await)];
    one.simulator.set_latency(Duration::from_secs(2));
    let answers = refresh_at_once(50, &apps).await;
    for answer in &answers {
        assert_eq!((answer.status.as_u16(), &answer.text), (200, &answers[0].text));
    }
    assert_eq!(one.simulator.requests(), 4);
}

#[tokio::test]
async fn a_follower_gets_the_result_of_another_process_even_if_last_refresh_is_deleted() {
    let one = Arc::new(TestServer::start(Backend::Redis).await);
    let other = Arc::new(one.another().await);
    one.open_classrooms().await;
    one.clock.advance(TimeDelta::minutes(31));
    // Longer than a follower would wait before its own sweep.
    one.simulator.set_latency(Duration::from_millis(4500));
    let sweeping = Arc::clone(&one);
    let sweep = tokio::spawn(async move { sweeping.refresh().await });
    eventually("the sweep begins", Duration::from_secs(10), async || one.simulator.requests() > 4).await;
    let delete = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        one.redis(&["DEL", "classrooms:last_refresh"]).await
    };
    let (waited, _) = tokio::join!(other.refresh(), delete);
    assert_eq!((waited.status.as_u16(), &waited.text), (200, &sweep.await.unwrap().text));
    assert_eq!(one.sweeps(), 2);
}

#[rstest]
#[tokio::test]
async fn a_refresh_during_a_readers_sweep_shares_its_result(#[values(Memory, Redis)] backend: Backend) {
    let app = Arc::new(TestServer::start(backend).await);
    app.simulator.set_latency(Duration::from_millis(500));
    let reader = Arc::clone(&app);
    let read = tokio::spawn(async move { reader.open_classrooms().await });
    eventually("the sweep begins", Duration::from_secs(10), async || app.simulator.requests() > 0).await;
    let refreshed = app.refresh().await;
    assert_eq!(refreshed.status, 200);
    assert_eq!(refreshed.json()["timestamp"], read.await.unwrap().json()["last_updated"]);
    assert_eq!(app.sweeps(), 1);
}

#[rstest]
#[tokio::test]
async fn the_cooldown_lasts_thirty_minutes_to_the_millisecond(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start(backend).await;
    let status = async || app.get("/api/cooldown-status").await.json();
    assert_eq!(app.get("/api/cooldown-status").await.text, r#"{"in_cooldown":false,"remaining_minutes":0}"#);
    assert_eq!(app.refresh().await.status, 200);
    assert_eq!(status().await, json!({"in_cooldown": true, "remaining_minutes": 30.0}));

    app.clock.advance(TimeDelta::seconds(14 * 60 + 30));
    let refused = app.refresh().await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "930"));
    assert_eq!(refused.detail(), "Refresh cooldown active. Please wait 15.5 more minutes.");
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert_eq!(status().await, json!({"in_cooldown": true, "remaining_minutes": 15.5}));

    app.clock.advance(TimeDelta::milliseconds(15 * 60_000 + 29_999));
    let refused = app.refresh().await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "1"));
    assert_eq!(refused.detail(), "Refresh cooldown active. Please wait 0.0 more minutes.");
    assert_eq!(app.sweeps(), 1);

    app.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(app.get("/api/cooldown-status").await.text, r#"{"in_cooldown":false,"remaining_minutes":0}"#);
    assert_eq!(app.refresh().await.status, 200);
    assert_eq!(app.sweeps(), 2);
}

#[rstest]
#[tokio::test]
async fn a_last_refresh_in_the_future_does_not_lengthen_the_cooldown(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start(backend).await;
    app.clock.advance(TimeDelta::minutes(5));
    assert_eq!(app.refresh().await.status, 200);
    app.clock.advance(TimeDelta::minutes(-5));
    assert_eq!(app.get("/api/cooldown-status").await.json()["remaining_minutes"], 30.0);
    assert_eq!(app.refresh().await.detail(), "Refresh cooldown active. Please wait 30.0 more minutes.");
    assert_eq!(app.open_classrooms().await.outcome(), (200, "HIT"));
}

#[rstest]
#[tokio::test]
async fn a_miss_ignores_the_cooldown(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start(backend).await;
    assert_eq!(app.refresh().await.status, 200);
    app.clock.advance(TimeDelta::minutes(1));
    app.service.deps.cache.invalidate().await.unwrap();
    assert_eq!(app.open_classrooms().await.outcome(), (200, "MISS"));
    assert_eq!(app.sweeps(), 2);
}

#[rstest]
#[tokio::test]
async fn a_scheduled_refresh_within_the_cooldown_is_skipped(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start(backend).await;
    let scheduled = async || app.service.refresher.refresh_scheduled().await;
    assert!(matches!(scheduled().await, Ok(Scheduled::Refreshed { .. })));
    app.clock.advance(TimeDelta::minutes(29));
    assert!(matches!(scheduled().await, Ok(Scheduled::Skipped)));
    app.clock.advance(TimeDelta::minutes(1));
    assert!(matches!(scheduled().await, Ok(Scheduled::Refreshed { .. })));
    assert_eq!(app.sweeps(), 2);
}

#[rstest]
#[tokio::test]
async fn invalidate_cache_with_the_admin_token_drops_the_cache(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start_with(backend, &[("ADMIN_TOKEN", "correct horse battery staple")]).await;
    app.open_classrooms().await;
    app.clock.advance(TimeDelta::minutes(1));
    let request = app.client().post(app.url("/api/refresh?invalidate_cache=true"));
    let answer = app.send(request.bearer_auth("correct horse battery staple")).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["timestamp"]),
        (200, &"2026-03-03T12:01:00.000000-05:00".into())
    );
    assert_eq!(app.sweeps(), 2);
    // If the sweep fails, the cache stays empty, but the reserve remains.
    app.simulator.misbehave(simulator::Fault::Status(404));
    let request = app.client().post(app.url("/api/refresh?invalidate_cache=True"));
    assert_eq!(app.send(request.bearer_auth("correct horse battery staple")).await.status, 502);
    assert!(app.last_updated().await.is_null());
    assert_eq!(app.open_classrooms().await.outcome(), (200, "STALE"));
}

#[rstest]
#[tokio::test]
async fn invalidate_cache_without_the_admin_token_gets_401_or_403(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start_with(backend, &[("ADMIN_TOKEN", "correct horse")]).await;
    app.open_classrooms().await;
    let url = app.url("/api/refresh?invalidate_cache=true");
    for request in [
        app.client().post(&url),
        app.client().post(&url).bearer_auth("correct hors"),
        app.client().post(&url).bearer_auth(""),
        app.client().post(&url).basic_auth("correct horse", Some("correct horse")),
    ] {
        let answer = app.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.header("www-authenticate")), (401, "Bearer"));
    }
    assert_eq!(app.send(app.client().post(app.url("/api/refresh?invalidate_cache=perhaps"))).await.status, 400);
    let without_token = TestServer::start(backend).await;
    let request = without_token.client().post(without_token.url("/api/refresh?invalidate_cache=true"));
    assert_eq!(without_token.send(request.bearer_auth("")).await.status, 403);
    assert_eq!((app.sweeps(), without_token.sweeps()), (1, 0));
}

#[rstest]
#[tokio::test]
async fn a_request_body_over_1024_bytes_gets_413(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start(backend).await;
    let post = async |length| app.send(app.client().post(app.url("/api/refresh")).body("x".repeat(length))).await;
    let refused = post(1025).await;
    assert_eq!(
        (refused.status.as_u16(), refused.detail()),
        (413, "The request body is longer than 1024 bytes".to_owned())
    );
    assert_eq!(app.sweeps(), 0);
    assert_eq!(post(1024).await.status, 200);
}

#[rstest]
#[tokio::test]
async fn shutdown_releases_the_lock(#[values(Memory, Redis)] backend: Backend) {
    let app = Arc::new(TestServer::start(backend).await);
    app.simulator.misbehave(simulator::Fault::Hang);
    let refreshing = Arc::clone(&app);
    let refresh = tokio::spawn(async move { refreshing.refresh().await });
    eventually("the sweep begins", Duration::from_secs(10), async || app.simulator.requests() > 0).await;
    assert!(app.service.deps.cache.is_leased().await.unwrap());
    app.service.refresher.stop().await;
    assert!(!app.service.deps.cache.is_leased().await.unwrap());
    assert_eq!(refresh.await.unwrap().status, 503);
    assert_eq!(app.service.deps.cache.backoff().await.unwrap(), None, "a shutdown should not start the backoff");
}
