//! What a reader gets, as a table: from what is known so far to the next step.
//!
//! [`next_step`] is pure. The loop in [`Reader`](super::Reader) takes the step, adds what it learned to the facts, and asks
//! again, until there is an [`Outcome`].

use std::{
    ops::ControlFlow::{self, Break, Continue},
    time::Duration,
};

use crate::service::refresh::Hold;

/// When a client may ask again after the cache failed.
pub(super) const CACHE_RETRY_AFTER: Duration = Duration::from_secs(5);
/// When a client may ask again after it waited for a sweep in vain.
pub(super) const SWEEP_RETRY_AFTER: Duration = Duration::from_secs(10);

/// What a reader knows so far. `None` means "not looked at yet".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Facts {
    /// Where the day asked for lies.
    pub(super) day: Day,
    /// Whether a command failed, so that the cache must not be asked again.
    pub(super) cache_is_down: bool,
    /// Whether the cache holds a fresh copy. It is looked for again after everything that may have brought one.
    pub(super) fresh_copy: Option<bool>,
    /// Whether the reserve holds a copy, however old.
    pub(super) reserve: Option<bool>,
    /// Whether this process holds a copy of its own, however old.
    pub(super) own_copy: Option<bool>,
    /// Whether the time of a successful sweep is known.
    pub(super) last_refresh: Option<bool>,
    /// Whether sweeps are held back because one failed, and for how long.
    pub(super) backoff: Hold<Duration>,
    /// What is known of a sweep for this reader.
    pub(super) sweep: SweepState,
}

/// Where a day lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Day {
    /// No sweep brings it again.
    Past,
    /// Today, at the campus.
    Today,
    /// A sweep of today may bring it.
    Ahead,
}

/// What is known of a sweep for this reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum SweepState {
    /// None has been asked for.
    NotTried,
    /// Another caller or another process sweeps.
    Elsewhere,
    /// One has been published.
    Published,
    /// It failed, or none ended in time.
    Failed {
        /// When a client may ask again.
        retry_after: Duration,
    },
}

/// What a reader does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// Look for a fresh copy in the cache: one command, or two after midnight.
    LookForFreshCopy,
    /// Look for the reserve's copy of the day.
    LookAtReserve,
    /// Look for this process's own copy of the day.
    LookForOwnCopy,
    /// Ask when the last successful sweep was, and look for a fresh copy again: that sweep may just have been published.
    AskForLastRefresh,
    /// Ask whether sweeps are held back.
    AskForBackoff,
    /// Sweep, unless another caller or another process does.
    Sweep,
    /// Wait for the sweep that another caller or another process runs.
    WaitForSweep,
}

/// What a reader gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Outcome {
    /// The fresh copy, from the cache.
    Hit,
    /// The fresh copy, from a sweep that this reader started or waited for.
    Miss,
    /// The reserve's copy, marked as stale.
    StaleReserve,
    /// This process's own copy, marked as stale.
    StaleOwnCopy,
    /// Nothing: the day is not kept.
    NotKept,
    /// Nothing, for now.
    Unavailable {
        /// When a client may ask again.
        retry_after: Duration,
    },
}

impl Facts {
    /// What is known before anything has been looked at.
    pub(super) const fn about(day: Day) -> Self {
        Self {
            day,
            cache_is_down: false,
            fresh_copy: None,
            reserve: None,
            own_copy: None,
            last_refresh: None,
            backoff: Hold::Unknown,
            sweep: SweepState::NotTried,
        }
    }
}

/// The next step of a reader who knows this much, or what it gets.
pub(super) const fn next_step(facts: &Facts) -> ControlFlow<Outcome, Step> {
    if facts.cache_is_down {
        return own_copy_or(facts, Outcome::Unavailable { retry_after: CACHE_RETRY_AFTER });
    }
    match (facts.fresh_copy, facts.sweep) {
        (None, _) => return Continue(Step::LookForFreshCopy),
        (Some(true), SweepState::Published) => return Break(Outcome::Miss),
        (Some(true), _) => return Break(Outcome::Hit),
        (Some(false), _) => {}
    }
    match (facts.day, facts.last_refresh, facts.sweep) {
        // No sweep brings a past day.
        (Day::Past, ..) => Break(Outcome::NotKept),
        (_, None, _) => Continue(Step::AskForLastRefresh),
        // A day ahead that the last sweep did not bring, or that has aged since: another sweep would bring no more.
        (Day::Ahead, Some(true), SweepState::NotTried) => older_copy_or(facts, Outcome::NotKept),
        (_, _, SweepState::NotTried) => match facts.backoff {
            Hold::Unknown => Continue(Step::AskForBackoff),
            Hold::Left(retry_after) => older_copy_or(facts, Outcome::Unavailable { retry_after }),
            Hold::Off => Continue(Step::Sweep),
        },
        (_, _, SweepState::Elsewhere) => match facts.reserve {
            None => Continue(Step::LookAtReserve),
            Some(true) => Break(Outcome::StaleReserve),
            Some(false) => Continue(Step::WaitForSweep),
        },
        (Day::Ahead, _, SweepState::Published) => Break(Outcome::NotKept),
        (Day::Today, _, SweepState::Published) => {
            older_copy_or(facts, Outcome::Unavailable { retry_after: SWEEP_RETRY_AFTER })
        }
        (_, _, SweepState::Failed { retry_after }) => older_copy_or(facts, Outcome::Unavailable { retry_after }),
    }
}

/// The reserve's copy, else this process's own, else `otherwise`.
const fn older_copy_or(facts: &Facts, otherwise: Outcome) -> ControlFlow<Outcome, Step> {
    match facts.reserve {
        None => Continue(Step::LookAtReserve),
        Some(true) => Break(Outcome::StaleReserve),
        Some(false) => own_copy_or(facts, otherwise),
    }
}

const fn own_copy_or(facts: &Facts, otherwise: Outcome) -> ControlFlow<Outcome, Step> {
    match facts.own_copy {
        None => Continue(Step::LookForOwnCopy),
        Some(true) => Break(Outcome::StaleOwnCopy),
        Some(false) => Break(otherwise),
    }
}

#[cfg(test)]
mod tests;
