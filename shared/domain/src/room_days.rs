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

/// What is known of a room on several days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomDays {
    /// Whether the bookings are invented: see [`Snapshot::simulated`].
    pub simulated: bool,
    /// The days, in order.
    pub days: Vec<RoomDay>,
}

impl RoomDays {
    /// A room's days in these snapshots, in their order. A day whose snapshot does not have the room is left out, and so is one of the
    /// other kind of bookings: invented and real ones do not mix.
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
    fn days_of_simulated_bookings_and_days_of_real_ones_do_not_mix() {
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
