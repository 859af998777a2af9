//! `GET /api/classrooms/{id}/calendar.ics`.

use std::time::Duration;

use rstest::rstest;
use simulator::Fault;
use testkit::{
    Backend::{self, Memory, Redis},
    GatewayEvent, TestApp, TestResponse, today,
};

use crate::support::{MINUTE, while_redis_hangs};

/// Returns the values of the calendar's lines with this name.
fn values(calendar: &TestResponse, name: &str) -> Vec<String> {
    let lines = calendar.text.split("\r\n").filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    lines.map(str::to_owned).collect()
}

#[rstest]
#[tokio::test]
async fn a_rooms_calendar_has_the_free_slots_of_every_kept_day(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let first = app.answer_to("classroom-calendar").await;
    assert_eq!((first.outcome(), first.header("cache-control")), ((200, "MISS"), "no-cache"));
    let starts = values(&first, "DTSTART");
    assert!(starts.is_sorted() && starts[0] == "20260303T120000Z", "{starts:?}");
    assert_eq!(values(&first, "DTEND")[0], "20260303T140500Z", "the slot ends when the class begins");
    // The calendar has exactly the slots of the single days.
    let mut slots = 0;
    for date in today().iter_days().take(32) {
        let room = app.answer(GatewayEvent::get(&format!("/api/classrooms/342?date={date}"))).await;
        slots += room.json()["availability"].as_array().unwrap().len();
    }
    assert_eq!(starts.len(), slots);
    let uids = values(&first, "UID");
    assert_eq!((uids.len(), uids[0].as_str()), (slots, "342-2026-03-03T07:00-09:05@54d72b00e05f870b.emptyclassroom"));
    assert_eq!(values(&first, "DTSTAMP")[0], "20260303T050000Z", "DTSTAMP is the start of the day");
    assert_eq!(first.header("content-disposition"), "inline; filename=\"CAS-116.ics\"");

    app.advance(60 * MINUTE);
    let hit = app.answer_to("classroom-calendar").await;
    assert_eq!((hit.outcome(), &hit.text, hit.header("etag")), ((200, "HIT"), &first.text, first.header("etag")));
    app.advance(24 * 60 * MINUTE);
    app.answer_to("refresh").await;
    let next = app.answer_to("classroom-calendar").await;
    assert_eq!(values(&next, "DTSTART")[0], starts[0], "yesterday is still kept");
    let last = |calendar: &TestResponse| values(calendar, "DTEND").last().unwrap()[..8].to_owned();
    assert!(last(&next) > last(&first), "the new sweep added a day");
    assert!(uids.iter().all(|uid| values(&next, "UID").contains(uid)), "an event keeps its UID");
}

#[rstest]
#[tokio::test]
async fn a_refresh_without_changes_keeps_the_calendar_and_its_etag(#[values(Memory, Redis)] backend: Backend) {
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
async fn the_calendar_of_an_unknown_room_is_503_so_that_subscribers_keep_their_copy(
    #[values(Memory, Redis)] backend: Backend,
) {
    let app = TestApp::start(backend).await;
    app.simulator.misbehave_for("342", Fault::Html);
    assert_eq!(app.answer_to("classroom").await.json()["status"], "unknown");
    let unknown = app.answer_to("classroom-calendar").await;
    assert_eq!(unknown.problem(), (503, "Cache unavailable".to_owned()));
    assert_eq!(unknown.header("retry-after"), "60");
    // A room that is booked all day is not unknown.
    assert_eq!(app.answer(GatewayEvent::get("/api/classrooms/719/calendar.ics")).await.outcome(), (200, "HIT"));
    app.simulator.behave();
    app.advance(31 * MINUTE);
    assert_eq!(app.answer_to("refresh").await.status, 200);
    assert_eq!(app.answer_to("classroom-calendar").await.outcome(), (200, "HIT"));
}

#[tokio::test]
async fn a_hanging_redis_delays_a_calendar_by_one_redis_timeout() {
    let app = TestApp::start(Backend::Redis).await;
    assert_eq!(app.answer_to("classroom-calendar").await.status, 200);
    let (calendar, took) = while_redis_hangs(&app, "classroom-calendar").await;
    assert_eq!(calendar.problem(), (503, "Cache unavailable".to_owned()), "an incomplete calendar is not served");
    assert!(took < Duration::from_millis(2_500), "it took {took:?}");
}
