//! Bookings: when a room is taken.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

/// A time during which a room is taken, in minutes since the midnight at which the day begins, rounded to the nearest.
/// `end` may lie after the day's end, and is never before `start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Booking {
    /// The first minute taken.
    pub start: u16,
    /// The minute at which the room is free again.
    pub end: u16,
}

/// The bookings of one room, by day. A day that 25Live did not answer for is absent, and that does not mean "free".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bookings {
    days: BTreeMap<NaiveDate, Vec<Booking>>,
}

/// The bookings that a sweep found, by room id. A room that failed is absent.
pub type BookingsByRoom = HashMap<String, Bookings>;

impl Bookings {
    /// Adds bookings to those of a day, which counts as answered from then on. Bookings that overlap or touch become one,
    /// so that a day has some hundreds at most, whatever 25Live sent.
    pub fn add(&mut self, date: NaiveDate, bookings: impl IntoIterator<Item = Booking>) {
        let day = self.days.entry(date).or_default();
        day.extend(bookings);
        day.sort_unstable();
        day.dedup_by(|later, earlier| {
            let touches = later.start <= earlier.end;
            if touches {
                earlier.end = earlier.end.max(later.end);
            }
            touches
        });
        day.shrink_to_fit();
    }

    /// The bookings of a day in order, none of which overlap or touch; `None` if 25Live did not answer for that day.
    #[must_use]
    pub fn on(&self, date: NaiveDate) -> Option<&[Booking]> {
        self.days.get(&date).map(Vec::as_slice)
    }

    /// The days that 25Live answered for, in order.
    pub fn days(&self) -> impl Iterator<Item = NaiveDate> {
        self.days.keys().copied()
    }
}

/// How many rooms have an answer for each day; days on which no room has one are absent.
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
    fn bookings_that_overlap_or_touch_become_one_and_come_in_order() {
        let mut bookings = Bookings::default();
        let times = [(840, 900), (540, 600), (540, 600), (570, 660), (660, 690), (480, 480), (486, 534)];
        bookings.add(day(3), times.map(|(start, end)| Booking { start, end }));
        let times: Vec<_> = bookings.on(day(3)).unwrap().iter().map(|booking| (booking.start, booking.end)).collect();
        assert_eq!(times, [(480, 480), (486, 534), (540, 690), (840, 900)]);
    }

    #[test]
    fn a_day_without_bookings_is_answered_and_a_day_without_an_answer_is_not() {
        let mut bookings = Bookings::default();
        bookings.add(day(3), []);
        assert_eq!(bookings.on(day(3)), Some(&[][..]));
        assert_eq!(bookings.on(day(4)), None);
        assert_eq!(bookings.days().collect::<Vec<_>>(), [day(3)]);
    }

    #[test]
    fn rooms_are_counted_for_each_day_that_any_of_them_answered() {
        let mut rooms = BookingsByRoom::new();
        for (id, date) in [("1", day(3)), ("2", day(3)), ("1", day(4))] {
            rooms.entry(id.to_owned()).or_default().add(date, []);
        }
        assert_eq!(rooms_answered(&rooms), [(day(3), 2), (day(4), 1)].into());
    }
}
