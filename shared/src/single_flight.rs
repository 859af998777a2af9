//! Single flight: of many callers within one process, one does the work and all get its result.

use std::sync::{Mutex, PoisonError};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};

/// Work under way, which any number of callers can await.
pub(crate) type Flight<T> = Shared<BoxFuture<'static, T>>;

/// Where the work under way is found.
#[derive(Debug)]
pub(crate) struct SingleFlight<T: Clone> {
    // A std mutex, because nothing awaits while it is held.
    current: Mutex<Option<Flight<T>>>,
}

/// How a caller came by its flight.
pub(crate) enum Seat<T: Clone> {
    /// The caller began it, and should see it through.
    Pilot(Flight<T>),
    /// It was under way.
    Passenger(Flight<T>),
}

impl<T: Clone> Default for SingleFlight<T> {
    fn default() -> Self {
        Self { current: Mutex::new(None) }
    }
}

impl<T: Clone + Send + Sync + 'static> SingleFlight<T> {
    /// The flight under way, or else the one that `begin` begins.
    pub(crate) fn board(&self, begin: impl FnOnce() -> BoxFuture<'static, T>) -> Seat<T> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = current.as_ref().filter(|flight| flight.peek().is_none()) {
            return Seat::Passenger(flight.clone());
        }
        let flight = begin().shared();
        // It ends, and is known to have ended, also when every caller has gone away.
        tokio::spawn(flight.clone().map(drop));
        Seat::Pilot(current.insert(flight).clone())
    }

    /// The flight under way, if there is one.
    #[cfg(feature = "twenty-five-live")]
    pub(crate) fn under_way(&self) -> Option<Flight<T>> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().filter(|flight| flight.peek().is_none()).cloned()
    }
}
