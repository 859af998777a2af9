//! Refreshes the cache: one sweep at a time across all processes, whose result goes to every caller that asked meanwhile.
//!
//! Within a process, callers share a single flight; between processes, the cache has a lock. A sweep runs in its own task, so
//! that it continues when a caller hangs up. Its leader awaits its end, because a Lambda function stops after its response.

mod decision;
mod error;
mod order;
mod pace;
mod publishing;
mod sweep;
mod sweeper;

use std::{
    ops::ControlFlow::{Break, Continue},
    sync::Arc,
    time::Duration,
};

use domain::timestamp::Timestamp;
use futures_util::FutureExt;
use serde::Serialize;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout, timeout_at},
};

use self::decision::{Facts, Step, Trigger, next_step};
pub(crate) use self::{decision::Hold, sweeper::Attempt};
pub use self::{
    error::RefreshError,
    pace::Pace,
    sweeper::{Refreshed, Sweeper},
};
use crate::{
    error_chain,
    outside::{
        cache::{CachedSnapshot, StoreError},
        single_flight::{Role, SingleFlight},
    },
    service::cooldown::CooldownState,
};

/// How often another process's lock is checked.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long a shutdown waits for the running sweep to release its lock.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Runs sweeps, one at a time.
#[derive(Debug)]
pub struct Refresher {
    sweeper: Arc<Sweeper>,
    attempts: SingleFlight<Attempt>,
    stop: watch::Sender<bool>,
}

/// The result of a scheduled refresh that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Scheduled {
    /// The data are new.
    Refreshed {
        /// When the sweep ended.
        timestamp: Timestamp,
        /// Whether it had time for all rooms: see [`Refreshed::is_complete`].
        #[serde(skip)]
        is_complete: bool,
    },
    /// A sweep had just succeeded.
    Skipped,
}

impl Refresher {
    /// Creates a refresher around a sweeper.
    #[must_use]
    pub fn new(sweeper: Sweeper) -> Self {
        let (stop, _) = watch::channel(false);
        Self { sweeper: Arc::new(sweeper), attempts: SingleFlight::default(), stop }
    }

    /// Refreshes, unless a sweep succeeded within the cooldown or failed within the last minute. A caller that arrives while a
    /// sweep runs gets its result.
    ///
    /// # Errors
    /// See the variants of [`RefreshError`].
    pub async fn refresh(&self) -> Result<Refreshed, RefreshError> {
        let seen = self.ensure_may_sweep(Trigger::Ordinary).await?;
        self.sweep_or_wait(seen, Pace::Client).await
    }

    /// Refreshes on a schedule, and takes the time that it needs. Skipped within the cooldown, so that an event delivered twice
    /// does not sweep twice. Logs the outcome.
    ///
    /// # Errors
    /// The same as for [`refresh`](Self::refresh), except for the cooldown. The schedule is responsible for retries.
    pub async fn refresh_scheduled(&self) -> Result<Scheduled, RefreshError> {
        let refreshed = async {
            let seen = self.ensure_may_sweep(Trigger::Ordinary).await?;
            self.sweep_or_wait(seen, Pace::Background).await
        };
        match refreshed.await {
            Ok(Refreshed { timestamp, is_complete }) => Ok(Scheduled::Refreshed { timestamp, is_complete }),
            Err(RefreshError::CoolingDown(_)) => {
                tracing::info!("scheduled refresh skipped: a sweep has just succeeded");
                Ok(Scheduled::Skipped)
            }
            Err(error) => {
                if !error.is_sweep_result() {
                    tracing::error!(cause = error_chain(&error), "scheduled refresh failed");
                }
                Err(error)
            }
        }
    }

    /// Whether the snapshots come from a sweep that has ended and had time for all rooms, and are not its first results.
    ///
    /// # Errors
    /// The cache failed.
    pub async fn is_complete(&self) -> Result<bool, StoreError> {
        let cache = &self.sweeper.cache;
        let Some(last_refresh) = cache.last_refresh().await? else { return Ok(false) };
        let snapshot = self.snapshot_of_today().await?;
        let is_of_its_end = snapshot.is_some_and(|snapshot| snapshot.last_updated == last_refresh);
        Ok(is_of_its_end && !cache.is_incomplete(last_refresh).await?)
    }

    /// Whether this service uses the real 25Live, but the cache has simulated bookings from a start without `API_URL`.
    ///
    /// # Errors
    /// The cache failed.
    pub async fn finds_simulated_bookings(&self) -> Result<bool, StoreError> {
        let snapshot = self.snapshot_of_today().await?;
        let is_simulated = snapshot.is_some_and(|snapshot| snapshot.parsed().is_ok_and(|parsed| parsed.simulated));
        Ok(is_simulated && !self.sweeper.simulated)
    }

    async fn snapshot_of_today(&self) -> Result<Option<CachedSnapshot>, StoreError> {
        let Sweeper { cache, clock, .. } = &*self.sweeper;
        match cache.availability().await?.into_snapshot() {
            Some(snapshot) => Ok(Some(snapshot)),
            None => cache.reserve(clock.today()).await,
        }
    }

    /// Drops the cache, except the reserve, and refreshes regardless of the cooldown. Does neither if a sweep failed within the
    /// last minute.
    ///
    /// # Errors
    /// The same as for [`refresh`](Self::refresh).
    pub async fn invalidate_and_refresh(&self) -> Result<Refreshed, RefreshError> {
        self.ensure_may_sweep(Trigger::Operator).await?;
        self.sweeper.cache.invalidate().await?;
        let refreshed = self.sweep_or_wait(None, Pace::Client).await?;
        if self.sweeper.cache.availability().await?.into_snapshot().is_some() {
            return Ok(refreshed);
        }
        // The keys were deleted between the writes of another caller's sweep.
        self.sweeper.cache.invalidate().await?;
        self.sweep_or_wait(None, Pace::Client).await
    }

    /// Asks the cache whether this refresh may sweep. Returns the last refresh, if it asked for that.
    async fn ensure_may_sweep(&self, trigger: Trigger) -> Result<Option<Timestamp>, RefreshError> {
        let Sweeper { cache, clock, cooldown, .. } = &*self.sweeper;
        let (mut facts, mut last_refresh) = (Facts::about(trigger), None);
        loop {
            match next_step(&facts) {
                Continue(Step::AskForLastRefresh) => {
                    let state = CooldownState::look(cache, *cooldown, clock).await?;
                    last_refresh = state.last_refresh;
                    facts.cooldown = state.left.into();
                }
                Continue(Step::AskForBackoff) => facts.backoff = cache.backoff().await?.into(),
                Break(outcome) => return outcome.map(|()| last_refresh),
            }
        }
    }

    /// Sweeps, or waits for the caller that is sweeping. `seen` is the last refresh that this caller knows of: if there is another
    /// one by the time it gets the lock, it returns that. `pace` limits the wait for other callers, and the time of its own sweep.
    pub(crate) async fn sweep_or_wait(
        &self,
        mut seen: Option<Timestamp>,
        pace: Pace,
    ) -> Result<Refreshed, RefreshError> {
        let start = Instant::now();
        let limit = self.sweeper.sweep_timeout;
        let until = start + pace.patience(limit);
        while start.elapsed() <= pace.latest_start(limit) {
            let refreshed = match self.join(seen, pace) {
                Role::Leader(flight) => match flight.await {
                    Attempt::Finished(result) => return result,
                    Attempt::Busy => self.wait_for_others(seen, until).await?,
                },
                Role::Follower(flight) => {
                    match timeout_at(until, flight).await.map_err(|_| RefreshError::InProgress)? {
                        Attempt::Finished(result) => Some(result?),
                        Attempt::Busy => self.wait_for_others(seen, until).await?,
                    }
                }
            };
            match refreshed {
                Some(refreshed) if pace.is_served_by(refreshed) => return Ok(refreshed),
                // It ran out of time, and this caller has more.
                Some(refreshed) => seen = Some(refreshed.timestamp),
                None => {}
            }
        }
        Err(RefreshError::NoTimeLeft)
    }

    /// Joins this process's attempt to sweep: the running one, or a new one.
    pub(crate) fn join(&self, seen: Option<Timestamp>, pace: Pace) -> Role<Attempt> {
        let (sweeper, stop) = (Arc::clone(&self.sweeper), self.stop.subscribe());
        self.attempts.join(|| {
            let task = tokio::spawn(sweeper.attempt(seen, pace, stop));
            async { task.await.unwrap_or(Attempt::Finished(Err(RefreshError::Panicked))) }.boxed()
        })
    }

    /// Waits until another process's sweep is published, or the lock is free. Returns the refresh, if there was one.
    async fn wait_for_others(
        &self,
        seen: Option<Timestamp>,
        until: Instant,
    ) -> Result<Option<Refreshed>, RefreshError> {
        let cache = &self.sweeper.cache;
        loop {
            if Instant::now() >= until {
                return Err(RefreshError::InProgress);
            }
            sleep(LOOK_EVERY).await;
            // An operator may have deleted the last refresh meanwhile, which says nothing about the sweep.
            let published = cache.last_refresh().await?.is_some_and(|at| Some(at) != seen);
            if published || !cache.is_leased().await? {
                return self.sweeper.refreshed_since(seen).await;
            }
        }
    }

    /// Waits until this process's own sweep ends, if one is running.
    pub(crate) async fn settle(&self) {
        if let Some(flight) = self.attempts.under_way() {
            flight.await;
        }
    }

    /// Stops the running sweep, and waits until it has released its lock.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        if let Some(flight) = self.attempts.under_way() {
            let _: Result<Attempt, _> = timeout(STOP_LIMIT, flight).await;
        }
    }
}
