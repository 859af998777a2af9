//! A clock that a test sets.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use emptyclassroom::outside::clock::Clock;

/// A clock that shows the time the test has set. Clones show the same time.
#[derive(Clone, Debug)]
pub struct TestClock {
    now: Arc<Mutex<DateTime<Utc>>>,
    ahead: TimeDelta,
}

impl TestClock {
    /// A clock that shows this instant, such as `2026-03-03T17:00:00Z`.
    #[must_use]
    pub fn at(now: &str) -> Self {
        Self { now: Arc::new(Mutex::new(now.parse().unwrap())), ahead: TimeDelta::zero() }
    }

    /// The clock of another machine: it runs with this one, and is wrong by so much.
    #[must_use]
    pub fn ahead_by(&self, ahead: TimeDelta) -> Self {
        Self { now: Arc::clone(&self.now), ahead }
    }

    /// Sets the time, of all clones too.
    pub fn set(&self, now: &str) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now.parse().unwrap();
    }

    /// Moves the time on, or back.
    pub fn advance(&self, by: TimeDelta) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    /// The clock as the service takes it, in New York.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let Self { now, ahead } = self.clone();
        Clock::new(chrono_tz::America::New_York, move || *now.lock().unwrap_or_else(PoisonError::into_inner) + ahead)
    }
}
