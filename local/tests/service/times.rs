//! Unusual days, schedules and clocks.

use std::time::Duration;

use chrono::TimeDelta;
use rstest::rstest;
use simulator::{Booking, Kind};
use testkit::{
    Backend::{self, Memory, Redis},
    TestResponse, eventually,
};

use crate::support::{TestServer, day};

/// The date that the server shows at an instant.
async fn date_at(app: &TestServer, now: &str) -> String {
    app.clock.set(now);
    let answer = app.open_classrooms().await;
    assert_eq!(answer.status, 200);
    answer.json()["date"].as_str().unwrap().to_owned()
}

#[rstest]
#[tokio::test]
async fn on_dst_days_of_23_and_25_hours_the_date_changes_at_campus_midnight(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start(backend).await;
    // Clocks go forward on 8 March at 02:00, so the day lasts from 05:00 to 04:00 UTC.
    assert_eq!(date_at(&app, "2026-03-08T04:59:59Z").await, "2026-03-07");
    assert_eq!(date_at(&app, "2026-03-08T05:00:00Z").await, "2026-03-08");
    assert_eq!(date_at(&app, "2026-03-09T03:59:59Z").await, "2026-03-08");
    assert_eq!(date_at(&app, "2026-03-09T04:00:00Z").await, "2026-03-09");
    // They go back on 1 November: the day lasts from 04:00 to 05:00 UTC.
    assert_eq!(date_at(&app, "2026-11-01T04:00:00Z").await, "2026-11-01");
    assert_eq!(date_at(&app, "2026-11-02T04:59:59Z").await, "2026-11-01");
    assert_eq!(date_at(&app, "2026-11-02T05:00:00Z").await, "2026-11-02");
}

#[rstest]
#[tokio::test]
async fn on_new_year_and_leap_day_the_date_changes_at_midnight(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start(backend).await;
    assert_eq!(date_at(&app, "2028-01-01T04:59:59Z").await, "2027-12-31");
    assert_eq!(date_at(&app, "2028-01-01T05:00:00Z").await, "2028-01-01");
    assert_eq!(date_at(&app, "2028-02-29T17:00:00Z").await, "2028-02-29");
    let next = app.get("/api/open-classrooms?date=2028-03-29").await;
    assert_eq!((next.outcome(), &next.json()["date"]), ((200, "HIT"), &"2028-03-29".into()));
}

#[rstest]
#[tokio::test]
async fn the_server_refreshes_at_start_and_at_five_past_midnight(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start_refreshing(backend, &[]).await;
    let swept_at = async |expected: &str| {
        eventually(expected, Duration::from_secs(30), async || app.last_updated().await == expected).await;
    };
    swept_at("2026-03-03T12:00:00.000000-05:00").await;
    app.clock.set("2026-03-04T05:04:59Z");
    assert_eq!(app.open_classrooms().await.outcome(), (200, "HIT"));
    // No refresh was due until now, whether or not the server has checked its clock in the meantime.
    app.clock.set("2026-03-04T05:05:00Z");
    swept_at("2026-03-04T00:05:00.000000-05:00").await;
    app.clock.set("2026-03-05T06:00:00Z");
    swept_at("2026-03-05T01:00:00.000000-05:00").await;
    assert_eq!(app.sweeps(), 3);
}

#[tokio::test]
async fn the_server_refreshes_at_refresh_times() {
    let vars = [("REFRESH_TIMES", "12:20,18:00, 13:30"), ("REFRESH_COOLDOWN_MINUTES", "30")];
    let app = TestServer::start_refreshing(Backend::Memory, &vars).await;
    let swept_at = async |expected: &str| {
        eventually(expected, Duration::from_secs(30), async || app.last_updated().await == expected).await;
    };
    swept_at("2026-03-03T12:00:00.000000-05:00").await;
    // This time is within the cooldown of the sweep at the start.
    app.clock.set("2026-03-03T17:20:00Z");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    app.clock.set("2026-03-03T18:30:00Z");
    swept_at("2026-03-03T13:30:00.000000-05:00").await;
    app.clock.set("2026-03-03T23:00:00Z");
    swept_at("2026-03-03T18:00:00.000000-05:00").await;
    app.clock.set("2026-03-04T05:05:00Z");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    app.clock.set("2026-03-04T17:20:00Z");
    swept_at("2026-03-04T12:20:00.000000-05:00").await;
    assert_eq!(app.sweeps(), 4, "none at 00:05");
}

/// How many minutes two clocks differ by.
const SKEWS: [i64; 2] = [5, -5];

async fn remaining_minutes(app: &TestServer) -> f64 {
    app.get("/api/cooldown-status").await.json()["remaining_minutes"].as_f64().unwrap()
}

#[tokio::test]
async fn clock_skew_of_five_minutes_ends_the_cooldown_five_minutes_early_or_late() {
    for skew in SKEWS {
        let app = TestServer::start(Backend::Redis).await;
        let other = app.another_ahead_by(TimeDelta::minutes(skew)).await;
        assert_eq!(app.open_classrooms().await.outcome(), (200, "MISS"));
        // For a clock that is behind, the sweep is in the future, which counts as now.
        let left = if skew > 0 { 25.0 } else { 30.0 };
        assert!((remaining_minutes(&other).await - left).abs() < 1e-6, "{skew}");
        let refused = other.refresh().await;
        assert_eq!(
            (refused.status.as_u16(), refused.header("retry-after")),
            (429, if skew > 0 { "1500" } else { "1800" })
        );
        app.clock.advance(TimeDelta::minutes(30 - skew) - TimeDelta::seconds(1));
        assert_eq!(other.refresh().await.status, 429, "{skew}");
        assert!((0.0..=30.0).contains(&remaining_minutes(&other).await), "{skew}");
        app.clock.advance(TimeDelta::seconds(1));
        assert!(remaining_minutes(&other).await.abs() < f64::EPSILON, "{skew}");
        assert_eq!(other.refresh().await.status, 200, "{skew}");
        // The other clock's timestamp does not make the cooldown longer than 30 minutes either.
        assert!((0.0..=30.0).contains(&remaining_minutes(&app).await), "{skew}");
    }
}

#[tokio::test]
async fn despite_clock_skew_all_processes_show_the_newer_sweep() {
    for skew in SKEWS {
        let app = TestServer::start_with(Backend::Redis, &[("REFRESH_COOLDOWN_MINUTES", "0")]).await;
        let other = app.another_ahead_by(TimeDelta::minutes(skew)).await;
        for (sweeper, hour) in [(&app, 9.0), (&other, 12.0), (&app, 15.0), (&other, 18.0)] {
            app.simulator.set_bookings("342", day("2026-03-03"), vec![Booking::new(hour, hour + 1.0, Kind::Event)]);
            let refreshed = sweeper.refresh().await;
            assert_eq!(refreshed.status, 200, "{skew}");
            let first_slot = format!("07:00-{:02}:59", hour - 1.0);
            for reader in [&app, &other] {
                let shown = reader.open_classrooms().await;
                assert_eq!((shown.outcome(), &shown.room("342").1[0]), ((200, "HIT"), &first_slot), "{skew}");
                assert_eq!(shown.json()["last_updated"], refreshed.json()["timestamp"]);
            }
        }
        // The same holds if Redis is down and each shows its own copy.
        app.network.clone().unwrap().refuse();
        for reader in [&app, &other] {
            let shown = reader.open_classrooms().await;
            assert_eq!((shown.outcome(), shown.room("342").1[0].as_str()), ((200, "STALE"), "07:00-17:59"), "{skew}");
        }
    }
}

#[tokio::test]
async fn a_clock_set_back_does_not_skip_the_scheduled_refresh() {
    let app = TestServer::start_refreshing(Backend::Memory, &[]).await;
    let sweeps = async |count: usize| {
        eventually("the server refreshes", Duration::from_secs(30), async || app.sweeps_begun() == count).await;
    };
    // The server checks the clock every second, which a test cannot observe.
    let look = || tokio::time::sleep(Duration::from_millis(1500));
    sweeps(1).await;
    look().await;
    app.clock.set("2026-03-17T17:00:00Z");
    sweeps(2).await;
    look().await;
    app.clock.set("2026-03-05T05:04:50Z");
    look().await;
    app.clock.set("2026-03-05T05:05:00Z");
    sweeps(3).await;
}

#[tokio::test]
async fn at_midnight_with_clock_skew_each_process_shows_its_own_day_without_extra_sweeps() {
    for skew in SKEWS {
        let app = TestServer::start(Backend::Redis).await;
        let other = app.another_ahead_by(TimeDelta::minutes(skew)).await;
        assert_eq!(app.open_classrooms().await.outcome(), (200, "MISS"));
        // Two minutes before midnight, and three after, or the other way around.
        app.clock.set(if skew > 0 { "2026-03-04T04:58:00Z" } else { "2026-03-04T05:02:00Z" });
        let (today, tomorrow) = if skew > 0 { (&app, &other) } else { (&other, &app) };
        let shown = async |reader: &TestServer| -> TestResponse { reader.open_classrooms().await };
        for _ in 0..2 {
            assert_eq!(shown(today).await.json()["date"], "2026-03-03", "{skew}");
            assert_eq!(shown(tomorrow).await.json()["date"], "2026-03-04", "{skew}");
        }
        assert_eq!(app.sweeps(), 1, "the first sweep covers both days");

        // First the process that is already in the new day sweeps, then the other one.
        for (sweeper, sweeps) in [(tomorrow, 2), (today, 3)] {
            app.redis(&["DEL", "classrooms:last_refresh"]).await;
            assert_eq!(sweeper.refresh().await.status, 200);
            for _ in 0..2 {
                assert_eq!(
                    (shown(today).await.outcome(), shown(tomorrow).await.outcome()),
                    ((200, "HIT"), (200, "HIT"))
                );
                assert_eq!(shown(today).await.json()["date"], "2026-03-03", "{skew}");
                assert_eq!(shown(tomorrow).await.json()["date"], "2026-03-04", "{skew}");
            }
            assert_eq!(app.sweeps(), sweeps, "{skew}");
        }
    }
}
