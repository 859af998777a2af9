//! A room's free periods as iCalendar (RFC 5545), which calendar programs subscribe to.
//!
//! Times are in UTC, so that nothing depends on what a program knows of the campus's clocks. Nothing in it is of the moment at
//! which it was asked for, or of the sweep that it came from: the same free periods make the same bytes.

use chrono::{TimeDelta, Utc};
use icalendar::{Calendar, Component, Event, EventLike, Property};

use crate::{
    campus::{Building, Campus, Classroom},
    campus_day::CampusDay,
    free_period::FreePeriod,
    room_days::RoomDay,
    room_facts::FreeSpan,
    slots::Slot,
    time_of_day::TimeOfDay,
};

/// How often a calendar program should ask. Sweeps are daily, or asked for by somebody.
const REFRESH_INTERVAL: TimeDelta = TimeDelta::hours(1);
/// The longest line of RFC 5545, section 3.1, in bytes, without its line break.
const LONGEST_LINE: usize = 75;
/// The time zone of the calendar's times, for a calendar without an event: it must have some component (RFC 5545, section
/// 3.6), and this one is the least surprising. Calendar programs know it, and show nothing for it.
const UTC_ZONE: &str = "BEGIN:VTIMEZONE\r\nTZID:Etc/UTC\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0000\r\n\
                        TZOFFSETTO:+0000\r\nTZNAME:UTC\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";
const END: &str = "END:VCALENDAR\r\n";

/// The calendar of a room: an event for each of its free periods.
#[must_use]
pub fn calendar(campus: &Campus, building: &Building, room: &Classroom, days: &[RoomDay]) -> String {
    let name = format!("{} {}", building.code, room.name);
    let mut calendar = Calendar::empty();
    calendar
        .append_property(("VERSION", "2.0"))
        .append_property(("PRODID", "-//EmptyClassroom//EmptyClassroom//EN"))
        .append_property(("CALSCALE", "GREGORIAN"))
        .append_property(("X-WR-CALNAME", format!("{name} is free").as_str()))
        .append_property(("X-WR-CALDESC", "Only official bookings are known. The room can be locked."))
        .ttl(&REFRESH_INTERVAL);
    let campus_id = campus_id(campus);
    for known in days {
        let day = CampusDay::new(known.date, campus.timezone);
        calendar.extend(events(&campus_id, &name, building, room, day, &known.slots));
    }
    let text = folded(&calendar.to_string());
    match text.strip_suffix(END) {
        Some(without_end) if calendar.components.is_empty() => [without_end, UTC_ZONE, END].concat(),
        _ => text,
    }
}

/// A name for the campus in its events' UIDs, since another campus may have a room with the same id: the FNV-1a digest of its
/// name and its time zone.
fn campus_id(campus: &Campus) -> String {
    let bytes = campus.name.bytes().chain([b'\n']).chain(campus.timezone.name().bytes());
    let digest = bytes.fold(0xcbf2_9ce4_8422_2325, |digest: u64, byte| {
        (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{digest:016x}")
}

fn events(
    campus_id: &str,
    name: &str,
    building: &Building,
    room: &Classroom,
    day: CampusDay,
    slots: &[Slot],
) -> impl Iterator<Item = Event> {
    // A UID names the whole period, so no event ever has a newer version, and DTSTAMP need not be the time of the sweep.
    let day_begins = day.instant(TimeOfDay::MIDNIGHT).with_timezone(&Utc);
    let periods = FreePeriod::of_slots(slots, building.hours_on(day.date()));
    periods.filter_map(move |period| {
        let FreeSpan { start, end } = FreeSpan::of(period, day);
        let FreePeriod { from, until } = period;
        // One that lies within an hour that the clocks skip takes no time.
        (start < end).then(|| {
            let mut event = Event::new();
            event
                .uid(&format!("{}-{}T{from}-{until}@{campus_id}.emptyclassroom", room.id, day.date()))
                .timestamp(day_begins)
                .starts(start.with_timezone(&Utc))
                .ends(end.with_timezone(&Utc))
                .summary(&format!("{name} is free"))
                .location(&format!("{name}, {}", building.name))
                .append_property(Property::new("TRANSP", "TRANSPARENT"));
            event.done()
        })
    })
}

/// The calendar with its long lines folded anew: the library's last piece of a line may be a byte too long.
fn folded(calendar: &str) -> String {
    let mut folded = String::with_capacity(calendar.len());
    for line in calendar.replace("\r\n ", "").split_terminator("\r\n") {
        let mut rest = line;
        let mut longest = LONGEST_LINE;
        while rest.len() > longest {
            let (piece, behind) = rest.split_at(rest.floor_char_boundary(longest));
            folded.push_str(piece);
            folded.push_str("\r\n ");
            // The space counts.
            (rest, longest) = (behind, LONGEST_LINE - 1);
        }
        folded.push_str(rest);
        folded.push_str("\r\n");
    }
    folded
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
        timestamp::Timestamp,
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
        let (building, room) = campus.classrooms().next().unwrap();
        RoomDay::of_room(building, room, &[snapshot]).remove(0)
    }

    fn calendar_of(campus: &Campus, days: &[RoomDay]) -> String {
        let (building, room) = campus.classrooms().next().unwrap();
        calendar(campus, building, room, days)
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
        assert_eq!(text(first, &ICalendarProperty::Uid), "342-2026-03-07T00:00-09:00@a640dc5755a2fc73.emptyclassroom");
        assert_eq!(
            text(&events[1], &ICalendarProperty::Uid),
            "342-2026-03-07T10:00-24:00@a640dc5755a2fc73.emptyclassroom"
        );
        assert_eq!(text(first, &ICalendarProperty::Summary), "CAS 116 is free");
        assert_eq!(text(first, &ICalendarProperty::Location), "CAS 116, College of Arts & Sciences");
        assert_eq!(instant(first, &ICalendarProperty::Dtstamp), "2026-03-07 05:00:00");
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

    #[test]
    fn a_later_sweep_that_finds_the_same_periods_makes_the_same_bytes() {
        let campus = campus("116", "A");
        let earlier = day(&campus, "2026-03-03", 9, 10);
        let later = RoomDay { last_updated: Timestamp::parse("2026-03-03T11:00:00-05:00").unwrap(), ..earlier.clone() };
        assert_eq!(calendar_of(&campus, &[later]), calendar_of(&campus, &[earlier]));
    }

    #[test]
    fn a_calendar_without_a_free_period_has_one_component_that_no_program_shows() {
        let campus = campus("116", "A");
        for days in [vec![], vec![day(&campus, "2026-03-03", 0, 24)]] {
            let components = ICalendar::parse(calendar_of(&campus, &days)).unwrap().components;
            let types: Vec<_> = components.iter().map(|component| component.component_type.clone()).collect();
            let expected = [
                ICalendarComponentType::VCalendar,
                ICalendarComponentType::VTimezone,
                ICalendarComponentType::Standard,
            ];
            assert_eq!(types, expected);
            assert_eq!(text(&components[1], &ICalendarProperty::Tzid), "Etc/UTC");
        }
        let free = calendar_of(&campus, &[day(&campus, "2026-03-03", 9, 10)]);
        assert!(!free.contains("VTIMEZONE"), "{free}");
    }

    #[test]
    fn rooms_of_the_same_id_on_two_campuses_have_events_of_different_uids() {
        let here = campus("116", "A");
        let elsewhere = Campus { timezone: chrono_tz::Europe::Berlin, ..here.clone() };
        let other = Campus { name: "B".to_owned(), ..here.clone() };
        let uids = [&here, &elsewhere, &other].map(|campus| {
            let (_, events) = read(&calendar_of(campus, &[day(&here, "2026-03-03", 9, 10)]));
            text(&events[0], &ICalendarProperty::Uid)
        });
        assert!(uids[0] != uids[1] && uids[1] != uids[2] && uids[0] != uids[2], "{uids:?}");
        assert_eq!(uids[0], "342-2026-03-03T00:00-09:00@a640dc5755a2fc73.emptyclassroom", "it stays the same for ever");
    }

    proptest! {
        #[test]
        fn any_name_reads_back_from_lines_that_are_short_enough(
            id in "[^\\p{C}\\p{Z}]{1,100}",
            room in "[^\\p{C}\\p{Z}][^\\p{C}]{0,150}[^\\p{C}\\p{Z}]",
            building in "[^\\p{C}\\p{Z}][^\\p{C}]{0,150}[^\\p{C}\\p{Z}]",
        ) {
            let mut campus = campus(&room, &building);
            let day = day(&campus, "2026-03-03", 0, 10);
            campus.buildings[0].classrooms[0].id.clone_from(&id);
            let written = calendar_of(&campus, &[day]);
            prop_assert!(written.ends_with("\r\n"));
            for line in written.split("\r\n") {
                prop_assert!(line.len() <= 75 && !line.contains(['\r', '\n']), "{}", line);
            }
            let (calendar, events) = read(&written);
            let name = format!("CAS {room} is free");
            prop_assert_eq!(text(&calendar, &ICalendarProperty::Other("X-WR-CALNAME".to_owned())), name.clone());
            prop_assert_eq!(text(&events[0], &ICalendarProperty::Summary), name);
            let uid = format!("{id}-2026-03-03T10:00-24:00@a640dc5755a2fc73.emptyclassroom");
            prop_assert_eq!(text(&events[0], &ICalendarProperty::Uid), uid);
            let location = format!("CAS {room}, {building}");
            prop_assert_eq!(text(&events[0], &ICalendarProperty::Location), location);
        }
    }
}
