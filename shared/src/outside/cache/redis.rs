//! The Redis cache: one multiplexed connection, which is replaced as soon as it is suspect.
//!
//! The `redis` crate's own ConnectionManager does not reconnect after a response timeout, so a connection that died silently (a
//! Lambda function was frozen for an hour, and its NAT entry is gone) would fail every command for minutes. Here each command has
//! two attempts within one time limit: if the connection was dropped, or an existing one gave no response in the first half of
//! the time, it is discarded, and the command is repeated on a fresh one. All commands are safe to repeat.
//!
//! After a timeout, commands do not wait for Redis again: they fail at once, while one caller at a time probes whether Redis is
//! back.
//!
//! All waiting callers share one connection attempt, which continues if one of them gives up. Otherwise many callers with little
//! time left would each start an attempt, and none would see it end.

use std::{
    fmt, io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, FromRedisValue, IntoConnectionInfo, Pipeline, RedisError,
    RedisResult, TlsCertificates, aio::MultiplexedConnection, cmd, io::tcp::TcpSettings, pipe,
};
use secrecy::{ExposeSecret, SecretString};
use socket2::TcpKeepalive;
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    fencing::FencingToken,
    store::{Store, StoreError},
};
use crate::outside::{
    metrics::Metrics,
    single_flight::{Role, SingleFlight},
    tls,
};

/// The keepalive time of an idle connection, which is closed after three probes without an answer.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_PROBES: u32 = 3;
/// The time limit of a connection attempt, even if that of commands is longer.
const CONNECT_LIMIT: Duration = Duration::from_millis(2500);

/// How long a caller waits for a probe of an unresponsive Redis. The probe itself continues in the background.
const PROBE_WAIT: Duration = Duration::from_millis(250);

/// Stores a value, unless the present one has a higher, credible fencing token in its header (see `fencing`). It uses one key, so
/// it can run on any shard, and it is safe to repeat.
const PUT_FENCED: &str = r#"
if redis.replicate_commands then redis.replicate_commands() end -- Redis 3.2 to 4 require this for SET after TIME
local header = redis.pcall('GETRANGE', KEYS[1], 0, 63)
local fence = type(header) == 'string' and tonumber(string.match(header, '^{"version":%d+,"fence":(%d+)') or '')
local credible = (redis.call('TIME')[1] + 60) * 1000000
if fence and fence > tonumber(ARGV[2]) and fence <= credible then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1
"#;

/// Stores a value, unless one other than the old or the new one is present. The new one is present if an earlier attempt succeeded
/// but its response was lost.
const REPLACE: &str = "
local present = redis.pcall('GET', KEYS[1])
if type(present) == 'string' and present ~= ARGV[1] and present ~= ARGV[3] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
";

/// The PTTL response for a key that an operator has set without an expiry. [`FOREVER`] is then the time left.
const NEVER_EXPIRES: i64 = -1;
const FOREVER: Duration = Duration::from_mins(1);

/// Renews a lock that is still held with this token.
const RENEW: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return redis.call('TIME')
end
return false
";

/// Deletes a lock that is still held with this token.
const UNLOCK: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
";

/// A Redis, or something that speaks its protocol (Valkey, Upstash).
pub struct RedisStore {
    client: Client,
    timeout: Duration,
    current: Arc<CurrentConnection>,
    connecting: SingleFlight<Result<Connection, Arc<RedisError>>>,
    /// Whether the last command timed out.
    is_unresponsive: Arc<AtomicBool>,
    /// The time of the last probe. A std mutex, because nothing awaits while it is held.
    last_probe: Mutex<Option<Instant>>,
    metrics: Metrics,
}

/// The connection in use, if there is one.
#[derive(Default)]
struct CurrentConnection {
    // A std mutex, because nothing awaits while it is held.
    connection: Mutex<Option<Connection>>,
    connections_made: AtomicU64,
}

/// A numbered connection. If many callers suspect it, the number ensures that they do not discard its replacement.
#[derive(Clone)]
struct Connection {
    number: u64,
    inner: MultiplexedConnection,
}

/// The commands of one round trip.
#[derive(Clone, Copy)]
enum Commands<'a> {
    One(&'a Cmd),
    Several(&'a Pipeline),
}

impl Commands<'_> {
    async fn query<T: FromRedisValue>(self, connection: &mut MultiplexedConnection) -> RedisResult<T> {
        match self {
            Self::One(command) => command.query_async(connection).await,
            Self::Several(pipeline) => pipeline.query_async(connection).await,
        }
    }
}

/// Why an attempt failed.
enum AttemptError {
    /// A fresh connection may help.
    Retryable(StoreError),
    /// Another attempt would fail too.
    Permanent(StoreError),
}

impl RedisStore {
    /// Returns a store for a `redis://` or `rediss://` URL. It connects at the first command, and every command ends within
    /// `timeout`.
    ///
    /// # Errors
    /// The URL is not a Redis URL, or `SSL_CERT_FILE` cannot be read.
    pub fn new(url: &SecretString, timeout: Duration) -> Result<Self, StoreError> {
        Ok(Self {
            client: client(url, timeout)?,
            timeout,
            current: Arc::default(),
            connecting: SingleFlight::default(),
            is_unresponsive: Arc::default(),
            last_probe: Mutex::default(),
            metrics: Metrics::default(),
        })
    }

    /// Connects within 2.5 s, so that the first command need not. Does not wait for a response: the first command does.
    ///
    /// # Errors
    /// Redis cannot be reached, or refuses the password.
    pub async fn connect(&self) -> Result<(), StoreError> {
        let failed = |source: Arc<RedisError>| StoreError::Failed { command: "connection", source: source.into() };
        connect(self.client.clone(), Arc::clone(&self.current), self.timeout, false).await.map(|_| ()).map_err(failed)
    }

    /// Returns the store with its waiting time recorded in `metrics`.
    #[must_use]
    pub fn measured_by(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }

    /// Runs commands on one key in one round trip, and repeats them on a fresh connection if the present one is suspect.
    async fn run<T: FromRedisValue>(&self, command: &'static str, commands: Commands<'_>) -> Result<T, StoreError> {
        let start = Instant::now();
        let outcome = match self.ensure_responsive(command).await {
            Ok(()) => self.run_from(start, command, commands).await,
            Err(error) => Err(error),
        };
        if let Err(StoreError::TimedOut { .. }) = outcome {
            self.is_unresponsive.store(true, Ordering::Relaxed);
        }
        self.metrics.redis(start.elapsed());
        outcome
    }

    /// Fails if Redis is unresponsive and not back. One caller at a time waits briefly for a probe; the others do not wait.
    async fn ensure_responsive(&self, command: &'static str) -> Result<(), StoreError> {
        if !self.is_unresponsive.load(Ordering::Relaxed) {
            return Ok(());
        }
        if self.may_probe() {
            let (client, current) = (self.client.clone(), Arc::clone(&self.current));
            // In a task: if connecting takes longer than the caller waits, the next caller finds it done.
            let probe = tokio::spawn(probe(client, current, self.timeout, Arc::clone(&self.is_unresponsive)));
            if matches!(timeout(PROBE_WAIT, probe).await, Ok(Ok(true))) {
                return Ok(());
            }
        }
        Err(StoreError::Unresponsive { command })
    }

    /// Returns whether this caller should probe. It does not join an earlier probe, which may hang on an older connection.
    fn may_probe(&self) -> bool {
        let (mut last, now) = (self.last_probe.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
        let may = last.is_none_or(|last| now.duration_since(last) >= PROBE_WAIT);
        if may {
            *last = Some(now);
        }
        may
    }

    async fn run_from<T: FromRedisValue>(
        &self,
        start: Instant,
        command: &'static str,
        commands: Commands<'_>,
    ) -> Result<T, StoreError> {
        let end = start + self.timeout;
        // An existing connection may have died silently; a fresh one can only be slow.
        let suspect_after = if self.current.get().is_some() { start + self.timeout / 2 } else { end };
        match self.attempt(command, commands, suspect_after).await {
            Ok(value) => return Ok(value),
            Err(AttemptError::Permanent(error)) => return Err(error),
            Err(AttemptError::Retryable(error)) => tracing::debug!(%error, "retrying Redis on a fresh connection"),
        }
        self.attempt(command, commands, end).await.map_err(|error| match error {
            AttemptError::Retryable(error) | AttemptError::Permanent(error) => error,
        })
    }

    async fn attempt<T: FromRedisValue>(
        &self,
        command: &'static str,
        commands: Commands<'_>,
        deadline: Instant,
    ) -> Result<T, AttemptError> {
        let timed_out = || AttemptError::Retryable(StoreError::TimedOut { command, after: self.timeout });
        let mut connection = match timeout_at(deadline, self.connection()).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) if !error.is_timeout() => return Err(classify(command, error)),
            Ok(Err(_)) | Err(_) => return Err(timed_out()),
        };
        let outcome = match timeout_at(deadline, commands.query(&mut connection.inner)).await {
            Ok(outcome) => outcome.map_err(|error| classify(command, Arc::new(error))),
            Err(_) => Err(timed_out()),
        };
        if let Err(AttemptError::Retryable(_)) = outcome {
            self.current.discard(connection.number);
        }
        outcome
    }

    /// Returns the present connection, or a fresh one.
    async fn connection(&self) -> Result<Connection, Arc<RedisError>> {
        if let Some(connection) = self.current.get() {
            return Ok(connection);
        }
        let connect = || connect(self.client.clone(), Arc::clone(&self.current), self.timeout, true).boxed();
        match self.connecting.join(connect) {
            Role::Leader(flight) | Role::Follower(flight) => flight.await,
        }
    }
}

/// Probes whether an unresponsive Redis is back, on a fresh connection.
async fn probe(
    client: Client,
    current: Arc<CurrentConnection>,
    command_timeout: Duration,
    is_unresponsive: Arc<AtomicBool>,
) -> bool {
    let is_back = connect(client, current, command_timeout, true).await.is_ok();
    if is_back {
        is_unresponsive.store(false, Ordering::Relaxed);
        tracing::info!("Redis answers again");
    }
    is_back
}

/// Connects within half of a command's time limit, so that a caller that arrives while this hangs has the other half. With `ask`,
/// also waits for the response to a PING.
async fn connect(
    client: Client,
    current: Arc<CurrentConnection>,
    command_timeout: Duration,
    ask: bool,
) -> Result<Connection, Arc<RedisError>> {
    let limit = CONNECT_LIMIT.min(command_timeout / 2);
    // Each command has its own response timeout.
    let limits = AsyncConnectionConfig::new().set_connection_timeout(Some(limit)).set_response_timeout(None);
    let connecting = async {
        let mut connection = client.get_multiplexed_async_connection_with_config(&limits).await?;
        if ask {
            ping(&mut connection).await?;
        }
        Ok(connection)
    };
    let connected = timeout(limit, connecting).await;
    let connected = connected.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()));
    let inner = connected.map_err(Arc::new)?;
    let number = current.connections_made.fetch_add(1, Ordering::Relaxed) + 1;
    tracing::debug!(number, "connected to Redis");
    let connection = Connection { number, inner };
    *current.lock() = Some(connection.clone());
    Ok(connection)
}

/// Accepts any response, even an error.
async fn ping(connection: &mut MultiplexedConnection) -> RedisResult<()> {
    match cmd("PING").query_async::<()>(connection).await {
        Err(error) if error.is_io_error() || error.is_timeout() => Err(error),
        _ => Ok(()),
    }
}

impl CurrentConnection {
    fn get(&self) -> Option<Connection> {
        self.lock().clone()
    }

    fn discard(&self, number: u64) {
        self.lock().take_if(|connection| connection.number == number);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn client(url: &SecretString, timeout: Duration) -> Result<Client, StoreError> {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE).with_retries(KEEPALIVE_PROBES);
    let tcp = TcpSettings::default().set_nodelay(true).set_user_timeout(timeout).set_keepalive(keepalive);
    let failed = |source: RedisError| StoreError::Failed { command: "URL parsing", source: source.into() };
    let info = url.expose_secret().into_connection_info().map_err(failed)?.set_tcp_settings(tcp);
    // Otherwise the crate sends its name and waits for the response, which delays each cold start.
    let settings = info.redis_settings().clone().set_skip_set_lib_name();
    let info = info.set_redis_settings(settings);
    let client = match info.addr() {
        ConnectionAddr::TcpTls { .. } => {
            let root_cert = tls::authorities().map_err(|source| StoreError::Authorities { source })?;
            Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert })
        }
        _ => Client::open(info),
    };
    client.map_err(failed)
}

/// Decides whether a fresh connection may help: the old one is broken, or its server has become a replica in a failover.
fn classify(command: &'static str, error: Arc<RedisError>) -> AttemptError {
    match error.code() {
        Some("MOVED" | "ASK" | "CROSSSLOT" | "CLUSTERDOWN") => {
            return AttemptError::Permanent(StoreError::ClusterNode { command, source: error.into() });
        }
        Some("LOADING") => return AttemptError::Permanent(StoreError::Loading { command }),
        _ => {}
    }
    let broken =
        error.is_io_error() || error.is_timeout() || error.is_connection_dropped() || error.is_unrecoverable_error();
    // Redis 6 wraps the error of a command in a script: "ERR Error running script …: -READONLY …".
    let is_replica = error.code() == Some("READONLY") || error.to_string().contains("READONLY");
    let is_suspect = broken || is_replica;
    let error = StoreError::Failed { command, source: error.into() };
    if is_suspect { AttemptError::Retryable(error) } else { AttemptError::Permanent(error) }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[async_trait]
impl Store for RedisStore {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let value: Result<Option<Vec<u8>>, _> = self.run("GET", Commands::One(cmd("GET").arg(key))).await;
        match value {
            Err(error) if is_wrong_type(&error) => {
                tracing::warn!(key, "a cached value counts as absent: it is not a string");
                Ok(None)
            }
            value => Ok(value?.map(Bytes::from)),
        }
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
        self.run("SET", Commands::One(cmd("SET").arg(key).arg(&*value).arg("PX").arg(milliseconds(ttl)))).await
    }

    async fn put_fenced(
        &self,
        key: &str,
        value: Bytes,
        fencing_token: FencingToken,
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        let mut command = cmd("EVAL");
        command.arg(PUT_FENCED).arg(1).arg(key).arg(&*value).arg(fencing_token.micros()).arg(milliseconds(ttl));
        self.run("EVAL (SET if newer)", Commands::One(&command)).await
    }

    async fn replace(&self, key: &str, old: Option<&Bytes>, value: Bytes, ttl: Duration) -> Result<bool, StoreError> {
        let mut command = cmd("EVAL");
        command.arg(REPLACE).arg(1).arg(key).arg(&*value).arg(milliseconds(ttl)).arg(old.map_or(&b""[..], |old| old));
        self.run("EVAL (SET if unchanged)", Commands::One(&command)).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.run("DEL", Commands::One(cmd("DEL").arg(key))).await
    }

    async fn time_left(&self, key: &str) -> Result<Option<Duration>, StoreError> {
        let left: i64 = self.run("PTTL", Commands::One(cmd("PTTL").arg(key))).await?;
        Ok(match left {
            NEVER_EXPIRES => Some(FOREVER),
            left => u64::try_from(left).ok().map(Duration::from_millis),
        })
    }

    async fn lock(&self, key: &str, token: &str, ttl: Duration) -> Result<Option<FencingToken>, StoreError> {
        // SET returns OK if it took the lock. GET recognizes our own lock if SET is repeated because its first response was lost.
        // GET alone is not enough: a lagging replica may not have the lock yet.
        let mut commands = pipe();
        commands.cmd("SET").arg(key).arg(token).arg("NX").arg("PX").arg(milliseconds(ttl));
        commands.get(key).cmd("TIME");
        let (set, holder, (seconds, micros)): (Option<String>, Option<String>, (u64, u64)) =
            self.run("SET NX", Commands::Several(&commands)).await?;
        let is_ours = set.is_some() || holder.as_deref() == Some(token);
        Ok(is_ours.then(|| FencingToken::from_micros(seconds * 1_000_000 + micros)))
    }

    async fn renew(&self, key: &str, token: &str, ttl: Duration) -> Result<Option<FencingToken>, StoreError> {
        let mut command = cmd("EVAL");
        command.arg(RENEW).arg(1).arg(key).arg(token).arg(milliseconds(ttl));
        let time: Option<(u64, u64)> = self.run("EVAL (SET PX if ours)", Commands::One(&command)).await?;
        Ok(time.map(|(seconds, micros)| FencingToken::from_micros(seconds * 1_000_000 + micros)))
    }

    async fn unlock(&self, key: &str, token: &str) -> Result<(), StoreError> {
        self.run("EVAL (DEL if ours)", Commands::One(cmd("EVAL").arg(UNLOCK).arg(1).arg(key).arg(token))).await
    }
}

/// Returns whether the key holds something other than a string.
fn is_wrong_type(error: &StoreError) -> bool {
    let StoreError::Failed { source, .. } = error else { return false };
    source.downcast_ref::<Arc<RedisError>>().and_then(|error| error.code()) == Some("WRONGTYPE")
}

impl fmt::Debug for RedisStore {
    /// Omits the client, which contains the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
