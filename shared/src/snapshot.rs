//! A snapshot: every room of the campus on one day, as one sweep found it. Its JSON is the body of
//! `GET /api/open-classrooms`.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Days, FixedOffset, NaiveDate, SecondsFormat, SubsecRound};
use chrono_tz::Tz;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{
    bookings::Bookings,
    campus::{Campus, Classroom},
    slots::{Slot, free_slots},
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

/// An instant with the campus's offset, to the microsecond: `2026-03-03T10:00:00.123456-05:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = DateTime))]
pub struct Timestamp(DateTime<FixedOffset>);

/// The decimals of a second that a [`Timestamp`] has. More would be lost when it is written.
const MICROSECONDS: u16 = 6;

impl Timestamp {
    /// The instant as a clock at the campus shows it.
    #[must_use]
    pub fn at_campus(instant: DateTime<chrono::Utc>, timezone: Tz) -> Self {
        Self(instant.with_timezone(&timezone).fixed_offset().trunc_subsecs(MICROSECONDS))
    }

    /// The instant.
    #[must_use]
    pub const fn instant(self) -> DateTime<FixedOffset> {
        self.0
    }

    /// Reads what [`Display`](std::fmt::Display) wrote; any ISO 8601 instant with an offset will do. `None` if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text.trim()).ok().map(|instant| Self(instant.trunc_subsecs(MICROSECONDS)))
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, false))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an ISO 8601 instant with an offset"))
    }
}

/// What a sweep learned: each room's bookings, by its id. A room that failed is absent.
pub type Answers = HashMap<String, Bookings>;

impl Snapshot {
    /// The snapshot of `date` from what a sweep learned. A room without an answer for that day keeps its slots of
    /// `last_good`, the snapshot of the same day that is being replaced.
    #[must_use]
    pub fn new(
        campus: &Campus,
        min_gap: u16,
        date: NaiveDate,
        last_updated: Timestamp,
        answers: &Answers,
        last_good: Option<&Self>,
    ) -> Self {
        let last_good: HashMap<&str, &RoomAvailability> =
            last_good.into_iter().flat_map(Self::rooms).map(|room| (room.id.as_str(), room)).collect();
        let buildings = campus.buildings.iter().map(|building| {
            let classrooms = building.classrooms.iter().map(|room| {
                let answer = answers.get(&room.id).and_then(|bookings| bookings.days.get(&date));
                match answer {
                    Some(day) => RoomAvailability::new(room, RoomStatus::Ok, free_slots(day, building.hours, min_gap)),
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
        Self { id: room.id.clone(), name: room.name.clone(), status, availability }
    }

    fn without_answer(room: &Classroom, last_good: Option<&Self>) -> Self {
        match last_good.filter(|last| last.status != RoomStatus::Unknown) {
            Some(last) => Self::new(room, RoomStatus::Stale, last.availability.clone()),
            None => Self::new(room, RoomStatus::Unknown, Vec::new()),
        }
    }
}

/// The days that a sweep of `first_day` brought, each with the number of rooms that answered for it; days that it cannot
/// have brought ([`last_day_of_sweep`]) are left out.
#[must_use]
pub fn days_answered(answers: &Answers, first_day: NaiveDate) -> BTreeMap<NaiveDate, usize> {
    let window = first_day..=last_day_of_sweep(first_day);
    let mut days = BTreeMap::new();
    for date in answers.values().flat_map(|bookings| bookings.days.keys()).filter(|date| window.contains(date)) {
        *days.entry(*date).or_insert(0) += 1;
    }
    days
}

/// The last day that a sweep of `first_day` can bring. 25Live answers up to the same day of the next month, which is 31
/// days later at the most.
#[must_use]
pub fn last_day_of_sweep(first_day: NaiveDate) -> NaiveDate {
    first_day.checked_add_days(Days::new(31)).unwrap_or(NaiveDate::MAX)
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

    fn answers(rooms: &[(&str, NaiveDate, &[Booking])]) -> Answers {
        let mut answers = Answers::new();
        for (id, date, bookings) in rooms {
            answers.entry((*id).to_owned()).or_default().days.insert(*date, bookings.to_vec());
        }
        answers
    }

    fn snapshot(answers: &Answers, last_good: Option<&Snapshot>) -> Snapshot {
        Snapshot::new(&campus(), 28, date(), timestamp(), answers, last_good)
    }

    #[test]
    fn its_json_is_the_body_that_the_frontend_reads_and_reads_back() {
        let taken = Booking { start: 480, end: 1080 };
        let snapshot = snapshot(&answers(&[("1", date(), &[taken]), ("3", date(), &[])]), None);
        let json = serde_json::to_string(&snapshot).unwrap();
        assert_eq!(
            json,
            concat!(
                r#"{"buildings":{"B":{"code":"B","name":"Second by name, first in the file","classrooms":["#,
                r#"{"id":"2","name":"102","status":"unknown","availability":[]},"#,
                r#"{"id":"1","name":"101","status":"ok","availability":[]}]},"#,
                r#""A":{"code":"A","name":"Hall A","classrooms":["#,
                r#"{"id":"3","name":"103","status":"ok","availability":[{"start":"07:00:00","end":"24:00:00","#,
                r#""start_time":"07:00","end_time":"24:00","duration_minutes":1020}]}]}},"#,
                r#""last_updated":"2026-03-03T10:00:00.123456-05:00","date":"2026-03-03","#,
                r#""timezone":"America/New_York","stale":false}"#,
            )
        );
        assert_eq!(serde_json::from_str::<Snapshot>(&json).unwrap(), snapshot);
        assert_eq!(snapshot.rooms_failed(), 1);
    }

    #[test]
    fn a_room_that_failed_keeps_its_last_good_slots_sweep_after_sweep() {
        let first = snapshot(&answers(&[("1", date(), &[Booking { start: 480, end: 600 }])]), None);
        let second = snapshot(&answers(&[("2", date(), &[])]), Some(&first));
        let third = snapshot(&answers(&[]), Some(&second));
        for later in [&second, &third] {
            let room = later.room("1").unwrap();
            assert_eq!((room.status, &room.availability), (RoomStatus::Stale, &first.room("1").unwrap().availability));
        }
        assert_eq!(third.room("2").unwrap().status, RoomStatus::Stale);
        assert_eq!(third.room("3").unwrap().status, RoomStatus::Unknown);
        let recovered = snapshot(&answers(&[("1", date(), &[])]), Some(&third));
        assert_eq!(recovered.room("1").unwrap().status, RoomStatus::Ok);
    }

    #[test]
    fn an_answer_without_the_day_is_no_answer_for_it() {
        let tomorrow = date().succ_opt().unwrap();
        let snapshot = snapshot(&answers(&[("1", tomorrow, &[])]), None);
        assert_eq!(snapshot.room("1").unwrap().status, RoomStatus::Unknown);
    }

    #[test]
    fn a_sweep_brings_the_days_from_the_first_to_a_month_later_and_no_others() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let answers = answers(&[
            ("1", day("2026-03-02"), &[]),
            ("1", day("2026-03-03"), &[]),
            ("2", day("2026-03-03"), &[]),
            ("1", day("2026-04-03"), &[]),
            ("1", day("2099-01-01"), &[]),
        ]);
        let days: Vec<_> = days_answered(&answers, date()).into_iter().collect();
        assert_eq!(days, [(day("2026-03-03"), 2), (day("2026-04-03"), 1)]);
    }

    #[test]
    fn a_timestamp_bears_the_offset_of_its_season() {
        let summer = chrono::Utc.with_ymd_and_hms(2026, 7, 1, 12, 0, 0).unwrap();
        let written = Timestamp::at_campus(summer, chrono_tz::America::New_York).to_string();
        assert_eq!(written, "2026-07-01T08:00:00.000000-04:00");
        assert_eq!(Timestamp::parse(&written).unwrap().to_string(), written);
        assert_eq!(Timestamp::parse("yesterday"), None);
    }

    #[test]
    fn a_timestamp_is_the_same_after_it_was_written_and_read_however_fine_the_clock() {
        let fine =
            chrono::Utc.with_ymd_and_hms(2026, 3, 3, 15, 0, 0).unwrap() + chrono::TimeDelta::nanoseconds(123_456_789);
        let timestamp = Timestamp::at_campus(fine, chrono_tz::America::New_York);
        assert_eq!(Timestamp::parse(&timestamp.to_string()), Some(timestamp));
        assert_eq!(Timestamp::parse("2026-03-03T10:00:00.123456789-05:00"), Some(timestamp));
    }
}
