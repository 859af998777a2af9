//! Days that are not like others.

use std::time::Duration;

use testkit::eventually;

use crate::support::{Backend, TestApp};

over_both_caches! {
    days_of_23_and_25_hours_begin_and_end_at_the_campuss_midnight,
    a_years_end_and_a_leap_day_are_days_like_others,
    the_server_refreshes_at_its_start_and_then_at_five_past_midnight,
}

/// The day that the server shows at an instant.
async fn date_at(app: &TestApp, now: &str) -> String {
    app.clock.set(now);
    let answer = app.open_classrooms().await;
    assert_eq!(answer.status, 200);
    answer.json()["date"].as_str().unwrap().to_owned()
}

async fn days_of_23_and_25_hours_begin_and_end_at_the_campuss_midnight(backend: Backend) {
    let app = TestApp::cold(backend).await;
    // Clocks go forward on 8 March at 02:00: the day lasts from 05:00 to 04:00 UTC.
    assert_eq!(date_at(&app, "2026-03-08T04:59:59Z").await, "2026-03-07");
    assert_eq!(date_at(&app, "2026-03-08T05:00:00Z").await, "2026-03-08");
    assert_eq!(date_at(&app, "2026-03-09T03:59:59Z").await, "2026-03-08");
    assert_eq!(date_at(&app, "2026-03-09T04:00:00Z").await, "2026-03-09");
    // And back on 1 November: from 04:00 to 05:00 UTC.
    assert_eq!(date_at(&app, "2026-11-01T04:00:00Z").await, "2026-11-01");
    assert_eq!(date_at(&app, "2026-11-02T04:59:59Z").await, "2026-11-01");
    assert_eq!(date_at(&app, "2026-11-02T05:00:00Z").await, "2026-11-02");
}

async fn a_years_end_and_a_leap_day_are_days_like_others(backend: Backend) {
    let app = TestApp::cold(backend).await;
    assert_eq!(date_at(&app, "2028-01-01T04:59:59Z").await, "2027-12-31");
    assert_eq!(date_at(&app, "2028-01-01T05:00:00Z").await, "2028-01-01");
    assert_eq!(date_at(&app, "2028-02-29T17:00:00Z").await, "2028-02-29");
    let next = app.get("/api/open-classrooms?date=2028-03-29").await;
    assert_eq!((next.outcome(), &next.json()["date"]), ((200, "HIT"), &"2028-03-29".into()));
}

async fn the_server_refreshes_at_its_start_and_then_at_five_past_midnight(backend: Backend) {
    let app = TestApp::running(backend).await;
    let swept_at = async |expected: &str| {
        eventually(expected, Duration::from_secs(30), async || app.last_updated().await == expected).await;
    };
    swept_at("2026-03-03T12:00:00.000000-05:00").await;
    app.clock.set("2026-03-04T05:04:59Z");
    assert_eq!(app.open_classrooms().await.outcome(), (200, "HIT"));
    // The loop has looked at the clock meanwhile, or looks at it now: either way it is too early until this:
    app.clock.set("2026-03-04T05:05:00Z");
    swept_at("2026-03-04T00:05:00.000000-05:00").await;
    app.clock.set("2026-03-05T06:00:00Z");
    swept_at("2026-03-05T01:00:00.000000-05:00").await;
    assert_eq!(app.sweeps(), 3);
}
