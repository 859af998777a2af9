//! `GET /api/open-classrooms`: days, cache outcomes, and bodies.

use rstest::rstest;
use testkit::{
    Backend::{self, Memory, Redis},
    GatewayEvent, TestApp, today,
};

use crate::support::{MINUTE, TUESDAY, with_only_the_reserve};

#[rstest]
#[tokio::test]
async fn the_first_read_is_a_miss_and_the_next_a_hit_with_the_same_bytes(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let miss = app.answer_to("open-classrooms").await;
    assert_eq!((miss.outcome(), miss.text.as_str()), ((200, "MISS"), TUESDAY));
    let hit = app.answer_to("open-classrooms").await;
    assert_eq!((hit.outcome(), hit.text.as_str()), ((200, "HIT"), TUESDAY));
    for answer in [&miss, &hit] {
        assert_eq!(answer.header("cache-control"), "no-cache", "browsers revalidate each time");
        assert_eq!(answer.header("etag"), miss.header("etag"));
    }
    let digits = miss.header("etag").strip_prefix("W/\"").and_then(|etag| etag.strip_suffix('"')).unwrap();
    assert!(digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{digits}");
    for small in ["hello", "last-updated", "cooldown-status", "health"] {
        assert_eq!(app.answer_to(small).await.header("cache-control"), "no-store", "{small}");
    }
}

#[rstest]
#[tokio::test]
async fn a_stale_copy_is_marked_in_x_cache_and_in_its_body(#[values(Memory, Redis)] backend: Backend) {
    let app = with_only_the_reserve(backend).await;
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
async fn every_swept_day_is_available(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    for (date, outcome) in [("2026-03-03", "MISS"), ("2026-03-04", "HIT"), ("2026-04-03", "HIT")] {
        let answer = app.answer(GatewayEvent::get(&format!("/api/open-classrooms?date={date}"))).await;
        assert_eq!((answer.outcome(), answer.json()["date"].clone()), ((200, outcome), date.into()));
    }
}

#[rstest]
#[tokio::test]
async fn a_date_that_is_not_kept_is_404(#[values(Memory, Redis)] backend: Backend) {
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
async fn unknown_query_parameters_are_ignored(#[values(Memory, Redis)] backend: Backend) {
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
async fn after_a_refresh_the_old_etag_gets_the_new_body(#[values(Memory, Redis)] backend: Backend) {
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

#[tokio::test]
async fn a_hit_is_one_redis_command_with_and_without_a_question() {
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
