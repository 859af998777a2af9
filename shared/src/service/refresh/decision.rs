//! Whether a refresh may sweep, as tables. Everything here is pure.

use std::time::Duration;

use domain::{cooldown::Remaining, timestamp::Timestamp};

use super::error::RefreshError;

/// Who asks for a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// A client or the schedule: they respect the cooldown.
    Ordinary,
    /// An operator who drops the cache: the cooldown does not apply.
    Operator,
}

/// What a refresh knows before it sweeps. The outer `None` means "not asked yet".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// Who asks.
    pub(super) trigger: Trigger,
    /// What is left of the cooldown after the last successful sweep.
    pub(super) cooldown: Option<Option<Remaining>>,
    /// For how long sweeps are held back because one failed.
    pub(super) backoff: Option<Option<Duration>>,
}

/// What a refresh does next.
#[derive(Debug)]
pub(super) enum Step {
    /// Ask when the last successful sweep was.
    AskForLastRefresh,
    /// Ask whether sweeps are held back.
    AskForBackoff,
    /// Sweep, or wait for whoever does.
    Sweep,
    /// Refuse.
    Refuse(RefreshError),
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
    /// What is known before anything has been asked.
    pub(super) const fn about(trigger: Trigger) -> Self {
        Self { trigger, cooldown: None, backoff: None }
    }
}

/// The next step of a refresh that knows this much.
pub(super) const fn next_step(facts: &Facts) -> Step {
    match (facts.trigger, facts.cooldown, facts.backoff) {
        (Trigger::Ordinary, None, _) => Step::AskForLastRefresh,
        (Trigger::Ordinary, Some(Some(left)), _) => Step::Refuse(RefreshError::CoolingDown(left)),
        (_, _, None) => Step::AskForBackoff,
        (_, _, Some(Some(left))) => Step::Refuse(RefreshError::BackingOff { left }),
        (_, _, Some(None)) => Step::Sweep,
    }
}

/// What happened since the caller saw `seen` as the last refresh; now it is `last_refresh`. Two times are compared only for
/// being the same, because the clocks of two processes may differ. Sweeps were not held back when the caller looked.
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

    fn cooling_down() -> Option<Remaining> {
        let now = "2026-03-03T10:00:00Z".parse().unwrap();
        Cooldown::from_minutes(30).remaining(now - TimeDelta::minutes(10), now)
    }

    #[test]
    fn a_refresh_may_sweep_as_the_table_says() {
        let (yes, over) = (Some(cooling_down()), Some(None));
        let (held, free) = (Some(Some(LEFT)), Some(None));
        let rows = [
            (Trigger::Ordinary, None, None, "ask for the last refresh"),
            (Trigger::Ordinary, yes, None, "refuse: cooling down"),
            (Trigger::Ordinary, over, None, "ask for the backoff"),
            (Trigger::Ordinary, over, held, "refuse: backing off"),
            (Trigger::Ordinary, over, free, "sweep"),
            (Trigger::Operator, None, None, "ask for the backoff"),
            (Trigger::Operator, yes, None, "ask for the backoff"),
            (Trigger::Operator, None, held, "refuse: backing off"),
            (Trigger::Operator, None, free, "sweep"),
            (Trigger::Operator, yes, free, "sweep"),
        ];
        for (trigger, cooldown, backoff, expected) in rows {
            let step = match next_step(&Facts { trigger, cooldown, backoff }) {
                Step::AskForLastRefresh => "ask for the last refresh",
                Step::AskForBackoff => "ask for the backoff",
                Step::Sweep => "sweep",
                Step::Refuse(RefreshError::CoolingDown(_)) => "refuse: cooling down",
                Step::Refuse(RefreshError::BackingOff { left: LEFT }) => "refuse: backing off",
                Step::Refuse(error) => panic!("{error}"),
            };
            assert_eq!(step, expected, "{trigger:?} {cooldown:?} {backoff:?}");
        }
    }

    #[test]
    fn another_refresh_serves_whoever_waited_and_a_failure_only_if_there_is_none() {
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
