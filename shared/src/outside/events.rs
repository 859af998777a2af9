//! Refresh events: one for each sweep, successful or failed.

use std::{error::Error, fmt, time::Duration};

use async_trait::async_trait;
use chrono::NaiveDate;
use domain::timestamp::Timestamp;
use serde::Serialize;

/// The result of a sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SweepReport {
    /// The first day requested: today at the campus.
    pub date: NaiveDate,
    /// When the sweep ended.
    pub timestamp: Timestamp,
    /// The number of rooms with an answer for that day.
    pub rooms_ok: usize,
    /// The number of rooms that were asked and have no answer for that day.
    pub rooms_failed: usize,
    /// The number of rooms that were not asked because time ran out.
    pub rooms_unreached: usize,
    /// The duration of the sweep in milliseconds, publishing included.
    pub duration_ms: u64,
}

/// An event about a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshEvent {
    /// The sweep was published.
    Refreshed(SweepReport),
    /// The sweep was not published: too many rooms failed, or the cache did.
    Failed(SweepReport),
}

impl RefreshEvent {
    /// Returns the `detail-type`, by which EventBridge rules match events.
    #[must_use]
    pub const fn detail_type(&self) -> &'static str {
        match self {
            Self::Refreshed(_) => "Availability Refreshed",
            Self::Failed(_) => "Availability Refresh Failed",
        }
    }

    /// Returns the report, which is the event's `detail` in JSON.
    #[must_use]
    pub const fn report(&self) -> &SweepReport {
        match self {
            Self::Refreshed(report) | Self::Failed(report) => report,
        }
    }
}

/// A destination of events.
#[async_trait]
pub trait EventBus: fmt::Debug + Send + Sync {
    /// Delivers an event, in bounded time.
    async fn publish(&self, event: &RefreshEvent) -> Result<(), EventError>;
}

/// Why an event was not delivered.
#[derive(Debug, thiserror::Error)]
#[error("the event `{detail_type}` was not delivered")]
pub struct EventError {
    /// The event's `detail-type`.
    pub detail_type: &'static str,
    /// The error of the bus or of the connection to it.
    pub source: Box<dyn Error + Send + Sync>,
}

/// The time limit for delivering an event. The caller of the refresh waits for it.
pub const TIME_LIMIT: Duration = Duration::from_secs(2);
