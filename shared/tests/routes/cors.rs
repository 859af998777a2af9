//! CORS: which origins may read, and preflight requests.

use rstest::rstest;
use serde_json::{Value, json};
use testkit::{
    Backend::{self, Memory, Redis},
    GatewayEvent, TestApp, TestResponse,
};

use crate::support::FRONTEND;

/// The preflight request that a browser sends before a request with this method and these headers.
fn preflight(path: &str, method: &str) -> GatewayEvent {
    GatewayEvent::new("OPTIONS", path)
        .header("origin", FRONTEND)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", "authorization,content-type,if-none-match")
}

/// The CORS headers of a response, by name.
fn cors(answer: &TestResponse) -> Value {
    let headers = answer.headers.keys().filter(|name| name.as_str().starts_with("access-control-"));
    headers.map(|name| (name.to_string(), Value::from(answer.header(name.as_str())))).collect()
}

#[rstest]
#[tokio::test]
async fn without_allowed_origins_there_are_no_cors_headers(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let answer = app.answer(GatewayEvent::named("hello").header("origin", FRONTEND)).await;
    assert_eq!((answer.status.as_u16(), cors(&answer)), (200, json!({})));
    let answer = app.answer(preflight("/api/refresh", "POST")).await;
    assert_eq!((answer.status.as_u16(), cors(&answer)), (405, json!({})));
}

#[rstest]
#[tokio::test]
async fn with_allowed_origins_star_cors_allows_any_origin(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start_with(backend, &[("ALLOWED_ORIGINS", "*")]).await;
    for event in ["hello", "open-classrooms", "refresh", "not-found", "method-not-allowed", "refresh-too-large"] {
        let answer = app.answer(GatewayEvent::named(event).header("origin", FRONTEND)).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{event}");
        assert_eq!(
            answer.header("access-control-expose-headers"),
            "etag,link,retry-after,x-cache,cache-status",
            "{event}"
        );
        assert_eq!(answer.header("access-control-allow-credentials"), "", "{event}");
    }
    for (path, method) in [("/api/open-classrooms", "GET"), ("/api/refresh", "POST")] {
        let answer = app.answer(preflight(path, method)).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
        assert_eq!((answer.header("x-content-type-options"), answer.header("cache-control")), ("nosniff", "no-store"));
        assert_eq!(
            cors(&answer),
            json!({
                "access-control-allow-origin": "*",
                "access-control-allow-methods": "GET,POST",
                "access-control-allow-headers": "authorization,content-type,if-none-match",
                "access-control-max-age": "86400",
            })
        );
    }
}

#[rstest]
#[tokio::test]
async fn cors_echoes_only_the_requesting_origin(#[values(Memory, Redis)] backend: Backend) {
    let list = format!("{FRONTEND}, http://localhost:5173");
    let app = TestApp::start_with(backend, &[("ALLOWED_ORIGINS", &list)]).await;
    for (origin, echoed) in [
        (FRONTEND, FRONTEND),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://localhost:5174", ""),
        ("https://rooms.example.edu.evil.example", ""),
        ("null", ""),
    ] {
        for event in [
            GatewayEvent::named("open-classrooms"),
            GatewayEvent::named("not-found"),
            preflight("/api/refresh", "POST"),
        ] {
            let answer = app.answer(event.header("origin", origin)).await;
            assert_eq!(answer.header("access-control-allow-origin"), echoed, "{origin}");
            let vary: Vec<_> = answer.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
            assert!(
                vary.join(",").contains("origin"),
                "Vary has `origin`, so that caches keep origins apart: {vary:?}"
            );
        }
    }
}
