//! Which days a sweep covers, and how long their snapshots are kept.

use std::{ops::RangeInclusive, time::Duration};

use chrono::{Days, NaiveDate};

/// How long the reserve (a snapshot of each day) is kept after its sweep.
pub const RESERVE_EXPIRY: Duration = Duration::from_hours(72);

/// How many past days the reserve may still hold.
const PAST_DAYS: Days = Days::new(RESERVE_EXPIRY.as_secs() / (24 * 60 * 60));
/// 25Live answers up to the same day of the next month, at most 31 days ahead.
const DAYS_AHEAD: Days = Days::new(31);

/// Returns the days that a sweep on `first_day` can cover.
///
/// ```
/// let days = domain::kept_days::covered_by_sweep("2026-03-03".parse()?);
/// assert_eq!(days, "2026-03-03".parse()?..="2026-04-03".parse()?);
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[must_use]
pub fn covered_by_sweep(first_day: NaiveDate) -> RangeInclusive<NaiveDate> {
    first_day..=first_day.checked_add_days(DAYS_AHEAD).unwrap_or(NaiveDate::MAX)
}

/// Returns the days that can have a snapshot on `today`: the past days that the reserve may still hold, and the days that a
/// sweep on `today` can cover.
#[must_use]
pub fn kept_on(today: NaiveDate) -> RangeInclusive<NaiveDate> {
    today.checked_sub_days(PAST_DAYS).unwrap_or(NaiveDate::MIN)..=*covered_by_sweep(today).end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_past_days_and_a_month_ahead_can_be_kept() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(kept_on(day("2026-03-03")), day("2026-02-28")..=day("2026-04-03"));
        assert_eq!(kept_on(NaiveDate::MAX).end(), &NaiveDate::MAX);
        assert_eq!(kept_on(NaiveDate::MIN).start(), &NaiveDate::MIN);
    }
}
