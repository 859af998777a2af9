//! A clock that a test sets.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use emptyclassroom::outside::clock::Clock;

/// A clock that shows the time set by the test. Clones show the same time.
#[derive(Clone, Debug)]
pub struct TestClock {
    now: Arc<Mutex<DateTime<Utc>>>,
    ahead: TimeDelta,
}

impl TestClock {
    /// Creates a clock that shows this instant, such as `2026-03-03T17:00:00Z`.
    #[must_use]
    pub fn at(now: &str) -> Self {
        Self { now: Arc::new(Mutex::new(now.parse().unwrap())), ahead: TimeDelta::zero() }
    }

    /// Returns the clock of another machine, which runs with this one but is ahead by this much.
    #[must_use]
    pub fn ahead_by(&self, ahead: TimeDelta) -> Self {
        Self { now: Arc::clone(&self.now), ahead }
    }

    /// Sets the time, for all clones too.
    pub fn set(&self, now: &str) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now.parse().unwrap();
    }

    /// Moves the time forward, or back if negative.
    pub fn advance(&self, by: TimeDelta) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    /// Returns the service's clock, in New York.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let Self { now, ahead } = self.clone();
        Clock::new(chrono_tz::America::New_York, move || *now.lock().unwrap_or_else(PoisonError::into_inner) + ahead)
    }
}
