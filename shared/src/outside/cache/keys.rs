//! The keys of one campus. All begin with its prefix.

use chrono::NaiveDate;

/// The keys of one campus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// Today's snapshot.
    pub(super) availability: String,
    /// The common beginning of the keys of rooms.
    room: String,
    /// When the last successful sweep ended.
    pub(super) last_refresh: String,
    /// The same timestamp as `last_refresh`, if that sweep ended before every room had an answer.
    pub(super) refresh_incomplete: String,
    /// The lock of the running sweep.
    pub(super) refresh_lock: String,
    /// Set during the backoff after a failed sweep.
    pub(super) refresh_failed: String,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        let key = |name: &str| format!("{prefix}:{name}");
        Self {
            availability: key("availability"),
            room: key("room"),
            last_refresh: key("last_refresh"),
            refresh_incomplete: key("refresh_incomplete"),
            refresh_lock: key("refresh_lock"),
            refresh_failed: key("refresh_failed"),
        }
    }

    /// Returns the key of a room's days.
    pub(super) fn room(&self, id: &str) -> String {
        format!("{}:{id}", self.room)
    }

    /// Returns the key of a day in the reserve, which has its last snapshot.
    pub(super) fn reserve(&self, date: NaiveDate) -> String {
        format!("{}:{date}", self.availability)
    }
}
