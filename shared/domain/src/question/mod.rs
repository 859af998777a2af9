//! A question about the rooms of a day: filters by building, time, length, capacity, feature and name, and an order.
//!
//! [`Question::answer`] selects the rooms from a snapshot. Durations are elapsed time: an hour that the clocks skip does not
//! count, and one that they repeat counts twice.

mod matches;

use chrono::{DateTime, FixedOffset, TimeDelta, Timelike};
use chrono_tz::Tz;

pub use self::matches::{BuildingMatches, FreeTime, OpenClassrooms, RoomMatch, mark_stale};
use crate::{campus_day::CampusDay, time_of_day::TimeOfDay};

/// A question about the rooms of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The day asked about.
    pub day: CampusDay,
    /// The codes of the requested buildings; `None` for all.
    pub buildings: Option<Vec<String>>,
    /// When a room must be free; `None` for any time.
    pub moment: Option<Moment>,
    /// The minutes for which a room must be free; 0 for any length.
    pub min_minutes: u16,
    /// The number of people that a room must hold; `None` for any number. A room of unknown capacity does not match.
    pub min_capacity: Option<u32>,
    /// The features that a room must have, in lower case.
    pub features: Vec<String>,
    /// The text that a room's or building's name must contain.
    pub search: Option<Search>,
    /// The order of the rooms within a building; `None` for the campus file's.
    pub sort: Option<Sort>,
}

/// The requested time: a minute or a range of minutes of one day.
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
    /// The longest free time first. With a moment, this is also the latest end first.
    Longest,
    /// The largest capacity first, and unknown capacities last.
    Largest,
}

/// A text to find in a building's name, or in a room's name with its building's code in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// In lower case and without spaces.
    folded: String,
}

impl Question {
    /// Returns the question that every room of `day` matches.
    #[must_use]
    pub const fn about(day: CampusDay) -> Self {
        Self {
            day,
            buildings: None,
            moment: None,
            min_minutes: 0,
            min_capacity: None,
            features: Vec::new(),
            search: None,
            sort: None,
        }
    }
}

impl Moment {
    /// Returns the current minute at the campus; `None` if `day` is not today.
    #[must_use]
    pub fn now(day: CampusDay, now: DateTime<Tz>) -> Option<Self> {
        if now.date_naive() != day.date() {
            return None;
        }
        let from = TimeOfDay::from(now.time());
        Some(Self { from, until: from.next_minute(), instant: start_of_minute(now) })
    }

    /// Returns one minute of the day. A minute that the clocks skip becomes the first one after the gap.
    #[must_use]
    pub fn at(day: CampusDay, time: TimeOfDay) -> Self {
        Self::range(day, time, time)
    }

    /// Returns the range from one time up to the other, at least a minute long. Times that the clocks skip become the first one
    /// after the gap; if that is the end of the day, no room is free then.
    #[must_use]
    pub fn range(day: CampusDay, from: TimeOfDay, until: TimeOfDay) -> Self {
        let instant = day.instant(from);
        let (from, until) = (day.shown_from(from), day.shown_from(until));
        Self { from, until: until.max(from.next_minute()), instant }
    }
}

/// Returns the instant at which the minute of `now` began.
fn start_of_minute(now: DateTime<Tz>) -> DateTime<FixedOffset> {
    // Subtract the seconds instead of setting them to 0: a repeated time would be ambiguous.
    let since = TimeDelta::seconds(now.second().into()) + TimeDelta::nanoseconds(now.nanosecond().into());
    now.fixed_offset() - since
}

impl Search {
    /// Returns a search that ignores case and spaces; `None` if the text has only spaces.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let folded = fold(text);
        (!folded.is_empty()).then_some(Self { folded })
    }

    /// Returns whether the concatenated words contain the text.
    fn matches(&self, words: &[&String]) -> bool {
        words.iter().map(|word| fold(word)).collect::<String>().contains(&self.folded)
    }
}

/// Returns the text in lower case and without spaces.
fn fold(text: &str) -> String {
    text.split_whitespace().flat_map(str::chars).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bookings::{Booking, BookingsByRoom},
        campus::Campus,
        snapshot::Snapshot,
        timestamp::Timestamp,
    };

    fn time(text: &str) -> TimeOfDay {
        text.parse().unwrap()
    }

    /// Returns the rooms that are free from one time up to the other, with their minutes. The campus has a room without classes,
    /// one with a class from 22:00 to 23:10, and one with a class from 02:10 to 02:40.
    fn free(zone: Tz, date: &str, from: &str, until: &str) -> Vec<(String, i64)> {
        let file = format!(
            "name = 'A'\ntimezone = '{zone}'\n[[buildings]]\ncode = 'A'\nname = 'A'\nopens = '00:00'\ncloses = '24:00'\n\
             classrooms = [{{ id = 'free', name = '1' }}, {{ id = 'late', name = '2' }}, {{ id = 'night', name = '3' }}]"
        );
        let campus = Campus::parse("three rooms", &file).unwrap();
        let date = date.parse().unwrap();
        let mut bookings = BookingsByRoom::new();
        for (id, class) in [("free", None), ("late", Some(("22:00", "23:10"))), ("night", Some(("02:10", "02:40")))] {
            let class = class.map(|(start, end)| Booking { start: time(start).minutes(), end: time(end).minutes() });
            bookings.entry(id.to_owned()).or_default().add(date, class);
        }
        let last_updated = Timestamp::parse("2026-03-03T05:00:00-05:00").unwrap();
        let snapshot = Snapshot::new(&campus, 28, date, last_updated, &bookings, None);
        let day = CampusDay::new(date, campus.timezone);
        let question = Question { moment: Some(Moment::range(day, time(from), time(until))), ..Question::about(day) };
        let answer = question.answer(&snapshot, &campus);
        let rooms = answer.buildings["A"].classrooms.iter();
        rooms.map(|room| (room.id.to_owned(), room.free.as_ref().unwrap().minutes)).collect()
    }

    fn found(rooms: &[(&str, i64)]) -> Vec<(String, i64)> {
        rooms.iter().map(|(id, minutes)| ((*id).to_owned(), *minutes)).collect()
    }

    #[test]
    fn no_room_is_free_at_a_time_skipped_up_to_the_end_of_the_day() {
        let free = |from, until| free(chrono_tz::America::Nuuk, "2026-03-28", from, until);
        for (from, until) in
            [("23:00", "23:00"), ("23:30", "23:30"), ("23:59", "23:59"), ("23:10", "23:40"), ("23:30", "24:00")]
        {
            assert_eq!(free(from, until), [], "{from} to {until}");
        }
        assert_eq!(free("22:30", "22:30"), found(&[("free", 30), ("night", 30)]));
        // 23:30 is the end of the day.
        assert_eq!(free("22:00", "23:30"), found(&[("free", 60), ("night", 60)]));
        assert_eq!(free("21:59", "22:00"), found(&[("free", 61), ("late", 1), ("night", 61)]));
    }

    #[test]
    fn a_skipped_time_is_the_first_time_after_the_gap_in_questions_and_in_bookings() {
        let free = |from, until| free(chrono_tz::America::New_York, "2026-03-08", from, until);
        // The class at night lies within the skipped hour, so it takes no time.
        assert_eq!(free("02:30", "02:30"), found(&[("free", 1260), ("late", 1140), ("night", 1260)]));
        assert_eq!(free("01:30", "02:30"), found(&[("free", 1290), ("late", 1170), ("night", 30)]));
        assert_eq!(free("01:30", "03:00"), free("01:30", "02:30"));
        assert_eq!(free("01:30", "03:01"), found(&[("free", 1290), ("late", 1170)]));
    }

    #[test]
    fn a_skipped_midnight_is_the_first_time_of_the_day() {
        let free = |from, until| free(chrono_tz::Africa::Cairo, "2026-04-24", from, until);
        assert_eq!(free("00:00", "00:30"), found(&[("free", 1380), ("late", 1260), ("night", 70)]));
        assert_eq!(free("00:00", "00:30"), free("01:00", "01:01"));
    }

    #[test]
    fn no_room_is_free_on_a_day_that_is_skipped_entirely() {
        for (from, until) in [("00:00", "00:00"), ("00:00", "24:00"), ("12:00", "13:00"), ("23:59", "24:00")] {
            assert_eq!(free(chrono_tz::Pacific::Apia, "2011-12-30", from, until), [], "{from} to {until}");
        }
    }
}
