//! A whole server to test: real HTTP, a simulated 25Live, either cache, and a clock that the test holds.

use std::{
    collections::HashMap,
    io::Write,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use emptyclassroom::{
    config::{Config, Deployment},
    install_tls,
    outside::clock::Clock,
    service::Service,
};
use emptyclassroom_local::server::Server;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use simulator::{Room, Simulator};
use tempfile::NamedTempFile;
use testkit::{Proxy, RedisServer};
use tokio::task::JoinHandle;

/// Tuesday, 3 March 2026, 12:00 in New York.
const TUESDAY_NOON: &str = "2026-03-03T17:00:00Z";

/// Four rooms in two buildings: enough for "some" and "more than half".
const SMALL_CAMPUS: &str = r#"
name = "Small College"
timezone = "America/New_York"
[[buildings]]
code = "A"
name = "Hall A"
opens = "07:00"
closes = "23:00"
classrooms = [{ id = "1", name = "101" }, { id = "2", name = "102" }]
[[buildings]]
code = "B"
name = "Hall B"
opens = "08:00"
closes = "18:00"
classrooms = [{ id = "3", name = "103" }, { id = "4", name = "104" }]
"#;

/// How many rooms that campus has.
const ROOMS: usize = 4;

/// Which cache a test runs over.
#[derive(Clone, Copy)]
pub(crate) enum Backend {
    Memory,
    Redis,
}

/// Makes each function `async fn name(backend: Backend)` two tests, one over each cache.
macro_rules! over_both_caches {
    ($($name:ident,)*) => {
        mod over_memory {
            use crate::support::Backend;
            $(#[tokio::test] async fn $name() { super::$name(Backend::Memory).await })*
        }
        mod over_redis {
            use crate::support::Backend;
            $(#[tokio::test] async fn $name() { super::$name(Backend::Redis).await })*
        }
    };
}

/// A clock that shows what the test says, or is wrong by as much as the test says.
#[derive(Clone)]
pub(crate) struct TestClock {
    now: Arc<Mutex<DateTime<Utc>>>,
    ahead: TimeDelta,
}

impl TestClock {
    pub(crate) fn set(&self, now: &str) {
        *self.now.lock().unwrap() = now.parse().unwrap();
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        *self.now.lock().unwrap() += by;
    }

    fn clock(&self) -> Clock {
        let Self { now, ahead } = self.clone();
        Clock::new(chrono_tz::America::New_York, move || *now.lock().unwrap() + ahead)
    }
}

/// What a server stands on.
#[derive(Clone)]
struct Ground {
    vars: HashMap<String, String>,
    clock: TestClock,
    client_limit: Option<Duration>,
    simulator: Arc<Simulator>,
    redis: Option<Arc<tokio::sync::Mutex<RedisServer>>>,
    network: Option<Arc<Proxy>>,
    _campus_file: Arc<NamedTempFile>,
}

/// The server, and all that it stands on. It stops when it is dropped.
pub(crate) struct TestApp {
    pub(crate) simulator: Arc<Simulator>,
    pub(crate) clock: TestClock,
    pub(crate) redis: Option<Arc<tokio::sync::Mutex<RedisServer>>>,
    /// What lies between the server and its Redis.
    pub(crate) network: Option<Arc<Proxy>>,
    pub(crate) service: Service,
    address: SocketAddr,
    ground: Ground,
    http: reqwest::Client,
    task: JoinHandle<()>,
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and X-Cache.
    pub(crate) fn outcome(&self) -> (u16, &str) {
        (self.status.as_u16(), self.header("x-cache"))
    }

    pub(crate) fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap().to_owned()
    }

    /// A room's status and its slots as `07:00-09:04`.
    pub(crate) fn room(&self, id: &str) -> (String, Vec<String>) {
        let json = self.json();
        let rooms = json["buildings"].as_object().unwrap().values().flat_map(|b| b["classrooms"].as_array().unwrap());
        let room = rooms.into_iter().find(|room| room["id"] == id).unwrap();
        let slots = room["availability"]
            .as_array()
            .unwrap()
            .iter()
            .map(|slot| format!("{}-{}", slot["start_time"].as_str().unwrap(), slot["end_time"].as_str().unwrap()));
        (room["status"].as_str().unwrap().to_owned(), slots.collect())
    }
}

impl Ground {
    async fn new(backend: Backend, vars: &[(&str, &str)]) -> Self {
        install_tls();
        let redis = match backend {
            Backend::Memory => None,
            Backend::Redis => Some(RedisServer::start().await),
        };
        let network = match &redis {
            None => None,
            Some(redis) => Some(Arc::new(Proxy::start(redis.addr()).await)),
        };
        let rooms = ["1", "2", "3", "4"].map(|id| Room::new(id, format!("room {id}")));
        let simulator = Simulator::start(rooms.to_vec()).await.unwrap();
        let mut campus_file = NamedTempFile::new().unwrap();
        campus_file.write_all(SMALL_CAMPUS.as_bytes()).unwrap();
        let mut all = HashMap::from([
            ("PORT", "0".to_owned()),
            ("REDIS_TIMEOUT", "2".to_owned()),
            ("UPSTREAM_TIMEOUT", "5".to_owned()),
            ("API_URL", simulator.url()),
            ("CAMPUS_FILE", campus_file.path().display().to_string()),
        ]);
        all.extend(network.as_ref().map(|network| ("REDIS_URL", format!("redis://{}", network.addr()))));
        all.extend(vars.iter().map(|(name, value)| (*name, (*value).to_owned())));
        Self {
            vars: all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            clock: TestClock { now: Arc::new(Mutex::new(TUESDAY_NOON.parse().unwrap())), ahead: TimeDelta::zero() },
            client_limit: None,
            simulator: Arc::new(simulator),
            redis: redis.map(|redis| Arc::new(tokio::sync::Mutex::new(redis))),
            network,
            _campus_file: Arc::new(campus_file),
        }
    }
}

impl TestApp {
    /// A server over an empty cache, that refreshes only when asked.
    pub(crate) async fn cold(backend: Backend) -> Self {
        Self::cold_with(backend, &[]).await
    }

    /// The same, with these variables set.
    pub(crate) async fn cold_with(backend: Backend, vars: &[(&str, &str)]) -> Self {
        Self::on(Ground::new(backend, vars).await, false).await
    }

    /// The same, where clients have so long to say what they want and to take more of what they get.
    pub(crate) async fn cold_with_client_limit(limit: Duration) -> Self {
        let mut ground = Ground::new(Backend::Memory, &[]).await;
        ground.client_limit = Some(limit);
        Self::on(ground, false).await
    }

    /// A server as the program runs it: it refreshes at the start, and daily.
    pub(crate) async fn running(backend: Backend) -> Self {
        Self::on(Ground::new(backend, &[]).await, true).await
    }

    /// Another server on the same Redis, 25Live and clock, as another process would be.
    pub(crate) async fn another(&self) -> Self {
        assert!(self.redis.is_some(), "an embedded cache has one process");
        Self::on(self.ground.clone(), false).await
    }

    /// The same on a machine whose clock is ahead by so much, or behind.
    pub(crate) async fn another_ahead_by(&self, ahead: TimeDelta) -> Self {
        let mut ground = self.ground.clone();
        ground.clock.ahead = ahead;
        Self::on(ground, false).await
    }

    async fn on(ground: Ground, refreshes_by_itself: bool) -> Self {
        let config = Config::from_vars(Deployment::Local, |name| ground.vars.get(name).cloned()).unwrap();
        let mut server = Server::bind(config, ground.clock.clock()).await.unwrap();
        if let Some(limit) = ground.client_limit {
            server = server.with_client_limit(limit);
        }
        let (service, address) = (server.service().clone(), server.address());
        let task = tokio::spawn(async move {
            let end = if refreshes_by_itself {
                server.run(std::future::pending()).await
            } else {
                server.serve(std::future::pending()).await
            };
            end.unwrap();
        });
        let Ground { clock, simulator, redis, network, .. } = ground.clone();
        Self { simulator, clock, redis, network, service, address, ground, http: reqwest::Client::new(), task }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(self.url(path))).await
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.http
    }

    pub(crate) async fn open_classrooms(&self) -> Answer {
        self.get("/api/open-classrooms").await
    }

    pub(crate) async fn refresh(&self) -> Answer {
        self.send(self.http.post(self.url("/api/refresh"))).await
    }

    pub(crate) async fn last_updated(&self) -> Value {
        self.get("/api/last-updated").await.json()["last_updated"].clone()
    }

    /// A command to the Redis under the server.
    pub(crate) async fn redis(&self, command: &[&str]) -> String {
        self.redis.as_ref().unwrap().lock().await.command(command).await
    }

    /// The same while one may be under way.
    pub(crate) fn sweeps_begun(&self) -> usize {
        self.simulator.requests().div_ceil(ROOMS)
    }

    /// How many sweeps the simulated 25Live has seen: whole ones, without rooms asked again.
    pub(crate) fn sweeps(&self) -> usize {
        assert!(self.simulator.requests().is_multiple_of(ROOMS), "{} requests", self.simulator.requests());
        self.simulator.requests() / ROOMS
    }
}

/// Asks `count` times at once.
pub(crate) async fn at_once<F: Future<Output = Answer> + Send + 'static>(
    count: usize,
    ask: impl Fn(usize) -> F,
) -> Vec<Answer> {
    let asked: Vec<_> = (0..count).map(|index| tokio::spawn(ask(index))).collect();
    let mut answers = Vec::with_capacity(count);
    for answer in asked {
        answers.push(answer.await.unwrap());
    }
    answers
}

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}
