//! When the next scheduled refresh is due.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use emptyclassroom::domain::{campus_day::CampusDay, time_of_day::TimeOfDay};

/// The first instant after `now` at which clocks in `timezone` show one of these times, of which there is at least one. A
/// time that the clocks skip is due right after the gap; a time that they show twice is due the first time.
#[must_use]
pub fn next_due(now: DateTime<Utc>, times: &BTreeSet<TimeOfDay>, timezone: Tz) -> DateTime<Utc> {
    let today = now.with_timezone(&timezone).date_naive();
    let due_on = |day: NaiveDate| {
        let day = CampusDay::new(day, timezone);
        times.iter().map(move |time| day.instant(*time).to_utc())
    };
    // Today or tomorrow, or the day after tomorrow if the time zone skips a whole day.
    #[expect(clippy::expect_used, reason = "there is at least one time, and it is due later on each later day")]
    today.iter_days().flat_map(due_on).find(|due| *due > now).expect("a later day has a later time")
}

#[cfg(test)]
mod tests {
    use chrono_tz::{
        America::{Havana, New_York},
        Pacific::Apia,
    };

    use super::*;

    fn next(now: &str, times: &[&str], timezone: Tz) -> String {
        let times = times.iter().map(|time| time.parse().unwrap()).collect();
        next_due(now.parse().unwrap(), &times, timezone).with_timezone(&timezone).to_rfc3339()
    }

    #[test]
    fn a_daily_refresh_is_due_at_its_time_at_the_campus() {
        assert_eq!(next("2026-03-03T15:00:00Z", &["00:05"], New_York), "2026-03-04T00:05:00-05:00");
        assert_eq!(next("2026-03-04T05:04:59Z", &["00:05"], New_York), "2026-03-04T00:05:00-05:00");
        assert_eq!(next("2026-03-04T05:05:00Z", &["00:05"], New_York), "2026-03-05T00:05:00-05:00");
    }

    #[test]
    fn the_next_of_several_times_is_due() {
        let times = ["00:05", "07:00", "12:30"];
        assert_eq!(next("2026-03-03T05:04:59Z", &times, New_York), "2026-03-03T00:05:00-05:00");
        assert_eq!(next("2026-03-03T05:05:00Z", &times, New_York), "2026-03-03T07:00:00-05:00");
        assert_eq!(next("2026-03-03T12:00:00Z", &times, New_York), "2026-03-03T12:30:00-05:00");
        assert_eq!(next("2026-03-03T17:30:00Z", &times, New_York), "2026-03-04T00:05:00-05:00");
    }

    #[test]
    fn a_refresh_is_due_once_on_days_of_23_and_25_hours() {
        assert_eq!(next("2026-03-08T12:00:00Z", &["00:05"], New_York), "2026-03-09T00:05:00-04:00");
        assert_eq!(next("2026-11-01T12:00:00Z", &["00:05"], New_York), "2026-11-02T00:05:00-05:00");
        // Clocks show 01:30 at 05:30 and at 06:30 UTC.
        assert_eq!(next("2026-11-01T05:29:59Z", &["01:30", "02:15"], New_York), "2026-11-01T01:30:00-04:00");
        assert_eq!(next("2026-11-01T05:30:00Z", &["01:30", "02:15"], New_York), "2026-11-01T02:15:00-05:00");
    }

    #[test]
    fn times_that_dst_skips_are_due_once_right_after_the_jump() {
        assert_eq!(next("2026-03-08T04:00:00Z", &["00:05"], Havana), "2026-03-08T01:00:00-04:00");
        assert_eq!(
            next("2011-12-30T09:00:00Z", &["00:05"], Apia),
            "2011-12-31T00:00:00+14:00",
            "30 December was skipped"
        );
        // Clocks go from 02:00 to 03:00, at 07:00 UTC.
        assert_eq!(next("2026-03-08T06:59:59Z", &["02:10", "02:40", "03:20"], New_York), "2026-03-08T03:00:00-04:00");
        assert_eq!(next("2026-03-08T07:00:00Z", &["02:10", "02:40", "03:20"], New_York), "2026-03-08T03:20:00-04:00");
    }
}
