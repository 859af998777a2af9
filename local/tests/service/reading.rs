//! What a reader gets: HIT, MISS or STALE.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use rstest::rstest;
use simulator::{Booking, Hours, Kind, timetable};
use testkit::{
    Backend::{self, Memory, Redis},
    TestResponse, eventually,
};

use crate::support::{TestServer, at_once, day};

#[rstest]
#[tokio::test]
async fn the_first_reader_causes_a_sweep_and_the_next_gets_the_same_bytes(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start(backend).await;
    let first = app.open_classrooms().await;
    assert_eq!(first.outcome(), (200, "MISS"));
    let second = app.open_classrooms().await;
    assert_eq!(second.outcome(), (200, "HIT"));
    assert_eq!(first.text, second.text);
    assert_eq!(app.simulator.requests(), 4);
    let body = first.json();
    assert_eq!(body["buildings"].as_object().unwrap().keys().collect::<Vec<_>>(), ["CAS", "CGS"]);
    assert_eq!(body["buildings"]["CGS"]["classrooms"][1]["name"], "311");
    assert_eq!(
        (&body["date"], &body["timezone"], &body["stale"]),
        (&"2026-03-03".into(), &"America/New_York".into(), &false.into())
    );
    assert_eq!(body["last_updated"], "2026-03-03T12:00:00.000000-05:00");
    assert_eq!(app.last_updated().await, body["last_updated"]);
}

#[rstest]
#[tokio::test]
async fn two_hundred_cold_readers_share_one_sweep(#[values(Memory, Redis)] backend: Backend) {
    let app = Arc::new(TestServer::start(backend).await);
    app.simulator.set_latency(Duration::from_secs(1));
    let readers = Arc::clone(&app);
    let answers = at_once(200, move |_| {
        let app = Arc::clone(&readers);
        async move { app.open_classrooms().await }
    })
    .await;
    all_got_the_one_sweep(&answers);
    assert_eq!(app.simulator.requests(), 4);
}

/// Checks for a MISS, or a HIT if the request arrived after the sweep, with the same bytes for all.
fn all_got_the_one_sweep(answers: &[TestResponse]) {
    assert!(answers.iter().any(|answer| answer.outcome() == (200, "MISS")));
    for answer in answers {
        assert!(matches!(answer.outcome(), (200, "MISS" | "HIT")), "{:?}", answer.outcome());
        assert_eq!(answer.text, answers[0].text);
    }
}

#[rstest]
#[tokio::test]
async fn free_slots_follow_from_the_bookings(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start(backend).await;
    let booking = |start, end| Booking::new(Hours::text(start), Hours::number(end), Kind::Event);
    let bookings =
        vec![booking(13 * 60, 14 * 60 + 15), booking(9 * 60 + 5, 9 * 60 + 55), booking(9 * 60 + 5, 9 * 60 + 55)];
    app.simulator.set_bookings("342", day("2026-03-03"), bookings);
    app.simulator.set_bookings("344", day("2026-03-03"), vec![]);
    app.simulator.set_bookings("719", day("2026-03-03"), vec![Booking::new("0.0", 24.0, Kind::Closed)]);
    let answer = app.open_classrooms().await;
    let ok = |slots: &[&str]| ("ok".to_owned(), slots.iter().map(|slot| (*slot).to_owned()).collect::<Vec<_>>());
    assert_eq!(answer.room("342"), ok(&["07:00-09:04", "09:56-12:59", "14:16-23:00"]));
    assert_eq!(answer.room("344"), ok(&["07:00-23:00"]));
    assert_eq!(answer.room("719"), ok(&[]));
}

#[rstest]
#[tokio::test]
async fn every_swept_day_can_be_read(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start(backend).await;
    app.open_classrooms().await;
    for date in day("2026-03-03").iter_days().take(32) {
        let answer = app.get(&format!("/api/open-classrooms?date={date}")).await;
        assert_eq!(answer.outcome(), (200, "HIT"), "{date}");
        assert_eq!(answer.json()["date"], date.to_string());
        assert_eq!(
            answer.room("342").1.is_empty(),
            timetable("342", date)
                .iter()
                .any(|booking| booking.kind == Kind::Closed && booking.start.value() == Some(0.0))
        );
    }
    for date in ["2026-04-04", "2026-03-02", "1999-12-31", "9999-12-31"] {
        let answer = app.get(&format!("/api/open-classrooms?date={date}")).await;
        assert_eq!((answer.status.as_u16(), answer.detail()), (404, format!("No availability is kept for {date}")));
    }
    assert_eq!(app.sweeps(), 1);
}

#[rstest]
#[tokio::test]
async fn a_single_room_can_be_read(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start(backend).await;
    app.simulator.set_bookings("723", day("2026-03-04"), vec![Booking::new(7.0, "12.000000", Kind::Event)]);
    let answer = app.get("/api/classrooms/723?date=2026-03-04").await;
    assert_eq!(answer.outcome(), (200, "MISS"));
    assert_eq!(
        answer.text,
        concat!(
            r#"{"id":"723","name":"311","building_code":"CGS","status":"ok","#,
            r#""availability":[{"start":"12:01:00","end":"21:30:00","start_time":"12:01","end_time":"21:30","duration_minutes":569}],"#,
            r#""date":"2026-03-04","timezone":"America/New_York","last_updated":"2026-03-03T12:00:00.000000-05:00","stale":false,"#,
            r#""free_now":null,"next_free":{"start":"2026-03-04T12:00:00-05:00","end":"2026-03-04T21:30:00-05:00"},"#,
            r#""booked_today":true}"#
        )
    );
    for unknown in ["/api/classrooms/5", "/api/classrooms/%FF", "/api/classrooms/342%20"] {
        let answer = app.get(unknown).await;
        assert_eq!((answer.status.as_u16(), answer.detail()), (404, "Classroom not found".to_owned()), "{unknown}");
    }
}

#[rstest]
#[tokio::test]
async fn a_matching_etag_gets_304_until_the_next_refresh(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start(backend).await;
    let first = app.open_classrooms().await;
    assert_eq!(first.header("cache-control"), "no-cache");
    let again = async || {
        let request = app.client().get(app.url("/api/open-classrooms"));
        app.send(request.header("if-none-match", first.header("etag"))).await
    };
    let known = again().await;
    assert_eq!((known.outcome(), known.text.as_str()), ((304, "HIT"), ""));
    assert_eq!(known.header("etag"), first.header("etag"));
    app.clock.advance(TimeDelta::minutes(31));
    assert_eq!(app.refresh().await.status, 200);
    let new = again().await;
    assert_eq!(new.outcome(), (200, "HIT"));
    assert_ne!(new.header("etag"), first.header("etag"));
    assert_eq!(new.json()["last_updated"], "2026-03-03T12:31:00.000000-05:00");
}

#[rstest]
#[tokio::test]
async fn after_midnight_the_reserve_is_a_hit_until_its_sweep_is_a_day_old(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start(backend).await;
    app.open_classrooms().await;
    app.clock.set("2026-03-04T04:59:59Z");
    assert_eq!(app.open_classrooms().await.json()["date"], "2026-03-03");
    app.clock.set("2026-03-04T05:00:00Z");
    let next_day = app.open_classrooms().await;
    assert_eq!((next_day.outcome(), &next_day.json()["date"]), ((200, "HIT"), &"2026-03-04".into()));
    app.clock.set("2026-03-04T16:59:59Z");
    assert_eq!(app.open_classrooms().await.outcome(), (200, "HIT"));
    assert_eq!(app.sweeps(), 1);
    app.clock.set("2026-03-04T17:00:00Z");
    let swept = app.open_classrooms().await;
    assert_eq!((swept.outcome(), &swept.json()["date"]), ((200, "MISS"), &"2026-03-04".into()));
    assert_eq!(app.sweeps(), 2);
}

/// Starts a sweep and waits until it has begun.
async fn begin_a_slow_sweep(app: &Arc<TestServer>) -> tokio::task::JoinHandle<TestResponse> {
    app.simulator.set_latency(Duration::from_secs(1));
    let before = app.simulator.requests();
    let sweeping = Arc::clone(app);
    let sweep = tokio::spawn(async move { sweeping.open_classrooms().await });
    eventually("the sweep begins", Duration::from_secs(10), async || app.simulator.requests() > before).await;
    sweep
}

#[rstest]
#[tokio::test]
async fn during_a_sweep_readers_get_the_reserve_as_stale_at_once(#[values(Memory, Redis)] backend: Backend) {
    let app = Arc::new(TestServer::start(backend).await);
    let swept = app.open_classrooms().await;
    app.service.deps.cache.invalidate().await.unwrap();
    let sweep = begin_a_slow_sweep(&app).await;
    let stale = app.open_classrooms().await;
    assert!(!sweep.is_finished(), "the stale copy should arrive before the sweep ends");
    assert_eq!((stale.outcome(), &stale.json()["stale"]), ((200, "STALE"), &true.into()));
    assert_eq!(stale.text, swept.text.replace("\"stale\":false", "\"stale\":true"));
    assert_ne!(stale.header("etag"), swept.header("etag"));
    assert_eq!(sweep.await.unwrap().outcome(), (200, "MISS"));
    assert_eq!(app.sweeps(), 2);
}

#[rstest]
#[tokio::test]
async fn during_a_sweep_without_a_reserve_readers_wait(#[values(Memory, Redis)] backend: Backend) {
    let app = Arc::new(TestServer::start(backend).await);
    let sweep = begin_a_slow_sweep(&app).await;
    let waited = app.open_classrooms().await;
    assert_eq!(waited.outcome(), (200, "MISS"));
    assert_eq!(waited.text, sweep.await.unwrap().text);
    assert_eq!(app.sweeps(), 1);
}

#[rstest]
#[tokio::test]
async fn a_sweep_continues_after_the_client_that_started_it_disconnects(#[values(Memory, Redis)] backend: Backend) {
    let app = Arc::new(TestServer::start(backend).await);
    let sweep = begin_a_slow_sweep(&app).await;
    sweep.abort();
    assert!(sweep.await.unwrap_err().is_cancelled());
    eventually("the sweep is published", Duration::from_secs(10), async || !app.last_updated().await.is_null()).await;
    assert_eq!(app.open_classrooms().await.outcome(), (200, "HIT"));
    assert_eq!(app.sweeps(), 1);
}

#[rstest]
#[tokio::test]
async fn after_every_client_has_disconnected_the_next_miss_sweeps_again(#[values(Memory, Redis)] backend: Backend) {
    let app = Arc::new(TestServer::start(backend).await);
    let sweep = begin_a_slow_sweep(&app).await;
    sweep.abort();
    eventually("the sweep is published", Duration::from_secs(10), async || !app.last_updated().await.is_null()).await;
    app.simulator.set_latency(Duration::ZERO);
    app.service.deps.cache.invalidate().await.unwrap();
    assert_eq!(app.open_classrooms().await.outcome(), (200, "MISS"));
    app.clock.advance(TimeDelta::minutes(31));
    assert_eq!(app.refresh().await.json()["timestamp"], "2026-03-03T12:31:00.000000-05:00");
    assert_eq!(app.sweeps(), 3);
}

#[tokio::test]
async fn a_redis_key_of_another_type_counts_as_absent() {
    let app = TestServer::start(Backend::Redis).await;
    app.open_classrooms().await;
    app.redis(&["DEL", "classrooms:availability"]).await;
    app.redis(&["HSET", "classrooms:availability", "a", "b"]).await;
    assert_eq!(app.open_classrooms().await.outcome(), (200, "MISS"));
    assert_eq!(app.open_classrooms().await.outcome(), (200, "HIT"));
}

#[tokio::test]
async fn a_hit_is_one_redis_command() {
    let app = TestServer::start(Backend::Redis).await;
    app.open_classrooms().await;
    for path in [
        "/api/open-classrooms",
        "/api/classrooms/342",
        "/api/open-classrooms?date=2026-03-04",
        "/api/classrooms/342/days",
        "/api/classrooms/342/calendar.ics",
    ] {
        app.redis(&["CONFIG", "RESETSTAT"]).await;
        assert_eq!(app.get(path).await.outcome(), (200, "HIT"));
        let stats = app.redis(&["INFO", "commandstats"]).await;
        let commands: Vec<_> =
            stats.lines().filter(|line| line.starts_with("cmdstat_") && !line.contains("config")).collect();
        assert!(commands.len() == 1 && commands[0].starts_with("cmdstat_get:calls=1,"), "{path}: {commands:?}");
    }
}

#[tokio::test]
async fn deleting_two_keys_forces_a_sweep_at_the_next_request() {
    let app = TestServer::start(Backend::Redis).await;
    app.open_classrooms().await;
    app.redis(&["DEL", "classrooms:availability", "classrooms:last_refresh"]).await;
    assert_eq!(app.open_classrooms().await.outcome(), (200, "MISS"));
    assert_eq!(app.sweeps(), 2);
}

#[tokio::test]
async fn a_truncated_value_is_served_from_the_reserve() {
    let app = TestServer::start(Backend::Redis).await;
    app.open_classrooms().await;
    let whole = app.redis(&["GET", "classrooms:availability"]).await;
    app.redis(&["SET", "classrooms:availability", &whole[..whole.len() - 100]]).await;
    assert_eq!(app.open_classrooms().await.outcome(), (200, "HIT"));
    app.redis(&["DEL", "classrooms:availability:2026-03-03"]).await;
    assert_eq!(app.open_classrooms().await.outcome(), (200, "MISS"));
    assert_eq!(app.open_classrooms().await.outcome(), (200, "HIT"));
}

/// A value of the original service in Redis.
const ORIGINAL: &str = r#"{"342": [{"start": "07:00:00", "end": "23:00:00"}], "344": []}"#;

#[tokio::test]
async fn a_value_of_the_original_service_causes_no_sweep_and_the_next_refresh_replaces_it() {
    let app = TestServer::start(Backend::Redis).await;
    let ours = app.open_classrooms().await;
    app.redis(&["SET", "classrooms:availability", ORIGINAL]).await;
    for _ in 0..3 {
        let read = app.open_classrooms().await;
        assert_eq!((read.outcome(), &read.text), ((200, "HIT"), &ours.text));
    }
    assert_eq!(app.sweeps(), 1, "no reader should sweep");
    app.redis(&["DEL", "classrooms:last_refresh"]).await;
    assert_eq!(app.refresh().await.status, 200);
    assert!(app.redis(&["GET", "classrooms:availability"]).await.starts_with(r#"{"version":2,"#));
}

#[tokio::test]
async fn cold_readers_of_two_processes_share_one_sweep() {
    let one = Arc::new(TestServer::start(Backend::Redis).await);
    let apps = [Arc::clone(&one), Arc::new(one.another().await)];
    one.simulator.set_latency(Duration::from_millis(300));
    let answers = at_once(100, move |index| {
        let app = Arc::clone(&apps[index % 2]);
        async move { app.open_classrooms().await }
    })
    .await;
    all_got_the_one_sweep(&answers);
    assert_eq!(one.simulator.requests(), 4);
}

#[tokio::test]
async fn a_future_day_lost_from_redis_is_served_stale_from_the_last_good_copy() {
    let app = TestServer::start(Backend::Redis).await;
    app.open_classrooms().await;
    let good = app.get("/api/open-classrooms?date=2026-03-05").await;
    for lose in
        [&["DEL", "classrooms:availability:2026-03-05"][..], &["SET", "classrooms:availability:2026-03-05", "{"]]
    {
        app.redis(lose).await;
        let own = app.get("/api/open-classrooms?date=2026-03-05").await;
        assert_eq!((own.outcome(), own.room("342")), ((200, "STALE"), good.room("342")));
    }
    assert_eq!(app.sweeps(), 1);
}
