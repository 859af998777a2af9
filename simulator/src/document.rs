//! The JSON document of 25Live's responses.

use chrono::{Months, NaiveDate};
use serde::Serialize;

use crate::booking::{Booking, Hours, Kind};
use crate::room::Room;

/// `itemTypeId` of a location.
const LOCATION: u8 = 4;
/// `itemTypeId` of an event.
const EVENT: u8 = 1;

/// The whole document. Nothing reads the fields around `subjects`; they are here because real documents have them.
#[derive(Serialize)]
pub(crate) struct Document {
    comptype: &'static str,
    compsubject: &'static str,
    page_num: u8,
    page_count: u8,
    lastupdate: String,
    headers: Headers,
    #[serde(skip_serializing_if = "Field::is_missing")]
    pub(crate) subjects: Field<Vec<Subject>>,
}

/// A field that the real 25Live sometimes leaves out or sets to null.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Field<T> {
    /// The key is missing, by `skip_serializing_if`.
    #[serde(skip)]
    Missing,
    /// The key has the value null.
    Null,
    /// The key has a value.
    Given(T),
}

/// The columns of the page that shows the response: hours of the day.
#[derive(Serialize)]
struct Headers {
    data: Vec<Header>,
}

#[derive(Serialize)]
struct Header {
    header_id: u8,
}

/// One day of the room.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subject {
    pub(crate) item_id: Id,
    item_type_id: u8,
    pub(crate) item_name: String,
    #[serde(rename = "item_date")]
    pub(crate) item_date: String,
    #[serde(skip_serializing_if = "Field::is_missing")]
    pub(crate) items: Field<Vec<Item>>,
}

/// A room's id: a number in the real 25Live, possibly a text in tests.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Id {
    Number(u64),
    Text(String),
}

/// One booking.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "25Live's names")]
pub(crate) struct Item {
    item_id: u32,
    item_type_id: u8,
    item_name: &'static str,
    item_id2: u32,
    #[serde(rename = "has_perm")]
    has_perm: u8,
    #[serde(rename = "type_id")]
    type_id: u8,
    start: Hours,
    end: Hours,
}

impl Document {
    /// The document for the days from `start`, with these subjects.
    pub(crate) fn new(start: NaiveDate, subjects: Vec<Subject>) -> Self {
        Self {
            comptype: "availability_daily",
            compsubject: "location",
            page_num: 1,
            page_count: 1,
            lastupdate: at_midnight(start),
            headers: Headers { data: (7..23).map(|header_id| Header { header_id }).collect() },
            subjects: Field::Given(subjects),
        }
    }

    /// Serializes the document.
    ///
    /// # Errors
    ///
    /// None in practice: numbers and texts can always be serialized.
    pub(crate) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    /// The days of the document; empty if `subjects` is missing or null.
    pub(crate) fn days_mut(&mut self) -> &mut [Subject] {
        match &mut self.subjects {
            Field::Given(subjects) => subjects,
            Field::Missing | Field::Null => &mut [],
        }
    }
}

impl<T> Field<T> {
    fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }
}

impl Subject {
    /// A day of a room.
    pub(crate) fn new(room: &Room, date: NaiveDate, bookings: Vec<Booking>) -> Self {
        Self {
            item_id: Id::of(room),
            item_type_id: LOCATION,
            item_name: room.name.clone(),
            item_date: at_midnight(date),
            items: Field::Given((900_000..).zip(bookings).map(|(id, booking)| Item::new(id, booking)).collect()),
        }
    }
}

impl Id {
    /// The room's id, as a number if it is one.
    pub(crate) fn of(room: &Room) -> Self {
        room.id.parse().map_or_else(|_| Self::Text(room.id.clone()), Self::Number)
    }
}

impl Item {
    /// A booking, with the id `id` if it is public.
    pub(crate) fn new(id: u32, booking: Booking) -> Self {
        let public = booking.kind == Kind::Event && !booking.private;
        Self {
            item_id: if public { id } else { 0 },
            item_type_id: EVENT,
            item_name: match booking.kind {
                Kind::Event if booking.private => "(Private)",
                Kind::Event => "Event",
                Kind::Blackout => "Blackout",
                Kind::Closed => "Closed",
            },
            item_id2: 0,
            has_perm: 0,
            type_id: booking.kind.type_id(),
            start: booking.start,
            end: booking.end,
        }
    }
}

/// Formats a day as 25Live does: `YYYY-MM-DDT00:00:00`.
pub(crate) fn at_midnight(day: NaiveDate) -> String {
    day.format("%Y-%m-%dT00:00:00").to_string()
}

/// The 29 to 32 days of a document: from `start` to the same day of the next month, inclusive.
pub(crate) fn days_from(start: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    let end = start.checked_add_months(Months::new(1)).unwrap_or(start);
    start.iter_days().take_while(move |day| *day <= end)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn answer(room: &Room, bookings: Vec<Booking>) -> Value {
        let start = date("2026-02-01");
        serde_json::to_value(Document::new(start, vec![Subject::new(room, start, bookings)])).unwrap()
    }

    #[test]
    fn the_document_has_the_form_of_recorded_responses() {
        let bookings = vec![
            Booking::new("9.000000", 9.833_333, Kind::Event),
            Booking::new("12.000000", "13.000000", Kind::Event).private(),
            Booking::new(23.0, "24.000000", Kind::Closed),
        ];
        let answer = answer(&Room::new("342", "CAS 116"), bookings);
        let item = |id: u32, name: &str, kind: u8, start: Value, end: Value| {
            json!({"itemId": id, "itemTypeId": 1, "itemName": name, "itemId2": 0, "has_perm": 0, "type_id": kind,
                   "start": start, "end": end})
        };
        assert_eq!(
            answer["subjects"],
            json!([{
                "itemId": 342, "itemTypeId": 4, "itemName": "CAS 116", "item_date": "2026-02-01T00:00:00",
                "items": [
                    item(900_000, "Event", 1, json!("9.000000"), json!(9.833_333)),
                    item(0, "(Private)", 1, json!("12.000000"), json!("13.000000")),
                    item(0, "Closed", 3, json!(23.0), json!("24.000000")),
                ],
            }])
        );
        assert_eq!(answer["comptype"], "availability_daily");
        assert_eq!(answer["compsubject"], "location");
        assert_eq!(answer["lastupdate"], "2026-02-01T00:00:00");
        assert_eq!(answer["page_num"], 1);
        assert_eq!(answer["page_count"], 1);
        assert_eq!(answer["headers"]["data"][0], json!({"header_id": 7}));
        assert_eq!(answer["headers"]["data"].as_array().unwrap().len(), 16);
    }

    #[test]
    fn a_non_numeric_room_id_stays_text() {
        assert_eq!(answer(&Room::new("tsai", "CAS Tsai"), vec![])["subjects"][0]["itemId"], "tsai");
    }

    #[test]
    fn a_document_covers_a_month_and_the_same_day_of_the_next() {
        for (start, end, days) in [
            ("2026-02-01", "2026-03-01", 29),
            ("2026-01-01", "2026-02-01", 32),
            ("2026-04-15", "2026-05-15", 31),
            ("2026-01-31", "2026-02-28", 29),
            ("2028-01-31", "2028-02-29", 30),
        ] {
            let covered: Vec<_> = days_from(date(start)).collect();
            assert_eq!((covered[0], covered[covered.len() - 1]), (date(start), date(end)));
            assert_eq!(covered.len(), days, "from {start}");
        }
    }
}
