//! Single flight: of many callers in one process, the first (the leader) does the work, and all get its result.

use std::sync::{Mutex, PoisonError};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};

/// Work in progress, which any number of callers can await.
pub(crate) type Flight<T> = Shared<BoxFuture<'static, T>>;

/// Holds the work in progress.
#[derive(Debug)]
pub(crate) struct SingleFlight<T: Clone> {
    // A std mutex, because nothing awaits while it is held.
    current: Mutex<Option<Flight<T>>>,
}

/// A caller's role in the work.
pub(crate) enum Role<T: Clone> {
    /// The caller started the work.
    Leader(Flight<T>),
    /// The work was already in progress.
    Follower(Flight<T>),
}

impl<T: Clone> Default for SingleFlight<T> {
    fn default() -> Self {
        Self { current: Mutex::new(None) }
    }
}

impl<T: Clone + Send + Sync + 'static> SingleFlight<T> {
    /// Joins the work in progress, or starts it.
    pub(crate) fn join(&self, start: impl FnOnce() -> BoxFuture<'static, T>) -> Role<T> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = current.as_ref().filter(|flight| flight.peek().is_none()) {
            return Role::Follower(flight.clone());
        }
        let flight = start().shared();
        // The task completes the work even if every caller goes away.
        tokio::spawn(flight.clone().map(drop));
        Role::Leader(current.insert(flight).clone())
    }

    /// Returns the work in progress; `None` if there is none.
    pub(crate) fn under_way(&self) -> Option<Flight<T>> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().filter(|flight| flight.peek().is_none()).cloned()
    }
}
