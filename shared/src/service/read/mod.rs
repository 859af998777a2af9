//! Reads a day's snapshot from the cache, and handles a cache miss.
//!
//! `decision` decides the next step; the loop in [`Reader::snapshot`] takes it.

mod decision;
mod room_days;

use std::{
    cmp::Ordering,
    ops::ControlFlow::{Break, Continue},
    sync::Arc,
    time::Duration,
};

use chrono::NaiveDate;
use domain::{kept_days::kept_on, timestamp::Timestamp};
use futures_util::FutureExt;
use tokio::time::sleep;

use self::decision::{Day, Facts, Outcome, SWEEP_RETRY_AFTER, Step, SweepState, next_step};
use super::{
    last_good::LastGood,
    refresh::{Attempt, Pace, RefreshError, Refreshed, Refresher},
};
use crate::{
    error_chain,
    outside::{
        cache::{BACKOFF, Cache, CachedSnapshot, Found, StoreError},
        clock::Clock,
        metrics::Metrics,
        single_flight::Role,
    },
};

/// How long a reader waits for a sweep that continues without it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a reader that waits for a sweep checks for its first results.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Serves snapshots.
#[derive(Debug)]
pub struct Reader {
    /// Where snapshots are kept.
    pub cache: Cache,
    /// Fills the cache when they are missing.
    pub refresher: Arc<Refresher>,
    /// The pace of the sweep after a cache miss.
    pub pace: Pace,
    /// The time.
    pub clock: Clock,
    /// This process's own copies.
    pub last_good: Arc<LastGood>,
    /// Where reads are counted.
    pub metrics: Metrics,
}

/// A snapshot for a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// The snapshot. Its body says `"stale": true` exactly when `cache_result` is [`CacheResult::Stale`].
    pub snapshot: CachedSnapshot,
    /// Where it came from.
    pub cache_result: CacheResult,
}

/// Where a snapshot came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheResult {
    /// The cache.
    Hit,
    /// A sweep that this request started or waited for.
    Miss,
    /// An older copy, because there is no newer one.
    Stale,
}

impl CacheResult {
    /// The value of the X-Cache header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "HIT",
            Self::Miss => "MISS",
            Self::Stale => "STALE",
        }
    }
}

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The day is past and has no copy, or is further ahead than a sweep reaches.
    #[error("{0} is outside the kept days")]
    NotKept(NaiveDate),
    /// Neither the cache nor a sweep has a snapshot, and there is no older copy.
    #[error("no data available")]
    Unavailable {
        /// When a client may ask again.
        retry_after: Duration,
    },
}

/// Hits are logged at debug level only: the metrics count them, and the line would take a tenth of their time.
fn log(date: NaiveDate, snapshot: &CachedSnapshot, cache_result: CacheResult) {
    let (cache, last_updated) = (cache_result.as_str(), snapshot.last_updated);
    match cache_result {
        CacheResult::Hit => tracing::debug!(%date, cache, %last_updated, "read"),
        CacheResult::Miss | CacheResult::Stale => tracing::info!(%date, cache, %last_updated, "read"),
    }
}

/// A read in progress: the facts, and the copies and the time that they describe.
struct Read {
    date: NaiveDate,
    today: NaiveDate,
    facts: Facts,
    fresh_copy: Option<CachedSnapshot>,
    older_copy: Option<CachedSnapshot>,
    last_refresh: Option<Timestamp>,
}

impl Reader {
    /// Returns the snapshot of a day, by default today's.
    ///
    /// # Errors
    /// The day is not kept, or has no data now.
    pub async fn snapshot(&self, date: Option<NaiveDate>) -> Result<Served, ReadError> {
        let today = self.clock.today();
        let date = date.unwrap_or(today);
        if !kept_on(today).contains(&date) {
            return Err(ReadError::NotKept(date));
        }
        let served = self.read(Read::about(date, today)).await;
        match &served {
            Ok(Served { snapshot, cache_result }) => {
                log(date, snapshot, *cache_result);
                self.measure(*cache_result, self.age(snapshot));
            }
            Err(ReadError::NotKept(_)) => {}
            Err(ReadError::Unavailable { retry_after }) => {
                tracing::warn!(%date, retry_after_s = retry_after.as_secs(), "no data available");
            }
        }
        served
    }

    /// Takes steps until there is an outcome.
    async fn read(&self, mut read: Read) -> Result<Served, ReadError> {
        loop {
            let step = match next_step(&read.facts) {
                Break(outcome) => return self.finish(read, outcome),
                Continue(step) => step,
            };
            if let Err(error) = self.take(step, &mut read).await {
                tracing::error!(date = %read.date, cause = error_chain(&error), "the cache is down");
                read.facts.cache_is_down = true;
            }
        }
    }

    /// Takes a step, and adds what it learned to the facts.
    async fn take(&self, step: Step, read: &mut Read) -> Result<(), StoreError> {
        match step {
            Step::LookForFreshCopy => self.look_for_fresh_copy(read).await?,
            Step::LookAtReserve => {
                let reserve = self.cache.reserve(read.date).await?;
                read.found_in_reserve(reserve);
            }
            Step::LookForOwnCopy => {
                let own = self.last_good.recall(read.date, self.clock.now());
                read.facts.own_copy = Some(own.is_some());
                read.older_copy = own;
            }
            Step::AskForLastRefresh => {
                read.last_refresh = self.cache.last_refresh().await?;
                read.facts.last_refresh = Some(read.last_refresh.is_some());
                read.facts.fresh_copy = None;
            }
            Step::AskForBackoff => {
                read.facts.backoff = self.cache.backoff().await?.into();
            }
            Step::Sweep => match self.refresher.join(read.last_refresh, self.pace) {
                Role::Leader(flight) => self.wait_for(flight, Attempt::Busy, read).await,
                Role::Follower(_) => read.attempted(Attempt::Busy),
            },
            Step::WaitForSweep => {
                let swept = self.refresher.sweep_or_wait(read.last_refresh, self.pace).map(Attempt::Finished);
                self.wait_for(swept, Attempt::Finished(Err(RefreshError::InProgress)), read).await;
            }
        }
        Ok(())
    }

    /// Waits until a sweep ends or its first results are published. If the sweep continues without this reader, the wait ends
    /// after [`PATIENCE`] with `too_long`. Otherwise the process stops after its response, so its own sweep must release its lock
    /// first.
    async fn wait_for(&self, swept: impl Future<Output = Attempt>, too_long: Attempt, read: &mut Read) {
        let (date, today, goes_on) = (read.date, read.today, self.pace == Pace::Background);
        tokio::select! {
            attempt = swept => read.attempted(attempt),
            first_results = self.first_results(date, today) => read.found_swept(first_results),
            () = sleep(PATIENCE), if goes_on => read.attempted(too_long),
        }
        if !goes_on {
            self.refresher.settle().await;
        }
    }

    /// Returns the first results that a running sweep publishes. Waits until there are some.
    async fn first_results(&self, date: NaiveDate, today: NaiveDate) -> CachedSnapshot {
        loop {
            sleep(LOOK_EVERY).await;
            let mut look = Read::about(date, today);
            // The sweep itself reports a failing cache.
            if let (Ok(()), Some(copy)) = (self.look_for_fresh_copy(&mut look).await, look.fresh_copy) {
                return copy;
            }
        }
    }

    /// For today this is one command, except from midnight to the next sweep, or while the key has another program's value.
    async fn look_for_fresh_copy(&self, read: &mut Read) -> Result<(), StoreError> {
        let Read { date, today, .. } = *read;
        if date == today {
            match self.cache.availability().await? {
                Found::Snapshot(snapshot) if snapshot.date == today => {
                    read.found_fresh(Some(snapshot));
                    return Ok(());
                }
                // From an earlier day, or another program's: the reserve may have a fresh copy of today.
                Found::Snapshot(_) | Found::Unusable => {}
                Found::Nothing => {
                    read.found_fresh(None);
                    return Ok(());
                }
            }
        }
        let reserve = self.cache.reserve(date).await?;
        // A past day's data are final, however old.
        let is_fresh = reserve.as_ref().is_some_and(|copy| date < today || self.age(copy) < self.cache.expiry());
        read.found_fresh(reserve.clone().filter(|_| is_fresh));
        read.found_in_reserve(reserve);
        Ok(())
    }

    /// Turns the outcome into a result.
    #[expect(clippy::expect_used, reason = "an outcome refers only to copies that an earlier step found")]
    fn finish(&self, read: Read, outcome: Outcome) -> Result<Served, ReadError> {
        let (copy, cache_result) = match outcome {
            Outcome::Hit => (read.fresh_copy, CacheResult::Hit),
            Outcome::Miss => (read.fresh_copy, CacheResult::Miss),
            Outcome::StaleReserve | Outcome::StaleOwnCopy => (read.older_copy, CacheResult::Stale),
            Outcome::NotKept => return Err(ReadError::NotKept(read.date)),
            Outcome::Unavailable { retry_after } => return Err(ReadError::Unavailable { retry_after }),
        };
        let snapshot = copy.expect("the copy was found");
        self.last_good.remember(&snapshot, self.clock.now());
        if cache_result != CacheResult::Stale {
            return Ok(Served { snapshot, cache_result });
        }
        let Some(snapshot) = snapshot.as_stale() else {
            tracing::error!(date = %read.date, "an older copy cannot be marked as stale: another program wrote its body");
            return Err(ReadError::Unavailable { retry_after: SWEEP_RETRY_AFTER });
        };
        Ok(Served { snapshot, cache_result })
    }

    /// Returns how long ago the snapshot's sweep ended.
    fn age(&self, snapshot: &CachedSnapshot) -> Duration {
        snapshot.last_updated.age(self.clock.now())
    }

    fn measure(&self, cache_result: CacheResult, age: Duration) {
        match cache_result {
            CacheResult::Hit => self.metrics.hit(age),
            CacheResult::Miss => self.metrics.miss(age),
            CacheResult::Stale => self.metrics.stale(age),
        }
    }
}

impl Read {
    fn about(date: NaiveDate, today: NaiveDate) -> Self {
        let day = match date.cmp(&today) {
            Ordering::Less => Day::Past,
            Ordering::Equal => Day::Today,
            Ordering::Greater => Day::Ahead,
        };
        Self { date, today, facts: Facts::about(day), fresh_copy: None, older_copy: None, last_refresh: None }
    }

    /// Adds the end of an attempt to sweep to the facts.
    fn attempted(&mut self, attempt: Attempt) {
        let Attempt::Finished(result) = attempt else {
            self.facts.sweep = SweepState::Elsewhere;
            return;
        };
        // The sweep may have brought a fresh copy; if it failed, another process's sweep may have.
        self.facts.fresh_copy = None;
        self.facts.sweep = match result {
            Ok(Refreshed { .. }) => SweepState::Published,
            Err(error) => {
                if !error.is_sweep_result() {
                    tracing::warn!(date = %self.date, cause = error_chain(&error), "the sweep for this read did not succeed");
                }
                self.facts.cache_is_down = error.is_cache_timeout();
                // A sweep that failed may have left a copy that Redis did not accept.
                self.facts.own_copy = None;
                SweepState::Failed { retry_after: retry_after(&error) }
            }
        };
    }

    /// Adds what a running sweep has published.
    fn found_swept(&mut self, copy: CachedSnapshot) {
        self.found_fresh(Some(copy));
        self.facts.sweep = SweepState::Published;
    }

    fn found_fresh(&mut self, copy: Option<CachedSnapshot>) {
        self.facts.fresh_copy = Some(copy.is_some());
        self.fresh_copy = copy;
    }

    fn found_in_reserve(&mut self, copy: Option<CachedSnapshot>) {
        self.facts.reserve = Some(copy.is_some());
        self.older_copy = copy;
    }
}

/// Returns when a client may ask again after a sweep that failed or did not run.
fn retry_after(error: &RefreshError) -> Duration {
    match error {
        RefreshError::SweepFailed { .. }
        | RefreshError::NothingReached
        | RefreshError::NothingFound
        | RefreshError::FailedElsewhere
        | RefreshError::NotPublished(_) => BACKOFF,
        _ => SWEEP_RETRY_AFTER,
    }
}
