//! The client of 25Live against servers that behave oddly on the wire.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use emptyclassroom::outside::twenty_five_live::{TwentyFiveLive, UpstreamError};
use flate2::{Compression, write::GzEncoder};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

const ANSWER: &str = r#"{"subjects":[{"item_date":"2026-03-03T00:00:00","items":[{"start":9,"end":10}]}]}"#;

/// Returns the response to the n-th request of a connection, counted from 0, or `None` to abort the connection.
type Respond = Arc<dyn Fn(usize) -> Option<Vec<u8>> + Send + Sync>;

/// Starts a server on a free port and returns its URL and its request counter.
async fn serve(respond: Respond) -> (Url, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/availabilitydata.json", listener.local_addr().unwrap()).parse().unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(talk(connection, Arc::clone(&respond), Arc::clone(&count)));
        }
    });
    (url, requests)
}

async fn talk(mut connection: TcpStream, respond: Respond, count: Arc<AtomicUsize>) {
    for number in 0.. {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            match connection.read_u8().await {
                Ok(byte) => request.push(byte),
                Err(_) => return,
            }
        }
        count.fetch_add(1, Ordering::Relaxed);
        let Some(response) = respond(number) else {
            // The client gets a reset instead of the end of the stream.
            connection.set_zero_linger().unwrap();
            return;
        };
        connection.write_all(&response).await.unwrap();
    }
}

fn response(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn gzip(body: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn client(url: Url, concurrency: usize) -> TwentyFiveLive {
    emptyclassroom::install_tls();
    TwentyFiveLive::new(url, Duration::from_secs(5), concurrency)
}

async fn minutes_taken(client: &TwentyFiveLive, room: usize) -> Result<u16, UpstreamError> {
    let date = "2026-03-03".parse().unwrap();
    let availability = client.availability(&room.to_string(), date, |_| {}).await?;
    Ok(availability.bookings.on(date).unwrap().iter().map(|booking| booking.end - booking.start).sum())
}

#[tokio::test]
async fn aborted_reused_connections_fail_no_room_and_use_up_no_attempt() {
    let (url, requests) = serve(Arc::new(|number| (number == 0).then(|| response("", ANSWER.as_bytes())))).await;
    let client = client(url, 4);
    let start = std::time::Instant::now();
    let rooms = futures_util::future::join_all((0..40).map(|room| minutes_taken(&client, room))).await;
    assert!(rooms.iter().all(|minutes| matches!(minutes, Ok(60))), "{rooms:?}");
    // Every retry waits for at least 250 ms.
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(requests.load(Ordering::Relaxed) <= 80);
}

#[tokio::test]
async fn a_server_that_aborts_every_connection_gets_three_requests() {
    let (url, requests) = serve(Arc::new(|_| None)).await;
    let error = minutes_taken(&client(url, 1), 342).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Connection(_)), "{error}");
    assert_eq!(requests.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn gzip_is_decompressed_regardless_of_content_encoding() {
    let (first, second) = ANSWER.split_at(30);
    let members = [gzip(first), gzip(second)].concat();
    for (headers, body) in [
        ("content-encoding: gzip\r\n", gzip(ANSWER)),
        ("Content-Encoding: GZIP\r\n", gzip(ANSWER)),
        ("content-encoding: x-gzip\r\n", gzip(ANSWER)),
        ("content-encoding: gzip\r\n", members),
        ("", gzip(ANSWER)),
        ("content-encoding: gzip\r\n", ANSWER.as_bytes().to_vec()),
        ("content-encoding: identity\r\n", ANSWER.as_bytes().to_vec()),
    ] {
        let (url, _) = serve(Arc::new(move |_| Some(response(headers, &body)))).await;
        assert!(matches!(minutes_taken(&client(url, 1), 342).await, Ok(60)), "{headers}");
    }
}

#[tokio::test]
async fn a_truncated_gzip_body_is_retried() {
    let packed = gzip(ANSWER);
    let cut = packed[..packed.len() - 12].to_vec();
    let (url, requests) = serve(Arc::new(move |number| {
        Some(response("content-encoding: gzip\r\n", if number == 0 { &cut } else { &packed }))
    }))
    .await;
    assert!(matches!(minutes_taken(&client(url, 1), 342).await, Ok(60)));
    assert_eq!(requests.load(Ordering::Relaxed), 2);
}
