//! The small campus that the tests share.

use std::{fmt::Write, path::Path};

use chrono::{Timelike, Utc};
use emptyclassroom::domain::campus::Campus;
use simulator::{Room, Simulator};

/// The campus file: four rooms in two buildings, enough for tests of "some", "half" and "more than half".
pub const SMALL_CAMPUS: &str = include_str!("../small-campus.toml");

/// The ids of its rooms, in the order of the file.
pub const ROOMS: [&str; 4] = ["342", "344", "719", "723"];

const ROOMS_PER_BUILDING: u32 = 36;

/// The path of the file, for `CAMPUS_FILE`.
#[must_use]
pub fn small_campus_path() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/small-campus.toml"))
}

/// The small campus, parsed.
#[must_use]
pub fn small_campus() -> Campus {
    Campus::parse("small-campus.toml", SMALL_CAMPUS).unwrap()
}

/// A time zone in which it is about noon, so that no midnight passes while a test runs.
#[must_use]
pub fn zone_at_midday() -> String {
    // In these names, `+` means hours behind UTC.
    format!("Etc/GMT{:+}", i64::from(Utc::now().hour()) - 12)
}

/// Starts a simulated 25Live with the rooms of a campus.
pub async fn simulate(campus: &Campus) -> Simulator {
    let rooms = campus.classrooms().map(|(_, room)| Room::new(&room.id, &room.name));
    Simulator::start(rooms.collect()).await.unwrap()
}

/// A campus file with this number of rooms, 36 per building, with ids from 1000.
#[must_use]
pub fn large_campus(rooms: u32) -> String {
    let mut file =
        "name = \"Large University\"\ntimezone = \"America/New_York\"\nopens = \"07:00\"\ncloses = \"23:00\"\n"
            .to_owned();
    for room in 0..rooms {
        let (building, number) = (room / ROOMS_PER_BUILDING, room % ROOMS_PER_BUILDING);
        if number == 0 {
            write!(file, "[[buildings]]\ncode = \"B{building:02}\"\nname = \"Building {building}\"\n").unwrap();
        }
        let id = 1000 + room;
        write!(file, "[[buildings.classrooms]]\nid = \"{id}\"\nname = \"{}\"\ncapacity = 40\n", 100 + number).unwrap();
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_lists_the_ids_of_the_campus_file() {
        let campus = small_campus();
        let ids: Vec<_> = campus.classrooms().map(|(_, room)| room.id.as_str()).collect();
        assert_eq!(ids, ROOMS);
    }
}
