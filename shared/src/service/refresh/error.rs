//! Why a refresh did not succeed.

use std::{sync::Arc, time::Duration};

use domain::cooldown::Remaining;

use crate::outside::cache::{PublishError, StoreError};

/// Why a refresh did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RefreshError {
    /// A sweep succeeded a short time ago.
    #[error("the last refresh was less than a cooldown ago")]
    CoolingDown(Remaining),
    /// A sweep failed a short time ago.
    #[error("a sweep failed less than a minute ago")]
    BackingOff {
        /// How long sweeps are still held back.
        left: Duration,
    },
    /// No room answered in time, and none failed.
    #[error("no room answered in time, so the sweep is not published")]
    NothingReached,
    /// More than half of the rooms asked failed.
    #[error("{failed} of the {asked} rooms asked failed, so the sweep is not published")]
    SweepFailed {
        /// Rooms without an answer.
        failed: usize,
        /// The rooms that were reached in time.
        asked: usize,
    },
    /// No room had any item on any day, although the last sweep found bookings: a wrong filter or permission looks like that, and
    /// must not make every room free.
    #[error("25Live returned no bookings at all, although the last sweep found some: the cache is unchanged")]
    NothingFound,
    /// This caller waited for another process's sweep, and that failed.
    #[error("the sweep of another process failed")]
    FailedElsewhere,
    /// Another caller's sweep failed, and a new one could not end in time.
    #[error("no sweep of another caller succeeded in time, and there was no time left for a new one")]
    NoTimeLeft,
    /// Another caller's sweep takes longer than this caller may wait.
    #[error("another sweep is still in progress")]
    InProgress,
    /// The cache failed before or after the sweep.
    #[error("the cache failed")]
    Cache(#[source] Arc<StoreError>),
    /// The sweep could not be published.
    #[error("the sweep was not published")]
    NotPublished(#[source] Arc<PublishError>),
    /// The process is stopping.
    #[error("the process is stopping")]
    Stopping,
    /// A bug.
    #[error("the sweep panicked")]
    Panicked,
}

impl From<StoreError> for RefreshError {
    fn from(error: StoreError) -> Self {
        Self::Cache(Arc::new(error))
    }
}

impl RefreshError {
    /// Whether the error is the result of a sweep, which has already logged it.
    pub(crate) const fn is_sweep_result(&self) -> bool {
        matches!(self, Self::SweepFailed { .. } | Self::NothingReached | Self::NothingFound | Self::NotPublished(_))
    }

    /// Whether the cache has just timed out. Asking it again would only cost another timeout.
    pub(crate) fn is_cache_timeout(&self) -> bool {
        match self {
            Self::Cache(error) => error.is_timeout(),
            Self::NotPublished(error) => matches!(&**error, PublishError::Store(error) if error.is_timeout()),
            _ => false,
        }
    }
}
