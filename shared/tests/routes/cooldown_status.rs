//! `GET /api/cooldown-status`.

use rstest::rstest;
use serde_json::json;
use testkit::{
    Backend::{self, Memory, Redis},
    TestApp,
};

use crate::support::MINUTE;

#[rstest]
#[tokio::test]
async fn the_cooldown_status_is_not_rounded(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    let over = r#"{"in_cooldown":false,"remaining_minutes":0}"#;
    assert_eq!(app.answer_to("cooldown-status").await.text, over);
    app.answer_to("refresh").await;
    app.advance(14 * MINUTE + 30_000);
    assert_eq!(app.answer_to("cooldown-status").await.text, r#"{"in_cooldown":true,"remaining_minutes":15.5}"#);
    app.advance(1_000);
    let status = app.answer_to("cooldown-status").await.json();
    assert_eq!(status, json!({"in_cooldown": true, "remaining_minutes": 929.0 / 60.0}));
    app.advance(929_000);
    assert_eq!(app.answer_to("cooldown-status").await.text, over);
}
