//! Builds the service for one machine and serves it: the routes of all three functions, and refreshes at the start and at
//! `REFRESH_TIMES`.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use emptyclassroom::{
    config::{Config, ConfigError},
    error_chain,
    outside::{
        cache::{MemoryStore, RedisStore, Store, StoreError},
        clock::Clock,
    },
    service::{Dependencies, Service, read::CacheResult, refresh::Scheduled},
    web,
};
use secrecy::{ExposeSecret, SecretString};
use simulator::{Room, Simulator};
use tokio::{net::TcpListener, time::sleep};
use url::Url;

use crate::{connections::Connections, schedule::next_due};

/// How many times the server tries to reach Redis when it starts.
const REDIS_TRIES: u32 = 5;
/// The pause between these tries.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);
/// How often the server checks whether a refresh is due. A single long sleep would miss clock changes and suspends.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(1);
/// The pause before the first retry of a refresh, a little longer than the backoff after a failed sweep. It doubles each
/// time, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(65);
const LONGEST_PAUSE: Duration = Duration::from_mins(30);
/// The time limit for a request head and for each write of a response. It is long because proxies keep idle connections.
const CLIENT_LIMIT: Duration = Duration::from_secs(30);
/// The time limit for open requests when the server stops.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// A server that is bound to its port but does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    service: Service,
    simulator: Option<Simulator>,
    client_limit: Duration,
}

/// Why the server fails to start, or stops.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Another program uses the port.
    #[error("port {port} of {host} is taken: stop the program that listens there, or set PORT to another port")]
    PortTaken {
        /// The address.
        host: String,
        /// The port.
        port: u16,
    },
    /// The address does not exist on this machine or may not be used.
    #[error("cannot listen on {host}:{port}; correct HOST or PORT")]
    Listen {
        /// The address.
        host: String,
        /// The port.
        port: u16,
        /// The system error.
        source: io::Error,
    },
    /// The simulated 25Live could not be started.
    #[error("the simulated 25Live could not be started")]
    Simulator(#[source] io::Error),
    /// The Redis client could not be set up.
    #[error("REDIS_URL cannot be used")]
    RedisUrl(#[source] StoreError),
    /// Redis could not be reached at the start.
    #[error(
        "Redis at {address} cannot be reached: start it, correct REDIS_URL, or unset REDIS_URL for the embedded cache"
    )]
    NoRedis {
        /// Host and port.
        address: String,
        /// The error of the last try.
        source: StoreError,
    },
    /// Redis is a node of a cluster.
    #[error("the Redis at {address} cannot be used")]
    ClusterNode {
        /// Host and port.
        address: String,
        /// The error.
        source: StoreError,
    },
    /// A variable is missing.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The port is bound, but its number cannot be read.
    #[error("the server's own address cannot be determined")]
    Address(#[source] io::Error),
}

impl Server {
    /// Builds the service and binds the port. Without `REDIS_URL` or `API_URL`, the cache or 25Live is embedded.
    ///
    /// # Errors
    /// The port is in use, or a configured value cannot be used.
    pub async fn bind(mut config: Config, clock: Clock) -> Result<Self, ServerError> {
        let listener = listen(&config.host, config.port).await?;
        let address = listener.local_addr().map_err(ServerError::Address)?;
        let simulator = match config.api_url {
            Some(_) => None,
            None => Some(simulate(&mut config).await?),
        };
        let store: Arc<dyn Store> = match &config.redis_url {
            Some(url) => Arc::new(RedisStore::new(url, config.redis_timeout).map_err(ServerError::RedisUrl)?),
            None => Arc::new(MemoryStore::new(clock.clone())),
        };
        let service = Service::build(Dependencies::new(config, clock, store), None)?;
        Ok(Self { listener, address, service, simulator, client_limit: CLIENT_LIMIT })
    }

    /// Replaces the limit of 30 s for each request head, including the idle time before it, and each write of a response.
    #[must_use]
    pub const fn with_client_limit(mut self, limit: Duration) -> Self {
        self.client_limit = limit;
        self
    }

    /// The address on which it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The service, for tests that look behind HTTP.
    #[must_use]
    pub const fn service(&self) -> &Service {
        &self.service
    }

    /// The text printed at the start: the URL, the campus, the cache, the upstream and a command to try.
    #[must_use]
    pub fn banner(&self) -> String {
        let campus = &self.service.deps.config.campus;
        format!(
            "EmptyClassroom listens on http://{address}\n\n  \
             page      http://{address}/app\n  \
             campus    {name}: {buildings}, {rooms}, {zone}\n  \
             cache     {cache}\n  \
             upstream  {upstream}\n\n\
             Try: curl http://{address}/api/open-classrooms\n\
             Ctrl-C stops it.\n",
            address = self.address,
            name = campus.name,
            buildings = count(campus.buildings.len(), "building"),
            rooms = count(campus.classrooms().count(), "room"),
            zone = campus.timezone,
            cache = self.cache(),
            upstream = self.upstream(),
        )
    }

    /// Logs the facts of the banner as one line, for programs that parse the log.
    pub fn log_banner(&self) {
        let campus = &self.service.deps.config.campus;
        tracing::info!(
            url = format!("http://{}", self.address),
            campus = campus.name,
            rooms = campus.classrooms().count(),
            cache = self.cache(),
            upstream = self.upstream(),
            "listening"
        );
    }

    fn cache(&self) -> String {
        self.service.deps.config.redis_url.as_ref().map_or_else(
            || "in this process (set REDIS_URL to use Redis)".to_owned(),
            |url| format!("Redis at {}", redis_address(url)),
        )
    }

    fn upstream(&self) -> String {
        match (&self.simulator, &self.service.deps.config.api_url) {
            (None, Some(url)) => format!("25Live at {}", without_userinfo(url)),
            _ => "a simulated 25Live in this process: the bookings are invented (set API_URL to use the real one)"
                .to_owned(),
        }
    }

    /// Serves until `stop` completes. Refreshes at the start unless today's data are complete, and then at `REFRESH_TIMES`.
    ///
    /// # Errors
    /// Redis cannot be reached at the start.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), ServerError> {
        let service = self.service.clone();
        let end = async move {
            tokio::select! {
                () = stop => Ok(()),
                error = keep_fresh(&service) => Err(error),
            }
        };
        self.serve(end).await
    }

    /// Serves until `end` completes, and returns its result. Refreshes only on request.
    ///
    /// # Errors
    /// Returns the error of `end`.
    pub async fn serve(self, end: impl Future<Output = Result<(), ServerError>>) -> Result<(), ServerError> {
        let Self { listener, service, simulator, client_limit, .. } = self;
        let routes = Router::new()
            .merge(web::read_routes(&service))
            .merge(web::refresh_routes(&service))
            .merge(web::cooldown_routes(&service.deps));
        let routes = web::finish(routes, &service.deps.config.allowed_origins);
        let connections = Connections::new(routes, client_limit);
        let outcome = tokio::select! {
            outcome = end => outcome,
            never = connections.take(&listener) => match never {},
        };
        // From here on, new clients are refused.
        drop(listener);
        service.refresher.stop().await;
        connections.finish(STOP_LIMIT).await;
        drop(simulator);
        outcome
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

async fn listen(host: &str, port: u16) -> Result<TcpListener, ServerError> {
    TcpListener::bind((host, port)).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServerError::PortTaken { host: host.to_owned(), port },
        _ => ServerError::Listen { host: host.to_owned(), port, source },
    })
}

/// Starts a simulated 25Live with the campus's rooms and points the configuration to it. A server whose `API_URL` was
/// forgotten must not look real, so the log and every response state that the bookings are simulated.
#[expect(clippy::expect_used, reason = "the simulator's URL is made from a socket address")]
async fn simulate(config: &mut Config) -> Result<Simulator, ServerError> {
    let rooms = config
        .campus
        .classrooms()
        .map(|(building, room)| Room::new(room.id.clone(), format!("{} {}", building.code, room.name)));
    let simulator = Simulator::start(rooms.collect()).await.map_err(ServerError::Simulator)?;
    config.api_url = Some(Url::parse(&simulator.url()).expect("the simulator has a URL"));
    config.simulated = true;
    tracing::warn!(
        campus = config.campus.name,
        "API_URL is not set: the bookings are simulated, and every response says so. Set API_URL to show the real ones"
    );
    Ok(simulator)
}

/// Waits for Redis, fills the cache if necessary, and refreshes at `REFRESH_TIMES`. Returns only if Redis cannot be reached.
async fn keep_fresh(service: &Service) -> ServerError {
    let clock = &service.deps.clock;
    let due_after = |now| next_due(now, &service.deps.config.refresh_times, clock.timezone());
    // A refresh that becomes due during another one, or while the machine is suspended, runs afterwards.
    let mut last_look = clock.now();
    if let Err(error) = wait_for_redis(service).await {
        return error;
    }
    let mut pauses = Pauses::default();
    // A read without cached data sweeps.
    while !service.reader.snapshot(None).await.is_ok_and(|served| served.cache_result != CacheResult::Stale) {
        pauses.next().await;
    }
    if service.refresher.finds_simulated_bookings().await.unwrap_or_default() {
        tracing::warn!("the cache holds simulated bookings; replacing them despite the cooldown");
        // The sweep logs a failure, and the refresh below retries.
        let _: Result<_, _> = service.refresher.invalidate_and_refresh().await;
    }
    // The cached data may be the first results of a sweep.
    if !service.refresher.is_complete().await.unwrap_or_default() {
        refresh(service).await;
    }
    loop {
        let mut due = due_after(last_look);
        while clock.now() < due {
            sleep(LOOK_AT_CLOCK).await;
            // The clock may have been set back.
            due = due.min(due_after(clock.now()));
        }
        last_look = clock.now();
        refresh(service).await;
    }
}

/// Refreshes, and retries until that succeeds and all rooms have been reached.
async fn refresh(service: &Service) {
    let mut pauses = Pauses::default();
    while !matches!(
        service.refresher.refresh_scheduled().await,
        Ok(Scheduled::Skipped | Scheduled::Refreshed { is_complete: true, .. })
    ) {
        pauses.next().await;
    }
}

/// Growing pauses between the tries of one refresh. The cause of each failure is already in the log.
#[derive(Default)]
struct Pauses {
    so_far: u32,
}

impl Pauses {
    async fn next(&mut self) {
        let pause = LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.saturating_pow(self.so_far));
        self.so_far = self.so_far.saturating_add(1).min(16);
        tracing::warn!(pause_s = pause.as_secs(), "the data are outdated or incomplete; retrying after a pause");
        sleep(pause).await;
    }
}

async fn wait_for_redis(service: &Service) -> Result<(), ServerError> {
    let Some(url) = &service.deps.config.redis_url else { return Ok(()) };
    let address = redis_address(url);
    let mut tries = 0;
    loop {
        let source = match service.deps.cache.check(service.deps.clock.today()).await {
            Ok(()) => return Ok(()),
            Err(StoreError::Loading { .. }) => {
                tracing::warn!(address, "waiting for Redis, which is loading its data");
                sleep(BETWEEN_TRIES).await;
                continue;
            }
            Err(error @ StoreError::ClusterNode { .. }) => {
                return Err(ServerError::ClusterNode { address, source: error });
            }
            Err(error) => error,
        };
        tries += 1;
        if tries == REDIS_TRIES {
            return Err(ServerError::NoRedis { address, source });
        }
        tracing::warn!(address, tries, of = REDIS_TRIES, cause = error_chain(&source), "waiting for Redis");
        sleep(BETWEEN_TRIES).await;
    }
}

/// The host and port of a URL, without user and password.
fn without_userinfo(url: &Url) -> &str {
    let authority = url.authority();
    authority.rsplit_once('@').map_or(authority, |(_, address)| address)
}

/// The host and port of a Redis URL, without user and password.
#[expect(clippy::expect_used, reason = "the configuration has validated it")]
fn redis_address(url: &SecretString) -> String {
    let url = Url::parse(url.expose_secret()).expect("REDIS_URL is a URL");
    let host = url.host_str().expect("REDIS_URL has a host");
    let port = url.port().unwrap_or(6379);
    format!("{host}:{port}")
}
