//! Cache-Control with and without a CDN in front of the service (`EDGE_SECONDS`).

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::Value;
use simulator::Fault;
use testkit::{
    Backend::{self, Memory, Redis},
    GatewayEvent, TestApp,
};

use crate::support::MINUTE;

/// The clock shows 10:00:00.12, so the minute ends in 59 s.
const OF_THIS_MINUTE: &str = "public, max-age=0, s-maxage=59, stale-if-error=0";
const OF_THE_DAY: &str = "public, max-age=0, s-maxage=60, stale-if-error=86400";
const ICON: &str = "public, max-age=86400";

/// Routes for reading that other tests below cover: one fails without data, one is a redirect.
const COVERED_BELOW: [&str; 2] = ["/api/health", "/app/"];
/// Every other route for reading, with its Cache-Control without a CDN and with `EDGE_SECONDS=60`.
const ROUTES: [(&str, &str, &str); 25] = [
    ("/api/open-classrooms", "no-cache", OF_THE_DAY),
    ("/api/open-classrooms?date=2026-03-03", "no-cache", OF_THE_DAY),
    ("/api/open-classrooms?date=2026-03-04", "no-cache", OF_THE_DAY),
    ("/api/open-classrooms?q=cas&at=08:00", "no-cache", OF_THE_DAY),
    ("/api/open-classrooms?at=now", "no-cache", OF_THIS_MINUTE),
    ("/api/classrooms/342", "no-cache", OF_THIS_MINUTE),
    ("/api/classrooms/342?date=2026-03-03", "no-cache", OF_THIS_MINUTE),
    ("/api/classrooms/342?date=2026-03-04", "no-cache", OF_THE_DAY),
    ("/api/classrooms/342/days", "no-cache", OF_THE_DAY),
    ("/api/classrooms/342/calendar.ics", "no-cache", "public, max-age=0, s-maxage=300, stale-if-error=86400"),
    ("/api/buildings", "no-cache", "public, max-age=0, s-maxage=59, stale-if-error=86400"),
    ("/api/last-updated", "no-store", "public, max-age=0, s-maxage=15, stale-if-error=86400"),
    ("/api/cooldown-status", "no-store", "public, max-age=0, s-maxage=10, stale-if-error=0"),
    ("/app", "no-cache", OF_THE_DAY),
    ("/app/rooms/342", "no-cache", OF_THE_DAY),
    ("/app/manifest.webmanifest", "no-cache", OF_THE_DAY),
    ("/app/sw.js", "no-cache", OF_THE_DAY),
    ("/app/icon.svg", ICON, ICON),
    ("/app/icon-512.png", ICON, ICON),
    ("/app/apple-touch-icon.png", ICON, ICON),
    ("/favicon.ico", ICON, ICON),
    ("/robots.txt", "no-cache", OF_THE_DAY),
    ("/docs", "no-cache", OF_THE_DAY),
    ("/openapi.json", "no-cache", OF_THE_DAY),
    ("/", "no-store", "no-store"),
];

async fn with_cdn(backend: Backend) -> TestApp {
    TestApp::start_with(backend, &[("EDGE_SECONDS", "60")]).await
}

async fn cache_control(app: &TestApp, target: &str) -> String {
    app.answer(GatewayEvent::get(target)).await.header("cache-control").to_owned()
}

#[test]
fn every_documented_get_route_has_an_expected_cache_control() {
    let document: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let mut listed: BTreeSet<_> = ROUTES.iter().map(|(target, ..)| target.split('?').next().unwrap()).collect();
    listed.extend(COVERED_BELOW);
    let paths = document["paths"].as_object().unwrap().iter().filter(|(_, item)| item["get"].is_object());
    let missing: Vec<_> = paths
        .map(|(path, _)| path.replace("{id}", "342").replace("{file}", "icon.svg"))
        .filter(|path| !listed.contains(&**path))
        .collect();
    assert!(missing.is_empty(), "`ROUTES` lacks {missing:?}");
}

#[rstest]
#[tokio::test]
async fn every_route_has_its_cache_control_with_and_without_a_cdn(#[values(Memory, Redis)] backend: Backend) {
    let (without, with) = (TestApp::start(backend).await, with_cdn(backend).await);
    for app in [&without, &with] {
        assert_eq!(app.answer_to("refresh").await.status, 200);
    }
    for (target, expected_without, expected_with) in ROUTES {
        for (app, expected) in [(&without, expected_without), (&with, expected_with)] {
            let answer = app.answer(GatewayEvent::get(target)).await;
            assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, expected), "{target}");
            let head = app.answer(GatewayEvent::new("HEAD", target)).await;
            assert_eq!((head.status.as_u16(), head.header("cache-control")), (200, expected), "HEAD {target}");
            if !answer.header("etag").is_empty() {
                let known = app.answer(GatewayEvent::get(target).header("if-none-match", "*")).await;
                assert_eq!((known.status.as_u16(), known.header("cache-control")), (304, expected), "{target}");
            }
        }
    }
}

#[rstest]
#[tokio::test]
async fn errors_refreshes_and_health_are_not_stored_behind_a_cdn(#[values(Memory, Redis)] backend: Backend) {
    let app = with_cdn(backend).await;
    app.simulator.misbehave(Fault::Html);
    for event in ["open-classrooms", "refresh", "health", "not-found", "open-classrooms-bad-date", "method-not-allowed"]
    {
        let answer = app.answer_to(event).await;
        assert!(answer.status.as_u16() >= 400, "{event}: {answer:?}");
        assert_eq!(answer.header("cache-control"), "no-store", "{event}");
    }
    app.simulator.behave();
    app.store.store.delete("classrooms:refresh_failed").await.unwrap();
    for event in ["refresh", "health"] {
        let answer = app.answer_to(event).await;
        assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"), "{event}");
    }
    assert_eq!(app.answer_to("open-classrooms-date-not-kept").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn root_redirect_and_404_responses_are_not_stored_behind_a_cdn() {
    let app = with_cdn(Memory).await;
    for (event, status) in [("hello-browser", 303), ("hello", 200), ("app-slash", 308), ("app-room-not-found", 404)] {
        let answer = app.answer_to(event).await;
        assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (status, "no-store"), "{event}");
    }
}

#[rstest]
#[tokio::test]
async fn a_cdn_keeps_a_stale_copy_for_5_s_and_a_past_day_for_an_hour(#[values(Memory, Redis)] backend: Backend) {
    let app = with_cdn(backend).await;
    assert_eq!(app.answer_to("open-classrooms").await.outcome(), (200, "MISS"));
    // Half a second before midnight, then the next day.
    app.advance((14 * 60 * MINUTE) - 623);
    assert_eq!(
        cache_control(&app, "/api/open-classrooms").await,
        "public, max-age=0, s-maxage=0, stale-if-error=86400"
    );
    app.advance(1_000);
    assert_eq!(cache_control(&app, "/api/open-classrooms").await, OF_THE_DAY);
    let past = "public, max-age=0, s-maxage=3600, stale-if-error=86400";
    for path in ["/api/open-classrooms", "/api/open-classrooms?q=cas", "/api/classrooms/342"] {
        let date = if path.contains('?') { "&date=2026-03-03" } else { "?date=2026-03-03" };
        assert_eq!(cache_control(&app, &format!("{path}{date}")).await, past, "{path}");
    }
    // Half a minute before the sweep is a day old, then half a minute after, with 25Live failing.
    app.advance(10 * 60 * MINUTE - 30_500);
    assert_eq!(
        cache_control(&app, "/api/open-classrooms").await,
        "public, max-age=0, s-maxage=30, stale-if-error=86400"
    );
    app.advance(MINUTE);
    app.simulator.misbehave(Fault::Html);
    let stale = app.answer_to("open-classrooms").await;
    assert_eq!(stale.outcome(), (200, "STALE"));
    assert_eq!(stale.header("cache-control"), "public, max-age=0, s-maxage=5, stale-if-error=86400");
}

#[tokio::test]
async fn with_redis_down_a_cdn_keeps_the_last_good_copy_for_5_s_and_nothing_else() {
    let mut app = with_cdn(Redis).await;
    assert_eq!(app.answer_to("refresh").await.status, 200);
    app.store.redis.as_mut().unwrap().stop().await;
    for (target, expected) in [
        ("/api/open-classrooms", "public, max-age=0, s-maxage=5, stale-if-error=86400"),
        ("/api/classrooms/342", "public, max-age=0, s-maxage=5, stale-if-error=0"),
        ("/api/buildings", "public, max-age=0, s-maxage=5, stale-if-error=86400"),
        ("/api/classrooms/342/days", "no-store"),
        ("/api/last-updated", "no-store"),
        ("/api/cooldown-status", "no-store"),
    ] {
        assert_eq!(cache_control(&app, target).await, expected, "{target}");
    }
}

#[rstest]
#[tokio::test]
async fn before_the_first_sweep_last_updated_is_not_stored_behind_a_cdn(#[values(Memory, Redis)] backend: Backend) {
    let app = with_cdn(backend).await;
    assert_eq!(cache_control(&app, "/api/last-updated").await, "no-store");
}

#[rstest]
#[tokio::test]
async fn the_seen_parameter_changes_no_response(#[values(Memory, Redis)] backend: Backend) {
    let app = with_cdn(backend).await;
    assert_eq!(app.answer_to("refresh").await.status, 200);
    for (target, _, expected) in ROUTES {
        let plain = app.answer(GatewayEvent::get(target)).await;
        let mark = if target.contains('?') { '&' } else { '?' };
        for seen in ["seen=2026-03-03T10%3A00%3A00.123456-05%3A00", "seen", "seen=%FF", "seen=1&seen=2"] {
            let answer = app.answer(GatewayEvent::get(&format!("{target}{mark}{seen}"))).await;
            assert_eq!((answer.status.as_u16(), &answer.text), (200, &plain.text), "{target}{mark}{seen}");
            assert_eq!(answer.header("etag"), plain.header("etag"), "{target}{mark}{seen}");
            assert_eq!(answer.header("cache-control"), expected, "{target}{mark}{seen}");
        }
    }
}
