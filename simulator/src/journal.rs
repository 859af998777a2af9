//! The requests of clients so far.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The number of requests kept in detail. It is limited because the local server may run for weeks.
const REMEMBERED: usize = 1000;

/// A request.
#[derive(Clone)]
pub(crate) struct Seen {
    /// The decoded query, in the order given.
    pub(crate) query: Vec<(String, String)>,
    /// The `User-Agent` header, empty without one.
    pub(crate) user_agent: String,
}

/// The requests for availability since the start.
#[derive(Default)]
pub(crate) struct Journal {
    // A std mutex, because nothing awaits while it is held.
    pages: Mutex<Pages>,
}

#[derive(Default)]
pub(crate) struct Pages {
    pub(crate) requests: usize,
    pub(crate) in_flight: usize,
    pub(crate) peak_in_flight: usize,
    pub(crate) last: VecDeque<Seen>,
}

/// A request in flight. It is dropped when the response is complete or the client has disconnected.
pub(crate) struct InFlight {
    journal: Arc<Journal>,
}

impl Journal {
    /// Records a request that starts.
    pub(crate) fn enter(self: &Arc<Self>, seen: Seen) -> InFlight {
        let mut pages = self.read();
        pages.requests += 1;
        pages.in_flight += 1;
        pages.peak_in_flight = pages.peak_in_flight.max(pages.in_flight);
        if pages.last.len() == REMEMBERED {
            pages.last.pop_front();
        }
        pages.last.push_back(seen);
        InFlight { journal: Arc::clone(self) }
    }

    /// The recorded requests.
    pub(crate) fn read(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.journal.read().in_flight -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(user_agent: &str) -> Seen {
        Seen { query: vec![], user_agent: user_agent.to_string() }
    }

    #[test]
    fn the_peak_is_kept_after_the_requests_end() {
        let journal = Arc::new(Journal::default());
        let (first, second) = (journal.enter(seen("a")), journal.enter(seen("b")));
        drop((first, second));
        let _third = journal.enter(seen("c"));
        let pages = journal.read();
        assert_eq!((pages.requests, pages.in_flight, pages.peak_in_flight), (3, 1, 2));
    }

    #[test]
    fn only_the_last_thousand_requests_are_remembered() {
        let journal = Arc::new(Journal::default());
        for number in 0..REMEMBERED + 5 {
            journal.enter(seen(&number.to_string()));
        }
        let pages = journal.read();
        assert_eq!(pages.requests, REMEMBERED + 5);
        assert_eq!(pages.last.len(), REMEMBERED);
        assert_eq!(pages.last[0].user_agent, "5");
    }
}
