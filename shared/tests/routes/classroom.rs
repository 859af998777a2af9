//! `GET /api/classrooms/{id}`.

use rstest::rstest;
use serde_json::{Value, json};
use simulator::{Booking, Kind};
use testkit::{
    Backend::{self, Memory, Redis},
    GatewayEvent, TestApp, today,
};

use crate::support::MINUTE;

#[rstest]
#[tokio::test]
async fn a_room_has_its_own_body_and_etag(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let room = app.answer_to("classroom").await;
    assert_eq!(room.outcome(), (200, "MISS"));
    assert_eq!(room.header("cache-control"), "no-cache");
    let closed_all_day = app.answer(GatewayEvent::get("/api/classrooms/719")).await;
    assert_eq!(
        closed_all_day.text,
        concat!(
            r#"{"id":"719","name":"129","building_code":"CGS","status":"ok","availability":[],"#,
            r#""date":"2026-03-03","timezone":"America/New_York","last_updated":"2026-03-03T10:00:00.123456-05:00","stale":false,"#,
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
async fn an_unknown_room_is_404_without_a_sweep(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    // Not digits, not UTF-8, encoded slashes and spaces; with a bad date too.
    let ids = ["1", "0342", "342%20", "342%2F", "%FF", "CAS", "1/calendar.ics", "%FF/calendar.ics"];
    for id in ids.into_iter().chain(["a".repeat(5_000).as_str(), "1?date=tomorrow"]) {
        let answer = app.answer(GatewayEvent::get(&format!("/api/classrooms/{id}"))).await;
        assert_eq!(answer.problem(), (404, "Classroom not found".to_owned()), "{id}");
    }
    assert_eq!(app.simulator.requests(), 0);
}

#[rstest]
#[tokio::test]
async fn a_room_has_free_now_next_free_and_booked_today(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let facts = async |target: &str| {
        let room = app.answer(GatewayEvent::get(target)).await.json();
        json!([room["free_now"], room["next_free"], room["booked_today"]])
    };
    let all_day = json!({"start": "2026-03-03T07:00:00-05:00", "end": "2026-03-03T23:00:00-05:00"});
    assert_eq!(facts("/api/classrooms/344").await, json!([true, all_day, false]));
    assert_eq!(facts("/api/classrooms/344?date=2026-03-03").await, json!([true, all_day, false]));
    assert_eq!(facts("/api/classrooms/719").await, json!([false, null, false]), "a closure is not a booking");
    assert_eq!(facts("/api/classrooms/344?date=2026-03-04").await[0], Value::Null, "`free_now` is null on other days");
    app.simulator.set_bookings("719", today(), vec![Booking::new(9.0, "11.500000", Kind::Event)]);
    app.advance(31 * MINUTE);
    app.answer_to("refresh").await;
    let next = json!({"start": "2026-03-03T11:30:00-05:00", "end": "2026-03-03T21:30:00-05:00"});
    assert_eq!(facts("/api/classrooms/719").await, json!([false, next, true]));
    app.advance(60 * MINUTE);
    assert_eq!(facts("/api/classrooms/719").await, json!([true, next, true]));
}
