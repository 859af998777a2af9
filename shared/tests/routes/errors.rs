//! Errors: unknown paths, wrong methods, bad parameters, Redis down, and internals that no error shows.

use axum::{Router, routing::get};
use emptyclassroom::{config::AllowedOrigins, web::finish};
use rstest::rstest;
use simulator::Fault;
use testkit::{
    Backend::{self, Memory, Redis},
    GatewayEvent, TestApp, TestResponse,
};
use tower::ServiceExt;

use crate::support::{FRONTEND, TOKEN, UNREACHABLE, assert_shows_no_internals};

#[rstest]
#[tokio::test]
async fn a_malformed_parameter_is_400_and_the_detail_names_it(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start_with(backend, &[TOKEN]).await;
    let a_date = "expected a date such as 2026-03-03";
    let cases = [
        ("GET", "/api/open-classrooms?date=tomorrow", format!("`date` is `tomorrow`; {a_date}")),
        ("GET", "/api/open-classrooms?date=", format!("`date` is ``; {a_date}")),
        ("GET", "/api/open-classrooms?date=2026-02-29", format!("`date` is `2026-02-29`; {a_date}")),
        ("GET", "/api/open-classrooms?date=2026-3-3", format!("`date` is `2026-3-3`; {a_date}")),
        ("GET", "/api/open-classrooms?date=%FF", format!("`date` is `\u{fffd}`; {a_date}")),
        ("GET", "/api/classrooms/342?date=3/3/2026", format!("`date` is `3/3/2026`; {a_date}")),
        (
            "GET",
            "/api/open-classrooms?date=2026-03-03&date=2026-03-04",
            format!("`date` is `2026-03-03, 2026-03-04`; {a_date}, given only once"),
        ),
        (
            "POST",
            "/api/refresh?invalidate_cache=perhaps",
            "`invalidate_cache` is `perhaps`; expected true or false".to_owned(),
        ),
    ];
    for (method, target, detail) in cases {
        let answer = app.answer(GatewayEvent::new(method, target)).await;
        assert_eq!(answer.problem(), (400, detail), "{target}");
    }
    let long = app.answer(GatewayEvent::get(&format!("/api/open-classrooms?date={}", "é".repeat(1_000)))).await;
    assert_eq!(long.problem(), (400, format!("`date` is `{}…`; {a_date}", "é".repeat(50))));
    assert_eq!(app.simulator.requests(), 0, "a bad parameter causes no request to 25Live");
}

#[rstest]
#[tokio::test]
async fn an_unknown_path_is_404(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let paths =
        ["/api", "/api/", "/api/open-classrooms/", "/api/classrooms", "/api/classrooms/", "/api/classrooms/342/x"];
    for path in paths.into_iter().chain(["/Api/Refresh", "/api/%2e%2e/refresh", "/favicon.png", "/.env", "/%FF"]) {
        for method in ["GET", "POST", "OPTIONS", "DELETE"] {
            let answer = app.answer(GatewayEvent::new(method, path)).await;
            assert_eq!(answer.problem(), (404, "Not Found".to_owned()), "{method} {path}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_wrong_method_is_405_with_allow(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let paths = [
        ("/", "GET,HEAD"),
        ("/app", "GET,HEAD"),
        ("/app/", "GET,HEAD"),
        ("/app/rooms/342", "GET,HEAD"),
        ("/app/sw.js", "GET,HEAD"),
        ("/api/open-classrooms", "GET,HEAD"),
        ("/api/classrooms/342", "GET,HEAD"),
        ("/api/classrooms/342/calendar.ics", "GET,HEAD"),
        ("/api/classrooms/342/days", "GET,HEAD"),
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
            // A response to HEAD has no body.
            if method != "HEAD" {
                assert_eq!(answer.problem(), (405, "Method Not Allowed".to_owned()), "{method} {path}");
            }
        }
    }
    assert_eq!(app.simulator.requests(), 0);
}

#[rstest]
#[tokio::test]
async fn error_bodies_show_no_internals(#[values(Memory, Redis)] backend: Backend) {
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
        assert_shows_no_internals(&app, &app.answer_to(event).await);
    }
    assert_shows_no_internals(&app, &app.answer(GatewayEvent::post("/api/refresh?invalidate_cache=true")).await);
    for fault in [Fault::Html, Fault::CutOff, Fault::Redirect, Fault::Status(404), Fault::Body("{".to_owned())] {
        app.simulator.misbehave(fault);
        let failed = app.answer_to("refresh").await;
        assert_eq!(failed.status, 502);
        assert_shows_no_internals(&app, &failed);
        assert_shows_no_internals(&app, &app.answer_to("refresh").await);
        assert_shows_no_internals(&app, &app.answer_to("open-classrooms").await);
        app.store.store.delete("classrooms:refresh_failed").await.unwrap();
    }
    app.simulator.behave();
    assert_eq!(app.answer_to("refresh").await.status, 200);
    assert_shows_no_internals(&app, &app.answer_to("refresh").await);
    if let Some(redis) = &mut app.store.redis {
        redis.stop().await;
        for event in ["refresh", "refresh-invalidate-cache"] {
            assert_shows_no_internals(&app, &app.answer_to(event).await);
        }
    }
}

#[tokio::test]
async fn with_redis_down_reads_and_refreshes_are_503_and_status_routes_are_200() {
    let mut app = TestApp::start_with(Backend::Redis, &[TOKEN]).await;
    app.store.redis.as_mut().unwrap().stop().await;
    let reads = ["open-classrooms", "open-classrooms-question", "classroom", "classroom-calendar", "classroom-days"];
    for event in reads.into_iter().chain(["refresh", "refresh-invalidate-cache"]) {
        let answer = app.answer_to(event).await;
        assert_eq!(answer.problem(), (503, "Cache unavailable".to_owned()), "{event}");
        assert_eq!(answer.header("retry-after"), "5", "{event}");
        assert_shows_no_internals(&app, &answer);
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
async fn a_panic_is_one_500_that_shows_no_internals() {
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
