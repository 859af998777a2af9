//! Every event of `events/` and its response.

use std::{collections::BTreeSet, fs};

use rstest::rstest;
use testkit::{
    Backend::{self, Memory, Redis},
    ROOMS, TestApp, events_folder,
};

use crate::support::{FREE_AT_EIGHT, TUESDAY};

#[rstest]
#[tokio::test]
async fn every_event_gets_its_documented_response(#[values(Memory, Redis)] backend: Backend) {
    let expected = [
        ("hello", 200, r#""Hello World""#),
        ("hello-browser", 303, ""),
        ("app", 200, ""),
        ("app-icon", 200, ""),
        ("app-manifest", 200, ""),
        ("app-room", 200, ""),
        ("app-room-not-found", 404, ""),
        ("app-slash", 308, ""),
        ("favicon", 200, ""),
        ("robots", 200, ""),
        ("docs", 200, ""),
        ("openapi", 200, include_str!("../../openapi.json")),
        ("cooldown-status", 200, r#"{"in_cooldown":false,"remaining_minutes":0}"#),
        ("last-updated", 200, r#"{"last_updated":null}"#),
        ("classroom-not-found", 404, "Classroom not found"),
        ("open-classrooms-bad-date", 400, "`date` is `tomorrow`; expected a date such as 2026-03-03"),
        ("open-classrooms-date-not-kept", 404, "No availability is kept for 2020-01-01"),
        ("not-found", 404, "Not Found"),
        ("method-not-allowed", 405, "Method Not Allowed"),
        ("refresh-too-large", 413, "The request body is longer than 1024 bytes"),
        ("refresh-invalidate-cache", 403, "Cache invalidation is not enabled"),
        ("refresh-invalidate-cache-no-token", 403, "Cache invalidation is not enabled"),
        ("refresh-invalidate-cache-wrong-token", 403, "Cache invalidation is not enabled"),
        ("open-classrooms", 200, TUESDAY),
        ("open-classrooms-not-modified", 304, ""),
        (
            "classroom",
            200,
            concat!(
                r#"{"id":"342","name":"116","building_code":"CAS","status":"ok","availability":[{"start":"07:00:00","#,
                r#""end":"09:04:00","start_time":"07:00","end_time":"09:04","duration_minutes":124}],"#,
                r#""date":"2026-03-03","timezone":"America/New_York","last_updated":"2026-03-03T10:00:00.123456-05:00","#,
                r#""stale":false,"#,
                r#""free_now":false,"next_free":null,"booked_today":true}"#
            ),
        ),
        ("open-classrooms-question", 200, FREE_AT_EIGHT),
        ("classroom-calendar", 200, ""),
        (
            "classroom-days",
            200,
            r#"{"id":"342","name":"116","building_code":"CAS","timezone":"America/New_York","days":["#,
        ),
        (
            "buildings",
            200,
            concat!(
                r#"{"campus":"Boston University","buildings":[{"code":"CAS","name":"College of Arts & Sciences","#,
                r#""opens":"07:00","closes":"23:00","#,
                r#""rooms":2,"free_now":1},"#,
                r#"{"code":"CGS","name":"College of General Studies","opens":"07:00","closes":"21:30","rooms":2,"free_now":0}],"#,
                r#""last_updated":"2026-03-03T10:00:00.123456-05:00","date":"2026-03-03","timezone":"America/New_York","#,
                r#""utc_offsets":[{"from":"2026-02-28T00:00:00-05:00","minutes":-300},"#,
                r#"{"from":"2026-03-08T03:00:00-04:00","minutes":-240},{"from":"2026-11-01T01:00:00-05:00","minutes":-300}],"#,
                r#""stale":false}"#
            ),
        ),
        (
            "health",
            200,
            concat!(
                r#"{"status":"ok","cache":"ok","last_updated":"2026-03-03T10:00:00.123456-05:00","age_seconds":0,"#,
                r#""rooms":4,"rooms_ok":4,"rooms_failed":0,"rooms_unreached":0,"rooms_known":4,"#,
                r#""summary":"All 4 rooms are known today."}"#
            ),
        ),
        ("refresh", 429, "Refresh cooldown active. Please wait 30.0 more minutes."),
        // Not an HTTP event: see the tests of the refresh function.
        ("schedule", 0, ""),
    ];
    let names: BTreeSet<_> = expected.iter().map(|(name, ..)| format!("{name}.json")).collect();
    let files = fs::read_dir(events_folder()).unwrap();
    let found: BTreeSet<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    let unmatched: Vec<_> = names.symmetric_difference(&found).collect();
    assert!(unmatched.is_empty(), "each file of events/ needs an expected response here: {unmatched:?}");
    assert_eq!(names.len(), expected.len(), "an event is listed twice");

    let app = TestApp::start(backend).await;
    for (name, status, text) in expected.into_iter().filter(|(_, status, _)| *status > 0) {
        let answer = app.answer_to(name).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{name}");
        if status >= 400 && not_json(name).is_none() {
            assert_eq!(answer.problem(), (status, text.to_owned()), "{name}");
            continue;
        }
        let kind = match (not_json(name), status) {
            (Some(kind), _) => kind,
            (None, 200) => "application/json",
            _ => "",
        };
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (status, kind), "{name}");
        match name {
            // A month of days.
            "classroom-days" => assert!(answer.text.starts_with(text), "{}", answer.text),
            _ if not_json(name).is_none() => assert_eq!(answer.text, text, "{name}"),
            _ => {}
        }
    }
    assert_eq!(app.simulator.requests(), ROOMS.len(), "all events share one sweep");
}

fn not_json(event: &str) -> Option<&'static str> {
    match event {
        "app" | "app-room" | "app-room-not-found" | "docs" => Some("text/html; charset=utf-8"),
        "app-icon" => Some("image/png"),
        "app-manifest" => Some("application/manifest+json"),
        "favicon" => Some("image/x-icon"),
        "robots" => Some("text/plain; charset=utf-8"),
        "classroom-calendar" => Some("text/calendar; charset=utf-8"),
        _ => None,
    }
}
