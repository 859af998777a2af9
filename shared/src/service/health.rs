//! The use case "health": whether the cache can be reached and holds what readers need. It only looks: it never sweeps.

use std::time::Duration;

use chrono::NaiveDate;
use domain::timestamp::Timestamp;
use serde::Serialize;
use tokio::time::timeout;

use crate::{
    error_chain,
    outside::{
        cache::{Cache, CachedSnapshot, Found, StoreError},
        clock::Clock,
    },
};

/// Data older than this are a sign that sweeps fail: a day, and an hour in which the next sweep may succeed.
const OLDEST: Duration = Duration::from_hours(25);

/// How the service is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// Whether readers get good answers.
    pub status: Status,
    /// Whether the cache answers.
    pub cache: CacheStatus,
    /// When the sweep ended that today's data came from; null if there are none.
    pub last_updated: Option<Timestamp>,
    /// How old these are, in seconds; null if there are none.
    pub age_seconds: Option<u64>,
    /// How many rooms that sweep had a good answer for; null if there is none.
    pub rooms_ok: Option<usize>,
    /// How many it had none for; null if there is none.
    pub rooms_failed: Option<usize>,
}

/// Whether readers get good answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = HealthStatus))]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// They do.
    Ok,
    /// The cache cannot be reached, or has no data of today, or old ones.
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
    /// Looks at the cache, for no longer than `limit`.
    pub async fn of(cache: &Cache, clock: &Clock, limit: Duration) -> Self {
        match timeout(limit, todays(cache, clock.today())).await {
            Ok(Ok(found)) => Self::with(found, clock),
            Ok(Err(error)) => {
                tracing::error!(cause = error_chain(&error), "the cache is down: the service is failing");
                Self::without(CacheStatus::Unreachable)
            }
            Err(_) => {
                tracing::error!(limit_s = limit.as_secs_f64(), "the cache gave no answer: the service is failing");
                Self::without(CacheStatus::Unreachable)
            }
        }
    }

    fn with(found: Option<CachedSnapshot>, clock: &Clock) -> Self {
        let Some(found) = found else { return Self::without(CacheStatus::Ok) };
        let age = found.last_updated.age(clock.now());
        let status = if age <= OLDEST { Status::Ok } else { Status::Failing };
        let rooms = found.snapshot().ok().map(|snapshot| {
            let failed = snapshot.rooms_failed();
            (snapshot.rooms().count() - failed, failed)
        });
        Self {
            status,
            cache: CacheStatus::Ok,
            last_updated: Some(found.last_updated),
            age_seconds: Some(age.as_secs()),
            rooms_ok: rooms.map(|(ok, _)| ok),
            rooms_failed: rooms.map(|(_, failed)| failed),
        }
    }

    const fn without(cache: CacheStatus) -> Self {
        Self {
            status: Status::Failing,
            cache,
            last_updated: None,
            age_seconds: None,
            rooms_ok: None,
            rooms_failed: None,
        }
    }
}

/// Today's snapshot, or the reserve's copy of today: after midnight, or when the former was dropped.
async fn todays(cache: &Cache, today: NaiveDate) -> Result<Option<CachedSnapshot>, StoreError> {
    match cache.availability().await? {
        Found::Snapshot(snapshot) if snapshot.date == today => Ok(Some(snapshot)),
        _ => cache.reserve(today).await,
    }
}
