use serde_json::json;
use tokio::io::AsyncReadExt;

use super::*;
use crate::booking::Kind;
use crate::testing::{ask, eventually, get, parameters, read, send, target};
use crate::timetable::timetable;

async fn simulator() -> Simulator {
    Simulator::start(vec![Room::new("342", "CAS 116"), Room::new("344", "CAS 201")]).await.unwrap()
}

#[tokio::test]
async fn a_response_has_a_month_of_the_rooms_timetable() {
    let simulator = simulator().await;
    let reply = ask(&simulator, "342").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("application/json;charset=UTF-8"));
    let subjects = reply.subjects();
    assert_eq!(subjects.len(), 29);
    let first: NaiveDate = "2026-02-01".parse().unwrap();
    for (subject, day) in subjects.iter().zip(first.iter_days()) {
        let wanted = Subject::new(&Room::new("342", "CAS 116"), day, timetable("342", day));
        assert_eq!(*subject, serde_json::to_value(wanted).unwrap());
    }
}

#[tokio::test]
async fn the_same_request_gets_the_same_response_after_a_restart() {
    let before = ask(&simulator().await, "342").await.body;
    assert_eq!(ask(&simulator().await, "342").await.body, before);
}

#[tokio::test]
async fn an_unknown_room_has_no_subjects() {
    let reply = ask(&simulator().await, "1").await;
    assert_eq!((reply.status, reply.subjects().len()), (200, 0));
}

#[tokio::test]
async fn a_simulator_with_every_room_knows_any_id() {
    let simulator = Simulator::start_with_every_room(0).await.unwrap();
    for id in ["342", "1", "no-such-room"] {
        let subjects = ask(&simulator, id).await.subjects();
        assert_eq!((subjects.len(), &subjects[0]["itemName"]), (29, &json!(format!("Room {id}"))));
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error() {
    let first = simulator().await;
    let second = Simulator::start_with_every_room(first.addr().port()).await;
    assert_eq!(second.unwrap_err().kind(), io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn bookings_set_by_a_test_are_returned() {
    let simulator = simulator().await;
    let date = "2026-02-03".parse().unwrap();
    simulator.set_bookings("342", date, vec![Booking::new("9.000000", 9.833_333, Kind::Blackout)]);
    let items = &ask(&simulator, "342").await.subjects()[2]["items"];
    assert_eq!((&items[0]["start"], &items[0]["end"]), (&json!("9.000000"), &json!(9.833_333)));
    assert_eq!((&items[0]["type_id"], items.as_array().unwrap().len()), (&json!(2), 1));
}

#[tokio::test]
async fn a_malformed_request_is_400_and_names_the_parameter() {
    let simulator = simulator().await;
    let good = target(&simulator, "342", "2026-02-01");
    for (right, wrong, name) in [
        ("closed%20blackouts", "closed", "include"),
        ("&space_id=342", "", "space_id"),
        ("T00%3A00%3A00", "", "start_dt"),
        ("availability_daily", "availability", "comptype"),
    ] {
        let reply = get(&simulator, &good.replace(right, wrong)).await;
        assert_eq!(reply.status, 400);
        assert!(reply.json()["error"].as_str().unwrap().starts_with(name), "{}", reply.text());
    }
}

#[tokio::test]
async fn a_refused_request_uses_up_no_fault() {
    let simulator = simulator().await;
    simulator.misbehave_times("342", Fault::Status(503), 1);
    let bad = target(&simulator, "342", "2026-02-01").replace("location", "person");
    assert_eq!(get(&simulator, &bad).await.status, 400);
    assert_eq!(ask(&simulator, "342").await.status, 503);
    assert_eq!(ask(&simulator, "342").await.status, 200);
}

#[tokio::test]
async fn only_availability_and_lists_are_served_and_only_by_get() {
    let simulator = simulator().await;
    assert_eq!(get(&simulator, "/25live/data/simulated/run/events.json").await.status, 404);
    let post = send(&simulator, "POST", &target(&simulator, "342", "2026-02-01")).await;
    assert_eq!(read(post).await.unwrap().status, 405);
    assert_eq!(simulator.requests(), 0);
}

#[tokio::test]
async fn requests_are_counted_and_remembered_as_decoded() {
    let simulator = simulator().await;
    ask(&simulator, "342").await;
    get(&simulator, &target(&simulator, "344", "2026-02-01").replace("%20", "+")).await;
    assert_eq!(simulator.requests(), 2);
    assert_eq!(simulator.queries(), [parameters("342", "2026-02-01"), parameters("344", "2026-02-01")]);
    assert_eq!(simulator.user_agents(), ["tests", "tests"]);
}

#[tokio::test]
async fn a_response_takes_the_set_latency_and_requests_overlap() {
    let simulator = simulator().await;
    simulator.set_latency(Duration::from_millis(200));
    let begun = std::time::Instant::now();
    tokio::join!(ask(&simulator, "342"), ask(&simulator, "344"), ask(&simulator, "342"));
    assert!(begun.elapsed() >= Duration::from_millis(200));
    assert_eq!(simulator.peak_in_flight(), 3);
    eventually(|| simulator.in_flight() == 0).await;
}

#[tokio::test]
async fn a_disconnected_client_is_no_longer_in_flight() {
    let simulator = simulator().await;
    simulator.misbehave(Fault::Hang);
    let waiting = send(&simulator, "GET", &target(&simulator, "342", "2026-02-01")).await;
    eventually(|| simulator.in_flight() == 1).await;
    drop(waiting);
    eventually(|| simulator.in_flight() == 0).await;
}

#[tokio::test]
async fn a_dropped_simulator_ends_hanging_connections_and_frees_its_port() {
    let simulator = simulator().await;
    let addr = simulator.addr();
    simulator.misbehave(Fault::Hang);
    let mut waiting = send(&simulator, "GET", &target(&simulator, "342", "2026-02-01")).await;
    eventually(|| simulator.in_flight() == 1).await;
    drop(simulator);
    assert!(matches!(waiting.read_u8().await, Err(error) if error.kind() != io::ErrorKind::TimedOut));
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}
