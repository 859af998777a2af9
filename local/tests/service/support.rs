//! A whole local server for tests: real HTTP, a simulated 25Live, either cache, and a clock that the test sets.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use chrono::{NaiveDate, TimeDelta};
use emptyclassroom::{
    config::{Config, Deployment},
    install_tls,
    service::Service,
};
use emptyclassroom_local::server::Server;
use serde_json::Value;
use simulator::Simulator;
use testkit::{Backend, Proxy, ROOMS, RedisServer, TestClock, TestResponse, simulate, small_campus, small_campus_path};
use tokio::{sync::Mutex, task::JoinHandle};

/// Tuesday, 3 March 2026, 12:00 in New York.
const TUESDAY_NOON: &str = "2026-03-03T17:00:00Z";

/// A server's surroundings: its variables, a clock, a 25Live and a cache.
#[derive(Clone)]
struct Environment {
    vars: HashMap<String, String>,
    clock: TestClock,
    client_limit: Option<Duration>,
    simulator: Arc<Simulator>,
    redis: Option<Arc<Mutex<RedisServer>>>,
    network: Option<Arc<Proxy>>,
}

/// A server and its environment. It stops when it is dropped.
pub(crate) struct TestServer {
    pub(crate) simulator: Arc<Simulator>,
    pub(crate) clock: TestClock,
    pub(crate) redis: Option<Arc<Mutex<RedisServer>>>,
    /// The network between the server and its Redis.
    pub(crate) network: Option<Arc<Proxy>>,
    pub(crate) service: Service,
    address: SocketAddr,
    environment: Environment,
    http: reqwest::Client,
    task: JoinHandle<()>,
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Environment {
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
        let simulator = simulate(&small_campus()).await;
        let mut all = HashMap::from([
            ("PORT", "0".to_owned()),
            ("REDIS_TIMEOUT", "2".to_owned()),
            ("UPSTREAM_TIMEOUT", "5".to_owned()),
            ("API_URL", simulator.url()),
            ("CAMPUS_FILE", small_campus_path().display().to_string()),
        ]);
        all.extend(network.as_ref().map(|network| ("REDIS_URL", format!("redis://{}", network.addr()))));
        all.extend(vars.iter().map(|(name, value)| (*name, (*value).to_owned())));
        Self {
            vars: all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            clock: TestClock::at(TUESDAY_NOON),
            client_limit: None,
            simulator: Arc::new(simulator),
            redis: redis.map(|redis| Arc::new(Mutex::new(redis))),
            network,
        }
    }
}

impl TestServer {
    /// Starts a server with an empty cache that refreshes only on request.
    pub(crate) async fn start(backend: Backend) -> Self {
        Self::start_with(backend, &[]).await
    }

    /// The same, with these variables.
    pub(crate) async fn start_with(backend: Backend, vars: &[(&str, &str)]) -> Self {
        Self::start_in(Environment::new(backend, vars).await, false).await
    }

    /// The same, with this limit for request heads and for reading responses.
    pub(crate) async fn start_with_client_limit(limit: Duration) -> Self {
        let mut environment = Environment::new(Backend::Memory, &[]).await;
        environment.client_limit = Some(limit);
        Self::start_in(environment, false).await
    }

    /// Starts a server like the program, with these variables: it refreshes at the start and at `REFRESH_TIMES`.
    pub(crate) async fn start_refreshing(backend: Backend, vars: &[(&str, &str)]) -> Self {
        Self::start_in(Environment::new(backend, vars).await, true).await
    }

    /// Starts another server with the same Redis, 25Live and clock, like another process.
    pub(crate) async fn another(&self) -> Self {
        assert!(self.redis.is_some(), "an embedded cache belongs to one process");
        Self::start_in(self.environment.clone(), false).await
    }

    /// The same, but it refreshes at the start and at `REFRESH_TIMES`.
    pub(crate) async fn another_refreshing(&self) -> Self {
        Self::start_in(self.environment.clone(), true).await
    }

    /// The same, with a clock that is ahead by this much, or behind.
    pub(crate) async fn another_ahead_by(&self, ahead: TimeDelta) -> Self {
        let clock = self.clock.ahead_by(ahead);
        Self::start_in(Environment { clock, ..self.environment.clone() }, false).await
    }

    async fn start_in(environment: Environment, refreshes: bool) -> Self {
        let config = Config::from_vars(Deployment::Local, |name| environment.vars.get(name).cloned()).unwrap();
        let mut server = Server::bind(config, environment.clock.clock()).await.unwrap();
        if let Some(limit) = environment.client_limit {
            server = server.with_client_limit(limit);
        }
        let (service, address) = (server.service().clone(), server.address());
        let task = tokio::spawn(async move {
            let end = if refreshes {
                server.run(std::future::pending()).await
            } else {
                server.serve(std::future::pending()).await
            };
            end.unwrap();
        });
        let Environment { clock, simulator, redis, network, .. } = environment.clone();
        Self { simulator, clock, redis, network, service, address, environment, http: reqwest::Client::new(), task }
    }

    pub(crate) async fn get(&self, path: &str) -> TestResponse {
        self.send(self.http.get(self.url(path))).await
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> TestResponse {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        TestResponse { status, headers, text: response.text().await.unwrap() }
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

    pub(crate) async fn open_classrooms(&self) -> TestResponse {
        self.get("/api/open-classrooms").await
    }

    pub(crate) async fn refresh(&self) -> TestResponse {
        self.send(self.http.post(self.url("/api/refresh"))).await
    }

    pub(crate) async fn last_updated(&self) -> Value {
        self.get("/api/last-updated").await.json()["last_updated"].clone()
    }

    /// Sends a command to the server's Redis.
    pub(crate) async fn redis(&self, command: &[&str]) -> String {
        self.redis.as_ref().unwrap().lock().await.command(command).await
    }

    /// How many sweeps have begun, including an open one.
    pub(crate) fn sweeps_begun(&self) -> usize {
        self.simulator.requests().div_ceil(ROOMS.len())
    }

    /// How many sweeps the simulated 25Live has seen, all of them complete and without retries.
    pub(crate) fn sweeps(&self) -> usize {
        assert!(self.simulator.requests().is_multiple_of(ROOMS.len()), "{} requests", self.simulator.requests());
        self.simulator.requests() / ROOMS.len()
    }
}

/// Sends `count` requests simultaneously.
pub(crate) async fn at_once<F: Future<Output = TestResponse> + Send + 'static>(
    count: usize,
    ask: impl Fn(usize) -> F,
) -> Vec<TestResponse> {
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

/// The room of a request to 25Live.
pub(crate) fn space_id(query: &[(String, String)]) -> String {
    query.iter().find(|(name, _)| name == "space_id").unwrap().1.clone()
}
