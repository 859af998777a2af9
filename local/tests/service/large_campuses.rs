//! Campuses that are too large for one sweep.

use std::time::Duration;

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::json;
use simulator::Fault;
use testkit::{
    Backend::{self, Memory, Redis},
    PATIENCE, ROOMS, TestResponse, eventually,
};

use crate::support::{TestServer, space_id};

/// A sweep has time for two rooms, one after the other.
const SHORT_SWEEPS: [(&str, &str); 2] = [("SWEEP_TIMEOUT", "1"), ("UPSTREAM_CONCURRENCY", "1")];
const LATENCY: Duration = Duration::from_millis(400);

fn statuses(answer: &TestResponse) -> Vec<String> {
    let mut statuses: Vec<_> = ROOMS.iter().map(|room| answer.room(room).0).collect();
    statuses.sort();
    statuses
}

#[rstest]
#[tokio::test]
async fn rooms_not_reached_in_time_are_asked_first_next_time_and_start_no_cooldown(
    #[values(Memory, Redis)] backend: Backend,
) {
    let app = TestServer::start_with(backend, &SHORT_SWEEPS).await;
    app.simulator.set_latency(LATENCY);
    assert_eq!(app.refresh().await.status, 200);
    assert_eq!(statuses(&app.open_classrooms().await), ["ok", "ok", "unknown", "unknown"]);
    let health = app.get("/api/health").await.json();
    assert_eq!(
        (&health["status"], &health["summary"]),
        (&json!("incomplete"), &json!("2 of 4 rooms are known today."))
    );
    assert_eq!((&health["rooms_failed"], &health["rooms_unreached"]), (&json!(0), &json!(2)));
    assert_eq!(app.get("/api/cooldown-status").await.json(), json!({"in_cooldown": false, "remaining_minutes": 0}));

    app.clock.advance(TimeDelta::minutes(1));
    assert_eq!(app.refresh().await.status, 200, "there should be no cooldown");
    assert_eq!(statuses(&app.open_classrooms().await), ["ok", "ok", "stale", "stale"]);
    let mut asked: Vec<_> = app.simulator.queries().iter().map(|query| space_id(query)).collect();
    // The third room of each sweep was requested but did not answer in time.
    asked.remove(2);
    asked.truncate(4);
    asked.sort();
    assert_eq!(asked, ROOMS, "the second sweep should begin with the rooms that the first did not reach");
    // Now all rooms have an answer from today.
    assert_eq!(app.refresh().await.status, 429);
    let health = app.get("/api/health").await.json();
    assert_eq!((&health["status"], &health["summary"]), (&json!("ok"), &json!("All 4 rooms are known today.")));
    assert_eq!((&health["rooms_failed"], &health["rooms_unreached"]), (&json!(0), &json!(2)));
}

#[tokio::test]
async fn yesterdays_answers_start_no_cooldown_if_the_sweep_runs_out_of_time() {
    let app = TestServer::start_with(Memory, &SHORT_SWEEPS).await;
    assert_eq!(app.refresh().await.status, 200);
    app.clock.advance(TimeDelta::hours(24));
    app.simulator.set_latency(LATENCY);
    assert_eq!(app.refresh().await.status, 200);
    assert_eq!(statuses(&app.open_classrooms().await), ["ok", "ok", "stale", "stale"]);
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(app.refresh().await.status, 200, "two rooms have no answer from today yet");
    assert_eq!(app.refresh().await.status, 429, "now every room has one");
}

#[tokio::test]
async fn a_room_that_failed_is_asked_before_those_that_answered() {
    let app = TestServer::start_with(Memory, &[("UPSTREAM_CONCURRENCY", "1"), ("REFRESH_COOLDOWN_MINUTES", "0")]).await;
    assert_eq!(app.refresh().await.status, 200);
    for room in ROOMS {
        app.simulator.misbehave_times(room, Fault::Status(404), 1);
        app.clock.advance(TimeDelta::seconds(1));
        assert_eq!(app.refresh().await.status, 200);
        let before = app.simulator.requests();
        app.clock.advance(TimeDelta::seconds(1));
        assert_eq!(app.refresh().await.status, 200);
        assert_eq!(space_id(&app.simulator.queries()[before]), room);
    }
}

#[tokio::test]
async fn a_sweep_fails_when_more_than_half_of_the_rooms_asked_failed() {
    for fault in [Fault::Status(404), Fault::Hang] {
        let app = TestServer::start_with(Memory, &SHORT_SWEEPS).await;
        // One room has failed or is still open when the time runs out. The others are never requested.
        app.simulator.set_latency(Duration::from_millis(800));
        app.simulator.misbehave(fault.clone());
        assert_eq!(app.refresh().await.problem(), (502, "Failed to refresh data".to_owned()), "{fault:?}");
        assert_eq!(app.simulator.requests(), if fault == Fault::Hang { 1 } else { 2 });
    }
}

#[rstest]
#[tokio::test]
async fn a_reader_without_data_gets_first_results_while_the_sweep_continues(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start_with(backend, &[("UPSTREAM_CONCURRENCY", "1")]).await;
    app.simulator.set_latency(Duration::from_millis(1100));
    let first = app.open_classrooms().await;
    assert_eq!(
        (first.outcome(), statuses(&first)),
        ((200, "MISS"), ["ok", "ok", "unknown", "unknown"].map(str::to_owned).into())
    );
    assert_eq!(app.last_updated().await, json!(null), "the sweep should continue");
    assert_eq!(app.get("/api/health").await.json()["status"], "incomplete");
    assert_eq!(app.open_classrooms().await.outcome(), (200, "HIT"), "the next reader should not wait");
    eventually("the sweep ends", PATIENCE, async || app.last_updated().await != json!(null)).await;
    assert_eq!(statuses(&app.open_classrooms().await), ["ok"; 4]);
    assert_eq!((app.simulator.requests(), app.refresh().await.status.as_u16()), (4, 429));
}

#[tokio::test]
async fn a_reader_of_another_process_gets_first_results_too() {
    let app = TestServer::start_with(Redis, &[("UPSTREAM_CONCURRENCY", "1")]).await;
    let other = app.another().await;
    app.simulator.set_latency(Duration::from_millis(1100));
    let (one, two) = tokio::join!(app.open_classrooms(), async {
        // The other server is asked a little later.
        tokio::time::sleep(Duration::from_millis(300)).await;
        other.get("/api/open-classrooms?date=2026-03-04").await
    });
    assert_eq!((one.outcome(), two.outcome()), ((200, "MISS"), (200, "MISS")));
    assert_eq!(statuses(&two), ["ok", "ok", "unknown", "unknown"]);
    assert_eq!(app.simulator.peak_in_flight(), 1, "only one of them should sweep");
}

#[tokio::test]
async fn readers_with_data_never_see_a_partial_sweep() {
    let app = TestServer::start_with(Memory, &[("UPSTREAM_CONCURRENCY", "1")]).await;
    let before = app.open_classrooms().await;
    app.clock.advance(TimeDelta::minutes(31));
    app.simulator.set_latency(Duration::from_millis(1100));
    let (refreshed, during) = tokio::join!(app.refresh(), async {
        tokio::time::sleep(Duration::from_millis(3500)).await;
        app.open_classrooms().await
    });
    assert_eq!(refreshed.status, 200);
    assert_eq!((during.outcome(), &during.text), ((200, "HIT"), &before.text));
}

#[tokio::test]
async fn a_server_that_starts_with_only_first_results_refreshes() {
    let app = TestServer::start_with(Redis, &SHORT_SWEEPS).await;
    app.simulator.set_latency(LATENCY);
    assert_eq!(app.refresh().await.status, 200);
    // The process was killed before the end of the sweep.
    app.redis(&["DEL", "classrooms:last_refresh"]).await;
    app.simulator.set_latency(Duration::ZERO);
    let other = app.another_refreshing().await;
    eventually("all rooms are known", PATIENCE, async || statuses(&other.open_classrooms().await) == ["ok"; 4]).await;
    assert_ne!(other.last_updated().await, json!(null));
}

#[tokio::test]
async fn first_results_never_replace_an_older_copy() {
    let app = TestServer::start_with(Memory, &[("UPSTREAM_CONCURRENCY", "1"), ("ADMIN_TOKEN", "token")]).await;
    let whole = app.open_classrooms().await;
    app.simulator.set_latency(Duration::from_millis(1100));
    let invalidate = app.client().post(app.url("/api/refresh?invalidate_cache=true")).bearer_auth("token");
    let (failed, during) = tokio::join!(app.send(invalidate), async {
        tokio::time::sleep(Duration::from_millis(2500)).await;
        // Two rooms have answered.
        app.simulator.misbehave(Fault::Status(404));
        let during = app.open_classrooms().await;
        app.simulator.set_latency(Duration::ZERO);
        during
    });
    assert_eq!(statuses(&during), statuses(&whole), "readers should get the reserve");
    // Two of four rooms failed, which is not more than half.
    assert_eq!((failed.status.as_u16(), during.outcome()), (200, (200, "STALE")));
}

#[tokio::test]
async fn a_changed_campus_file_and_first_results_do_not_count_as_a_complete_sweep() {
    let app = TestServer::start_with(Redis, &[]).await;
    assert_eq!(app.refresh().await.status, 200);
    assert!(app.service.refresher.is_complete().await.unwrap());
    // A snapshot of another campus file, or of first results, does not have the time of the last refresh.
    app.redis(&["SET", "classrooms:last_refresh", "2026-03-03T11:59:59.000000-05:00"]).await;
    assert!(!app.service.refresher.is_complete().await.unwrap());
    app.redis(&["DEL", "classrooms:last_refresh"]).await;
    assert!(!app.service.refresher.is_complete().await.unwrap());
}
