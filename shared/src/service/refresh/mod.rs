//! Refreshing: one sweep at a time across all processes, whose result goes to everybody who asked meanwhile.
//!
//! Within a process, callers share a single flight; between processes, the cache lends a lock. A sweep runs in a task of its
//! own, so that it goes on when a caller hangs up. Its leader awaits its end, because a Lambda function stops after its reply.

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

/// How often another process's lock is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long a stop waits for the sweep under way to give its lock back.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Sweeps, and sees to it that only one does.
#[derive(Debug)]
pub struct Refresher {
    sweeper: Arc<Sweeper>,
    attempts: SingleFlight<Attempt>,
    stop: watch::Sender<bool>,
}

/// What became of a refresh on a schedule that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Scheduled {
    /// There is new data.
    Refreshed {
        /// When the sweep ended.
        timestamp: Timestamp,
        /// Whether it had time for all rooms: see [`Refreshed::is_complete`].
        #[serde(skip)]
        is_complete: bool,
    },
    /// There was new data already.
    Skipped,
}

impl Refresher {
    /// A refresher around a sweeper.
    #[must_use]
    pub fn new(sweeper: Sweeper) -> Self {
        let (stop, _) = watch::channel(false);
        Self { sweeper: Arc::new(sweeper), attempts: SingleFlight::default(), stop }
    }

    /// Refreshes, unless a sweep succeeded within the cooldown or failed within the last minute. Whoever asks while a sweep
    /// runs gets its result.
    ///
    /// # Errors
    /// [`RefreshError`], of which each variant says when.
    pub async fn refresh(&self) -> Result<Refreshed, RefreshError> {
        let seen = self.ensure_may_sweep(Trigger::Ordinary).await?;
        self.sweep_or_wait(seen, Pace::Client).await
    }

    /// Refreshes on a schedule, and takes the time that it needs: skipped within the cooldown, so that a delivery repeated sweeps nothing twice. What became
    /// of it is logged here.
    ///
    /// # Errors
    /// As [`refresh`](Self::refresh), but for the cooldown. It is for whoever keeps the schedule to try again.
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
                if !error.is_of_the_sweep() {
                    tracing::error!(cause = error_chain(&error), "scheduled refresh failed");
                }
                Err(error)
            }
        }
    }

    /// Whether the snapshots are those of a sweep that has ended and had time for all rooms, and not its first answers.
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

    /// Whether this service asks the real 25Live, and finds simulated bookings in the cache: they are from a start without `API_URL`.
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

    /// Drops what is cached, except the reserve, and refreshes whatever the cooldown. After a sweep that failed within the
    /// last minute it does neither.
    ///
    /// # Errors
    /// As [`refresh`](Self::refresh).
    pub async fn invalidate_and_refresh(&self) -> Result<Refreshed, RefreshError> {
        self.ensure_may_sweep(Trigger::Operator).await?;
        self.sweeper.cache.invalidate().await?;
        let refreshed = self.sweep_or_wait(None, Pace::Client).await?;
        if self.sweeper.cache.availability().await?.into_snapshot().is_some() {
            return Ok(refreshed);
        }
        // The keys were deleted between the writes of somebody else's sweep.
        self.sweeper.cache.invalidate().await?;
        self.sweep_or_wait(None, Pace::Client).await
    }

    /// Asks the cache whether this refresh may sweep. Returns the last refresh, if that was asked for.
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

    /// Sweeps, or waits for the caller that does. `seen` is the last refresh that the caller knows of: when there is another by
    /// the time its turn has come, that one will do. `pace` bounds the wait for other callers, and how long a sweep of its own
    /// may take.
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

    /// This process's attempt to sweep: the one under way, or a new one.
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
            // An operator may have deleted the last refresh meanwhile: that is no news of the sweep.
            let published = cache.last_refresh().await?.is_some_and(|at| Some(at) != seen);
            if published || !cache.is_leased().await? {
                return self.sweeper.refreshed_since(seen).await;
            }
        }
    }

    /// Waits for the end of this process's own sweep, if there is one.
    pub(crate) async fn settle(&self) {
        if let Some(flight) = self.attempts.under_way() {
            flight.await;
        }
    }

    /// Ends the sweep under way, and waits until it has given its lock back.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        if let Some(flight) = self.attempts.under_way() {
            let _: Result<Attempt, _> = timeout(STOP_LIMIT, flight).await;
        }
    }
}
