use std::collections::HashSet;

use super::*;

const BACKOFF_LEFT: Duration = Duration::from_secs(42);
const AFTER_A_FAILURE: Duration = Duration::from_mins(1);
const FAILED: SweepState = SweepState::Failed { retry_after: AFTER_A_FAILURE };
const DAYS: [Day; 3] = [Day::Past, Day::Today, Day::Ahead];

const fn unavailable(retry_after: Duration) -> ControlFlow<Outcome, Step> {
    Break(Outcome::Unavailable { retry_after })
}

/// The facts of a reader that found no fresh copy.
fn without_fresh_copy(day: Day) -> Facts {
    Facts { fresh_copy: Some(false), ..Facts::about(day) }
}

/// The facts of a reader that also knows whether there was a refresh, and that sweeps are not held back.
fn may_sweep(day: Day, sweep: SweepState) -> Facts {
    Facts { last_refresh: Some(day == Day::Today), backoff: Hold::Off, sweep, ..without_fresh_copy(day) }
}

#[test]
fn a_fresh_copy_is_a_hit_on_any_day() {
    for day in DAYS {
        assert_eq!(next_step(&Facts::about(day)), Continue(Step::LookForFreshCopy));
        assert_eq!(next_step(&Facts { fresh_copy: Some(true), ..Facts::about(day) }), Break(Outcome::Hit));
    }
}

#[test]
fn a_past_day_without_a_copy_is_not_kept() {
    assert_eq!(next_step(&without_fresh_copy(Day::Past)), Break(Outcome::NotKept));
}

#[test]
fn a_miss_asks_for_the_last_refresh_then_for_the_backoff_then_sweeps() {
    for day in [Day::Today, Day::Ahead] {
        let facts = without_fresh_copy(day);
        assert_eq!(next_step(&facts), Continue(Step::AskForLastRefresh));
        let facts = Facts { last_refresh: Some(false), ..facts };
        assert_eq!(next_step(&facts), Continue(Step::AskForBackoff));
        assert_eq!(next_step(&Facts { backoff: Hold::Off, ..facts }), Continue(Step::Sweep));
    }
    let today = Facts { last_refresh: Some(true), ..without_fresh_copy(Day::Today) };
    assert_eq!(next_step(&today), Continue(Step::AskForBackoff), "today is swept regardless of the last refresh");
}

/// What a reader gets when there is no fresh copy. `r` is the reserve, `o` the process's own copy.
#[test]
fn without_a_fresh_copy_the_facts_decide_what_a_reader_gets() {
    type Row = (&'static str, Facts, [ControlFlow<Outcome, Step>; 3]);
    let [reserve, own] = [Outcome::StaleReserve, Outcome::StaleOwnCopy].map(Break);
    let (not_kept, wait) = (Break(Outcome::NotKept), Continue(Step::WaitForSweep));
    let backing_off = |day| Facts { backoff: Hold::Left(BACKOFF_LEFT), ..may_sweep(day, SweepState::NotTried) };
    let refreshed = Facts { last_refresh: Some(true), ..without_fresh_copy(Day::Ahead) };
    #[rustfmt::skip]
    let rows: [Row; 10] = [
        //                                                                          r        no r, o       neither
        ("a sweep failed recently",     backing_off(Day::Today),                   [reserve, own,          unavailable(BACKOFF_LEFT)]),
        ("the same, a day ahead",       backing_off(Day::Ahead),                   [reserve, own,          unavailable(BACKOFF_LEFT)]),
        ("the last sweep lacks the day", refreshed,                                [reserve, own,          not_kept]),
        ("another caller is sweeping",  may_sweep(Day::Today, SweepState::Elsewhere),   [reserve, wait, wait]),
        ("the same, a day ahead",       may_sweep(Day::Ahead, SweepState::Elsewhere),   [reserve, wait, wait]),
        ("the sweep failed",            may_sweep(Day::Today, FAILED),             [reserve, own,          unavailable(AFTER_A_FAILURE)]),
        ("the same, a day ahead",       may_sweep(Day::Ahead, FAILED),             [reserve, own,          unavailable(AFTER_A_FAILURE)]),
        ("the sweep lacks the day",     may_sweep(Day::Today, SweepState::Published),   [reserve, own,          unavailable(SWEEP_RETRY_AFTER)]),
        ("the same, a day ahead",       may_sweep(Day::Ahead, SweepState::Published),   [not_kept, not_kept,    not_kept]),
        ("a past day",                  without_fresh_copy(Day::Past),             [not_kept, not_kept,    not_kept]),
    ];
    for (row, facts, expected) in rows {
        let copies = [(Some(true), None), (Some(false), Some(true)), (Some(false), Some(false))];
        let steps = copies.map(|(reserve, own_copy)| next_step(&Facts { reserve, own_copy, ..facts }));
        assert_eq!(steps, expected, "{row}, day {:?}", facts.day);
    }
}

#[test]
fn the_reserve_is_checked_before_the_process_own_copy() {
    let failed = may_sweep(Day::Today, FAILED);
    assert_eq!(next_step(&failed), Continue(Step::LookAtReserve));
    assert_eq!(next_step(&Facts { reserve: Some(false), ..failed }), Continue(Step::LookForOwnCopy));
}

#[test]
fn a_cache_that_is_down_is_not_asked_again() {
    for facts in reachable(true).into_iter().filter(|facts| facts.cache_is_down) {
        let expected = match facts.own_copy {
            None => Continue(Step::LookForOwnCopy),
            Some(true) => Break(Outcome::StaleOwnCopy),
            Some(false) => unavailable(CACHE_RETRY_AFTER),
        };
        assert_eq!(next_step(&facts), expected, "{facts:?}");
    }
}

#[test]
fn a_fresh_copy_after_a_sweep_is_a_miss_only_if_that_sweep_was_published() {
    for (sweep, expected) in
        [(SweepState::Published, Outcome::Miss), (FAILED, Outcome::Hit), (SweepState::NotTried, Outcome::Hit)]
    {
        let facts = Facts { fresh_copy: Some(true), ..may_sweep(Day::Today, sweep) };
        assert_eq!(next_step(&facts), Break(expected), "{sweep:?}");
    }
}

/// The facts after a step, for every way that it can end.
fn learn(facts: Facts, step: ControlFlow<Outcome, Step>) -> Vec<Facts> {
    let Continue(step) = step else { return Vec::new() };
    let both = [false, true];
    let swept = |sweep| Facts { sweep, fresh_copy: None, own_copy: None, ..facts };
    match step {
        Step::LookForFreshCopy => {
            // For a day other than today, and after midnight, the same step checks the reserve too.
            let found = both.map(|fresh| Facts { fresh_copy: Some(fresh), ..facts });
            let with_reserve = both.map(|old| Facts { fresh_copy: Some(false), reserve: Some(old), ..facts });
            found.into_iter().chain(with_reserve).collect()
        }
        Step::LookAtReserve => both.map(|found| Facts { reserve: Some(found), ..facts }).into(),
        Step::LookForOwnCopy => both.map(|found| Facts { own_copy: Some(found), ..facts }).into(),
        Step::AskForLastRefresh => {
            both.map(|known| Facts { last_refresh: Some(known), fresh_copy: None, ..facts }).into()
        }
        Step::AskForBackoff => [Hold::Off, Hold::Left(BACKOFF_LEFT)].map(|backoff| Facts { backoff, ..facts }).into(),
        Step::Sweep => {
            vec![swept(SweepState::Published), swept(FAILED), Facts { sweep: SweepState::Elsewhere, ..facts }]
        }
        Step::WaitForSweep => vec![swept(SweepState::Published), swept(FAILED)],
    }
}

/// All facts that a reader can reach, with or without a cache that fails during the read.
fn reachable(with_failures: bool) -> HashSet<Facts> {
    let mut seen = HashSet::new();
    let mut open: Vec<_> = DAYS.map(Facts::about).into();
    while let Some(facts) = open.pop() {
        if !seen.insert(facts) {
            continue;
        }
        let step = next_step(&facts);
        open.extend(learn(facts, step));
        if with_failures && step.is_continue() {
            open.push(Facts { cache_is_down: true, ..facts });
        }
    }
    seen
}

#[test]
fn every_reachable_outcome_is_supported_by_the_facts() {
    let reachable = reachable(true);
    assert!(reachable.len() > 100, "{}", reachable.len());
    for facts in reachable {
        let Break(outcome) = next_step(&facts) else { continue };
        let supported = match outcome {
            Outcome::Hit => facts.fresh_copy == Some(true) && facts.sweep != SweepState::Published,
            Outcome::Miss => facts.fresh_copy == Some(true) && facts.sweep == SweepState::Published,
            Outcome::StaleReserve => facts.reserve == Some(true) && facts.fresh_copy == Some(false),
            Outcome::StaleOwnCopy => facts.own_copy == Some(true),
            Outcome::NotKept => facts.day != Day::Today && facts.fresh_copy == Some(false),
            Outcome::Unavailable { .. } => {
                facts.own_copy == Some(false) && facts.day != Day::Past || facts.cache_is_down
            }
        };
        assert!(supported, "{outcome:?} does not follow from {facts:?}");
    }
}

#[test]
fn a_read_ends_after_a_bounded_number_of_steps() {
    fn longest(facts: Facts, steps: usize) -> usize {
        assert!(steps < 20, "endless: {facts:?}");
        let step = next_step(&facts);
        learn(facts, step).into_iter().map(|facts| longest(facts, steps + 1)).max().unwrap_or(steps)
    }
    for day in DAYS {
        assert!(longest(Facts::about(day), 0) <= 11);
    }
}
