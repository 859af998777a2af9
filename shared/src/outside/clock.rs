//! The clock: the only source of the current time, so that a test can replace it.

use std::{fmt, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::timestamp::Timestamp;

/// A wall clock and the campus's time zone.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    timezone: Tz,
}

impl Clock {
    /// Returns the system clock.
    #[must_use]
    pub fn system(timezone: Tz) -> Self {
        Self::new(timezone, Utc::now)
    }

    /// Returns a clock that reads the time from `now`.
    pub fn new(timezone: Tz, now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self { now: Arc::new(now), timezone }
    }

    /// Returns the current instant.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }

    /// Returns the current instant as a timestamp with the campus's offset.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        Timestamp::at_campus(self.now(), self.timezone)
    }

    /// Returns the current instant in the campus's time zone.
    #[must_use]
    pub fn at_campus(&self) -> DateTime<Tz> {
        self.now().with_timezone(&self.timezone)
    }

    /// Returns today's date at the campus.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.at_campus().date_naive()
    }

    /// Returns the campus's time zone.
    #[must_use]
    pub const fn timezone(&self) -> Tz {
        self.timezone
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("now", &self.now()).field("timezone", &self.timezone).finish()
    }
}
