//! What a question picks out of a snapshot. Its JSON is the snapshot's, with less in it, and with two fields more for each
//! room when a moment was asked about.

use std::cmp::Reverse;

use alphanumeric_sort::compare_str;
use chrono::{DateTime, FixedOffset, NaiveDate};
use chrono_tz::Tz;
use indexmap::IndexMap;
use serde::Serialize;

use super::{Moment, Question, Sort};
use crate::{
    campus::{Building, Campus, OpeningHours},
    campus_day::iso_8601,
    free_period::FreePeriod,
    slots::Slot,
    snapshot::{BuildingAvailability, RoomAvailability, RoomStatus, Snapshot},
    timestamp::Timestamp,
};

/// The rooms of a day that a question asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenClassrooms<'a> {
    /// Those asked for, by their codes, in the campus file's order.
    pub buildings: IndexMap<&'a str, BuildingMatches<'a>>,
    /// When the sweep ended that the slots came from, at the campus.
    pub last_updated: Timestamp,
    /// The day, at the campus.
    pub date: NaiveDate,
    /// The campus's time zone: all times are in it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub timezone: Tz,
    /// Whether newer data should have been had.
    pub stale: bool,
}

/// The rooms of one building that a question asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Building))]
pub struct BuildingMatches<'a> {
    /// The building's code, again.
    pub code: &'a str,
    /// Its full name.
    pub name: &'a str,
    /// The rooms that match, if there are any.
    pub classrooms: Vec<RoomMatch<'a>>,
}

/// A room that a question asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Room))]
pub struct RoomMatch<'a> {
    /// 25Live's `space_id`.
    pub id: &'a str,
    /// The room's name within its building.
    pub name: &'a str,
    /// What `availability` is worth.
    pub status: RoomStatus,
    /// All free slots of the day, in order.
    pub availability: &'a [Slot],
    /// For how long it is free from the moment asked about; nothing if none was.
    #[serde(flatten)]
    pub free: Option<FreeTime>,
}

/// For how long a room is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FreeTime {
    /// When the next booking begins, or the building closes.
    #[serde(rename = "free_until", serialize_with = "iso_8601")]
    pub until: DateTime<FixedOffset>,
    /// How many minutes pass from the moment asked about until then.
    #[serde(rename = "free_minutes")]
    pub minutes: i64,
}

impl Question {
    /// The rooms of `snapshot`, which is of the question's day and of this campus, that are asked for.
    #[must_use]
    pub fn answer<'a>(&self, snapshot: &'a Snapshot, campus: &Campus) -> OpenClassrooms<'a> {
        let buildings = campus.buildings.iter().filter(|building| self.asks_for(building));
        let buildings = buildings.filter_map(|building| {
            let availability = snapshot.buildings.get(&building.code)?;
            Some((availability.code.as_str(), self.building(availability, building.hours)))
        });
        let Snapshot { last_updated, date, timezone, stale, .. } = *snapshot;
        OpenClassrooms { buildings: buildings.collect(), last_updated, date, timezone, stale }
    }

    fn asks_for(&self, building: &Building) -> bool {
        self.buildings.as_ref().is_none_or(|asked| asked.contains(&building.code))
    }

    fn building<'a>(&self, building: &'a BuildingAvailability, hours: OpeningHours) -> BuildingMatches<'a> {
        let BuildingAvailability { code, name, classrooms } = building;
        let search = self.search.as_ref().filter(|search| !search.matches(&[name]));
        let rooms = classrooms.iter().filter(|room| search.is_none_or(|search| search.matches(&[code, &room.name])));
        let mut found: Vec<_> = rooms.filter_map(|room| self.room(room, hours)).collect();
        match self.sort {
            None => {}
            Some(Sort::Name) => found.sort_by(|(_, a), (_, b)| compare_str(a.name, b.name)),
            Some(Sort::Longest) => found.sort_by_key(|(minutes, _)| Reverse(*minutes)),
        }
        BuildingMatches { code, name, classrooms: found.into_iter().map(|(_, room)| room).collect() }
    }

    /// The room, if it is free as asked, and for how many minutes.
    fn room<'a>(&self, room: &'a RoomAvailability, hours: OpeningHours) -> Option<(i64, RoomMatch<'a>)> {
        let free = match self.moment {
            Some(moment) => Some(self.free_from(moment, room, hours)?),
            None => None,
        };
        let minutes = free.map_or_else(|| self.longest(room, hours), |free| free.minutes);
        let RoomAvailability { id, name, status, availability, .. } = room;
        (minutes >= i64::from(self.min_minutes))
            .then_some((minutes, RoomMatch { id, name, status: *status, availability, free }))
    }

    fn free_from(&self, moment: Moment, room: &RoomAvailability, hours: OpeningHours) -> Option<FreeTime> {
        let mut periods = FreePeriod::of_room(room, hours).map(|period| period.shown_on(self.day));
        let period = periods.find(|period| period.covers(moment.from, moment.until))?;
        let until = self.day.instant_after(period.until, moment.instant);
        Some(FreeTime { until, minutes: (until - moment.instant).num_minutes() })
    }

    /// The minutes of the day's longest free period.
    fn longest(&self, room: &RoomAvailability, hours: OpeningHours) -> i64 {
        let minutes = FreePeriod::of_room(room, hours).map(|period| {
            let from = self.day.instant(period.from);
            (self.day.instant_after(period.until, from) - from).num_minutes()
        });
        minutes.max().unwrap_or_default()
    }
}
