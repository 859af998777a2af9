//! A small HTTP client for the tests of this crate: one request per connection, directly over TCP.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::Simulator;

/// A response as received, complete or not.
pub(crate) struct TestResponse {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl TestResponse {
    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().filter_map(|line| line.split_once(": ")).find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The value of Content-Length.
    pub(crate) fn content_length(&self) -> Option<usize> {
        self.header("content-length").map(|length| length.parse().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The subjects of a good response.
    pub(crate) fn subjects(&self) -> Vec<Value> {
        self.json()["subjects"].as_array().unwrap().clone()
    }

    fn parse(raw: &[u8]) -> Self {
        let end = raw.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(raw[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut reply = Self { status, head, body: raw[end + 4..].to_vec() };
        if reply.header("transfer-encoding") == Some("chunked") {
            reply.body = dechunk(&reply.body);
        }
        reply
    }
}

fn dechunk(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n").unwrap();
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        if length == 0 {
            return body;
        }
        body.extend_from_slice(&rest[line + 2..][..length]);
        rest = &rest[line + 2 + length + 2..];
    }
}

/// The decoded parameters of a valid request.
pub(crate) fn parameters(room_id: &str, date: &str) -> Vec<(String, String)> {
    let start = format!("{date}T00:00:00");
    [
        ("obj_cache_accl", "0"),
        ("start_dt", &start),
        ("comptype", "availability_daily"),
        ("compsubject", "location"),
        ("page_size", "100"),
        ("space_id", room_id),
        ("include", "closed blackouts pending related empty"),
        ("caller", "pro-AvailService.getData"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// The path and query of a valid request.
pub(crate) fn target(simulator: &Simulator, room_id: &str, date: &str) -> String {
    let pairs: Vec<_> = parameters(room_id, date)
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace(' ', "%20").replace(':', "%3A")))
        .collect();
    let url = simulator.url();
    let path = url.strip_prefix(&format!("http://{}", simulator.addr())).unwrap();
    format!("{path}?{}", pairs.join("&"))
}

/// Connects and sends a request. The caller reads the response.
pub(crate) async fn send(simulator: &Simulator, method: &str, target: &str) -> TcpStream {
    let mut connection = TcpStream::connect(simulator.addr()).await.unwrap();
    let request =
        format!("{method} {target} HTTP/1.1\r\nHost: 25live\r\nUser-Agent: tests\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    connection
}

/// Reads the response until the connection ends.
pub(crate) async fn read(mut connection: TcpStream) -> io::Result<TestResponse> {
    let mut raw = Vec::new();
    connection.read_to_end(&mut raw).await?;
    Ok(TestResponse::parse(&raw))
}

/// Sends a GET request and returns its response.
pub(crate) async fn get(simulator: &Simulator, target: &str) -> TestResponse {
    read(send(simulator, "GET", target).await).await.unwrap()
}

/// Sends a valid request for a room from 2026-02-01 on and returns its response.
pub(crate) async fn ask(simulator: &Simulator, room_id: &str) -> TestResponse {
    get(simulator, &target(simulator, room_id, "2026-02-01")).await
}

/// Waits until `condition` holds. Panics after 10 s.
pub(crate) async fn eventually(condition: impl Fn() -> bool) {
    let patience = std::time::Duration::from_secs(10);
    let wait = async {
        while !condition() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(patience, wait).await.expect("the condition holds within 10 s");
}
