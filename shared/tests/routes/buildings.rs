//! `GET /api/buildings`.

use rstest::rstest;
use serde_json::Value;
use simulator::Fault;
use testkit::{
    Backend::{self, Memory, Redis},
    TestApp,
};

#[rstest]
#[tokio::test]
async fn buildings_are_listed_without_availability_data(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    app.simulator.misbehave(Fault::Html);
    let unknown = app.answer_to("buildings").await;
    assert_eq!(
        unknown.text,
        concat!(
            r#"{"campus":"Boston University","buildings":[{"code":"CAS","name":"College of Arts & Sciences","#,
            r#""opens":"07:00","closes":"23:00","#,
            r#""rooms":2,"free_now":null},"#,
            r#"{"code":"CGS","name":"College of General Studies","opens":"07:00","closes":"21:30","rooms":2,"free_now":null}],"#,
            r#""last_updated":null,"date":"2026-03-03","timezone":"America/New_York","#,
            r#""utc_offsets":[{"from":"2026-02-28T00:00:00-05:00","minutes":-300},"#,
            r#"{"from":"2026-03-08T03:00:00-04:00","minutes":-240},{"from":"2026-11-01T01:00:00-05:00","minutes":-300}],"#,
            r#""stale":true}"#
        )
    );
    assert_eq!((unknown.outcome(), unknown.header("cache-control")), ((200, "STALE"), "no-cache"));
    app.simulator.behave();
    app.store.store.delete("classrooms:refresh_failed").await.unwrap();
    for room in ["719", "723"] {
        app.simulator.misbehave_for(room, Fault::Html);
    }
    let known = app.answer_to("buildings").await;
    let free_now = |code: usize| known.json()["buildings"][code]["free_now"].clone();
    assert_eq!((known.outcome(), free_now(0), free_now(1)), ((200, "MISS"), 1.into(), Value::Null));
}
