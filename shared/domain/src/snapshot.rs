//! A snapshot: every room of the campus on one day, as one sweep found it. Its JSON is the body of
//! `GET /api/open-classrooms`.

use std::collections::HashMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{
    bookings::BookingsByRoom,
    campus::{Campus, Classroom},
    slots::{Slot, free_slots},
    timestamp::Timestamp,
};

/// The free slots of a campus on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// By building code, in the campus file's order.
    pub buildings: IndexMap<String, BuildingAvailability>,
    /// When the sweep ended that the slots came from, at the campus.
    pub last_updated: Timestamp,
    /// The day, at the campus.
    pub date: NaiveDate,
    /// The campus's time zone: all times are in it.
    pub timezone: Tz,
    /// Whether newer data should have been had.
    pub stale: bool,
}

/// The free slots in one building.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildingAvailability {
    /// The building's code, again.
    pub code: String,
    /// Its full name.
    pub name: String,
    /// Every room of it, also those that are never free.
    pub classrooms: Vec<RoomAvailability>,
}

/// The free slots of one room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomAvailability {
    /// 25Live's `space_id`.
    pub id: String,
    /// The room's name within its building.
    pub name: String,
    /// What `availability` is worth.
    pub status: RoomStatus,
    /// The free slots, in order.
    pub availability: Vec<Slot>,
    /// Whether an event takes any part of the day's opening hours; `None` if that is unknown. It is no part of the JSON.
    #[serde(skip)]
    pub booked: Option<bool>,
}

/// What a room's slots are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum RoomStatus {
    /// From the latest sweep.
    Ok,
    /// The room failed in the latest sweep: these are its last good slots.
    Stale,
    /// No good answer ever. The slots are empty, and that does not mean "booked".
    Unknown,
}

impl Snapshot {
    /// The snapshot of `date` from the bookings that a sweep found. A room without an answer for that day keeps its slots of
    /// `last_good`, the snapshot of the same day that is being replaced.
    #[must_use]
    pub fn new(
        campus: &Campus,
        min_gap: u16,
        date: NaiveDate,
        last_updated: Timestamp,
        bookings: &BookingsByRoom,
        last_good: Option<&Self>,
    ) -> Self {
        let last_good: HashMap<&str, &RoomAvailability> =
            last_good.into_iter().flat_map(Self::rooms).map(|room| (room.id.as_str(), room)).collect();
        let buildings = campus.buildings.iter().map(|building| {
            let classrooms = building.classrooms.iter().map(|room| {
                let bookings = bookings.get(&room.id);
                match bookings.and_then(|bookings| bookings.on(date)) {
                    Some(day) => RoomAvailability {
                        booked: bookings.and_then(|bookings| bookings.has_event(date, building.hours)),
                        ..RoomAvailability::new(room, RoomStatus::Ok, free_slots(day, building.hours, min_gap))
                    },
                    None => RoomAvailability::without_answer(room, last_good.get(room.id.as_str()).copied()),
                }
            });
            let availability = BuildingAvailability {
                code: building.code.clone(),
                name: building.name.clone(),
                classrooms: classrooms.collect(),
            };
            (building.code.clone(), availability)
        });
        let timezone = campus.timezone;
        Self { buildings: buildings.collect(), last_updated, date, timezone, stale: false }
    }

    /// The room with this id, and nothing when the snapshot has no such room.
    #[must_use]
    pub fn room(&self, id: &str) -> Option<&RoomAvailability> {
        self.rooms().find(|room| room.id == id)
    }

    /// Every room, in the order shown.
    pub fn rooms(&self) -> impl Iterator<Item = &RoomAvailability> {
        self.buildings.values().flat_map(|building| &building.classrooms)
    }

    /// How many rooms have no answer of the latest sweep.
    #[must_use]
    pub fn rooms_failed(&self) -> usize {
        self.rooms().filter(|room| room.status != RoomStatus::Ok).count()
    }
}

impl RoomAvailability {
    fn new(room: &Classroom, status: RoomStatus, availability: Vec<Slot>) -> Self {
        Self { id: room.id.clone(), name: room.name.clone(), status, availability, booked: None }
    }

    fn without_answer(room: &Classroom, last_good: Option<&Self>) -> Self {
        match last_good.filter(|last| last.status != RoomStatus::Unknown) {
            Some(last) => Self { booked: last.booked, ..Self::new(room, RoomStatus::Stale, last.availability.clone()) },
            None => Self::new(room, RoomStatus::Unknown, Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;
    use crate::bookings::Booking;

    const CAMPUS: &str = r#"
name = "Small College"
timezone = "America/New_York"
[[buildings]]
code = "B"
name = "Second by name, first in the file"
opens = "08:00"
closes = "18:00"
classrooms = [{ id = "2", name = "102" }, { id = "1", name = "101" }]
[[buildings]]
code = "A"
name = "Hall A"
opens = "07:00"
closes = "24:00"
classrooms = [{ id = "3", name = "103" }]
"#;

    fn campus() -> Campus {
        Campus::parse("small.toml", CAMPUS).unwrap()
    }

    fn date() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 3).unwrap()
    }

    fn timestamp() -> Timestamp {
        let instant =
            chrono::Utc.with_ymd_and_hms(2026, 3, 3, 15, 0, 0).unwrap() + chrono::TimeDelta::microseconds(123_456);
        Timestamp::at_campus(instant, chrono_tz::America::New_York)
    }

    fn bookings(rooms: &[(&str, NaiveDate, &[Booking])]) -> BookingsByRoom {
        let mut by_room = BookingsByRoom::new();
        for (id, date, bookings) in rooms {
            by_room.entry((*id).to_owned()).or_default().add(*date, bookings.to_vec());
        }
        by_room
    }

    fn snapshot(bookings: &BookingsByRoom, last_good: Option<&Snapshot>) -> Snapshot {
        Snapshot::new(&campus(), 28, date(), timestamp(), bookings, last_good)
    }

    #[test]
    fn its_json_is_the_body_that_the_frontend_reads_and_reads_back() {
        let taken = Booking { start: 480, end: 1080 };
        let snapshot = snapshot(&bookings(&[("1", date(), &[taken]), ("3", date(), &[])]), None);
        let json = serde_json::to_string(&snapshot).unwrap();
        assert_eq!(
            json,
            concat!(
                r#"{"buildings":{"B":{"code":"B","name":"Second by name, first in the file","classrooms":["#,
                r#"{"id":"2","name":"102","status":"unknown","availability":[]},"#,
                r#"{"id":"1","name":"101","status":"ok","availability":[]}]},"#,
                r#""A":{"code":"A","name":"Hall A","classrooms":["#,
                r#"{"id":"3","name":"103","status":"ok","availability":[{"start":"07:00:00","end":"23:59:00","#,
                r#""start_time":"07:00","end_time":"24:00","duration_minutes":1020}]}]}},"#,
                r#""last_updated":"2026-03-03T10:00:00.123456-05:00","date":"2026-03-03","#,
                r#""timezone":"America/New_York","stale":false}"#,
            )
        );
        let mut read: Snapshot = serde_json::from_str(&json).unwrap();
        let rooms = read.buildings.values_mut().flat_map(|building| &mut building.classrooms);
        rooms.zip(snapshot.rooms()).for_each(|(read, room)| read.booked = room.booked);
        assert_eq!(read, snapshot);
        assert_eq!(snapshot.rooms_failed(), 1);
    }

    #[test]
    fn a_room_that_failed_keeps_its_last_good_slots_sweep_after_sweep() {
        let first = snapshot(&bookings(&[("1", date(), &[Booking { start: 480, end: 600 }])]), None);
        let second = snapshot(&bookings(&[("2", date(), &[])]), Some(&first));
        let third = snapshot(&bookings(&[]), Some(&second));
        for later in [&second, &third] {
            let room = later.room("1").unwrap();
            assert_eq!((room.status, &room.availability), (RoomStatus::Stale, &first.room("1").unwrap().availability));
        }
        assert_eq!(third.room("2").unwrap().status, RoomStatus::Stale);
        assert_eq!(third.room("3").unwrap().status, RoomStatus::Unknown);
        let recovered = snapshot(&bookings(&[("1", date(), &[])]), Some(&third));
        assert_eq!(recovered.room("1").unwrap().status, RoomStatus::Ok);
    }

    #[test]
    fn an_answer_without_the_day_is_no_answer_for_it() {
        let tomorrow = date().succ_opt().unwrap();
        let snapshot = snapshot(&bookings(&[("1", tomorrow, &[])]), None);
        assert_eq!(snapshot.room("1").unwrap().status, RoomStatus::Unknown);
    }
}
