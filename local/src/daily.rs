//! When the daily refresh is due.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use emptyclassroom::domain::{campus_day::CampusDay, time_of_day::TimeOfDay};

/// Five past midnight, at the campus: by then the day has begun even on clocks that are a little slow.
const DUE: TimeOfDay = TimeOfDay::MIDNIGHT.plus_minutes(5);

/// The first instant after `now` at which it is 00:05 in `timezone`. On a day whose clocks jump over 00:05, that is the first
/// instant after the jump; on a day that has it twice, the first time.
#[must_use]
pub fn next_due(now: DateTime<Utc>, timezone: Tz) -> DateTime<Utc> {
    let today = now.with_timezone(&timezone).date_naive();
    let due_on = |day: NaiveDate| CampusDay::new(day, timezone).instant(DUE).to_utc();
    // Today or tomorrow; the day after tomorrow where a whole day is skipped.
    #[expect(clippy::expect_used, reason = "each later day is due later")]
    today.iter_days().map(due_on).find(|due| *due > now).expect("some day is due after now")
}

#[cfg(test)]
mod tests {
    use chrono_tz::{
        America::{Havana, New_York},
        Pacific::Apia,
    };

    use super::*;

    fn next(now: &str, timezone: Tz) -> String {
        next_due(now.parse().unwrap(), timezone).with_timezone(&timezone).to_rfc3339()
    }

    #[test]
    fn the_daily_refresh_is_due_at_five_past_midnight_at_the_campus() {
        assert_eq!(next("2026-03-03T15:00:00Z", New_York), "2026-03-04T00:05:00-05:00");
        assert_eq!(next("2026-03-04T05:04:59Z", New_York), "2026-03-04T00:05:00-05:00");
        assert_eq!(next("2026-03-04T05:05:00Z", New_York), "2026-03-05T00:05:00-05:00");
    }

    #[test]
    fn the_daily_refresh_is_due_once_on_days_of_23_and_25_hours() {
        assert_eq!(next("2026-03-08T12:00:00Z", New_York), "2026-03-09T00:05:00-04:00");
        assert_eq!(next("2026-11-01T12:00:00Z", New_York), "2026-11-02T00:05:00-05:00");
    }

    #[test]
    fn when_dst_skips_midnight_the_daily_refresh_is_due_right_after_the_jump() {
        assert_eq!(next("2026-03-08T04:00:00Z", Havana), "2026-03-08T01:00:00-04:00");
        assert_eq!(next("2011-12-30T09:00:00Z", Apia), "2011-12-31T00:00:00+14:00", "30 December was skipped");
    }
}
