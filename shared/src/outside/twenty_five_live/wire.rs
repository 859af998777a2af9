//! 25Live's wire format: the JSON of one room's availability.
//!
//! The JSON has known defects: times are strings or numbers, truncated instead of rounded; parts are missing or null; bytes are
//! not UTF-8. This module parses it leniently, once, into [`Bookings`]; no other module knows 25Live's format. In doubt, a
//! room is taken, never free.

use std::{borrow::Cow, fmt};

use chrono::NaiveDate;
use domain::bookings::{Booking, Bookings};
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned},
};
use serde_json::value::RawValue;

/// A day in minutes.
const DAY: u16 = 24 * 60;
/// Later times, in hours, count as the end of the next day.
const LATEST_HOURS: f64 = 48.0;
/// The JSON must begin within this many bytes. Some campuses send `)]}',` and a newline before it.
pub const LONGEST_PREFIX: usize = 16;
/// The maximum length of a reason in characters. A reason may quote the answer, in which one word may be megabytes long.
const LONGEST_REASON: usize = 200;

/// 25Live's answer about one room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Availability {
    /// The room's bookings on each day in the answer.
    pub bookings: Bookings,
    /// The number of items of any kind, on all days.
    pub items: usize,
    /// The malformed parts. The rest is used.
    pub malformed: Malformed,
}

/// Malformed parts of an answer: their number, and the reason for the first, since a broken answer may have thousands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Malformed {
    /// Their number.
    pub count: usize,
    /// The reason for the first.
    pub first: Option<String>,
}

/// Why an answer could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum AvailabilityError {
    /// Not JSON: for example a sign-in page, or a truncated body.
    #[error("the answer is not availability JSON (it begins with {beginning:?})")]
    NotAnAvailability {
        /// The first characters of the body.
        beginning: String,
        /// The JSON parser's error.
        source: serde_json::Error,
    },
    /// Every day of the answer belongs to another room.
    #[error("the answer is about room {answered}, not room {asked}")]
    OtherRoom {
        /// The requested room.
        asked: String,
        /// The first room in the answer.
        answered: String,
    },
}

impl Malformed {
    fn add(&mut self, reason: impl FnOnce() -> String) {
        self.count += 1;
        self.first.get_or_insert_with(|| reason().chars().take(LONGEST_REASON).collect());
    }
}

impl Availability {
    /// Parses the body of an answer about the room `space_id`.
    ///
    /// # Errors
    /// The body is not an availability, or is only about another room.
    pub fn parse(space_id: &str, body: &[u8]) -> Result<Self, AvailabilityError> {
        match Self::parse_exactly(space_id, body) {
            // Defects in unused parts must not invalidate the answer, so it is parsed again with its text mended.
            Err(AvailabilityError::NotAnAvailability { .. }) => Self::parse_exactly(space_id, mended(body).as_bytes()),
            result => result,
        }
    }

    fn parse_exactly(space_id: &str, body: &[u8]) -> Result<Self, AvailabilityError> {
        let mut parser = Parser { space_id, availability: Self::default(), overnight: Vec::new(), other_room: None };
        let unreadable = each(subjects(body)?, |raw| match serde_json::from_str::<Subject<'_>>(raw.get()) {
            Ok(subject) => parser.read(&subject),
            Err(error) => parser.availability.malformed.add(|| format!("unreadable day: {error}")),
        });
        unreadable.map_err(|source| AvailabilityError::not_an_availability(body, source))?;
        parser.finish()
    }
}

impl AvailabilityError {
    fn not_an_availability(body: &[u8], source: serde_json::Error) -> Self {
        Self::NotAnAvailability { beginning: String::from_utf8_lossy(body).chars().take(40).collect(), source }
    }
}

/// The answer parsed so far.
struct Parser<'a> {
    space_id: &'a str,
    availability: Availability,
    /// The parts of bookings that reach into the next day, by that day, which may come earlier or later in the answer.
    overnight: Vec<(NaiveDate, Kind, Booking)>,
    /// Another room in the answer.
    other_room: Option<String>,
}

impl Parser<'_> {
    /// Parses a day.
    fn read(&mut self, subject: &Subject<'_>) {
        let date = subject.date.0;
        if let Some(Number(answered)) = &subject.space_id
            && answered != self.space_id
        {
            self.availability.malformed.add(|| format!("{date} belongs to room {answered}"));
            self.other_room.get_or_insert_with(|| answered.clone());
            return;
        }
        let (mut events, mut closures) = (Vec::new(), Vec::new());
        let unreadable = each(subject.items, |raw| match self.item(date, raw) {
            Some((Kind::Event, booking)) => events.push(booking),
            Some((Kind::Closure, booking)) => closures.push(booking),
            None => {}
        });
        match unreadable {
            Ok(()) => {
                self.availability.bookings.add(date, events);
                self.availability.bookings.add_closures(date, closures);
            }
            Err(error) => self.availability.malformed.add(|| format!("unreadable day: {error}")),
        }
    }

    /// Parses an item of a day, and records the part of it in the next day. `None` if it is canceled or unreadable.
    fn item(&mut self, date: NaiveDate, raw: &RawValue) -> Option<(Kind, Booking)> {
        let Availability { items, malformed, .. } = &mut self.availability;
        *items += 1;
        let item = serde_json::from_str::<Item>(raw.get()).map_err(|error| error.to_string());
        if item.as_ref().is_ok_and(Item::is_canceled) {
            return None;
        }
        let read = item.and_then(|item| Ok((item.kind(), item.booking()?)));
        let (kind, Timed { booking, doubt }) = match read {
            Ok(read) => read,
            Err(reason) => {
                malformed.add(|| format!("unreadable item on {date}: {reason}"));
                return None;
            }
        };
        if let Some(doubt) = doubt {
            malformed.add(|| format!("doubtful item on {date}: {doubt}"));
        }
        if let (true, Some(next_day)) = (booking.end > DAY, date.succ_opt()) {
            let rest = Booking { start: booking.start.saturating_sub(DAY), end: booking.end - DAY };
            self.overnight.push((next_day, kind, rest));
        }
        Some((kind, booking))
    }

    fn finish(self) -> Result<Availability, AvailabilityError> {
        let Self { space_id, mut availability, overnight, other_room } = self;
        if let Some(answered) = other_room
            && availability.bookings.days().next().is_none()
        {
            return Err(AvailabilityError::OtherRoom { asked: space_id.to_owned(), answered });
        }
        for (date, kind, booking) in overnight {
            // A day that 25Live did not answer for stays unknown.
            if availability.bookings.on(date).is_some() {
                match kind {
                    Kind::Event => availability.bookings.add(date, [booking]),
                    Kind::Closure => availability.bookings.add_closures(date, [booking]),
                }
            }
        }
        Ok(availability)
    }
}

/// Parses the outer JSON, after any prefix, and returns its list of days.
fn subjects(body: &[u8]) -> Result<Option<&RawValue>, AvailabilityError> {
    let start = body.iter().take(LONGEST_PREFIX).position(|byte| *byte == b'{').unwrap_or_default();
    let document = serde_json::from_slice::<Document<'_>>(body.get(start..).unwrap_or_default());
    document.map(|document| document.subjects).map_err(|source| AvailabilityError::not_an_availability(body, source))
}

/// Returns the text of a body, and replaces everything that JSON forbids in strings: bytes that are not UTF-8, control characters
/// and unknown escapes.
#[must_use]
pub fn mended(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut mended = String::with_capacity(text.len());
    let (mut rest, mut in_string) = (&*text, false);
    while let Some(character) = rest.chars().next() {
        let length = if character == '\\' && in_string { escape_length(rest) } else { character.len_utf8() };
        let (whole, behind) = rest.split_at(length);
        match character {
            '\\' if in_string && length == 1 => mended.push(' '),
            control if control.is_ascii_control() => mended.push(' '),
            _ => mended.push_str(whole),
        }
        in_string ^= character == '"';
        rest = behind;
    }
    mended
}

/// Returns the length of the escape at the beginning of a text; 1, for the backslash alone, if JSON does not know the escape.
fn escape_length(text: &str) -> usize {
    match text.as_bytes() {
        [_, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
        [_, b'u', digits @ ..] if digits.iter().take(4).filter(|digit| digit.is_ascii_hexdigit()).count() == 4 => 6,
        _ => 1,
    }
}

/// Calls `show` with each part of a list in turn, without collecting them: a broken answer may have a million. A missing or null
/// list has none.
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

/// The outer JSON. Its parts stay raw, so that a malformed one affects only itself. A null counts as missing.
#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    subjects: Option<&'a RawValue>,
}

/// A day of a room.
#[derive(Deserialize)]
struct Subject<'a> {
    #[serde(rename = "itemId", default, deserialize_with = "lenient")]
    space_id: Option<Number>,
    #[serde(rename = "item_date")]
    date: ItemDate,
    #[serde(borrow)]
    items: Option<&'a RawValue>,
}

/// An item that takes the room.
#[derive(Deserialize)]
struct Item {
    #[serde(default, deserialize_with = "lenient")]
    start: Option<DecimalHours>,
    #[serde(default, deserialize_with = "lenient")]
    end: Option<DecimalHours>,
    #[serde(default, deserialize_with = "lenient")]
    type_id: Option<Number>,
    #[serde(rename = "cur_event_state", default, deserialize_with = "lenient")]
    state: Option<Number>,
}

/// What takes a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// An event. Unknown types count as events.
    Event,
    /// A blackout (2) or a closed building (3).
    Closure,
}

/// A booking and, if its times are a guess, the reason.
struct Timed {
    booking: Booking,
    doubt: Option<String>,
}

impl Item {
    /// Deleted (98) and canceled (99) events release their rooms.
    fn is_canceled(&self) -> bool {
        self.state.as_ref().is_some_and(|Number(state)| matches!(state.as_str(), "98" | "99"))
    }

    fn kind(&self) -> Kind {
        match &self.type_id {
            Some(Number(kind)) if matches!(kind.as_str(), "2" | "3") => Kind::Closure,
            _ => Kind::Event,
        }
    }

    /// Returns when the item takes the room, if at least one time is readable. In doubt the room is taken: from midnight, or until
    /// midnight.
    fn booking(&self) -> Result<Timed, String> {
        let (start, end, doubt) = match (&self.start, &self.end) {
            (None, None) => return Err("neither its start nor its end is a time".to_owned()),
            (_, Some(end)) if end.0 < 0.0 && self.start.as_ref().is_none_or(|start| start.0 <= end.0) => {
                return Err(format!("it ends at {} h, before its day begins", end.0));
            }
            (Some(start), Some(end)) if end.0 < start.0 => {
                let doubt = format!("it ends at {} h, before it starts at {} h", end.0, start.0);
                let (start, end) = (start.minutes(), DAY + end.minutes());
                (start, end.clamp(start, 2 * DAY), Some(doubt))
            }
            (Some(start), Some(end)) => (start.minutes(), end.minutes(), None),
            (Some(start), None) => {
                let doubt = format!("it starts at {} h, and its end is not a time", start.0);
                (start.minutes(), start.minutes().max(DAY), Some(doubt))
            }
            (None, Some(end)) => {
                (0, end.minutes(), Some(format!("it ends at {} h, and its start is not a time", end.0)))
            }
        };
        Ok(Timed { booking: Booking { start, end }, doubt })
    }
}

/// Deserializes a field that counts as missing if it has an unexpected form.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// Finite hours since midnight, from a JSON number or string.
struct DecimalHours(f64);

impl DecimalHours {
    /// Rounds to the nearest minute: 25Live truncates decimals, so 9.833333 is 09:50 and not a second less.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value is clamped")]
    fn minutes(&self) -> u16 {
        (self.0.clamp(0.0, LATEST_HOURS) * 60.0).round() as u16
    }
}

impl<'de> Deserialize<'de> for DecimalHours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hours = deserializer.deserialize_any(NumberOrText)?.parse::<f64>().ok().filter(|hours| hours.is_finite());
        hours.map(Self).ok_or_else(|| de::Error::custom("expected decimal hours"))
    }
}

/// A room's id, or the number of a type or a state, as text.
struct Number(String);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrText).map(Self)
    }
}

/// Reads as text what 25Live writes as either a number or a string.
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

/// A campus-local day: the first ten characters of a text.
struct ItemDate(NaiveDate);

impl<'de> Deserialize<'de> for ItemDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        let date = text.trim_start().get(..10).and_then(|day| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok());
        date.map(Self).ok_or_else(|| de::Error::custom(format!("`{text}` does not begin with a date (YYYY-MM-DD)")))
    }
}

#[cfg(test)]
mod tests {
    use domain::campus::OpeningHours;
    use proptest::prelude::*;

    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
    }

    fn parse(body: &str) -> Availability {
        Availability::parse("342", body.as_bytes()).unwrap()
    }

    /// Returns the bookings of March 3 with these items, and the number of malformed parts.
    fn items(items: &str) -> (Vec<(u16, u16)>, usize) {
        let answer = parse(&format!(r#"{{"subjects":[{{"item_date":"2026-03-03T00:00:00","items":[{items}]}}]}}"#));
        let found = answer.bookings.on(day(3)).unwrap().iter().map(|booking| (booking.start, booking.end)).collect();
        (found, answer.malformed.count)
    }

    #[test]
    fn hours_may_be_strings_or_numbers_even_within_one_item() {
        assert_eq!(
            items(r#"{"start":"9.000000","end":9.833333},{"start":10,"end":"11.25"}"#),
            (vec![(540, 590), (600, 675)], 0)
        );
    }

    #[test]
    fn truncated_hours_are_rounded_to_the_minute() {
        for minute in 0..=1440_u16 {
            let cut = (f64::from(minute) / 60.0 * 1e6).floor() / 1e6;
            assert_eq!(items(&format!(r#"{{"start":{cut},"end":"{cut:.6}"}}"#)).0, [(minute, minute)]);
        }
    }

    /// Returns the bookings of March 3 and 4 with these items.
    fn two_days(first: &str, second: &str) -> [Vec<(u16, u16)>; 2] {
        let day = |date, items| format!(r#"{{"item_date":"2026-03-0{date}T00:00:00","items":[{items}]}}"#);
        let both = [
            parse(&format!(r#"{{"subjects":[{},{}]}}"#, day(3, first), day(4, second))),
            parse(&format!(r#"{{"subjects":[{},{}]}}"#, day(4, second), day(3, first))),
        ];
        assert_eq!(both[0].bookings, both[1].bookings, "the order of the days should not matter");
        [3, 4].map(|date| {
            let bookings = both[0].bookings.on(super::tests::day(date)).unwrap();
            bookings.iter().map(|booking| (booking.start, booking.end)).collect()
        })
    }

    #[test]
    fn an_item_may_end_at_midnight_and_span_the_day() {
        assert_eq!(items(r#"{"start":0,"end":24}"#).0, [(0, 1440)]);
        assert_eq!(two_days(r#"{"start":0,"end":24}"#, ""), [vec![(0, 1440)], vec![]]);
    }

    #[test]
    fn an_overnight_item_takes_its_evening_and_the_next_morning() {
        for overnight in [r#"{"start":"22.000000","end":"2.000000"}"#, r#"{"start":22,"end":26}"#] {
            assert_eq!(two_days(overnight, ""), [vec![(1320, 1560)], vec![(0, 120)]], "{overnight}");
            assert_eq!(two_days(overnight, r#"{"start":1,"end":3}"#)[1], [(0, 180)], "{overnight}");
        }
        assert_eq!(items(r#"{"start":"22.5","end":"26.0"}"#).0, [(1350, 1560)]);
        // It ends at midnight, and takes no minute of the next day.
        assert_eq!(two_days(r#"{"start":22,"end":0}"#, "")[1], []);
        // The day after is not in the answer, so it stays unknown.
        let answer = parse(r#"{"subjects":[{"item_date":"2026-03-03T00:00:00","items":[{"start":22,"end":2}]}]}"#);
        assert_eq!(answer.bookings.on(day(4)), None);
    }

    #[test]
    fn an_item_with_one_readable_time_takes_the_room_from_or_until_midnight() {
        for (item, taken) in [
            (r#"{"start":9}"#, (540, 1440)),
            (r#"{"start":"9.5","end":null}"#, (570, 1440)),
            (r#"{"start":9,"end":"inf"}"#, (540, 1440)),
            (r#"{"start":9,"end":{"a":[[]]}}"#, (540, 1440)),
            (r#"{"end":10}"#, (0, 600)),
            (r#"{"start":null,"end":10}"#, (0, 600)),
            (r#"{"start":true,"end":10}"#, (0, 600)),
            (r#"{"start":"nine","end":10}"#, (0, 600)),
            (r#"{"start":"NaN","end":10}"#, (0, 600)),
            (r#"{"start":10,"end":9}"#, (600, 1980)),
        ] {
            assert_eq!(items(item), (vec![taken], 1), "{item}");
        }
    }

    #[test]
    fn deleted_and_canceled_events_release_their_rooms() {
        for state in ["98", "99", "\"98\"", "\"99\"", "99.0"] {
            assert_eq!(items(&format!(r#"{{"start":9,"end":10,"cur_event_state":{state}}}"#)), (vec![], 0), "{state}");
        }
        for state in ["1", "\"2\"", "null", "{}", "980", "\"x\""] {
            assert_eq!(
                items(&format!(r#"{{"start":9,"end":10,"cur_event_state":{state}}}"#)).0,
                [(540, 600)],
                "{state}"
            );
        }
    }

    #[test]
    fn blackouts_and_closures_take_the_room_without_booking_it() {
        let hours = OpeningHours::new("07:00".parse().unwrap(), "22:00".parse().unwrap()).unwrap();
        for (kind, is_event) in [
            ("1", true),
            ("\"1\"", true),
            ("2", false),
            ("3", false),
            ("\"3\"", false),
            ("4", true),
            ("null", true),
            ("[]", true),
            ("\"closed\"", true),
        ] {
            let body = format!(
                r#"{{"subjects":[{{"item_date":"2026-03-03","items":[{{"start":9,"end":10,"type_id":{kind}}}]}}]}}"#
            );
            let answer = parse(&body);
            assert_eq!(answer.bookings.has_event(day(3), hours), Some(is_event), "{kind}");
            assert_eq!(answer.bookings.on(day(3)), Some(&[Booking { start: 540, end: 600 }][..]), "{kind}");
        }
        let untyped = parse(r#"{"subjects":[{"item_date":"2026-03-03","items":[{"start":9,"end":10}]}]}"#);
        assert_eq!(untyped.bookings.has_event(day(3), hours), Some(true));
    }

    #[test]
    fn items_of_every_kind_are_counted() {
        let answer = parse(concat!(
            r#"{"subjects":[{"item_date":"2026-03-03","items":[null,{"start":9,"end":10,"cur_event_state":99}]},"#,
            r#"{"item_date":"2026-03-04","items":[{"start":9,"end":10,"type_id":3}]},{"item_date":"2026-03-05"}]}"#
        ));
        assert_eq!(answer.items, 3);
    }

    #[test]
    fn the_first_ten_characters_of_an_item_date_are_the_day() {
        for date in
            ["2026-03-03", "2026-03-03T00:00:00Z", "2026-03-03T00:00:00-05:00", "2026-03-03 00:00", " 2026-03-03"]
        {
            let answer = parse(&format!(r#"{{"subjects":[{{"item_date":"{date}"}}]}}"#));
            assert_eq!(answer.bookings.days().collect::<Vec<_>>(), [day(3)], "{date}");
        }
    }

    #[test]
    fn text_that_json_forbids_is_tolerated_in_unused_parts() {
        let bodies: [&[u8]; 5] = [
            b"{\"subjects\":[{\"item_date\":\"2026-03-03\",\"items\":[{\"itemName\":\"Caf\xe9\",\"start\":9,\"end\":10}]}]}",
            b"{\"subjects\":[{\"item_date\":\"2026-03-03\",\"items\":[{\"itemName\":\"a\tb\nc\x00\",\"start\":9,\"end\":10}]}]}",
            b"{\"subjects\":[{\"item_date\":\"2026-03-03\",\"items\":[{\"itemName\":\"\\x \\' \\u12 \\\\\",\"start\":9,\"end\":10}]}]}",
            b"{\"a\xff\":\"\t\",\"subjects\":[{\"item_date\":\"2026-03-03\",\"items\":[{\"start\":9,\"end\":10}]}]}",
            b")]}',\n{\"\xf0\":\"\\\"\t\",\"subjects\":[{\"item_date\":\"2026-03-03\",\"items\":[{\"start\":9,\"end\":10}]}]}",
        ];
        for body in bodies {
            let answer = Availability::parse("342", body).unwrap();
            let shown = String::from_utf8_lossy(body);
            assert_eq!(answer.bookings.on(day(3)), Some(&[Booking { start: 540, end: 600 }][..]), "{shown}");
            assert_eq!(answer.malformed.count, 0, "{shown}");
        }
    }

    #[test]
    fn a_repeated_day_has_the_bookings_of_both() {
        let day_with = |items: &str| format!(r#"{{"item_date":"2026-03-03T00:00:00","items":[{items}]}}"#);
        let (first, second) = (day_with(r#"{"start":12,"end":13}"#), day_with(r#"{"start":9,"end":10}"#));
        let answer = parse(&format!(r#"{{"subjects":[{first},{second}]}}"#));
        assert_eq!(
            answer.bookings.on(day(3)).unwrap(),
            [Booking { start: 540, end: 600 }, Booking { start: 720, end: 780 }]
        );
    }

    #[test]
    fn absurd_times_are_clamped_and_never_wrap() {
        assert_eq!(items(r#"{"start":-3,"end":7},{"start":1e300,"end":1e301}"#).0, [(0, 420), (2880, 2880)]);
    }

    #[test]
    fn a_malformed_item_is_skipped_and_the_rest_of_its_day_is_used() {
        let good = r#"{"start":9,"end":10}"#;
        let malformed = [
            "null",
            "7",
            "\"x\"",
            "[]",
            "{}",
            r#"{"start":null,"end":"ten"}"#,
            r#"{"start":-3,"end":-1}"#,
            r#"{"end":-1}"#,
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
    fn an_unreadable_day_leaves_only_that_day_unanswered() {
        let answer = parse(
            r#"{"subjects":[{"item_date":"03/04/2026","items":[]},{"items":[]},null,{"item_date":"2026-03-05T00:00:00"}]}"#,
        );
        assert_eq!(answer.bookings.days().collect::<Vec<_>>(), [day(5)]);
        assert_eq!(answer.malformed.count, 3);
    }

    #[test]
    fn the_reason_for_a_malformed_part_is_truncated() {
        let word = "x".repeat(100_000);
        let answer = parse(&format!(r#"{{"subjects":[{{"item_date":"{word}"}}]}}"#));
        assert_eq!(answer.malformed.first.unwrap().len(), LONGEST_REASON);
    }

    #[test]
    fn the_json_may_begin_anywhere_in_the_first_sixteen_bytes() {
        for prefix in [")]}',\n", ")]}',", "\u{feff}", "while(1);\r\n", "123456789012345"] {
            let answer = parse(&format!(r#"{prefix}{{"subjects":[{{"item_date":"2026-03-03T00:00:00"}}]}}"#));
            assert_eq!(answer.bookings.days().count(), 1, "{prefix}");
        }
        let far = format!(r#"{}{{"subjects":[{{"item_date":"2026-03-03T00:00:00"}}]}}"#, "x".repeat(16));
        assert!(Availability::parse("342", far.as_bytes()).is_err());
    }

    #[test]
    fn an_answer_that_is_not_an_availability_is_refused_with_its_beginning() {
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
    }

    #[test]
    fn the_answer_of_another_room_is_refused() {
        let body = r#"{"subjects":[{"itemId":343,"item_date":"2026-03-03T00:00:00"}]}"#;
        let error = Availability::parse("342", body.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "the answer is about room 343, not room 342");
        for own in ["342", "\"342\"", "\" 342 \"", "342.0", "null", "{}"] {
            assert_eq!(parse(&body.replace("343", own)).bookings.days().count(), 1, "{own}");
        }
    }

    #[test]
    fn days_of_another_room_are_skipped_and_those_of_this_one_are_used() {
        let answer = parse(concat!(
            r#"{"subjects":[{"itemId":343,"item_date":"2026-03-03","items":[{"start":0,"end":24}]},"#,
            r#"{"itemId":342,"item_date":"2026-03-03"},{"itemId":343,"item_date":"2026-03-04"}]}"#
        ));
        assert_eq!(answer.bookings.days().collect::<Vec<_>>(), [day(3)]);
        assert_eq!((answer.bookings.on(day(3)), answer.malformed.count), (Some(&[][..]), 2));
    }

    /// A time of an item, valid or invalid in various ways.
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

    /// Days as 25Live writes them, each with its items, in any order and possibly repeated; some are invalid.
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
        date.get(..10).is_some_and(|day| NaiveDate::parse_from_str(day, "%Y-%m-%d").is_ok())
    }

    proptest! {
        #[test]
        fn each_part_of_an_answer_is_read_or_counted_as_malformed(days in days()) {
            let read = parse(&answer(&days));
            let parts = days.iter().map(|(date, items)| if is_day(date) { items.len() } else { 1 }).sum::<usize>();
            let bookings: Vec<_> = read.bookings.days().flat_map(|day| read.bookings.on(day).unwrap()).collect();
            prop_assert!(read.malformed.count <= parts);
            prop_assert!(!bookings.is_empty() || read.malformed.count == parts);
            prop_assert!(bookings.iter().all(|booking| booking.start <= booking.end && booking.end <= 2 * 24 * 60));
            let mut neighbors = read.bookings.days().flat_map(|day| read.bookings.on(day).unwrap().windows(2));
            prop_assert!(neighbors.all(|pair| pair[0].end < pair[1].start), "in order, and apart");
            prop_assert_eq!(read.malformed.first.is_some(), read.malformed.count > 0);
        }

        #[test]
        fn an_answer_truncated_anywhere_is_refused(days in days(), at in any::<prop::sample::Index>()) {
            let answer = answer(&days);
            prop_assert!(Availability::parse("342", &answer.as_bytes()[..at.index(answer.len())]).is_err());
        }

        #[test]
        fn a_short_prefix_before_the_json_does_not_change_the_answer(days in days(), prefix in "[^{\"\\\\]{0,3}") {
            let answer = answer(&days);
            let prefixed = [prefix.as_bytes(), answer.as_bytes()].concat();
            prop_assert_eq!(Availability::parse("342", &prefixed).unwrap(), parse(&answer));
        }

        #[test]
        fn random_bytes_are_refused(body in any::<Vec<u8>>()) {
            prop_assert!(Availability::parse("342", &body).is_err());
        }
    }
}
