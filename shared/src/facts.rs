//! What follows from a room's slots at an instant: whether it is free, when it is next, and whether it is booked at all.

use chrono::{DateTime, FixedOffset};
use chrono_tz::Tz;
use serde::Serialize;

use crate::{
    campus::OpeningHours,
    campus_day::CampusDay,
    free_period::FreePeriod,
    question::iso_8601,
    snapshot::{RoomAvailability, RoomStatus},
};

/// What people want to know of a room besides its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RoomFacts {
    /// Whether it is free; `None` where that is not known, and for a day that is not today.
    pub free_now: Option<bool>,
    /// The free period that runs, or else the next one of the day.
    pub next_free: Option<FreeSpan>,
    /// Whether anything takes the room within the day's opening hours; `None` where that is not known. A room that nobody has
    /// booked all day is often locked.
    pub booked_today: Option<bool>,
}

/// A free period, as instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FreeSpan {
    /// When it begins.
    #[serde(serialize_with = "iso_8601")]
    pub start: DateTime<FixedOffset>,
    /// When the next booking begins, or the building closes.
    #[serde(serialize_with = "iso_8601")]
    pub end: DateTime<FixedOffset>,
}

impl RoomFacts {
    /// The facts of a room of a building with these opening hours on `day`, when the clocks at the campus show `now`.
    #[must_use]
    pub fn of(room: &RoomAvailability, hours: OpeningHours, day: CampusDay, now: DateTime<Tz>) -> Self {
        let is_known = room.status != RoomStatus::Unknown;
        let all_day = FreePeriod { from: hours.opens(), until: hours.closes() };
        let spans = FreePeriod::of_room(room, hours).map(|period| FreeSpan::of(period, day));
        Self {
            free_now: is_free(room, hours, day, now),
            next_free: spans.into_iter().find(|span| span.end > now),
            booked_today: is_known.then(|| FreePeriod::of_room(room, hours).all(|period| period != all_day)),
        }
    }
}

impl FreeSpan {
    /// A free period of that day.
    #[must_use]
    pub fn of(period: FreePeriod, day: CampusDay) -> Self {
        let start = day.instant(period.from);
        Self { start, end: day.instant_after(period.until, start) }
    }
}

/// Whether a room is free on `day` when the clocks at the campus show `now`; `None` where that is not known, and for a day that
/// is not today.
#[must_use]
pub fn is_free(room: &RoomAvailability, hours: OpeningHours, day: CampusDay, now: DateTime<Tz>) -> Option<bool> {
    let (is_known, is_today) = (room.status != RoomStatus::Unknown, now.date_naive() == day.date());
    let time = day.time_at(now.fixed_offset());
    let is_free = || FreePeriod::of_room(room, hours).any(|period| period.from <= time && time < period.until);
    (is_known && is_today).then(is_free)
}
