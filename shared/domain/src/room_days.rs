//! The days of one room, from which its calendar and its page are made.

use chrono::NaiveDate;

use crate::{
    campus::{Building, Classroom},
    slots::Slot,
    snapshot::{RoomStatus, Snapshot},
    timestamp::Timestamp,
};

/// A room's availability on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomDay {
    /// The day, at the campus.
    pub date: NaiveDate,
    /// How current the slots are.
    pub status: RoomStatus,
    /// When the sweep of the day's snapshot ended.
    pub last_updated: Timestamp,
    /// The free slots, in order.
    pub slots: Vec<Slot>,
}

/// A room's availability on several days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomDays {
    /// Whether the bookings are invented: see [`Snapshot::simulated`].
    pub simulated: bool,
    /// The days, in order.
    pub days: Vec<RoomDay>,
}

impl RoomDays {
    /// Returns a room's days in these snapshots, in their order. Skips snapshots without the room, and those of the other kind
    /// of bookings: simulated and real ones do not mix.
    #[must_use]
    pub fn of_room(building: &Building, room: &Classroom, simulated: bool, snapshots: &[Snapshot]) -> Self {
        let day = |snapshot: &Snapshot| {
            let found = snapshot.buildings.get(&building.code)?.room(building, room)?;
            Some(RoomDay {
                date: snapshot.date,
                status: found.status,
                last_updated: snapshot.last_updated,
                slots: found.availability.clone(),
            })
        };
        let snapshots = snapshots.iter().filter(|snapshot| snapshot.simulated == simulated);
        Self { simulated, days: snapshots.filter_map(day).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bookings::BookingsByRoom, campus::Campus};

    #[test]
    fn days_of_simulated_and_of_real_bookings_do_not_mix() {
        let campus = Campus::built_in();
        let at = Timestamp::parse("2026-03-03T10:00:00-05:00").unwrap();
        let snapshot = |date: &str, simulated| Snapshot {
            simulated,
            ..Snapshot::new(&campus, 28, date.parse().unwrap(), at, &BookingsByRoom::new(), None)
        };
        let snapshots = [snapshot("2026-03-02", true), snapshot("2026-03-03", false), snapshot("2026-03-04", true)];
        let (building, room) = campus.classrooms().next().unwrap();
        for (simulated, expected) in [(false, &["2026-03-03"][..]), (true, &["2026-03-02", "2026-03-04"])] {
            let known = RoomDays::of_room(building, room, simulated, &snapshots);
            let dates: Vec<_> = known.days.iter().map(|day| day.date.to_string()).collect();
            assert_eq!(known.simulated, simulated);
            assert_eq!(dates, expected);
        }
    }
}
