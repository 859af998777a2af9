//! The use case "refresh": one sweep at a time across all processes, whose result everybody gets who asked meanwhile.
//!
//! Within a process, callers share a flight ([`single_flight`](crate::single_flight)); between processes, the cache lends a
//! lock. A sweep runs in a task of its own, which a caller that goes away does not stop, and whoever began it waits for its
//! end: on Lambda nothing runs on after the reply.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use chrono::NaiveDate;
use futures_util::{FutureExt, future::try_join_all};
use serde::Serialize;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout, timeout_at},
};

use crate::{
    cache::{Cache, Lease, PublishError, StoreError},
    cached_snapshot::CachedSnapshot,
    campus::Campus,
    clock::Clock,
    cooldown::{Cooldown, Remaining},
    error_chain,
    events::{EventBus, RefreshEvent, SweepReport},
    last_good::LastGood,
    single_flight::{Seat, SingleFlight},
    snapshot::{Answers, Snapshot, Timestamp, days_answered},
    sweep::{self, Sweep},
    twenty_five_live::TwentyFiveLive,
};

/// How long a refresh waits for somebody else's sweep: as long as one may take, with its publishing.
pub const PATIENCE: Duration = Duration::from_secs(sweep::TIME_LIMIT.as_secs() + 3);
/// How often somebody else's lock is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a stop waits for the sweep under way to give its lock back.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Sweeps, and sees to it that only one does.
#[derive(Debug)]
pub struct Refresher {
    sweeper: Arc<Sweeper>,
    attempts: SingleFlight<Attempt>,
    waits: SingleFlight<Result<(), RefreshError>>,
    stop: watch::Sender<bool>,
}

/// What a sweep needs.
#[derive(Debug)]
pub struct Sweeper {
    /// Where snapshots are published.
    pub cache: Cache,
    /// Who is asked.
    pub upstream: TwentyFiveLive,
    /// The rooms to ask for.
    pub campus: Campus,
    /// The shortest slot shown, in minutes.
    pub min_gap: u16,
    /// Requests at once.
    pub concurrency: usize,
    /// How long after a sweep nobody may ask for another.
    pub cooldown: Cooldown,
    /// What time it is.
    pub clock: Clock,
    /// Where this process keeps its own copies.
    pub last_good: Arc<LastGood>,
    /// Who is told.
    pub events: Option<Arc<dyn EventBus>>,
}

/// A refresh that succeeded, whoever's sweep it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refreshed {
    /// When the sweep ended.
    pub timestamp: Timestamp,
}

/// What became of a refresh on a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Scheduled {
    /// There is new data.
    Refreshed {
        /// When the sweep ended.
        timestamp: Timestamp,
    },
    /// There was new data already.
    Skipped,
    /// There is none.
    Failed,
}

/// Why a refresh did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RefreshError {
    /// A sweep succeeded a short time ago.
    #[error("the last refresh was less than a cooldown ago")]
    CoolingDown(Remaining),
    /// A sweep failed a short time ago.
    #[error("a sweep failed less than a minute ago")]
    BackingOff {
        /// For how long nobody sweeps.
        left: Duration,
    },
    /// More than half of the rooms failed.
    #[error("{failed} of {rooms} rooms failed: the cache was left as it was")]
    SweepFailed {
        /// Rooms without an answer.
        failed: usize,
        /// All rooms.
        rooms: usize,
    },
    /// The sweep that was waited for, of another process, failed.
    #[error("the sweep of another process failed")]
    FailedElsewhere,
    /// The sweep that was waited for did not end.
    #[error("another sweep was still under way after {} s", PATIENCE.as_secs())]
    StillSweeping,
    /// The cache failed before or after the sweep.
    #[error("the cache failed")]
    Cache(#[source] Arc<StoreError>),
    /// The sweep could not be published.
    #[error("the sweep was not published")]
    NotPublished(#[source] Arc<PublishError>),
    /// The process is being stopped.
    #[error("the process is stopping")]
    Stopping,
    /// A bug.
    #[error("the sweep panicked")]
    Panicked,
}

impl From<StoreError> for RefreshError {
    fn from(error: StoreError) -> Self {
        Self::Cache(Arc::new(error))
    }
}

/// What became of an attempt to sweep.
#[derive(Clone, Debug)]
pub(crate) enum Attempt {
    /// It had the lock, or found that somebody had just swept.
    Finished(Result<Refreshed, RefreshError>),
    /// Somebody else sweeps.
    Busy,
}

impl Refresher {
    /// A refresher around a sweeper.
    #[must_use]
    pub fn new(sweeper: Sweeper) -> Self {
        let (stop, _) = watch::channel(false);
        Self { sweeper: Arc::new(sweeper), attempts: SingleFlight::default(), waits: SingleFlight::default(), stop }
    }

    /// Refreshes, unless a sweep succeeded within the cooldown or failed within the last minute. Whoever asks while a sweep
    /// runs gets its result.
    ///
    /// # Errors
    /// [`RefreshError`], of which each variant says when.
    pub async fn refresh(&self) -> Result<Refreshed, RefreshError> {
        let seen = self.sweeper.cache.last_refresh().await?;
        let now = self.sweeper.clock.now();
        if let Some(left) = seen.and_then(|at| self.sweeper.cooldown.remaining(at.instant().to_utc(), now)) {
            return Err(RefreshError::CoolingDown(left));
        }
        self.ensure_no_backoff().await?;
        self.sweep_or_wait(seen, PATIENCE).await
    }

    /// Refreshes on a schedule: skipped within the cooldown, so that a delivery repeated sweeps nothing twice. What became
    /// of it is logged, and is no error to whoever keeps the schedule.
    pub async fn refresh_scheduled(&self) -> Scheduled {
        match self.refresh().await {
            Ok(Refreshed { timestamp }) => Scheduled::Refreshed { timestamp },
            Err(RefreshError::CoolingDown(_)) => {
                tracing::info!("scheduled refresh skipped: a sweep has just succeeded");
                Scheduled::Skipped
            }
            Err(error) => {
                tracing::error!(cause = error_chain(&error), "scheduled refresh failed");
                Scheduled::Failed
            }
        }
    }

    /// Drops what is cached, except the reserve, and refreshes whatever the cooldown. After a sweep that failed within the
    /// last minute it does neither.
    ///
    /// # Errors
    /// As [`refresh`](Self::refresh).
    pub async fn invalidate_and_refresh(&self) -> Result<Refreshed, RefreshError> {
        self.ensure_no_backoff().await?;
        self.sweeper.cache.invalidate().await?;
        self.sweep_or_wait(None, PATIENCE).await
    }

    async fn ensure_no_backoff(&self) -> Result<(), RefreshError> {
        match self.sweeper.cache.backoff().await? {
            None => Ok(()),
            Some(left) => Err(RefreshError::BackingOff { left }),
        }
    }

    /// Sweeps, or waits for whoever does. `seen` is the last refresh that the caller knows of: when there is another by
    /// the time its turn has come, that one will do. `patience` bounds the waiting for others, not a sweep of its own.
    pub(crate) async fn sweep_or_wait(
        &self,
        seen: Option<Timestamp>,
        patience: Duration,
    ) -> Result<Refreshed, RefreshError> {
        let until = Instant::now() + patience;
        loop {
            let attempt = match self.board(seen) {
                Seat::Pilot(flight) => flight.await,
                Seat::Passenger(flight) => timeout_at(until, flight).await.map_err(|_| RefreshError::StillSweeping)?,
            };
            match attempt {
                Attempt::Finished(result) => return result,
                Attempt::Busy => self.wait_for_others(until).await?,
            }
            if let Some(refreshed) = self.sweeper.refreshed_since(seen).await? {
                return Ok(refreshed);
            }
            if Instant::now() >= until {
                return Err(RefreshError::StillSweeping);
            }
        }
    }

    /// This process's attempt to sweep: the one under way, or a new one.
    pub(crate) fn board(&self, seen: Option<Timestamp>) -> Seat<Attempt> {
        let (sweeper, stop) = (Arc::clone(&self.sweeper), self.stop.subscribe());
        self.attempts.board(|| {
            let task = tokio::spawn(sweeper.attempt(seen, stop));
            async { task.await.unwrap_or(Attempt::Finished(Err(RefreshError::Panicked))) }.boxed()
        })
    }

    /// Waits until nobody else holds the lock.
    async fn wait_for_others(&self, until: Instant) -> Result<(), RefreshError> {
        let cache = self.sweeper.cache.clone();
        let wait = async move {
            while cache.is_leased().await? {
                sleep(LOOK_EVERY).await;
            }
            Ok(())
        };
        let (Seat::Pilot(flight) | Seat::Passenger(flight)) = self.waits.board(|| wait.boxed());
        timeout_at(until, flight).await.map_err(|_| RefreshError::StillSweeping)?
    }

    /// Ends the sweep under way, and waits until it has given its lock back.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        if let Some(flight) = self.attempts.under_way() {
            let _: Result<Attempt, _> = timeout(STOP_LIMIT, flight).await;
        }
    }
}

impl Sweeper {
    async fn attempt(self: Arc<Self>, seen: Option<Timestamp>, stop: watch::Receiver<bool>) -> Attempt {
        let lease = match self.cache.lease().await {
            Ok(Some(lease)) => lease,
            Ok(None) => return Attempt::Busy,
            Err(error) => return Attempt::Finished(Err(error.into())),
        };
        let (result, event) = AssertUnwindSafe(self.with_lease(&lease, seen, stop))
            .catch_unwind()
            .await
            .unwrap_or((Err(RefreshError::Panicked), None));
        if let Err(error) = self.cache.release(lease).await {
            tracing::warn!(cause = error_chain(&error), "the lock was not given back: it expires by itself");
        }
        if let Some(event) = event {
            self.tell(&event).await;
        }
        Attempt::Finished(result)
    }

    /// Sweeps and publishes, unless somebody else has just done so or failed at it.
    async fn with_lease(
        &self,
        lease: &Lease,
        seen: Option<Timestamp>,
        mut stop: watch::Receiver<bool>,
    ) -> (Result<Refreshed, RefreshError>, Option<RefreshEvent>) {
        match self.refreshed_since(seen).await {
            Ok(None) => {}
            Ok(Some(refreshed)) => return (Ok(refreshed), None),
            Err(error) => return (Err(error), None),
        }
        let (start, today) = (Instant::now(), self.clock.today());
        let sweep = tokio::select! {
            sweep = Sweep::run(&self.upstream, &self.campus, today, self.concurrency) => sweep,
            _ = stop.wait_for(|stop| *stop) => return (Err(RefreshError::Stopping), None),
        };
        sweep.log_failures();
        let timestamp = self.clock.timestamp();
        let rooms = self.campus.classrooms().count();
        let rooms_ok = days_answered(&sweep.answers, today).get(&today).copied().unwrap_or_default();
        let rooms_failed = rooms - rooms_ok;
        let result = if rooms_failed * 2 > rooms {
            Err(RefreshError::SweepFailed { failed: rooms_failed, rooms })
        } else {
            self.publish(lease, today, timestamp, &sweep.answers).await
        };
        let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let report = SweepReport { date: today, timestamp, rooms_ok, rooms_failed, duration_ms };
        match &result {
            Ok(_) => tracing::info!(rooms_ok, rooms_failed, duration_ms, "sweep published"),
            Err(error) => self.fail(error, &report).await,
        }
        let event = if result.is_ok() { RefreshEvent::Refreshed(report) } else { RefreshEvent::Failed(report) };
        (result, Some(event))
    }

    /// The refresh that succeeded since the caller looked; an error if one failed.
    async fn refreshed_since(&self, seen: Option<Timestamp>) -> Result<Option<Refreshed>, RefreshError> {
        match self.cache.last_refresh().await? {
            Some(timestamp) if Some(timestamp) != seen => return Ok(Some(Refreshed { timestamp })),
            _ => {}
        }
        // There was no such mark when the caller began, so the sweep that it waited for has failed.
        if self.cache.backoff().await?.is_some() { Err(RefreshError::FailedElsewhere) } else { Ok(None) }
    }

    async fn publish(
        &self,
        lease: &Lease,
        today: NaiveDate,
        timestamp: Timestamp,
        answers: &Answers,
    ) -> Result<Refreshed, RefreshError> {
        let rooms = self.campus.classrooms().count();
        let snapshots = try_join_all(days_answered(answers, today).into_iter().map(async |(date, answered)| {
            let last_good = if answered < rooms { self.last_good_slots(date).await? } else { None };
            let snapshot = Snapshot::new(&self.campus, self.min_gap, date, timestamp, answers, last_good.as_ref());
            CachedSnapshot::render(&snapshot).map_err(|error| RefreshError::NotPublished(Arc::new(error.into())))
        }))
        .await?;
        for snapshot in &snapshots {
            self.last_good.remember(snapshot, self.clock.now());
        }
        let published = self.cache.publish(lease, today, &snapshots).await;
        published.map_err(|error| RefreshError::NotPublished(Arc::new(error)))?;
        Ok(Refreshed { timestamp })
    }

    /// The snapshot whose slots the rooms keep that did not answer.
    async fn last_good_slots(&self, date: NaiveDate) -> Result<Option<Snapshot>, RefreshError> {
        let reserve = self.cache.reserve(date).await?;
        Ok(reserve.and_then(|reserve| reserve.snapshot().ok()))
    }

    /// Logs a sweep that failed, and holds others back.
    async fn fail(&self, error: &RefreshError, report: &SweepReport) {
        let SweepReport { rooms_ok, rooms_failed, duration_ms, .. } = *report;
        tracing::error!(rooms_ok, rooms_failed, duration_ms, cause = error_chain(error), "sweep failed");
        if let Err(error) = self.cache.mark_failed(report.timestamp).await {
            tracing::warn!(cause = error_chain(&error), "the failed sweep could not be marked in the cache");
        }
    }

    async fn tell(&self, event: &RefreshEvent) {
        let Some(events) = &self.events else { return };
        if let Err(error) = events.publish(event).await {
            tracing::warn!(cause = error_chain(&error), "an event was not published");
        }
    }
}
