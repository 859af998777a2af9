//! A sweep: 25Live is asked for every room of the campus, in any order, within one deadline.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::NaiveDate;
use domain::{bookings::BookingsByRoom, campus::Campus};
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use crate::{
    error_chain,
    outside::twenty_five_live::{Availability, TwentyFiveLive, UpstreamError},
};

/// All of a sweep's requests end within this; API Gateway gives up after 30 s.
pub const TIME_LIMIT: Duration = Duration::from_secs(25);

/// How often a long sweep tells how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

/// What a sweep learned, and what it did not.
#[derive(Debug, Default)]
pub struct Sweep {
    /// The bookings of each room that answered.
    pub bookings: BookingsByRoom,
    /// How many items of any kind the rooms have, on all days.
    pub items: usize,
    /// The rooms that have no answer for the first day, by the cause.
    pub failures: BTreeMap<String, Vec<String>>,
}

impl Sweep {
    /// Asks for every room of the campus, as many at once as `upstream` lets. Rooms that have not answered in time fail.
    #[tracing::instrument(name = "sweep", skip_all, fields(first_day = %first_day))]
    pub async fn run(upstream: &TwentyFiveLive, campus: &Campus, first_day: NaiveDate) -> Self {
        let start = Instant::now();
        let deadline = start + TIME_LIMIT;
        let mut sweep = Self::default();
        let mut waiting: BTreeSet<String> = campus.classrooms().map(|(_, room)| room.id.clone()).collect();
        let rooms = waiting.len();
        let mut asked: Vec<String> = waiting.iter().cloned().collect();
        // If there is no time for all, other rooms go without the next time.
        fastrand::shuffle(&mut asked);
        let mut answers: FuturesUnordered<_> = asked
            .into_iter()
            .map(async |id| {
                let answer = upstream.availability(&id, first_day).await;
                (id, answer)
            })
            .collect();
        let mut progress = interval_at(start + PROGRESS_EVERY, PROGRESS_EVERY);
        progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                answer = answers.next() => {
                    let Some((id, answer)) = answer else { break };
                    waiting.remove(&id);
                    sweep.record(id, first_day, answer);
                }
                _ = progress.tick() => tracing::info!(rooms_done = rooms - waiting.len(), rooms, "sweeping"),
                () = sleep_until(deadline) => break,
            }
        }
        if !waiting.is_empty() {
            let cause = format!("not answered when the sweep's {} s were over", TIME_LIMIT.as_secs());
            sweep.failures.entry(cause).or_default().extend(waiting);
        }
        sweep
    }

    fn record(&mut self, id: String, first_day: NaiveDate, answer: Result<Availability, UpstreamError>) {
        match answer {
            Ok(Availability { bookings, items, malformed }) => {
                self.items += items;
                if let Some(first) = &malformed.first {
                    tracing::warn!(room = id, parts = malformed.count, first, "parts of 25Live's answer are malformed");
                }
                if bookings.on(first_day).is_none() {
                    self.fail(format!("25Live's answer says nothing about {first_day}"), id.clone());
                }
                self.bookings.insert(id, bookings);
            }
            Err(error) => self.fail(error_chain(&error), id),
        }
    }

    fn fail(&mut self, cause: String, room: String) {
        self.failures.entry(cause).or_default().push(room);
    }

    /// Logs each cause of failure once, with the rooms that it struck.
    pub fn log_failures(&self) {
        for (cause, rooms) in &self.failures {
            tracing::warn!(rooms_failed = rooms.len(), rooms = %rooms.join(","), cause, "rooms failed");
        }
    }
}
