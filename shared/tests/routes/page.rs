//! `GET /app`.

use rstest::rstest;
use testkit::{
    Backend::{self, Memory, Redis},
    GatewayEvent, TestApp,
};

#[rstest]
#[tokio::test]
async fn the_page_has_a_strict_content_security_policy_and_an_etag(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let page = app.answer_to("app").await;
    assert!(page.text.starts_with("<!doctype html>"), "{}", page.text);
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let known = app.answer(GatewayEvent::named("app").header("if-none-match", page.header("etag"))).await;
    assert_eq!((known.status.as_u16(), known.text.as_str()), (304, ""));
    for name in ["cache-control", "content-security-policy", "etag", "x-content-type-options"] {
        assert_eq!((known.header(name), known.header(name).is_empty()), (page.header(name), false), "{name}");
    }
    assert_eq!(app.simulator.requests(), 0, "a page is no reason for a sweep");
}
