//! A free period: the time during which a room is really free, without the minute that a slot keeps clear of bookings.

use crate::{campus_day::CampusDay, opening_hours::OpeningHours, slots::Slot, time_of_day::TimeOfDay};

/// A time during which a room is free: from `from` up to `until`, when the next booking begins or the building closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreePeriod {
    /// The first free minute.
    pub from: TimeOfDay,
    /// The first minute after the period.
    pub until: TimeOfDay,
}

impl FreePeriod {
    /// Returns the period of a slot, in a building with these opening hours. A slot begins a minute after a booking's end and
    /// ends a minute before the next one's start, except at the opening and closing time.
    ///
    /// ```
    /// # use domain::{opening_hours::OpeningHours, free_period::FreePeriod, slots::Slot};
    /// let hours = OpeningHours::new("07:00".parse()?, "23:00".parse()?).unwrap();
    /// let slot = Slot { start: "07:00".parse()?, end: "09:04".parse()? };
    /// assert_eq!(FreePeriod::of(slot, hours), FreePeriod { from: "07:00".parse()?, until: "09:05".parse()? });
    /// # Ok::<(), domain::time_of_day::NotATimeOfDay>(())
    /// ```
    #[must_use]
    pub fn of(slot: Slot, hours: OpeningHours) -> Self {
        let from = if slot.start == hours.opens() { slot.start } else { slot.start.previous_minute() };
        let until = if slot.end == hours.closes() { slot.end } else { slot.end.next_minute() };
        Self { from, until }
    }

    /// Returns the free periods of a room in a building with these opening hours, in order. There are none if the building is
    /// closed or the room is unknown.
    pub fn of_slots(slots: &[Slot], hours: Option<OpeningHours>) -> impl Iterator<Item = Self> {
        hours.into_iter().flat_map(|hours| slots.iter().map(move |slot| Self::of(*slot, hours)))
    }

    /// Returns the period as the clocks show it on this day: a skipped time becomes the first time after the gap. A period that
    /// is skipped entirely becomes empty.
    #[must_use]
    pub fn shown_on(self, day: CampusDay) -> Self {
        Self { from: day.shown_from(self.from), until: day.shown_from(self.until) }
    }

    /// Returns whether the room is free from `from` up to `until`.
    #[must_use]
    pub fn covers(self, from: TimeOfDay, until: TimeOfDay) -> bool {
        self.from <= from && from < self.until && until <= self.until
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{bookings::Booking, slots::free_slots};

    const OPENS: u16 = 7 * 60;
    const CLOSES: u16 = 23 * 60;

    /// Bookings in and around the opening hours, some of which touch each other and the hours.
    fn bookings() -> impl Strategy<Value = Vec<Booking>> {
        let time = prop_oneof![0..=1440_u16, (0..=48_u16).prop_map(|half_hours| half_hours * 30)];
        let booking = (time, 0..=300_u16).prop_map(|(start, length)| Booking { start, end: start + length });
        prop::collection::vec(booking, 0..6)
    }

    proptest! {
        /// Checks minute by minute: each period is a whole stretch without bookings. A stretch shorter than the shortest slot
        /// is not a period.
        #[test]
        fn free_periods_are_the_stretches_without_a_booking(bookings in bookings()) {
            let minute = |minutes| TimeOfDay::from_minutes(minutes).unwrap();
            let hours = OpeningHours::new(minute(OPENS), minute(CLOSES)).unwrap();
            let taken = |minute: u16| bookings.iter().any(|booking| {
                // A booking of zero length still splits a stretch: see `parted`.
                (booking.start..booking.end).contains(&minute)
            });
            let parted = |minute: u16| bookings.iter().any(|booking| booking.start == minute || booking.end == minute);
            let free = |minute: u16| (OPENS..CLOSES).contains(&minute) && !taken(minute);
            let mut stretches: Vec<(u16, u16)> = Vec::new();
            for minute in OPENS..CLOSES {
                match stretches.last_mut().filter(|(_, until)| *until == minute && !parted(minute)) {
                    Some((_, until)) if free(minute) => *until += 1,
                    _ if free(minute) => stretches.push((minute, minute + 1)),
                    _ => {}
                }
            }
            let slots = free_slots(&bookings, hours, 28);
            let periods: Vec<_> = slots.iter().map(|slot| FreePeriod::of(*slot, hours)).collect();
            for FreePeriod { from, until } in &periods {
                prop_assert!(stretches.contains(&(from.minutes(), until.minutes())), "{from}-{until}: {stretches:?}");
            }
            for (from, until) in stretches.iter().filter(|(from, until)| until - from >= 30) {
                let period = FreePeriod { from: minute(*from), until: minute(*until) };
                prop_assert!(periods.contains(&period), "{from}-{until} is missing: {periods:?}");
            }
        }
    }
}
