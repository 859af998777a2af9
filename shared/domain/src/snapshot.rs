//! A snapshot: every room of the campus on one day, as one sweep found it.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use chrono_tz::Tz;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{
    bookings::BookingsByRoom,
    campus::{Building, Campus, Classroom},
    slots::{Slot, free_slots},
    timestamp::Timestamp,
};

/// The free slots of a campus on one day. It reads back from the body of `GET /api/open-classrooms`, which is an
/// [`OpenClassrooms`](crate::question::OpenClassrooms).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Snapshot {
    /// By building code, in the campus file's order.
    pub buildings: IndexMap<String, BuildingAvailability>,
    /// When the sweep that the slots came from ended, in campus time.
    pub last_updated: Timestamp,
    /// The day, at the campus.
    pub date: NaiveDate,
    /// The campus's time zone. All times are in it.
    pub timezone: Tz,
    /// Whether the data are older than they should be.
    pub stale: bool,
    /// Whether the bookings are invented: the sweep asked a simulated 25Live. A body without this field has real ones.
    #[serde(default)]
    pub simulated: bool,
}

/// The free slots in one building.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BuildingAvailability {
    /// The building's code.
    pub code: String,
    /// Its full name.
    pub name: String,
    /// All its rooms, including those that are never free.
    pub classrooms: Vec<RoomAvailability>,
}

/// The free slots of one room. The cached value stores the fields that are not part of the body beside it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RoomAvailability {
    /// 25Live's `space_id`.
    pub id: String,
    /// The room's name within its building.
    pub name: String,
    /// How current `availability` is.
    pub status: RoomStatus,
    /// The free slots, in order.
    pub availability: Vec<Slot>,
    /// Whether an event takes any part of the day's opening hours; `None` if that is unknown. Not part of the body.
    #[serde(skip)]
    pub booked: Option<bool>,
    /// When the sweep ended in which 25Live last answered for this room; `None` if it never did. Not part of the body.
    #[serde(skip)]
    pub answered: Option<Timestamp>,
    /// Whether the latest sweep ended before it reached this room. Not part of the body.
    #[serde(skip)]
    pub is_unreached: bool,
}

/// How current a room's slots are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum RoomStatus {
    /// From the latest sweep.
    Ok,
    /// The last good slots: the room failed in the latest sweep, or was not reached.
    Stale,
    /// There has never been a good answer. The slots are empty, which does not mean "booked".
    Unknown,
}

/// How urgently a sweep should ask for a room. The lowest value is asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// 25Live has never been asked about it.
    NeverAsked,
    /// 25Live has been asked, and has never answered.
    NeverAnswered,
    /// It failed in the latest sweep.
    Failed,
    /// 25Live answered at this time: the longer ago, the more urgent.
    Answered(Timestamp),
}

impl Snapshot {
    /// Returns the snapshot of `date` from the bookings that a sweep found. A room without an answer for that day keeps its slots
    /// from `last_good`, the snapshot of the same day that this one replaces.
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
            let hours = building.hours_on(date);
            let classrooms = building.classrooms.iter().map(|room| {
                let bookings = bookings.get(&room.id);
                match bookings.and_then(|bookings| Some((bookings, bookings.on(date)?))) {
                    Some((bookings, day)) => RoomAvailability {
                        // A closed building has no slots, and no event within its opening hours.
                        booked: hours.map_or(Some(false), |hours| bookings.has_event(date, hours)),
                        answered: Some(last_updated),
                        ..RoomAvailability::new(
                            room,
                            RoomStatus::Ok,
                            hours.map_or_else(Vec::new, |hours| free_slots(day, hours, min_gap)),
                        )
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
        Self { buildings: buildings.collect(), last_updated, date, timezone, stale: false, simulated: false }
    }

    /// Marks these rooms as not reached by the sweep, which is not a failure.
    #[must_use]
    pub fn with_unreached(mut self, rooms: &HashSet<String>) -> Self {
        for room in self.buildings.values_mut().flat_map(|building| &mut building.classrooms) {
            room.is_unreached = rooms.contains(&room.id);
        }
        self
    }

    /// Returns the room with this id; `None` if there is no such room.
    #[must_use]
    pub fn room(&self, id: &str) -> Option<&RoomAvailability> {
        self.rooms().find(|room| room.id == id)
    }

    /// Returns every room, in the order shown.
    pub fn rooms(&self) -> impl Iterator<Item = &RoomAvailability> {
        self.buildings.values().flat_map(|building| &building.classrooms)
    }

    /// Counts the rooms without an answer in the latest sweep.
    #[must_use]
    pub fn rooms_failed(&self) -> usize {
        self.rooms().filter(|room| room.status != RoomStatus::Ok).count()
    }
}

impl BuildingAvailability {
    /// Returns the rooms of the building with their slots, in the campus file's order.
    pub fn rooms_of<'a, 'b>(
        &'a self,
        building: &'b Building,
    ) -> impl Iterator<Item = (&'b Classroom, &'a RoomAvailability)> {
        building.classrooms.iter().enumerate().filter_map(|(place, room)| Some((room, self.at(place, room)?)))
    }

    /// Returns the slots of a room of the building.
    #[must_use]
    pub fn room(&self, building: &Building, room: &Classroom) -> Option<&RoomAvailability> {
        self.at(building.classrooms.iter().position(|other| other.id == room.id)?, room)
    }

    /// Tries the same position first: the order differs only if the campus file has changed.
    fn at(&self, place: usize, room: &Classroom) -> Option<&RoomAvailability> {
        let expected = self.classrooms.get(place).filter(|found| found.id == room.id);
        expected.or_else(|| self.classrooms.iter().find(|found| found.id == room.id))
    }
}

impl RoomAvailability {
    fn new(room: &Classroom, status: RoomStatus, availability: Vec<Slot>) -> Self {
        let (id, name) = (room.id.clone(), room.name.clone());
        Self { id, name, status, availability, booked: None, answered: None, is_unreached: false }
    }

    /// Returns how urgently the next sweep should ask for this room.
    #[must_use]
    pub fn need(&self) -> Need {
        match (self.status, self.answered) {
            (RoomStatus::Unknown, _) if self.is_unreached => Need::NeverAsked,
            (RoomStatus::Unknown, _) => Need::NeverAnswered,
            (RoomStatus::Stale, _) if !self.is_unreached => Need::Failed,
            (_, Some(answered)) => Need::Answered(answered),
            // A value of an earlier release, which did not record `answered`.
            (_, None) => Need::Failed,
        }
    }

    fn without_answer(room: &Classroom, last_good: Option<&Self>) -> Self {
        match last_good.filter(|last| last.status != RoomStatus::Unknown) {
            Some(last) => Self {
                booked: last.booked,
                answered: last.answered,
                ..Self::new(room, RoomStatus::Stale, last.availability.clone())
            },
            None => Self::new(room, RoomStatus::Unknown, Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;
    use crate::{bookings::Booking, question::OpenClassrooms};

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
classrooms = [{ id = "3", name = "103", capacity = 40, features = ["Projector"] }]
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
    fn a_snapshot_is_rendered_as_the_response_body_and_reads_back() {
        let taken = Booking { start: 480, end: 1080 };
        let snapshot = snapshot(&bookings(&[("1", date(), &[taken]), ("3", date(), &[])]), None);
        let campus = campus();
        let json = serde_json::to_string(&OpenClassrooms::all(&snapshot, &campus)).unwrap();
        assert_eq!(
            json,
            concat!(
                r#"{"campus":"Small College","buildings":{"B":{"code":"B","name":"Second by name, first in the file","#,
                r#""opens":"08:00","closes":"18:00","classrooms":["#,
                r#"{"id":"2","name":"102","status":"unknown","availability":[]},"#,
                r#"{"id":"1","name":"101","status":"ok","availability":[]}]},"#,
                r#""A":{"code":"A","name":"Hall A","opens":"07:00","closes":"24:00","classrooms":["#,
                r#"{"id":"3","name":"103","status":"ok","capacity":40,"features":["Projector"],"availability":[{"start":"07:00:00","end":"23:59:00","#,
                r#""start_time":"07:00","end_time":"24:00","duration_minutes":1020}]}]}},"#,
                r#""last_updated":"2026-03-03T10:00:00.123456-05:00","date":"2026-03-03","#,
                r#""timezone":"America/New_York","stale":false}"#,
            )
        );
        let mut read: Snapshot = serde_json::from_str(&json).unwrap();
        let rooms = read.buildings.values_mut().flat_map(|building| &mut building.classrooms);
        rooms.zip(snapshot.rooms()).for_each(|(read, room)| {
            (read.booked, read.answered) = (room.booked, room.answered);
        });
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
    fn a_room_whose_answer_lacks_the_day_is_unknown() {
        let tomorrow = date().succ_opt().unwrap();
        let snapshot = snapshot(&bookings(&[("1", tomorrow, &[])]), None);
        assert_eq!(snapshot.room("1").unwrap().status, RoomStatus::Unknown);
    }

    #[test]
    fn need_ranks_rooms_that_never_answered_first_then_failed_ones_then_the_oldest_answers() {
        let unreached = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<HashSet<_>>();
        let first = snapshot(&bookings(&[("1", date(), &[]), ("2", date(), &[])]), None);
        let mut second = snapshot(&bookings(&[]), Some(&first)).with_unreached(&unreached(&["2"]));
        second.last_updated = Timestamp::parse("2026-03-03T11:00:00-05:00").unwrap();
        let need = |snapshot: &Snapshot, id| snapshot.room(id).unwrap().need();
        assert_eq!(need(&first, "1"), Need::Answered(timestamp()));
        assert_eq!(need(&second, "1"), Need::Failed, "it was asked and did not answer");
        assert_eq!(need(&second, "2"), Need::Answered(timestamp()), "it was not reached, so its answer keeps its age");
        assert_eq!(need(&second, "3"), Need::NeverAnswered);
        let later = Need::Answered(second.last_updated);
        assert!(
            Need::NeverAsked < Need::NeverAnswered
                && Need::NeverAnswered < Need::Failed
                && Need::Failed < need(&second, "2")
                && need(&second, "2") < later
        );
    }

    #[test]
    fn in_a_closed_building_rooms_are_neither_free_nor_booked() {
        let closed = CAMPUS.replacen("closes = \"18:00\"", "closes = \"18:00\"\ndays = { tue = \"closed\" }", 1);
        let campus = Campus::parse("closed.toml", &closed).unwrap();
        let class = Booking { start: 600, end: 660 };
        let snapshot = Snapshot::new(&campus, 28, date(), timestamp(), &bookings(&[("1", date(), &[class])]), None);
        let room = snapshot.room("1").unwrap();
        assert_eq!((room.status, room.booked, room.availability.len()), (RoomStatus::Ok, Some(false), 0));
        let body = serde_json::to_value(OpenClassrooms::all(&snapshot, &campus)).unwrap();
        assert!(body["buildings"]["B"]["opens"].is_null() && body["buildings"]["B"]["closes"].is_null());
        assert_eq!(body["buildings"]["A"]["opens"], "07:00");
    }
}
