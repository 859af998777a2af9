//! The embedded in-memory cache, for a local server without Redis.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};

use super::{
    fencing::FencingToken,
    store::{Store, StoreError},
};
use crate::outside::clock::Clock;

/// Values in memory. They expire by the wall clock, which unlike the monotonic clock continues while a laptop sleeps.
#[derive(Debug)]
pub struct MemoryStore {
    clock: Clock,
    // A std mutex, because nothing awaits while it is held.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    entries: HashMap<String, Entry>,
    last_token: FencingToken,
    /// The time of the last access.
    seen: DateTime<Utc>,
}

#[derive(Debug)]
struct Entry {
    value: Bytes,
    expires: DateTime<Utc>,
}

impl MemoryStore {
    /// Returns an empty store.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let state = State { entries: HashMap::new(), last_token: FencingToken::from_micros(0), seen: clock.now() };
        Self { clock, state: Mutex::new(state) }
    }

    /// Locks the state and removes expired entries, so that reads never see them and they do not accumulate.
    fn present(&self) -> MutexGuard<'_, State> {
        let now = self.clock.now();
        // A poisoned lock is safe: each change is a single call on the map, so a panic leaves no partial entry.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now < state.seen {
            // The clock was set back. This must not extend any entry.
            let by = state.seen - now;
            state.entries.values_mut().for_each(|entry| entry.expires -= by);
        }
        state.seen = now;
        state.entries.retain(|_, entry| entry.expires > now);
        state
    }
}

impl State {
    fn entry(&self, value: Bytes, ttl: Duration) -> Entry {
        let ttl = TimeDelta::from_std(ttl).unwrap_or(TimeDelta::MAX);
        Entry { value, expires: self.seen.checked_add_signed(ttl).unwrap_or(DateTime::<Utc>::MAX_UTC) }
    }

    fn token_now(&self) -> FencingToken {
        FencingToken::at(self.seen)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.present().entries.get(key).map(|entry| entry.value.clone()))
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
        let mut state = self.present();
        let entry = state.entry(value, ttl);
        state.entries.insert(key.to_owned(), entry);
        Ok(())
    }

    async fn put_fenced(
        &self,
        key: &str,
        value: Bytes,
        fencing_token: FencingToken,
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        let mut state = self.present();
        let entry = state.entry(value, ttl);
        let (now, present) =
            (state.token_now(), state.entries.get(key).and_then(|present| FencingToken::of(&present.value)));
        let newer = present.is_some_and(|present| present > fencing_token && present.is_credible(now));
        if !newer {
            state.entries.insert(key.to_owned(), entry);
        }
        Ok(!newer)
    }

    async fn replace(&self, key: &str, old: Option<&Bytes>, value: Bytes, ttl: Duration) -> Result<bool, StoreError> {
        let mut state = self.present();
        let entry = state.entry(value, ttl);
        let another = state.entries.get(key).is_some_and(|present| Some(&present.value) != old);
        if !another {
            state.entries.insert(key.to_owned(), entry);
        }
        Ok(!another)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.present().entries.remove(key);
        Ok(())
    }

    async fn time_left(&self, key: &str) -> Result<Option<Duration>, StoreError> {
        let state = self.present();
        Ok(state.entries.get(key).and_then(|entry| (entry.expires - state.seen).to_std().ok()))
    }

    async fn lock(&self, key: &str, token: &str, ttl: Duration) -> Result<Option<FencingToken>, StoreError> {
        let mut state = self.present();
        let entry = state.entry(Bytes::copy_from_slice(token.as_bytes()), ttl);
        if state.entries.get(key).is_some_and(|holder| holder.value != entry.value) {
            return Ok(None);
        }
        state.entries.insert(key.to_owned(), entry);
        state.last_token = state.token_now().max(FencingToken::from_micros(state.last_token.micros() + 1));
        Ok(Some(state.last_token))
    }

    async fn renew(&self, key: &str, token: &str, ttl: Duration) -> Result<Option<FencingToken>, StoreError> {
        let mut state = self.present();
        if state.entries.get(key).is_none_or(|holder| holder.value != token.as_bytes()) {
            return Ok(None);
        }
        let entry = state.entry(Bytes::copy_from_slice(token.as_bytes()), ttl);
        state.entries.insert(key.to_owned(), entry);
        Ok(Some(state.token_now()))
    }

    async fn unlock(&self, key: &str, token: &str) -> Result<(), StoreError> {
        let mut state = self.present();
        if state.entries.get(key).is_some_and(|holder| holder.value == token.as_bytes()) {
            state.entries.remove(key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    };

    use super::*;

    #[tokio::test]
    async fn a_clock_that_is_set_back_extends_no_expiry() {
        let minutes = Arc::new(AtomicI64::new(0));
        let now = Arc::clone(&minutes);
        let noon: DateTime<Utc> = "2026-03-03T12:00:00Z".parse().unwrap();
        let at = move || noon + TimeDelta::minutes(now.load(Ordering::Relaxed));
        let store = MemoryStore::new(Clock::new(chrono_tz::UTC, at));
        let left = async || store.time_left("k").await.unwrap().map(|left| left.as_secs() / 60);
        store.put("k", "v".into(), Duration::from_hours(1)).await.unwrap();
        minutes.store(10, Ordering::Relaxed);
        assert_eq!(left().await, Some(50));
        minutes.store(-170, Ordering::Relaxed);
        assert_eq!(left().await, Some(50));
        minutes.store(-130, Ordering::Relaxed);
        assert_eq!(left().await, Some(10));
        minutes.store(-120, Ordering::Relaxed);
        assert_eq!(left().await, None);
    }
}
