//! The cooldown: how long manual refreshes are refused after a sweep.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// How long manual refreshes are refused after a successful sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cooldown(Duration);

/// The remaining part of a cooldown: positive, and never longer than the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remaining(Duration);

impl Cooldown {
    /// Returns a cooldown of this many minutes; 0 turns it off.
    #[must_use]
    pub const fn from_minutes(minutes: u32) -> Self {
        Self(Duration::from_secs(minutes as u64 * 60))
    }

    /// Returns the rest, at `now`, of the cooldown that began at `last_refresh`; `None` if it is over.
    ///
    /// A `last_refresh` in the future, written by a process whose clock is ahead, counts as now. One more than a whole cooldown
    /// ahead is ignored: that clock was wrong, or ours has been set back.
    ///
    /// ```
    /// # use domain::cooldown::Cooldown;
    /// let at = |text: &str| text.parse().unwrap();
    /// let cooldown = Cooldown::from_minutes(30);
    /// let left = cooldown.remaining(at("2026-03-03T10:00:00Z"), at("2026-03-03T10:14:30Z")).unwrap();
    /// assert_eq!(left.minutes(), 15.5);
    /// assert_eq!(cooldown.remaining(at("2026-03-03T10:00:00Z"), at("2026-03-03T10:30:00Z")), None);
    /// ```
    #[must_use]
    pub fn remaining(self, last_refresh: DateTime<Utc>, now: DateTime<Utc>) -> Option<Remaining> {
        let elapsed = match (now - last_refresh).to_std() {
            Ok(elapsed) => elapsed,
            Err(_) if (last_refresh - now).to_std().is_ok_and(|ahead| ahead > self.0) => return None,
            Err(_) => Duration::ZERO,
        };
        let left = self.0.checked_sub(elapsed)?;
        (!left.is_zero()).then_some(Remaining(left))
    }
}

impl Remaining {
    /// Returns the minutes, not rounded.
    #[must_use]
    pub fn minutes(self) -> f64 {
        self.0.as_secs_f64() / 60.0
    }

    /// Returns the whole seconds after which the cooldown is over, rounded up.
    #[must_use]
    pub fn whole_seconds(self) -> u64 {
        self.0.as_secs() + u64::from(self.0.subsec_nanos() > 0)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, TimeZone};
    use proptest::prelude::*;

    use super::*;

    fn ten() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 3, 3, 10, 0, 0).unwrap()
    }

    fn after(elapsed: TimeDelta) -> Option<Remaining> {
        Cooldown::from_minutes(30).remaining(ten(), ten() + elapsed)
    }

    #[test]
    fn the_cooldown_lasts_to_the_last_microsecond_and_no_longer() {
        assert_eq!(after(TimeDelta::zero()).unwrap().whole_seconds(), 1800);
        let last = after(TimeDelta::minutes(30) - TimeDelta::microseconds(1)).unwrap();
        assert!(last.minutes() > 0.0);
        assert_eq!(last.whole_seconds(), 1);
        assert_eq!(after(TimeDelta::minutes(30)), None);
    }

    #[test]
    fn a_last_refresh_in_the_future_counts_as_now_unless_it_is_too_far_ahead() {
        assert_eq!(after(TimeDelta::minutes(-5)).unwrap().whole_seconds(), 1800);
        assert_eq!(after(TimeDelta::minutes(-30)).unwrap().whole_seconds(), 1800);
        assert_eq!(after(TimeDelta::minutes(-31)), None);
    }

    #[test]
    fn a_cooldown_of_zero_is_off() {
        assert_eq!(Cooldown::from_minutes(0).remaining(ten(), ten()), None);
    }

    proptest! {
        #[test]
        fn the_remaining_time_is_never_negative_or_above_the_whole_cooldown(seconds in -100_000_000_000_i64..100_000_000_000, minutes in 0..2000_u32) {
            if let Some(left) = Cooldown::from_minutes(minutes).remaining(ten(), ten() + TimeDelta::seconds(seconds)) {
                prop_assert!(left.minutes() > 0.0 && left.minutes() <= f64::from(minutes));
                prop_assert!(left.whole_seconds() >= 1 && left.whole_seconds() <= u64::from(minutes) * 60);
            }
        }
    }
}
