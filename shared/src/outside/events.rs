//! What a refresh tells others: an event for each sweep, whether it succeeded or failed.

use std::{error::Error, fmt, time::Duration};

use async_trait::async_trait;
use chrono::NaiveDate;
use domain::timestamp::Timestamp;
use serde::Serialize;

/// What became of a sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SweepReport {
    /// The first day asked for: today, at the campus.
    pub date: NaiveDate,
    /// When the sweep ended.
    pub timestamp: Timestamp,
    /// Rooms that answered for that day.
    pub rooms_ok: usize,
    /// Rooms that were asked and did not.
    pub rooms_failed: usize,
    /// Rooms that were not asked, because time ran out.
    pub rooms_unreached: usize,
    /// How long the sweep took, its publishing included, in milliseconds.
    pub duration_ms: u64,
}

/// An event about a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshEvent {
    /// Its snapshots have been published.
    Refreshed(SweepReport),
    /// They have not: too many rooms failed, or the cache did.
    Failed(SweepReport),
}

impl RefreshEvent {
    /// The `detail-type` by which EventBridge rules tell events apart.
    #[must_use]
    pub const fn detail_type(&self) -> &'static str {
        match self {
            Self::Refreshed(_) => "Availability Refreshed",
            Self::Failed(_) => "Availability Refresh Failed",
        }
    }

    /// The numbers, which are the event's `detail` in JSON.
    #[must_use]
    pub const fn report(&self) -> &SweepReport {
        match self {
            Self::Refreshed(report) | Self::Failed(report) => report,
        }
    }
}

/// Somewhere that events go.
#[async_trait]
pub trait EventBus: fmt::Debug + Send + Sync {
    /// Delivers an event, in bounded time.
    async fn publish(&self, event: &RefreshEvent) -> Result<(), EventError>;
}

/// Why an event was not delivered.
#[derive(Debug, thiserror::Error)]
#[error("the event `{detail_type}` was not delivered")]
pub struct EventError {
    /// The event's.
    pub detail_type: &'static str,
    /// What the bus, or the way to it, said.
    pub source: Box<dyn Error + Send + Sync>,
}

/// How long the delivery of an event may take: the caller of the refresh waits for it.
pub const TIME_LIMIT: Duration = Duration::from_secs(2);
