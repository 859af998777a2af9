//! Bookings: when a room is taken.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use crate::opening_hours::OpeningHours;

/// A time during which a room is taken, in whole minutes since the midnight at which the day begins. `end` may lie after the
/// end of the day, and is never before `start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Booking {
    /// The first minute taken.
    pub start: u16,
    /// The minute at which the room is free again.
    pub end: u16,
}

/// The bookings of one room, by day. A day missing from 25Live's answer is absent, which does not mean "free".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bookings {
    days: BTreeMap<NaiveDate, Day>,
}

/// What takes a room on one day. Each list is sorted, and its bookings neither overlap nor touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Day {
    /// Events and closures.
    taken: Vec<Booking>,
    /// Events only.
    events: Vec<Booking>,
    /// Closures only.
    closures: Vec<Booking>,
}

/// The bookings that a sweep found, by room id. A room that failed is absent.
pub type BookingsByRoom = HashMap<String, Bookings>;

impl Bookings {
    /// Adds events to a day, which then counts as answered. Bookings that overlap or touch are merged, so a day has a few
    /// hundred at most, whatever 25Live sent.
    pub fn add(&mut self, date: NaiveDate, events: impl IntoIterator<Item = Booking>) {
        let day = self.days.entry(date).or_default();
        let events: Vec<_> = events.into_iter().collect();
        merge(&mut day.taken, events.iter().copied());
        merge(&mut day.events, events);
    }

    /// Adds closures to a day: the building is closed, or the campus is on holiday. A closure makes the room neither free nor
    /// booked.
    pub fn add_closures(&mut self, date: NaiveDate, closures: impl IntoIterator<Item = Booking>) {
        let day = self.days.entry(date).or_default();
        let closures: Vec<_> = closures.into_iter().collect();
        merge(&mut day.taken, closures.iter().copied());
        merge(&mut day.closures, closures);
    }

    /// Returns when the room is taken on a day, in order; `None` if 25Live did not answer for that day.
    #[must_use]
    pub fn on(&self, date: NaiveDate) -> Option<&[Booking]> {
        self.days.get(&date).map(|day| day.taken.as_slice())
    }

    /// Returns when the building is closed on a day according to 25Live, in order; `None` if 25Live did not answer for that day.
    #[must_use]
    pub fn closures_on(&self, date: NaiveDate) -> Option<&[Booking]> {
        self.days.get(&date).map(|day| day.closures.as_slice())
    }

    /// Returns whether an event takes any part of these hours of a day; `None` if 25Live did not answer for that day.
    #[must_use]
    pub fn has_event(&self, date: NaiveDate, hours: OpeningHours) -> Option<bool> {
        let (opens, closes) = (hours.opens().minutes(), hours.closes().minutes());
        let overlaps = |event: &Booking| event.start.max(opens) < event.end.min(closes);
        self.days.get(&date).map(|day| day.events.iter().any(overlaps))
    }

    /// Returns the days that 25Live answered for, in order.
    pub fn days(&self) -> impl Iterator<Item = NaiveDate> {
        self.days.keys().copied()
    }
}

/// Adds bookings to a list, and merges those that overlap or touch.
fn merge(list: &mut Vec<Booking>, more: impl IntoIterator<Item = Booking>) {
    list.extend(more);
    list.sort_unstable();
    list.dedup_by(|later, earlier| {
        let touches = later.start <= earlier.end;
        if touches {
            earlier.end = earlier.end.max(later.end);
        }
        touches
    });
    list.shrink_to_fit();
}

/// Counts the rooms with an answer for each day. A day for which no room has one is absent.
#[must_use]
pub fn rooms_answered(bookings: &BookingsByRoom) -> BTreeMap<NaiveDate, usize> {
    let mut rooms = BTreeMap::new();
    for date in bookings.values().flat_map(Bookings::days) {
        *rooms.entry(date).or_insert(0) += 1;
    }
    rooms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
    }

    #[test]
    fn overlapping_or_touching_bookings_are_merged_and_sorted() {
        let mut bookings = Bookings::default();
        let times = [(840, 900), (540, 600), (540, 600), (570, 660), (660, 690), (480, 480), (486, 534)];
        bookings.add(day(3), times.map(|(start, end)| Booking { start, end }));
        let times: Vec<_> = bookings.on(day(3)).unwrap().iter().map(|booking| (booking.start, booking.end)).collect();
        assert_eq!(times, [(480, 480), (486, 534), (540, 690), (840, 900)]);
    }

    #[test]
    fn a_day_without_bookings_counts_as_answered_and_a_missing_day_does_not() {
        let mut bookings = Bookings::default();
        bookings.add(day(3), []);
        assert_eq!(bookings.on(day(3)), Some(&[][..]));
        assert_eq!(bookings.on(day(4)), None);
        assert_eq!(bookings.days().collect::<Vec<_>>(), [day(3)]);
    }

    #[test]
    fn only_an_event_within_the_opening_hours_makes_a_room_booked() {
        let hours = OpeningHours::new("07:00".parse().unwrap(), "22:00".parse().unwrap()).unwrap();
        let mut bookings = Bookings::default();
        bookings.add_closures(day(3), [Booking { start: 420, end: 1320 }]);
        // Before opening, after closing, and zero minutes long.
        bookings.add(day(3), [(0, 420), (1320, 1440), (600, 600)].map(|(start, end)| Booking { start, end }));
        assert_eq!(bookings.has_event(day(3), hours), Some(false));
        assert_eq!(bookings.on(day(3)), Some(&[Booking { start: 0, end: 1440 }][..]), "the room is still taken");
        assert_eq!(bookings.has_event(day(4), hours), None);
        for (start, end) in [(419, 421), (1319, 1320), (0, 1440), (720, 780)] {
            let mut bookings = bookings.clone();
            bookings.add(day(3), [Booking { start, end }]);
            assert_eq!(bookings.has_event(day(3), hours), Some(true), "{start} to {end}");
        }
    }

    #[test]
    fn closures_are_kept_apart_from_events() {
        let mut bookings = Bookings::default();
        bookings.add_closures(day(3), [Booking { start: 1320, end: 1440 }, Booking { start: 0, end: 420 }]);
        bookings.add(day(3), [Booking { start: 400, end: 480 }]);
        assert_eq!(
            bookings.closures_on(day(3)),
            Some(&[Booking { start: 0, end: 420 }, Booking { start: 1320, end: 1440 }][..])
        );
        assert_eq!(bookings.on(day(3)).unwrap().first(), Some(&Booking { start: 0, end: 480 }));
        assert_eq!(bookings.closures_on(day(4)), None);
    }

    #[test]
    fn rooms_answered_counts_the_rooms_of_each_day() {
        let mut rooms = BookingsByRoom::new();
        for (id, date) in [("1", day(3)), ("2", day(3)), ("1", day(4))] {
            rooms.entry(id.to_owned()).or_default().add(date, []);
        }
        assert_eq!(rooms_answered(&rooms), [(day(3), 2), (day(4), 1)].into());
    }
}
