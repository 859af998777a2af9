//! Conditional requests (ETag, `If-None-Match`), HEAD and compression, on every route for reading.

use rstest::rstest;
use testkit::{
    Backend::{self, Memory, Redis},
    GatewayEvent, TestApp,
};

use crate::support::{TUESDAY, with_only_the_reserve};

#[rstest]
#[tokio::test]
async fn a_matching_etag_gets_an_empty_304(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    for event in [
        "open-classrooms",
        "open-classrooms-question",
        "classroom",
        "classroom-calendar",
        "classroom-days",
        "buildings",
    ] {
        let etag = app.answer_to(event).await.header("etag").to_owned();
        let conditions = ["*".to_owned(), etag.clone(), etag.replace("W/", ""), format!("\"other\", W/\"x\", {etag}")];
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
async fn a_304_has_no_content_length(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    for path in [
        "/api/open-classrooms",
        "/api/classrooms/342",
        "/api/classrooms/342/calendar.ics",
        "/api/classrooms/342/days",
        "/app",
        "/app/rooms/342",
        "/app/manifest.webmanifest",
        "/app/sw.js",
        "/app/icon.svg",
        "/docs",
    ] {
        let length = app.answer(GatewayEvent::get(path)).await.text.len().to_string();
        for method in ["GET", "HEAD"] {
            let known = app.answer(GatewayEvent::new(method, path).header("if-none-match", "*")).await;
            assert_eq!((known.status.as_u16(), known.text.as_str()), (304, ""), "{method} {path}");
            // RFC 9110, section 8.6: a 304 has the Content-Length of the 200 response, or none.
            assert_eq!(known.header("content-length"), "", "{method} {path}");
        }
        let head = app.answer(GatewayEvent::new("HEAD", path)).await;
        assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("content-length"), length, "{path}");
    }
}

#[tokio::test]
async fn a_long_body_is_compressed_for_clients_that_accept_gzip() {
    let app = TestApp::start(Memory).await;
    app.answer_to("refresh").await;
    for event in ["classroom-calendar", "classroom-days", "app", "app-room", "docs", "openapi"] {
        let plain = app.answer_to(event).await;
        let packed = app.answer(GatewayEvent::named(event).header("accept-encoding", "br;q=1.0, gzip;q=0.8")).await;
        assert_eq!((plain.header("content-encoding"), packed.header("content-encoding")), ("", "gzip"), "{event}");
        assert_eq!((plain.header("vary"), packed.header("vary")), ("accept-encoding", "accept-encoding"), "{event}");
        assert_eq!(packed.header("etag"), plain.header("etag"), "{event}");
        assert_eq!(packed.text, plain.text, "{event}");
        let known =
            GatewayEvent::named(event).header("accept-encoding", "gzip").header("if-none-match", packed.header("etag"));
        let known = app.answer(known).await;
        assert_eq!(
            (known.status.as_u16(), known.text.as_str(), known.header("content-encoding")),
            (304, "", ""),
            "{event}"
        );
    }
    // Short bodies, such as that of the small campus, are not compressed.
    for event in ["open-classrooms", "hello", "last-updated", "health", "cooldown-status", "not-found"] {
        let short = app.answer(GatewayEvent::named(event).header("accept-encoding", "gzip")).await;
        assert_eq!(short.header("content-encoding"), "", "{event}");
    }
}

#[tokio::test]
async fn the_cache_status_header_agrees_with_x_cache() {
    let app = TestApp::start(Memory).await;
    let miss = app.answer_to("open-classrooms").await;
    let hit = app.answer_to("open-classrooms").await;
    assert_eq!((miss.header("x-cache"), miss.header("cache-status")), ("MISS", "EmptyClassroom; fwd=miss"));
    assert_eq!((hit.header("x-cache"), hit.header("cache-status")), ("HIT", "EmptyClassroom; hit"));
    let stale = with_only_the_reserve(Memory).await.answer_to("open-classrooms").await;
    assert_eq!((stale.header("x-cache"), stale.header("cache-status")), ("STALE", "EmptyClassroom; hit; detail=stale"));
}

#[rstest]
#[tokio::test]
async fn an_etag_that_does_not_match_gets_the_whole_body(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let etag = app.answer_to("open-classrooms").await.header("etag").to_owned();
    for condition in ["\"other\"".to_owned(), "rubbish".to_owned(), String::new(), etag.replace('"', "")] {
        let answer = app.answer(GatewayEvent::named("open-classrooms").header("if-none-match", &condition)).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, TUESDAY), "{condition}");
    }
    let with_etag_of_campus = GatewayEvent::named("classroom").header("if-none-match", &etag);
    assert_eq!(app.answer(with_etag_of_campus).await.status, 200);
}

#[rstest]
#[tokio::test]
async fn a_head_request_has_the_headers_of_get_and_no_body(#[values(Memory, Redis)] backend: Backend) {
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
