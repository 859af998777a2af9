//! `GET /api/classrooms/{id}/days`.

use rstest::rstest;
use serde_json::{Value, json};
use simulator::Fault;
use testkit::{
    Backend::{self, Memory, Redis},
    GatewayEvent, TestApp, TestResponse, today,
};

use crate::support::MINUTE;

fn dates(answer: &TestResponse) -> Vec<String> {
    let days = answer.json()["days"].as_array().unwrap().clone();
    days.iter().map(|day| day["date"].as_str().unwrap().to_owned()).collect()
}

#[rstest]
#[tokio::test]
async fn a_rooms_days_match_the_response_for_each_single_day(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let miss = app.answer_to("classroom-days").await;
    let hit = app.answer_to("classroom-days").await;
    assert_eq!((miss.outcome(), hit.outcome()), ((200, "MISS"), (200, "HIT")));
    assert_eq!((&hit.text, hit.header("cache-control")), (&miss.text, "no-cache"));
    let body = hit.json();
    let room = ["id", "name", "building_code", "timezone"].map(|name| body[name].as_str().unwrap());
    assert_eq!(room, ["342", "116", "CAS", "America/New_York"]);
    let days = body["days"].as_array().unwrap();
    assert_eq!((days.len(), &days[0]["date"]), (32, &json!("2026-03-03")));
    for (day, date) in days.iter().zip(today().iter_days()) {
        let own = app.answer(GatewayEvent::get(&format!("/api/classrooms/342?date={date}"))).await.json();
        for name in ["date", "status", "last_updated", "availability"] {
            assert_eq!(day[name], own[name], "{name} of {date}");
        }
        assert_eq!((&day["opens"], &day["closes"]), (&json!("07:00"), &json!("23:00")));
    }
}

#[rstest]
#[tokio::test]
async fn past_days_are_listed_while_the_reserve_keeps_them(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    app.answer_to("refresh").await;
    for _ in 0..2 {
        app.advance(24 * 60 * MINUTE);
        assert_eq!(app.answer_to("refresh").await.status, 200);
    }
    let days = app.answer_to("classroom-days").await;
    assert_eq!(
        (days.outcome(), &dates(&days)[..3]),
        ((200, "HIT"), &["2026-03-03", "2026-03-04", "2026-03-05"].map(str::to_owned)[..])
    );
}

#[rstest]
#[tokio::test]
async fn days_from_a_sweep_over_24_hours_old_are_stale_or_a_miss(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    app.answer_to("refresh").await;
    app.advance(25 * 60 * MINUTE);
    // Redis uses its own clock, so its keys are deleted here.
    for key in ["classrooms:availability", "classrooms:last_refresh"] {
        app.store.store.delete(key).await.unwrap();
    }
    app.simulator.misbehave(Fault::Html);
    assert_eq!(app.answer_to("classroom-days").await.outcome(), (200, "STALE"));
    app.simulator.behave();
    app.store.store.delete("classrooms:refresh_failed").await.unwrap();
    assert_eq!(app.answer_to("classroom-days").await.outcome(), (200, "MISS"));
}

#[rstest]
#[tokio::test]
async fn a_cached_value_that_is_not_this_rooms_days_counts_as_absent(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    app.answer_to("refresh").await;
    let before = app.answer_to("classroom-days").await;
    let (store, key) = (&app.store.store, "classrooms:room:342");
    let others = [store.get("classrooms:availability").await, store.get("classrooms:room:344").await];
    let others = others.map(|value| value.unwrap().unwrap());
    for value in ["", "{}", "nonsense"].map(bytes::Bytes::from).into_iter().chain(others) {
        store.put(key, value.clone(), std::time::Duration::from_mins(1)).await.unwrap();
        let days = app.answer_to("classroom-days").await;
        assert_eq!(
            (days.outcome(), days.json()["days"].clone()),
            ((200, "HIT"), before.json()["days"].clone()),
            "{value:?}"
        );
    }
}

#[rstest]
#[tokio::test]
async fn all_days_of_a_room_that_never_answered_are_unknown(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    app.simulator.misbehave_for("342", Fault::Html);
    let days = app.answer_to("classroom-days").await.json();
    let days: Vec<Value> = days["days"].as_array().unwrap().clone();
    assert!(!days.is_empty() && days.iter().all(|day| day["status"] == "unknown" && day["availability"] == json!([])));
}
