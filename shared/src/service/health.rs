//! The use case "health": whether the cache can be reached and holds what readers need. It only checks, and never sweeps.

use std::time::Duration;

use chrono::NaiveDate;
use domain::{
    campus::Campus,
    snapshot::{RoomAvailability, RoomStatus},
    timestamp::Timestamp,
};
use serde::Serialize;
use tokio::time::timeout;

use crate::{
    error_chain,
    outside::{
        cache::{Cache, CachedSnapshot, Found, StoreError},
        clock::Clock,
    },
};

/// Data older than this means that sweeps fail: a day, and an hour for the next sweep to succeed.
const OLDEST: Duration = Duration::from_hours(25);

/// The health of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// Whether readers get good answers.
    pub status: Status,
    /// Whether the cache answers.
    pub cache: CacheStatus,
    /// Whether today's bookings are invented for a demonstration. Present only if they are.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub simulated: bool,
    /// When the sweep behind today's data ended; null without data.
    pub last_updated: Option<Timestamp>,
    /// The age of these data in seconds; null without data.
    pub age_seconds: Option<u64>,
    /// How many rooms the campus has.
    pub rooms: usize,
    /// How many rooms that sweep got a good answer for; null without data.
    pub rooms_ok: Option<usize>,
    /// How many rooms failed in that sweep; null without data.
    pub rooms_failed: Option<usize>,
    /// How many rooms that sweep did not reach in time; null without data.
    pub rooms_unreached: Option<usize>,
    /// How many rooms have slots for today, from that sweep or an earlier one; null without data.
    pub rooms_known: Option<usize>,
    /// How many rooms are known, as a sentence.
    pub summary: String,
}

/// Whether readers get good answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = HealthStatus))]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// They do.
    Ok,
    /// They do for some rooms: the latest sweep ran out of time, and some rooms that it did not reach have no slots at all.
    Incomplete,
    /// The cache cannot be reached, or its data for today are missing or too old.
    Failing,
}

/// Whether the cache answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum CacheStatus {
    /// It does.
    Ok,
    /// It does not, or not in time.
    Unreachable,
}

impl Health {
    /// Checks the cache, for no longer than `limit`.
    pub async fn of(cache: &Cache, campus: &Campus, clock: &Clock, limit: Duration) -> Self {
        let rooms = campus.classrooms().count();
        match timeout(limit, todays(cache, clock.today())).await {
            Ok(Ok(found)) => Self::with(found, rooms, clock),
            Ok(Err(error)) => {
                tracing::error!(cause = error_chain(&error), "the cache is down: the service is failing");
                Self::without(CacheStatus::Unreachable, rooms)
            }
            Err(_) => {
                tracing::error!(
                    limit_s = limit.as_secs_f64(),
                    "the cache did not answer in time: the service is failing"
                );
                Self::without(CacheStatus::Unreachable, rooms)
            }
        }
    }

    fn with(found: Option<CachedSnapshot>, rooms: usize, clock: &Clock) -> Self {
        let Some(found) = found else { return Self::without(CacheStatus::Ok, rooms) };
        let age = found.last_updated.age(clock.now());
        let (snapshot, empty) = (found.snapshot().ok(), Self::without(CacheStatus::Ok, rooms));
        let number = |is_counted: fn(&RoomAvailability) -> bool| {
            snapshot.as_ref().map(|snapshot| snapshot.rooms().filter(|room| is_counted(room)).count())
        };
        let is_incomplete = number(|room| room.is_unreached && room.status == RoomStatus::Unknown) > Some(0);
        let rooms_known = number(|room| room.status != RoomStatus::Unknown);
        let simulated = snapshot.as_ref().is_some_and(|snapshot| snapshot.simulated);
        let summary = summary(rooms_known.unwrap_or_default(), rooms);
        Self {
            simulated,
            status: match (age <= OLDEST, is_incomplete) {
                (true, false) => Status::Ok,
                (true, true) => Status::Incomplete,
                (false, _) => Status::Failing,
            },
            last_updated: Some(found.last_updated),
            age_seconds: Some(age.as_secs()),
            rooms_ok: number(|room| room.status == RoomStatus::Ok),
            rooms_failed: number(|room| room.status != RoomStatus::Ok && !room.is_unreached),
            rooms_unreached: number(|room| room.status != RoomStatus::Ok && room.is_unreached),
            rooms_known,
            summary: if simulated { format!("{summary} The bookings are simulated.") } else { summary },
            ..empty
        }
    }

    fn without(cache: CacheStatus, rooms: usize) -> Self {
        Self {
            status: Status::Failing,
            cache,
            simulated: false,
            last_updated: None,
            age_seconds: None,
            rooms,
            rooms_ok: None,
            rooms_failed: None,
            rooms_unreached: None,
            rooms_known: None,
            summary: match cache {
                CacheStatus::Ok => summary(0, rooms),
                CacheStatus::Unreachable => "The cache cannot be reached, so nothing is known about today.".to_owned(),
            },
        }
    }
}

/// Returns a sentence such as "612 of 1,500 rooms are known today."
fn summary(known: usize, rooms: usize) -> String {
    match (known, rooms) {
        (known, rooms) if known == rooms => format!("All {} rooms are known today.", grouped(rooms)),
        (known, rooms) => format!("{} of {} rooms are known today.", grouped(known), grouped(rooms)),
    }
}

/// Formats a number with commas between its thousands.
fn grouped(number: usize) -> String {
    match (number / 1000, number % 1000) {
        (0, rest) => rest.to_string(),
        (thousands, rest) => format!("{},{rest:03}", grouped(thousands)),
    }
}

/// Returns today's snapshot or, after midnight or when the cache was dropped, the reserve's copy of today.
async fn todays(cache: &Cache, today: NaiveDate) -> Result<Option<CachedSnapshot>, StoreError> {
    match cache.availability().await? {
        Found::Snapshot(snapshot) if snapshot.date == today => Ok(Some(snapshot)),
        _ => cache.reserve(today).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_how_many_rooms_are_known() {
        assert_eq!(summary(612, 1500), "612 of 1,500 rooms are known today.");
        assert_eq!(summary(1_234_567, 1_234_567), "All 1,234,567 rooms are known today.");
        assert_eq!(summary(0, 77), "0 of 77 rooms are known today.");
    }
}
