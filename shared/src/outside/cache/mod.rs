//! The cache: what lies under which key, for how long, and in which order it is written.

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

/// How long a lock is lent. A sweep that takes longer renews it.
const LOCK_EXPIRY: Duration = Duration::from_mins(1);
/// For how long after it was renewed a lock that has vanished may be taken again. Older answers are no news.
const TAKE_AGAIN_WITHIN: Duration = Duration::from_mins(5);
/// How often a sweep renews its lock: twice may fail.
pub const RENEW_EVERY: Duration = Duration::from_secs(LOCK_EXPIRY.as_secs() / 3);
/// How many rooms are written at once: each has some kilobytes.
const ROOMS_AT_ONCE: usize = 250;
/// How many days are written at once. A month of 1,500 rooms is 15 MB, and each write has its time limit.
const WRITES_AT_ONCE: usize = 4;
/// How long nobody sweeps after a sweep failed.
pub const BACKOFF: Duration = Duration::from_mins(1);

/// The cached snapshots of one campus, and what keeps sweeps apart.
#[derive(Clone, Debug)]
pub struct Cache {
    store: Arc<dyn Store>,
    keys: Keys,
    fingerprint: Fingerprint,
    expiry: Duration,
    /// A checksum of the unusable value that was logged last, by key, so that each is logged once.
    logged: Arc<Mutex<HashMap<String, String>>>,
    /// The value that was read last as today's snapshot, and the snapshot in it. Until a sweep publishes, every reader finds the
    /// same value, of which nothing has to be checked, decoded or parsed again.
    last_read: Arc<Mutex<Option<(Bytes, CachedSnapshot)>>>,
    /// The token of a lock that may still be held although nobody sweeps, because the store failed when it was taken or
    /// given back. Behind a std mutex, because nothing awaits while it is held.
    kept_token: Arc<Mutex<Option<String>>>,
}

/// What lies under the key of today's snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A snapshot, of today or of an earlier day.
    Snapshot(CachedSnapshot),
    /// A value that is no snapshot, or none that this process can use. The log says why.
    Unusable,
    /// No value.
    Nothing,
}

impl Found {
    /// The snapshot, if it is one.
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
    /// When the lock was taken or renewed last, in microseconds of the cache's own clock.
    renewed: AtomicU64,
    /// What stood as the last refresh when the lock was taken.
    last_refresh: Option<Bytes>,
}

/// Why a sweep was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The store failed. What was written before it is good.
    #[error("the cache failed")]
    Store(#[from] StoreError),
    /// The lease ran out, or a newer sweep has been published: nothing newer was replaced.
    #[error("the sweep outlived its lock, and was not published")]
    Superseded,
}

impl Cache {
    /// The cache in `store`, under keys with this prefix. Today's snapshot and the last refresh expire after `expiry`; values
    /// with another fingerprint are unusable.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, prefix: &str, fingerprint: Fingerprint, expiry: Duration) -> Self {
        let keys = Keys::new(prefix);
        let (logged, last_read, kept_token) = (Arc::default(), Arc::default(), Arc::default());
        Self { store, keys, fingerprint, expiry, logged, last_read, kept_token }
    }

    /// How long today's snapshot is good for.
    #[must_use]
    pub const fn expiry(&self) -> Duration {
        self.expiry
    }

    /// What was published last as today's snapshot; of an earlier day, if midnight has passed since.
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

    /// The reserve: the last snapshot of a day. An unusable value counts as absent.
    ///
    /// # Errors
    /// The store failed.
    pub async fn reserve(&self, date: NaiveDate) -> Result<Option<CachedSnapshot>, StoreError> {
        let key = self.keys.reserve(date);
        match self.snapshot(&key).await? {
            Found::Snapshot(snapshot) if snapshot.date == date => Ok(Some(snapshot)),
            // Operators can copy whole values to other keys.
            Found::Snapshot(misplaced) => {
                self.log_once(&key, &misplaced.checksum, &format_args!("it is of {}", misplaced.date));
                Ok(None)
            }
            Found::Unusable | Found::Nothing => Ok(None),
        }
    }

    /// The days of a room, and when the sweep ended that wrote them. An unusable value counts as absent.
    ///
    /// # Errors
    /// The store failed.
    pub async fn room_days(&self, id: &str) -> Result<Option<(Timestamp, RoomDays)>, StoreError> {
        let key = self.keys.room(id);
        let Found::Snapshot(value) = self.snapshot(&key).await? else { return Ok(None) };
        let unusable = |reason: &dyn fmt::Display| self.log_once(&key, &value.checksum, reason);
        match room_days::read(id, &value.body) {
            Ok(Some(days)) => return Ok(Some((value.last_updated, days))),
            Ok(None) => unusable(&"it is of another room"),
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

    /// Logs that a value is unusable, unless it is the one that was logged last for this key.
    fn log_once(&self, key: &str, checksum: &str, cause: &dyn fmt::Display) {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.insert(key.to_owned(), checksum.to_owned()).as_deref() != Some(checksum) {
            tracing::warn!(key, %cause, "a cached value is unusable");
        }
    }

    /// Asks for every kind of key, so that a store which does not serve them all is noticed at the start.
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

    /// When the last successful sweep ended, if the cache still knows.
    ///
    /// # Errors
    /// The store failed.
    pub async fn last_refresh(&self) -> Result<Option<Timestamp>, StoreError> {
        let Some(value) = self.store.get(&self.keys.last_refresh).await? else { return Ok(None) };
        let timestamp = std::str::from_utf8(&value).ok().and_then(Timestamp::parse);
        if timestamp.is_none() {
            tracing::warn!(key = self.keys.last_refresh, "a cached value counts as absent: it is no instant");
        }
        Ok(timestamp)
    }

    /// Whether the sweep that ended at `last_refresh` ran out of time before every room had an answer.
    ///
    /// # Errors
    /// The store failed.
    pub async fn is_incomplete(&self, last_refresh: Timestamp) -> Result<bool, StoreError> {
        let incomplete = self.store.get(&self.keys.refresh_incomplete).await?;
        Ok(incomplete.is_some_and(|incomplete| incomplete == last_refresh.to_string().as_bytes()))
    }

    /// How long sweeps are still held back because one failed; `None` when they are not.
    ///
    /// # Errors
    /// The store failed.
    pub async fn backoff(&self) -> Result<Option<Duration>, StoreError> {
        self.store.time_left(&self.keys.refresh_failed).await
    }

    /// Holds sweeps back for [`BACKOFF`], because the sweep that holds the lease has failed.
    ///
    /// # Errors
    /// The store failed, or the lease did not last: then whoever holds it now knows better.
    pub async fn mark_failed(&self, lease: &Lease, at: Timestamp) -> Result<(), PublishError> {
        self.ensure_held(lease).await?;
        Ok(self.store.put(&self.keys.refresh_failed, at.to_string().into(), BACKOFF).await?)
    }

    /// Takes the lock, if nobody holds it.
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
            // The lock may have been taken, and only an answer lost.
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

    /// Keeps the lock for another minute.
    ///
    /// # Errors
    /// The store failed, or the lease did not last.
    pub async fn renew(&self, lease: &Lease) -> Result<(), PublishError> {
        match self.store.renew(&self.keys.refresh_lock, &lease.token, LOCK_EXPIRY).await? {
            Some(now) => lease.renewed.store(now.micros(), Ordering::Relaxed),
            None => self.ensure_held(lease).await?,
        }
        Ok(())
    }

    /// Gives the lock back.
    ///
    /// # Errors
    /// The store failed. The lock is then given back when this process wants it again, or expires.
    pub async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        self.unlock(lease.token).await
    }

    /// Keeps the lock of a store that does not answer: it is given back when this process wants it again, or expires.
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

    /// Whether somebody sweeps.
    ///
    /// # Errors
    /// The store failed.
    pub async fn is_leased(&self) -> Result<bool, StoreError> {
        Ok(self.store.time_left(&self.keys.refresh_lock).await?.is_some())
    }

    /// Renders a snapshot of the sweep of `campus` that holds the lease and found so many items.
    #[must_use]
    pub fn render(&self, snapshot: &Snapshot, campus: &Campus, items: usize, lease: &Lease) -> CachedSnapshot {
        CachedSnapshot::render(snapshot, campus, items, lease.fencing_token, &self.fingerprint)
    }

    /// Publishes the snapshots of a sweep that has ended, which have the lease's fencing token: the reserve first, today's
    /// snapshot next, the time of the refresh last. A reader sees the old state or the new.
    ///
    /// # Errors
    /// The store failed, or the lease did not last.
    pub async fn publish(
        &self,
        lease: &Lease,
        today: NaiveDate,
        snapshots: &[CachedSnapshot],
    ) -> Result<(), PublishError> {
        self.publish_end(lease, today, snapshots, true).await
    }

    /// The same for a sweep that ran out of time before every room had an answer.
    ///
    /// # Errors
    /// The store failed, or the lease did not last.
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
        // An instant has no room for a fencing token. That nobody has replaced it since the lock was taken is as good.
        done_or_superseded(self.store.replace(&self.keys.last_refresh, old, new, self.expiry).await?)
    }

    /// Publishes what a sweep has brought so far, for readers who have nothing else. Returns today's snapshot, if it is there.
    ///
    /// # Errors
    /// The store failed, or the lease did not last.
    pub async fn publish_snapshots<'a>(
        &self,
        lease: &Lease,
        today: NaiveDate,
        snapshots: &'a [CachedSnapshot],
    ) -> Result<Option<&'a CachedSnapshot>, PublishError> {
        self.ensure_held(lease).await?;
        // Today comes last: from then until its snapshot is published, a reader who finds nothing gets it as a stale copy.
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
    /// The store failed, or the lease did not last.
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

    /// A lock that has vanished was deleted by an operator, or by a Redis that is short of memory and evicts first what lives
    /// shortest, or expired while Redis did not answer. It is taken again, unless another sweep has been published meanwhile, or
    /// too much time has passed. The fencing tokens say how much: they are times of the cache's own clock, and a process's clock may
    /// stand still while its machine sleeps.
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

    /// Forgets today's snapshot and the time of the last refresh. The reserve stays until a sweep replaces it.
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
