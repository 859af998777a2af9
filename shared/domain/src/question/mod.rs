//! A question about a day's rooms: in which buildings, free when, for how long, with which name, in which order.
//!
//! [`Question::answer`] picks the rooms out of a snapshot. Time is counted as it passes: an hour that the clocks skip does
//! not count, and one that they repeat counts twice.

mod matches;

use chrono::{DateTime, FixedOffset, TimeDelta, Timelike};
use chrono_tz::Tz;

pub use self::matches::{BuildingMatches, FreeTime, OpenClassrooms, RoomMatch};
use crate::{campus_day::CampusDay, time_of_day::TimeOfDay};

/// A question about the rooms of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The day asked about.
    pub day: CampusDay,
    /// The codes of the buildings asked for; `None` for all.
    pub buildings: Option<Vec<String>>,
    /// When a room must be free; `None` for any time.
    pub moment: Option<Moment>,
    /// For how many minutes a room must be free; 0 for any length.
    pub min_minutes: u16,
    /// What a room's or a building's name must contain.
    pub search: Option<Search>,
    /// The order of the rooms within a building; `None` for the campus file's.
    pub sort: Option<Sort>,
}

/// The time asked about: a minute, or a range of minutes, of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    from: TimeOfDay,
    /// The first minute after the range.
    until: TimeOfDay,
    /// The instant of `from`.
    instant: DateTime<FixedOffset>,
}

/// The order of the rooms within a building.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// By name, with numbers in numeric order.
    Name,
    /// The rooms that are free longest first. With a moment, these are also the rooms that are free until latest.
    Longest,
}

/// A part of a building's name, or of a room's name with its building's code in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// In lower case and without spaces.
    folded: String,
}

impl Question {
    /// The question that every room of `day` answers.
    #[must_use]
    pub const fn about(day: CampusDay) -> Self {
        Self { day, buildings: None, moment: None, min_minutes: 0, search: None, sort: None }
    }
}

impl Moment {
    /// The minute that has begun when clocks at the campus show `now`; `None` if `day` is not today.
    #[must_use]
    pub fn now(day: CampusDay, now: DateTime<Tz>) -> Option<Self> {
        if now.date_naive() != day.date() {
            return None;
        }
        let from = TimeOfDay::from(now.time());
        Some(Self { from, until: from.next_minute(), instant: start_of_minute(now) })
    }

    /// One minute of the day. A minute that the clocks skip is the first one after the gap.
    #[must_use]
    pub fn at(day: CampusDay, time: TimeOfDay) -> Self {
        Self::range(day, time, time)
    }

    /// From one time up to the other, and at least for a minute. Times that the clocks skip are the first one after the gap.
    #[must_use]
    pub fn range(day: CampusDay, from: TimeOfDay, until: TimeOfDay) -> Self {
        let instant = day.instant(from);
        let from = day.time_at(instant);
        Self { from, until: until.max(from.next_minute()), instant }
    }
}

/// The instant at which the minute of `now` began.
fn start_of_minute(now: DateTime<Tz>) -> DateTime<FixedOffset> {
    // Seconds are subtracted, and not set: a time that the clocks show twice could not be set.
    let since = TimeDelta::seconds(now.second().into()) + TimeDelta::nanoseconds(now.nanosecond().into());
    now.fixed_offset() - since
}

impl Search {
    /// Searches for a text, whatever its case and its spaces; `None` if it holds nothing but spaces.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let folded = fold(text);
        (!folded.is_empty()).then_some(Self { folded })
    }

    /// Whether the words, put together, contain it.
    fn matches(&self, words: &[&String]) -> bool {
        words.iter().map(|word| fold(word)).collect::<String>().contains(&self.folded)
    }
}

/// The text in lower case and without spaces.
fn fold(text: &str) -> String {
    text.split_whitespace().flat_map(str::chars).flat_map(char::to_lowercase).collect()
}
