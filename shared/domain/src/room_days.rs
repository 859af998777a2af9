//! The days of one room: what its calendar and its page are made of.

use chrono::NaiveDate;

use crate::{
    campus::{Building, Classroom},
    slots::Slot,
    snapshot::{RoomStatus, Snapshot},
    timestamp::Timestamp,
};

/// What is known of a room on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomDay {
    /// The day, at the campus.
    pub date: NaiveDate,
    /// What the slots are worth.
    pub status: RoomStatus,
    /// When the sweep ended that the day's snapshot came from.
    pub last_updated: Timestamp,
    /// The free slots, in order.
    pub slots: Vec<Slot>,
}

impl RoomDay {
    /// A room's days in these snapshots, in their order; a day whose snapshot does not have the room is left out.
    #[must_use]
    pub fn of_room(building: &Building, room: &Classroom, snapshots: &[Snapshot]) -> Vec<Self> {
        let day = |snapshot: &Snapshot| {
            let found = snapshot.buildings.get(&building.code)?.room(building, room)?;
            Some(Self {
                date: snapshot.date,
                status: found.status,
                last_updated: snapshot.last_updated,
                slots: found.availability.clone(),
            })
        };
        snapshots.iter().filter_map(day).collect()
    }
}
