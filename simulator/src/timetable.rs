//! A plausible teaching timetable, as a pure function of room and date.
//!
//! Classes repeat every week: 50 minutes on Mondays, Wednesdays and Fridays, 75 minutes on Tuesdays and Thursdays. One-off
//! events, blackouts and the disorder of real responses (overlaps, cross-listed duplicates, no order) are added.

use chrono::{Datelike, NaiveDate, Weekday};

use crate::booking::{Booking, Hours, Kind};
use crate::dice::Dice;

/// Start and end, in minutes after midnight.
type Span = (u32, u32);

/// Month and day of the holidays, on which every building is closed from midnight to midnight.
const HOLIDAYS: [(u32, u32); 5] = [(1, 1), (7, 4), (11, 11), (12, 24), (12, 25)];

/// Classes of 75 minutes with breaks of 15 minutes.
const TUESDAY_PERIODS: [Span; 7] = [
    (clock(8, 0), clock(9, 15)),
    (clock(9, 30), clock(10, 45)),
    (clock(11, 0), clock(12, 15)),
    (clock(12, 30), clock(13, 45)),
    (clock(14, 0), clock(15, 15)),
    (clock(15, 30), clock(16, 45)),
    (clock(17, 0), clock(18, 15)),
];

/// Seminars that some rooms have on Monday, Wednesday and Friday afternoons instead of 50-minute classes.
const LONG_AFTERNOON: [Span; 2] = [(clock(14, 30), clock(16, 15)), (clock(16, 30), clock(18, 15))];

/// The bookings of a room on a day, which the simulated 25Live returns unless a test has set others.
///
/// The same room and date always have the same bookings. As in the real 25Live, they may be unsorted, overlapping or
/// duplicate, with hours as strings and as numbers. On weekdays, about two thirds of the time from 8:00 to 18:00 is
/// booked; Saturdays have few bookings, Sundays hardly any.
///
/// ```
/// let groundhog_day = chrono::NaiveDate::from_ymd_opt(2026, 2, 2).unwrap();
/// assert_eq!(simulator::timetable("342", groundhog_day), simulator::timetable("342", groundhog_day));
/// ```
#[must_use]
pub fn timetable(room_id: &str, date: NaiveDate) -> Vec<Booking> {
    if HOLIDAYS.contains(&(date.month(), date.day())) {
        return vec![Booking::new("0.000000", "24.000000", Kind::Closed)];
    }
    let mut bookings = classes(room_id, date.weekday());
    let mut dice = Dice::of(&[room_id, &date.to_string()]);
    bookings.extend(one_offs(&mut dice, date.weekday()));
    bookings.extend(closing_time(room_id));
    if dice.one_in(4) {
        bookings.reverse();
    }
    bookings
}

/// The bookings that repeat every week.
fn classes(room_id: &str, weekday: Weekday) -> Vec<Booking> {
    match weekday {
        Weekday::Mon | Weekday::Wed | Weekday::Fri => teach(&mut Dice::of(&[room_id, "MWF"]), &monday_periods(room_id)),
        Weekday::Tue | Weekday::Thu => teach(&mut Dice::of(&[room_id, "TT"]), &TUESDAY_PERIODS),
        Weekday::Sat => workshop(&mut Dice::of(&[room_id, "Saturday"]), 30),
        Weekday::Sun => workshop(&mut Dice::of(&[room_id, "Sunday"]), 4),
    }
}

/// 50 minutes from five past the hour (in some rooms from the full hour), between 8:00 and 18:00.
fn monday_periods(room_id: &str) -> Vec<Span> {
    let mut dice = Dice::of(&[room_id, "periods"]);
    let past = if dice.one_in(3) { 0 } else { 5 };
    let long_afternoon = dice.one_in(3);
    let last = if long_afternoon { 13 } else { 17 };
    let mut periods: Vec<Span> = (8..=last).map(|hour| (clock(hour, past), clock(hour, past + 50))).collect();
    if long_afternoon {
        periods.extend(LONG_AFTERNOON);
    }
    periods
}

/// Classes in most periods, and in some rooms one in the evening.
fn teach(dice: &mut Dice, periods: &[Span]) -> Vec<Booking> {
    let mut bookings = Vec::new();
    for &period in periods {
        if dice.percent(78) {
            bookings.push(class(dice, period));
            if dice.one_in(12) {
                // Cross-listed: the same class under a second number.
                bookings.push(class(dice, period));
            }
        }
    }
    if dice.percent(25) {
        bookings.push(class(dice, (clock(18, 30), clock(21, 15))));
    }
    bookings
}

/// A weekend workshop, with this chance in percent.
fn workshop(dice: &mut Dice, chance: u32) -> Vec<Booking> {
    let start = clock(9 + dice.below(5), 0);
    if dice.percent(chance) { vec![class(dice, (start, start + 165))] } else { Vec::new() }
}

/// Bookings on one day only, which may overlap classes.
fn one_offs(dice: &mut Dice, weekday: Weekday) -> Vec<Booking> {
    let weekend = matches!(weekday, Weekday::Sat | Weekday::Sun);
    let mut bookings = Vec::new();
    if dice.percent(if weekend { 3 } else { 8 }) {
        let start = clock(12, 0) + 30 * dice.below(17);
        let length = 60 + 15 * dice.below(5);
        bookings.push(class(dice, (start, start + length)));
    }
    if !weekend && dice.one_in(30) {
        bookings.push(written(dice, (clock(7, 0), clock(8, 20)), Kind::Blackout));
    }
    if dice.one_in(80) {
        // A party or a film that ends after midnight.
        bookings.push(class(dice, (clock(21, 40), clock(25, 0))));
    }
    bookings
}

/// Some buildings are closed in the hour before midnight every day.
fn closing_time(room_id: &str) -> Option<Booking> {
    Dice::of(&[room_id, "building"])
        .one_in(2)
        .then(|| Booking::new(Hours::text(clock(23, 0)), Hours::text(clock(24, 0)), Kind::Closed))
}

/// An event, sometimes a private one.
fn class(dice: &mut Dice, span: Span) -> Booking {
    let booking = written(dice, span, Kind::Event);
    if dice.one_in(25) { booking.private() } else { booking }
}

fn written(dice: &mut Dice, (start, end): Span, kind: Kind) -> Booking {
    Booking::new(hours(dice, start), hours(dice, end), kind)
}

/// As in the recorded responses, truncated hours are numbers and the others strings. 25Live does not guarantee this, so some
/// here are the other way around.
fn hours(dice: &mut Dice, minutes: u32) -> Hours {
    let exact = minutes.is_multiple_of(3);
    if exact == dice.one_in(8) { Hours::number(minutes) } else { Hours::text(minutes) }
}

/// Minutes after midnight.
const fn clock(hour: u32, minute: u32) -> u32 {
    hour * 60 + minute
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn rooms() -> impl Iterator<Item = String> {
        (300..400).map(|id| id.to_string())
    }

    /// The bookings of a hundred rooms on this weekday of the week from Monday, 2026-02-02.
    fn days(weekday: Weekday) -> impl Iterator<Item = Vec<Booking>> {
        let day = date("2026-02-02").iter_days().find(|day| day.weekday() == weekday).unwrap();
        rooms().map(move |room| timetable(&room, day))
    }

    fn minute(hours: &Hours) -> i32 {
        let minutes = (hours.value().unwrap() * 60.0).round();
        (0..=i32::from(i16::MAX)).find(|&whole| (f64::from(whole) - minutes).abs() < 0.5).unwrap()
    }

    /// The booked share of the time from 8:00 to 18:00.
    fn occupancy(weekday: Weekday) -> f64 {
        let busy = |day: &[Booking]| {
            let spans: Vec<_> = day.iter().map(|b| minute(&b.start)..minute(&b.end)).collect();
            (480..1080).filter(|m| spans.iter().any(|span| span.contains(m))).count()
        };
        let minutes: usize = days(weekday).map(|day| busy(&day)).sum();
        f64::from(u32::try_from(minutes).unwrap()) / (600.0 * 100.0)
    }

    #[test]
    fn weekdays_are_about_two_thirds_booked() {
        for weekday in [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri] {
            let share = occupancy(weekday);
            assert!((0.58..0.72).contains(&share), "{weekday}: {share}");
        }
    }

    #[test]
    fn weekends_are_nearly_free() {
        let (saturday, sunday) = (occupancy(Weekday::Sat), occupancy(Weekday::Sun));
        assert!(saturday < 0.15, "{saturday}");
        assert!(sunday < 0.05 && sunday < saturday, "{sunday}");
    }

    #[test]
    fn classes_repeat_every_week() {
        for room in rooms() {
            let (this_week, next_week) = (date("2026-02-03"), date("2026-02-10"));
            let classes = classes(&room, Weekday::Tue);
            for day in [this_week, next_week] {
                let bookings = timetable(&room, day);
                assert!(classes.iter().all(|class| bookings.contains(class)), "room {room} on {day}");
            }
        }
    }

    #[test]
    fn rooms_differ_and_so_do_the_days_of_a_week() {
        assert_ne!(timetable("342", date("2026-02-02")), timetable("344", date("2026-02-02")));
        assert_ne!(timetable("342", date("2026-02-02")), timetable("342", date("2026-02-03")));
    }

    #[test]
    fn a_known_day_never_changes_between_versions() {
        let at = |hours: &Hours| format!("{}:{:02}", minute(hours) / 60, minute(hours) % 60);
        let monday = timetable("342", date("2026-02-02"));
        let spans: Vec<_> = monday.iter().map(|b| format!("{}-{}", at(&b.start), at(&b.end))).collect();
        let classes = ["8:05-8:55", "9:05-9:55", "13:05-13:55", "14:05-14:55", "15:05-15:55", "16:05-16:55"];
        let evening = ["17:05-17:55", "18:30-21:15", "23:00-24:00"];
        assert_eq!(spans, [&classes[..], &evening].concat());
    }

    #[test]
    fn no_booking_ends_before_it_begins() {
        for room in rooms() {
            for booking in date("2026-01-01").iter_days().take(60).flat_map(|day| timetable(&room, day)) {
                assert!(minute(&booking.start) < minute(&booking.end), "{booking:?}");
            }
        }
    }

    #[test]
    fn a_holiday_is_closed_from_midnight_to_midnight() {
        let closed = vec![Booking::new("0.000000", "24.000000", Kind::Closed)];
        assert_eq!(timetable("342", date("2026-12-25")), closed);
    }

    #[test]
    fn a_month_of_a_campus_contains_every_kind_of_booking() {
        let days: Vec<_> = rooms()
            .flat_map(|room| date("2026-02-01").iter_days().take(29).map(move |day| timetable(&room, day)))
            .collect();
        let bookings: Vec<_> = days.iter().flatten().collect();
        let starts = |day: &[Booking]| day.iter().map(|b| minute(&b.start)).collect::<Vec<_>>();
        let mixed = |b: &Booking| matches!((&b.start, &b.end), (Hours::Text(_), Hours::Number(_)));
        let doubled = |day: &[Booking]| {
            day.windows(2).any(|two| minute(&two[0].start) == minute(&two[1].start) && two[0].kind == Kind::Event)
        };
        assert!(bookings.iter().any(|b| b.private), "private");
        assert!(bookings.iter().any(|b| b.kind == Kind::Blackout), "blackout");
        assert!(bookings.iter().any(|b| b.kind == Kind::Closed), "closed");
        assert!(bookings.iter().any(|b| mixed(b)), "a string and a number in one item");
        assert!(bookings.iter().any(|b| b.end == Hours::text(25 * 60)), "ends after midnight");
        assert!(days.iter().any(|day| !starts(day).is_sorted()), "unsorted");
        assert!(days.iter().any(|day| doubled(day)), "cross-listed");
        assert!(days.iter().any(Vec::is_empty), "a free day");
    }
}
