//! 25Live's wire format: the JSON of one room's availability.
//!
//! The JSON is foreign, and wrong in known ways (times as strings or numbers, truncated instead of rounded, parts missing or
//! null). This module reads it leniently, once, into [`Bookings`]; no other module knows 25Live's format.

use std::fmt;

use chrono::{NaiveDate, NaiveDateTime};
use domain::bookings::{Booking, Bookings};
use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

/// Minutes after which a time is only "after the end of this day": two days.
const LATEST_MINUTE: f64 = 2.0 * 24.0 * 60.0;

/// The length of the prefix that 25Live sometimes puts before its JSON.
const PREFIX_LENGTH: usize = 5;

/// How many characters of a reason are told. It may quote the answer, of which a single word may be megabytes long.
const LONGEST_REASON: usize = 200;

/// What 25Live answered about one room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Availability {
    /// The room's bookings, on each day answered.
    pub bookings: Bookings,
    /// The parts that could not be read. The rest stands.
    pub skipped: Skipped,
}

/// Malformed parts of an answer: their number, and the reason for the first, since a broken answer may have thousands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// How many.
    pub count: usize,
    /// What is wrong with the first.
    pub first: Option<String>,
}

impl Skipped {
    fn add(&mut self, reason: impl FnOnce() -> String) {
        self.count += 1;
        self.first.get_or_insert_with(|| reason().chars().take(LONGEST_REASON).collect());
    }
}

/// Why an answer could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum AvailabilityError {
    /// Not JSON: a sign-in page, say, or a body that was cut off.
    #[error("the answer is not the JSON of an availability (it begins with {beginning:?})")]
    NotAnAvailability {
        /// The first characters of the body.
        beginning: String,
        /// What the JSON parser said.
        source: serde_json::Error,
    },
    /// The answer is about another room than the one asked for.
    #[error("the answer is about room {answered}, not about room {asked}")]
    OtherRoom {
        /// The room asked for.
        asked: String,
        /// The room that the answer names.
        answered: String,
    },
}

impl Availability {
    /// Reads the body of an answer about the room `space_id`.
    ///
    /// # Errors
    /// The body is no availability at all, or that of another room.
    pub fn parse(space_id: &str, body: &[u8]) -> Result<Self, AvailabilityError> {
        let subjects = subjects(body)?;
        let mut availability = Self::default();
        let mut other_room = None;
        let unreadable = each(subjects, |raw| match serde_json::from_str::<Subject>(raw.get()) {
            Ok(subject) => other_room = other_room.take().or(availability.add(space_id, subject).err()),
            Err(error) => availability.skipped.add(|| format!("a day that cannot be read: {error}")),
        });
        unreadable.map_err(|source| AvailabilityError::not_an_availability(body, source))?;
        other_room.map_or(Ok(availability), Err)
    }

    fn add(&mut self, space_id: &str, subject: Subject<'_>) -> Result<(), AvailabilityError> {
        if let Some(SpaceId(answered)) = subject.space_id
            && answered != space_id
        {
            return Err(AvailabilityError::OtherRoom { asked: space_id.to_owned(), answered });
        }
        let date = subject.date.0;
        let mut day = Vec::new();
        let unreadable = each(subject.items, |raw| {
            match serde_json::from_str::<Item>(raw.get()).map_err(|error| error.to_string()).and_then(Item::booking) {
                Ok(booking) => day.push(booking),
                Err(reason) => self.skipped.add(|| format!("an item of {date} that cannot be read: {reason}")),
            }
        });
        match unreadable {
            Ok(()) => self.bookings.add(date, day),
            Err(error) => self.skipped.add(|| format!("a day that cannot be read: {error}")),
        }
        Ok(())
    }
}

impl AvailabilityError {
    fn not_an_availability(body: &[u8], source: serde_json::Error) -> Self {
        Self::NotAnAvailability { beginning: String::from_utf8_lossy(body).chars().take(40).collect(), source }
    }
}

/// Reads the answer's outer form, with or without a prefix before it, and gives its list of days.
fn subjects(body: &[u8]) -> Result<Option<&RawValue>, AvailabilityError> {
    let answer = serde_json::from_slice::<Document<'_>>(body).or_else(|source| {
        let behind_prefix = body.get(PREFIX_LENGTH..).filter(|rest| rest.starts_with(b"{"));
        let answer = behind_prefix.and_then(|rest| serde_json::from_slice(rest).ok());
        answer.ok_or_else(|| AvailabilityError::not_an_availability(body, source))
    });
    answer.map(|answer| answer.subjects)
}

/// Shows each part of a list, as it stands there, one after the other: a broken answer may have a million. A list that is
/// missing or null has none.
fn each<'a>(list: Option<&'a RawValue>, show: impl FnMut(&'a RawValue)) -> Result<(), serde_json::Error> {
    struct Each<F>(F);

    impl<'a, F: FnMut(&'a RawValue)> de::Visitor<'a> for Each<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: de::SeqAccess<'a>>(mut self, mut list: A) -> Result<(), A::Error> {
            while let Some(part) = list.next_element()? {
                (self.0)(part);
            }
            Ok(())
        }
    }

    let Some(list) = list else { return Ok(()) };
    serde_json::Deserializer::from_str(list.get()).deserialize_seq(Each(show))
}

/// Kept raw, so that one malformed part costs itself alone. A null counts as missing.
#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    subjects: Option<&'a RawValue>,
}

/// A day.
#[derive(Deserialize)]
struct Subject<'a> {
    #[serde(rename = "itemId")]
    space_id: Option<SpaceId>,
    #[serde(rename = "item_date")]
    date: ItemDate,
    #[serde(borrow)]
    items: Option<&'a RawValue>,
}

/// A booking, a blackout or a closure: the room is taken, whatever its type.
#[derive(Deserialize)]
struct Item {
    start: DecimalHours,
    end: DecimalHours,
}

impl Item {
    fn booking(self) -> Result<Booking, String> {
        let booking = Booking { start: self.start.minutes(), end: self.end.minutes() };
        if self.end.0 < self.start.0 {
            return Err(format!("it ends at {} h, before it starts at {} h", self.end.0, self.start.0));
        }
        if self.end.0 < 0.0 {
            return Err(format!("it ends at {} h, before the day begins", self.end.0));
        }
        Ok(booking)
    }
}

/// Finite hours since midnight, from a JSON number or string.
struct DecimalHours(f64);

impl DecimalHours {
    /// To the nearest minute: 25Live cuts decimals off, so 9.833333 is 09:50 and not a second less.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
    fn minutes(&self) -> u16 {
        (self.0 * 60.0).round().clamp(0.0, LATEST_MINUTE) as u16
    }
}

impl<'de> Deserialize<'de> for DecimalHours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hours = deserializer.deserialize_any(NumberOrText)?.parse::<f64>().ok().filter(|hours| hours.is_finite());
        hours.map(Self).ok_or_else(|| de::Error::custom("a time should be decimal hours"))
    }
}

/// 25Live's number of a room.
struct SpaceId(String);

impl<'de> Deserialize<'de> for SpaceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrText).map(Self)
    }
}

/// What 25Live writes now as a number and now as a string, as text.
struct NumberOrText;

impl de::Visitor<'_> for NumberOrText {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or a string that holds one")
    }

    fn visit_str<E>(self, text: &str) -> Result<String, E> {
        Ok(text.trim().to_owned())
    }

    fn visit_f64<E>(self, number: f64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_i64<E>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_u64<E>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }
}

/// A campus-local day, written as the midnight at which it begins.
struct ItemDate(NaiveDate);

impl<'de> Deserialize<'de> for ItemDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let date = NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S").map(|midnight| midnight.date());
        date.map(Self).map_err(|_| de::Error::custom(format!("`{text}` is not a date YYYY-MM-DDT00:00:00")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
    }

    fn parse(body: &str) -> Availability {
        Availability::parse("342", body.as_bytes()).unwrap()
    }

    /// The bookings of 3 March whose items are these.
    fn items(items: &str) -> (Vec<(u16, u16)>, usize) {
        let answer = parse(&format!(r#"{{"subjects":[{{"item_date":"2026-03-03T00:00:00","items":[{items}]}}]}}"#));
        let found = answer.bookings.on(day(3)).unwrap().iter().map(|booking| (booking.start, booking.end)).collect();
        (found, answer.skipped.count)
    }

    #[test]
    fn hours_come_as_strings_or_numbers_mixed_within_an_item() {
        assert_eq!(
            items(r#"{"start":"9.000000","end":9.833333},{"start":10,"end":"11.25"}"#),
            (vec![(540, 590), (600, 675)], 0)
        );
    }

    #[test]
    fn hours_that_were_cut_are_rounded_to_the_minute() {
        for minute in 0..=1440_u16 {
            let cut = (f64::from(minute) / 60.0 * 1e6).floor() / 1e6;
            assert_eq!(items(&format!(r#"{{"start":{cut},"end":"{cut:.6}"}}"#)).0, [(minute, minute)]);
        }
    }

    #[test]
    fn an_item_may_end_at_midnight_or_later_and_span_the_day() {
        assert_eq!(items(r#"{"start":0,"end":24}"#).0, [(0, 1440)]);
        assert_eq!(items(r#"{"start":"22.5","end":"26.0"}"#).0, [(1350, 1560)]);
    }

    #[test]
    fn a_day_that_comes_twice_has_the_bookings_of_both() {
        let day_with = |items: &str| format!(r#"{{"item_date":"2026-03-03T00:00:00","items":[{items}]}}"#);
        let (first, second) = (day_with(r#"{"start":12,"end":13}"#), day_with(r#"{"start":9,"end":10}"#));
        let answer = parse(&format!(r#"{{"subjects":[{first},{second}]}}"#));
        assert_eq!(
            answer.bookings.on(day(3)).unwrap(),
            [Booking { start: 540, end: 600 }, Booking { start: 720, end: 780 }]
        );
    }

    #[test]
    fn times_outside_any_sense_are_clamped_and_never_wrap() {
        assert_eq!(items(r#"{"start":-3,"end":7},{"start":1e300,"end":1e301}"#).0, [(0, 420), (2880, 2880)]);
    }

    #[test]
    fn a_malformed_item_is_skipped_and_the_rest_of_its_day_stands() {
        let good = r#"{"start":9,"end":10}"#;
        let malformed = [
            "null",
            "7",
            "\"x\"",
            "[]",
            "{}",
            r#"{"start":9}"#,
            r#"{"start":null,"end":10}"#,
            r#"{"start":true,"end":10}"#,
            r#"{"start":"nine","end":10}"#,
            r#"{"start":"NaN","end":10}"#,
            r#"{"start":9,"end":"inf"}"#,
            r#"{"start":10,"end":9}"#,
            r#"{"start":-3,"end":-1}"#,
        ];
        for bad in malformed {
            assert_eq!(items(&format!("{bad},{good}")), (vec![(540, 600)], 1), "{bad}");
        }
    }

    #[test]
    fn subjects_or_items_may_be_missing_or_null() {
        for body in ["{}", r#"{"subjects":null}"#, r#"{"subjects":[]}"#] {
            assert_eq!(parse(body), Availability::default(), "{body}");
        }
        for subject in [r#"{"item_date":"2026-03-03T00:00:00"}"#, r#"{"item_date":"2026-03-03T00:00:00","items":null}"#]
        {
            let answer = parse(&format!(r#"{{"subjects":[{subject}]}}"#));
            assert_eq!(answer.bookings.on(day(3)), Some(&[][..]));
        }
    }

    #[test]
    fn a_day_that_cannot_be_read_is_no_answer_for_that_day_alone() {
        let answer = parse(
            r#"{"subjects":[{"item_date":"03/04/2026","items":[]},{"items":[]},null,{"item_date":"2026-03-05T00:00:00"}]}"#,
        );
        assert_eq!(answer.bookings.days().collect::<Vec<_>>(), [day(5)]);
        assert_eq!(answer.skipped.count, 3);
    }

    #[test]
    fn what_was_wrong_is_told_in_a_line_however_long_the_answers_words_are() {
        let word = "x".repeat(100_000);
        let answer = parse(&format!(r#"{{"subjects":[{{"item_date":"{word}"}}]}}"#));
        assert_eq!(answer.skipped.first.unwrap().len(), LONGEST_REASON);
    }

    #[test]
    fn five_characters_before_the_json_are_passed_over() {
        for prefix in [")]}',", "{}&& ", "12345"] {
            let answer = parse(&format!(r#"{prefix}{{"subjects":[{{"item_date":"2026-03-03T00:00:00"}}]}}"#));
            assert_eq!(answer.bookings.days().count(), 1, "{prefix}");
        }
    }

    #[test]
    fn what_is_no_availability_is_refused_with_its_beginning() {
        for body in [
            "",
            "<!DOCTYPE html><html>Sign in</html>",
            r#"{"subjects":[{"item_da"#,
            r#"{"subjects":{}}"#,
            r#"{"subjects":"none"}"#,
            "[]",
            "\u{feff}",
            "nul",
        ] {
            let error = Availability::parse("342", body.as_bytes()).unwrap_err();
            assert!(matches!(&error, AvailabilityError::NotAnAvailability { .. }), "{body}: {error}");
        }
        let error = Availability::parse("342", b"<!DOCTYPE html>").unwrap_err();
        assert!(error.to_string().contains("<!DOCTYPE html>"));
        assert!(Availability::parse("342", b"\xff\xfe{}").is_err());
    }

    #[test]
    fn the_answer_of_another_room_is_refused() {
        let body = r#"{"subjects":[{"itemId":343,"item_date":"2026-03-03T00:00:00"}]}"#;
        let error = Availability::parse("342", body.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "the answer is about room 343, not about room 342");
        assert_eq!(parse(&body.replace("343", "\"342\"")).bookings.days().count(), 1);
    }

    /// A time of an item, right or wrong in any of the ways of JSON.
    fn time() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => (-5.0..60.0_f64).prop_map(|hours| hours.to_string()),
            4 => (-5.0..60.0_f64).prop_map(|hours| format!("\"{hours:.6}\"")),
            1 => any::<f64>().prop_map(|hours| format!("\"{hours}\"")),
            1 => "-?[1-9][0-9]{0,400}(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,4})?",
            1 => r#"null|true|\{\}|\[\[\]\]|"NaN"|"-Infinity"|"1e999"|"nine"|" 9 "|"""#,
        ]
    }

    fn item() -> impl Strategy<Value = String> {
        let deep = (1..2000_usize).prop_map(|depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        let whole = (time(), time(), prop_oneof![Just("0".to_owned()), deep])
            .prop_map(|(start, end, other)| format!(r#"{{"start":{start},"other":{other},"end":{end}}}"#));
        let cut = time().prop_map(|start| format!(r#"{{"start":{start}}}"#));
        prop_oneof![8 => whole, 1 => cut, 1 => time()]
    }

    /// Days as 25Live writes them, in any order and more than once, each with its items; and some that are none.
    fn days() -> impl Strategy<Value = Vec<(String, Vec<String>)>> {
        let date = prop_oneof![4 => "2026-03-0[1-9]T00:00:00", 1 => "2026-0[0-9]-[0-9]{2}T00:00:00|[0-9T:-]{0,30}"];
        prop::collection::vec((date, prop::collection::vec(item(), 0..6)), 0..6)
    }

    fn answer(days: &[(String, Vec<String>)]) -> String {
        let subjects = days.iter().map(|(date, items)| {
            format!(r#"{{"itemId":"342","item_date":"{date}","type_id":1,"items":[{}]}}"#, items.join(","))
        });
        format!(r#"{{"subjects":[{}]}}"#, subjects.collect::<Vec<_>>().join(","))
    }

    fn is_day(date: &str) -> bool {
        date.parse::<NaiveDateTime>().is_ok() && date.len() == "2026-03-03T00:00:00".len()
    }

    proptest! {
        #[test]
        fn each_part_of_an_answer_is_read_and_united_with_others_or_counted_as_skipped(days in days()) {
            let read = parse(&answer(&days));
            let parts = days.iter().map(|(date, items)| if is_day(date) { items.len() } else { 1 }).sum::<usize>();
            let bookings: Vec<_> = read.bookings.days().flat_map(|day| read.bookings.on(day).unwrap()).collect();
            prop_assert!(bookings.len() + read.skipped.count <= parts);
            prop_assert_eq!(bookings.is_empty(), read.skipped.count == parts);
            prop_assert!(bookings.iter().all(|booking| booking.start <= booking.end && booking.end <= 2 * 24 * 60));
            let mut neighbours = read.bookings.days().flat_map(|day| read.bookings.on(day).unwrap().windows(2));
            prop_assert!(neighbours.all(|pair| pair[0].end < pair[1].start), "in order, and apart");
            prop_assert_eq!(read.skipped.first.is_some(), read.skipped.count > 0);
        }

        #[test]
        fn an_answer_that_was_cut_off_anywhere_is_refused(days in days(), at in any::<prop::sample::Index>()) {
            let answer = answer(&days);
            prop_assert!(Availability::parse("342", &answer.as_bytes()[..at.index(answer.len())]).is_err());
        }

        #[test]
        fn whatever_five_characters_stand_before_the_json_it_says_the_same(days in days(), prefix in any::<[u8; 5]>()) {
            let answer = answer(&days);
            let prefixed = [&prefix, answer.as_bytes()].concat();
            prop_assert_eq!(Availability::parse("342", &prefixed).unwrap(), parse(&answer));
        }

        #[test]
        fn bytes_that_are_no_answer_are_refused(body in any::<Vec<u8>>()) {
            prop_assert!(Availability::parse("342", &body).is_err());
        }
    }
}
