//! Facts about a room at an instant: whether it is free, when it is free next, and whether it is booked at all that day.

use chrono::{DateTime, FixedOffset};
use chrono_tz::Tz;
use serde::Serialize;

use crate::{
    campus_day::{CampusDay, iso_8601},
    free_period::FreePeriod,
    opening_hours::OpeningHours,
    snapshot::{RoomAvailability, RoomStatus},
};

/// Facts about a room besides its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoomFacts {
    /// Whether it is free now; null if that is unknown, or if the day is not today.
    pub free_now: Option<bool>,
    /// The current free period, or else the next one of the day; null if there is none.
    pub next_free: Option<FreeSpan>,
    /// Whether an event takes any part of the day's opening hours; null if that is unknown. Closures and holidays are not
    /// events. A room without any booking on a day is often locked.
    pub booked_today: Option<bool>,
}

/// A free period, as instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FreeSpan {
    /// When it begins.
    #[serde(serialize_with = "iso_8601")]
    pub start: DateTime<FixedOffset>,
    /// When the next booking begins, or the building closes.
    #[serde(serialize_with = "iso_8601")]
    pub end: DateTime<FixedOffset>,
}

impl RoomFacts {
    /// Returns the facts of a room on `day` at the campus time `now`. `hours` are its building's opening hours that day; `None`
    /// if it is closed.
    #[must_use]
    pub fn of(room: &RoomAvailability, hours: Option<OpeningHours>, day: CampusDay, now: DateTime<Tz>) -> Self {
        let spans = FreePeriod::of_slots(&room.availability, hours).map(|period| {
            let start = day.instant(period.from);
            // While the clocks repeat an hour, a period that ends in that hour ends at the second occurrence.
            FreeSpan { start, end: day.instant_after(period.until, start.max(now.fixed_offset())) }
        });
        Self {
            free_now: is_free(room, hours, day, now),
            // A period within an hour that the clocks skip is empty.
            next_free: spans.into_iter().find(|span| span.start < span.end && span.end > now),
            booked_today: room.booked,
        }
    }
}

impl FreeSpan {
    /// Returns a free period of this day as instants.
    #[must_use]
    pub fn of(period: FreePeriod, day: CampusDay) -> Self {
        let start = day.instant(period.from);
        Self { start, end: day.instant_after(period.until, start) }
    }
}

/// Returns whether a room is free on `day` at the campus time `now`; `None` if that is unknown, or if `day` is not today.
#[must_use]
pub fn is_free(
    room: &RoomAvailability,
    hours: Option<OpeningHours>,
    day: CampusDay,
    now: DateTime<Tz>,
) -> Option<bool> {
    // In a closed building no room is free, even if 25Live never answered.
    let is_known = room.status != RoomStatus::Unknown || hours.is_none();
    let is_today = now.date_naive() == day.date();
    let time = day.time_at(now.fixed_offset());
    let is_free =
        || FreePeriod::of_slots(&room.availability, hours).any(|period| period.from <= time && time < period.until);
    (is_known && is_today).then(is_free)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{slots::Slot, time_of_day::TimeOfDay};

    fn time(text: &str) -> TimeOfDay {
        text.parse().unwrap()
    }

    #[test]
    fn next_free_is_not_a_period_within_a_skipped_hour() {
        let slots = [("02:10", "02:49"), ("10:01", "23:00")];
        let facts = facts(RoomStatus::Ok, &slots, "00:00", "2026-03-08", "2026-03-08T01:00:00-05:00");
        let rest = json!({"start": "2026-03-08T10:00:00-04:00", "end": "2026-03-08T23:00:00-04:00"});
        assert_eq!(facts, json!([false, rest, true]));
    }

    /// Returns the facts of a room that is open from `opens` to 23:00, on `date` at `now`.
    fn facts(status: RoomStatus, slots: &[(&str, &str)], opens: &str, date: &str, now: &str) -> Value {
        facts_with(OpeningHours::new(time(opens), time("23:00")), status, slots, date, now)
    }

    fn facts_with(
        hours: Option<OpeningHours>,
        status: RoomStatus,
        slots: &[(&str, &str)],
        date: &str,
        now: &str,
    ) -> Value {
        let slots = slots.iter().map(|(start, end)| Slot { start: time(start), end: time(end) });
        let room = RoomAvailability {
            id: "1".into(),
            name: "1".into(),
            status,
            availability: slots.collect(),
            booked: (status != RoomStatus::Unknown).then_some(hours.is_some()),
            answered: None,
            is_unreached: false,
        };
        let zone = chrono_tz::America::New_York;
        let now = DateTime::parse_from_rfc3339(now).unwrap().with_timezone(&zone);
        let facts = RoomFacts::of(&room, hours, CampusDay::new(date.parse().unwrap(), zone), now);
        let mut facts = serde_json::to_value(facts).unwrap();
        ["free_now", "next_free", "booked_today"].iter().map(|name| facts[name].take()).collect()
    }

    /// Free from 07:00 to 09:05 and from 10:00 to 23:00.
    const SLOTS: [(&str, &str); 2] = [("07:00", "09:04"), ("10:01", "23:00")];
    const TUESDAY: &str = "2026-03-03";

    #[test]
    fn next_free_is_the_current_free_period_or_else_the_next_one() {
        let facts = |now| facts(RoomStatus::Ok, &SLOTS, "07:00", TUESDAY, now);
        let morning = json!({"start": "2026-03-03T07:00:00-05:00", "end": "2026-03-03T09:05:00-05:00"});
        let rest = json!({"start": "2026-03-03T10:00:00-05:00", "end": "2026-03-03T23:00:00-05:00"});
        for (now, free, next) in [
            ("2026-03-03T06:59:59-05:00", false, &morning),
            ("2026-03-03T07:00:00-05:00", true, &morning),
            ("2026-03-03T09:04:59-05:00", true, &morning),
            ("2026-03-03T09:05:00-05:00", false, &rest),
            ("2026-03-03T10:00:00-05:00", true, &rest),
            ("2026-03-03T22:59:59-05:00", true, &rest),
            ("2026-03-03T23:00:00-05:00", false, &Value::Null),
        ] {
            assert_eq!(facts(now), json!([free, next, true]), "{now}");
        }
    }

    #[test]
    fn free_now_is_null_for_another_day() {
        let facts = |now| facts(RoomStatus::Stale, &SLOTS, "07:00", TUESDAY, now);
        let morning = json!({"start": "2026-03-03T07:00:00-05:00", "end": "2026-03-03T09:05:00-05:00"});
        assert_eq!(facts("2026-03-02T08:00:00-05:00"), json!([null, morning, true]));
        assert_eq!(facts("2026-03-04T08:00:00-05:00"), json!([null, null, true]), "the whole day is over");
    }

    #[test]
    fn rooms_of_a_closed_building_are_neither_free_nor_booked() {
        let facts = |status| facts_with(None, status, &[], TUESDAY, "2026-03-03T12:00:00-05:00");
        assert_eq!(facts(RoomStatus::Ok), json!([false, null, false]));
        assert_eq!(facts(RoomStatus::Unknown), json!([false, null, null]));
    }

    #[test]
    fn all_facts_about_an_unknown_room_are_null() {
        let unknown = facts(RoomStatus::Unknown, &[], "07:00", TUESDAY, "2026-03-03T12:00:00-05:00");
        assert_eq!(unknown, json!([null, null, null]));
    }

    #[test]
    fn on_a_25_hour_day_a_period_ends_at_the_second_occurrence_once_the_first_has_passed() {
        let facts = |now| facts(RoomStatus::Ok, &[("00:00", "01:29")], "00:00", "2026-11-01", now);
        let span = |end: &str| json!({"start": "2026-11-01T00:00:00-04:00", "end": end});
        let first = span("2026-11-01T01:30:00-04:00");
        assert_eq!(facts("2026-11-01T01:29:00-04:00"), json!([true, first, true]));
        assert_eq!(facts("2026-11-01T01:29:00-05:00"), json!([true, span("2026-11-01T01:30:00-05:00"), true]));
    }
}
