//! What clients are answered, header by header and word by word: all the routes over both caches, asked with API
//! Gateway's events of `events/`, while 25Live is simulated and the clock is in the test's hand.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[cfg(feature = "openapi")]
#[path = "routes/openapi.rs"]
mod openapi;

use std::{
    fs,
    time::{Duration, Instant},
};

use axum::{Router, routing::get};
use emptyclassroom::{config::AllowedOrigins, web::finish};
use rstest::rstest;
use serde_json::{Value, json};
use simulator::Fault;
use testkit::{
    Backend::{self, Memory, Redis},
    GatewayEvent, ROOMS, TestApp, TestResponse, events_folder, today,
};
use tower::ServiceExt;

const MINUTE: i64 = 60_000;
/// The token that `refresh-invalidate-cache.json` bears.
const TOKEN: (&str, &str) = ("ADMIN_TOKEN", "test-admin-token");
/// What Tuesday's sweep makes of the four rooms.
const TUESDAY: &str = concat!(
    r#"{"buildings":{"CAS":{"code":"CAS","name":"College of Arts & Sciences","classrooms":["#,
    r#"{"id":"342","name":"116","status":"ok","availability":[{"start":"07:00:00","end":"09:04:00","#,
    r#""start_time":"07:00","end_time":"09:04","duration_minutes":124}]},"#,
    r#"{"id":"344","name":"201","status":"ok","availability":[{"start":"07:00:00","end":"23:00:00","#,
    r#""start_time":"07:00","end_time":"23:00","duration_minutes":960}]}]},"#,
    r#""CGS":{"code":"CGS","name":"College of General Studies","classrooms":["#,
    r#"{"id":"719","name":"129","status":"ok","availability":[]},"#,
    r#"{"id":"723","name":"311","status":"ok","availability":[]}]}},"#,
    r#""last_updated":"2026-03-03T10:00:00.123456-05:00","date":"2026-03-03","timezone":"America/New_York","#,
    r#""stale":false}"#
);

/// What `open-classrooms-question.json` is answered: `at=08:00&min_minutes=65&q=cas 116&sort=free_until&building=cas`.
const FREE_AT_EIGHT: &str = concat!(
    r#"{"buildings":{"CAS":{"code":"CAS","name":"College of Arts & Sciences","classrooms":["#,
    r#"{"id":"342","name":"116","status":"ok","availability":[{"start":"07:00:00","end":"09:04:00","#,
    r#""start_time":"07:00","end_time":"09:04","duration_minutes":124}],"#,
    r#""free_until":"2026-03-03T09:05:00-05:00","free_minutes":65}]}},"#,
    r#""last_updated":"2026-03-03T10:00:00.123456-05:00","date":"2026-03-03","timezone":"America/New_York","#,
    r#""stale":false}"#
);

#[rstest]
#[tokio::test]
async fn every_event_has_the_answer_of_the_contract(#[values(Memory, Redis)] backend: Backend) {
    let expected = [
        ("hello", 200, r#""Hello World""#),
        ("app", 200, ""),
        ("docs", 200, ""),
        ("openapi", 200, include_str!("../openapi.json")),
        ("cooldown-status", 200, r#"{"in_cooldown":false,"remaining_minutes":0}"#),
        ("last-updated", 200, r#"{"last_updated":null}"#),
        ("classroom-not-found", 404, "Classroom not found"),
        ("open-classrooms-bad-date", 400, "`date` is `tomorrow`, but should be a day, as 2026-03-03"),
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
                r#""date":"2026-03-03","last_updated":"2026-03-03T10:00:00.123456-05:00","stale":false,"#,
                r#""free_now":false,"next_free":null,"booked_today":true}"#
            ),
        ),
        ("open-classrooms-question", 200, FREE_AT_EIGHT),
        ("classroom-calendar", 200, ""),
        (
            "buildings",
            200,
            concat!(
                r#"{"buildings":[{"code":"CAS","name":"College of Arts & Sciences","opens":"07:00","closes":"23:00","#,
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
                r#""rooms_ok":4,"rooms_failed":0}"#
            ),
        ),
        ("refresh", 429, "Refresh cooldown active. Please wait 30.0 more minutes."),
        // Not for HTTP: see the tests of the refresh function.
        ("schedule", 0, ""),
    ];
    let mut names: Vec<_> = expected.iter().map(|(name, ..)| format!("{name}.json")).collect();
    let files = fs::read_dir(events_folder()).unwrap();
    let mut there: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    there.sort();
    assert_eq!(names, there, "each event should have its answer here");

    let app = TestApp::start(backend).await;
    for (name, status, text) in expected.into_iter().filter(|(_, status, _)| *status > 0) {
        let answer = app.answer_to(name).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{name}");
        if status >= 400 {
            assert_eq!(answer.problem(), (status, text.to_owned()), "{name}");
            continue;
        }
        let kind = match (not_json(name), status) {
            (Some(kind), _) => kind,
            (None, 200) => "application/json",
            _ => "",
        };
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (status, kind), "{name}");
        if not_json(name).is_none() {
            assert_eq!(answer.text, text, "{name}");
        }
    }
    assert_eq!(app.simulator.requests(), ROOMS.len(), "one sweep should have been enough");
}

fn not_json(event: &str) -> Option<&'static str> {
    match event {
        "app" | "docs" => Some("text/html; charset=utf-8"),
        "classroom-calendar" => Some("text/calendar; charset=utf-8"),
        _ => None,
    }
}

#[rstest]
#[tokio::test]
async fn the_first_reader_gets_a_miss_and_the_next_the_same_bytes_as_a_hit(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let miss = app.answer_to("open-classrooms").await;
    assert_eq!((miss.outcome(), miss.text.as_str()), ((200, "MISS"), TUESDAY));
    let hit = app.answer_to("open-classrooms").await;
    assert_eq!((hit.outcome(), hit.text.as_str()), ((200, "HIT"), TUESDAY));
    for answer in [&miss, &hit] {
        assert_eq!(answer.header("cache-control"), "no-cache", "a browser should ask each time");
        assert_eq!(answer.header("etag"), miss.header("etag"));
    }
    let digits = miss.header("etag").strip_prefix('"').and_then(|etag| etag.strip_suffix('"')).unwrap();
    assert!(digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{digits}");
    for small in ["hello", "last-updated", "cooldown-status", "health"] {
        assert_eq!(app.answer_to(small).await.header("cache-control"), "no-store", "{small}");
    }
}

/// The sweep of Tuesday is there, but only in the reserve, and 25Live fails.
async fn with_reserve_alone(backend: Backend) -> TestApp {
    let app = TestApp::start(backend).await;
    assert_eq!(app.answer_to("open-classrooms").await.outcome(), (200, "MISS"));
    for key in ["classrooms:availability", "classrooms:last_refresh"] {
        app.store.store.delete(key).await.unwrap();
    }
    app.simulator.misbehave(Fault::Html);
    app
}

#[rstest]
#[tokio::test]
async fn an_older_copy_says_so_in_its_header_and_in_its_body(#[values(Memory, Redis)] backend: Backend) {
    let app = with_reserve_alone(backend).await;
    let stale = app.answer_to("open-classrooms").await;
    assert_eq!(stale.outcome(), (200, "STALE"));
    assert_eq!(stale.text, TUESDAY.replace(r#""stale":false"#, r#""stale":true"#));
    let room = app.answer_to("classroom").await;
    assert_eq!((room.outcome(), room.json()["stale"].clone()), ((200, "STALE"), true.into()));
    for (event, answer) in [("open-classrooms", &stale), ("classroom", &room)] {
        let known = app.answer(GatewayEvent::named(event).header("if-none-match", answer.header("etag"))).await;
        assert_eq!(known.outcome(), (304, "STALE"), "{event}");
    }
}

#[rstest]
#[tokio::test]
async fn a_room_is_shown_by_itself(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let room = app.answer_to("classroom").await;
    assert_eq!(room.outcome(), (200, "MISS"));
    assert_eq!(room.header("cache-control"), "no-cache");
    let closed_all_day = app.answer(GatewayEvent::get("/api/classrooms/719")).await;
    assert_eq!(
        closed_all_day.text,
        concat!(
            r#"{"id":"719","name":"129","building_code":"CGS","status":"ok","availability":[],"#,
            r#""date":"2026-03-03","last_updated":"2026-03-03T10:00:00.123456-05:00","stale":false,"#,
            r#""free_now":false,"next_free":null,"booked_today":false}"#
        )
    );
    assert_eq!(closed_all_day.outcome(), (200, "HIT"));
    assert_ne!(closed_all_day.header("etag"), room.header("etag"));
    let tomorrow = app.answer(GatewayEvent::get("/api/classrooms/719?date=2026-03-04")).await;
    assert_eq!((tomorrow.outcome(), tomorrow.json()["date"].clone()), ((200, "HIT"), "2026-03-04".into()));
}

#[rstest]
#[tokio::test]
async fn a_room_that_is_not_on_the_campus_is_not_found_and_causes_no_sweep(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    // Not digits, not UTF-8, encoded slashes and spaces; and whatever the date.
    let ids = ["1", "0342", "342%20", "342%2F", "%FF", "CAS", "1/calendar.ics", "%FF/calendar.ics"];
    for id in ids.into_iter().chain(["a".repeat(5_000).as_str(), "1?date=tomorrow"]) {
        let answer = app.answer(GatewayEvent::get(&format!("/api/classrooms/{id}"))).await;
        assert_eq!(answer.problem(), (404, "Classroom not found".to_owned()), "{id}");
    }
    assert_eq!(app.simulator.requests(), 0);
}

#[rstest]
#[tokio::test]
async fn any_day_that_the_sweep_brought_is_shown(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    for (date, outcome) in [("2026-03-03", "MISS"), ("2026-03-04", "HIT"), ("2026-04-03", "HIT")] {
        let answer = app.answer(GatewayEvent::get(&format!("/api/open-classrooms?date={date}"))).await;
        assert_eq!((answer.outcome(), answer.json()["date"].clone()), ((200, outcome), date.into()));
    }
}

#[rstest]
#[tokio::test]
async fn a_day_that_is_not_kept_is_not_found(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    app.answer_to("open-classrooms").await;
    for path in ["/api/open-classrooms", "/api/classrooms/342"] {
        for date in ["2026-04-04", "2026-03-02", "0001-01-01", "9999-12-31"] {
            let answer = app.answer(GatewayEvent::get(&format!("{path}?date={date}"))).await;
            assert_eq!(answer.problem(), (404, format!("No availability is kept for {date}")), "{path}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_bad_parameter_is_named(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start_with(backend, &[TOKEN]).await;
    let a_day = "should be a day, as 2026-03-03";
    let cases = [
        ("GET", "/api/open-classrooms?date=tomorrow", format!("`date` is `tomorrow`, but {a_day}")),
        ("GET", "/api/open-classrooms?date=", format!("`date` is ``, but {a_day}")),
        ("GET", "/api/open-classrooms?date=2026-02-29", format!("`date` is `2026-02-29`, but {a_day}")),
        ("GET", "/api/open-classrooms?date=2026-3-3", format!("`date` is `2026-3-3`, but {a_day}")),
        ("GET", "/api/open-classrooms?date=%FF", format!("`date` is `\u{fffd}`, but {a_day}")),
        ("GET", "/api/classrooms/342?date=3/3/2026", format!("`date` is `3/3/2026`, but {a_day}")),
        (
            "GET",
            "/api/open-classrooms?date=2026-03-03&date=2026-03-04",
            format!("`date` is `2026-03-03, 2026-03-04`, but {a_day}, once"),
        ),
        (
            "POST",
            "/api/refresh?invalidate_cache=perhaps",
            "`invalidate_cache` is `perhaps`, but should be true or false".to_owned(),
        ),
    ];
    for (method, target, detail) in cases {
        let answer = app.answer(GatewayEvent::new(method, target)).await;
        assert_eq!(answer.problem(), (400, detail), "{target}");
    }
    let long = app.answer(GatewayEvent::get(&format!("/api/open-classrooms?date={}", "é".repeat(1_000)))).await;
    assert_eq!(long.problem(), (400, format!("`date` is `{}…`, but {a_day}", "é".repeat(50))));
    assert_eq!(app.simulator.requests(), 0, "a bad parameter should cost nothing");
}

#[rstest]
#[tokio::test]
async fn parameters_that_nobody_knows_are_ignored(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    for target in [
        "/api/open-classrooms?",
        "/api/open-classrooms?&&=&x",
        "/api/open-classrooms?Date=tomorrow&_=1772550000000",
        "/api/open-classrooms?utm_source=%FF&date=2026-03-03",
    ] {
        let answer = app.answer(GatewayEvent::get(target)).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, TUESDAY), "{target}");
    }
    assert_eq!(app.answer(GatewayEvent::get("/?x=1")).await.text, r#""Hello World""#);
    assert_eq!(app.answer(GatewayEvent::post("/api/refresh?invalidate=true&date=tomorrow")).await.status, 429);
}

#[rstest]
#[tokio::test]
async fn whoever_has_the_body_is_told_so_in_no_words(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    for event in ["open-classrooms", "open-classrooms-question", "classroom", "classroom-calendar", "buildings"] {
        let etag = app.answer_to(event).await.header("etag").to_owned();
        let conditions = ["*".to_owned(), etag.clone(), format!("W/{etag}"), format!("\"other\", W/\"x\", {etag}")];
        for condition in conditions {
            let known = app.answer(GatewayEvent::named(event).header("if-none-match", &condition)).await;
            assert_eq!((known.outcome(), known.text.as_str()), ((304, "HIT"), ""), "{event}: {condition}");
            assert_eq!(known.header("etag"), etag);
            assert_eq!(known.header("cache-control"), "no-cache");
            assert_eq!(known.header("x-content-type-options"), "nosniff");
            assert_eq!(known.header("content-type"), "");
        }
    }
}

#[rstest]
#[tokio::test]
async fn no_304_says_that_the_body_is_empty(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    for path in ["/api/open-classrooms", "/api/classrooms/342", "/api/classrooms/342/calendar.ics", "/app", "/docs"] {
        let length = app.answer(GatewayEvent::get(path)).await.text.len().to_string();
        for method in ["GET", "HEAD"] {
            let known = app.answer(GatewayEvent::new(method, path).header("if-none-match", "*")).await;
            assert_eq!((known.status.as_u16(), known.text.as_str()), (304, ""), "{method} {path}");
            // RFC 9110, section 8.6: the length of what a GET would get, or none.
            assert_eq!(known.header("content-length"), "", "{method} {path}");
        }
        let head = app.answer(GatewayEvent::new("HEAD", path)).await;
        assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("content-length"), length, "{path}");
    }
}

#[rstest]
#[tokio::test]
async fn whoever_has_another_body_gets_the_whole(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let etag = app.answer_to("open-classrooms").await.header("etag").to_owned();
    for condition in ["\"other\"".to_owned(), "rubbish".to_owned(), String::new(), etag.replace('"', "")] {
        let answer = app.answer(GatewayEvent::named("open-classrooms").header("if-none-match", &condition)).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, TUESDAY), "{condition}");
    }
    let of_the_campus = GatewayEvent::named("classroom").header("if-none-match", &etag);
    assert_eq!(app.answer(of_the_campus).await.status, 200);
}

#[rstest]
#[tokio::test]
async fn after_a_refresh_the_old_etag_is_worth_nothing(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let before = app.answer_to("open-classrooms").await;
    app.advance(31 * MINUTE);
    app.simulator.set_bookings("719", today(), vec![]);
    assert_eq!(app.answer_to("refresh").await.status, 200);
    let after = app.answer(GatewayEvent::named("open-classrooms").header("if-none-match", before.header("etag"))).await;
    assert_eq!(after.outcome(), (200, "HIT"));
    assert_ne!(after.header("etag"), before.header("etag"));
    assert_eq!(after.json()["last_updated"], "2026-03-03T10:31:00.123456-05:00");
    assert_eq!(after.json()["buildings"]["CGS"]["classrooms"][0]["availability"][0]["duration_minutes"], 870);
}

#[rstest]
#[tokio::test]
async fn a_head_request_is_answered_as_a_get_without_its_body(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    app.answer_to("open-classrooms").await;
    let paths = ["/", "/api/open-classrooms", "/api/open-classrooms?at=now", "/api/classrooms/342"];
    let others = ["/api/classrooms/342/calendar.ics", "/api/buildings", "/api/last-updated", "/api/health"];
    for path in paths.into_iter().chain(others).chain(["/api/cooldown-status"]) {
        let (get, head) =
            (app.answer(GatewayEvent::get(path)).await, app.answer(GatewayEvent::new("HEAD", path)).await);
        assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""), "{path}");
        for name in ["content-type", "etag", "x-cache", "cache-control", "x-content-type-options"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
        assert_eq!(head.header("content-length"), get.text.len().to_string(), "{path}");
    }
}

#[rstest]
#[tokio::test]
async fn the_page_runs_no_other_script_and_is_sent_once(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let page = app.answer_to("app").await;
    assert!(page.text.starts_with("<!doctype html>"), "{}", page.text);
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let known = app.answer(GatewayEvent::named("app").header("if-none-match", page.header("etag"))).await;
    assert_eq!((known.status.as_u16(), known.text.as_str()), (304, ""));
    for name in ["cache-control", "content-security-policy", "etag", "x-content-type-options"] {
        assert_eq!((known.header(name), known.header(name).is_empty()), (page.header(name), false), "{name}");
    }
    assert_eq!(app.simulator.requests(), 0, "a page is no reason for a sweep");
}

#[rstest]
#[tokio::test]
async fn the_last_update_is_null_until_there_is_one(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    assert_eq!(app.answer_to("last-updated").await.text, r#"{"last_updated":null}"#);
    assert_eq!(app.simulator.requests(), 0);
    app.answer_to("open-classrooms").await;
    let answer = app.answer_to("last-updated").await;
    assert_eq!(answer.text, r#"{"last_updated":"2026-03-03T10:00:00.123456-05:00"}"#);
}

#[rstest]
#[tokio::test]
async fn a_refresh_tells_when_it_was(#[values(Memory, Redis)] backend: Backend) {
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

/// How long after the refresh, the minutes left as the sentence tells them, and Retry-After.
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
async fn during_the_cooldown_the_minutes_left_are_told_to_a_decimal(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    assert_eq!(app.answer_to("refresh").await.status, 200);
    let mut now = 0;
    for (at, minutes, retry_after) in COOLDOWN {
        app.advance(at - now);
        now = at;
        let answer = app.answer_to("refresh").await;
        let sentence = format!("Refresh cooldown active. Please wait {minutes} more minutes.");
        assert_eq!(answer.problem(), (429, sentence));
        assert_eq!(answer.header("retry-after"), retry_after, "after {at} ms");
    }
    assert_eq!(app.simulator.requests(), ROOMS.len());
    app.advance(1);
    assert_eq!(app.answer_to("refresh").await.status, 200);
}

#[rstest]
#[tokio::test]
async fn the_cooldown_status_is_not_rounded(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let over = r#"{"in_cooldown":false,"remaining_minutes":0}"#;
    assert_eq!(app.answer_to("cooldown-status").await.text, over);
    app.answer_to("refresh").await;
    app.advance(14 * MINUTE + 30_000);
    assert_eq!(app.answer_to("cooldown-status").await.text, r#"{"in_cooldown":true,"remaining_minutes":15.5}"#);
    app.advance(1_000);
    let status = app.answer_to("cooldown-status").await.json();
    assert_eq!(status, json!({"in_cooldown": true, "remaining_minutes": 929.0 / 60.0}));
    app.advance(929_000);
    assert_eq!(app.answer_to("cooldown-status").await.text, over);
}

/// Whole seconds of Retry-After, of at most a minute and not yet much less.
fn about_a_minute(answer: &TestResponse) -> bool {
    (30..=60).contains(&answer.header("retry-after").parse::<u32>().unwrap())
}

#[rstest]
#[tokio::test]
async fn a_failed_sweep_is_a_bad_gateway_and_then_unavailable(#[values(Memory, Redis)] backend: Backend) {
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
    assert_eq!(app.simulator.requests(), requests, "nobody should sweep for a minute");
}

#[rstest]
#[tokio::test]
async fn only_the_bearer_of_the_token_drops_the_cache(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start_with(backend, &[TOKEN]).await;
    app.answer_to("open-classrooms").await;
    let event = GatewayEvent::post("/api/refresh?invalidate_cache=true");
    let strangers = ["", "Bearer", "Bearer ", "Bearer wrong", "Bearer test-admin-toke", "Basic dGVzdDphZG1pbg==", "\t"];
    for authorization in strangers {
        let answer = app.answer(event.clone().header("authorization", authorization)).await;
        assert_eq!(answer.problem(), (401, "Invalid or missing admin token".to_owned()), "{authorization}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    assert_eq!(app.answer(event).await.status, 401);
    assert_eq!(app.answer_to("open-classrooms").await.outcome(), (200, "HIT"), "nothing should have been dropped");

    app.advance(MINUTE);
    let answer = app.answer_to("refresh-invalidate-cache").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["timestamp"], "2026-03-03T10:01:00.123456-05:00", "the cooldown should not have mattered");
    let declined = GatewayEvent::post("/api/refresh?invalidate_cache=false");
    assert_eq!(app.answer(declined).await.status, 429);
}

#[rstest]
#[tokio::test]
async fn without_a_token_set_nobody_drops_the_cache(#[values(Memory, Redis)] backend: Backend) {
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
    assert_eq!(app.answer_to("open-classrooms").await.outcome(), (200, "HIT"), "nothing should have been dropped");
}

#[rstest]
#[tokio::test]
async fn a_body_of_a_kilobyte_will_do_and_a_byte_more_is_too_much(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let too_long = app.answer(GatewayEvent::named("refresh").body(&"x".repeat(1025))).await;
    assert_eq!(too_long.problem(), (413, "The request body is longer than 1024 bytes".to_owned()));
    assert_eq!(app.simulator.requests(), 0);
    assert_eq!(app.answer(GatewayEvent::named("refresh").body(&"x".repeat(1024))).await.status, 200);
}

#[rstest]
#[tokio::test]
async fn an_unknown_path_is_not_found(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let paths =
        ["/api", "/api/", "/api/open-classrooms/", "/api/classrooms", "/api/classrooms/", "/api/classrooms/342/x"];
    for path in paths.into_iter().chain(["/Api/Refresh", "/api/%2e%2e/refresh", "/favicon.ico", "/.env", "/%FF"]) {
        for method in ["GET", "POST", "OPTIONS", "DELETE"] {
            let answer = app.answer(GatewayEvent::new(method, path)).await;
            assert_eq!(answer.problem(), (404, "Not Found".to_owned()), "{method} {path}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let paths = [
        ("/", "GET,HEAD"),
        ("/api/open-classrooms", "GET,HEAD"),
        ("/api/classrooms/342", "GET,HEAD"),
        ("/api/classrooms/342/calendar.ics", "GET,HEAD"),
        ("/api/buildings", "GET,HEAD"),
        ("/api/health", "GET,HEAD"),
        ("/api/last-updated", "GET,HEAD"),
        ("/api/cooldown-status", "GET,HEAD"),
        ("/api/refresh", "POST"),
    ];
    for (path, allow) in paths {
        let right: Vec<_> = allow.split(',').collect();
        let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"];
        for method in methods.into_iter().filter(|method| !right.contains(method)) {
            let answer = app.answer(GatewayEvent::new(method, path)).await;
            assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, allow), "{method} {path}");
            // HEAD is answered without the body that says so.
            if method != "HEAD" {
                assert_eq!(answer.problem(), (405, "Method Not Allowed".to_owned()), "{method} {path}");
            }
        }
    }
    assert_eq!(app.simulator.requests(), 0);
}

const FRONTEND: &str = "https://rooms.example.edu";

/// A browser's question before it sends a request of this method with these headers.
fn preflight(path: &str, method: &str) -> GatewayEvent {
    GatewayEvent::new("OPTIONS", path)
        .header("origin", FRONTEND)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", "authorization,content-type,if-none-match")
}

/// The headers that let browsers read an answer, by their names.
fn cors(answer: &TestResponse) -> Value {
    let headers = answer.headers.keys().filter(|name| name.as_str().starts_with("access-control-"));
    headers.map(|name| (name.to_string(), Value::from(answer.header(name.as_str())))).collect()
}

#[rstest]
#[tokio::test]
async fn no_origin_is_named_unless_origins_are_set(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let answer = app.answer(GatewayEvent::named("hello").header("origin", FRONTEND)).await;
    assert_eq!((answer.status.as_u16(), cors(&answer)), (200, json!({})));
    let answer = app.answer(preflight("/api/refresh", "POST")).await;
    assert_eq!((answer.status.as_u16(), cors(&answer)), (405, json!({})));
}

#[rstest]
#[tokio::test]
async fn any_origin_may_read_where_any_is_allowed(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start_with(backend, &[("ALLOWED_ORIGINS", "*")]).await;
    for event in ["hello", "open-classrooms", "refresh", "not-found", "method-not-allowed", "refresh-too-large"] {
        let answer = app.answer(GatewayEvent::named(event).header("origin", FRONTEND)).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{event}");
        assert_eq!(answer.header("access-control-expose-headers"), "etag,retry-after,x-cache", "{event}");
        assert_eq!(answer.header("access-control-allow-credentials"), "", "{event}");
    }
    for (path, method) in [("/api/open-classrooms", "GET"), ("/api/refresh", "POST")] {
        let answer = app.answer(preflight(path, method)).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
        assert_eq!((answer.header("x-content-type-options"), answer.header("cache-control")), ("nosniff", "no-store"));
        assert_eq!(
            cors(&answer),
            json!({
                "access-control-allow-origin": "*",
                "access-control-allow-methods": "GET,POST",
                "access-control-allow-headers": "authorization,content-type,if-none-match",
                "access-control-max-age": "86400",
            })
        );
    }
}

#[rstest]
#[tokio::test]
async fn of_a_list_the_asking_origin_alone_is_named(#[values(Memory, Redis)] backend: Backend) {
    let list = format!("{FRONTEND}, http://localhost:5173");
    let app = TestApp::start_with(backend, &[("ALLOWED_ORIGINS", &list)]).await;
    for (origin, named) in [
        (FRONTEND, FRONTEND),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://localhost:5174", ""),
        ("https://rooms.example.edu.evil.example", ""),
        ("null", ""),
    ] {
        for event in [
            GatewayEvent::named("open-classrooms"),
            GatewayEvent::named("not-found"),
            preflight("/api/refresh", "POST"),
        ] {
            let answer = app.answer(event.header("origin", origin)).await;
            assert_eq!(answer.header("access-control-allow-origin"), named, "{origin}");
            let vary: Vec<_> = answer.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
            assert!(vary.join(",").contains("origin"), "caches should keep origins apart: {vary:?}");
        }
    }
}

/// Asserts that an error says nothing but its sentence, and that the sentence has nothing of the inside in it.
fn assert_discreet(app: &TestApp, answer: &TestResponse) {
    let (_, detail) = answer.problem();
    let port = app.simulator.addr().port().to_string();
    let text = answer.text.to_lowercase();
    for inside in [
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
        assert!(!text.contains(inside), "{detail} should not speak of {inside}");
    }
}

#[rstest]
#[tokio::test]
async fn errors_say_a_sentence_and_nothing_of_the_inside(#[values(Memory, Redis)] backend: Backend) {
    let mut app = TestApp::start_with(backend, &[TOKEN]).await;
    let errors = [
        "classroom-not-found",
        "open-classrooms-bad-date",
        "open-classrooms-date-not-kept",
        "not-found",
        "method-not-allowed",
        "refresh-too-large",
    ];
    for event in errors {
        assert_discreet(&app, &app.answer_to(event).await);
    }
    assert_discreet(&app, &app.answer(GatewayEvent::post("/api/refresh?invalidate_cache=true")).await);
    for fault in [Fault::Html, Fault::CutOff, Fault::Redirect, Fault::Status(404), Fault::Body("{".to_owned())] {
        app.simulator.misbehave(fault);
        let failed = app.answer_to("refresh").await;
        assert_eq!(failed.status, 502);
        assert_discreet(&app, &failed);
        assert_discreet(&app, &app.answer_to("refresh").await);
        assert_discreet(&app, &app.answer_to("open-classrooms").await);
        app.store.store.delete("classrooms:refresh_failed").await.unwrap();
    }
    app.simulator.behave();
    assert_eq!(app.answer_to("refresh").await.status, 200);
    assert_discreet(&app, &app.answer_to("refresh").await);
    if let Some(redis) = &mut app.store.redis {
        redis.stop().await;
        for event in ["refresh", "refresh-invalidate-cache"] {
            assert_discreet(&app, &app.answer_to(event).await);
        }
    }
}

#[tokio::test]
async fn with_redis_down_reads_and_refreshes_are_unavailable_and_the_small_answers_are_no_errors() {
    let mut app = TestApp::start_with(Backend::Redis, &[TOKEN]).await;
    app.store.redis.as_mut().unwrap().stop().await;
    let reads = ["open-classrooms", "open-classrooms-question", "classroom", "classroom-calendar"];
    for event in reads.into_iter().chain(["refresh", "refresh-invalidate-cache"]) {
        let answer = app.answer_to(event).await;
        assert_eq!(answer.problem(), (503, "Cache unavailable".to_owned()), "{event}");
        assert_eq!(answer.header("retry-after"), "5", "{event}");
        assert_discreet(&app, &answer);
    }
    let buildings = app.answer_to("buildings").await;
    assert_eq!((buildings.outcome(), buildings.json()["buildings"][0]["rooms"].clone()), ((200, "STALE"), 2.into()));
    let health = app.answer_to("health").await;
    assert_eq!((health.status.as_u16(), health.text.as_str()), (503, UNREACHABLE));
    assert_eq!(app.answer_to("last-updated").await.text, r#"{"last_updated":null}"#);
    assert_eq!(app.answer_to("cooldown-status").await.text, r#"{"in_cooldown":false,"remaining_minutes":0}"#);
    assert_eq!(app.answer_to("hello").await.status, 200);
    assert_eq!(app.simulator.requests(), 0);
}

#[tokio::test]
async fn a_bug_costs_one_answer_that_says_nothing_of_it() {
    let routes = finish(
        Router::new().route("/bug", get(async || -> &'static str { panic!("classrooms: a bug in src/bug.rs") })),
        &AllowedOrigins::Any,
    );
    let request = http::Request::get("/bug").header("origin", FRONTEND).body(axum::body::Body::empty()).unwrap();
    let response = routes.oneshot(request).await.unwrap();
    let answer = TestResponse::read(response).await;
    assert_eq!(answer.problem(), (500, "Internal Server Error".to_owned()));
    assert_eq!(answer.header("access-control-allow-origin"), "*");
}

/// What health is when Redis cannot be reached.
const UNREACHABLE: &str = concat!(
    r#"{"status":"failing","cache":"unreachable","last_updated":null,"age_seconds":null,"#,
    r#""rooms_ok":null,"rooms_failed":null}"#
);

/// The names of the rooms in an answer, in its order.
fn names(answer: &TestResponse) -> Vec<String> {
    let body = answer.json();
    let buildings = body["buildings"].as_object().unwrap().values();
    let rooms = buildings.flat_map(|building| building["classrooms"].as_array().unwrap());
    rooms.map(|room| room["name"].as_str().unwrap().to_owned()).collect()
}

#[rstest]
#[tokio::test]
async fn a_question_is_answered_from_what_is_cached(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let miss = app.answer_to("open-classrooms-question").await;
    assert_eq!((miss.outcome(), miss.text.as_str()), ((200, "MISS"), FREE_AT_EIGHT));
    let hit = app.answer_to("open-classrooms-question").await;
    assert_eq!((hit.outcome(), hit.text.as_str()), ((200, "HIT"), FREE_AT_EIGHT));
    let headers = [("cache-control", "no-cache"), ("content-type", "application/json"), ("etag", miss.header("etag"))];
    for (name, value) in headers {
        assert_eq!(hit.header(name), value);
    }
    assert_ne!(hit.header("etag"), app.answer_to("open-classrooms").await.header("etag"));
    for (query, rooms) in [
        ("at=now", ["201"].as_slice()),
        ("at=08:00&sort=free_until", &["201", "116"]),
        ("from=08:00&to=09:05", &["116", "201"]),
        ("from=08:00&to=09:06", &["201"]),
        ("min_minutes=125", &["116", "201"]),
        ("q=cgs", &["129", "311"]),
        ("building=CGS&sort=duration", &["129", "311"]),
        ("date=2026-03-03&q=nothing", &[]),
    ] {
        let answer = app.answer(GatewayEvent::get(&format!("/api/open-classrooms?{query}"))).await;
        assert_eq!(
            (answer.outcome(), names(&answer)),
            ((200, "HIT"), rooms.iter().map(|room| (*room).into()).collect()),
            "{query}"
        );
    }
    let tomorrow = app.answer(GatewayEvent::get("/api/open-classrooms?date=2026-03-04&q=cas116")).await;
    assert_eq!((tomorrow.json()["date"].clone(), names(&tomorrow)), ("2026-03-04".into(), vec!["116".to_owned()]));
    assert_eq!(app.simulator.requests(), ROOMS.len(), "one sweep should have been enough");
    app.simulator.misbehave(Fault::Html);
    app.store.store.delete("classrooms:availability").await.unwrap();
    let stale = app.answer_to("open-classrooms-question").await;
    assert_eq!((stale.outcome(), stale.json()["stale"].clone()), ((200, "STALE"), true.into()));
}

#[rstest]
#[tokio::test]
async fn a_bad_question_is_refused_with_a_sentence(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let a_time = "a time from 00:00 to 23:59, as 14:30";
    for (query, detail) in [
        ("at=noon", format!("`at` is `noon`, but should be `now`, or {a_time}")),
        ("at=now&date=2026-03-04", format!("`at` is `now`, but should be {a_time}, on a day that is not today")),
        ("from=08:00", "`from` is `08:00`, but should be there together with `to`".to_owned()),
        ("building=XYZ", "`building` is `XYZ`, but should be codes of buildings, with commas between them: CAS,CGS".to_owned()),
        ("sort=free_until", "`sort` is `free_until`, but should be `name` or `duration`, where neither `at` nor `from` and `to` are there".to_owned()),
        ("min_minutes=9&min_minutes=9", "`min_minutes` is `9, 9`, but should be a number of minutes from 1 to 1440, once".to_owned()),
        ("date=tomorrow&at=noon", "`date` is `tomorrow`, but should be a day, as 2026-03-03".to_owned()),
    ] {
        let answer = app.answer(GatewayEvent::get(&format!("/api/open-classrooms?{query}"))).await;
        assert_eq!(answer.problem(), (400, detail), "{query}");
        assert_discreet(&app, &answer);
    }
    let long = app.answer(GatewayEvent::get(&format!("/api/open-classrooms?q={}", "é".repeat(1_000)))).await;
    let expected = "a part of a room's or a building's name, of 1 to 100 characters";
    assert_eq!(long.problem(), (400, format!("`q` is `{}…`, but should be {expected}", "é".repeat(50))));
    assert_eq!(app.simulator.requests(), 0, "a bad question should cost nothing");
    assert_eq!(
        app.answer(GatewayEvent::get("/api/classrooms/342?at=noon")).await.status,
        200,
        "it is no parameter there"
    );
}

#[rstest]
#[tokio::test]
async fn what_is_free_now_changes_with_the_minute_and_so_does_its_etag(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let now = GatewayEvent::get("/api/open-classrooms?at=now&building=CAS");
    let free = |answer: &TestResponse| answer.json()["buildings"]["CAS"]["classrooms"][0]["free_minutes"].clone();
    let first = app.answer(now.clone()).await;
    assert_eq!((free(&first), first.header("cache-control")), (780.into(), "no-cache"));
    app.advance(MINUTE - 124);
    let known = app.answer(now.clone().header("if-none-match", first.header("etag"))).await;
    assert_eq!(known.outcome(), (304, "HIT"), "the minute is not over");
    app.advance(1);
    let next = app.answer(now.header("if-none-match", first.header("etag"))).await;
    assert_eq!((next.outcome(), free(&next)), ((200, "HIT"), 779.into()));
}

#[rstest]
#[tokio::test]
async fn a_room_tells_whether_it_is_free_and_when_it_is_next(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let facts = async |target: &str| {
        let room = app.answer(GatewayEvent::get(target)).await.json();
        json!([room["free_now"], room["next_free"], room["booked_today"]])
    };
    let all_day = json!({"start": "2026-03-03T07:00:00-05:00", "end": "2026-03-03T23:00:00-05:00"});
    assert_eq!(facts("/api/classrooms/344").await, json!([true, all_day, false]));
    assert_eq!(facts("/api/classrooms/344?date=2026-03-03").await, json!([true, all_day, false]));
    assert_eq!(facts("/api/classrooms/719").await, json!([false, null, false]), "closed is not booked");
    assert_eq!(facts("/api/classrooms/344?date=2026-03-04").await[0], Value::Null, "nobody knows of another day's now");
    app.simulator.set_bookings("719", today(), vec![simulator::Booking::new(9.0, "11.500000", simulator::Kind::Event)]);
    app.advance(31 * MINUTE);
    app.answer_to("refresh").await;
    let next = json!({"start": "2026-03-03T11:30:00-05:00", "end": "2026-03-03T21:30:00-05:00"});
    assert_eq!(facts("/api/classrooms/719").await, json!([false, next, true]));
    app.advance(60 * MINUTE);
    assert_eq!(facts("/api/classrooms/719").await, json!([true, next, true]));
}

/// Values of a calendar's lines of that name.
fn values(calendar: &TestResponse, name: &str) -> Vec<String> {
    let lines = calendar.text.split("\r\n").filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    lines.map(str::to_owned).collect()
}

#[rstest]
#[tokio::test]
async fn a_rooms_calendar_has_every_day_that_is_kept(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let first = app.answer_to("classroom-calendar").await;
    assert_eq!((first.outcome(), first.header("cache-control")), ((200, "MISS"), "no-cache"));
    let starts = values(&first, "DTSTART");
    assert!(starts.is_sorted() && starts[0] == "20260303T120000Z", "{starts:?}");
    assert_eq!(values(&first, "DTEND")[0], "20260303T140500Z", "a room is free until the class begins");
    // What each day's own answer shows is in the calendar, and nothing else.
    let mut slots = 0;
    for date in today().iter_days().take(32) {
        let room = app.answer(GatewayEvent::get(&format!("/api/classrooms/342?date={date}"))).await;
        slots += room.json()["availability"].as_array().unwrap().len();
    }
    assert_eq!(starts.len(), slots);
    let uids = values(&first, "UID");
    assert_eq!((uids.len(), uids[0].as_str()), (slots, "342-2026-03-03T07:00-09:05@54d72b00e05f870b.emptyclassroom"));
    assert_eq!(values(&first, "DTSTAMP")[0], "20260303T050000Z", "the beginning of its day");
    assert_eq!(first.header("content-disposition"), "inline; filename=\"CAS-116.ics\"");

    app.advance(60 * MINUTE);
    let hit = app.answer_to("classroom-calendar").await;
    assert_eq!((hit.outcome(), &hit.text, hit.header("etag")), ((200, "HIT"), &first.text, first.header("etag")));
    app.advance(24 * 60 * MINUTE);
    app.answer_to("refresh").await;
    let next = app.answer_to("classroom-calendar").await;
    assert_eq!(values(&next, "DTSTART")[0], starts[0], "yesterday is still kept");
    let last = |calendar: &TestResponse| values(calendar, "DTEND").last().unwrap()[..8].to_owned();
    assert!(last(&next) > last(&first), "the sweep should have brought another day");
    assert!(uids.iter().all(|uid| values(&next, "UID").contains(uid)), "an event should keep its name");
}

#[rstest]
#[tokio::test]
async fn a_refresh_that_finds_the_same_periods_leaves_the_calendar_and_its_etag_as_they_are(
    #[values(Memory, Redis)] backend: Backend,
) {
    let app = TestApp::start(backend).await;
    let first = app.answer_to("classroom-calendar").await;
    app.advance(31 * MINUTE);
    assert_eq!(app.answer_to("refresh").await.status, 200);
    let again = GatewayEvent::named("classroom-calendar").header("if-none-match", first.header("etag"));
    let known = app.answer(again.clone()).await;
    assert_eq!((known.outcome(), known.header("content-disposition")), ((304, "HIT"), ""));
    app.simulator.set_bookings("342", today(), vec![]);
    app.advance(31 * MINUTE);
    assert_eq!(app.answer_to("refresh").await.status, 200);
    assert_eq!(app.answer(again).await.outcome(), (200, "HIT"));
}

#[rstest]
#[tokio::test]
async fn the_calendar_of_a_room_that_is_unknown_on_every_day_is_kept_by_its_subscribers(
    #[values(Memory, Redis)] backend: Backend,
) {
    let app = TestApp::start(backend).await;
    app.simulator.misbehave_for("342", Fault::Html);
    assert_eq!(app.answer_to("classroom").await.json()["status"], "unknown");
    let unknown = app.answer_to("classroom-calendar").await;
    assert_eq!(unknown.problem(), (503, "Cache unavailable".to_owned()));
    assert_eq!(unknown.header("retry-after"), "60");
    // One that is booked all day is known.
    assert_eq!(app.answer(GatewayEvent::get("/api/classrooms/719/calendar.ics")).await.outcome(), (200, "HIT"));
    app.simulator.behave();
    app.advance(31 * MINUTE);
    assert_eq!(app.answer_to("refresh").await.status, 200);
    assert_eq!(app.answer_to("classroom-calendar").await.outcome(), (200, "HIT"));
}

#[rstest]
#[tokio::test]
async fn the_buildings_are_told_also_when_nothing_is_known_of_their_rooms(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    app.simulator.misbehave(Fault::Html);
    let unknown = app.answer_to("buildings").await;
    assert_eq!(
        unknown.text,
        concat!(
            r#"{"buildings":[{"code":"CAS","name":"College of Arts & Sciences","opens":"07:00","closes":"23:00","#,
            r#""rooms":2,"free_now":null},"#,
            r#"{"code":"CGS","name":"College of General Studies","opens":"07:00","closes":"21:30","rooms":2,"free_now":null}],"#,
            r#""last_updated":null,"date":"2026-03-03","timezone":"America/New_York","#,
            r#""utc_offsets":[{"from":"2026-02-28T00:00:00-05:00","minutes":-300},"#,
            r#"{"from":"2026-03-08T03:00:00-04:00","minutes":-240},{"from":"2026-11-01T01:00:00-05:00","minutes":-300}],"#,
            r#""stale":true}"#
        )
    );
    assert_eq!((unknown.outcome(), unknown.header("cache-control")), ((200, "STALE"), "no-cache"));
    app.simulator.behave();
    app.store.store.delete("classrooms:refresh_failed").await.unwrap();
    for room in ["719", "723"] {
        app.simulator.misbehave_for(room, Fault::Html);
    }
    let known = app.answer_to("buildings").await;
    let free_now = |code: usize| known.json()["buildings"][code]["free_now"].clone();
    assert_eq!((known.outcome(), free_now(0), free_now(1)), ((200, "MISS"), 1.into(), Value::Null));
}

#[rstest]
#[tokio::test]
async fn health_is_ok_while_the_cache_has_data_of_today(#[values(Memory, Redis)] backend: Backend) {
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
    // After midnight the reserve has today's.
    app.advance(25 * 60 * MINUTE - 90_500);
    if app.store.redis.is_none() {
        assert_eq!(app.store.store.get("classrooms:availability").await.unwrap(), None, "it should have expired");
    }
    assert_eq!(health().await, (200, json!(["ok", "ok", 90_000, 3, 1])));
    app.advance(1_000);
    assert_eq!(health().await, (503, json!(["failing", "ok", 90_001, 3, 1])));
}

#[rstest]
#[tokio::test]
async fn health_looks_and_never_sweeps(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    for _ in 0..3 {
        assert_eq!(app.answer_to("health").await.status, 503);
    }
    assert_eq!(app.simulator.requests(), 0);
}

/// What is answered to an event while Redis stands still, and in which time. Its store gives up after two seconds.
async fn while_redis_hangs(app: &TestApp, event: &str) -> (TestResponse, Duration) {
    let redis = app.store.redis.as_ref().unwrap();
    redis.pause();
    let asked = Instant::now();
    let answer = app.answer_to(event).await;
    redis.resume();
    (answer, asked.elapsed())
}

#[tokio::test]
async fn a_redis_that_hangs_makes_health_fail_within_its_time_limit() {
    let app = TestApp::start_with(Backend::Redis, &[("REDIS_TIMEOUT", "0.5")]).await;
    app.answer_to("open-classrooms").await;
    assert_eq!(app.answer_to("health").await.status, 200);
    let (health, took) = while_redis_hangs(&app, "health").await;
    assert_eq!((health.status.as_u16(), health.text.as_str()), (503, UNREACHABLE));
    assert!(took < Duration::from_millis(1_500), "it took {took:?}");
}

#[tokio::test]
async fn a_redis_that_hangs_holds_up_a_calendar_no_longer_than_any_read() {
    let app = TestApp::start(Backend::Redis).await;
    assert_eq!(app.answer_to("classroom-calendar").await.status, 200);
    let (calendar, took) = while_redis_hangs(&app, "classroom-calendar").await;
    assert_eq!(calendar.problem(), (503, "Cache unavailable".to_owned()), "it would lack days");
    assert!(took < Duration::from_millis(2_500), "it took {took:?}");
}

#[tokio::test]
async fn an_answer_from_the_cache_is_one_command_also_when_a_question_is_asked() {
    let app = TestApp::start(Backend::Redis).await;
    app.answer_to("open-classrooms").await;
    let redis = app.store.redis.as_ref().unwrap();
    for event in ["open-classrooms", "open-classrooms-question", "classroom", "buildings", "health"] {
        redis.command(&["CONFIG", "RESETSTAT"]).await;
        assert_eq!(app.answer_to(event).await.status, 200, "{event}");
        let stats = redis.command(&["INFO", "commandstats"]).await;
        let commands: Vec<_> = stats.lines().filter(|line| line.starts_with("cmdstat_")).collect();
        let gets = commands.iter().filter(|line| line.starts_with("cmdstat_get:calls=1,")).count();
        let others =
            commands.iter().filter(|line| !line.starts_with("cmdstat_config") && !line.starts_with("cmdstat_info"));
        assert_eq!((gets, others.count()), (1, 1), "{event}: {commands:?}");
    }
}

#[tokio::test]
async fn a_sweep_that_finds_nothing_at_all_has_failed_if_the_last_one_found_bookings() {
    let app = TestApp::start(Backend::Memory).await;
    app.simulator.misbehave(Fault::MissingItems);
    assert_eq!(app.answer_to("refresh").await.status, 200, "a campus may begin with nothing");
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
