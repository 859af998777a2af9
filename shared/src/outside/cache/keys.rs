//! The keys of one campus, all of which begin with its prefix.

use chrono::NaiveDate;

/// The keys of one campus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// Today's snapshot.
    pub(super) availability: String,
    /// What the keys of rooms begin with.
    room: String,
    /// When the last successful sweep ended.
    pub(super) last_refresh: String,
    /// The same instant as `last_refresh`, if that sweep ended before every room had an answer.
    pub(super) refresh_incomplete: String,
    /// Held by whoever sweeps.
    pub(super) refresh_lock: String,
    /// Set while a failed sweep keeps others from trying.
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

    /// The days of a room.
    pub(super) fn room(&self, id: &str) -> String {
        format!("{}:{id}", self.room)
    }

    /// The reserve: the last snapshot of a day.
    pub(super) fn reserve(&self, date: NaiveDate) -> String {
        format!("{}:{date}", self.availability)
    }
}
