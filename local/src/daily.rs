//! When the daily refresh is due.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// Five past midnight, at the campus: the day has begun on every clock that is a little late.
const DUE_MINUTES: i64 = 5;

/// The first instant after `now` at which it is 00:05 in `timezone`. On a day whose clocks jump over it, the first instant
/// after the jump; on one that has it twice, the first.
#[must_use]
pub fn next_due(now: DateTime<Utc>, timezone: Tz) -> DateTime<Utc> {
    let today = now.with_timezone(&timezone).date_naive();
    let days = (0..=2).filter_map(|days| today.checked_add_days(Days::new(days)));
    let due = days.filter_map(|day| due_on(day, timezone)).find(|due| *due > now);
    // Only at the end of the calendar's range is there none.
    due.unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn due_on(day: NaiveDate, timezone: Tz) -> Option<DateTime<Utc>> {
    // Clocks jump by two hours at the most.
    let candidates =
        (0..=8).map(|quarters| day.and_time(NaiveTime::MIN) + TimeDelta::minutes(DUE_MINUTES + 15 * quarters));
    let mut instants = candidates.filter_map(|local| timezone.from_local_datetime(&local).earliest());
    instants.next().map(|instant| instant.to_utc())
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::{Havana, New_York};

    use super::*;

    fn next(now: &str, timezone: Tz) -> String {
        next_due(now.parse().unwrap(), timezone).with_timezone(&timezone).to_rfc3339()
    }

    #[test]
    fn it_is_due_at_five_past_midnight_at_the_campus() {
        assert_eq!(next("2026-03-03T15:00:00Z", New_York), "2026-03-04T00:05:00-05:00");
        assert_eq!(next("2026-03-04T05:04:59Z", New_York), "2026-03-04T00:05:00-05:00");
        assert_eq!(next("2026-03-04T05:05:00Z", New_York), "2026-03-05T00:05:00-05:00");
    }

    #[test]
    fn days_of_23_and_25_hours_are_days_too() {
        assert_eq!(next("2026-03-08T12:00:00Z", New_York), "2026-03-09T00:05:00-04:00");
        assert_eq!(next("2026-11-01T12:00:00Z", New_York), "2026-11-02T00:05:00-05:00");
    }

    #[test]
    fn where_clocks_jump_over_midnight_it_is_due_right_after_the_jump() {
        assert_eq!(next("2026-03-08T04:00:00Z", Havana), "2026-03-08T01:05:00-04:00");
    }
}
