//! What time it is: the one door through which the use cases learn it, so that a test can hold it.

use std::{fmt, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::timestamp::Timestamp;

/// A wall clock, and the time zone of the campus in which it hangs.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    timezone: Tz,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system(timezone: Tz) -> Self {
        Self::new(timezone, Utc::now)
    }

    /// A clock that shows what `now` says.
    pub fn new(timezone: Tz, now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self { now: Arc::new(now), timezone }
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }

    /// The present instant, as the campus writes it.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        Timestamp::at_campus(self.now(), self.timezone)
    }

    /// The present instant, as a clock at the campus shows it.
    #[must_use]
    pub fn at_campus(&self) -> DateTime<Tz> {
        self.now().with_timezone(&self.timezone)
    }

    /// Today, at the campus.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.at_campus().date_naive()
    }

    /// The time zone of the campus.
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
