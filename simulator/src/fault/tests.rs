use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::*;
use crate::server::Simulator;
use crate::testing::{TestResponse, ask, get, read, send, target};

async fn simulator() -> Simulator {
    Simulator::start(vec![Room::new("342", "CAS 116"), Room::new("344", "CAS 201")]).await.unwrap()
}

/// The good response for room 342, and the one with the fault.
async fn good_and(fault: Fault) -> (TestResponse, TestResponse) {
    let simulator = simulator().await;
    let good = ask(&simulator, "342").await;
    simulator.misbehave(fault);
    (good, ask(&simulator, "342").await)
}

/// The days of the good response, and those of the one with the fault.
async fn days_with(fault: Fault) -> (Vec<Value>, Vec<Value>) {
    let (good, bad) = good_and(fault).await;
    assert_eq!(bad.status, 200);
    (good.subjects(), bad.subjects())
}

#[tokio::test]
async fn a_status_fault_sends_that_status() {
    for status in [400, 404, 429, 500, 503] {
        let (_, bad) = good_and(Fault::Status(status)).await;
        assert_eq!(bad.status, status);
        assert_eq!(bad.header("retry-after"), None);
    }
}

#[tokio::test]
async fn a_retry_after_value_is_sent_unchanged() {
    for value in ["7", "Wed, 21 Oct 2026 07:28:00 GMT", "soon"] {
        let (_, bad) = good_and(Fault::retry_after(429, value)).await;
        assert_eq!((bad.status, bad.header("retry-after")), (429, Some(value)));
    }
}

#[tokio::test]
async fn faults_apply_to_the_chosen_rooms_until_behave() {
    let simulator = simulator().await;
    simulator.misbehave_for("342", Fault::Status(500));
    assert_eq!(ask(&simulator, "342").await.status, 500);
    assert_eq!(ask(&simulator, "344").await.status, 200);
    simulator.misbehave(Fault::Status(503));
    assert_eq!(ask(&simulator, "342").await.status, 500);
    assert_eq!(ask(&simulator, "344").await.status, 503);
    simulator.behave();
    assert_eq!(ask(&simulator, "342").await.status, 200);
    assert_eq!(ask(&simulator, "344").await.status, 200);
}

#[tokio::test]
async fn a_dripped_response_has_its_full_content_length_and_starts_with_one_byte() {
    let simulator = simulator().await;
    let good = ask(&simulator, "342").await;
    simulator.misbehave(Fault::Drip);
    let mut connection = send(&simulator, "GET", &target(&simulator, "342", "2026-02-01")).await;
    let mut raw = Vec::new();
    while !raw.ends_with(b"\r\n\r\n{") {
        raw.push(connection.read_u8().await.unwrap());
    }
    let head = String::from_utf8(raw).unwrap();
    assert!(head.contains(&format!("content-length: {}", good.body.len())), "{head}");
    assert_eq!(simulator.in_flight(), 1, "the response is not complete yet");
}

#[tokio::test]
async fn a_sign_in_page_is_html_with_status_200() {
    let (_, bad) = good_and(Fault::Html).await;
    assert_eq!((bad.status, bad.header("content-type")), (200, Some("text/html;charset=UTF-8")));
    assert!(bad.text().contains("Sign In"));
}

#[tokio::test]
async fn a_prefixed_response_is_the_good_one_after_the_prefix() {
    let (good, bad) = good_and(Fault::Prefixed).await;
    assert_eq!(bad.text(), format!(")]}}',\n{}", good.text()));
}

#[tokio::test]
async fn a_cut_off_response_is_valid_http_and_invalid_json() {
    let (good, bad) = good_and(Fault::CutOff).await;
    assert_eq!(bad.content_length(), Some(bad.body.len()));
    assert!(good.body.starts_with(&bad.body) && bad.body.len() == good.body.len() / 2);
    assert!(serde_json::from_slice::<Value>(&bad.body).is_err());
}

#[tokio::test]
async fn a_cut_connection_ends_before_its_content_length() {
    let (good, bad) = good_and(Fault::ConnectionCut).await;
    assert_eq!(bad.content_length(), Some(good.body.len()));
    assert_eq!(bad.body, good.body[..good.body.len() / 2]);
}

#[tokio::test]
async fn subjects_can_be_missing_or_null() {
    let (_, missing) = good_and(Fault::NoSubjects).await;
    assert_eq!(missing.json().get("subjects"), None);
    assert_eq!(missing.json()["comptype"], "availability_daily");
    let (_, null) = good_and(Fault::NullSubjects).await;
    assert_eq!(null.json().get("subjects"), Some(&Value::Null));
}

#[tokio::test]
async fn items_can_be_missing_or_null_on_every_day() {
    let (good, missing) = days_with(Fault::MissingItems).await;
    assert_eq!(missing.len(), good.len());
    assert!(missing.iter().all(|day| day.get("items").is_none()));
    let (_, null) = days_with(Fault::NullItems).await;
    assert!(null.iter().all(|day| day.get("items") == Some(&Value::Null)));
}

#[tokio::test]
async fn only_the_missing_day_is_left_out() {
    let (mut good, bad) = days_with(Fault::MissingDay("2026-02-03".parse().unwrap())).await;
    assert_eq!(good.remove(2)["item_date"], "2026-02-03T00:00:00");
    assert_eq!(bad, good);
}

#[tokio::test]
async fn a_malformed_item_is_added_to_the_good_ones() {
    let (good, bad) = days_with(Fault::MalformedItem).await;
    for (good, bad) in good.iter().zip(bad) {
        let mut items = bad["items"].as_array().unwrap().clone();
        assert_eq!(items.pop().unwrap()["start"], "abc");
        assert_eq!(json!(items), good["items"]);
    }
}

#[tokio::test]
async fn other_room_responds_with_the_other_rooms_id_and_name() {
    let (good, bad) = days_with(Fault::OtherRoom).await;
    assert_eq!(bad.len(), good.len());
    assert!(bad.iter().all(|day| day["itemId"] == 344 && day["itemName"] == "CAS 201"));
}

#[tokio::test]
async fn shuffled_days_are_the_same_days_in_another_order() {
    let (mut good, mut bad) = days_with(Fault::ShuffledDays).await;
    assert_ne!(good, bad);
    let by_date = |day: &Value| day["item_date"].as_str().unwrap().to_owned();
    good.sort_by_key(by_date);
    bad.sort_by_key(by_date);
    assert_eq!(good, bad);
}

#[tokio::test]
async fn a_gzipped_response_decompresses_to_the_good_one() {
    let (good, bad) = good_and(Fault::Gzip).await;
    assert_eq!(bad.header("content-encoding"), Some("gzip"));
    assert_eq!(gzip::unpack(&bad.body), good.body);
}

#[tokio::test]
async fn a_gzip_bomb_is_small_until_decompressed() {
    let (_, bad) = good_and(Fault::GzipBomb(20 << 20)).await;
    assert_eq!(bad.header("content-encoding"), Some("gzip"));
    assert!(bad.body.len() < 200_000, "{}", bad.body.len());
    assert_eq!(gzip::unpack(&bad.body).len(), 20 << 20);
}

#[tokio::test]
async fn many_items_sends_the_requested_number_of_items() {
    for count in [1, 2, 10_000] {
        let (good, bad) = good_and(Fault::ManyItems(count)).await;
        let days = bad.subjects();
        assert_eq!((days.len(), &days[0]["item_date"]), (1, &good.subjects()[0]["item_date"]));
        assert_eq!(days[0]["items"].as_array().unwrap().len(), count);
    }
}

#[tokio::test]
async fn a_redirect_leads_to_the_good_response_and_is_counted() {
    let simulator = simulator().await;
    let good = ask(&simulator, "342").await;
    simulator.misbehave(Fault::Redirect);
    let bad = ask(&simulator, "342").await;
    assert_eq!(bad.status, 302);
    let followed = get(&simulator, bad.header("location").unwrap()).await;
    assert_eq!((followed.status, followed.body), (200, good.body));
    assert_eq!(simulator.requests(), 3);
}

#[tokio::test]
async fn a_body_is_sent_unchanged() {
    let (_, bad) = good_and(Fault::Body("[1,".to_owned())).await;
    assert_eq!((bad.status, bad.text()), (200, "[1,"));
    assert_eq!(bad.header("content-type"), Some(JSON));
}

#[tokio::test]
async fn a_huge_response_is_json_of_exactly_that_size() {
    for size in [100, 1_000, 65_536, 3_000_000] {
        let (_, bad) = good_and(Fault::Huge(size)).await;
        assert_eq!(bad.body.len(), size);
        assert_eq!(bad.content_length(), None);
        assert_eq!(bad.json()["comptype"], "availability_daily");
    }
}

#[tokio::test]
async fn a_hanging_response_never_begins() {
    let simulator = simulator().await;
    simulator.misbehave(Fault::Hang);
    let connection = send(&simulator, "GET", &target(&simulator, "342", "2026-02-01")).await;
    let patience = Duration::from_millis(50);
    assert!(tokio::time::timeout(patience, read(connection)).await.is_err());
}
