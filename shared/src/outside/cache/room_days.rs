//! The cached days of one room: the header of a [`CachedSnapshot`], then a line with the days instead of the body.
//!
//! ```text
//! {"version":2,"fence":1772550000123456,"fingerprint":"998a651a781ca6ee","date":"2026-03-03","last_updated":"…","checksum":"…"}
//! {"id":"342","days":[{"date":"2026-03-03","status":"ok","last_updated":"…","slots":["07:00-09:04","10:01-23:00"]},…]}
//! ```
//!
//! A month of a room takes a few kilobytes, so its calendar and its page read one small value, whatever the size of the campus.

use chrono::NaiveDate;
use domain::{
    room_days::{RoomDay, RoomDays},
    slots::Slot,
    snapshot::RoomStatus,
    time_of_day::TimeOfDay,
    timestamp::Timestamp,
};
use serde::{Deserialize, Serialize};

/// The written form of a room's days. The id reveals a value under the key of another room.
#[derive(Serialize, Deserialize)]
struct WrittenRoom {
    id: String,
    /// Absent from values of earlier releases, which ignore it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    simulated: bool,
    days: Vec<WrittenDay>,
}

/// The written form of a day.
#[derive(Serialize, Deserialize)]
struct WrittenDay {
    date: NaiveDate,
    status: RoomStatus,
    last_updated: Timestamp,
    slots: Vec<WrittenSlot>,
}

/// The written form of a slot: `07:00-09:04`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct WrittenSlot(Slot);

/// Why a text is not a slot.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a slot; expected one such as 07:00-09:04")]
struct NotASlot(String);

impl From<WrittenSlot> for String {
    fn from(WrittenSlot(slot): WrittenSlot) -> Self {
        format!("{}-{}", slot.start, slot.end)
    }
}

impl TryFrom<String> for WrittenSlot {
    type Error = NotASlot;

    fn try_from(text: String) -> Result<Self, NotASlot> {
        let time = |text: &str| text.parse::<TimeOfDay>().ok();
        let slot = text.split_once('-').and_then(|(start, end)| Some(Slot { start: time(start)?, end: time(end)? }));
        slot.filter(|slot| slot.start < slot.end).map(Self).ok_or(NotASlot(text))
    }
}

/// Renders a room's days as a line of JSON.
#[expect(clippy::expect_used, reason = "there are no maps")]
pub(super) fn write(id: &str, known: &RoomDays) -> Vec<u8> {
    let day = |RoomDay { date, status, last_updated, slots }: &RoomDay| WrittenDay {
        date: *date,
        status: *status,
        last_updated: *last_updated,
        slots: slots.iter().copied().map(WrittenSlot).collect(),
    };
    let days = known.days.iter().map(day).collect();
    let room = WrittenRoom { id: id.to_owned(), simulated: known.simulated, days };
    serde_json::to_vec(&room).expect("a room always serializes")
}

/// Parses the output of [`write`]; `None` if it belongs to another room.
///
/// # Errors
/// The line is not the output of [`write`].
pub(super) fn read(id: &str, line: &[u8]) -> Result<Option<RoomDays>, serde_json::Error> {
    let room: WrittenRoom = serde_json::from_slice(line)?;
    let day = |WrittenDay { date, status, last_updated, slots }| RoomDay {
        date,
        status,
        last_updated,
        slots: slots.into_iter().map(|WrittenSlot(slot)| slot).collect(),
    };
    let WrittenRoom { id: found, simulated, days } = room;
    Ok((found == id).then(|| RoomDays { simulated, days: days.into_iter().map(day).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_readably_and_read_back() {
        let slot = |start: &str, end: &str| Slot { start: start.parse().unwrap(), end: end.parse().unwrap() };
        let last_updated = Timestamp::parse("2026-03-03T10:00:00.123456-05:00").unwrap();
        let day = |date: &str, status, slots| RoomDay { date: date.parse().unwrap(), status, last_updated, slots };
        let days = vec![
            day("2026-03-03", RoomStatus::Ok, vec![slot("07:00", "09:04"), slot("10:01", "24:00")]),
            day("2026-03-04", RoomStatus::Unknown, vec![]),
        ];
        let known = RoomDays { simulated: false, days };
        let line = write("342", &known);
        assert_eq!(
            std::str::from_utf8(&line).unwrap(),
            concat!(
                r#"{"id":"342","days":[{"date":"2026-03-03","status":"ok","last_updated":"2026-03-03T10:00:00.123456-05:00","#,
                r#""slots":["07:00-09:04","10:01-24:00"]},"#,
                r#"{"date":"2026-03-04","status":"unknown","last_updated":"2026-03-03T10:00:00.123456-05:00","slots":[]}]}"#
            )
        );
        assert_eq!(read("342", &line).unwrap().unwrap(), known);
        assert_eq!(read("344", &line).unwrap(), None, "another room");
    }

    #[test]
    fn simulated_bookings_are_marked_and_the_earlier_release_ignores_the_mark() {
        #[derive(Deserialize)]
        struct Earlier {
            id: String,
            days: Vec<WrittenDay>,
        }
        let known = RoomDays { simulated: true, days: vec![] };
        let line = write("342", &known);
        assert_eq!(std::str::from_utf8(&line).unwrap(), r#"{"id":"342","simulated":true,"days":[]}"#);
        assert_eq!(read("342", &line).unwrap().unwrap(), known);
        let Earlier { id, days } = serde_json::from_slice(&line).unwrap();
        assert_eq!((id.as_str(), days.len()), ("342", 0));
    }

    #[test]
    fn an_invalid_slot_is_refused() {
        for slot in ["", "07:00", "09:04-07:00", "07:00-25:00", "07:00-07:00", "a-b"] {
            let line = format!(
                r#"{{"id":"342","days":[{{"date":"2026-03-03","status":"ok","last_updated":"2026-03-03T10:00:00Z","slots":["{slot}"]}}]}}"#
            );
            let error = read("342", line.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{slot}` is not a slot")), "{error}");
        }
    }
}
