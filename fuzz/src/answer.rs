//! Fuzzes the parser of 25Live's answer, and the free slots computed from it.

use emptyclassroom::{
    domain::{
        bookings::Booking,
        campus::OpeningHours,
        slots::{Slot, free_slots},
        time_of_day::TimeOfDay,
    },
    error_chain,
    outside::twenty_five_live::Availability,
};

/// A day in minutes.
const DAY: u16 = 24 * 60;

/// Parses an answer, and computes the slots of each of its days.
///
/// # Panics
/// An invariant is broken.
pub fn check(body: &[u8]) {
    let read = match Availability::parse("342", body) {
        Ok(read) => read,
        Err(error) => {
            assert!(error_chain(&error).len() < 4100, "the error should be short, not the whole answer: {error}");
            return;
        }
    };
    assert_eq!(
        read.malformed.count > 0,
        read.malformed.first.is_some(),
        "the first malformed part should have a reason"
    );
    let reason = read.malformed.first.unwrap_or_default();
    assert!(reason.len() < 1000, "the reason should be short, not the whole answer: {reason}");
    let (hours, min_gap) = rule(super::choice(body));
    for bookings in read.bookings.days().filter_map(|day| read.bookings.on(day)) {
        for booking in bookings {
            assert!(booking.start <= booking.end && booking.end <= 2 * DAY, "{booking:?} should lie within two days");
        }
        check_slots(bookings, hours, min_gap);
        check_slots(bookings, OpeningHours::new(time(0), time(DAY)).unwrap(), 1);
    }
}

/// Chooses opening hours and a shortest gap.
fn rule(choice: u64) -> (OpeningHours, u16) {
    let part = |shift: u32, below: u16| u16::try_from((choice >> shift) & 0xffff).unwrap() % below;
    let opens = part(0, DAY);
    let closes = opens + 1 + part(16, DAY - opens);
    (OpeningHours::new(time(opens), time(closes)).unwrap(), 1 + part(32, 120))
}

fn time(minutes: u16) -> TimeOfDay {
    TimeOfDay::from_minutes(minutes).unwrap()
}

/// Checks the slots against every minute of the day.
fn check_slots(bookings: &[Booking], hours: OpeningHours, min_gap: u16) {
    let slots = free_slots(bookings, hours, min_gap);
    let (opens, closes) = (hours.opens().minutes(), hours.closes().minutes());
    let mut taken = [false; 2 * DAY as usize + 1];
    // A booking that begins at closing time or later takes nothing.
    for booking in bookings.iter().filter(|booking| booking.start < closes) {
        taken[usize::from(booking.start)..=usize::from(booking.end)].fill(true);
    }
    let is_free =
        |slot: &Slot| !taken[usize::from(slot.start.minutes())..=usize::from(slot.end.minutes())].contains(&true);
    assert!(slots.iter().all(|slot| hours.opens() <= slot.start && slot.end <= hours.closes()), "outside {hours:?}");
    assert!(
        slots.iter().all(|slot| slot.start < slot.end && slot.duration_minutes() >= min_gap),
        "too short: {slots:?}"
    );
    assert!(slots.iter().all(is_free), "{slots:?} should not overlap {bookings:?}");
    assert!(slots.windows(2).all(|pair| pair[0].end < pair[1].start), "{slots:?} should be sorted and apart");

    let mut missing = taken.map(|taken| !taken);
    for slot in &slots {
        missing[usize::from(slot.start.minutes())..=usize::from(slot.end.minutes())].fill(false);
    }
    let left_out = missing[usize::from(opens)..=usize::from(closes)].split(|missing| !missing);
    let longest = left_out.map(<[bool]>::len).max().unwrap_or_default();
    assert!(longest <= usize::from(min_gap), "a gap of {longest} minutes should have been a slot of {slots:?}");
}
