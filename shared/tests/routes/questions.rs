//! `GET /api/open-classrooms` with filters: `at`, `from` and `to`, `building`, `q`, `sort` and the others.

use rstest::rstest;
use simulator::Fault;
use testkit::{
    Backend::{self, Memory, Redis},
    GatewayEvent, ROOMS, TestApp, TestResponse,
};

use crate::support::{FREE_AT_EIGHT, MINUTE, assert_shows_no_internals};

/// The names of the rooms in a response, in order.
fn names(answer: &TestResponse) -> Vec<String> {
    let body = answer.json();
    let buildings = body["buildings"].as_object().unwrap().values();
    let rooms = buildings.flat_map(|building| building["classrooms"].as_array().unwrap());
    rooms.map(|room| room["name"].as_str().unwrap().to_owned()).collect()
}

#[rstest]
#[tokio::test]
async fn a_question_is_answered_from_the_cache(#[values(Memory, Redis)] backend: Backend) {
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
        ("building=CGS&building=CAS", &["116", "201", "129", "311"]),
        ("building=cas,CGS&building=cgs&building=CAS,%20cas", &["116", "201", "129", "311"]),
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
    assert_eq!(app.simulator.requests(), ROOMS.len(), "all requests share one sweep");
    app.simulator.misbehave(Fault::Html);
    app.store.store.delete("classrooms:availability").await.unwrap();
    let stale = app.answer_to("open-classrooms-question").await;
    assert_eq!((stale.outcome(), stale.json()["stale"].clone()), ((200, "STALE"), true.into()));
}

#[rstest]
#[tokio::test]
async fn a_malformed_question_is_400_with_its_reason(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let a_time = "a time from 00:00 to 23:59 such as 14:30";
    for (query, detail) in [
        ("at=noon", format!("`at` is `noon`; expected `now` or {a_time}")),
        ("at=now&date=2026-03-04", format!("`at` is `now`; expected {a_time}, because `date` is not today")),
        ("from=08:00", "`from` is `08:00`; expected `to` as well".to_owned()),
        ("building=XYZ", "`building` is `XYZ`; expected building codes separated by commas: CAS,CGS".to_owned()),
        ("sort=free_until", "`sort` is `free_until`; expected `name`, `duration` or `capacity` (`free_until` needs `at`, or `from` and `to`)".to_owned()),
        ("min_minutes=9&min_minutes=9", "`min_minutes` is `9, 9`; expected a number of minutes from 1 to 1440, given only once".to_owned()),
        ("date=tomorrow&at=noon", "`date` is `tomorrow`; expected a date such as 2026-03-03".to_owned()),
    ] {
        let answer = app.answer(GatewayEvent::get(&format!("/api/open-classrooms?{query}"))).await;
        assert_eq!(answer.problem(), (400, detail), "{query}");
        assert_shows_no_internals(&app, &answer);
    }
    let long = app.answer(GatewayEvent::get(&format!("/api/open-classrooms?q={}", "é".repeat(1_000)))).await;
    let expected = "part of a room's or a building's name, 1 to 100 characters long";
    assert_eq!(long.problem(), (400, format!("`q` is `{}…`; expected {expected}", "é".repeat(50))));
    assert_eq!(app.simulator.requests(), 0, "a bad question causes no request to 25Live");
    assert_eq!(
        app.answer(GatewayEvent::get("/api/classrooms/342?at=noon")).await.status,
        200,
        "`at` is not a parameter of this route"
    );
}

#[rstest]
#[tokio::test]
async fn with_at_now_body_and_etag_change_every_minute(#[values(Memory, Redis)] backend: Backend) {
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
