//! The use case "read": a day's snapshot from the cache, and what to do when it is not there.

use std::{sync::Arc, time::Duration};

use chrono::{Days, NaiveDate};
use futures_util::future::{join, try_join_all};

use crate::{
    cache::{Cache, RESERVE_EXPIRY, StoreError},
    cached_snapshot::CachedSnapshot,
    clock::Clock,
    error_chain,
    last_good::LastGood,
    metrics::Metrics,
    refresh::{Attempt, RefreshError, Refresher},
    single_flight::Seat,
    snapshot::last_day_of_sweep,
};

/// How long a reader waits for somebody else's sweep when there is nothing at all to show.
const PATIENCE: Duration = Duration::from_secs(10);
/// When a client may ask again after the cache has failed.
const CACHE_RETRY_AFTER: Duration = Duration::from_secs(5);
/// When a client may ask again after it has waited for a sweep in vain.
const SWEEP_RETRY_AFTER: Duration = Duration::from_secs(10);
/// How many past days the reserve may still hold.
const PAST_DAYS: Days = Days::new(RESERVE_EXPIRY.as_secs() / (24 * 60 * 60));

/// Answers with snapshots.
#[derive(Debug)]
pub struct Reader {
    /// Where snapshots are found.
    pub cache: Cache,
    /// Who fills the cache when they are not.
    pub refresher: Arc<Refresher>,
    /// What time it is.
    pub clock: Clock,
    /// Where this process keeps its own copies.
    pub last_good: Arc<LastGood>,
    /// Where it is measured.
    pub metrics: Metrics,
}

/// A snapshot, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The snapshot. Its body says `"stale": true` exactly when `source` is [`Source::Stale`].
    pub snapshot: CachedSnapshot,
    /// Where it came from.
    pub source: Source,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The cache.
    Hit,
    /// A sweep, which this request began or waited for.
    Miss,
    /// An older copy: newer data should have been had.
    Stale,
}

impl Source {
    /// As the X-Cache header says it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "HIT",
            Self::Miss => "MISS",
            Self::Stale => "STALE",
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The day is over, or further off than a sweep reaches.
    #[error("{0} is outside the days that are kept")]
    NotKept(NaiveDate),
    /// Neither the cache nor a sweep gave anything, and there is no older copy.
    #[error("there is nothing to show")]
    Unavailable {
        /// When it is worth asking again.
        retry_after: Duration,
    },
}

/// Why a look-up ended without an answer.
enum Failure {
    /// There is none.
    None(ReadError),
    /// The cache is down: the process's own copy may do.
    Cache(StoreError),
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::None(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Cache(error)
    }
}

impl Reader {
    /// The snapshot of a day; of today, if none is named.
    ///
    /// # Errors
    /// The day is not kept, or nothing can be had.
    pub async fn snapshot(&self, date: Option<NaiveDate>) -> Result<Answer, ReadError> {
        let today = self.clock.today();
        let date = date.unwrap_or(today);
        if !(first_kept(today)..=last_day_of_sweep(today)).contains(&date) {
            return Err(ReadError::NotKept(date));
        }
        let answer = match self.look_up(date, today).await {
            Ok(answer) => Ok(answer),
            Err(Failure::None(error)) => Err(error),
            Err(Failure::Cache(error)) => {
                tracing::error!(%date, cause = error_chain(&error), "the cache is down");
                self.own_copy(date, CACHE_RETRY_AFTER)
            }
        };
        match &answer {
            Ok(Answer { snapshot, source }) => {
                tracing::info!(%date, cache = source.as_str(), last_updated = %snapshot.last_updated, "read");
                let age = self.clock.now() - snapshot.last_updated.instant().to_utc();
                self.measure(*source, age.to_std().unwrap_or_default());
            }
            Err(ReadError::NotKept(_)) => {}
            Err(ReadError::Unavailable { retry_after }) => {
                tracing::warn!(%date, retry_after_s = retry_after.as_secs(), "nothing to show");
            }
        }
        answer
    }

    /// A snapshot of every day that is kept, in order, and where today's came from. Each day is one command, and all of them
    /// are sent at once, so that a cache that says nothing is waited for once.
    ///
    /// # Errors
    /// Nothing can be had of today; or the cache is down, and which days are kept is not known.
    pub async fn kept_days(&self) -> Result<(Source, Vec<CachedSnapshot>), ReadError> {
        let today = self.clock.today();
        let (answer, others) = join(self.snapshot(Some(today)), self.reserve_around(today)).await;
        let Answer { snapshot, source } = answer?;
        let mut days = others?;
        // They have only just been brought.
        if source == Source::Miss || days.is_empty() {
            days = self.reserve_around(today).await?;
        }
        days.push(snapshot);
        days.sort_by_key(|snapshot| snapshot.date);
        Ok((source, days))
    }

    /// The reserve of all days that may be kept but today.
    async fn reserve_around(&self, today: NaiveDate) -> Result<Vec<CachedSnapshot>, ReadError> {
        let days = first_kept(today).iter_days().take_while(|date| *date <= last_day_of_sweep(today));
        let reserves = days.filter(|date| *date != today).map(|date| self.cache.reserve(date));
        match try_join_all(reserves).await {
            Ok(reserves) => Ok(reserves.into_iter().flatten().collect()),
            Err(error) => {
                tracing::error!(cause = error_chain(&error), "the cache is down: which days are kept is not known");
                Err(ReadError::Unavailable { retry_after: CACHE_RETRY_AFTER })
            }
        }
    }

    fn measure(&self, source: Source, age: Duration) {
        match source {
            Source::Hit => self.metrics.hit(age),
            Source::Miss => self.metrics.miss(age),
            Source::Stale => self.metrics.stale(age),
        }
    }

    async fn look_up(&self, date: NaiveDate, today: NaiveDate) -> Result<Answer, Failure> {
        match self.cached(date, today).await? {
            Some(snapshot) => Ok(self.answer(snapshot, Source::Hit)),
            // A sweep brings nothing of the past, and nothing that the last one did not bring.
            None if date < today => Err(ReadError::NotKept(date).into()),
            None if date > today && self.cache.last_refresh().await?.is_some() => {
                let reserve = self.cache.reserve(date).await?;
                // Redis may have lost it.
                let older = reserve.or_else(|| self.last_good.recall(date, self.clock.now()));
                Ok(self.stale(&older.ok_or(ReadError::NotKept(date))?)?)
            }
            None => self.after_a_miss(date, today).await,
        }
    }

    /// A fresh copy from the cache. For today that is one command, but for the time from midnight to the next sweep.
    async fn cached(&self, date: NaiveDate, today: NaiveDate) -> Result<Option<CachedSnapshot>, StoreError> {
        if date == today {
            match self.cache.availability().await? {
                Some(snapshot) if snapshot.date == today => return Ok(Some(snapshot)),
                Some(_of_another_day) => {}
                None => return Ok(None),
            }
        }
        let reserve = self.cache.reserve(date).await?;
        // What is known of a past day is final, however old.
        Ok(reserve.filter(|snapshot| date < today || self.is_fresh(snapshot)))
    }

    fn is_fresh(&self, snapshot: &CachedSnapshot) -> bool {
        let age = self.clock.now() - snapshot.last_updated.instant().to_utc();
        // An age below zero is that of a sweep by a process whose clock is ahead.
        age.to_std().map_or(true, |age| age < self.cache.expiry())
    }

    /// Sweeps, or shows an older copy while somebody else does, or waits for that sweep if there is no copy.
    async fn after_a_miss(&self, date: NaiveDate, today: NaiveDate) -> Result<Answer, Failure> {
        let seen = self.cache.last_refresh().await?;
        // A sweep that was published since the first look is what `seen` is of.
        if let Some(snapshot) = self.cached(date, today).await? {
            return Ok(self.answer(snapshot, Source::Hit));
        }
        if let Some(left) = self.cache.backoff().await? {
            return self.older_copy(date, left).await;
        }
        let own_sweep = match self.refresher.board(seen) {
            Seat::Pilot(flight) => flight.await,
            Seat::Passenger(_) => Attempt::Busy,
        };
        let swept = match own_sweep {
            Attempt::Finished(result) => result,
            Attempt::Busy => match self.cache.reserve(date).await? {
                Some(reserve) => return Ok(self.stale(&reserve)?),
                None => self.refresher.sweep_or_wait(seen, PATIENCE).await,
            },
        };
        match swept {
            Ok(_) => match self.cached(date, today).await? {
                Some(snapshot) => Ok(self.answer(snapshot, Source::Miss)),
                None if date > today => Err(ReadError::NotKept(date).into()),
                None => self.older_copy(date, SWEEP_RETRY_AFTER).await,
            },
            Err(error) => {
                if !error.is_of_the_sweep() {
                    tracing::warn!(%date, cause = error_chain(&error), "no sweep for this read");
                }
                if error.is_cache_timeout() {
                    return Ok(self.own_copy(date, CACHE_RETRY_AFTER)?);
                }
                // Somebody else may have swept while our own sweep failed.
                if let Some(snapshot) = self.cached(date, today).await? {
                    return Ok(self.answer(snapshot, Source::Hit));
                }
                self.older_copy(date, retry_after(&error)).await
            }
        }
    }

    /// The reserve's copy, or the process's own.
    async fn older_copy(&self, date: NaiveDate, retry_after: Duration) -> Result<Answer, Failure> {
        match self.cache.reserve(date).await? {
            Some(reserve) => Ok(self.stale(&reserve)?),
            None => Ok(self.own_copy(date, retry_after)?),
        }
    }

    fn own_copy(&self, date: NaiveDate, retry_after: Duration) -> Result<Answer, ReadError> {
        let copy = self.last_good.recall(date, self.clock.now());
        self.stale(&copy.ok_or(ReadError::Unavailable { retry_after })?)
    }

    fn answer(&self, snapshot: CachedSnapshot, source: Source) -> Answer {
        self.last_good.remember(&snapshot, self.clock.now());
        Answer { snapshot, source }
    }

    fn stale(&self, copy: &CachedSnapshot) -> Result<Answer, ReadError> {
        self.last_good.remember(copy, self.clock.now());
        match copy.as_stale() {
            Ok(snapshot) => Ok(Answer { snapshot, source: Source::Stale }),
            Err(error) => {
                tracing::error!(cause = error_chain(&error), "an older copy could not be read");
                Err(ReadError::Unavailable { retry_after: SWEEP_RETRY_AFTER })
            }
        }
    }
}

/// The first day that the reserve may still hold.
fn first_kept(today: NaiveDate) -> NaiveDate {
    today.checked_sub_days(PAST_DAYS).unwrap_or(today)
}

/// When it is worth asking again after a sweep could not be had.
fn retry_after(error: &RefreshError) -> Duration {
    match error {
        RefreshError::SweepFailed { .. } | RefreshError::FailedElsewhere | RefreshError::NotPublished(_) => {
            crate::cache::BACKOFF
        }
        _ => SWEEP_RETRY_AFTER,
    }
}
