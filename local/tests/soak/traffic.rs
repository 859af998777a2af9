//! The clients: what they ask, and what they make of the answers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::NaiveDate;
use fastrand::Rng;
use http::{HeaderMap, Method, StatusCode, header};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    body::{self, Classroom, Day},
    campus::{ASKED, ROOMS},
    figures::Figures,
    oracle::{Oracle, Representation},
};

/// What operators know.
pub(crate) const ADMIN_TOKEN: &str = "sesame";
/// API Gateway waits no longer for an answer.
pub(crate) const LONGEST_ANSWER: Duration = Duration::from_secs(30);
/// A client rests for so long at most before it asks again.
const LONGEST_REST_MS: u64 = 60;
/// Who hangs up does it within this time.
const LATEST_HANG_UP_MS: u64 = 20;
/// What no client may ever see of the inside.
const INSIDE: [&str; 8] = ["127.0.0.1", "localhost", "redis", "classrooms:", "::", "panic", "25Live", "http:"];

/// Whether all is well: the number is even while it is, and another one each time.
#[derive(Default)]
pub(crate) struct Weather(AtomicU64);

impl Weather {
    /// It begins foul.
    pub(crate) fn foul() -> Self {
        Self(AtomicU64::new(1))
    }

    pub(crate) fn change(&self, fair: bool) {
        let now = self.0.load(Ordering::SeqCst);
        self.0.store(now + 1 + u64::from(now.is_multiple_of(2) == fair), Ordering::SeqCst);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Whether it has been fair without a break since then.
    fn was_fair_since(&self, then: u64) -> bool {
        then.is_multiple_of(2) && then == self.now()
    }
}

/// What all clients share.
pub(crate) struct Ground {
    pub(crate) url: String,
    pub(crate) oracle: Oracle,
    pub(crate) weather: Weather,
    pub(crate) figures: Figures,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    pub(crate) text: String,
    fair: bool,
}

impl Reply {
    fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn shown(&self) -> Representation {
        let (etag, source) = (self.header(header::ETAG).to_owned(), self.header("x-cache").to_owned());
        Representation { etag, source, text: self.text.clone() }
    }

    fn is_hit(&self) -> bool {
        self.header("x-cache") == "HIT"
    }

    /// An error with this sentence, and nothing of the inside.
    fn is_problem(&self, status: u16, detail: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let title = self.status.canonical_reason().unwrap();
        assert_eq!(self.json(), json!({ "title": title, "status": status, "detail": detail }), "{self:?}");
        assert_eq!(self.header(header::CONTENT_TYPE), "application/problem+json", "{self:?}");
        assert_eq!(self.header(header::CACHE_CONTROL), "no-store", "{self:?}");
        assert_eq!(status == 405, self.headers.contains_key(header::ALLOW), "{self:?}");
        assert_eq!(status == 401, self.headers.contains_key(header::WWW_AUTHENTICATE), "{self:?}");
        let whole = format!("{:?} {}", self.headers, self.text);
        assert!(INSIDE.iter().all(|inside| !whole.contains(inside)), "it shows something of the inside: {self:?}");
    }

    /// 503, with a time after which it is worth asking again: a minute at most.
    fn is_unavailable(&self) {
        self.is_problem(503, "Cache unavailable");
        let seconds: u64 = self.header(header::RETRY_AFTER).parse().unwrap_or_else(|_| panic!("{self:?}"));
        assert!((1..=60).contains(&seconds), "{self:?}");
    }
}

/// A day that was shown to a client, under its ETag.
struct Known {
    path: String,
    shown: Representation,
    day: String,
}

/// Asks, one thing after the other.
pub(crate) struct Visitor {
    pub(crate) ground: Arc<Ground>,
    pub(crate) http: Client,
    random: Rng,
    known: Option<Known>,
}

/// What can be asked.
#[derive(Clone, Copy)]
enum Ask {
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

/// How often each is asked, of a thousand times.
const MIX: [(usize, Ask); 13] = [
    (400, Ask::Day),
    (150, Ask::DayAgain),
    (150, Ask::Classroom),
    (10, Ask::Yesterday),
    (60, Ask::LastUpdated),
    (50, Ask::CooldownStatus),
    (12, Ask::Refresh),
    (6, Ask::Invalidate),
    (30, Ask::Head),
    (80, Ask::Refused),
    (22, Ask::Hello),
    (20, Ask::HangUp),
    (10, Ask::BreakOff),
];

/// A request that is refused, whatever the weather.
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
    refusal(Method::GET, "/api/open-classrooms?date=soon", 400, "`date` is `soon`, but should be a day, as 2026-03-03"),
    refusal(Method::GET, "/api/classrooms/88?date=", 400, "`date` is ``, but should be a day, as 2026-03-03"),
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
        "`invalidate_cache` is `maybe`, but should be true or false",
    ),
    refusal(Method::POST, "/api/refresh?invalidate_cache=true", 401, "Invalid or missing admin token"),
    refusal(Method::POST, "/api/refresh?invalidate_cache=1", 401, "Invalid or missing admin token"),
    refusal(Method::POST, "/api/refresh", 413, "The request body is longer than 1024 bytes"),
];

impl Visitor {
    pub(crate) fn new(ground: Arc<Ground>, http: Client, random: Rng) -> Self {
        Self { ground, http, random, known: None }
    }

    /// Asks until nothing is left to be asked.
    pub(crate) async fn visit(mut self, left: Arc<AtomicUsize>) {
        let take = |left: usize| left.checked_sub(1);
        while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
            let ask = self.some_ask();
            self.ask(ask).await;
            sleep(Duration::from_millis(self.random.u64(..LONGEST_REST_MS))).await;
        }
    }

    fn some_ask(&mut self) -> Ask {
        let place = self.random.usize(..1000);
        let mut below = 0;
        let chosen = MIX.iter().find(|(times, _)| {
            below += times;
            place < below
        });
        chosen.unwrap().1
    }

    async fn ask(&mut self, ask: Ask) {
        match ask {
            Ask::Day => {
                let (ahead, path) = self.some_day("/api/open-classrooms");
                drop(self.read_day(ahead, path).await);
            }
            Ask::DayAgain => self.read_day_again().await,
            Ask::Classroom => self.read_classroom().await,
            Ask::Yesterday => self.read_yesterday().await,
            Ask::LastUpdated => self.read_last_updated().await,
            Ask::CooldownStatus => self.read_cooldown_status().await,
            Ask::Refresh => drop(self.refresh().await),
            Ask::Invalidate => self.invalidate().await,
            Ask::Head => self.head().await,
            Ask::Refused => self.be_refused().await,
            Ask::Hello => self.say_hello().await,
            Ask::HangUp => self.hang_up().await,
            Ask::BreakOff => self.break_off().await,
        }
    }

    /// Today mostly, without saying so, or a day that is named.
    fn some_day(&mut self, path: &str) -> (u64, String) {
        if self.random.u8(..10) < 7 {
            return (0, path.to_owned());
        }
        let ahead = ASKED[self.random.usize(..ASKED.len())];
        (ahead, format!("{path}?date={}", self.ground.oracle.campus.day(ahead)))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.ground.url))
    }

    /// Sends a request, and counts its answer under this name.
    async fn send(&self, name: &str, request: RequestBuilder) -> Reply {
        let (start, weather) = (Instant::now(), self.ground.weather.now());
        let answer = async {
            let response = request.send().await?;
            let (status, headers) = (response.status(), response.headers().clone());
            reqwest::Result::Ok((status, headers, response.text().await?))
        };
        let (status, headers, text) = answer.await.unwrap_or_else(|error| panic!("no answer to {name}: {error:?}"));
        let took = start.elapsed();
        let fair = self.ground.weather.was_fair_since(weather);
        let reply = Reply { status, headers, text, fair };
        assert!(took < LONGEST_ANSWER, "{took:?} are too long for {reply:?}");
        assert!(status != 500 && status != 429, "neither a bug nor a cooldown: {reply:?}");
        assert_eq!(reply.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{reply:?}");
        self.ground.figures.outcome(format!("{name} {} {}", status.as_u16(), reply.header("x-cache")));
        self.ground.figures.took(took, fair && reply.is_hit());
        reply
    }

    /// Reads a day, and tells what was shown if something was, and whether all rooms were `ok`.
    pub(crate) async fn read_day(&mut self, ahead: u64, path: String) -> Option<(Day, bool)> {
        let asked = self.ground.oracle.ask(self.ground.oracle.campus.day(ahead));
        let reply = self.send("read", self.request(Method::GET, &path)).await;
        if !shows_rooms(&reply, asked.date, ahead) {
            return None;
        }
        let day: Day = body::parse(&reply.text);
        let all_ok = self.ground.oracle.check_day(asked, &reply.shown(), &day);
        assert!(all_ok || !reply.fair, "the weather was fair: {reply:?}");
        self.known = Some(Known { path, shown: reply.shown(), day: reply.text });
        Some((day, all_ok))
    }

    /// Reads the last day again, if it has changed.
    async fn read_day_again(&mut self) {
        let Some(Known { path, shown, day: known_day }) = self.known.take() else { return };
        let day: Day = body::parse(&known_day);
        let ahead = u64::try_from((day.date - self.ground.oracle.campus.today).num_days()).unwrap();
        let asked = self.ground.oracle.ask(day.date);
        let request = self.request(Method::GET, &path).header(header::IF_NONE_MATCH, &shown.etag);
        let reply = self.send("read", request).await;
        if reply.status == StatusCode::NOT_MODIFIED {
            let again = Representation { text: shown.text, ..reply.shown() };
            assert!(reply.text.is_empty() && again.etag == shown.etag, "{reply:?} to {}", shown.etag);
            self.ground.oracle.check_day(asked, &again, &day);
            self.known = Some(Known { path, shown: again, day: known_day });
        } else if shows_rooms(&reply, asked.date, ahead) {
            assert_ne!(reply.shown().etag, shown.etag, "the client had it: {reply:?}");
            let day = body::parse(&reply.text);
            self.ground.oracle.check_day(asked, &reply.shown(), &day);
        }
    }

    async fn read_classroom(&mut self) {
        let id = ROOMS[self.random.usize(..ROOMS.len())];
        let (ahead, path) = self.some_day(&format!("/api/classrooms/{id}"));
        let asked = self.ground.oracle.ask(self.ground.oracle.campus.day(ahead));
        let reply = self.send("read", self.request(Method::GET, &path)).await;
        if shows_rooms(&reply, asked.date, ahead) {
            let classroom: Classroom = body::parse(&reply.text);
            let ok = self.ground.oracle.check_classroom(asked, &reply.shown(), id, classroom);
            assert!(ok || !reply.fair, "the weather was fair: {reply:?}");
        }
    }

    /// No sweep has brought that day; without Redis nobody can say so.
    async fn read_yesterday(&self) {
        let yesterday = self.ground.oracle.campus.today.pred_opt().unwrap();
        let path = format!("/api/open-classrooms?date={yesterday}");
        let reply = self.send("read", self.request(Method::GET, &path)).await;
        if reply.fair || reply.status == StatusCode::NOT_FOUND {
            reply.is_problem(404, &format!("No availability is kept for {yesterday}"));
        } else {
            reply.is_unavailable();
        }
    }

    async fn read_last_updated(&self) {
        let known = self.ground.oracle.refreshed();
        let reply = self.send("last-updated", self.request(Method::GET, "/api/last-updated")).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        let json = reply.json();
        if let Some(last_updated) = json["last_updated"].as_str() {
            self.ground.oracle.was_refreshed(last_updated, known);
        }
        assert_eq!(json, json!({ "last_updated": json["last_updated"] }));
        assert!(json["last_updated"].is_string() || json["last_updated"].is_null(), "{reply:?}");
    }

    /// There is no cooldown here.
    async fn read_cooldown_status(&self) {
        let reply = self.send("cooldown-status", self.request(Method::GET, "/api/cooldown-status")).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        assert_eq!(reply.json(), json!({ "in_cooldown": false, "remaining_minutes": 0 }));
    }

    /// Refreshes, and tells whether that was done.
    pub(crate) async fn refresh(&self) -> bool {
        let known = self.ground.oracle.refreshed();
        let reply = self.send("refresh", self.request(Method::POST, "/api/refresh")).await;
        self.check_refresh(&reply, known)
    }

    /// Refreshes as an operator, and looks at what came of it.
    async fn invalidate(&mut self) {
        let known = self.ground.oracle.refreshed();
        let request = self.request(Method::POST, "/api/refresh?invalidate_cache=true").bearer_auth(ADMIN_TOKEN);
        let reply = self.send("invalidate", request).await;
        if self.check_refresh(&reply, known) {
            // Whoever has just refreshed sees the new data: the oracle remembers what was promised.
            drop(self.read_day(0, "/api/open-classrooms".to_owned()).await);
        }
    }

    fn check_refresh(&self, reply: &Reply, known: Option<chrono::DateTime<chrono::Utc>>) -> bool {
        assert!(reply.status == StatusCode::OK || !reply.fair, "the weather was fair: {reply:?}");
        match reply.status.as_u16() {
            200 => {
                let json = reply.json();
                let timestamp = json["timestamp"].as_str().unwrap();
                assert_eq!(json, json!({ "message": "Data refreshed successfully", "timestamp": timestamp }));
                self.ground.oracle.was_refreshed(timestamp, known);
                return true;
            }
            502 => reply.is_problem(502, "Failed to refresh data"),
            _ => reply.is_unavailable(),
        }
        false
    }

    async fn head(&mut self) {
        let (ahead, path) = self.some_day("/api/open-classrooms");
        let reply = self.send("HEAD", self.request(Method::HEAD, &path)).await;
        assert!(reply.text.is_empty(), "{reply:?}");
        let statuses: &[u16] = if reply.fair { &[200] } else { &[200, 404, 503] };
        assert!(statuses.contains(&reply.status.as_u16()), "{reply:?}");
        assert!(reply.status != StatusCode::NOT_FOUND || ahead > 0, "{reply:?}");
        assert_eq!(reply.status == StatusCode::OK, !reply.shown().etag.is_empty(), "{reply:?}");
    }

    async fn be_refused(&mut self) {
        let Refusal { method, path, status, detail } = &REFUSALS[self.random.usize(..REFUSALS.len())];
        let mut request = self.request(method.clone(), path);
        match status {
            401 if self.random.bool() => request = request.bearer_auth("open sesame"),
            413 => request = request.body("x".repeat(1025 + self.random.usize(..4000))),
            _ => {}
        }
        self.send("refused", request).await.is_problem(*status, detail);
    }

    async fn say_hello(&self) {
        let reply = self.send("hello", self.request(Method::GET, "/")).await;
        assert_eq!((reply.status, &*reply.text), (StatusCode::OK, r#""Hello World""#));
    }

    /// Asks, and goes away without waiting for the answer.
    async fn hang_up(&mut self) {
        let (method, path) = match self.random.u8(..3) {
            0 => (Method::POST, "/api/refresh".to_owned()),
            _ => (Method::GET, self.some_day("/api/open-classrooms").1),
        };
        let patience = Duration::from_millis(self.random.u64(..LATEST_HANG_UP_MS));
        if timeout(patience, self.request(method, &path).send()).await.is_err() {
            self.ground.figures.outcome("hung up".to_owned());
        } else {
            self.ground.figures.outcome("answered before the client hung up".to_owned());
        }
    }

    /// Begins a request, and closes the connection in the middle of it.
    async fn break_off(&mut self) {
        const REQUEST: &[u8] = b"POST /api/refresh HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n{}";
        let connection = TcpStream::connect(self.ground.url.trim_start_matches("http://")).await;
        let connection = connection.unwrap_or_else(|error| panic!("the server takes no connection: {error}"));
        connection.writable().await.unwrap();
        connection.try_write(&REQUEST[..self.random.usize(..=REQUEST.len())]).unwrap();
        self.ground.figures.outcome("broken off".to_owned());
    }
}

/// Whether there are rooms to look at; if not, the answer says why in one of the ways that are allowed.
fn shows_rooms(reply: &Reply, date: NaiveDate, ahead: u64) -> bool {
    assert!(reply.status == StatusCode::OK || !reply.fair, "the weather was fair: {reply:?}");
    match reply.status.as_u16() {
        200 => {
            assert_eq!(reply.header(header::CONTENT_TYPE), "application/json", "{reply:?}");
            assert_eq!(reply.header(header::CACHE_CONTROL), "no-cache", "{reply:?}");
            assert!(reply.shown().etag.starts_with('"'), "{reply:?}");
            assert!(["HIT", "MISS", "STALE"].contains(&&*reply.shown().source), "{reply:?}");
            return true;
        }
        // A day ahead whose copy was lost: no reader sweeps for it while a sweep is known.
        404 if ahead > 0 => reply.is_problem(404, &format!("No availability is kept for {date}")),
        _ => reply.is_unavailable(),
    }
    false
}
