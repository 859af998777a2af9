//! A room's free periods as an iCalendar (RFC 5545) that calendar programs can subscribe to.
//!
//! Times are in UTC, so nothing depends on a program's knowledge of the campus's time zone. The output depends neither on the
//! time of the request nor on the sweep: the same free periods make the same bytes.
//!
//! It is a dozen fixed properties, so it is written here without a library: the `icalendar` crate took two thirds of the
//! response time, and folded some lines a byte too late.

use std::fmt::{self, Write};

use chrono::{DateTime, Datelike, Timelike, Utc};

use crate::{
    campus::{Building, Campus, Classroom},
    campus_day::CampusDay,
    free_period::FreePeriod,
    room_days::RoomDays,
    room_facts::FreeSpan,
    time_of_day::TimeOfDay,
};

/// Asks calendar programs to refresh hourly. A sweep runs daily and on each manual refresh.
const REFRESH_INTERVAL: &str = "PT1H";
/// The maximum length of a line in bytes, without its line break (RFC 5545, section 3.1).
const LONGEST_LINE: usize = 75;
/// The component of a calendar without events: RFC 5545, section 3.6, requires at least one. Calendar programs know this time
/// zone and show nothing for it.
const UTC_ZONE: &str = "BEGIN:VTIMEZONE\r\nTZID:Etc/UTC\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0000\r\n\
                        TZOFFSETTO:+0000\r\nTZNAME:UTC\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";

/// Renders the calendar of a room, with an event for each free period.
#[must_use]
pub fn calendar(campus: &Campus, building: &Building, room: &Classroom, known: &RoomDays) -> String {
    let name = format!("{} {}", building.code, room.name);
    let mark = if known.simulated { " (simulated)" } else { "" };
    let (summary, location) = (format!("{name} is free{mark}"), format!("{name}, {}", building.name));
    let campus_id = campus_id(campus);
    let mut calendar = ContentLines::default();
    calendar.push("BEGIN", &"VCALENDAR");
    calendar.push("VERSION", &"2.0");
    calendar.push("PRODID", &"-//EmptyClassroom//EmptyClassroom//EN");
    calendar.push("CALSCALE", &"GREGORIAN");
    calendar.push("X-WR-CALNAME", &Text(&summary));
    calendar.push("X-WR-CALDESC", &Text("Only official bookings are known. The room can be locked."));
    calendar.push("REFRESH-INTERVAL;VALUE=DURATION", &REFRESH_INTERVAL);
    calendar.push("X-PUBLISHED-TTL", &REFRESH_INTERVAL);
    let without_events = calendar.0.len();
    for known in &known.days {
        let day = CampusDay::new(known.date, campus.timezone);
        let day_begins = day.instant(TimeOfDay::MIDNIGHT).to_utc();
        for period in FreePeriod::of_slots(&known.slots, building.hours_on(known.date)) {
            let FreeSpan { start, end } = FreeSpan::of(period, day);
            // A period within an hour that the clocks skip is empty.
            if start >= end {
                continue;
            }
            let FreePeriod { from, until } = period;
            calendar.push("BEGIN", &"VEVENT");
            // The UID identifies the whole period, so an event never changes, and DTSTAMP need not be the time of the sweep.
            let uid = format!("{}-{}T{from}-{until}@{campus_id}.emptyclassroom", room.id, known.date);
            calendar.push("UID", &Text(&uid));
            calendar.push("DTSTAMP", &Instant(day_begins));
            calendar.push("DTSTART", &Instant(start.to_utc()));
            calendar.push("DTEND", &Instant(end.to_utc()));
            calendar.push("SUMMARY", &Text(&summary));
            calendar.push("LOCATION", &Text(&location));
            calendar.push("TRANSP", &"TRANSPARENT");
            calendar.push("END", &"VEVENT");
        }
    }
    if calendar.0.len() == without_events {
        calendar.0.push_str(UTC_ZONE);
    }
    calendar.push("END", &"VCALENDAR");
    calendar.0
}

/// Returns the campus's part of the UIDs, because another campus may have a room with the same id: the FNV-1a digest of the
/// campus's name and time zone.
fn campus_id(campus: &Campus) -> String {
    let bytes = campus.name.bytes().chain([b'\n']).chain(campus.timezone.name().bytes());
    let digest = bytes.fold(0xcbf2_9ce4_8422_2325, |digest: u64, byte| {
        (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{digest:016x}")
}

/// Content lines, each with a name, a colon, a value and a line break.
#[derive(Default)]
struct ContentLines(String);

impl ContentLines {
    /// Adds a line, folded if it is too long.
    #[expect(clippy::expect_used, reason = "writing to a String cannot fail")]
    fn push(&mut self, name: &str, value: &dyn fmt::Display) {
        let begin = self.0.len();
        write!(self.0, "{name}:{value}").expect("writing to a String cannot fail");
        if self.0.len() - begin > LONGEST_LINE {
            let line = self.0.split_off(begin);
            self.fold(&line);
        }
        self.0.push_str("\r\n");
    }

    fn fold(&mut self, line: &str) {
        let (mut rest, mut longest) = (line, LONGEST_LINE);
        while rest.len() > longest {
            let (piece, behind) = rest.split_at(rest.floor_char_boundary(longest));
            self.0.push_str(piece);
            self.0.push_str("\r\n ");
            // The leading space of a continuation line counts.
            (rest, longest) = (behind, LONGEST_LINE - 1);
        }
        self.0.push_str(rest);
    }
}

/// An escaped text value (RFC 5545, section 3.3.11). Line breaks need no escape: texts of a campus have none.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.split_inclusive(['\\', ';', ',']).try_for_each(|piece| match piece.split_at_checked(piece.len() - 1) {
            Some((before, mark @ ("\\" | ";" | ","))) => write!(f, "{before}\\{mark}"),
            _ => f.write_str(piece),
        })
    }
}

/// A date-time value in UTC (RFC 5545, section 3.3.5).
struct Instant(DateTime<Utc>);

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, time) = (self.0.date_naive(), self.0.time());
        write!(f, "{:04}{:02}{:02}T", date.year(), date.month(), date.day())?;
        write!(f, "{:02}{:02}{:02}Z", time.hour(), time.minute(), time.second())
    }
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
        room_days::RoomDay,
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
        RoomDays::of_room(building, room, false, &[snapshot]).days.remove(0)
    }

    fn calendar_of(campus: &Campus, days: &[RoomDay]) -> String {
        let (building, room) = campus.classrooms().next().unwrap();
        calendar(campus, building, room, &RoomDays { simulated: false, days: days.to_vec() })
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
                assert_eq!((at.tz_hour, at.tz_minute), (Some(0), Some(0)), "the time should be in UTC");
                let day = format!("{:04}-{:02}-{:02}", at.year.unwrap(), at.month.unwrap(), at.day.unwrap());
                format!("{day} {:02}:{:02}:{:02}", at.hour.unwrap(), at.minute.unwrap(), at.second.unwrap())
            }
            values => panic!("{property:?} is {values:?}"),
        }
    }

    /// Parses the calendar with another library, into the calendar itself and its events.
    fn read(text: &str) -> (ICalendarComponent, Vec<ICalendarComponent>) {
        let mut components = ICalendar::parse(text).unwrap().components.into_iter();
        let calendar = components.next().unwrap();
        let events: Vec<_> = components.collect();
        assert!(events.iter().all(|event| event.component_type == ICalendarComponentType::VEvent));
        (calendar, events)
    }

    #[test]
    fn each_free_period_is_an_event_in_utc_even_when_the_clocks_change() {
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
    fn the_calendar_has_a_name_and_a_refresh_interval() {
        let campus = campus("116", "A");
        let text = calendar_of(&campus, &[]);
        for line in [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//EmptyClassroom//EmptyClassroom//EN",
            "X-WR-CALNAME:CAS 116 is free",
            "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
            "X-PUBLISHED-TTL:PT1H",
            "END:VCALENDAR",
        ] {
            assert!(text.split("\r\n").any(|written| written == line), "{line} should be in {text}");
        }
    }

    #[test]
    fn simulated_bookings_are_marked_in_the_calendars_name_and_in_each_event() {
        let campus = campus("116", "A");
        let (building, room) = campus.classrooms().next().unwrap();
        let days = RoomDays { simulated: true, days: vec![day(&campus, "2026-03-03", 9, 10)] };
        let (calendar, events) = read(&calendar(&campus, building, room, &days));
        let name = "CAS 116 is free (simulated)";
        assert_eq!(text(&calendar, &ICalendarProperty::Other("X-WR-CALNAME".to_owned())), name);
        assert!(events.iter().all(|event| text(event, &ICalendarProperty::Summary) == name));
    }

    #[test]
    fn the_same_free_periods_make_the_same_bytes_after_a_later_sweep() {
        let campus = campus("116", "A");
        let earlier = day(&campus, "2026-03-03", 9, 10);
        let later = RoomDay { last_updated: Timestamp::parse("2026-03-03T11:00:00-05:00").unwrap(), ..earlier.clone() };
        assert_eq!(calendar_of(&campus, &[later]), calendar_of(&campus, &[earlier]));
    }

    #[test]
    fn a_calendar_without_free_periods_has_only_a_time_zone() {
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
    fn rooms_with_the_same_id_on_two_campuses_have_different_event_uids() {
        let here = campus("116", "A");
        let elsewhere = Campus { timezone: chrono_tz::Europe::Berlin, ..here.clone() };
        let other = Campus { name: "B".to_owned(), ..here.clone() };
        let uids = [&here, &elsewhere, &other].map(|campus| {
            let (_, events) = read(&calendar_of(campus, &[day(&here, "2026-03-03", 9, 10)]));
            text(&events[0], &ICalendarProperty::Uid)
        });
        assert!(uids[0] != uids[1] && uids[1] != uids[2] && uids[0] != uids[2], "{uids:?}");
        assert_eq!(uids[0], "342-2026-03-03T00:00-09:00@a640dc5755a2fc73.emptyclassroom", "a UID must never change");
    }

    proptest! {
        #[test]
        fn any_name_survives_escaping_and_line_folding(
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
