//! The campus under test and the bookings of its rooms.

use chrono::{Days, NaiveDate, TimeDelta, Timelike, Utc};
use serde::{Deserialize, Serialize};
use simulator::{Booking, Hours, Kind, Room};

/// The room ids, in the order of the campus file, which is not sorted by id.
pub(crate) const ROOMS: [&str; 8] = ["88", "11", "77", "22", "66", "33", "55", "44"];
/// The last day ahead that every answer of 25Live covers, even in the shortest month.
pub(crate) const DAYS: u64 = 28;

/// The days ahead that clients read: few, so that each is read often.
pub(crate) const ASKED: [u64; 4] = [0, LEFT_OUT, 9, DAYS];
/// The only day ahead, besides today, that 25Live may leave out.
pub(crate) const LEFT_OUT: u64 = 1;

/// Each building: its code, its name, and its indexes in [`ROOMS`].
pub(crate) const BUILDINGS: [(&str, &str, std::ops::Range<usize>); 2] =
    [("WEST", "West Hall", 0..5), ("EAST", "East Hall", 5..8)];

/// The campus's name.
pub(crate) const NAME: &str = "Soaked College";
const OPENS: u16 = 7 * 60;
const CLOSES: u16 = 23 * 60;
/// When the item with the unreadable start ends.
const DOUBT_ENDS: u16 = 10 * 60;
/// The shortest slot shown.
const SHORTEST: u16 = 28;
/// How long each room is booked on each day.
const BOOKED_MINUTES: u16 = 60;
const EARLIEST: u16 = 8 * 60;
/// The number of possible start times, and so of different bookings of a room on a day.
const STARTS: u64 = 700;

/// A campus with two halls.
pub(crate) struct Campus {
    pub(crate) timezone: String,
    pub(crate) today: NaiveDate,
}

impl Campus {
    /// A campus where it is noon now, so that the test does not run across midnight.
    pub(crate) fn at_noon() -> Self {
        let now = Utc::now();
        let ahead_of_utc = 12 - i64::from(now.hour());
        // These zones have inverted signs: Etc/GMT-2 is two hours ahead.
        let timezone = format!("Etc/GMT{:+}", -ahead_of_utc);
        Self { timezone, today: (now + TimeDelta::hours(ahead_of_utc)).date_naive() }
    }

    /// The date this many days from today.
    pub(crate) fn day(&self, ahead: u64) -> NaiveDate {
        self.today + Days::new(ahead)
    }

    /// The campus file.
    pub(crate) fn file(&self) -> String {
        let buildings = BUILDINGS.map(|(code, name, rooms)| {
            let rooms: Vec<_> =
                ROOMS[rooms].iter().map(|id| format!("{{ id = \"{id}\", name = \"R{id}\" }}")).collect();
            let rooms = rooms.join(", ");
            format!(
                "[[buildings]]\ncode = \"{code}\"\nname = \"{name}\"\nopens = \"07:00\"\ncloses = \"23:00\"\n\
                 classrooms = [{rooms}]\n"
            )
        });
        format!("name = \"{NAME}\"\ntimezone = \"{}\"\n{}", self.timezone, buildings.concat())
    }

    /// The rooms in 25Live.
    pub(crate) fn upstream_rooms() -> Vec<Room> {
        ROOMS.iter().map(|id| Room::new(*id, format!("R{id}"))).collect()
    }
}

/// What 25Live returns for a room: on every day one booking, whose time follows from a generation, the room and the day, or
/// none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timetable {
    Booked { generation: u64 },
    Free,
}

impl Timetable {
    /// When the booking begins, in minutes. Neighboring rooms and days have different times.
    fn start(generation: u64, room: usize, ahead: u64) -> u16 {
        let place = (generation + 89 * room as u64 + 23 * ahead) % STARTS;
        EARLIEST + u16::try_from(place).unwrap()
    }

    /// The bookings, in one of the two forms in which 25Live encodes hours.
    pub(crate) fn bookings(self, room: usize, ahead: u64) -> Vec<Booking> {
        let Self::Booked { generation } = self else { return Vec::new() };
        let start = u32::from(Self::start(generation, room, ahead));
        let end = start + u32::from(BOOKED_MINUTES);
        let booking = if generation.is_multiple_of(2) {
            Booking::new(Hours::text(start), Hours::number(end), Kind::Event)
        } else {
            Booking::new(Hours::number(start), Hours::text(end), Kind::Blackout)
        };
        vec![booking]
    }

    /// The resulting free slots: until one minute before the booking, and from one minute after it. Every booking leaves room
    /// for both.
    pub(crate) fn slots(self, room: usize, ahead: u64) -> Vec<Slot> {
        self.slots_from(OPENS, room, ahead)
    }

    /// The free slots if an item with an unreadable start blocks the room until [`DOUBT_ENDS`].
    pub(crate) fn slots_after_doubt(self, room: usize, ahead: u64) -> Vec<Slot> {
        self.slots_from(DOUBT_ENDS + 1, room, ahead)
    }

    fn slots_from(self, opens: u16, room: usize, ahead: u64) -> Vec<Slot> {
        let Self::Booked { generation } = self else { return vec![Slot::new(opens, CLOSES)] };
        let start = Self::start(generation, room, ahead);
        let (before, after) = ((opens, start - 1), (opens.max(start + BOOKED_MINUTES + 1), CLOSES));
        let is_shown = |(start, end): &(u16, u16)| start < end && end - start >= SHORTEST;
        [before, after].into_iter().filter(is_shown).map(|(start, end)| Slot::new(start, end)).collect()
    }
}

/// A slot in a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Slot {
    start: String,
    end: String,
    start_time: String,
    end_time: String,
    duration_minutes: u16,
}

impl Slot {
    fn new(start: u16, end: u16) -> Self {
        let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        Self {
            start: format!("{}:00", time(start)),
            // The original form has no 24:00.
            end: format!("{}:00", time(end.min(24 * 60 - 1))),
            start_time: time(start),
            end_time: time(end),
            duration_minutes: end - start,
        }
    }

    /// The free period without the margins of one minute: from the end of a booking to the start of the next.
    pub(crate) fn free_period(&self) -> [String; 2] {
        let minutes = |time: &str| time[..2].parse::<u16>().unwrap() * 60 + time[3..].parse::<u16>().unwrap();
        let (start, end) = (minutes(&self.start_time), minutes(&self.end_time));
        let period = Self::new(start - u16::from(start > OPENS), end + u16::from(end < CLOSES));
        [period.start_time, period.end_time]
    }

    /// Whether the slot spans the whole opening hours.
    pub(crate) fn is_all_day(&self) -> bool {
        *self == Self::new(OPENS, CLOSES)
    }
}
