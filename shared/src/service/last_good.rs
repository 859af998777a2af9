//! The process's own last good copies, for when the cache is down.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, NaiveDate, Utc};
use domain::{kept_days::RESERVE_EXPIRY, timestamp::Timestamp};

use crate::outside::cache::{CachedSnapshot, FencingToken};

/// The newest snapshot of each day that this process has read or swept, as long as the reserve would keep it.
#[derive(Debug, Default)]
pub struct LastGood {
    // A std mutex, because nothing awaits while it is held.
    by_date: Mutex<BTreeMap<NaiveDate, CachedSnapshot>>,
}

impl LastGood {
    /// Remembers a snapshot, unless one from a newer sweep is known. The fencing token decides, because another process's clock
    /// may be behind; times decide only within a sweep, which may publish twice. A token ahead of the clock does not count.
    pub fn remember(&self, snapshot: &CachedSnapshot, now: DateTime<Utc>) {
        let mut by_date = self.by_date.lock().unwrap_or_else(PoisonError::into_inner);
        match by_date.get(&snapshot.date) {
            Some(known) if rank(known) >= rank(snapshot) && known.fencing_token.is_credible(FencingToken::at(now)) => {}
            _ => {
                by_date.insert(snapshot.date, snapshot.to_keep());
                by_date.retain(|_, known| is_good(known, now));
            }
        }
    }

    /// Returns the last good copy of a day.
    #[must_use]
    pub fn recall(&self, date: NaiveDate, now: DateTime<Utc>) -> Option<CachedSnapshot> {
        let by_date = self.by_date.lock().unwrap_or_else(PoisonError::into_inner);
        by_date.get(&date).filter(|known| is_good(known, now)).cloned()
    }
}

fn rank(snapshot: &CachedSnapshot) -> (FencingToken, Timestamp) {
    (snapshot.fencing_token, snapshot.last_updated)
}

fn is_good(snapshot: &CachedSnapshot, now: DateTime<Utc>) -> bool {
    snapshot.last_updated.age(now) < RESERVE_EXPIRY
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use domain::{bookings::BookingsByRoom, campus::Campus, snapshot::Snapshot};

    use super::*;
    use crate::outside::cache::Fingerprint;

    fn snapshot(at: &str, fencing_token: u64) -> CachedSnapshot {
        let campus = Campus::built_in();
        let at = Timestamp::parse(at).unwrap();
        let date = "2026-03-03".parse().unwrap();
        let snapshot = Snapshot::new(&campus, 28, date, at, &BookingsByRoom::new(), None);
        let (token, fingerprint) = (FencingToken::from_micros(fencing_token), Fingerprint::new(&campus, 28));
        CachedSnapshot::render(&snapshot, &campus, 0, token, &fingerprint)
    }

    #[test]
    fn the_newest_copy_of_a_day_is_recalled_for_72_hours() {
        let (known, now) = (LastGood::default(), "2026-03-03T12:00:00Z".parse().unwrap());
        let (older, newer) = (snapshot("2026-03-03T10:00:00Z", 1), snapshot("2026-03-03T11:00:00Z", 2));
        known.remember(&newer, now);
        known.remember(&older, now);
        let date = newer.date;
        assert_eq!(known.recall(date, now + TimeDelta::hours(70)), Some(newer));
        assert_eq!(known.recall(date, now + TimeDelta::hours(71)), None);
        assert_eq!(known.recall(date.succ_opt().unwrap(), now), None);
    }

    #[test]
    fn a_sweeps_result_replaces_its_first_results() {
        let (known, now) = (LastGood::default(), "2026-03-03T12:00:00Z".parse().unwrap());
        let (first, end) = (snapshot("2026-03-03T11:00:10Z", 1), snapshot("2026-03-03T11:01:00Z", 1));
        known.remember(&first, now);
        known.remember(&end, now);
        assert_eq!(known.recall(end.date, now), Some(end));
    }

    #[test]
    fn a_newer_sweep_wins_even_if_its_clock_is_behind() {
        let (known, now) = (LastGood::default(), "2026-03-03T12:00:00Z".parse().unwrap());
        let (first, second) = (snapshot("2026-03-03T11:05:00Z", 1), snapshot("2026-03-03T11:00:00Z", 2));
        for snapshot in [&first, &second, &first] {
            known.remember(snapshot, now);
        }
        assert_eq!(known.recall(second.date, now), Some(second));
    }

    #[test]
    fn a_fencing_token_ahead_of_the_clock_does_not_block_newer_snapshots() {
        let (known, now): (_, DateTime<Utc>) = (LastGood::default(), "2026-03-03T12:00:00Z".parse().unwrap());
        let micros = FencingToken::at(now).micros();
        let (ahead, after) =
            (snapshot("2026-03-03T11:00:00Z", micros + 3_600_000_000), snapshot("2026-03-03T11:59:00Z", micros));
        known.remember(&ahead, now);
        known.remember(&after, now);
        assert_eq!(known.recall(after.date, now), Some(after));
    }
}
