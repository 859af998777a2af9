//! Records what the simulated 25Live returned and when, and so what responses may show.

use std::{
    collections::{BTreeSet, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use simulator::Simulator;

use crate::{
    body::{Classroom, Day, Room, instant},
    campus::{BUILDINGS, Campus, DAYS, LEFT_OUT, NAME, ROOMS, Slot, Timetable},
};

/// The maximum duration of a sweep.
const LONGEST_SWEEP: TimeDelta = TimeDelta::seconds(25);

/// Knows the correct responses, without using code of the service.
pub(crate) struct Oracle {
    pub(crate) campus: Campus,
    // A std mutex, because nothing awaits while it is held.
    facts: Mutex<Facts>,
}

/// A period in which something may have been true: from just before it began to just after it ended.
#[derive(Clone, Copy, Debug)]
struct Period {
    from: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
}

impl Period {
    fn from_now() -> Self {
        Self { from: Utc::now(), until: None }
    }

    fn touches(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> bool {
        self.from <= until && self.until.is_none_or(|end| end >= from)
    }
}

#[derive(Default)]
struct Facts {
    /// What 25Live returned for each room.
    returned: [Vec<(Timetable, Period)>; ROOMS.len()],
    /// When it failed for each room.
    failed: [Vec<Period>; ROOMS.len()],
    /// When it added an item with an unreadable start to each day.
    doubtful: [Vec<Period>; ROOMS.len()],
    /// When the reserve, or a part of it, may have been lost.
    lost: Vec<Period>,
    /// The end times of sweeps seen in responses.
    sweeps: BTreeSet<DateTime<Utc>>,
    /// A digest of what responses showed for a day of a sweep. All responses about it must show the same.
    shown: HashMap<Key, u64>,
    /// For each day, the newest sweep that a response showed as fresh.
    newest: HashMap<NaiveDate, DateTime<Utc>>,
    /// The newest refresh that a client has seen.
    refreshed: Option<DateTime<Utc>>,
    /// For each day and room, the newest sweep with good slots that was shown as fresh, and so was in the reserve.
    kept: HashMap<(NaiveDate, usize), DateTime<Utc>>,
}

/// A day, a sweep, whether the copy is stale, and the room of a single-room response.
type Key = (NaiveDate, String, bool, Option<String>);

/// What was known before a request was sent. Its response must not be older.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) date: NaiveDate,
    newest: Option<DateTime<Utc>>,
}

/// The parts of a response about rooms other than the rooms.
#[derive(Clone, Debug)]
pub(crate) struct Representation {
    pub(crate) etag: String,
    /// X-Cache.
    pub(crate) source: String,
    pub(crate) text: String,
}

impl Oracle {
    pub(crate) fn new(campus: Campus) -> Self {
        Self { campus, facts: Mutex::default() }
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the bookings of a room on all days.
    pub(crate) fn book(&self, simulator: &Simulator, room: usize) {
        let mut facts = self.facts();
        let returned = &mut facts.returned[room];
        let timetable = Timetable::Booked { generation: returned.len() as u64 };
        let period = Period::from_now();
        // Later days are swept too, but no client reads them.
        for ahead in 0..=DAYS + 4 {
            simulator.set_bookings(ROOMS[room], self.campus.day(ahead), timetable.bookings(room, ahead));
        }
        if let Some((_, before)) = returned.iter_mut().rfind(|(before, _)| *before != Timetable::Free) {
            before.until = Some(Utc::now());
        }
        returned.push((timetable, period));
    }

    /// From now on, 25Live fails for these rooms.
    pub(crate) fn fails_for(&self, rooms: &[usize]) {
        let mut facts = self.facts();
        for room in rooms {
            facts.failed[*room].push(Period::from_now());
        }
    }

    /// From now on, 25Live leaves out the bookings of these rooms.
    pub(crate) fn leaves_out_bookings_of(&self, rooms: &[usize]) {
        let mut facts = self.facts();
        for room in rooms {
            facts.returned[*room].push((Timetable::Free, Period::from_now()));
        }
    }

    /// From now on, 25Live adds an item with an unreadable start to each day of these rooms.
    pub(crate) fn adds_doubt_to(&self, rooms: &[usize]) {
        let mut facts = self.facts();
        for room in rooms {
            facts.doubtful[*room].push(Period::from_now());
        }
    }

    /// 25Live is healthy again.
    pub(crate) fn upstream_recovered(&self) {
        let now = Some(Utc::now());
        let mut facts = self.facts();
        let Facts { failed, doubtful, .. } = &mut *facts;
        for period in failed.iter_mut().chain(doubtful).flatten().filter(|period| period.until.is_none()) {
            period.until = now;
        }
        for (returned, period) in facts.returned.iter_mut().flatten() {
            if *returned == Timetable::Free {
                period.until = period.until.or(now);
            }
        }
    }

    /// Runs something that may lose a part of the reserve.
    pub(crate) async fn losing(&self, lose: impl Future<Output = ()>) {
        let index = {
            let mut facts = self.facts();
            facts.lost.push(Period::from_now());
            facts.lost.len() - 1
        };
        lose.await;
        self.facts().lost[index].until = Some(Utc::now());
    }

    /// Must be called before a request is sent.
    pub(crate) fn ask(&self, date: NaiveDate) -> Asked {
        let facts = self.facts();
        // A sweep without data for a day keeps the older copy of that day.
        let refreshed = facts.refreshed.filter(|_| date != self.campus.day(LEFT_OUT));
        Asked { date, newest: facts.newest.get(&date).copied().max(refreshed) }
    }

    /// The newest refresh that a client has seen.
    pub(crate) fn refreshed(&self) -> Option<DateTime<Utc>> {
        self.facts().refreshed
    }

    /// Records that a client saw a published sweep. `known` is the newest one that clients had seen before its request.
    pub(crate) fn was_refreshed(&self, timestamp: &str, known: Option<DateTime<Utc>>) {
        let timestamp = instant(timestamp);
        assert!(Some(timestamp) >= known && timestamp <= Utc::now(), "{timestamp} after {known:?}");
        let mut facts = self.facts();
        facts.refreshed = facts.refreshed.max(Some(timestamp));
    }

    /// Checks a response about a whole day, and returns whether all its rooms are `ok`.
    pub(crate) fn check_day(&self, asked: Asked, shown: &Representation, day: &Day) -> bool {
        assert_eq!((day.date, &day.timezone), (asked.date, &self.campus.timezone), "{}", shown.text);
        assert_eq!(day.campus, NAME);
        self.check_source(asked, shown, &day.last_updated, day.stale, None, (&shown.etag, &shown.text));
        for ((code, name, rooms), building) in BUILDINGS.into_iter().zip(day.buildings.in_order()) {
            assert_eq!((code, name), (&*building.code, &*building.name), "{}", shown.text);
            assert_eq!(("07:00", "23:00"), (&*building.opens, &*building.closes));
            let ids: Vec<_> = building.classrooms.iter().map(|room| &*room.id).collect();
            assert_eq!(ids, ROOMS[rooms], "{}", shown.text);
        }
        let rooms = || day.buildings.in_order().into_iter().flat_map(|building| &building.classrooms);
        for room in rooms() {
            self.check_room(asked, shown, &day.last_updated, room);
        }
        rooms().all(|room| room.status == "ok")
    }

    /// Checks a response about one room, and returns whether it is `ok`.
    pub(crate) fn check_classroom(&self, asked: Asked, shown: &Representation, id: &str, classroom: Classroom) -> bool {
        assert_eq!((classroom.date, &*classroom.id), (asked.date, id), "{}", shown.text);
        let index = index_of(id);
        let building = BUILDINGS.into_iter().find(|(_, _, rooms)| rooms.contains(&index)).unwrap();
        assert_eq!(classroom.building_code, building.0, "{}", shown.text);
        self.check_facts(asked, &classroom);
        // `free_now` changes with the minute, so the digest leaves it out.
        let lasting = (&classroom.status, format!("{:?}", classroom.availability));
        self.check_source(asked, shown, &classroom.last_updated, classroom.stale, Some(id.to_owned()), lasting);
        let Classroom { id, name, status, availability, last_updated, .. } = classroom;
        let room = Room { id, name, status, availability };
        self.check_room(asked, shown, &last_updated, &room);
        room.status == "ok"
    }

    /// Checks that the other members of a room's response follow from its slots.
    fn check_facts(&self, asked: Asked, classroom: &Classroom) {
        let Classroom { availability, free_now, next_free, booked_today, .. } = classroom;
        let (is_known, is_today) = (classroom.status != "unknown", asked.date == self.campus.today);
        assert_eq!(booked_today.is_some(), is_known, "{availability:?}");
        // A closure blocks a room too, but is not a booking.
        assert!(*booked_today != Some(true) || !availability.iter().any(Slot::is_all_day), "{availability:?}");
        assert_eq!(free_now.is_some(), is_known && is_today, "{availability:?}");
        let Some(span) = next_free else { return };
        assert!(availability.iter().any(|slot| slot.free_period() == span.times()), "{availability:?}");
    }

    /// Checks which sweep a response shows, and whether that is new enough for its `X-Cache`. `lasting` is the part that must
    /// be the same in all responses from one sweep.
    fn check_source(
        &self,
        asked: Asked,
        shown: &Representation,
        last_updated: &str,
        stale: bool,
        room: Option<String>,
        lasting: impl Hash,
    ) {
        assert_eq!(stale, shown.source == "STALE", "X-Cache is {}: {}", shown.source, shown.text);
        let swept = instant(last_updated);
        assert!(swept <= Utc::now(), "the sweep is in the future: {}", shown.text);
        let mut facts = self.facts();
        facts.sweeps.insert(swept);
        let key = (asked.date, last_updated.to_owned(), stale, room);
        let mut hasher = DefaultHasher::new();
        lasting.hash(&mut hasher);
        let digest = hasher.finish();
        let before = *facts.shown.entry(key).or_insert(digest);
        assert_eq!(before, digest, "an earlier response showed other data of this sweep and day: {shown:?}");
        if !stale {
            assert!(Some(swept) >= asked.newest, "{asked:?}, but an older sweep is shown as fresh: {}", shown.text);
            let newest = facts.newest.entry(asked.date).or_insert(swept);
            *newest = swept.max(*newest);
        }
    }

    fn check_room(&self, asked: Asked, shown: &Representation, last_updated: &str, room: &Room) {
        let (index, swept) = (index_of(&room.id), instant(last_updated));
        assert_eq!(room.name, format!("R{}", room.id));
        let mut facts = self.facts();
        let began = facts.earliest_beginning(swept);
        let ahead = u64::try_from((asked.date - self.campus.today).num_days()).unwrap();
        let context = || format!("room {} of {swept}, asked {asked:?}: {}", room.id, shown.text);
        match &*room.status {
            "ok" => assert!(facts.returned(index, ahead, &room.availability, began, swept), "{}", context()),
            "stale" => {
                let ever = DateTime::<Utc>::MIN_UTC;
                assert!(facts.returned(index, ahead, &room.availability, ever, swept), "{}", context());
                assert!(facts.failed(index, began, swept), "25Live was healthy: {}", context());
            }
            "unknown" => {
                assert!(room.availability.is_empty(), "{}", context());
                assert!(facts.failed(index, began, swept), "25Live was healthy: {}", context());
                let kept = facts.kept.get(&(asked.date, index)).filter(|kept| **kept < swept);
                assert!(kept.is_none_or(|kept| facts.lost_since(*kept)), "kept since {kept:?}: {}", context());
            }
            other => panic!("a room is {other}: {}", context()),
        }
        if room.status != "unknown" && shown.source != "STALE" {
            let kept = facts.kept.entry((asked.date, index)).or_insert(swept);
            *kept = swept.max(*kept);
        }
    }

    /// Whether every room shows the slots of its current bookings.
    pub(crate) fn is_up_to_date(&self, day: &Day, ahead: u64) -> bool {
        let facts = self.facts();
        let mut rooms = day.buildings.in_order().into_iter().flat_map(|building| &building.classrooms);
        rooms.all(|room| {
            let index = index_of(&room.id);
            let last = facts.returned[index].iter().rfind(|(returned, _)| *returned != Timetable::Free);
            last.is_some_and(|(returned, _)| returned.slots(index, ahead) == room.availability)
        })
    }

    /// The number of sweeps seen in responses.
    pub(crate) fn sweeps(&self) -> usize {
        self.facts().sweeps.len()
    }

    /// How many times the bookings of rooms have changed.
    pub(crate) fn changes(&self) -> usize {
        self.facts().returned.iter().map(Vec::len).sum()
    }
}

impl Facts {
    /// The earliest possible start of the sweep that ended at `ended`: the end of the previous sweep, because sweeps do not
    /// overlap. The timestamp just before `ended` may be that of its own first results, so the one before that counts.
    fn earliest_beginning(&self, ended: DateTime<Utc>) -> DateTime<Utc> {
        let before = self.sweeps.range(..ended).rev().nth(1).copied();
        before.unwrap_or(DateTime::<Utc>::MIN_UTC).max(ended - LONGEST_SWEEP)
    }

    /// Whether 25Live returned bookings within that period that lead to these slots.
    fn returned(&self, room: usize, ahead: u64, slots: &[Slot], from: DateTime<Utc>, until: DateTime<Utc>) -> bool {
        let may_be_in_doubt = self.doubtful[room].iter().any(|period| period.touches(from, until));
        let mut then = self.returned[room].iter().filter(|(_, period)| period.touches(from, until));
        then.any(|(returned, _)| {
            returned.slots(room, ahead) == slots
                || (may_be_in_doubt && returned.slots_after_doubt(room, ahead) == slots)
        })
    }

    fn failed(&self, room: usize, from: DateTime<Utc>, until: DateTime<Utc>) -> bool {
        self.failed[room].iter().any(|period| period.touches(from, until))
    }

    fn lost_since(&self, since: DateTime<Utc>) -> bool {
        self.lost.iter().any(|period| period.touches(since, Utc::now()))
    }
}

fn index_of(id: &str) -> usize {
    ROOMS.iter().position(|room| *room == id).unwrap_or_else(|| panic!("there is no room {id}"))
}
