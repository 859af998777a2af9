//! The client of CollegeNET 25Live's availability service: one request per room, which returns about a month of bookings.

mod body;
mod wire;

use std::{
    error::Error,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, NaiveDate, Utc};
use reqwest::{
    Client, ClientBuilder, Response, StatusCode,
    header::{ACCEPT_ENCODING, HeaderMap, HeaderValue, RETRY_AFTER},
    redirect,
};
use tokio::{
    sync::{OnceCell, Semaphore},
    time::Instant,
};
use url::{Host, Url};

use self::body::{BODY_LIMIT, LONG_BODIES_AT_ONCE};
pub use self::wire::{Availability, AvailabilityError, LONGEST_PREFIX, Malformed, mended};
use crate::{error_chain, outside::tls};

/// The maximum number of retries after a transient failure.
const RETRIES: usize = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// A longer pause would outlast the sweep, so a `Retry-After` above this means no retry.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long an idle connection is kept: a function that was frozen should not rely on an old one.
const IDLE_LIMIT: Duration = Duration::from_secs(20);
const USER_AGENT: &str = concat!("EmptyClassroom/", env!("CARGO_PKG_VERSION"));

/// A client of 25Live.
#[derive(Debug)]
pub struct TwentyFiveLive {
    /// Created on first use, because that loads all certificate authorities, and a reader rarely needs it.
    http: OnceCell<Client>,
    /// Like `http`, but with a new connection for each request.
    fresh: OnceCell<Client>,
    /// Whether 25Live has ever answered, so that a connection may have been reused.
    has_answered: AtomicBool,
    url: Url,
    timeout: Duration,
    concurrency: usize,
    /// A permit for each request in progress, granted in order. A room's retry waits behind the first request of every other room,
    /// so that a few rooms that hang do not delay the rest.
    permits: Semaphore,
    long_bodies: Semaphore,
}

/// Why a room's bookings are not available.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No connection, or a broken one.
    #[error("25Live could not be reached, or broke the connection")]
    Connection(#[source] Box<dyn Error + Send + Sync>),
    /// No complete response in time.
    #[error("25Live did not answer in time")]
    TimedOut,
    /// A status other than 200.
    #[error("25Live answered {status}")]
    Status {
        /// The HTTP status. It may be a redirect: these lead to sign-in pages and are not followed.
        status: StatusCode,
        /// The pause that 25Live asked for.
        retry_after: Option<Duration>,
    },
    /// A body longer than any room's bookings.
    #[error("25Live's answer is longer than {BODY_LIMIT} bytes")]
    TooLong,
    /// An unreadable body.
    #[error("25Live's answer could not be read")]
    Answer(#[from] AvailabilityError),
}

impl UpstreamError {
    /// Returns whether a retry may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connection(_) | Self::TimedOut => true,
            Self::Status { status, .. } => *status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error(),
            Self::TooLong | Self::Answer(_) => false,
        }
    }

    const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl From<reqwest::Error> for UpstreamError {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() { Self::TimedOut } else { Self::Connection(error.without_url().into()) }
    }
}

impl TwentyFiveLive {
    /// Returns a client of the service at `url`, with at most `concurrency` simultaneous requests, each with this timeout.
    #[must_use]
    pub fn new(url: Url, timeout: Duration, concurrency: usize) -> Self {
        let (permits, long_bodies) = (Semaphore::new(concurrency), Semaphore::new(LONG_BODIES_AT_ONCE));
        let (http, fresh, has_answered) = (OnceCell::new(), OnceCell::new(), AtomicBool::new(false));
        Self { http, fresh, has_answered, url, timeout, concurrency, permits, long_bodies }
    }

    /// Returns the maximum number of simultaneous requests.
    #[must_use]
    pub const fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// Requests the bookings of the room `space_id`, from `first_day` to the same day of the next month.
    ///
    /// Retries up to twice, with jittered exponential backoff or the `Retry-After` of 25Live. Backoff does not hold a permit.
    /// Calls `retrying` with each failure that it retries.
    ///
    /// # Errors
    /// There is no usable answer.
    #[tracing::instrument(level = "debug", skip(self, retrying))]
    pub async fn availability(
        &self,
        space_id: &str,
        first_day: NaiveDate,
        mut retrying: impl FnMut(&UpstreamError),
    ) -> Result<Availability, UpstreamError> {
        let pauses = ExponentialBuilder::default().with_min_delay(FIRST_PAUSE).with_max_times(RETRIES).with_jitter();
        (|| self.ask(space_id, first_day))
            .retry(pauses)
            .when(UpstreamError::is_transient)
            .adjust(|error, pause| {
                let pause = pause?.max(error.retry_after().unwrap_or_default());
                (pause <= LONGEST_PAUSE).then_some(pause)
            })
            .notify(|error, pause| {
                tracing::debug!(%error, pause_ms = pause.as_millis(), "retrying 25Live");
                retrying(error);
            })
            .await
    }

    #[expect(clippy::expect_used, reason = "the semaphore is never closed")]
    async fn ask(&self, space_id: &str, first_day: NaiveDate) -> Result<Availability, UpstreamError> {
        let _permit = self.permits.acquire().await.expect("the semaphore is open");
        let deadline = Instant::now() + self.timeout;
        let start = first_day.format("%Y-%m-%dT00:00:00").to_string();
        let query = [
            ("obj_cache_accl", "0"),
            ("start_dt", start.as_str()),
            ("comptype", "availability_daily"),
            ("compsubject", "location"),
            ("page_size", "100"),
            ("space_id", space_id),
            ("include", "closed blackouts pending related empty"),
            ("caller", "pro-AvailService.getData"),
        ];
        let response = self.send(&query, deadline).await?;
        self.has_answered.store(true, Ordering::Relaxed);
        let status = response.status();
        if status != StatusCode::OK {
            return Err(UpstreamError::Status { status, retry_after: retry_after(&response) });
        }
        let body = body::read(response, &self.long_bodies, deadline).await?;
        Ok(Availability::parse(space_id, &body)?)
    }

    /// Sends a request. Some servers abort reused connections; such a request is repeated at once on a fresh connection, and does
    /// not count as an attempt.
    async fn send(&self, query: &[(&str, &str)], deadline: Instant) -> Result<Response, UpstreamError> {
        let http = self.http.get_or_try_init(async || client(&self.url, self.timeout).build()).await?;
        match http.get(self.url.clone()).query(query).send().await {
            Err(error) if self.may_be_aborted(&error) => {
                tracing::debug!(cause = error_chain(&error.without_url()), "retrying 25Live on a fresh connection");
                let build = async || client(&self.url, self.timeout).pool_max_idle_per_host(0).build();
                let fresh = self.fresh.get_or_try_init(build).await?;
                let left = deadline.saturating_duration_since(Instant::now());
                Ok(fresh.get(self.url.clone()).query(query).timeout(left).send().await?)
            }
            result => Ok(result?),
        }
    }

    /// Returns whether a request may have failed because its connection was reused.
    fn may_be_aborted(&self, error: &reqwest::Error) -> bool {
        !error.is_timeout() && !error.is_connect() && self.has_answered.load(Ordering::Relaxed)
    }
}

/// Returns a builder of HTTP clients for 25Live: with a user agent and a timeout, and without redirects, which lead to sign-in
/// pages.
pub fn client(url: &Url, timeout: Duration) -> ClientBuilder {
    let client = tls::http_client()
        .user_agent(USER_AGENT)
        .default_headers(HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("gzip"))]))
        .redirect(redirect::Policy::none())
        .timeout(timeout)
        .connect_timeout(timeout)
        .pool_idle_timeout(IDLE_LIMIT);
    // A simulated 25Live on loopback is not behind the campus's proxy.
    if url.host().is_some_and(|host| is_loopback(&host)) { client.no_proxy() } else { client }
}

/// Parses `Retry-After`, which has seconds or a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let asked = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = asked.parse().map(Duration::from_secs);
    seconds.ok().or_else(|| (DateTime::parse_from_rfc2822(asked).ok()?.to_utc() - Utc::now()).to_std().ok())
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}
