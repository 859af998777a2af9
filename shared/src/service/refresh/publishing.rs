//! Publishes a sweep: the snapshot of each day, with the last good slots of rooms without an answer, and the days of each room.

use std::sync::Arc;

use chrono::NaiveDate;
use domain::{
    bookings::rooms_answered,
    kept_days::{covered_by_sweep, kept_on},
    room_days::RoomDays,
    snapshot::Snapshot,
    timestamp::Timestamp,
};
use futures_util::future::try_join_all;

use super::{
    error::RefreshError,
    sweep::Sweep,
    sweeper::{Before, Refreshed, Sweeper},
};
use crate::{
    error_chain,
    outside::cache::{CachedSnapshot, Lease, PublishError},
};

/// How many days of the reserve are read concurrently: each value covers the whole campus.
const READS_AT_ONCE: usize = 8;

impl Sweeper {
    /// Publishes the first results of a running sweep, for readers that have nothing else. If that fails, the sweep continues.
    pub(super) async fn publish_first(&self, lease: &Lease, today: NaiveDate, sweep: Sweep) {
        let published = async {
            let snapshots = self.snapshots(today, self.clock.timestamp(), &sweep, None).await?;
            let rendered = self.render(lease, &snapshots, sweep.items);
            let published = self.cache.publish_snapshots(lease, today, &rendered).await;
            published.map(drop).map_err(|error| RefreshError::NotPublished(Arc::new(error)))
        };
        match published.await {
            Ok(()) => tracing::info!(rooms_ok = sweep.rooms_ok, "first results published"),
            Err(error) => tracing::warn!(cause = error_chain(&error), "first results were not published"),
        }
    }

    pub(super) async fn publish(
        &self,
        lease: &Lease,
        today: NaiveDate,
        timestamp: Timestamp,
        sweep: &Sweep,
        before: &Before,
    ) -> Result<Refreshed, RefreshError> {
        if sweep.rooms_ok + sweep.rooms_failed() == 0 {
            return Err(RefreshError::NothingReached);
        }
        if !sweep.is_usable() {
            let (failed, asked) = (sweep.rooms_failed(), sweep.rooms_ok + sweep.rooms_failed());
            return Err(RefreshError::SweepFailed { failed, asked });
        }
        if sweep.items == 0 && before.last.as_ref().and_then(CachedSnapshot::items).is_some_and(|items| items > 0) {
            return Err(RefreshError::NothingFound);
        }
        let snapshots = self.snapshots(today, timestamp, sweep, before.last.as_ref()).await?;
        let is_complete = self.is_complete(today, &snapshots);
        let rendered = self.render(lease, &snapshots, sweep.items);
        let published = async {
            self.publish_room_days(lease, today, timestamp, snapshots).await?;
            if is_complete {
                self.cache.publish(lease, today, &rendered).await
            } else {
                self.cache.publish_incomplete(lease, today, &rendered).await
            }
        };
        let published = published.await;
        // Snapshots that the cache did not accept are still good; those of a superseded sweep are not.
        if !matches!(published, Err(PublishError::Superseded)) {
            for snapshot in &rendered {
                self.last_good.remember(snapshot, self.clock.now());
            }
        }
        published.map_err(|error| RefreshError::NotPublished(Arc::new(error)))?;
        Ok(Refreshed { timestamp, is_complete })
    }

    /// Creates the snapshot of each day that rooms answered for.
    async fn snapshots(
        &self,
        today: NaiveDate,
        timestamp: Timestamp,
        Sweep { bookings, unreached, .. }: &Sweep,
        last: Option<&CachedSnapshot>,
    ) -> Result<Vec<Snapshot>, RefreshError> {
        let rooms = self.campus.classrooms().count();
        let mut days = rooms_answered(bookings);
        // 25Live may return days outside the requested month.
        days.retain(|date, _| covered_by_sweep(today).contains(date));
        let days: Vec<_> = days.into_iter().collect();
        let mut snapshots = Vec::with_capacity(days.len());
        for days in days.chunks(READS_AT_ONCE) {
            let last_good =
                days.iter().map(
                    async |(date, answered)| {
                        if *answered < rooms { self.last_good_slots(*date, last).await } else { Ok(None) }
                    },
                );
            for ((date, _), last_good) in days.iter().zip(try_join_all(last_good).await?) {
                let snapshot =
                    Snapshot::new(&self.campus, self.min_gap, *date, timestamp, bookings, last_good.as_ref());
                snapshots.push(Snapshot { simulated: self.simulated, ..snapshot.with_unreached(unreached) });
            }
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
            .map(|(building, room)| (room.id.as_str(), RoomDays::of_room(building, room, self.simulated, &days)))
            .collect();
        self.cache.publish_room_days(lease, today, timestamp, &rooms).await
    }

    /// Whether every room that was not reached in time has an answer from today.
    fn is_complete(&self, today: NaiveDate, snapshots: &[Snapshot]) -> bool {
        let Some(todays) = snapshots.iter().find(|snapshot| snapshot.date == today) else { return true };
        let timezone = self.clock.timezone();
        let is_of_today = |at: Timestamp| at.instant().with_timezone(&timezone).date_naive() == today;
        todays.rooms().all(|room| !room.is_unreached || room.answered.is_some_and(is_of_today))
    }

    /// Returns the snapshot from which rooms without an answer keep their slots: the reserve's copy, this process's own, or the one
    /// found when the sweep began. Simulated and real bookings are never mixed.
    async fn last_good_slots(
        &self,
        date: NaiveDate,
        last: Option<&CachedSnapshot>,
    ) -> Result<Option<Snapshot>, RefreshError> {
        let reserve =
            self.cache.reserve(date).await.map_err(|error| RefreshError::NotPublished(Arc::new(error.into())))?;
        let own = self.last_good.recall(date, self.clock.now());
        let last = last.filter(|last| last.date == date).cloned();
        let snapshots = [reserve, own, last].into_iter().flatten().filter_map(|copy| copy.snapshot().ok());
        Ok(snapshots.into_iter().find(|snapshot| snapshot.simulated == self.simulated))
    }
}
