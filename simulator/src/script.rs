//! Bookings, faults and latency set by a test.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use chrono::NaiveDate;

use crate::booking::Booking;
use crate::fault::Fault;
use crate::room::Room;
use crate::timetable::timetable;

/// The bookings, faults and latency set by a test. The default is a healthy 25Live.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) latency: Duration,
    bookings: HashMap<String, HashMap<NaiveDate, Vec<Booking>>>,
    everywhere: Option<Fault>,
    by_room: HashMap<String, Fault>,
    upcoming: HashMap<String, VecDeque<Fault>>,
    lists: Option<Fault>,
    by_list: HashMap<String, Fault>,
    /// The first and last hour of the day that guests see.
    pub(crate) display_hours: Option<(u8, u8)>,
}

impl Script {
    /// Replaces the timetable's bookings of a room and day.
    pub(crate) fn set_bookings(&mut self, room_id: &str, date: NaiveDate, bookings: Vec<Booking>) {
        self.bookings.entry(room_id.to_owned()).or_default().insert(date, bookings);
    }

    /// The bookings of a room and day, as guests see them.
    pub(crate) fn bookings(&self, room: &Room, date: NaiveDate) -> Vec<Booking> {
        let set = self.bookings.get(&room.id).and_then(|days| days.get(&date));
        let mut bookings = set.cloned().unwrap_or_else(|| timetable(&room.id, date));
        if set.is_none() {
            bookings.extend(room.closures(date));
        }
        match self.display_hours {
            Some((from, to)) => bookings.into_iter().filter_map(|booking| booking.clipped(from, to)).collect(),
            None => bookings,
        }
    }

    /// Sets a fault for all rooms, from now on.
    pub(crate) fn misbehave(&mut self, fault: Fault) {
        self.everywhere = Some(fault);
    }

    /// Sets a fault for one room, from now on.
    pub(crate) fn misbehave_for(&mut self, room_id: &str, fault: Fault) {
        self.by_room.insert(room_id.to_owned(), fault);
    }

    /// Sets a fault for this many requests of one room, after those already set.
    pub(crate) fn misbehave_times(&mut self, room_id: &str, fault: Fault, times: usize) {
        self.upcoming.entry(room_id.to_owned()).or_default().extend(std::iter::repeat_n(fault, times));
    }

    /// Sets a fault for all lists, from now on.
    pub(crate) fn misbehave_lists(&mut self, fault: Fault) {
        self.lists = Some(fault);
    }

    /// Sets a fault for one list, from now on.
    pub(crate) fn misbehave_list(&mut self, file: &str, fault: Fault) {
        self.by_list.insert(file.to_owned(), fault);
    }

    /// The latency and the fault of a list.
    pub(crate) fn plan_of_list(&self, file: &str) -> (Duration, Option<Fault>) {
        (self.latency, self.by_list.get(file).or(self.lists.as_ref()).cloned())
    }

    /// Removes all faults. Bookings and latency stay.
    pub(crate) fn behave(&mut self) {
        self.everywhere = None;
        self.by_room.clear();
        self.upcoming.clear();
        self.lists = None;
        self.by_list.clear();
    }

    /// The fault for a new request for a room. The most specific one takes precedence.
    pub(crate) fn next_fault(&mut self, room_id: &str) -> Option<Fault> {
        let upcoming = self.upcoming.get_mut(room_id).and_then(VecDeque::pop_front);
        upcoming.or_else(|| self.by_room.get(room_id).cloned()).or_else(|| self.everywhere.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::booking::Kind;

    #[test]
    fn a_fault_for_one_room_takes_precedence_over_one_for_all() {
        let mut script = Script::default();
        script.misbehave(Fault::Status(500));
        script.misbehave_for("342", Fault::Status(501));
        script.misbehave_times("342", Fault::Status(502), 2);
        script.misbehave_times("342", Fault::Status(503), 1);
        let faults: Vec<_> = (0..5).map(|_| script.next_fault("342").unwrap()).collect();
        assert_eq!(faults, [502, 502, 503, 501, 501].map(Fault::Status));
        assert_eq!(script.next_fault("344"), Some(Fault::Status(500)));
    }

    #[test]
    fn after_behave_there_are_no_faults() {
        let mut script = Script::default();
        script.misbehave(Fault::Hang);
        script.misbehave_for("342", Fault::Hang);
        script.misbehave_times("342", Fault::Hang, 9);
        script.behave();
        assert_eq!(script.next_fault("342"), None);
    }

    #[test]
    fn set_bookings_replaces_only_that_room_and_day() {
        let (monday, tuesday) = ("2026-02-02".parse().unwrap(), "2026-02-03".parse().unwrap());
        let lecture = vec![Booking::new("9.000000", 9.833_333, Kind::Event)];
        let mut script = Script::default();
        script.set_bookings("342", monday, lecture.clone());
        let (room, other) = (Room::new("342", "CAS 116"), Room::new("344", "CAS 201"));
        assert_eq!(script.bookings(&room, monday), lecture);
        assert_eq!(script.bookings(&room, tuesday), timetable("342", tuesday));
        assert_eq!(script.bookings(&other, monday), timetable("344", monday));
    }

    #[test]
    fn guests_see_closures_and_bookings_clipped_to_the_display_hours() {
        let room = Room::new("342", "CAS 116").open(9, 20);
        let mut script = Script { display_hours: Some((7, 22)), ..Script::default() };
        let monday = "2026-02-02".parse().unwrap();
        let seen = script.bookings(&room, monday);
        let hours = |item: &Booking| (item.start.value().unwrap(), item.end.value().unwrap());
        let closed: Vec<_> = seen.iter().filter(|item| item.kind == Kind::Closed).map(hours).collect();
        assert_eq!(closed, [(7.0, 9.0), (20.0, 22.0)]);
        script.set_bookings(
            "342",
            monday,
            vec![Booking::new("5.500000", 6.5, Kind::Event), Booking::new("abc", 6.5, Kind::Event)],
        );
        assert_eq!(
            script.bookings(&room, monday),
            [Booking::new("abc", 6.5, Kind::Event)],
            "an item without valid times stays"
        );
    }
}
