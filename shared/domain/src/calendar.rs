//! A room's free periods as iCalendar (RFC 5545), which calendar programs subscribe to.
//!
//! Times are in UTC, so that nothing depends on what a program knows of the campus's clocks. Nothing in it is of the moment at
//! which it was asked for: the same sweep makes the same bytes.

use chrono::{TimeDelta, Utc};
use icalendar::{Calendar, Component, Event, EventLike, Property};

use crate::{
    campus::{Building, Classroom},
    campus_day::CampusDay,
    free_period::FreePeriod,
    room_facts::FreeSpan,
    snapshot::RoomAvailability,
    timestamp::Timestamp,
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

#[cfg(test)]
mod tests {
    use calcard::icalendar::{
        ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarProperty, ICalendarTransparency, ICalendarValue,
    };
    use proptest::prelude::*;

    use super::*;
    use crate::{
        bookings::{Booking, BookingsByRoom},
        campus::Campus,
        snapshot::Snapshot,
    };

    fn campus(room: &str, building: &str) -> Campus {
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        let file = format!(
            "name = 'A'\ntimezone = 'America/New_York'\n[[buildings]]\ncode = 'CAS'\nname = {}\nopens = '00:00'\n\
             closes = '24:00'\nclassrooms = [{{ id = '342', name = {} }}]",
            quoted(building),
            quoted(room)
        );
        Campus::parse("one room", &file).unwrap()
    }

    /// A day with a class from `start` to `end` o'clock.
    fn day(campus: &Campus, date: &str, start: u16, end: u16) -> RoomDay {
        let date = date.parse().unwrap();
        let mut bookings = BookingsByRoom::new();
        let class = Booking { start: start * 60, end: end * 60 };
        bookings.entry("342".to_owned()).or_default().add(date, [class]);
        let last_updated = Timestamp::parse("2026-03-03T05:00:00.9-05:00").unwrap();
        let snapshot = Snapshot::new(campus, 28, date, last_updated, &bookings, None);
        let room = snapshot.room("342").unwrap().clone();
        RoomDay { day: CampusDay::new(date, campus.timezone), last_updated, room }
    }

    fn calendar_of(campus: &Campus, days: &[RoomDay]) -> String {
        let (building, room) = campus.classrooms().next().unwrap();
        calendar(building, room, days)
    }

    fn text(component: &ICalendarComponent, property: &ICalendarProperty) -> String {
        let entry = component.property(property).unwrap_or_else(|| panic!("no {property:?}"));
        match entry.values.as_slice() {
            [ICalendarValue::Text(text)] => text.clone(),
            values => panic!("{property:?} is {values:?}"),
        }
    }

    fn instant(event: &ICalendarComponent, property: &ICalendarProperty) -> String {
        match event.property(property).unwrap().values.as_slice() {
            [ICalendarValue::PartialDateTime(at)] => {
                assert_eq!((at.tz_hour, at.tz_minute), (Some(0), Some(0)), "it should be in UTC");
                let day = format!("{:04}-{:02}-{:02}", at.year.unwrap(), at.month.unwrap(), at.day.unwrap());
                format!("{day} {:02}:{:02}:{:02}", at.hour.unwrap(), at.minute.unwrap(), at.second.unwrap())
            }
            values => panic!("{property:?} is {values:?}"),
        }
    }

    /// What another library reads in the calendar: the calendar itself, and its events.
    fn read(text: &str) -> (ICalendarComponent, Vec<ICalendarComponent>) {
        let mut components = ICalendar::parse(text).unwrap().components.into_iter();
        let calendar = components.next().unwrap();
        let events: Vec<_> = components.collect();
        assert!(events.iter().all(|event| event.component_type == ICalendarComponentType::VEvent));
        (calendar, events)
    }

    #[test]
    fn each_free_period_is_an_event_in_utc_also_when_the_clocks_change() {
        let campus = campus("116", "College of Arts & Sciences");
        let days = [
            day(&campus, "2026-03-07", 9, 10),
            day(&campus, "2026-03-08", 9, 10),
            day(&campus, "2026-11-01", 0, 24),
            day(&campus, "2026-11-02", 0, 22),
        ];
        let (calendar, events) = read(&calendar_of(&campus, &days));
        assert_eq!(text(&calendar, &ICalendarProperty::Version), "2.0");
        let times: Vec<_> = events
            .iter()
            .map(|event| (instant(event, &ICalendarProperty::Dtstart), instant(event, &ICalendarProperty::Dtend)))
            .collect();
        let expected = [
            ("2026-03-07 05:00:00", "2026-03-07 14:00:00"),
            ("2026-03-07 15:00:00", "2026-03-08 05:00:00"),
            ("2026-03-08 05:00:00", "2026-03-08 13:00:00"),
            ("2026-03-08 14:00:00", "2026-03-09 04:00:00"),
            ("2026-11-03 03:00:00", "2026-11-03 05:00:00"),
        ];
        assert_eq!(times, expected.map(|(start, end)| (start.to_owned(), end.to_owned())));
        let first = &events[0];
        assert_eq!(text(first, &ICalendarProperty::Uid), "342-2026-03-07T00:00@emptyclassroom");
        assert_eq!(text(&events[1], &ICalendarProperty::Uid), "342-2026-03-07T10:00@emptyclassroom");
        assert_eq!(text(first, &ICalendarProperty::Summary), "CAS 116 is free");
        assert_eq!(text(first, &ICalendarProperty::Location), "CAS 116, College of Arts & Sciences");
        assert_eq!(instant(first, &ICalendarProperty::Dtstamp), "2026-03-03 10:00:00");
        let transparency = first.property(&ICalendarProperty::Transp).unwrap().values.first().unwrap();
        assert_eq!(*transparency, ICalendarValue::Transparency(ICalendarTransparency::Transparent));
    }

    #[test]
    fn the_calendar_tells_its_name_and_how_often_to_ask() {
        let campus = campus("116", "A");
        let text = calendar_of(&campus, &[]);
        for line in [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//EmptyClassroom//EmptyClassroom//EN",
            "X-WR-CALNAME:CAS 116 is free",
            "REFRESH-INTERVAL;VALUE=DURATION:PT3600S",
            "X-PUBLISHED-TTL:PT3600S",
            "END:VCALENDAR",
        ] {
            assert!(text.split("\r\n").any(|written| written == line), "{line} should be in {text}");
        }
    }

    proptest! {
        #[test]
        fn any_name_reads_back_from_lines_that_are_short_enough(
            room in "[^\\p{C}\\p{Z}][^\\p{C}]{0,150}[^\\p{C}\\p{Z}]",
            building in "[^\\p{C}\\p{Z}][^\\p{C}]{0,150}[^\\p{C}\\p{Z}]",
        ) {
            let campus = campus(&room, &building);
            let written = calendar_of(&campus, &[day(&campus, "2026-03-03", 0, 10)]);
            prop_assert!(written.ends_with("\r\n"));
            for line in written.split("\r\n") {
                // RFC 5545 recommends 75; the library's last piece of a long line may be one more, the space before it.
                prop_assert!(line.len() <= 76 && !line.contains(['\r', '\n']), "{}", line);
            }
            let (calendar, events) = read(&written);
            let name = format!("CAS {room} is free");
            prop_assert_eq!(text(&calendar, &ICalendarProperty::Other("X-WR-CALNAME".to_owned())), name.clone());
            prop_assert_eq!(text(&events[0], &ICalendarProperty::Summary), name);
            let location = format!("CAS {room}, {building}");
            prop_assert_eq!(text(&events[0], &ICalendarProperty::Location), location);
        }
    }
}
