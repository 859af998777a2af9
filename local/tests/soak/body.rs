//! Strict parsing of responses that show rooms.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::campus::Slot;

/// The body of `GET /api/open-classrooms`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Day {
    pub(crate) campus: String,
    pub(crate) buildings: Buildings,
    pub(crate) last_updated: String,
    pub(crate) date: NaiveDate,
    pub(crate) timezone: String,
    pub(crate) stale: bool,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Buildings {
    #[serde(rename = "WEST")]
    west: Building,
    #[serde(rename = "EAST")]
    east: Building,
}

impl Buildings {
    pub(crate) fn in_order(&self) -> [&Building; 2] {
        [&self.west, &self.east]
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Building {
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) opens: String,
    pub(crate) closes: String,
    pub(crate) classrooms: Vec<Room>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Room {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) availability: Vec<Slot>,
}

/// The body of `GET /api/classrooms/{id}`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Classroom {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) building_code: String,
    pub(crate) status: String,
    pub(crate) availability: Vec<Slot>,
    pub(crate) date: NaiveDate,
    pub(crate) timezone: String,
    pub(crate) last_updated: String,
    pub(crate) stale: bool,
    pub(crate) free_now: Option<bool>,
    pub(crate) next_free: Option<Span>,
    pub(crate) booked_today: Option<bool>,
}

/// A free period, as instants.
#[derive(Serialize, Deserialize)]
pub(crate) struct Span {
    start: String,
    end: String,
}

impl Span {
    /// Its local start and end times.
    pub(crate) fn times(&self) -> [&str; 2] {
        [&self.start, &self.end].map(|instant| instant.split_once('T').and_then(|(_, time)| time.get(..5)).unwrap())
    }
}

/// Parses a body that has exactly these members in exactly this order.
pub(crate) fn parse<T: Serialize + DeserializeOwned>(text: &str) -> T {
    let body: T = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in the body {text}"));
    assert_eq!(serde_json::to_string(&body).unwrap(), text, "members are missing, unknown or out of order");
    body
}

/// Parses an instant with an offset.
pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    let instant = DateTime::parse_from_rfc3339(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    instant.to_utc()
}
