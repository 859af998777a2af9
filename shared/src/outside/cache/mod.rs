//! The cache: its keys, their expiry, and the order in which they are written.

mod fencing;
mod fingerprint;
mod keys;
mod memory;
mod redis;
mod room_days;
mod store;
mod value;
mod version_1;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use chrono::NaiveDate;
use domain::{
    campus::Campus, kept_days::RESERVE_EXPIRY, room_days::RoomDays, snapshot::Snapshot, timestamp::Timestamp,
};
use futures_util::future::try_join_all;
use uuid::Uuid;

use self::keys::Keys;
pub use self::{
    fencing::FencingToken,
    fingerprint::Fingerprint,
    memory::MemoryStore,
    redis::RedisStore,
    store::{Store, StoreError},
    value::{CachedSnapshot, SHORTEST_COMPRESSED, UnusableValue, checksum},
};
use crate::error_chain;

/// How long the lock lasts. A longer sweep renews it.
const LOCK_EXPIRY: Duration = Duration::from_mins(1);
/// How long after its last renewal a vanished lock may be taken again. Later, the sweep's answers are too old to publish.
const TAKE_AGAIN_WITHIN: Duration = Duration::from_mins(5);
/// How often a sweep renews its lock. Two renewals in a row may fail.
pub const RENEW_EVERY: Duration = Duration::from_secs(LOCK_EXPIRY.as_secs() / 3);
/// How many rooms are written concurrently. Each has a few kilobytes.
const ROOMS_AT_ONCE: usize = 250;
/// How many days are written concurrently. A month of 1,500 rooms is 16 MB, and each write has a time limit.
const WRITES_AT_ONCE: usize = 4;
/// How long no process sweeps after a failed sweep.
pub const BACKOFF: Duration = Duration::from_mins(1);

/// The cached snapshots of one campus, and the lock that serializes its sweeps.
#[derive(Clone, Debug)]
pub struct Cache {
    store: Arc<dyn Store>,
    keys: Keys,
    fingerprint: Fingerprint,
    expiry: Duration,
    /// The checksum of the unusable value logged last, by key, so that each value is logged once.
    logged: Arc<Mutex<HashMap<String, String>>>,
    /// The last value of today's snapshot, with the snapshot in it. Until a sweep publishes, every reader finds the same value,
    /// which then need not be verified, decoded or parsed again.
    last_read: Arc<Mutex<Option<(Bytes, CachedSnapshot)>>>,
    /// The token of a lock that this process may still hold without sweeping, because the store failed while the lock was taken
    /// or released. A std mutex, because nothing awaits while it is held.
    kept_token: Arc<Mutex<Option<String>>>,
}

/// The content of a snapshot's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A snapshot, of today or of an earlier day.
    Snapshot(CachedSnapshot),
    /// A value that is not a snapshot, or not one that this process can use. The log has the reason.
    Unusable,
    /// No value.
    Nothing,
}

impl Found {
    /// Returns the snapshot, if there is a usable one.
    #[must_use]
    pub fn into_snapshot(self) -> Option<CachedSnapshot> {
        match self {
            Self::Snapshot(snapshot) => Some(snapshot),
            Self::Unusable | Self::Nothing => None,
        }
    }
}

/// The right to sweep, held by one process at a time.
#[derive(Debug)]
pub struct Lease {
    token: String,
    fencing_token: FencingToken,
    /// When the lock was last taken or renewed, in microseconds of the cache's own clock.
    renewed: AtomicU64,
    /// The value of the last refresh when the lock was taken.
    last_refresh: Option<Bytes>,
}

/// Why a sweep was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The store failed. What was written before is valid.
    #[error("the cache failed")]
    Store(#[from] StoreError),
    /// The lease expired, or a newer sweep was published. Nothing newer was replaced.
    #[error("the sweep outlived its lock and was not published")]
    Superseded,
}

impl Cache {
    /// Returns the cache in `store`, with keys under this prefix. Today's snapshot and the last refresh expire after `expiry`.
    /// Values with another fingerprint are unusable.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, prefix: &str, fingerprint: Fingerprint, expiry: Duration) -> Self {
        let keys = Keys::new(prefix);
        let (logged, last_read, kept_token) = (Arc::default(), Arc::default(), Arc::default());
        Self { store, keys, fingerprint, expiry, logged, last_read, kept_token }
    }

    /// Returns how long today's snapshot is valid.
    #[must_use]
    pub const fn expiry(&self) -> Duration {
        self.expiry
    }

    /// Reads the snapshot last published as today's, which is of an earlier day if midnight has passed since.
    ///
    /// # Errors
    /// The store failed.
    pub async fn availability(&self) -> Result<Found, StoreError> {
        let key = &self.keys.availability;
        let Some(value) = self.store.get(key).await? else { return Ok(Found::Nothing) };
        let same = self.last_read().as_ref().and_then(|(last, snapshot)| (*last == value).then(|| snapshot.clone()));
        if let Some(snapshot) = same {
            return Ok(Found::Snapshot(snapshot));
        }
        let found = self.read(key, &value);
        *self.last_read() = found.clone().into_snapshot().map(|snapshot| (value, snapshot));
        Ok(found)
    }

    fn last_read(&self) -> MutexGuard<'_, Option<(Bytes, CachedSnapshot)>> {
        self.last_read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a day of the reserve, which has its last snapshot. An unusable value counts as absent.
    ///
    /// # Errors
    /// The store failed.
    pub async fn reserve(&self, date: NaiveDate) -> Result<Option<CachedSnapshot>, StoreError> {
        let key = self.keys.reserve(date);
        match self.snapshot(&key).await? {
            Found::Snapshot(snapshot) if snapshot.date == date => Ok(Some(snapshot)),
            // An operator can copy a value to another key.
            Found::Snapshot(misplaced) => {
                self.log_once(&key, &misplaced.checksum, &format_args!("it is the snapshot of {}", misplaced.date));
                Ok(None)
            }
            Found::Unusable | Found::Nothing => Ok(None),
        }
    }

    /// Reads the days of a room, and when the sweep that wrote them ended. An unusable value counts as absent.
    ///
    /// # Errors
    /// The store failed.
    pub async fn room_days(&self, id: &str) -> Result<Option<(Timestamp, RoomDays)>, StoreError> {
        let key = self.keys.room(id);
        let Found::Snapshot(value) = self.snapshot(&key).await? else { return Ok(None) };
        let unusable = |reason: &dyn fmt::Display| self.log_once(&key, &value.checksum, reason);
        match room_days::read(id, &value.body) {
            Ok(Some(days)) => return Ok(Some((value.last_updated, days))),
            Ok(None) => unusable(&"it belongs to another room"),
            Err(reason) => unusable(&error_chain(&reason)),
        }
        Ok(None)
    }

    async fn snapshot(&self, key: &str) -> Result<Found, StoreError> {
        Ok(self.store.get(key).await?.map_or(Found::Nothing, |value| self.read(key, &value)))
    }

    fn read(&self, key: &str, value: &Bytes) -> Found {
        match CachedSnapshot::from_value(value, &self.fingerprint) {
            Ok(snapshot) => Found::Snapshot(snapshot),
            Err(reason) => {
                self.log_once(key, &checksum(value), &error_chain(&reason));
                Found::Unusable
            }
        }
    }

    /// Logs an unusable value, unless it was the last one logged for this key.
    fn log_once(&self, key: &str, checksum: &str, cause: &dyn fmt::Display) {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.insert(key.to_owned(), checksum.to_owned()).as_deref() != Some(checksum) {
            tracing::warn!(key, %cause, "a cached value is unusable");
        }
    }

    /// Queries every kind of key, so that a store that does not serve all of them is detected at the start.
    ///
    /// # Errors
    /// The store failed.
    pub async fn check(&self, today: NaiveDate) -> Result<(), StoreError> {
        let Keys { availability, last_refresh, refresh_incomplete, refresh_lock, refresh_failed, .. } = &self.keys;
        let keys = [availability, last_refresh, refresh_incomplete, refresh_lock, refresh_failed];
        let days = today.iter_days().take(7).map(|date| self.keys.reserve(date));
        for key in keys.map(String::clone).into_iter().chain(days) {
            self.store.time_left(&key).await?;
        }
        Ok(())
    }

    /// Reads when the last successful sweep ended, if that is still cached.
    ///
    /// # Errors
    /// The store failed.
    pub async fn last_refresh(&self) -> Result<Option<Timestamp>, StoreError> {
        let Some(value) = self.store.get(&self.keys.last_refresh).await? else { return Ok(None) };
        let timestamp = std::str::from_utf8(&value).ok().and_then(Timestamp::parse);
        if timestamp.is_none() {
            tracing::warn!(key = self.keys.last_refresh, "a cached value counts as absent: it is not a timestamp");
        }
        Ok(timestamp)
    }

    /// Returns whether the sweep that ended at `last_refresh` ran out of time before every room had an answer.
    ///
    /// # Errors
    /// The store failed.
    pub async fn is_incomplete(&self, last_refresh: Timestamp) -> Result<bool, StoreError> {
        let incomplete = self.store.get(&self.keys.refresh_incomplete).await?;
        Ok(incomplete.is_some_and(|incomplete| incomplete == last_refresh.to_string().as_bytes()))
    }

    /// Returns the rest of the backoff after a failed sweep; `None` if there is none.
    ///
    /// # Errors
    /// The store failed.
    pub async fn backoff(&self) -> Result<Option<Duration>, StoreError> {
        self.store.time_left(&self.keys.refresh_failed).await
    }

    /// Starts the [`BACKOFF`], because the sweep that holds the lease has failed.
    ///
    /// # Errors
    /// The store failed, or the lease was lost: then the outcome of the newer sweep counts.
    pub async fn mark_failed(&self, lease: &Lease, at: Timestamp) -> Result<(), PublishError> {
        self.ensure_held(lease).await?;
        Ok(self.store.put(&self.keys.refresh_failed, at.to_string().into(), BACKOFF).await?)
    }

    /// Takes the lock; `None` if another process holds it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn lease(&self) -> Result<Option<Lease>, StoreError> {
        let kept = self.kept_token().take();
        if let Some(token) = kept {
            self.unlock(token).await?;
        }
        let token = Uuid::new_v4().to_string();
        let leased = self.lock(&token).await;
        if leased.is_err() {
            // The lock may have been taken, and only the response lost.
            *self.kept_token() = Some(token);
        }
        leased
    }

    async fn lock(&self, token: &str) -> Result<Option<Lease>, StoreError> {
        let Some(fencing_token) = self.store.lock(&self.keys.refresh_lock, token, LOCK_EXPIRY).await? else {
            return Ok(None);
        };
        let last_refresh = self.store.get(&self.keys.last_refresh).await?;
        let renewed = AtomicU64::new(fencing_token.micros());
        Ok(Some(Lease { token: token.to_owned(), fencing_token, renewed, last_refresh }))
    }

    /// Renews the lock for another minute.
    ///
    /// # Errors
    /// The store failed, or the lease was lost.
    pub async fn renew(&self, lease: &Lease) -> Result<(), PublishError> {
        match self.store.renew(&self.keys.refresh_lock, &lease.token, LOCK_EXPIRY).await? {
            Some(now) => lease.renewed.store(now.micros(), Ordering::Relaxed),
            None => self.ensure_held(lease).await?,
        }
        Ok(())
    }

    /// Releases the lock.
    ///
    /// # Errors
    /// The store failed. The lock is then released when this process next takes it, or expires.
    pub async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        self.unlock(lease.token).await
    }

    /// Keeps the lock because the store does not respond. It is released when this process next takes it, or expires.
    pub fn keep(&self, lease: Lease) {
        *self.kept_token() = Some(lease.token);
    }

    async fn unlock(&self, token: String) -> Result<(), StoreError> {
        let unlocked = self.store.unlock(&self.keys.refresh_lock, &token).await;
        if unlocked.is_err() {
            *self.kept_token() = Some(token);
        }
        unlocked
    }

    fn kept_token(&self) -> MutexGuard<'_, Option<String>> {
        self.kept_token.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether any process is sweeping.
    ///
    /// # Errors
    /// The store failed.
    pub async fn is_leased(&self) -> Result<bool, StoreError> {
        Ok(self.store.time_left(&self.keys.refresh_lock).await?.is_some())
    }

    /// Renders a snapshot of the sweep that holds the lease. `items` is the number of items that it found.
    #[must_use]
    pub fn render(&self, snapshot: &Snapshot, campus: &Campus, items: usize, lease: &Lease) -> CachedSnapshot {
        CachedSnapshot::render(snapshot, campus, items, lease.fencing_token, &self.fingerprint)
    }

    /// Publishes the snapshots of a finished sweep, which have the lease's fencing token: the reserve first, today's snapshot
    /// next, the time of the refresh last. A reader sees the old state or the new.
    ///
    /// # Errors
    /// The store failed, or the lease was lost.
    pub async fn publish(
        &self,
        lease: &Lease,
        today: NaiveDate,
        snapshots: &[CachedSnapshot],
    ) -> Result<(), PublishError> {
        self.publish_end(lease, today, snapshots, true).await
    }

    /// Like [`Self::publish`], for a sweep that ran out of time before every room had an answer.
    ///
    /// # Errors
    /// The store failed, or the lease was lost.
    pub async fn publish_incomplete(
        &self,
        lease: &Lease,
        today: NaiveDate,
        snapshots: &[CachedSnapshot],
    ) -> Result<(), PublishError> {
        self.publish_end(lease, today, snapshots, false).await
    }

    async fn publish_end(
        &self,
        lease: &Lease,
        today: NaiveDate,
        snapshots: &[CachedSnapshot],
        is_complete: bool,
    ) -> Result<(), PublishError> {
        let Some(todays) = self.publish_snapshots(lease, today, snapshots).await? else { return Ok(()) };
        let (old, new) = (lease.last_refresh.as_ref(), Bytes::from(todays.last_updated.to_string()));
        if !is_complete {
            self.store.put(&self.keys.refresh_incomplete, new.clone(), self.expiry).await?;
        }
        // A timestamp has no room for a fencing token. Comparing with the value from when the lock was taken is as safe.
        done_or_superseded(self.store.replace(&self.keys.last_refresh, old, new, self.expiry).await?)
    }

    /// Publishes what a sweep has found so far, for readers who have nothing else. Returns today's snapshot, if present.
    ///
    /// # Errors
    /// The store failed, or the lease was lost.
    pub async fn publish_snapshots<'a>(
        &self,
        lease: &Lease,
        today: NaiveDate,
        snapshots: &'a [CachedSnapshot],
    ) -> Result<Option<&'a CachedSnapshot>, PublishError> {
        self.ensure_held(lease).await?;
        // Today comes last: until today's snapshot is published, a reader without other data gets this copy as stale.
        for days in snapshots.rchunks(WRITES_AT_ONCE) {
            let keys: Vec<_> = days.iter().map(|snapshot| self.keys.reserve(snapshot.date)).collect();
            let writes = days.iter().zip(&keys).map(|(snapshot, key)| self.put(key, snapshot, RESERVE_EXPIRY));
            try_join_all(writes).await?;
        }
        let Some(todays) = snapshots.iter().find(|snapshot| snapshot.date == today) else { return Ok(None) };
        self.ensure_held(lease).await?;
        self.put(&self.keys.availability, todays, self.expiry).await?;
        Ok(Some(todays))
    }

    /// Publishes the days of each room, by its id, from the sweep that holds the lease and ended at `timestamp`.
    ///
    /// # Errors
    /// The store failed, or the lease was lost.
    pub async fn publish_room_days(
        &self,
        lease: &Lease,
        today: NaiveDate,
        timestamp: Timestamp,
        rooms: &[(&str, RoomDays)],
    ) -> Result<(), PublishError> {
        self.ensure_held(lease).await?;
        for rooms in rooms.chunks(ROOMS_AT_ONCE) {
            let values: Vec<_> =
                rooms.iter().map(|(id, days)| (self.keys.room(id), room_days::write(id, days))).collect();
            let writes = values.into_iter().map(async |(key, days)| {
                let (token, fingerprint) = (lease.fencing_token, self.fingerprint.clone());
                let value = CachedSnapshot::new(token, fingerprint, today, timestamp, days.into(), Bytes::new());
                self.put(&key, &value, RESERVE_EXPIRY).await
            });
            try_join_all(writes).await?;
        }
        Ok(())
    }

    async fn put(&self, key: &str, snapshot: &CachedSnapshot, ttl: Duration) -> Result<(), PublishError> {
        done_or_superseded(self.store.put_fenced(key, snapshot.to_value(), snapshot.fencing_token, ttl).await?)
    }

    async fn ensure_held(&self, lease: &Lease) -> Result<(), PublishError> {
        let held = match self.store.get(&self.keys.refresh_lock).await? {
            Some(holder) => holder == lease.token.as_bytes(),
            None => self.take_again(lease).await?,
        };
        done_or_superseded(held)
    }

    /// Takes a vanished lock again, unless another sweep was published meanwhile or too much time has passed. The lock may have
    /// been deleted by an operator, evicted by a Redis short of memory, or expired while Redis did not respond. The elapsed time
    /// comes from the fencing tokens, which are times of the cache's own clock: a process's clock may stop while its machine
    /// sleeps.
    async fn take_again(&self, lease: &Lease) -> Result<bool, StoreError> {
        let Some(fencing_token) = self.store.lock(&self.keys.refresh_lock, &lease.token, LOCK_EXPIRY).await? else {
            return Ok(false);
        };
        let last_refresh = self.store.get(&self.keys.last_refresh).await?;
        let is_latest = last_refresh.is_none() || last_refresh == lease.last_refresh;
        let renewed = FencingToken::from_micros(lease.renewed.load(Ordering::Relaxed));
        if is_latest && fencing_token.is_within(TAKE_AGAIN_WITHIN, renewed) {
            lease.renewed.store(fencing_token.micros(), Ordering::Relaxed);
            return Ok(true);
        }
        self.unlock(lease.token.clone()).await?;
        Ok(false)
    }

    /// Deletes today's snapshot and the time of the last refresh. The reserve stays until a sweep replaces it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn invalidate(&self) -> Result<(), StoreError> {
        self.store.delete(&self.keys.availability).await?;
        self.store.delete(&self.keys.last_refresh).await
    }
}

fn done_or_superseded(done: bool) -> Result<(), PublishError> {
    if done { Ok(()) } else { Err(PublishError::Superseded) }
}
