//! The fingerprint of the settings from which slots are computed.

use std::fmt::Write;

use domain::{
    campus::{Building, Campus, Classroom},
    opening_hours::{OpeningHours, WEEKDAYS},
};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Identifies the settings that, with the bookings, determine a cached body: the campus and the shortest gap. A cached value with
/// another fingerprint shows rooms or slots that this process should not, and counts as absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Returns the fingerprint of a campus and a shortest gap, in minutes.
    #[must_use]
    pub fn new(campus: &Campus, min_gap: u16) -> Self {
        Self(format!("{:016x}", xxh3_64(canonical(campus, min_gap).as_bytes())))
    }

    /// Returns the sixteen hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Renders the settings as text. Version 1 hashed text in this format, so it must never change: otherwise every cached value
/// would count as absent, and old and new processes would overwrite each other's values during a deployment. A new setting must
/// add nothing while it is not set.
fn canonical(campus: &Campus, min_gap: u16) -> String {
    let buildings: Vec<_> = campus.buildings.iter().map(canonical_building).collect();
    format!(
        "Campus {{ name: {:?}, timezone: {}, buildings: [{}] }} {min_gap}",
        campus.name,
        campus.timezone.name(),
        buildings.join(", ")
    )
}

fn canonical_building(building: &Building) -> String {
    let Building { code, name, schedule, .. } = building;
    let rooms: Vec<_> = building.classrooms.iter().map(canonical_room).collect();
    let hours = match schedule.same_all_week() {
        Some(hours) => canonical_hours(Some(hours)),
        None => WEEKDAYS.map(|weekday| canonical_hours(schedule.on_weekday(weekday))).join(", "),
    };
    let mut text =
        format!("Building {{ code: {code:?}, name: {name:?}, hours: {hours}, classrooms: [{}]", rooms.join(", "));
    if !schedule.closed().is_empty() {
        let _ = write!(text, ", closed: {:?}", schedule.closed());
    }
    text + " }"
}

fn canonical_hours(hours: Option<OpeningHours>) -> String {
    hours.map_or_else(
        || "closed".to_owned(),
        |hours| {
            let (opens, closes) = (hours.opens().minutes(), hours.closes().minutes());
            format!("OpeningHours {{ opens: TimeOfDay({opens}), closes: TimeOfDay({closes}) }}")
        },
    )
}

fn canonical_room(room: &Classroom) -> String {
    let Classroom { id, name, capacity, features } = room;
    let mut text = format!("Classroom {{ id: {id:?}, name: {name:?}");
    if let Some(capacity) = capacity {
        let _ = write!(text, ", capacity: {capacity}");
    }
    if !features.is_empty() {
        let _ = write!(text, ", features: {features:?}");
    }
    text + " }"
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Its name has every kind of escaped character.
    const CAMPUS: &str = r#"
name = "Q \"x\" \\ é 'y'"
timezone = "Europe/Berlin"
[[buildings]]
code = "A"
name = "Hall A"
opens = "08:00"
closes = "24:00"
classrooms = [{ id = "1", name = "101" }, { id = "2", name = "102" }]
"#;

    fn fingerprint(campus: &str, min_gap: u16) -> Fingerprint {
        Fingerprint::new(&Campus::parse("campus.toml", campus).unwrap(), min_gap)
    }

    /// The first two are the fingerprints that version 1 computed.
    #[test]
    fn fingerprints_never_change() {
        assert_eq!(Fingerprint::new(&Campus::built_in(), 28).as_str(), "998a651a781ca6ee");
        assert_eq!(fingerprint(CAMPUS, 30).as_str(), "7c49d285b87df78b");
    }

    #[test]
    fn an_optional_key_changes_the_fingerprint_if_the_body_shows_it() {
        let original = fingerprint(CAMPUS, 28);
        let (building, room) = ("closes = \"24:00\"", "name = \"101\"");
        let fingerprints: HashSet<_> = [
            (building, "closes = \"24:00\"\ndays = { sun = \"closed\" }"),
            (building, "closes = \"24:00\"\ndays = { sun = \"08:00-23:00\" }"),
            (building, "closes = \"24:00\"\nclosed = [\"2026-12-24\"]"),
            (building, "closes = \"24:00\"\nclosed = [\"2026-12-24..2026-12-25\"]"),
            (room, "name = \"101\", capacity = 40"),
            (room, "name = \"101\", features = [\"Projector\"]"),
        ]
        .map(|(from, to)| fingerprint(&CAMPUS.replace(from, to), 28).0)
        .into();
        assert_eq!(fingerprints.len(), 6);
        assert!(!fingerprints.contains(&original.0));
        for same in ["days = { sun = \"08:00-24:00\" }", "closed = []", "location = [52.5, 13.4]"] {
            assert_eq!(fingerprint(&CAMPUS.replace(building, &format!("{building}\n{same}")), 28), original, "{same}");
        }
    }

    #[test]
    fn every_setting_that_affects_rooms_or_slots_changes_the_fingerprint() {
        let changes = [
            ("Europe/Berlin", "Europe/Paris"),
            ("Hall A", "Hall B"),
            ("08:00", "08:01"),
            ("24:00", "23:59"),
            ("id = \"2\"", "id = \"3\""),
            ("\"102\"", "\"103\""),
            (", { id = \"2\", name = \"102\" }", ""),
        ];
        let original = fingerprint(CAMPUS, 28);
        assert_ne!(fingerprint(CAMPUS, 29), original);
        for (from, to) in changes {
            assert_ne!(fingerprint(&CAMPUS.replace(from, to), 28), original, "{from} became {to}");
        }
    }
}
