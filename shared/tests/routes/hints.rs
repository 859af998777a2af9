//! Unknown query parameters: routes ignore them, and the `Link` header hints at them.

use rstest::rstest;
use testkit::{
    Backend::{self, Memory, Redis},
    GatewayEvent, TestApp,
};

const MIN_MINUTE: &str = "<../docs#openClassrooms>; rel=\"help\"; \
    title=\"unknown parameters are ignored: min_minute (did you mean min_minutes?)\"";

#[rstest]
#[tokio::test]
async fn an_unknown_parameter_changes_nothing_but_the_link_header(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let ask = async |target: &str| app.answer(GatewayEvent::get(target)).await;
    ask("/api/open-classrooms").await;
    for known in ["/api/open-classrooms", "/api/open-classrooms?at=now&building=CAS", "/api/open-classrooms?at=noon"] {
        let without = ask(known).await;
        let with = ask(&format!("{known}{}min_minute=60", if known.contains('?') { '&' } else { '?' })).await;
        assert_eq!((without.header("link"), with.header("link")), ("", MIN_MINUTE), "{known}");
        assert_eq!((with.status, &with.text), (without.status, &without.text), "{known}");
        let mut headers = with.headers.clone();
        headers.remove("link");
        assert_eq!(headers, without.headers, "{known}");
    }
    let etag = ask("/api/open-classrooms").await.header("etag").to_owned();
    let known = GatewayEvent::get("/api/open-classrooms?min_minute=60").header("if-none-match", &etag);
    let not_modified = app.answer(known).await;
    assert_eq!((not_modified.status.as_u16(), not_modified.header("link")), (304, MIN_MINUTE));
    let head = app.answer(GatewayEvent::new("HEAD", "/api/open-classrooms?min_minute=60")).await;
    assert_eq!((head.status.as_u16(), head.header("link")), (200, MIN_MINUTE));
}

#[tokio::test]
async fn a_parameter_of_another_route_gets_a_hint_too() {
    let app = TestApp::start(Backend::Memory).await;
    for (target, link) in [
        (
            "/api/classrooms/342?at=now&date=2026-03-03",
            "<../../docs#classroom>; rel=\"help\"; title=\"unknown parameters are ignored: at\"",
        ),
        (
            "/api/classrooms/342/days?date=2026-03-03",
            "<../../../docs#classroomDays>; rel=\"help\"; title=\"unknown parameters are ignored: date\"",
        ),
        (
            "/api/classrooms/1?days=3",
            "<../../docs#classroom>; rel=\"help\"; title=\"unknown parameters are ignored: days\"",
        ),
        ("/app?at=now&room=342", ""),
        ("/api/nothing?at=now", ""),
    ] {
        assert_eq!(app.answer(GatewayEvent::get(target)).await.header("link"), link, "{target}");
    }
    let refresh = app.answer(GatewayEvent::post("/api/refresh?invalidate-cache=true")).await;
    assert_eq!(refresh.status, 429, "the cooldown is active");
    assert!(refresh.header("link").contains("invalidate-cache (did you mean invalidate_cache?)"), "{refresh:?}");
}
