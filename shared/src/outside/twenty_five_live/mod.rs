//! The client of CollegeNET 25Live's availability service: one request a room, answered with about a month of bookings.

mod wire;

use std::{error::Error, time::Duration};

use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, NaiveDate, Utc};
use reqwest::{Client, Response, StatusCode, header::RETRY_AFTER, redirect};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use url::{Host, Url};

pub use self::wire::{Availability, AvailabilityError, Skipped};

/// A month of a busy room is about 150 kB; nothing that is sixteen times as long is one.
const BODY_LIMIT: usize = 2 * 1024 * 1024;
/// Up to here a body is read whatever the others do. Longer ones are read a few at a time, so that memory is bounded
/// however many requests are under way: 64 of them at 256 KiB, and 4 of 2 MiB, are 24 MiB.
const USUAL_BODY: usize = 256 * 1024;
const LONG_BODIES_AT_ONCE: usize = 4;
/// Requests after the first, when it failed in a way that may pass.
const RETRIES: usize = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// A longer pause would outlast the sweep, and whoever asks for it does not want to be asked again.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long a connection is kept for the next request: a function that slept does not rely on an old one.
const IDLE_LIMIT: Duration = Duration::from_secs(20);
const USER_AGENT: &str = concat!("EmptyClassroom/", env!("CARGO_PKG_VERSION"));

/// Asks 25Live.
#[derive(Debug)]
pub struct TwentyFiveLive {
    http: Client,
    url: Url,
    timeout: Duration,
    /// A permit for each request under way, granted in the order of asking. A room's second request waits behind the first of
    /// every other room, so that a few rooms that hang do not hold up the rest.
    permits: Semaphore,
    long_bodies: Semaphore,
}

/// Why a room's bookings could not be had.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No connection, or one that broke.
    #[error("25Live could not be reached, or broke the connection")]
    Connection(#[source] Box<dyn Error + Send + Sync>),
    /// No complete answer in time.
    #[error("25Live did not answer in time")]
    TimedOut,
    /// An answer that is no answer.
    #[error("25Live answered {status}")]
    Status {
        /// The HTTP status: a redirect too, since redirects lead to sign-in pages and are not followed.
        status: StatusCode,
        /// How long 25Live asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// More than any room's bookings.
    #[error("25Live's answer is longer than {BODY_LIMIT} bytes")]
    TooLong,
    /// An answer that could not be read.
    #[error("25Live's answer could not be read")]
    Answer(#[from] AvailabilityError),
}

impl UpstreamError {
    /// Whether the same request may succeed a little later.
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
    /// A client of the service at `url`, which has `concurrency` requests under way at the most, each for `timeout`.
    ///
    /// # Errors
    /// TLS cannot be set up: the machine has no usable certificates of authorities.
    pub fn new(url: Url, timeout: Duration, concurrency: usize) -> Result<Self, UpstreamError> {
        let mut http = Client::builder();
        if url.host().is_some_and(|host| is_loopback(&host)) {
            // The way to a simulated 25Live does not lead through the campus's proxy.
            http = http.no_proxy();
        }
        let http = http
            .user_agent(USER_AGENT)
            .redirect(redirect::Policy::none())
            .timeout(timeout)
            .connect_timeout(timeout)
            .pool_idle_timeout(IDLE_LIMIT)
            .build()
            .map_err(|error| UpstreamError::Connection(error.into()))?;
        let (permits, long_bodies) = (Semaphore::new(concurrency), Semaphore::new(LONG_BODIES_AT_ONCE));
        Ok(Self { http, url, timeout, permits, long_bodies })
    }

    /// The bookings of the room `space_id`, from `first_day` to the same day of the next month.
    ///
    /// Asks again, up to twice, with growing and jittered pauses or those that 25Live asks for. A pause does not hold a permit.
    ///
    /// # Errors
    /// No usable answer.
    #[tracing::instrument(level = "debug", skip(self))]
    pub async fn availability(&self, space_id: &str, first_day: NaiveDate) -> Result<Availability, UpstreamError> {
        let pauses = ExponentialBuilder::default().with_min_delay(FIRST_PAUSE).with_max_times(RETRIES).with_jitter();
        (|| self.ask(space_id, first_day))
            .retry(pauses)
            .when(UpstreamError::is_transient)
            .adjust(|error, pause| {
                let pause = pause?.max(error.retry_after().unwrap_or_default());
                (pause <= LONGEST_PAUSE).then_some(pause)
            })
            .notify(|error, pause| tracing::debug!(%error, pause_ms = pause.as_millis(), "asking 25Live again"))
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
        let response = self.http.get(self.url.clone()).query(&query).send().await?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(UpstreamError::Status { status, retry_after: retry_after(&response) });
        }
        let body = self.read_body(response, deadline).await?;
        Ok(Availability::parse(space_id, &body)?)
    }

    /// Reads the body, decompressed, up to the limit.
    #[expect(clippy::expect_used, reason = "the semaphore is never closed")]
    async fn read_body(&self, mut response: Response, deadline: Instant) -> Result<Vec<u8>, UpstreamError> {
        let (mut body, mut permit) = (Vec::new(), None);
        while let Some(chunk) = response.chunk().await? {
            let length = body.len() + chunk.len();
            if length > BODY_LIMIT {
                return Err(UpstreamError::TooLong);
            }
            if length > USUAL_BODY && permit.is_none() {
                let acquired = timeout_at(deadline, self.long_bodies.acquire()).await;
                permit = Some(acquired.map_err(|_| UpstreamError::TimedOut)?.expect("the semaphore is open"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// The pause asked for, in seconds or until a date.
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
