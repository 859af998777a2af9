//! Decides what a reader gets, as a table from the facts known so far to the next step.
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
/// When a client may ask again after no sweep brought data in time.
pub(super) const SWEEP_RETRY_AFTER: Duration = Duration::from_secs(10);

/// What a reader knows so far. `None` means "not checked yet".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Facts {
    /// Whether the requested day is past, today or ahead.
    pub(super) day: Day,
    /// Whether a command failed, so that the cache must not be asked again.
    pub(super) cache_is_down: bool,
    /// Whether the cache holds a fresh copy. Checked again after each step that may have brought one.
    pub(super) fresh_copy: Option<bool>,
    /// Whether the reserve holds a copy, however old.
    pub(super) reserve: Option<bool>,
    /// Whether this process holds its own copy, however old.
    pub(super) own_copy: Option<bool>,
    /// Whether the cache has the time of the last successful sweep.
    pub(super) last_refresh: Option<bool>,
    /// Whether sweeps are held back because one failed, and for how long.
    pub(super) backoff: Hold<Duration>,
    /// The state of a sweep for this reader.
    pub(super) sweep: SweepState,
}

/// A day, relative to today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Day {
    /// No sweep covers it anymore.
    Past,
    /// Today, at the campus.
    Today,
    /// A sweep may cover it.
    Ahead,
}

/// The state of a sweep for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum SweepState {
    /// No sweep has been requested.
    NotTried,
    /// Another caller or another process is sweeping.
    Elsewhere,
    /// A sweep has been published.
    Published,
    /// The sweep failed, or none ended in time.
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
    /// Ask when the last successful sweep ended, and look for a fresh copy again: that sweep may just have been published.
    AskForLastRefresh,
    /// Ask whether sweeps are held back.
    AskForBackoff,
    /// Sweep, unless another caller or another process is sweeping.
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
    /// The facts before anything has been checked.
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

/// Returns the next step of a reader with these facts, or what it gets.
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
        // No sweep covers a past day.
        (Day::Past, ..) => Break(Outcome::NotKept),
        (_, None, _) => Continue(Step::AskForLastRefresh),
        // The last sweep did not cover this day, or its copy has expired: another sweep would not help.
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
