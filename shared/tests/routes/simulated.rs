//! Simulated bookings: every response marks them, and they never mix with real ones.

use rstest::rstest;
use serde_json::{Value, json};
use simulator::Fault;
use testkit::{
    Backend::{self, Memory, Redis},
    GatewayEvent, ROOMS, TestApp,
};

use crate::support::MINUTE;

const ANSWERS: [&str; 6] = [
    "/api/open-classrooms",
    "/api/open-classrooms?q=cas",
    "/api/classrooms/342",
    "/api/classrooms/342/days",
    "/api/buildings",
    "/api/health",
];

async fn json_of(app: &TestApp, target: &str) -> Value {
    app.answer(GatewayEvent::get(target)).await.json()
}

/// Starts a service with simulated bookings and makes Tuesday's sweep.
async fn simulated(backend: Backend) -> TestApp {
    let mut app = TestApp::start(backend).await;
    app.restart(true);
    assert_eq!(app.answer_to("refresh").await.status, 200);
    app
}

/// Switches between simulated and real bookings and sweeps while half of the rooms fail.
async fn switch_and_sweep(app: &mut TestApp, simulated: bool) {
    app.restart(simulated);
    app.advance(31 * MINUTE);
    app.simulator.misbehave_for("342", Fault::Html);
    app.simulator.misbehave_for("723", Fault::Html);
    assert_eq!(app.answer_to("refresh").await.status, 200);
}

#[rstest]
#[tokio::test]
async fn simulated_bookings_are_marked_even_if_a_server_with_api_url_reads_them(
    #[values(Memory, Redis)] backend: Backend,
) {
    let mut app = simulated(backend).await;
    for has_api_url in [false, true] {
        app.restart(!has_api_url);
        for target in ANSWERS {
            assert_eq!(json_of(&app, target).await["simulated"], true, "{target}, API_URL: {has_api_url}");
        }
        assert_eq!(
            json_of(&app, "/api/health").await["summary"],
            "All 4 rooms are known today. The bookings are simulated."
        );
        let body = app.answer_to("open-classrooms").await;
        assert_eq!(body.outcome(), (200, "HIT"));
        assert!(
            body.text.starts_with(r#"{"campus":"Boston University","simulated":true,"buildings":{"#),
            "{}",
            body.text
        );
        let calendar = app.answer_to("classroom-calendar").await.text;
        assert!(calendar.contains("SUMMARY:CAS 116 is free (simulated)\r\n"), "{calendar}");
    }
}

#[rstest]
#[tokio::test]
async fn real_bookings_are_not_marked_even_if_a_server_without_api_url_reads_them(
    #[values(Memory, Redis)] backend: Backend,
) {
    let mut app = TestApp::start(backend).await;
    assert_eq!(app.answer_to("refresh").await.status, 200);
    app.restart(true);
    for target in ANSWERS {
        assert_eq!(json_of(&app, target).await.get("simulated"), None, "{target}");
    }
    assert!(!app.answer_to("classroom-calendar").await.text.contains("simulated"));
}

#[rstest]
#[tokio::test]
async fn a_stale_copy_of_simulated_bookings_is_marked(#[values(Memory, Redis)] backend: Backend) {
    let mut app = simulated(backend).await;
    app.restart(false);
    for key in ["classrooms:availability", "classrooms:last_refresh"] {
        app.store.store.delete(key).await.unwrap();
    }
    app.simulator.misbehave(Fault::Html);
    let stale = app.answer_to("open-classrooms").await;
    assert_eq!(stale.outcome(), (200, "STALE"));
    assert_eq!((&stale.json()["simulated"], &stale.json()["stale"]), (&json!(true), &json!(true)));
}

#[rstest]
#[case::real_after_simulated(true)]
#[case::simulated_after_real(false)]
#[tokio::test]
async fn failed_rooms_keep_no_slots_when_simulated_and_real_bookings_alternate(
    #[case] first: bool,
    #[values(Memory, Redis)] backend: Backend,
) {
    let mut app = TestApp::start(backend).await;
    app.restart(first);
    assert_eq!(app.answer_to("refresh").await.status, 200);
    switch_and_sweep(&mut app, !first).await;
    let mark = (!first).then_some(json!(true));
    for target in ANSWERS {
        assert_eq!(json_of(&app, target).await.get("simulated"), mark.as_ref(), "{target}");
    }
    let mut statuses = Vec::new();
    for id in ROOMS {
        let room = json_of(&app, &format!("/api/classrooms/{id}")).await;
        statuses.push(room["status"].as_str().unwrap().to_owned());
    }
    assert_eq!(statuses, ["unknown", "ok", "ok", "unknown"], "failed rooms keep no slots of the other kind");
    // After a sweep of the same kind, failed rooms keep their slots.
    app.simulator.behave();
    app.advance(31 * MINUTE);
    assert_eq!(app.answer_to("refresh").await.status, 200);
    switch_and_sweep(&mut app, !first).await;
    assert_eq!(json_of(&app, "/api/classrooms/342").await["status"], "stale");
}

#[rstest]
#[tokio::test]
async fn a_rooms_days_never_mix_simulated_and_real_bookings(#[values(Memory, Redis)] backend: Backend) {
    let mut app = simulated(backend).await;
    // On Wednesday, a server with an API_URL sweeps: Tuesday's simulated bookings are still in the reserve.
    app.advance(24 * 60 * MINUTE);
    app.restart(false);
    assert_eq!(app.answer_to("refresh").await.status, 200);
    let tuesday = "/api/open-classrooms?date=2026-03-03";
    assert_eq!(json_of(&app, tuesday).await["simulated"], true, "the day itself is still marked");
    for is_cached in [true, false] {
        if !is_cached {
            app.store.store.delete("classrooms:room:342").await.unwrap();
        }
        let days = json_of(&app, "/api/classrooms/342/days").await;
        assert_eq!(days.get("simulated"), None);
        assert_eq!(days["days"][0]["date"], "2026-03-04", "from the room's value: {is_cached}");
    }
}

#[rstest]
#[tokio::test]
async fn a_real_sweep_without_any_booking_succeeds_after_a_simulated_one(#[values(Memory, Redis)] backend: Backend) {
    let mut app = simulated(backend).await;
    app.simulator.misbehave(Fault::NullItems);
    app.advance(31 * MINUTE);
    assert_eq!(app.answer_to("refresh").await.status, 502, "a sweep of the same kind fails");
    app.store.store.delete("classrooms:refresh_failed").await.unwrap();
    app.restart(false);
    assert_eq!(app.answer_to("refresh").await.status, 200);
}
