//! Reads the kept days of one room.

use chrono::NaiveDate;
use domain::{
    campus::{Building, Classroom},
    kept_days::kept_on,
    room_days::RoomDays,
};
use futures_util::future::{join, try_join_all};

use super::{CacheResult, ReadError, Reader, Served, decision::CACHE_RETRY_AFTER};
use crate::{
    error_chain,
    outside::cache::{CachedSnapshot, StoreError},
};

impl Reader {
    /// Returns every kept day of a room, in order, and where today's came from. This is one command, unless the last sweep is too
    /// old or has published only its first results.
    ///
    /// # Errors
    /// Today has no data, or the cache is down and the other days are unknown.
    pub async fn room_days(&self, building: &Building, room: &Classroom) -> Result<(CacheResult, RoomDays), ReadError> {
        let cached = self.cache.room_days(&room.id).await.map_err(|error| Self::unknown_days(&error))?;
        let now = self.clock.now();
        if let Some((swept, days)) = cached.filter(|(swept, _)| swept.age(now) < self.cache.expiry()) {
            self.measure(CacheResult::Hit, swept.age(now));
            return Ok((CacheResult::Hit, days));
        }
        let (cache_result, snapshots) = self.kept_days().await?;
        let snapshots: Vec<_> = snapshots.iter().filter_map(|snapshot| snapshot.snapshot().ok()).collect();
        let today = self.clock.today();
        let simulated = snapshots.iter().any(|snapshot| snapshot.date == today && snapshot.simulated);
        Ok((cache_result, RoomDays::of_room(building, room, simulated, &snapshots)))
    }

    fn unknown_days(error: &StoreError) -> ReadError {
        tracing::error!(cause = error_chain(error), "the cache is down, so the kept days are unknown");
        ReadError::Unavailable { retry_after: CACHE_RETRY_AFTER }
    }

    /// Returns a snapshot of every kept day, in order, and where today's came from. Each day costs one command. They run
    /// concurrently, so that a cache that does not answer costs one timeout.
    async fn kept_days(&self) -> Result<(CacheResult, Vec<CachedSnapshot>), ReadError> {
        let today = self.clock.today();
        let (served, others) = join(self.snapshot(Some(today)), self.reserve_around(today)).await;
        let Served { snapshot, cache_result } = served?;
        let mut days = others?;
        // A sweep has just published them.
        if cache_result == CacheResult::Miss || days.is_empty() {
            days = self.reserve_around(today).await?;
        }
        days.push(snapshot);
        days.sort_by_key(|snapshot| snapshot.date);
        Ok((cache_result, days))
    }

    /// Returns the reserve's copy of every day that may be kept, except today.
    async fn reserve_around(&self, today: NaiveDate) -> Result<Vec<CachedSnapshot>, ReadError> {
        let kept = kept_on(today);
        let days = kept.start().iter_days().take_while(|date| kept.contains(date));
        let reserves = days.filter(|date| *date != today).map(|date| self.cache.reserve(date));
        let reserves = try_join_all(reserves).await.map_err(|error| Self::unknown_days(&error))?;
        Ok(reserves.into_iter().flatten().collect())
    }
}
