//! One attempt to sweep, holding the lock: asks 25Live, publishes its answers, and reports the result.

use std::{convert::Infallible, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use chrono::NaiveDate;
use domain::{campus::Campus, cooldown::Cooldown, timestamp::Timestamp};
use futures_util::FutureExt;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    decision::{Meanwhile, meanwhile},
    error::RefreshError,
    order::in_order_of_need,
    pace::Pace,
    sweep::{AtFirstResults, Plan, Sweep},
};
use crate::{
    error_chain,
    outside::{
        cache::{Cache, CachedSnapshot, Found, Lease, PublishError, RENEW_EVERY, StoreError},
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
    /// The client of 25Live.
    pub upstream: TwentyFiveLive,
    /// The rooms to ask for.
    pub campus: Campus,
    /// The shortest slot shown, in minutes.
    pub min_gap: u16,
    /// Whether `upstream` is a simulated 25Live.
    pub simulated: bool,
    /// How long refreshes are refused after a sweep.
    pub cooldown: Cooldown,
    /// How long a sweep may take if no request waits for it.
    pub sweep_timeout: Duration,
    /// The time at the campus.
    pub clock: Clock,
    /// Where this process keeps its own copies.
    pub last_good: Arc<LastGood>,
    /// Where sweeps are reported.
    pub events: Option<Arc<dyn EventBus>>,
    /// Where sweeps are measured.
    pub metrics: Metrics,
}

/// A refresh that succeeded, through this caller's sweep or another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refreshed {
    /// When the sweep ended.
    pub timestamp: Timestamp,
    /// Whether every room that the sweep did not reach in time has an answer from the same day. If not, no cooldown starts.
    pub is_complete: bool,
}

/// The result of an attempt to sweep.
#[derive(Clone, Debug)]
pub(crate) enum Attempt {
    /// It had the lock, or found that another caller had just swept.
    Finished(Result<Refreshed, RefreshError>),
    /// Another process is sweeping.
    Busy,
}

/// The data available when a sweep begins.
pub(super) struct Before {
    /// The latest snapshot in the cache, or else in this process.
    pub(super) last: Option<CachedSnapshot>,
    /// Whether readers get fresh data without this sweep.
    is_fresh: bool,
    /// Whether readers get any data for today without it.
    has_copy: bool,
}

impl Sweeper {
    /// Takes the lock, if it is free, and sweeps, unless there has been a refresh other than the one that the caller has `seen`.
    /// Releases the lock whatever happens in between, even a panic.
    pub(super) async fn attempt(
        self: Arc<Self>,
        seen: Option<Timestamp>,
        pace: Pace,
        stop: watch::Receiver<bool>,
    ) -> Attempt {
        let lease = match self.cache.lease().await {
            Ok(Some(lease)) => lease,
            Ok(None) => return Attempt::Busy,
            Err(error) => return Attempt::Finished(Err(error.into())),
        };
        let result = AssertUnwindSafe(self.with_lease(&lease, seen, pace, stop)).catch_unwind().await;
        let (result, event) = result.unwrap_or((Err(RefreshError::Panicked), None));
        if result.as_ref().is_err_and(RefreshError::is_cache_timeout) {
            self.cache.keep(lease);
        } else if let Err(error) = self.cache.release(lease).await {
            tracing::warn!(cause = error_chain(&error), "the lock was not released: it expires automatically");
        }
        if let (Some(event), Some(events)) = (event, &self.events)
            && let Err(error) = events.publish(&event).await
        {
            tracing::warn!(cause = error_chain(&error), "an event was not published");
        }
        Attempt::Finished(result)
    }

    /// Returns the result, and the event about it if there was a sweep.
    async fn with_lease(
        &self,
        lease: &Lease,
        seen: Option<Timestamp>,
        pace: Pace,
        mut stop: watch::Receiver<bool>,
    ) -> (Result<Refreshed, RefreshError>, Option<RefreshEvent>) {
        // Another process may have swept between the caller's look and its turn.
        match self.refreshed_since(seen).await {
            Ok(Some(refreshed)) if pace.is_served_by(refreshed) => return (Ok(refreshed), None),
            Ok(_) => {}
            Err(error) => return (Err(error), None),
        }
        let (start, today) = (Instant::now(), self.clock.today());
        let before = match self.look(today).await {
            Ok(before) => before,
            Err(error) => return (Err(error.into()), None),
        };
        let plan = self.plan(pace, today, &before);
        let swept = tokio::select! {
            sweep = Sweep::run(plan, &self.upstream, |sweep| self.publish_first(lease, today, sweep)) => Ok(sweep),
            _ = stop.wait_for(|stop| *stop) => Err(RefreshError::Stopping),
            Err(error) = self.keep_lease(lease) => Err(RefreshError::NotPublished(Arc::new(error))),
        };
        let sweep = match swept {
            Ok(sweep) => sweep,
            Err(RefreshError::Stopping) => return (Err(RefreshError::Stopping), None),
            // The answers so far are lost.
            Err(error) => return self.end(lease, Err(error), self.report(today, start, &Sweep::default())).await,
        };
        self.metrics.swept(start.elapsed(), sweep.rooms_ok, sweep.rooms_failed(), sweep.unreached.len());
        self.log_sweep(&sweep, start.elapsed(), pace);
        let timestamp = self.clock.timestamp();
        let result = self.publish(lease, today, timestamp, &sweep, &before).await;
        let report = SweepReport { timestamp, ..self.report(today, start, &sweep) };
        self.end(lease, result, report).await
    }

    fn report(&self, today: NaiveDate, start: Instant, sweep: &Sweep) -> SweepReport {
        SweepReport {
            date: today,
            timestamp: self.clock.timestamp(),
            rooms_ok: sweep.rooms_ok,
            rooms_failed: sweep.rooms_failed(),
            rooms_unreached: sweep.unreached.len(),
            duration_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Logs and measures how a sweep ended, and holds other sweeps back if it failed.
    async fn end(
        &self,
        lease: &Lease,
        result: Result<Refreshed, RefreshError>,
        report: SweepReport,
    ) -> (Result<Refreshed, RefreshError>, Option<RefreshEvent>) {
        self.metrics.sweep_ended(result.is_ok());
        let SweepReport { timestamp, rooms_ok, rooms_failed, rooms_unreached, duration_ms, .. } = report;
        match result {
            Ok(refreshed) => {
                tracing::info!(rooms_ok, rooms_failed, rooms_unreached, duration_ms, "sweep published");
                (Ok(refreshed), Some(RefreshEvent::Refreshed(report)))
            }
            Err(error) => {
                let cause = error_chain(&error);
                tracing::error!(rooms_ok, rooms_failed, rooms_unreached, duration_ms, cause, "sweep failed");
                let error = self.hold_others_back(lease, error, timestamp).await;
                (Err(error), Some(RefreshEvent::Failed(report)))
            }
        }
    }

    /// Returns what the cache, or else this process, has from the latest sweep.
    async fn look(&self, today: NaiveDate) -> Result<Before, StoreError> {
        let (found, reserve) = (self.cache.availability().await?, self.cache.reserve(today).await?);
        // The same rule as for readers, which use the reserve only after midnight or instead of an unusable value.
        let is_fresh = match &found {
            Found::Snapshot(snapshot) if snapshot.date == today => true,
            Found::Snapshot(_) | Found::Unusable => {
                reserve.as_ref().is_some_and(|copy| copy.last_updated.age(self.clock.now()) < self.cache.expiry())
            }
            Found::Nothing => false,
        };
        let has_copy = is_fresh || reserve.is_some();
        let own = self.last_good.recall(today, self.clock.now());
        let mut copies = [found.into_snapshot(), reserve, own].into_iter().flatten();
        // A sweep of the simulated 25Live says nothing about the real one.
        let last = copies.find(|copy| copy.parsed().is_ok_and(|snapshot| snapshot.simulated == self.simulated));
        Ok(Before { last, is_fresh, has_copy })
    }

    fn plan(&self, pace: Pace, today: NaiveDate, before: &Before) -> Plan {
        let at_first_results = match pace {
            Pace::Reader if !before.is_fresh => AtFirstResults::End,
            // An older copy is better than half a sweep, which may still fail.
            Pace::Client | Pace::Background if !before.has_copy => AtFirstResults::Publish,
            _ => AtFirstResults::GoOn,
        };
        let last = before.last.as_ref().and_then(|last| last.snapshot().ok());
        Plan {
            rooms: in_order_of_need(&self.campus, last.as_ref()),
            first_day: today,
            limit: pace.limit(self.sweep_timeout),
            at_first_results,
        }
    }

    /// Renews the lock until the caller drops this future. Returns only if the lease is lost.
    async fn keep_lease(&self, lease: &Lease) -> Result<Infallible, PublishError> {
        loop {
            sleep(RENEW_EVERY).await;
            match self.cache.renew(lease).await {
                Err(error @ PublishError::Superseded) => return Err(error),
                Err(PublishError::Store(error)) => {
                    tracing::warn!(cause = error_chain(&error), "the lock of a sweep was not renewed");
                }
                Ok(()) => {}
            }
        }
    }

    /// Logs which rooms failed, and what to change if the time was not enough.
    fn log_sweep(&self, sweep: &Sweep, took: Duration, pace: Pace) {
        sweep.log_failures();
        let (rooms, rooms_unreached) = (self.campus.classrooms().count(), sweep.unreached.len());
        let asked = rooms - rooms_unreached;
        if rooms_unreached == 0 || asked == 0 {
            return;
        }
        let (took_s, upstream_concurrency) = (took.as_secs(), self.upstream.concurrency());
        let needed_s = (took_s.max(1) * rooms as u64).div_ceil(asked as u64);
        if pace == Pace::Background {
            tracing::warn!(
                rooms_unreached,
                rooms,
                took_s,
                needed_s,
                upstream_concurrency,
                "the sweep ran out of time: the next one asks for the unreached rooms first. Set SWEEP_TIMEOUT above needed_s, or \
                 raise UPSTREAM_CONCURRENCY if 25Live allows it"
            );
        } else {
            tracing::info!(
                rooms_unreached,
                rooms,
                took_s,
                needed_s,
                upstream_concurrency,
                "the sweep ended because the request that waits for it ran out of time: the next one asks for the unreached \
                 rooms first"
            );
        }
    }

    /// Holds other sweeps back after a failure. Returns the error, or the cache's timeout if the failure could not be recorded.
    async fn hold_others_back(&self, lease: &Lease, error: RefreshError, at: Timestamp) -> RefreshError {
        // A newer sweep has superseded this one, so its result counts.
        let too_late = matches!(&error, RefreshError::NotPublished(why) if matches!(**why, PublishError::Superseded));
        if too_late || error.is_cache_timeout() {
            return error;
        }
        match self.cache.mark_failed(lease, at).await {
            Ok(()) => error,
            Err(failure) => {
                tracing::warn!(cause = error_chain(&failure), "the failure was not recorded in the cache");
                match failure {
                    PublishError::Store(gone) if gone.is_timeout() => gone.into(),
                    _ => error,
                }
            }
        }
    }

    /// Returns the refresh that succeeded since the caller looked, or an error if one failed.
    pub(super) async fn refreshed_since(&self, seen: Option<Timestamp>) -> Result<Option<Refreshed>, RefreshError> {
        let last_refresh = self.cache.last_refresh().await?;
        let is_backing_off = self.cache.backoff().await?.is_some();
        match meanwhile(seen, last_refresh, is_backing_off) {
            Meanwhile::Nothing => Ok(None),
            Meanwhile::Refreshed(timestamp) => {
                let is_complete = !self.cache.is_incomplete(timestamp).await?;
                Ok(Some(Refreshed { timestamp, is_complete }))
            }
            Meanwhile::Failed => Err(RefreshError::FailedElsewhere),
        }
    }
}
