//! One attempt to sweep, with the lock in hand: ask 25Live, publish what it said, tell whoever wants to know.

use std::{panic::AssertUnwindSafe, sync::Arc};

use chrono::NaiveDate;
use domain::{
    bookings::rooms_answered, campus::Campus, cooldown::Cooldown, kept_days::covered_by_sweep, snapshot::Snapshot,
    timestamp::Timestamp,
};
use futures_util::{FutureExt, future::try_join_all};
use tokio::{sync::watch, time::Instant};

use super::{
    decision::{Meanwhile, meanwhile},
    error::RefreshError,
    sweep::Sweep,
};
use crate::{
    error_chain,
    outside::{
        cache::{Cache, Lease, PublishError, StoreError},
        clock::Clock,
        events::{EventBus, RefreshEvent, SweepReport},
        metrics::Metrics,
        twenty_five_live::TwentyFiveLive,
    },
    service::last_good::LastGood,
};

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
    /// How long after a sweep nobody may ask for another.
    pub cooldown: Cooldown,
    /// What time it is.
    pub clock: Clock,
    /// Where this process keeps its own copies.
    pub last_good: Arc<LastGood>,
    /// Who is told.
    pub events: Option<Arc<dyn EventBus>>,
    /// Where it is measured.
    pub metrics: Metrics,
}

/// A refresh that succeeded, whoever's sweep it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refreshed {
    /// When the sweep ended.
    pub timestamp: Timestamp,
}

/// What became of an attempt to sweep.
#[derive(Clone, Debug)]
pub(crate) enum Attempt {
    /// It had the lock, or found that somebody had just swept.
    Finished(Result<Refreshed, RefreshError>),
    /// Somebody else sweeps.
    Busy,
}

impl Sweeper {
    /// Takes the lock, if nobody has it, and sweeps; unless there has been another refresh than the one that the caller has
    /// `seen`. Whatever happens in between, the lock is given back.
    pub(super) async fn attempt(self: Arc<Self>, seen: Option<Timestamp>, stop: watch::Receiver<bool>) -> Attempt {
        let lease = match self.cache.lease().await {
            Ok(Some(lease)) => lease,
            Ok(None) => return Attempt::Busy,
            Err(error) => return Attempt::Finished(Err(error.into())),
        };
        let result = AssertUnwindSafe(self.with_lease(&lease, seen, stop)).catch_unwind().await;
        let (result, event) = result.unwrap_or((Err(RefreshError::Panicked), None));
        if result.as_ref().is_err_and(RefreshError::is_cache_timeout) {
            self.cache.keep(lease);
        } else if let Err(error) = self.cache.release(lease).await {
            tracing::warn!(cause = error_chain(&error), "the lock was not given back: it expires by itself");
        }
        if let (Some(event), Some(events)) = (event, &self.events)
            && let Err(error) = events.publish(&event).await
        {
            tracing::warn!(cause = error_chain(&error), "an event was not published");
        }
        Attempt::Finished(result)
    }

    /// The result, and what to tell others if there was a sweep.
    async fn with_lease(
        &self,
        lease: &Lease,
        seen: Option<Timestamp>,
        mut stop: watch::Receiver<bool>,
    ) -> (Result<Refreshed, RefreshError>, Option<RefreshEvent>) {
        // Somebody else may have swept between the caller's look and its turn.
        match self.refreshed_since(seen).await {
            Ok(None) => {}
            Ok(Some(refreshed)) => return (Ok(refreshed), None),
            Err(error) => return (Err(error), None),
        }
        let (start, today) = (Instant::now(), self.clock.today());
        let sweep = tokio::select! {
            sweep = Sweep::run(&self.upstream, &self.campus, today) => sweep,
            _ = stop.wait_for(|stop| *stop) => return (Err(RefreshError::Stopping), None),
        };
        sweep.log_failures();
        let timestamp = self.clock.timestamp();
        let rooms = self.campus.classrooms().count();
        let rooms_ok = sweep.bookings.values().filter(|bookings| bookings.on(today).is_some()).count();
        let rooms_failed = rooms - rooms_ok;
        self.metrics.swept(start.elapsed(), rooms_ok, rooms_failed);
        let result = if rooms_failed * 2 > rooms {
            Err(RefreshError::SweepFailed { failed: rooms_failed, rooms })
        } else {
            self.publish(lease, today, timestamp, &sweep).await
        };
        let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let report = SweepReport { date: today, timestamp, rooms_ok, rooms_failed, duration_ms };
        self.metrics.sweep_ended(result.is_ok());
        match result {
            Ok(refreshed) => {
                tracing::info!(rooms_ok, rooms_failed, duration_ms, "sweep published");
                (Ok(refreshed), Some(RefreshEvent::Refreshed(report)))
            }
            Err(error) => {
                tracing::error!(rooms_ok, rooms_failed, duration_ms, cause = error_chain(&error), "sweep failed");
                let error = self.hold_others_back(lease, error, timestamp).await;
                (Err(error), Some(RefreshEvent::Failed(report)))
            }
        }
    }

    /// Holds others back after a failure. Gives the error on, unless the cache has gone meanwhile: that is the worse news.
    async fn hold_others_back(&self, lease: &Lease, error: RefreshError, at: Timestamp) -> RefreshError {
        // Of a sweep that came too late, whoever swept meanwhile knows better.
        let too_late = matches!(&error, RefreshError::NotPublished(why) if matches!(**why, PublishError::Superseded));
        if too_late || error.is_cache_timeout() {
            return error;
        }
        match self.cache.mark_failed(lease, at).await {
            Ok(()) => error,
            Err(failure) => {
                tracing::warn!(cause = error_chain(&failure), "the failure was not marked in the cache");
                match failure {
                    PublishError::Store(gone) if gone.is_timeout() => gone.into(),
                    _ => error,
                }
            }
        }
    }

    /// The refresh that succeeded since the caller looked; an error if one failed.
    pub(super) async fn refreshed_since(&self, seen: Option<Timestamp>) -> Result<Option<Refreshed>, RefreshError> {
        let last_refresh = self.cache.last_refresh().await?;
        let is_backing_off = self.cache.backoff().await?.is_some();
        match meanwhile(seen, last_refresh, is_backing_off) {
            Meanwhile::Nothing => Ok(None),
            Meanwhile::Refreshed(timestamp) => Ok(Some(Refreshed { timestamp })),
            Meanwhile::Failed => Err(RefreshError::FailedElsewhere),
        }
    }

    async fn publish(
        &self,
        lease: &Lease,
        today: NaiveDate,
        timestamp: Timestamp,
        Sweep { bookings, items, .. }: &Sweep,
    ) -> Result<Refreshed, RefreshError> {
        if *items == 0 && self.last_sweep_found_items(today).await? {
            return Err(RefreshError::NothingFound);
        }
        let rooms = self.campus.classrooms().count();
        let mut days = rooms_answered(bookings);
        // 25Live may name days that nobody asked for.
        days.retain(|date, _| covered_by_sweep(today).contains(date));
        let snapshots = try_join_all(days.into_iter().map(async |(date, answered)| {
            let last_good = if answered < rooms { self.last_good_slots(date).await? } else { None };
            let snapshot = Snapshot::new(&self.campus, self.min_gap, date, timestamp, bookings, last_good.as_ref());
            Ok::<_, RefreshError>(self.cache.render(&snapshot, *items, lease))
        }))
        .await?;
        let published = self.cache.publish(lease, today, &snapshots).await;
        // What the cache could not take is good all the same; what came too late is not.
        if !matches!(published, Err(PublishError::Superseded)) {
            for snapshot in &snapshots {
                self.last_good.remember(snapshot, self.clock.now());
            }
        }
        published.map_err(|error| RefreshError::NotPublished(Arc::new(error)))?;
        Ok(Refreshed { timestamp })
    }

    /// Whether the last sweep found anything at all, as far as anybody knows.
    async fn last_sweep_found_items(&self, today: NaiveDate) -> Result<bool, RefreshError> {
        let failed = |error: StoreError| RefreshError::NotPublished(Arc::new(error.into()));
        let last = match self.cache.availability().await.map_err(failed)?.into_snapshot() {
            Some(last) => Some(last),
            None => self.cache.reserve(today).await.map_err(failed)?,
        };
        let last = last.or_else(|| self.last_good.recall(today, self.clock.now()));
        Ok(last.and_then(|last| last.items()).is_some_and(|items| items > 0))
    }

    /// The snapshot whose slots the rooms keep that did not answer: the reserve's, or the process's own copy.
    async fn last_good_slots(&self, date: NaiveDate) -> Result<Option<Snapshot>, RefreshError> {
        let reserve =
            self.cache.reserve(date).await.map_err(|error| RefreshError::NotPublished(Arc::new(error.into())))?;
        let last_good = reserve.or_else(|| self.last_good.recall(date, self.clock.now()));
        Ok(last_good.and_then(|last_good| last_good.snapshot().ok()))
    }
}
