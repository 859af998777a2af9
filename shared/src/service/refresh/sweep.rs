//! A sweep: asks 25Live for every room, in a given order, within a time limit.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    pin::pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::NaiveDate;
use domain::bookings::BookingsByRoom;
use futures_util::{
    FutureExt, StreamExt,
    future::{Fuse, FusedFuture},
    stream::FuturesUnordered,
};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use crate::{
    error_chain,
    outside::twenty_five_live::{Availability, TwentyFiveLive, UpstreamError},
};

/// When the first results are published for readers that have nothing else, and that wait for 10 s.
const FIRST_RESULTS_AT: Duration = Duration::from_secs(8);
/// No first results are published before this: most sweeps of small campuses have ended by then.
const NO_RESULTS_BEFORE: Duration = Duration::from_secs(2);
/// How often a sweep checks whether its first results are due.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many of these checks there are per progress log line.
const LOOKS_PER_LOG_LINE: u32 = 10;

/// What a sweep asks for, and for how long.
#[derive(Debug)]
pub(super) struct Plan {
    /// The rooms, in the order in which they are asked for.
    pub(super) rooms: Vec<String>,
    /// The first day of the requested month: today, at the campus.
    pub(super) first_day: NaiveDate,
    /// When the sweep ends, whether or not every room was reached.
    pub(super) limit: Duration,
    /// What happens when the first results for readers are due.
    pub(super) at_first_results: AtFirstResults,
}

/// What happens when the first results for readers are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AtFirstResults {
    /// The sweep continues: readers have data.
    GoOn,
    /// They are published, and the sweep continues. They are due when half of the rooms have answered, or after 8 s.
    Publish,
    /// The sweep ends after 8 s, because a reader waits for its end.
    End,
}

/// What a sweep has found out so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Sweep {
    /// The bookings of each room that answered.
    pub(super) bookings: BookingsByRoom,
    /// How many items of any kind the rooms have, on all days.
    pub(super) items: usize,
    /// The rooms that were asked and have no answer for the first day, by cause.
    pub(super) failures: BTreeMap<String, Vec<String>>,
    /// The rooms that were not reached in time. They have not failed.
    pub(super) unreached: HashSet<String>,
    /// How many rooms have an answer for the first day.
    pub(super) rooms_ok: usize,
}

impl Sweep {
    /// Executes a plan, with as many concurrent requests as `upstream` allows. Calls `publish` when the first results are due, if
    /// the plan publishes them.
    #[tracing::instrument(name = "sweep", skip_all, fields(first_day = %plan.first_day))]
    pub(super) async fn run<F>(plan: Plan, upstream: &TwentyFiveLive, publish: impl FnOnce(Self) -> F) -> Self
    where
        F: Future<Output = ()>,
    {
        let Plan { rooms, first_day, limit, at_first_results } = plan;
        let start = Instant::now();
        let mut sweep = Self { unreached: rooms.iter().cloned().collect(), ..Self::default() };
        let number = rooms.len();
        let retrying = Retrying::default();
        let mut answers: FuturesUnordered<_> = rooms
            .into_iter()
            .map(async |id| {
                let answer = upstream.availability(&id, first_day, |error| retrying.failed(&id, error)).await;
                (id, answer)
            })
            .collect();
        let mut look = interval_at(start + LOOK_EVERY, LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut looks, mut publish) = (0, Some(publish).filter(|_| at_first_results != AtFirstResults::GoOn));
        let mut publishing = pin!(Fuse::terminated());
        loop {
            tokio::select! {
                answer = answers.next() => {
                    let Some((id, answer)) = answer else { break };
                    sweep.record(id, first_day, answer);
                }
                () = &mut publishing, if !publishing.is_terminated() => {}
                _ = look.tick() => {
                    looks += 1;
                    if looks % LOOKS_PER_LOG_LINE == 0 {
                        tracing::info!(rooms_done = number - sweep.unreached.len(), rooms = number, "sweeping");
                    }
                    let is_due = sweep.has_first_results(start.elapsed(), at_first_results);
                    let Some(publish) = publish.take_if(|_| is_due) else { continue };
                    if at_first_results == AtFirstResults::End {
                        break;
                    }
                    publishing.set(publish(sweep.clone().settled(&retrying)).fuse());
                }
                () = sleep_until(start + limit) => break,
            }
        }
        if !publishing.is_terminated() {
            publishing.await;
        }
        sweep.settled(&retrying)
    }

    fn record(&mut self, id: String, first_day: NaiveDate, answer: Result<Availability, UpstreamError>) {
        self.unreached.remove(&id);
        match answer {
            Ok(Availability { bookings, items, malformed }) => {
                self.items += items;
                if let Some(first) = &malformed.first {
                    tracing::warn!(room = id, parts = malformed.count, first, "parts of 25Live's answer are malformed");
                }
                if bookings.on(first_day).is_some() {
                    self.rooms_ok += 1;
                } else {
                    self.fail(format!("25Live's answer has no data for {first_day}"), id.clone());
                }
                self.bookings.insert(id, bookings);
            }
            Err(error) => self.fail(error_chain(&error), id),
        }
    }

    fn fail(&mut self, cause: String, room: String) {
        self.failures.entry(cause).or_default().push(room);
    }

    /// Returns the sweep when time is up: a room that was waiting for a retry has failed.
    fn settled(mut self, retrying: &Retrying) -> Self {
        let causes = retrying.causes.lock().unwrap_or_else(PoisonError::into_inner);
        for (room, cause) in causes.iter() {
            if self.unreached.remove(room) {
                self.fail(cause.clone(), room.clone());
            }
        }
        drop(causes);
        self
    }

    /// Whether there is enough data for readers that have nothing else.
    fn has_first_results(&self, elapsed: Duration, at_first_results: AtFirstResults) -> bool {
        let rooms = self.rooms_ok + self.rooms_failed() + self.unreached.len();
        let has_half = self.rooms_ok * 2 >= rooms && at_first_results == AtFirstResults::Publish;
        let is_due = elapsed >= FIRST_RESULTS_AT || (has_half && elapsed >= NO_RESULTS_BEFORE);
        is_due && self.is_usable() && self.items > 0
    }

    /// Whether the answers are good enough to be published: no more than half of the rooms asked have failed.
    #[must_use]
    pub(super) fn is_usable(&self) -> bool {
        self.rooms_ok > 0 && self.rooms_failed() <= self.rooms_ok
    }

    /// How many rooms were asked, and have no answer for the first day.
    #[must_use]
    pub(super) fn rooms_failed(&self) -> usize {
        self.failures.values().map(Vec::len).sum()
    }

    /// Logs each cause of failure once, with the affected rooms.
    pub(super) fn log_failures(&self) {
        for (cause, rooms) in &self.failures {
            tracing::warn!(rooms_failed = rooms.len(), rooms = %rooms.join(","), cause, "rooms failed");
        }
    }
}

/// The last failure of each room that is waiting for a retry.
#[derive(Debug, Default)]
struct Retrying {
    // A std mutex, because nothing awaits while it is held.
    causes: Mutex<HashMap<String, String>>,
}

impl Retrying {
    fn failed(&self, room: &str, error: &UpstreamError) {
        let mut causes = self.causes.lock().unwrap_or_else(PoisonError::into_inner);
        causes.insert(room.to_owned(), error_chain(error));
    }
}
