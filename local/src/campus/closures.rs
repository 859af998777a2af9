//! Requests availability for a draft: whether guests can see it, and when buildings are closed.

use std::time::Duration;

use chrono::NaiveDate;
use emptyclassroom::{
    domain::bookings::Bookings,
    error_chain,
    outside::twenty_five_live::{AvailabilityError, TwentyFiveLive, UpstreamError},
};
use futures_util::{StreamExt, stream};
use url::Url;

use super::{ask::asks_to_sign_in, grouping::DraftBuilding, terminal::Progress};

/// The maximum number of rooms requested: one of each building, the largest buildings first.
const MOST_ROOMS: usize = 50;
/// The maximum number of simultaneous requests.
const AT_ONCE: usize = 4;
/// How many rooms may fail before the requests stop.
const MOST_FAILURES: usize = 3;
const TIMEOUT: Duration = Duration::from_secs(20);

/// The result of the requests.
#[derive(Debug)]
pub enum Closures {
    /// Guests see availability: one answer for each building, or `None` if it was not requested or failed.
    Seen(Vec<Option<Bookings>>),
    /// 25Live asks guests to sign in; the cause.
    SignIn(String),
    /// The first rooms all failed; the last cause.
    Failed(String),
}

impl Closures {
    /// Requests one room of each building, from this day to the same day of the next month.
    pub async fn ask(url: Url, buildings: &[DraftBuilding], first_day: NaiveDate) -> Self {
        let upstream = TwentyFiveLive::new(url, TIMEOUT, AT_ONCE);
        let mut rooms = one_room_each(buildings).into_iter();
        let mut answers = vec![None; buildings.len()];
        let mut failure = String::new();
        // One room proves that guests can see availability, before many are requested.
        for _ in 0..MOST_FAILURES {
            let Some((building, room)) = rooms.next() else { break };
            match answer(&upstream, room, first_day).await {
                Ok(bookings) => {
                    set(&mut answers, building, bookings);
                    ask_rest(&upstream, rooms.as_slice(), first_day, &mut answers).await;
                    return Self::Seen(answers);
                }
                Err(error) if is_sign_in(&error) => return Self::SignIn(error_chain(&error)),
                Err(error) => failure = error_chain(&error),
            }
        }
        Self::Failed(failure)
    }
}

async fn ask_rest(
    upstream: &TwentyFiveLive,
    rooms: &[(usize, &str)],
    first_day: NaiveDate,
    answers: &mut [Option<Bookings>],
) {
    let mut progress = Progress::begin("asking 25Live for closures", rooms.len());
    let asked = rooms.iter().map(async |(building, room)| (*building, answer(upstream, room, first_day).await));
    let mut asked = stream::iter(asked).buffer_unordered(AT_ONCE);
    let mut failures = 0;
    while let Some((building, answer)) = asked.next().await {
        progress.step();
        match answer {
            Ok(bookings) => set(answers, building, bookings),
            Err(_) => failures += 1,
        }
        if failures > MOST_FAILURES {
            break;
        }
    }
}

fn set(answers: &mut [Option<Bookings>], building: usize, bookings: Bookings) {
    // 25Live returns no days for a room that it does not know.
    if let Some(answer) = answers.get_mut(building).filter(|_| bookings.days().next().is_some()) {
        *answer = Some(bookings);
    }
}

async fn answer(upstream: &TwentyFiveLive, room: &str, first_day: NaiveDate) -> Result<Bookings, UpstreamError> {
    upstream.availability(room, first_day, |_| {}).await.map(|availability| availability.bookings)
}

/// The first room of each building, the largest buildings first.
fn one_room_each(buildings: &[DraftBuilding]) -> Vec<(usize, &str)> {
    let mut by_size: Vec<_> = buildings.iter().enumerate().collect();
    by_size.sort_by_key(|(_, building)| std::cmp::Reverse(building.rooms.len()));
    let rooms = by_size.into_iter().filter_map(|(place, building)| Some((place, building.rooms.first()?.id.as_str())));
    rooms.take(MOST_ROOMS).collect()
}

/// Whether an error means that guests have no access: the status says so, or the answer is a web page.
#[must_use]
pub fn is_sign_in(error: &UpstreamError) -> bool {
    match error {
        UpstreamError::Status { status, .. } => asks_to_sign_in(*status),
        UpstreamError::Answer(AvailabilityError::NotAnAvailability { beginning, .. }) => {
            beginning.trim_start().starts_with('<')
        }
        _ => false,
    }
}
