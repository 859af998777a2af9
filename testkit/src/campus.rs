//! The small campus that the tests share.

use std::path::Path;

use emptyclassroom::domain::campus::Campus;
use simulator::{Room, Simulator};

/// The campus file: four rooms in two buildings, enough for "some", "half" and "more than half".
pub const SMALL_CAMPUS: &str = include_str!("../small-campus.toml");

/// The ids of its rooms, in the file's order.
pub const ROOMS: [&str; 4] = ["342", "344", "719", "723"];

/// Where the file is, for `CAMPUS_FILE`.
#[must_use]
pub fn small_campus_path() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/small-campus.toml"))
}

/// The small campus, parsed.
#[must_use]
pub fn small_campus() -> Campus {
    Campus::parse("small-campus.toml", SMALL_CAMPUS).unwrap()
}

/// A simulated 25Live with the rooms of a campus.
pub async fn simulate(campus: &Campus) -> Simulator {
    let rooms = campus.classrooms().map(|(_, room)| Room::new(&room.id, &room.name));
    Simulator::start(rooms.collect()).await.unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rooms_are_those_of_the_campus_file() {
        let campus = small_campus();
        let ids: Vec<_> = campus.classrooms().map(|(_, room)| room.id.as_str()).collect();
        assert_eq!(ids, ROOMS);
    }
}
