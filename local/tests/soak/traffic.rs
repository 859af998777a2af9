//! The clients: what they request, and how they check the responses.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::NaiveDate;
use fastrand::Rng;
use http::{Method, StatusCode, header};
use reqwest::{Client, RequestBuilder};
use serde_json::json;
use testkit::TestResponse;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    body::{self, Classroom, Day},
    campus::{ASKED, ROOMS},
    oracle::{Oracle, Representation},
    statistics::Statistics,
};

/// The operators' admin token.
pub(crate) const ADMIN_TOKEN: &str = "sesame";
/// The time limit of API Gateway for a response.
pub(crate) const LONGEST_ANSWER: Duration = Duration::from_secs(30);
/// The longest pause of a client between two requests.
const LONGEST_REST_MS: u64 = 60;
/// A client that hangs up does so within this time, in milliseconds.
const LATEST_HANG_UP_MS: u64 = 20;
/// Internals that no error may show.
const INSIDE: [&str; 8] = ["127.0.0.1", "localhost", "redis", "classrooms:", "::", "panic", "25Live", "http:"];

/// Whether Redis and 25Live are healthy. The number is even while they are, and changes with each call of `set`.
#[derive(Default)]
pub(crate) struct Health(AtomicU64);

impl Health {
    /// Unhealthy, until it is set.
    pub(crate) fn unhealthy() -> Self {
        Self(AtomicU64::new(1))
    }

    pub(crate) fn set(&self, healthy: bool) {
        let now = self.0.load(Ordering::SeqCst);
        self.0.store(now + 1 + u64::from(now.is_multiple_of(2) == healthy), Ordering::SeqCst);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Whether they have been healthy ever since then.
    fn was_healthy_since(&self, then: u64) -> bool {
        then.is_multiple_of(2) && then == self.now()
    }
}

/// What all clients share.
pub(crate) struct Context {
    pub(crate) url: String,
    pub(crate) oracle: Oracle,
    pub(crate) health: Health,
    pub(crate) statistics: Statistics,
}

/// A response, and whether Redis and 25Live were healthy during the whole request.
#[derive(Debug)]
pub(crate) struct SoakResponse {
    response: TestResponse,
    healthy: bool,
}

impl Deref for SoakResponse {
    type Target = TestResponse;

    fn deref(&self) -> &TestResponse {
        &self.response
    }
}

impl SoakResponse {
    fn shown(&self) -> Representation {
        let (etag, source) = (self.header("etag").to_owned(), self.header("x-cache").to_owned());
        Representation { etag, source, text: self.text.clone() }
    }

    fn is_hit(&self) -> bool {
        self.header("x-cache") == "HIT"
    }

    /// Checks for an error with this detail that shows no internals.
    fn assert_problem(&self, status: u16, detail: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.problem(), (status, detail.to_owned()), "{self:?}");
        assert_eq!(status == 405, self.headers.contains_key(header::ALLOW), "{self:?}");
        assert_eq!(status == 401, self.headers.contains_key(header::WWW_AUTHENTICATE), "{self:?}");
        let whole = format!("{:?} {}", self.headers, self.text);
        assert!(INSIDE.iter().all(|inside| !whole.contains(inside)), "it shows internals: {self:?}");
    }

    /// Checks for a 503 with a `Retry-After` of at most a minute.
    fn assert_unavailable(&self) {
        self.assert_problem(503, "Cache unavailable");
        let seconds: u64 = self.header("retry-after").parse().unwrap_or_else(|_| panic!("{self:?}"));
        assert!((1..=60).contains(&seconds), "{self:?}");
    }
}

/// A day that a client has seen, with its ETag.
struct Known {
    path: String,
    shown: Representation,
    day: String,
}

/// A client that sends one request after another.
pub(crate) struct LoadClient {
    pub(crate) context: Arc<Context>,
    pub(crate) http: Client,
    random: Rng,
    known: Option<Known>,
}

/// The kinds of requests.
#[derive(Clone, Copy)]
enum RequestKind {
    Day,
    DayAgain,
    Classroom,
    Yesterday,
    LastUpdated,
    CooldownStatus,
    Refresh,
    Invalidate,
    Head,
    Refused,
    Hello,
    HangUp,
    BreakOff,
}

/// How often each is sent in a thousand requests.
const MIX: [(usize, RequestKind); 13] = [
    (400, RequestKind::Day),
    (150, RequestKind::DayAgain),
    (150, RequestKind::Classroom),
    (10, RequestKind::Yesterday),
    (60, RequestKind::LastUpdated),
    (50, RequestKind::CooldownStatus),
    (12, RequestKind::Refresh),
    (6, RequestKind::Invalidate),
    (30, RequestKind::Head),
    (80, RequestKind::Refused),
    (22, RequestKind::Hello),
    (20, RequestKind::HangUp),
    (10, RequestKind::BreakOff),
];

/// A request that is refused, whether or not Redis and 25Live are healthy.
struct Refusal {
    method: Method,
    path: &'static str,
    status: u16,
    detail: &'static str,
}

const fn refusal(method: Method, path: &'static str, status: u16, detail: &'static str) -> Refusal {
    Refusal { method, path, status, detail }
}

const REFUSALS: [Refusal; 15] = [
    refusal(Method::GET, "/api/open-classrooms?date=soon", 400, "`date` is `soon`; expected a date such as 2026-03-03"),
    refusal(Method::GET, "/api/classrooms/88?date=", 400, "`date` is ``; expected a date such as 2026-03-03"),
    refusal(Method::GET, "/api/open-classrooms?date=2099-01-01", 404, "No availability is kept for 2099-01-01"),
    refusal(Method::GET, "/api/classrooms/88?date=1999-12-31", 404, "No availability is kept for 1999-12-31"),
    refusal(Method::GET, "/api/classrooms/99", 404, "Classroom not found"),
    refusal(Method::GET, "/api/classrooms/%FF", 404, "Classroom not found"),
    refusal(Method::GET, "/api/open-classrooms/", 404, "Not Found"),
    refusal(Method::GET, "/.env", 404, "Not Found"),
    refusal(Method::DELETE, "/api/open-classrooms", 405, "Method Not Allowed"),
    refusal(Method::GET, "/api/refresh", 405, "Method Not Allowed"),
    refusal(Method::POST, "/", 405, "Method Not Allowed"),
    refusal(
        Method::POST,
        "/api/refresh?invalidate_cache=maybe",
        400,
        "`invalidate_cache` is `maybe`; expected true or false",
    ),
    refusal(Method::POST, "/api/refresh?invalidate_cache=true", 401, "Invalid or missing admin token"),
    refusal(Method::POST, "/api/refresh?invalidate_cache=1", 401, "Invalid or missing admin token"),
    refusal(Method::POST, "/api/refresh", 413, "The request body is longer than 1024 bytes"),
];

impl LoadClient {
    pub(crate) fn new(context: Arc<Context>, http: Client, random: Rng) -> Self {
        Self { context, http, random, known: None }
    }

    /// Sends requests until none are left.
    pub(crate) async fn run(mut self, left: Arc<AtomicUsize>) {
        let take = |left: usize| left.checked_sub(1);
        while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
            let kind = self.some_kind();
            self.send_some(kind).await;
            sleep(Duration::from_millis(self.random.u64(..LONGEST_REST_MS))).await;
        }
    }

    fn some_kind(&mut self) -> RequestKind {
        let place = self.random.usize(..1000);
        let mut below = 0;
        let chosen = MIX.iter().find(|(times, _)| {
            below += times;
            place < below
        });
        chosen.unwrap().1
    }

    async fn send_some(&mut self, kind: RequestKind) {
        match kind {
            RequestKind::Day => {
                let (ahead, path) = self.some_day("/api/open-classrooms");
                drop(self.read_day(ahead, path).await);
            }
            RequestKind::DayAgain => self.read_day_again().await,
            RequestKind::Classroom => self.read_classroom().await,
            RequestKind::Yesterday => self.read_yesterday().await,
            RequestKind::LastUpdated => self.read_last_updated().await,
            RequestKind::CooldownStatus => self.read_cooldown_status().await,
            RequestKind::Refresh => drop(self.refresh().await),
            RequestKind::Invalidate => self.invalidate().await,
            RequestKind::Head => self.head().await,
            RequestKind::Refused => self.send_refused_request().await,
            RequestKind::Hello => self.get_hello().await,
            RequestKind::HangUp => self.hang_up().await,
            RequestKind::BreakOff => self.break_off().await,
        }
    }

    /// Returns a day and the path to read it: mostly today, without a `date`, otherwise a day with its `date`.
    fn some_day(&mut self, path: &str) -> (u64, String) {
        if self.random.u8(..10) < 7 {
            return (0, path.to_owned());
        }
        let ahead = ASKED[self.random.usize(..ASKED.len())];
        (ahead, format!("{path}?date={}", self.context.oracle.campus.day(ahead)))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.context.url))
    }

    /// Sends a request and counts its response under this name.
    async fn send(&self, name: &str, request: RequestBuilder) -> SoakResponse {
        let (start, health) = (Instant::now(), self.context.health.now());
        let answer = async {
            let response = request.send().await?;
            let (status, headers) = (response.status(), response.headers().clone());
            reqwest::Result::Ok((status, headers, response.text().await?))
        };
        let (status, headers, text) = answer.await.unwrap_or_else(|error| panic!("no response to {name}: {error:?}"));
        let took = start.elapsed();
        let healthy = self.context.health.was_healthy_since(health);
        let response = SoakResponse { response: TestResponse { status, headers, text }, healthy };
        assert!(took < LONGEST_ANSWER, "{took:?} is too long for {response:?}");
        assert!(status != 500 && status != 429, "neither 500 nor 429 may occur: {response:?}");
        assert_eq!(response.header("x-content-type-options"), "nosniff", "{response:?}");
        self.context.statistics.outcome(format!("{name} {} {}", status.as_u16(), response.header("x-cache")));
        self.context.statistics.took(took, healthy && response.is_hit());
        response
    }

    /// Reads a day. Returns the body, if there was one, and whether all rooms were `ok`.
    pub(crate) async fn read_day(&mut self, ahead: u64, path: String) -> Option<(Day, bool)> {
        let asked = self.context.oracle.ask(self.context.oracle.campus.day(ahead));
        let response = self.send("read", self.request(Method::GET, &path)).await;
        if !shows_rooms(&response, asked.date, ahead) {
            return None;
        }
        let day: Day = body::parse(&response.text);
        let all_ok = self.context.oracle.check_day(asked, &response.shown(), &day);
        assert!(all_ok || !response.healthy, "Redis and 25Live were healthy: {response:?}");
        self.known = Some(Known { path, shown: response.shown(), day: response.text.clone() });
        Some((day, all_ok))
    }

    /// Reads the last day again, with its ETag.
    async fn read_day_again(&mut self) {
        let Some(Known { path, shown, day: known_day }) = self.known.take() else { return };
        let day: Day = body::parse(&known_day);
        let ahead = u64::try_from((day.date - self.context.oracle.campus.today).num_days()).unwrap();
        let asked = self.context.oracle.ask(day.date);
        let request = self.request(Method::GET, &path).header(header::IF_NONE_MATCH, &shown.etag);
        let response = self.send("read", request).await;
        if response.status == StatusCode::NOT_MODIFIED {
            let again = Representation { text: shown.text, ..response.shown() };
            assert!(response.text.is_empty() && again.etag == shown.etag, "{response:?} to {}", shown.etag);
            self.context.oracle.check_day(asked, &again, &day);
            self.known = Some(Known { path, shown: again, day: known_day });
        } else if shows_rooms(&response, asked.date, ahead) {
            assert_ne!(response.shown().etag, shown.etag, "the client already had this response: {response:?}");
            let day = body::parse(&response.text);
            self.context.oracle.check_day(asked, &response.shown(), &day);
        }
    }

    async fn read_classroom(&mut self) {
        let id = ROOMS[self.random.usize(..ROOMS.len())];
        let (ahead, path) = self.some_day(&format!("/api/classrooms/{id}"));
        let asked = self.context.oracle.ask(self.context.oracle.campus.day(ahead));
        let response = self.send("read", self.request(Method::GET, &path)).await;
        if shows_rooms(&response, asked.date, ahead) {
            let classroom: Classroom = body::parse(&response.text);
            let ok = self.context.oracle.check_classroom(asked, &response.shown(), id, classroom);
            assert!(ok || !response.healthy, "Redis and 25Live were healthy: {response:?}");
        }
    }

    /// No sweep covers yesterday, but the service cannot know that without Redis.
    async fn read_yesterday(&self) {
        let yesterday = self.context.oracle.campus.today.pred_opt().unwrap();
        let path = format!("/api/open-classrooms?date={yesterday}");
        let response = self.send("read", self.request(Method::GET, &path)).await;
        if response.healthy || response.status == StatusCode::NOT_FOUND {
            response.assert_problem(404, &format!("No availability is kept for {yesterday}"));
        } else {
            response.assert_unavailable();
        }
    }

    async fn read_last_updated(&self) {
        let known = self.context.oracle.refreshed();
        let response = self.send("last-updated", self.request(Method::GET, "/api/last-updated")).await;
        assert_eq!(response.status, StatusCode::OK, "{response:?}");
        let json = response.json();
        if let Some(last_updated) = json["last_updated"].as_str() {
            self.context.oracle.was_refreshed(last_updated, known);
        }
        assert_eq!(json, json!({ "last_updated": json["last_updated"] }));
        assert!(json["last_updated"].is_string() || json["last_updated"].is_null(), "{response:?}");
    }

    /// The soak test runs without a cooldown.
    async fn read_cooldown_status(&self) {
        let response = self.send("cooldown-status", self.request(Method::GET, "/api/cooldown-status")).await;
        assert_eq!(response.status, StatusCode::OK, "{response:?}");
        assert_eq!(response.json(), json!({ "in_cooldown": false, "remaining_minutes": 0 }));
    }

    /// Refreshes and returns whether that succeeded.
    pub(crate) async fn refresh(&self) -> bool {
        let known = self.context.oracle.refreshed();
        let response = self.send("refresh", self.request(Method::POST, "/api/refresh")).await;
        self.check_refresh(&response, known)
    }

    /// Invalidates the cache as an operator, and reads the new data.
    async fn invalidate(&mut self) {
        let known = self.context.oracle.refreshed();
        let request = self.request(Method::POST, "/api/refresh?invalidate_cache=true").bearer_auth(ADMIN_TOKEN);
        let response = self.send("invalidate", request).await;
        if self.check_refresh(&response, known) {
            // A client that has just refreshed must see the new data, and the oracle knows the timestamp.
            drop(self.read_day(0, "/api/open-classrooms".to_owned()).await);
        }
    }

    fn check_refresh(&self, response: &SoakResponse, known: Option<chrono::DateTime<chrono::Utc>>) -> bool {
        assert!(response.status == StatusCode::OK || !response.healthy, "Redis and 25Live were healthy: {response:?}");
        match response.status.as_u16() {
            200 => {
                let json = response.json();
                let timestamp = json["timestamp"].as_str().unwrap();
                assert_eq!(json, json!({ "message": "Data refreshed successfully", "timestamp": timestamp }));
                self.context.oracle.was_refreshed(timestamp, known);
                return true;
            }
            502 => response.assert_problem(502, "Failed to refresh data"),
            _ => response.assert_unavailable(),
        }
        false
    }

    async fn head(&mut self) {
        let (ahead, path) = self.some_day("/api/open-classrooms");
        let response = self.send("HEAD", self.request(Method::HEAD, &path)).await;
        assert!(response.text.is_empty(), "{response:?}");
        let statuses: &[u16] = if response.healthy { &[200] } else { &[200, 404, 503] };
        assert!(statuses.contains(&response.status.as_u16()), "{response:?}");
        assert!(response.status != StatusCode::NOT_FOUND || ahead > 0, "{response:?}");
        assert_eq!(response.status == StatusCode::OK, !response.shown().etag.is_empty(), "{response:?}");
    }

    async fn send_refused_request(&mut self) {
        let Refusal { method, path, status, detail } = &REFUSALS[self.random.usize(..REFUSALS.len())];
        let mut request = self.request(method.clone(), path);
        match status {
            401 if self.random.bool() => request = request.bearer_auth("open sesame"),
            413 => request = request.body("x".repeat(1025 + self.random.usize(..4000))),
            _ => {}
        }
        self.send("refused", request).await.assert_problem(*status, detail);
    }

    async fn get_hello(&self) {
        let response = self.send("hello", self.request(Method::GET, "/")).await;
        assert_eq!((response.status, &*response.text), (StatusCode::OK, r#""Hello World""#));
    }

    /// Sends a request and disconnects without waiting for the response.
    async fn hang_up(&mut self) {
        let (method, path) = match self.random.u8(..3) {
            0 => (Method::POST, "/api/refresh".to_owned()),
            _ => (Method::GET, self.some_day("/api/open-classrooms").1),
        };
        let patience = Duration::from_millis(self.random.u64(..LATEST_HANG_UP_MS));
        if timeout(patience, self.request(method, &path).send()).await.is_err() {
            self.context.statistics.outcome("hung up".to_owned());
        } else {
            self.context.statistics.outcome("answered before the client hung up".to_owned());
        }
    }

    /// Begins a request and closes the connection in the middle of it.
    async fn break_off(&mut self) {
        const REQUEST: &[u8] = b"POST /api/refresh HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n{}";
        let connection = TcpStream::connect(self.context.url.trim_start_matches("http://")).await;
        let connection = connection.unwrap_or_else(|error| panic!("the server does not accept connections: {error}"));
        connection.writable().await.unwrap();
        connection.try_write(&REQUEST[..self.random.usize(..=REQUEST.len())]).unwrap();
        self.context.statistics.outcome("broken off".to_owned());
    }
}

/// Whether a response shows rooms. Otherwise, it must be one of the allowed errors.
fn shows_rooms(response: &SoakResponse, date: NaiveDate, ahead: u64) -> bool {
    assert!(response.status == StatusCode::OK || !response.healthy, "Redis and 25Live were healthy: {response:?}");
    match response.status.as_u16() {
        200 => {
            assert_eq!(response.header("content-type"), "application/json", "{response:?}");
            assert_eq!(response.header("cache-control"), "no-cache", "{response:?}");
            assert!(response.shown().etag.starts_with("W/\""), "{response:?}");
            assert!(["HIT", "MISS", "STALE"].contains(&&*response.shown().source), "{response:?}");
            return true;
        }
        // The copy of a day ahead was lost. No reader sweeps for it while the last refresh is known.
        404 if ahead > 0 => response.assert_problem(404, &format!("No availability is kept for {date}")),
        _ => response.assert_unavailable(),
    }
    false
}
