//! One attempt to sweep, with the lock in hand: ask 25Live, publish what it said, report the result.

use std::{collections::HashMap, convert::Infallible, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use chrono::NaiveDate;
use domain::{
    bookings::rooms_answered,
    campus::Campus,
    cooldown::Cooldown,
    kept_days::{covered_by_sweep, kept_on},
    room_days::RoomDay,
    snapshot::{Need, Snapshot},
    timestamp::Timestamp,
};
use futures_util::FutureExt;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    decision::{Meanwhile, meanwhile},
    error::RefreshError,
    pace::Pace,
    sweep::{AtFirstAnswer, Plan, Sweep},
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
    /// Who is asked.
    pub upstream: TwentyFiveLive,
    /// The rooms to ask for.
    pub campus: Campus,
    /// The shortest slot shown, in minutes.
    pub min_gap: u16,
    /// How long after a sweep nobody may ask for another.
    pub cooldown: Cooldown,
    /// How long a sweep may take that nobody waits for.
    pub sweep_timeout: Duration,
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
    /// Whether every room that the sweep did not reach in its time has an answer of the same day. Otherwise no cooldown
    /// starts.
    pub is_complete: bool,
}

/// What became of an attempt to sweep.
#[derive(Clone, Debug)]
pub(crate) enum Attempt {
    /// It had the lock, or found that another caller had just swept.
    Finished(Result<Refreshed, RefreshError>),
    /// Another process sweeps.
    Busy,
}

/// What there is when a sweep begins.
struct Before {
    /// The latest sweep's snapshot of today, or the latest of all.
    last: Option<CachedSnapshot>,
    /// Whether readers get fresh data without this sweep.
    is_fresh: bool,
}

impl Sweeper {
    /// Takes the lock, if nobody has it, and sweeps; unless there has been another refresh than the one that the caller has
    /// `seen`. Whatever happens in between, the lock is given back.
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
            tracing::warn!(cause = error_chain(&error), "the lock was not given back: it expires by itself");
        }
        if let (Some(event), Some(events)) = (event, &self.events)
            && let Err(error) = events.publish(&event).await
        {
            tracing::warn!(cause = error_chain(&error), "an event was not published");
        }
        Attempt::Finished(result)
    }

    /// The result, and the event about it if there was a sweep.
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
        let sweep = tokio::select! {
            sweep = Sweep::run(plan, &self.upstream, |sweep| self.publish_first(lease, today, sweep)) => sweep,
            _ = stop.wait_for(|stop| *stop) => return (Err(RefreshError::Stopping), None),
            Err(error) = self.keep_lease(lease) => return (Err(RefreshError::NotPublished(Arc::new(error))), None),
        };
        self.metrics.swept(start.elapsed(), sweep.rooms_ok, sweep.rooms_failed(), sweep.unreached.len());
        self.log_sweep(&sweep, start.elapsed());
        let timestamp = self.clock.timestamp();
        let result = self.publish(lease, today, timestamp, &sweep, &before).await;
        self.metrics.sweep_ended(result.is_ok());
        let report = SweepReport {
            date: today,
            timestamp,
            rooms_ok: sweep.rooms_ok,
            rooms_failed: sweep.rooms_failed(),
            rooms_unreached: sweep.unreached.len(),
            duration_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        self.end(lease, result, report).await
    }

    /// Logs how a sweep ended, and holds others back if it failed.
    async fn end(
        &self,
        lease: &Lease,
        result: Result<Refreshed, RefreshError>,
        report: SweepReport,
    ) -> (Result<Refreshed, RefreshError>, Option<RefreshEvent>) {
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

    /// What the cache, or else this process, has of the latest sweep.
    async fn look(&self, today: NaiveDate) -> Result<Before, StoreError> {
        let (found, reserve) = (self.cache.availability().await?, self.cache.reserve(today).await?);
        // As a reader decides, who falls back on the reserve after midnight only.
        let is_fresh = match &found {
            Found::Snapshot(snapshot) if snapshot.date == today => true,
            Found::Snapshot(_) | Found::Unusable => {
                reserve.as_ref().is_some_and(|copy| copy.last_updated.age(self.clock.now()) < self.cache.expiry())
            }
            Found::Nothing => false,
        };
        let last = found.into_snapshot().or(reserve);
        Ok(Before { last: last.or_else(|| self.last_good.recall(today, self.clock.now())), is_fresh })
    }

    fn plan(&self, pace: Pace, today: NaiveDate, before: &Before) -> Plan {
        let at_first_answer = match (before.is_fresh, pace) {
            (true, _) => AtFirstAnswer::GoOn,
            (false, Pace::Reader) => AtFirstAnswer::End,
            (false, Pace::Client | Pace::Background) => AtFirstAnswer::Publish,
        };
        let last = before.last.as_ref().and_then(|last| last.snapshot().ok());
        Plan {
            rooms: self.rooms_by_need(last.as_ref()),
            first_day: today,
            limit: pace.limit(self.sweep_timeout),
            at_first_answer,
        }
    }

    /// The rooms in the order in which they should be asked for, in case time runs out; by chance where they need it alike.
    fn rooms_by_need(&self, last: Option<&Snapshot>) -> Vec<String> {
        let needs: HashMap<&str, Need> =
            last.into_iter().flat_map(Snapshot::rooms).map(|room| (room.id.as_str(), room.need())).collect();
        let need = |id: &String| needs.get(id.as_str()).copied().unwrap_or(Need::NeverAnswered);
        let mut rooms: Vec<_> = self.campus.classrooms().map(|(_, room)| room.id.clone()).collect();
        fastrand::shuffle(&mut rooms);
        rooms.sort_by_key(need);
        rooms
    }

    /// Renews the lock as long as it is wanted. Ends only when the lease did not last.
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
    fn log_sweep(&self, sweep: &Sweep, took: Duration) {
        sweep.log_failures();
        let (rooms, unreached) = (self.campus.classrooms().count(), sweep.unreached.len());
        if unreached == 0 {
            return;
        }
        let asked = (rooms - unreached).max(1);
        let needed = took.as_secs().max(1) * rooms as u64;
        tracing::warn!(
            rooms_unreached = unreached,
            rooms,
            took_s = took.as_secs(),
            needed_s = needed.div_ceil(asked as u64),
            upstream_concurrency = self.upstream.concurrency(),
            "the sweep ran out of time: the next one asks for those rooms first. The daily sweep has SWEEP_TIMEOUT; set that \
             above needed_s, or raise UPSTREAM_CONCURRENCY if 25Live allows it"
        );
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
            Meanwhile::Refreshed(timestamp) => {
                let is_complete = !self.cache.is_incomplete(timestamp).await?;
                Ok(Some(Refreshed { timestamp, is_complete }))
            }
            Meanwhile::Failed => Err(RefreshError::FailedElsewhere),
        }
    }

    /// Publishes what a sweep under way has brought so far, for readers who have nothing else. If that fails, the sweep goes
    /// on all the same.
    async fn publish_first(&self, lease: &Lease, today: NaiveDate, sweep: Sweep) {
        let published = async {
            let snapshots = self.snapshots(today, self.clock.timestamp(), &sweep).await?;
            let rendered = self.render(lease, &snapshots, sweep.items);
            let published = self.cache.publish_snapshots(lease, today, &rendered).await;
            published.map(drop).map_err(|error| RefreshError::NotPublished(Arc::new(error)))
        };
        match published.await {
            Ok(()) => tracing::info!(rooms_ok = sweep.rooms_ok, "first answers published"),
            Err(error) => tracing::warn!(cause = error_chain(&error), "first answers were not published"),
        }
    }

    async fn publish(
        &self,
        lease: &Lease,
        today: NaiveDate,
        timestamp: Timestamp,
        sweep: &Sweep,
        before: &Before,
    ) -> Result<Refreshed, RefreshError> {
        if !sweep.is_usable() {
            let (failed, asked) = (sweep.rooms_failed(), sweep.rooms_ok + sweep.rooms_failed());
            return Err(RefreshError::SweepFailed { failed, asked });
        }
        if sweep.items == 0 && before.last.as_ref().and_then(CachedSnapshot::items).is_some_and(|items| items > 0) {
            return Err(RefreshError::NothingFound);
        }
        let snapshots = self.snapshots(today, timestamp, sweep).await?;
        let is_complete = self.is_complete(today, &snapshots);
        let rendered = self.render(lease, &snapshots, sweep.items);
        let published = async {
            if !is_complete {
                self.cache.mark_incomplete(timestamp).await?;
            }
            self.publish_room_days(lease, today, timestamp, snapshots).await?;
            self.cache.publish(lease, today, &rendered).await
        };
        let published = published.await;
        // What the cache could not take is good all the same; what came too late is not.
        if !matches!(published, Err(PublishError::Superseded)) {
            for snapshot in &rendered {
                self.last_good.remember(snapshot, self.clock.now());
            }
        }
        published.map_err(|error| RefreshError::NotPublished(Arc::new(error)))?;
        Ok(Refreshed { timestamp, is_complete })
    }

    /// The snapshot of each day that rooms answered for.
    async fn snapshots(
        &self,
        today: NaiveDate,
        timestamp: Timestamp,
        Sweep { bookings, unreached, .. }: &Sweep,
    ) -> Result<Vec<Snapshot>, RefreshError> {
        let rooms = self.campus.classrooms().count();
        let mut days = rooms_answered(bookings);
        // 25Live may name days that nobody asked for.
        days.retain(|date, _| covered_by_sweep(today).contains(date));
        let mut snapshots = Vec::with_capacity(days.len());
        for (date, answered) in days {
            let last_good = if answered < rooms { self.last_good_slots(date).await? } else { None };
            let snapshot = Snapshot::new(&self.campus, self.min_gap, date, timestamp, bookings, last_good.as_ref());
            snapshots.push(snapshot.with_unreached(unreached));
        }
        Ok(snapshots)
    }

    fn render(&self, lease: &Lease, snapshots: &[Snapshot], items: usize) -> Vec<CachedSnapshot> {
        snapshots.iter().map(|snapshot| self.cache.render(snapshot, &self.campus, items, lease)).collect()
    }

    /// Publishes each room's days: those of the sweep, and before them the past days that the reserve still has.
    async fn publish_room_days(
        &self,
        lease: &Lease,
        today: NaiveDate,
        timestamp: Timestamp,
        snapshots: Vec<Snapshot>,
    ) -> Result<(), PublishError> {
        let mut days = Vec::with_capacity(snapshots.len());
        for date in kept_on(today).start().iter_days().take_while(|date| *date < today) {
            days.extend(self.cache.reserve(date).await?.and_then(|past| past.snapshot().ok()));
        }
        days.extend(snapshots);
        let rooms: Vec<_> = self
            .campus
            .classrooms()
            .map(|(building, room)| (room.id.as_str(), RoomDay::of_room(building, room, &days)))
            .collect();
        self.cache.publish_room_days(lease, today, timestamp, &rooms).await
    }

    /// Whether every room that was not reached in time has an answer of today.
    fn is_complete(&self, today: NaiveDate, snapshots: &[Snapshot]) -> bool {
        let Some(todays) = snapshots.iter().find(|snapshot| snapshot.date == today) else { return true };
        let timezone = self.clock.timezone();
        let is_of_today = |at: Timestamp| at.instant().with_timezone(&timezone).date_naive() == today;
        todays.rooms().all(|room| !room.is_unreached || room.answered.is_some_and(is_of_today))
    }

    /// The snapshot whose slots the rooms keep that did not answer: the reserve's, or the process's own copy.
    async fn last_good_slots(&self, date: NaiveDate) -> Result<Option<Snapshot>, RefreshError> {
        let reserve =
            self.cache.reserve(date).await.map_err(|error| RefreshError::NotPublished(Arc::new(error.into())))?;
        let last_good = reserve.or_else(|| self.last_good.recall(date, self.clock.now()));
        Ok(last_good.and_then(|last_good| last_good.snapshot().ok()))
    }
}
