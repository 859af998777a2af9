//! Decides whether a refresh may sweep, as tables. Everything here is pure.

use std::{
    ops::ControlFlow::{self, Break, Continue},
    time::Duration,
};

use domain::{cooldown::Remaining, timestamp::Timestamp};

use super::error::RefreshError;

/// Who requests a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// A client or the schedule: the cooldown applies.
    Ordinary,
    /// An operator who drops the cache: the cooldown does not apply.
    Operator,
}

/// What holds sweeps back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Hold<T> {
    /// Not checked yet.
    Unknown,
    /// Nothing.
    Off,
    /// A hold for this long.
    Left(T),
}

impl<T> From<Option<T>> for Hold<T> {
    fn from(left: Option<T>) -> Self {
        left.map_or(Self::Off, Self::Left)
    }
}

/// What a refresh knows before it sweeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// Who requests it.
    pub(super) trigger: Trigger,
    /// What is left of the cooldown after the last successful sweep.
    pub(super) cooldown: Hold<Remaining>,
    /// For how long sweeps are held back because one failed.
    pub(super) backoff: Hold<Duration>,
}

/// What a refresh asks before it knows whether it may sweep.
#[derive(Debug)]
pub(super) enum Step {
    /// When the last successful sweep ended.
    AskForLastRefresh,
    /// Whether sweeps are held back.
    AskForBackoff,
}

/// What happened since a caller looked at the last refresh: while it waited, or before it got the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meanwhile {
    /// No sweep has ended.
    Nothing,
    /// Another sweep has been published, which serves this caller too.
    Refreshed(Timestamp),
    /// Another sweep has failed.
    Failed,
}

impl Facts {
    /// The facts before anything has been asked.
    pub(super) const fn about(trigger: Trigger) -> Self {
        Self { trigger, cooldown: Hold::Unknown, backoff: Hold::Unknown }
    }
}

/// Returns the next step of a refresh with these facts, or whether it may sweep, and why not.
pub(super) const fn next_step(facts: &Facts) -> ControlFlow<Result<(), RefreshError>, Step> {
    match (facts.trigger, facts.cooldown, facts.backoff) {
        (Trigger::Ordinary, Hold::Unknown, _) => Continue(Step::AskForLastRefresh),
        (Trigger::Ordinary, Hold::Left(left), _) => Break(Err(RefreshError::CoolingDown(left))),
        (_, _, Hold::Unknown) => Continue(Step::AskForBackoff),
        (_, _, Hold::Left(left)) => Break(Err(RefreshError::BackingOff { left })),
        (_, _, Hold::Off) => Break(Ok(())),
    }
}

/// Returns what happened since the caller saw `seen` as the last refresh; now it is `last_refresh`. Times are compared only for
/// equality, because the clocks of two processes may differ. Sweeps were not held back when the caller looked.
pub(super) fn meanwhile(seen: Option<Timestamp>, last_refresh: Option<Timestamp>, is_backing_off: bool) -> Meanwhile {
    match last_refresh {
        Some(timestamp) if last_refresh != seen => Meanwhile::Refreshed(timestamp),
        _ if is_backing_off => Meanwhile::Failed,
        _ => Meanwhile::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use domain::cooldown::Cooldown;

    use super::*;

    const LEFT: Duration = Duration::from_secs(42);

    fn cooling_down() -> Hold<Remaining> {
        let now = "2026-03-03T10:00:00Z".parse().unwrap();
        Cooldown::from_minutes(30).remaining(now - TimeDelta::minutes(10), now).into()
    }

    #[test]
    fn the_cooldown_and_the_backoff_decide_whether_a_refresh_may_sweep() {
        use Hold::{Left, Off, Unknown};
        let left = cooling_down();
        let rows = [
            (Trigger::Ordinary, Unknown, Unknown, "ask for the last refresh"),
            (Trigger::Ordinary, left, Unknown, "refuse: cooling down"),
            (Trigger::Ordinary, Off, Unknown, "ask for the backoff"),
            (Trigger::Ordinary, Off, Left(LEFT), "refuse: backing off"),
            (Trigger::Ordinary, Off, Off, "sweep"),
            (Trigger::Operator, Unknown, Unknown, "ask for the backoff"),
            (Trigger::Operator, left, Unknown, "ask for the backoff"),
            (Trigger::Operator, Unknown, Left(LEFT), "refuse: backing off"),
            (Trigger::Operator, Unknown, Off, "sweep"),
            (Trigger::Operator, left, Off, "sweep"),
        ];
        for (trigger, cooldown, backoff, expected) in rows {
            let step = match next_step(&Facts { trigger, cooldown, backoff }) {
                Continue(Step::AskForLastRefresh) => "ask for the last refresh",
                Continue(Step::AskForBackoff) => "ask for the backoff",
                Break(Ok(())) => "sweep",
                Break(Err(RefreshError::CoolingDown(_))) => "refuse: cooling down",
                Break(Err(RefreshError::BackingOff { left: LEFT })) => "refuse: backing off",
                Break(Err(error)) => panic!("{error}"),
            };
            assert_eq!(step, expected, "{trigger:?} {cooldown:?} {backoff:?}");
        }
    }

    #[test]
    fn a_waiting_caller_gets_another_refresh_and_a_failure_only_if_there_is_none() {
        let at = |text| Timestamp::parse(text).unwrap();
        let (earlier, later) = (at("2026-03-03T10:00:00Z"), at("2026-03-03T11:00:00Z"));
        for (seen, last_refresh, is_backing_off, expected) in [
            (None, None, false, Meanwhile::Nothing),
            (None, None, true, Meanwhile::Failed),
            (None, Some(later), false, Meanwhile::Refreshed(later)),
            (None, Some(later), true, Meanwhile::Refreshed(later)),
            (Some(earlier), Some(earlier), false, Meanwhile::Nothing),
            (Some(earlier), Some(earlier), true, Meanwhile::Failed),
            (Some(earlier), Some(later), true, Meanwhile::Refreshed(later)),
            // The sweep of a process whose clock is behind.
            (Some(later), Some(earlier), false, Meanwhile::Refreshed(earlier)),
            // An operator has dropped the cache.
            (Some(earlier), None, false, Meanwhile::Nothing),
            (Some(earlier), None, true, Meanwhile::Failed),
        ] {
            assert_eq!(meanwhile(seen, last_refresh, is_backing_off), expected, "{seen:?} {last_refresh:?}");
        }
    }
}
