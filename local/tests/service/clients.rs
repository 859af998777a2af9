//! Clients that are slow, misbehave or disconnect: each gets a well-formed response or none, and other clients are not
//! affected.

use std::time::{Duration, Instant};

use testkit::{Backend, PATIENCE, eventually};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::support::TestServer;

async fn connect(app: &TestServer) -> TcpStream {
    TcpStream::connect(app.address()).await.unwrap()
}

/// Sends these bytes and returns all that the server sends until it closes the connection.
async fn response_to(app: &TestServer, bytes: &[u8]) -> String {
    let mut connection = connect(app).await;
    connection.write_all(bytes).await.unwrap();
    let mut response = Vec::new();
    // A client that is refused before its whole request is read may get a reset.
    let _ = timeout(PATIENCE, connection.read_to_end(&mut response)).await.unwrap();
    String::from_utf8(response).unwrap()
}

fn request(line: &str, headers: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n").into_bytes()
}

async fn others_are_answered(app: &TestServer) {
    assert_eq!(app.get("/").await.text, "\"Hello World\"");
}

#[tokio::test]
async fn bytes_that_are_not_http_get_400() {
    let app = TestServer::start(Backend::Memory).await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"*1\r\n$4\r\nPING\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n: nameless\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
    ] {
        let response = response_to(&app, bytes).await;
        assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    }
    others_are_answered(&app).await;
}

#[tokio::test]
async fn an_endless_request_head_gets_414_or_431() {
    let app = TestServer::start(Backend::Memory).await;
    let long_line = request(&format!("GET /api/open-classrooms?date={}", "x".repeat(100_000)), "");
    assert!(response_to(&app, &long_line).await.starts_with("HTTP/1.1 414 "));
    let long_header = request("GET /", &format!("x: {}\r\n", "x".repeat(1_000_000)));
    assert!(response_to(&app, &long_header).await.starts_with("HTTP/1.1 431 "));
    let many_headers = request("GET /", &"x: y\r\n".repeat(1_000));
    assert!(response_to(&app, &many_headers).await.starts_with("HTTP/1.1 431 "));
    others_are_answered(&app).await;
}

#[tokio::test]
async fn an_unknown_method_or_path_gets_problem_json() {
    let app = TestServer::start(Backend::Memory).await;
    for (line, status) in [
        ("BREW /api/refresh", "405 Method Not Allowed"),
        ("TRACE /", "405 Method Not Allowed"),
        ("CONNECT example.org:443", "404 Not Found"),
        ("DELETE /api/classrooms/342", "405 Method Not Allowed"),
        ("GET /%", "404 Not Found"),
        ("GET /..%2f..%2fetc/passwd", "404 Not Found"),
        ("GET http://example.org/secret", "404 Not Found"),
        ("GET /api/classrooms/%00%ff", "404 Not Found"),
        ("GET /api/open-classrooms?date=%00", "400 Bad Request"),
    ] {
        let response = response_to(&app, &request(line, "")).await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{line}: {response}");
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("content-type: application/problem+json"), "{line}: {response}");
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert!(problem["type"].is_string() && problem["detail"].is_string(), "{line}: {response}");
    }
    assert_eq!(app.simulator.requests(), 0);
}

#[tokio::test]
async fn a_request_body_over_1024_bytes_gets_413_with_any_transfer_encoding() {
    let app = TestServer::start(Backend::Memory).await;
    let promised = request("POST /api/refresh", "content-length: 1000000000\r\n");
    assert!(response_to(&app, &promised).await.starts_with("HTTP/1.1 413 "));
    let mut chunked = request("POST /api/refresh", "transfer-encoding: chunked\r\n");
    chunked.extend_from_slice(format!("{:x}\r\n{}\r\n0\r\n\r\n", 1025, "x".repeat(1025)).as_bytes());
    assert!(response_to(&app, &chunked).await.starts_with("HTTP/1.1 413 "));
    let mut garbled = request("POST /api/refresh", "transfer-encoding: chunked\r\n");
    garbled.extend_from_slice(b"no number\r\n");
    assert!(response_to(&app, &garbled).await.starts_with("HTTP/1.1 400 "));
    assert_eq!(app.simulator.requests(), 0);
    others_are_answered(&app).await;
}

#[tokio::test]
async fn a_request_body_that_does_not_arrive_gets_408() {
    let app = TestServer::start(Backend::Memory).await;
    let start = Instant::now();
    let response = response_to(&app, &request("POST /api/refresh", "content-length: 10\r\n")).await;
    assert!(
        response.starts_with("HTTP/1.1 408 ") && response.contains("The request body did not arrive within 5 s"),
        "{response}"
    );
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    assert_eq!(app.simulator.requests(), 0);
}

#[tokio::test]
async fn silent_slow_and_idle_connections_are_closed_after_the_client_limit() {
    let app = TestServer::start_with_client_limit(Duration::from_secs(1)).await;
    let (mut silent, mut slow) = (connect(&app).await, connect(&app).await);
    let dripping = async {
        // Single bytes do not extend the limit.
        for byte in b"GET / HTTP/1.1\r\nx-drip: drop drop drop".chunks(1) {
            if slow.write_all(byte).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
        let mut response = Vec::new();
        let _ = slow.read_to_end(&mut response).await;
    };
    timeout(PATIENCE, dripping).await.unwrap();
    assert_eq!(timeout(PATIENCE, silent.read(&mut [0; 1])).await.unwrap().unwrap_or(0), 0);
    // An idle keep-alive connection is closed too.
    let mut idle = connect(&app).await;
    idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut response = String::new();
    timeout(PATIENCE, idle.read_to_string(&mut response)).await.unwrap().unwrap();
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    others_are_answered(&app).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_its_responses_is_disconnected() {
    let app = TestServer::start_with_client_limit(Duration::from_secs(1)).await;
    let mut deaf = connect(&app).await;
    // More responses than the socket buffers hold.
    let requests = b"GET /api/open-classrooms HTTP/1.1\r\nhost: x\r\n\r\n".repeat(20_000);
    let asking = async {
        let _ = deaf.write_all(&requests).await;
        while deaf.write_all(b"\r\n").await.is_ok() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, asking).await.expect("the server closes the connection");
    others_are_answered(&app).await;
}

#[tokio::test]
async fn a_disconnect_during_a_refresh_does_not_cancel_the_sweep() {
    let app = TestServer::start(Backend::Redis).await;
    app.simulator.set_latency(Duration::from_secs(1));
    let mut gone = connect(&app).await;
    gone.write_all(&request("POST /api/refresh", "")).await.unwrap();
    eventually("the sweep begins", PATIENCE, async || app.simulator.requests() > 0).await;
    drop(gone);
    assert_eq!(app.refresh().await.status, 200);
    assert_eq!(app.sweeps(), 1);
}

#[tokio::test]
async fn a_304_to_get_and_head_has_no_length_on_the_wire() {
    let app = TestServer::start(Backend::Memory).await;
    for method in ["GET", "HEAD"] {
        let line = format!("{method} /api/open-classrooms");
        let response = response_to(&app, &request(&line, "if-none-match: *\r\n")).await;
        assert!(response.starts_with("HTTP/1.1 304 Not Modified\r\n") && response.ends_with("\r\n\r\n"), "{response}");
        assert!(!response.contains("content-length") && !response.contains("transfer-encoding"), "{response}");
    }
}

#[tokio::test]
async fn a_room_id_that_needs_encoding_is_found() {
    let mut campus_file = tempfile::NamedTempFile::new().unwrap();
    let ids = ["A B", "A%20B", "50%", "a/b", "a/days", "\u{e9}", "\u{1F3EB}", "a+b", "a?b#c"];
    let rooms: Vec<_> = ids.iter().map(|id| format!("{{ id = '{id}', name = '{id}' }}")).collect();
    let campus = format!(
        "name = 'A'\ntimezone = 'Etc/UTC'\n[[buildings]]\ncode = 'A'\nname = 'A'\nopens = '07:00'\ncloses = '23:00'\n\
         classrooms = [{}]",
        rooms.join(", ")
    );
    std::io::Write::write_all(&mut campus_file, campus.as_bytes()).unwrap();
    let app = TestServer::start_with(Backend::Memory, &[("CAMPUS_FILE", campus_file.path().to_str().unwrap())]).await;
    for id in ids.into_iter().chain(["unknown"]) {
        let encoded = id.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
        // 25Live does not know these rooms, so a room of the campus has no data.
        let expected = if id == "unknown" { (404, "Classroom not found") } else { (503, "Cache unavailable") };
        for path in ["", "/calendar.ics"] {
            let answer = app.get(&format!("/api/classrooms/{encoded}{path}")).await;
            assert_eq!((answer.status.as_u16(), answer.detail().as_str()), expected, "{id}{path}");
        }
    }
}
