//! The part of a snapshot that matches a question. Its JSON is the body of `GET /api/open-classrooms`. If the question has a
//! moment, each room has two more fields.

use std::cmp::Reverse;

use alphanumeric_sort::compare_str;
use chrono::{DateTime, FixedOffset, NaiveDate};
use chrono_tz::Tz;
use indexmap::IndexMap;
use serde::Serialize;

use super::{Moment, Question, Sort};
use crate::{
    campus::{Building, Campus, Classroom},
    campus_day::{CampusDay, iso_8601},
    free_period::FreePeriod,
    opening_hours::OpeningHours,
    slots::Slot,
    snapshot::{BuildingAvailability, RoomAvailability, RoomStatus, Snapshot},
    time_of_day::TimeOfDay,
    timestamp::Timestamp,
};

/// The rooms of a day that match a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenClassrooms<'a> {
    /// The campus's name.
    pub campus: &'a str,
    /// Whether the bookings are invented for a demonstration. Present only if they are.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub simulated: bool,
    /// The requested buildings by their codes, in the campus file's order.
    pub buildings: IndexMap<&'a str, BuildingMatches<'a>>,
    /// When the sweep that the slots came from ended, in campus time.
    pub last_updated: Timestamp,
    /// The day, at the campus.
    pub date: NaiveDate,
    /// The campus's time zone. All times are in it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub timezone: Tz,
    /// Whether the data are older than they should be.
    // The last field: see [`mark_stale`].
    pub stale: bool,
}

/// The rooms of one building that match a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Building))]
pub struct BuildingMatches<'a> {
    /// The building's code.
    pub code: &'a str,
    /// Its full name.
    pub name: &'a str,
    /// When it opens on this day; null if it is closed.
    pub opens: Option<TimeOfDay>,
    /// When it closes on this day; null if it is closed.
    pub closes: Option<TimeOfDay>,
    /// The matching rooms, possibly none.
    pub classrooms: Vec<RoomMatch<'a>>,
}

/// A room that matches a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Room))]
pub struct RoomMatch<'a> {
    /// 25Live's `space_id`.
    pub id: &'a str,
    /// The room's name within its building.
    pub name: &'a str,
    /// How current `availability` is.
    pub status: RoomStatus,
    /// The number of people it holds, if the campus file has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub capacity: Option<u32>,
    /// Its equipment, such as "Projector", if the campus file has it.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub features: &'a [String],
    /// All free slots of the day, in order.
    pub availability: &'a [Slot],
    /// How long it is free from the question's moment; `None` without a moment.
    #[serde(flatten)]
    pub free: Option<FreeTime>,
}

/// How long a room is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FreeTime {
    /// When the next booking begins, or the building closes.
    #[serde(rename = "free_until", serialize_with = "iso_8601")]
    pub until: DateTime<FixedOffset>,
    /// The minutes from the requested moment until then.
    #[serde(rename = "free_minutes")]
    pub minutes: i64,
}

impl<'a> OpenClassrooms<'a> {
    /// Returns the whole campus on the snapshot's day.
    #[must_use]
    pub fn all(snapshot: &'a Snapshot, campus: &'a Campus) -> Self {
        Question::about(CampusDay::new(snapshot.date, campus.timezone)).answer(snapshot, campus)
    }
}

/// Returns the same JSON body marked as stale; `None` if it does not end like an [`OpenClassrooms`].
#[must_use]
pub fn mark_stale(body: &[u8]) -> Option<Vec<u8>> {
    const FRESH: &[u8] = br#""stale":false}"#;
    const STALE: &[u8] = br#""stale":true}"#;
    let rest = body.strip_suffix(FRESH).or_else(|| body.strip_suffix(STALE))?;
    Some([rest, STALE].concat())
}

impl Question {
    /// Returns the matching rooms of `snapshot`, which must be of the question's day and of `campus`.
    #[must_use]
    pub fn answer<'a>(&self, snapshot: &'a Snapshot, campus: &'a Campus) -> OpenClassrooms<'a> {
        let buildings = campus.buildings.iter().filter(|building| self.asks_for(building));
        let buildings = buildings.filter_map(|building| {
            let availability = snapshot.buildings.get(&building.code)?;
            Some((building.code.as_str(), self.building(building, availability)))
        });
        let (campus, buildings) = (&campus.name, buildings.collect());
        let Snapshot { last_updated, date, timezone, stale, simulated, .. } = *snapshot;
        OpenClassrooms { campus, simulated, buildings, last_updated, date, timezone, stale }
    }

    fn asks_for(&self, building: &Building) -> bool {
        self.buildings.as_ref().is_none_or(|asked| asked.contains(&building.code))
    }

    fn building<'a>(&self, building: &'a Building, availability: &'a BuildingAvailability) -> BuildingMatches<'a> {
        let (code, name) = (&building.code, &building.name);
        let hours = building.hours_on(self.day.date());
        // If the building's own name matches, so do all of its rooms.
        let search = self.search.as_ref().filter(|search| !search.matches(&[name]));
        let rooms = availability.rooms_of(building).filter(|(room, _)| self.suits(room));
        let rooms = rooms.filter(|(room, _)| search.is_none_or(|search| search.matches(&[code, &room.name])));
        let mut found: Vec<_> = rooms.filter_map(|(facts, room)| self.room(facts, room, hours)).collect();
        match self.sort {
            None => {}
            Some(Sort::Name) => found.sort_by(|(_, a), (_, b)| compare_str(a.name, b.name)),
            Some(Sort::Longest) => found.sort_by_key(|(minutes, _)| Reverse(*minutes)),
            Some(Sort::Largest) => found.sort_by_key(|(_, room)| Reverse(room.capacity)),
        }
        BuildingMatches {
            code,
            name,
            opens: hours.map(OpeningHours::opens),
            closes: hours.map(OpeningHours::closes),
            classrooms: found.into_iter().map(|(_, room)| room).collect(),
        }
    }

    /// Returns whether the room is large enough and has every requested feature. A room of unknown capacity is never large
    /// enough.
    fn suits(&self, room: &Classroom) -> bool {
        let has = |asked: &String| room.features.iter().any(|feature| feature.to_lowercase() == *asked);
        self.min_capacity.is_none_or(|people| room.capacity >= Some(people)) && self.features.iter().all(has)
    }

    /// Returns the room and how many minutes it is free, if it is free as requested.
    fn room<'a>(
        &self,
        facts: &'a Classroom,
        room: &'a RoomAvailability,
        hours: Option<OpeningHours>,
    ) -> Option<(i64, RoomMatch<'a>)> {
        let free = match self.moment {
            Some(moment) => Some(self.free_from(moment, room, hours)?),
            None => None,
        };
        let minutes = free.map_or_else(|| self.longest(room, hours), |free| free.minutes);
        if minutes < i64::from(self.min_minutes) {
            return None;
        }
        let Classroom { id, name, capacity, features } = facts;
        let RoomAvailability { status, availability, .. } = room;
        let (capacity, status) = (*capacity, *status);
        Some((minutes, RoomMatch { id, name, status, capacity, features, availability, free }))
    }

    fn free_from(&self, moment: Moment, room: &RoomAvailability, hours: Option<OpeningHours>) -> Option<FreeTime> {
        let mut periods = FreePeriod::of_slots(&room.availability, hours).map(|period| period.shown_on(self.day));
        let period = periods.find(|period| period.covers(moment.from, moment.until))?;
        let until = self.day.instant_after(period.until, moment.instant);
        Some(FreeTime { until, minutes: (until - moment.instant).num_minutes() })
    }

    /// Returns the length of the day's longest free period, in minutes.
    fn longest(&self, room: &RoomAvailability, hours: Option<OpeningHours>) -> i64 {
        let minutes = FreePeriod::of_slots(&room.availability, hours).map(|period| {
            let from = self.day.instant(period.from);
            (self.day.instant_after(period.until, from) - from).num_minutes()
        });
        minutes.max().unwrap_or_default()
    }
}
