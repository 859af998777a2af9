//! The rule that turns the bookings of a day into free slots.

use serde::{Deserialize, Serialize, ser::SerializeStruct};

use crate::{bookings::Booking, opening_hours::OpeningHours, time_of_day::TimeOfDay};

/// A time during which a room is free, `start` before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "WrittenSlot")]
pub struct Slot {
    /// When it begins.
    pub start: TimeOfDay,
    /// When it ends.
    pub end: TimeOfDay,
}

impl Slot {
    /// Returns the length in minutes.
    #[must_use]
    pub const fn duration_minutes(self) -> u16 {
        self.end.minutes().saturating_sub(self.start.minutes())
    }
}

/// Returns the slots of one room and day, in order.
///
/// Within the opening hours a slot runs from the later of opening time and one minute after the last booking's end, to
/// one minute before the next booking's start, or closing time; a booking that begins exactly at closing time does not
/// shorten it. Slots shorter than `min_gap` minutes are left out: 28 keeps a real gap of 30, of which each neighbor
/// takes a minute. Bookings may overlap, repeat and come in any order.
///
/// ```
/// # use domain::{bookings::Booking, opening_hours::OpeningHours, slots::free_slots};
/// let hours = OpeningHours::new("07:00".parse()?, "23:00".parse()?).unwrap();
/// let class = Booking { start: 545, end: 595 }; // 09:05 to 09:55
/// let slots = free_slots(&[class], hours, 28);
/// let shown: Vec<_> = slots.iter().map(|slot| format!("{}–{}", slot.start, slot.end)).collect();
/// assert_eq!(shown, ["07:00–09:04", "09:56–23:00"]);
/// # Ok::<(), domain::time_of_day::NotATimeOfDay>(())
/// ```
#[must_use]
pub fn free_slots(bookings: &[Booking], hours: OpeningHours, min_gap: u16) -> Vec<Slot> {
    let (opens, closes) = (hours.opens().minutes(), hours.closes().minutes());
    let mut bookings = bookings.to_vec();
    bookings.sort_unstable();

    let mut slots = Vec::new();
    let mut free_from = opens;
    for Booking { start, end } in bookings {
        if start > opens {
            let until = if start >= closes { closes } else { start - 1 };
            slots.extend(slot(free_from, until, min_gap));
        }
        free_from = free_from.max(end.saturating_add(1));
        if start >= closes {
            return slots;
        }
    }
    slots.extend(slot(free_from, closes, min_gap));
    slots
}

/// Returns the slot between two minutes, if it is long enough. `end` is a minute of the day; `start` need not be.
fn slot(start: u16, end: u16, min_gap: u16) -> Option<Slot> {
    let long_enough = start < end && end - start >= min_gap;
    if !long_enough {
        return None;
    }
    Some(Slot { start: TimeOfDay::from_minutes(start)?, end: TimeOfDay::from_minutes(end)? })
}

/// The fields that a slot is read back from; the others follow from them.
#[derive(Deserialize)]
struct WrittenSlot {
    start_time: TimeOfDay,
    end_time: TimeOfDay,
}

impl From<WrittenSlot> for Slot {
    fn from(written: WrittenSlot) -> Self {
        Self { start: written.start_time, end: written.end_time }
    }
}

impl Serialize for Slot {
    /// `start` and `end` are what the original service sends; the other fields are what its documentation describes. The
    /// original's frontend shows `24:00:00` as noon, so a slot until midnight has the last minute of the day as its `end`.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Slot", 5)?;
        fields.serialize_field("start", &format_args!("{}:00", self.start))?;
        let end = if self.end == TimeOfDay::END { self.end.previous_minute() } else { self.end };
        fields.serialize_field("end", &format_args!("{end}:00"))?;
        fields.serialize_field("start_time", &self.start)?;
        fields.serialize_field("end_time", &self.end)?;
        fields.serialize_field("duration_minutes", &self.duration_minutes())?;
        fields.end()
    }
}

/// The schema of what [`Serialize`] writes.
#[cfg(feature = "openapi")]
mod schema {
    use utoipa::{
        PartialSchema, ToSchema,
        openapi::{ObjectBuilder, RefOr, Schema, Type},
    };

    use super::{Slot, TimeOfDay};

    impl PartialSchema for Slot {
        fn schema() -> RefOr<Schema> {
            const SECONDS: &str = "^([01][0-9]|2[0-3]):[0-5][0-9]:00$";
            let with_seconds = |about: &str| {
                ObjectBuilder::new().schema_type(Type::String).description(Some(about)).pattern(Some(SECONDS))
            };
            let time = |about: &str| match TimeOfDay::schema() {
                RefOr::T(Schema::Object(object)) => ObjectBuilder::from(object).description(Some(about)),
                _ => ObjectBuilder::new(),
            };
            let minutes = ObjectBuilder::new()
                .schema_type(Type::Integer)
                .description(Some("The length in minutes."))
                .minimum(Some(0))
                .maximum(Some(1440));
            ObjectBuilder::new()
                .description(Some(
                    "A time during which a room is free, `start` before `end`, with a minute kept clear of each booking.",
                ))
                .property("start", with_seconds("When it begins, with seconds."))
                .property("end", with_seconds("When it ends, with seconds; `23:59:00` for midnight."))
                .property("start_time", time("When it begins."))
                .property("end_time", time("When it ends; `24:00` for midnight."))
                .property("duration_minutes", minutes)
                .required("start")
                .required("end")
                .required("start_time")
                .required("end_time")
                .required("duration_minutes")
                .into()
        }
    }

    impl ToSchema for Slot {}
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIN_GAP: u16 = 28;

    fn hours(opens: &str, closes: &str) -> OpeningHours {
        OpeningHours::new(opens.parse().unwrap(), closes.parse().unwrap()).unwrap()
    }

    fn minutes(text: &str) -> u16 {
        text.parse::<TimeOfDay>().unwrap().minutes()
    }

    /// Returns the slots of a room that is open from 07:00 to 23:00, with these bookings.
    fn shown(bookings: &[(&str, &str)]) -> Vec<String> {
        let bookings: Vec<_> =
            bookings.iter().map(|(start, end)| Booking { start: minutes(start), end: minutes(end) }).collect();
        let slots = free_slots(&bookings, hours("07:00", "23:00"), MIN_GAP);
        slots.iter().map(|slot| format!("{}-{}", slot.start, slot.end)).collect()
    }

    #[test]
    fn a_room_without_bookings_is_free_all_day() {
        assert_eq!(shown(&[]), ["07:00-23:00"]);
    }

    #[test]
    fn a_minute_is_kept_clear_on_either_side_of_a_booking() {
        assert_eq!(shown(&[("09:05", "09:55")]), ["07:00-09:04", "09:56-23:00"]);
    }

    #[test]
    fn a_gap_of_exactly_thirty_minutes_is_kept_and_one_of_29_is_not() {
        assert_eq!(shown(&[("07:00", "12:00"), ("12:30", "23:00")]), ["12:01-12:29"]);
        assert_eq!(shown(&[("07:00", "12:00"), ("12:29", "23:00")]), [""; 0]);
    }

    #[test]
    fn overlapping_repeated_and_unsorted_bookings_count_once() {
        assert_eq!(
            shown(&[("13:00", "14:00"), ("09:00", "12:00"), ("10:00", "11:00"), ("09:00", "12:00")]),
            ["07:00-08:59", "12:01-12:59", "14:01-23:00"]
        );
    }

    #[test]
    fn a_booking_that_begins_at_closing_time_does_not_shorten_the_last_slot() {
        assert_eq!(shown(&[("23:00", "24:00")]), ["07:00-23:00"]);
        assert_eq!(shown(&[("22:59", "24:00")]), ["07:00-22:58"]);
    }

    #[test]
    fn bookings_outside_the_opening_hours_shorten_no_slot() {
        assert_eq!(shown(&[("05:00", "06:59"), ("23:30", "24:00")]), ["07:00-23:00"]);
        assert_eq!(shown(&[("05:00", "07:00")]), ["07:01-23:00"]);
    }

    #[test]
    fn a_booking_of_the_whole_day_leaves_no_slot() {
        assert_eq!(shown(&[("00:00", "24:00"), ("09:00", "10:00")]), [""; 0]);
    }

    #[test]
    fn a_slot_is_written_in_both_original_formats_and_reads_back() {
        let slot = Slot { start: "07:00".parse().unwrap(), end: "09:04".parse().unwrap() };
        let json = serde_json::to_string(&slot).unwrap();
        assert_eq!(
            json,
            r#"{"start":"07:00:00","end":"09:04:00","start_time":"07:00","end_time":"09:04","duration_minutes":124}"#
        );
        assert_eq!(serde_json::from_str::<Slot>(&json).unwrap(), slot);
    }

    #[test]
    fn a_slot_until_midnight_ends_at_23_59_in_the_original_format_and_reads_back() {
        let slot = Slot { start: "22:00".parse().unwrap(), end: TimeOfDay::END };
        let json = serde_json::to_string(&slot).unwrap();
        assert_eq!(
            json,
            r#"{"start":"22:00:00","end":"23:59:00","start_time":"22:00","end_time":"24:00","duration_minutes":120}"#
        );
        assert_eq!(serde_json::from_str::<Slot>(&json).unwrap(), slot);
    }

    /// The slow, obvious algorithm: marks every minute that is taken or kept clear, and returns the free runs.
    ///
    /// A minute is taken from a booking's start to its end, both included, which keeps a minute clear on each side. A booking
    /// that starts at or after closing time does not count.
    fn marked(bookings: &[Booking], hours: OpeningHours, min_gap: u16) -> Vec<(u16, u16)> {
        let (opens, closes) = (hours.opens().minutes(), hours.closes().minutes());
        let taken = |minute: u16| {
            bookings.iter().any(|booking| booking.start < closes && booking.start <= minute && minute <= booking.end)
        };
        let mut runs: Vec<(u16, u16)> = Vec::new();
        for minute in opens..=closes {
            if taken(minute) {
                continue;
            }
            match runs.last_mut() {
                Some((_, end)) if *end + 1 == minute => *end = minute,
                _ => runs.push((minute, minute)),
            }
        }
        runs.retain(|(start, end)| end > start && end - start >= min_gap);
        runs
    }

    fn booking() -> impl Strategy<Value = Booking> {
        // Fine steps, and coarse ones that meet the opening and closing times often.
        let start = prop_oneof![0..1500_u16, (0..50_u16).prop_map(|half_hours| half_hours * 30)];
        (start, 0..300_u16).prop_map(|(start, length)| Booking { start, end: start + length })
    }

    proptest! {
        #[test]
        fn the_rule_agrees_with_marking_every_minute(
            bookings in prop::collection::vec(booking(), 0..12),
            (opens, closes) in (0..1440_u16, 1..=1440_u16).prop_filter("it should open before it closes", |(opens, closes)| opens < closes),
            min_gap in 1..120_u16,
        ) {
            let hours = OpeningHours::new(TimeOfDay::from_minutes(opens).unwrap(), TimeOfDay::from_minutes(closes).unwrap()).unwrap();
            let slots = free_slots(&bookings, hours, min_gap);
            let found: Vec<_> = slots.iter().map(|slot| (slot.start.minutes(), slot.end.minutes())).collect();
            prop_assert_eq!(found, marked(&bookings, hours, min_gap));
        }
    }
}
