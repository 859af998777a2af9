//! How long a sweep may take, which depends on who waits for it.

use std::time::Duration;

use super::sweeper::Refreshed;

/// The limit of a sweep that a client waits for: API Gateway gives up after 30 s.
const TIME_LIMIT: Duration = Duration::from_secs(25);
/// How long publishing may take after a sweep.
const TIME_TO_PUBLISH: Duration = Duration::from_secs(3);
/// How long a reader without any data waits for another caller's sweep.
const READERS_PATIENCE: Duration = Duration::from_secs(10);

/// Who waits for a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// A client that asked for a refresh, through API Gateway.
    Client,
    /// A reader without data, in a process that stops after its response.
    Reader,
    /// No request: the schedule started it, or it continues while readers get what is available.
    Background,
}

impl Pace {
    /// Returns how long a sweep may ask 25Live.
    pub(super) fn limit(self, sweep_timeout: Duration) -> Duration {
        match self {
            Self::Client | Self::Reader => TIME_LIMIT.min(sweep_timeout),
            Self::Background => sweep_timeout,
        }
    }

    /// Returns how long a caller waits for another caller's sweep.
    pub(super) fn patience(self, sweep_timeout: Duration) -> Duration {
        match self {
            Self::Client => TIME_LIMIT + TIME_TO_PUBLISH,
            Self::Reader => READERS_PATIENCE,
            Self::Background => sweep_timeout + TIME_TO_PUBLISH,
        }
    }

    /// Returns how long after its first attempt a caller may still start its own sweep. A later one could exceed API Gateway's
    /// limit.
    pub(super) fn latest_start(self, sweep_timeout: Duration) -> Duration {
        match self {
            Self::Client | Self::Reader => TIME_TO_PUBLISH,
            Self::Background => self.patience(sweep_timeout),
        }
    }

    /// Whether the caller needs no sweep of its own after this one.
    pub(super) const fn is_served_by(self, refreshed: Refreshed) -> bool {
        refreshed.is_complete || !matches!(self, Self::Background)
    }
}
