//! `GET /api/last-updated`.

use rstest::rstest;
use testkit::{
    Backend::{self, Memory, Redis},
    TestApp,
};

#[rstest]
#[tokio::test]
async fn last_updated_is_null_until_the_first_sweep(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    assert_eq!(app.answer_to("last-updated").await.text, r#"{"last_updated":null}"#);
    assert_eq!(app.simulator.requests(), 0);
    app.answer_to("open-classrooms").await;
    let answer = app.answer_to("last-updated").await;
    assert_eq!(answer.text, r#"{"last_updated":"2026-03-03T10:00:00.123456-05:00"}"#);
}
