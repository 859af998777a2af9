//! The fingerprint of the settings that slots are computed with.

use std::fmt::Write;

use domain::campus::{Building, Campus};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Identifies the settings that slots follow from besides bookings: the campus and the shortest gap. A cached value with
/// another fingerprint shows other rooms or other slots than this process should, and counts as absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a campus and a shortest gap, in minutes.
    #[must_use]
    pub fn new(campus: &Campus, min_gap: u16) -> Self {
        Self(format!("{:016x}", xxh3_64(canonical(campus, min_gap).as_bytes())))
    }

    /// Sixteen hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The settings as text. Version 1 hashed text of this form, so it must stay as it is: otherwise every cached value would
/// count as absent, and old and new processes would overwrite each other's values during a deployment. A setting that is
/// added later and is not set must add nothing.
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
    let (opens, closes) = (building.hours.opens().minutes(), building.hours.closes().minutes());
    let mut text = format!(
        "Building {{ code: {:?}, name: {:?}, hours: OpeningHours {{ opens: TimeOfDay({opens}), closes: TimeOfDay({closes}) }}, \
         classrooms: [",
        building.code, building.name
    );
    for (number, room) in building.classrooms.iter().enumerate() {
        let comma = if number > 0 { ", " } else { "" };
        let _ = write!(text, "{comma}Classroom {{ id: {:?}, name: {:?} }}", room.id, room.name);
    }
    text + "] }"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name with everything that is escaped.
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
    fn every_setting_that_decides_rooms_or_slots_changes_the_fingerprint() {
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
