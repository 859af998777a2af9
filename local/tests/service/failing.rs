//! Failures of 25Live and outages of Redis: which rooms, days and clients they affect.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use rstest::rstest;
use simulator::{Booking, Fault, Kind};
use testkit::{
    Backend::{self, Memory, Redis},
    ROOMS, eventually,
};

use crate::support::{TestServer, day, space_id};

/// Faults after which a room has no answer, and whether they are retried.
fn fatal() -> Vec<(Fault, bool)> {
    vec![
        (Fault::Status(500), true),
        (Fault::Status(503), true),
        (Fault::Status(429), true),
        (Fault::Status(404), false),
        (Fault::Status(204), false),
        (Fault::ConnectionCut, true),
        (Fault::Redirect, false),
        (Fault::Html, false),
        (Fault::CutOff, false),
        (Fault::Body(String::new()), false),
        (Fault::Body("null".to_owned()), false),
        (Fault::Body("{}".to_owned()), false),
        (Fault::Body("[1,2".to_owned()), false),
        (Fault::Huge(60_000_000), false),
        (Fault::NoSubjects, false),
        (Fault::NullSubjects, false),
        (Fault::MissingDay(day("2026-03-03")), false),
        (Fault::OtherRoom, false),
        (Fault::GzipBomb(100 << 20), false),
        (Fault::ManyItems(1_000_000), false),
    ]
}

#[tokio::test]
async fn a_failure_affects_only_its_room_and_transient_ones_are_retried() {
    for (fault, transient) in fatal() {
        let app = TestServer::start(Backend::Memory).await;
        app.simulator.misbehave_for("344", fault.clone());
        let answer = app.open_classrooms().await;
        assert_eq!(answer.outcome(), (200, "MISS"), "{fault:?}");
        assert_eq!(answer.room("344"), ("unknown".to_owned(), vec![]), "{fault:?}");
        assert_eq!(answer.room("342").0, "ok", "{fault:?}");
        assert_eq!(app.simulator.requests(), if transient { 6 } else { 4 }, "{fault:?}");
    }
}

#[tokio::test]
async fn readable_parts_of_a_damaged_25live_answer_are_used() {
    let all_day = ("ok".to_owned(), vec!["07:00-23:00".to_owned()]);
    let around_nine = ("ok".to_owned(), vec!["07:00-08:59".to_owned(), "10:01-23:00".to_owned()]);
    // The malformed item has no start and ends at ten; the doubtful time counts as booked.
    let until_ten = ("ok".to_owned(), vec!["10:01-23:00".to_owned()]);
    let harmless = [
        (Fault::Prefixed, &around_nine),
        (Fault::Gzip, &around_nine),
        (Fault::ShuffledDays, &around_nine),
        (Fault::MalformedItem, &until_ten),
        (Fault::MissingDay(day("2026-03-04")), &around_nine),
        (Fault::NullItems, &all_day),
        (Fault::MissingItems, &all_day),
    ];
    for (fault, expected) in harmless {
        let app = TestServer::start(Backend::Memory).await;
        app.simulator.set_bookings("344", day("2026-03-03"), vec![Booking::new(9.0, "10.000000", Kind::Event)]);
        app.simulator.misbehave_for("344", fault.clone());
        assert_eq!(&app.open_classrooms().await.room("344"), expected, "{fault:?}");
        assert_eq!(app.simulator.requests(), 4, "{fault:?}");
    }
}

#[tokio::test]
async fn doubtful_booking_times_block_the_room_up_to_midnight() {
    let around_nine = ["07:00-08:59", "10:01-23:00"];
    for (start, end, expected) in [
        ("NaN", "11.000000", &["11:01-23:00"][..]),
        ("12.000000", "Infinity", &["07:00-08:59", "10:01-11:59"]),
        ("-Infinity", "NaN", &around_nine),
        ("14.000000", "13.000000", &["07:00-08:59", "10:01-13:59"]),
        ("-4.000000", "-2.000000", &around_nine),
        ("-4.000000", "7.500000", &["07:31-08:59", "10:01-23:00"]),
        ("22.000000", "30.000000", &["07:00-08:59", "10:01-21:59"]),
        ("25.000000", "26.000000", &around_nine),
        ("-1e300", "1e300", &[]),
    ] {
        let app = TestServer::start(Backend::Memory).await;
        let (odd, good) = (Booking::new(start, end, Kind::Event), Booking::new(9.0, "10.000000", Kind::Event));
        app.simulator.set_bookings("344", day("2026-03-03"), vec![odd, good]);
        let expected = expected.iter().map(|&slot| slot.to_owned()).collect();
        assert_eq!(app.open_classrooms().await.room("344"), ("ok".to_owned(), expected), "{start} to {end}");
    }
}

#[tokio::test]
async fn a_burst_of_500_and_429_is_retried_until_all_rooms_are_ok() {
    let app = TestServer::start(Backend::Memory).await;
    for room in ROOMS {
        app.simulator.misbehave_times(room, Fault::Status(500), 1);
        app.simulator.misbehave_times(room, Fault::Status(429), 1);
    }
    let answer = app.open_classrooms().await;
    assert!(ROOMS.iter().all(|room| answer.room(room).0 == "ok"), "{answer:?}");
    assert_eq!(app.simulator.requests(), 12);
}

#[tokio::test]
async fn a_day_missing_from_25lives_answer_is_unknown_on_that_day_only() {
    let app = TestServer::start(Backend::Memory).await;
    app.simulator.misbehave_for("344", Fault::MissingDay(day("2026-03-04")));
    assert_eq!(app.open_classrooms().await.room("344").0, "ok");
    assert_eq!(app.get("/api/open-classrooms?date=2026-03-04").await.room("344"), ("unknown".to_owned(), vec![]));
    assert_eq!(app.get("/api/open-classrooms?date=2026-03-05").await.room("344").0, "ok");
}

#[tokio::test]
async fn two_503_are_retried_and_the_third_makes_the_room_unknown() {
    let app = TestServer::start(Backend::Memory).await;
    app.simulator.misbehave_times("342", Fault::Status(503), 2);
    app.simulator.misbehave_times("344", Fault::Status(503), 3);
    let answer = app.open_classrooms().await;
    assert_eq!((answer.room("342").0.as_str(), answer.room("344").0.as_str()), ("ok", "unknown"));
}

#[tokio::test]
async fn a_retry_after_from_25live_is_respected() {
    let app = TestServer::start(Backend::Memory).await;
    app.simulator.misbehave_times("342", Fault::retry_after(429, "2"), 1);
    let start = Instant::now();
    assert_eq!(app.refresh().await.status, 200);
    assert!(start.elapsed() >= Duration::from_secs(2));
    assert_eq!(app.open_classrooms().await.room("342").0, "ok");
}

#[tokio::test]
async fn a_retry_after_beyond_the_end_of_the_sweep_fails_the_room_immediately() {
    let app = TestServer::start(Backend::Memory).await;
    app.simulator.misbehave_for("342", Fault::retry_after(429, "3600"));
    let start = Instant::now();
    assert_eq!(app.open_classrooms().await.room("342").0, "unknown");
    assert!(start.elapsed() < Duration::from_secs(10), "the sweep should not wait that long");
    assert_eq!(app.simulator.requests(), 4);
}

#[tokio::test]
async fn a_room_that_hangs_or_drips_fails_within_upstream_timeout() {
    for fault in [Fault::Hang, Fault::Drip] {
        let app = TestServer::start_with(Backend::Memory, &[("UPSTREAM_TIMEOUT", "0.2")]).await;
        app.simulator.misbehave_for("344", fault);
        assert_eq!(app.open_classrooms().await.room("344").0, "unknown");
        assert_eq!(app.simulator.requests(), 6);
    }
}

#[tokio::test]
async fn hanging_rooms_do_not_keep_other_rooms_from_being_asked() {
    // Rooms that hang can take both permits, each of them up to three times.
    let vars = [("UPSTREAM_TIMEOUT", "0.5"), ("UPSTREAM_CONCURRENCY", "2")];
    let app = TestServer::start_with(Backend::Memory, &vars).await;
    for room in &ROOMS[..2] {
        app.simulator.misbehave_for(room, Fault::Hang);
    }
    assert_eq!(app.refresh().await.status, 200);
    let answer = app.open_classrooms().await;
    for (room, status) in [("342", "unknown"), ("344", "unknown"), ("719", "ok"), ("723", "ok")] {
        assert_eq!(answer.room(room).0, status, "{room}");
    }
    // Every room is requested once before any room is retried.
    let rooms: Vec<_> = app.simulator.queries().iter().map(|query| space_id(query)).collect();
    let first: BTreeSet<_> = rooms[..4].iter().collect();
    assert_eq!((first.len(), rooms.len()), (4, 8), "{rooms:?}");
}

#[tokio::test]
async fn sweeps_begin_with_different_rooms() {
    let app = TestServer::start_with(Backend::Memory, &[("UPSTREAM_CONCURRENCY", "1")]).await;
    let mut begun_with = BTreeSet::new();
    for sweep in 0..40 {
        app.service.deps.cache.invalidate().await.unwrap();
        app.open_classrooms().await;
        begun_with.insert(space_id(&app.simulator.queries()[sweep * 4]));
    }
    assert!(begun_with.len() > 1, "every sweep began with the same room");
}

#[tokio::test]
async fn concurrent_requests_to_25live_stay_within_upstream_concurrency() {
    let app = TestServer::start_with(Backend::Memory, &[("UPSTREAM_CONCURRENCY", "2")]).await;
    app.simulator.set_latency(Duration::from_millis(50));
    app.open_classrooms().await;
    assert_eq!(app.simulator.peak_in_flight(), 2);
}

#[tokio::test]
async fn requests_to_25live_have_our_user_agent_and_the_campus_date() {
    let app = TestServer::start(Backend::Memory).await;
    // It is the 4th in London, but still the 3rd at the campus.
    app.clock.set("2026-03-04T03:00:00Z");
    app.open_classrooms().await;
    assert!(app.simulator.user_agents().iter().all(|agent| agent.starts_with("EmptyClassroom/")));
    for query in app.simulator.queries() {
        assert!(query.contains(&("start_dt".to_owned(), "2026-03-03T00:00:00".to_owned())), "{query:?}");
    }
}

#[rstest]
#[tokio::test]
async fn failed_rooms_keep_their_last_good_slots(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start(backend).await;
    let good = app.open_classrooms().await;
    app.simulator.misbehave_for("344", Fault::Status(404));
    app.simulator.set_bookings("342", day("2026-03-03"), vec![]);
    app.clock.advance(TimeDelta::minutes(30));
    assert_eq!(app.refresh().await.status, 200);
    let mended = app.open_classrooms().await;
    assert_eq!(mended.outcome(), (200, "HIT"));
    assert_eq!(mended.room("344"), ("stale".to_owned(), good.room("344").1));
    assert_eq!(mended.room("342"), ("ok".to_owned(), vec!["07:00-23:00".to_owned()]));
    assert_eq!(mended.json()["stale"], false);
    // The same holds for other days.
    let tomorrow = app.get("/api/open-classrooms?date=2026-03-04").await;
    assert_eq!(tomorrow.room("344").0, "stale");
}

#[tokio::test]
async fn failed_rooms_keep_the_processs_last_good_slots_when_redis_has_lost_the_reserve() {
    let app = TestServer::start(Backend::Redis).await;
    let good = app.open_classrooms().await;
    app.redis(&["FLUSHALL"]).await;
    app.simulator.misbehave_for("344", Fault::Status(404));
    assert_eq!(app.open_classrooms().await.outcome(), (200, "MISS"));
    assert_eq!(app.open_classrooms().await.room("344"), ("stale".to_owned(), good.room("344").1));
}

#[rstest]
#[tokio::test]
async fn a_room_that_never_answered_is_unknown(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start(backend).await;
    app.simulator.misbehave_for("719", Fault::Html);
    let answer = app.open_classrooms().await;
    assert_eq!(answer.room("719"), ("unknown".to_owned(), vec![]));
    let room = app.get("/api/classrooms/719").await.json();
    assert_eq!((&room["status"], &room["availability"]), (&"unknown".into(), &serde_json::json!([])));
}

#[rstest]
#[tokio::test]
async fn a_sweep_succeeds_when_half_of_the_rooms_fail(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start(backend).await;
    for room in &ROOMS[..2] {
        app.simulator.misbehave_for(room, Fault::Status(404));
    }
    assert_eq!(app.refresh().await.status, 200);
    assert_eq!(app.open_classrooms().await.room("342").0, "unknown");
}

#[rstest]
#[tokio::test]
async fn when_more_than_half_of_the_rooms_fail_the_cache_stays_and_no_cooldown_starts(
    #[values(Memory, Redis)] backend: Backend,
) {
    let app = TestServer::start(backend).await;
    let good = app.open_classrooms().await;
    for room in &ROOMS[..3] {
        app.simulator.misbehave_for(room, Fault::Status(404));
    }
    app.clock.advance(TimeDelta::minutes(31));
    let failed = app.refresh().await;
    assert_eq!((failed.status.as_u16(), failed.detail()), (502, "Failed to refresh data".to_owned()));
    assert_eq!(app.open_classrooms().await.text, good.text);
    assert_eq!(app.get("/api/cooldown-status").await.json()["in_cooldown"], false);
    assert_eq!(app.last_updated().await, good.json()["last_updated"]);
}

#[rstest]
#[tokio::test]
async fn after_a_failed_sweep_the_backoff_lasts_a_minute(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start(backend).await;
    let good = app.open_classrooms().await;
    app.simulator.misbehave(Fault::Status(404));
    app.service.deps.cache.invalidate().await.unwrap();
    let stale = app.open_classrooms().await;
    assert_eq!((stale.outcome(), &stale.json()["last_updated"]), ((200, "STALE"), &good.json()["last_updated"]));
    assert_eq!(app.sweeps(), 2);

    app.simulator.behave();
    let refused = app.refresh().await;
    assert_eq!((refused.status.as_u16(), refused.detail()), (503, "Cache unavailable".to_owned()));
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((50..=60).contains(&wait), "{wait}");
    assert_eq!(app.open_classrooms().await.outcome(), (200, "STALE"));
    assert_eq!(app.sweeps(), 2);

    end_the_backoff(&app).await;
    assert_eq!(app.open_classrooms().await.outcome(), (200, "MISS"));
    assert_eq!(app.sweeps(), 3);
}

/// The embedded cache uses the test's clock; with Redis, the key is deleted instead.
async fn end_the_backoff(app: &TestServer) {
    app.clock.advance(TimeDelta::seconds(60));
    if app.redis.is_some() {
        let left: i64 = app.redis(&["TTL", "classrooms:refresh_failed"]).await.parse().unwrap();
        assert!((50..=60).contains(&left), "{left}");
        app.redis(&["DEL", "classrooms:refresh_failed"]).await;
    }
}

#[rstest]
#[tokio::test]
async fn with_25live_down_and_an_empty_cache_readers_get_503(#[values(Memory, Redis)] backend: Backend) {
    let app = TestServer::start(backend).await;
    app.simulator.misbehave(Fault::Status(404));
    for path in ["/api/open-classrooms", "/api/open-classrooms?date=2026-03-04", "/api/classrooms/342"] {
        let answer = app.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.detail()), (503, "Cache unavailable".to_owned()));
        assert_eq!(answer.header("cache-control"), "no-store");
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
    }
    assert_eq!(app.sweeps(), 1);
    assert!(app.last_updated().await.is_null());
}

#[tokio::test]
async fn with_redis_down_readers_get_the_last_good_copy_and_after_its_return_a_hit() {
    let app = TestServer::start(Backend::Redis).await;
    let good = app.open_classrooms().await;
    let redis = app.redis.clone().unwrap();
    let snapshot = redis.lock().await.command(&["GET", "classrooms:availability"]).await;
    redis.lock().await.stop().await;

    let stale = app.open_classrooms().await;
    assert_eq!((stale.outcome(), &stale.json()["stale"]), ((200, "STALE"), &true.into()));
    assert_eq!(stale.room("342"), good.room("342"));
    assert!(app.last_updated().await.is_null());
    assert_eq!(app.get("/api/cooldown-status").await.text, r#"{"in_cooldown":false,"remaining_minutes":0}"#);
    let refused = app.refresh().await;
    assert_eq!((refused.status.as_u16(), refused.detail()), (503, "Cache unavailable".to_owned()));
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(app.get("/").await.text, "\"Hello World\"");
    assert_eq!(app.sweeps(), 1, "without a cache there should be no sweep");

    redis.lock().await.restart().await;
    redis.lock().await.command(&["SET", "classrooms:availability", &snapshot]).await;
    let back = app.open_classrooms().await;
    assert_eq!((back.outcome(), &back.text), ((200, "HIT"), &good.text));
}

#[tokio::test]
async fn with_redis_down_from_the_start_readers_get_503() {
    let app = TestServer::start(Backend::Redis).await;
    app.redis.clone().unwrap().lock().await.stop().await;
    let answer = app.open_classrooms().await;
    assert_eq!((answer.status.as_u16(), answer.detail()), (503, "Cache unavailable".to_owned()));
    assert!(!answer.header("retry-after").is_empty());
}

#[tokio::test]
async fn the_lock_of_a_dead_sweeper_blocks_only_until_it_expires() {
    let app = TestServer::start(Backend::Redis).await;
    // The lock of a process that was killed during a sweep, shortly before it expires.
    app.redis(&["SET", "classrooms:refresh_lock", "dead", "PX", "1500"]).await;
    let answer = app.open_classrooms().await;
    assert_eq!(answer.outcome(), (200, "MISS"));
    assert_eq!(app.sweeps(), 1);
}

#[tokio::test]
async fn a_sweep_that_lost_its_lock_publishes_nothing() {
    let app = TestServer::start(Backend::Redis).await;
    app.simulator.set_latency(Duration::from_millis(500));
    let redis = app.redis.clone().unwrap();
    let steal = async {
        eventually("the sweep begins", Duration::from_secs(10), async || {
            redis.lock().await.command(&["EXISTS", "classrooms:refresh_lock"]).await == "1"
        })
        .await;
        redis.lock().await.command(&["SET", "classrooms:refresh_lock", "another", "PX", "60000"]).await
    };
    let (refused, _) = tokio::join!(app.refresh(), steal);
    assert_eq!((refused.status.as_u16(), refused.detail()), (502, "Failed to refresh data".to_owned()));
    assert_eq!(app.redis(&["KEYS", "classrooms:availability*"]).await, "");
    assert_eq!(app.redis(&["GET", "classrooms:refresh_lock"]).await, "another", "only the holder releases the lock");
    // The process does not keep its own copy either.
    app.network.clone().unwrap().refuse();
    assert_eq!(app.open_classrooms().await.status, 503);
}
