//! A room's free periods as iCalendar (RFC 5545), which calendar programs subscribe to.
//!
//! Times are in UTC, so that nothing depends on what a program knows of the campus's clocks. Nothing in it is of the moment at
//! which it was asked for: the same sweep makes the same bytes.

use chrono::{TimeDelta, Utc};
use icalendar::{Calendar, Component, Event, EventLike, Property};

use crate::{
    campus::{Building, Classroom},
    campus_day::CampusDay,
    facts::FreeSpan,
    free_period::FreePeriod,
    snapshot::{RoomAvailability, Timestamp},
};

/// How often a calendar program should ask. Sweeps are daily, or asked for by somebody.
const REFRESH_INTERVAL: TimeDelta = TimeDelta::hours(1);

/// What is known of a room on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomDay {
    /// The day.
    pub day: CampusDay,
    /// When the sweep ended that the slots came from.
    pub last_updated: Timestamp,
    /// The room with its slots.
    pub room: RoomAvailability,
}

/// The calendar of a room: an event for each of its free periods.
#[must_use]
pub fn calendar(building: &Building, room: &Classroom, days: &[RoomDay]) -> String {
    let name = format!("{} {}", building.code, room.name);
    let mut calendar = Calendar::empty();
    calendar
        .append_property(("VERSION", "2.0"))
        .append_property(("PRODID", "-//EmptyClassroom//EmptyClassroom//EN"))
        .append_property(("CALSCALE", "GREGORIAN"))
        .append_property(("METHOD", "PUBLISH"))
        .append_property(("X-WR-CALNAME", format!("{name} is free").as_str()))
        .append_property(("X-WR-CALDESC", "Only official bookings are known. The room can be locked."))
        .ttl(&REFRESH_INTERVAL);
    for day in days {
        calendar.extend(events(&name, building, room, day));
    }
    calendar.to_string()
}

fn events(name: &str, building: &Building, room: &Classroom, known: &RoomDay) -> impl Iterator<Item = Event> {
    let periods = FreePeriod::of_room(&known.room, building.hours);
    periods.filter_map(move |period| {
        let FreeSpan { start, end } = FreeSpan::of(period, known.day);
        // One that lies within an hour that the clocks skip takes no time.
        (start < end).then(|| {
            let mut event = Event::new();
            event
                .uid(&format!("{}-{}T{}@emptyclassroom", room.id, known.day.date(), period.from))
                .timestamp(known.last_updated.instant().to_utc())
                .starts(start.with_timezone(&Utc))
                .ends(end.with_timezone(&Utc))
                .summary(&format!("{name} is free"))
                .location(&format!("{name}, {}", building.name))
                .append_property(Property::new("TRANSP", "TRANSPARENT"));
            event.done()
        })
    })
}
