//! A day at the campus: converts local clock times to instants, including on days of 23 and 25 hours.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use serde::Serializer;

use crate::time_of_day::TimeOfDay;

/// A day in the campus's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CampusDay {
    date: NaiveDate,
    timezone: Tz,
    /// The UTC offset, if it does not change on this day: slots then become instants without a search.
    offset: Option<FixedOffset>,
}

impl CampusDay {
    /// Returns the day in the zone. Works for the years 1 to 9999; panics at the end of chrono's calendar, 260,000 years from
    /// now.
    #[must_use]
    pub fn new(date: NaiveDate, timezone: Tz) -> Self {
        let mut day = Self { date, timezone, offset: None };
        let (midnight, next) = (day.search(0), day.search(TimeOfDay::END.minutes()));
        let unchanged = midnight.naive_local() == day.shown(0) && midnight.offset() == next.offset();
        day.offset = unchanged.then_some(*midnight.offset());
        day
    }

    /// Returns the date.
    #[must_use]
    pub const fn date(&self) -> NaiveDate {
        self.date
    }

    /// Returns the instant at which the clocks show this time: the first one if the time is repeated, and the end of the gap if
    /// it is skipped.
    #[must_use]
    pub fn instant(&self, time: TimeOfDay) -> DateTime<FixedOffset> {
        let unchanged = self.offset.and_then(|offset| offset.from_local_datetime(&self.shown(time.minutes())).single());
        unchanged.unwrap_or_else(|| self.search(time.minutes()))
    }

    /// Like [`Self::instant`], but returns the second occurrence of a repeated time if the first is not after `moment`.
    #[must_use]
    pub fn instant_after(&self, time: TimeOfDay, moment: DateTime<FixedOffset>) -> DateTime<FixedOffset> {
        let first = self.instant(time);
        if first > moment || self.offset.is_some() {
            return first;
        }
        let second = self.timezone.from_local_datetime(&self.shown(time.minutes())).latest();
        second.map_or(first, |second| second.fixed_offset())
    }

    /// Returns the clock time at an instant of this day, in whole minutes.
    #[must_use]
    pub fn time_at(&self, instant: DateTime<FixedOffset>) -> TimeOfDay {
        TimeOfDay::from(instant.with_timezone(&self.timezone).time())
    }

    /// Returns the time itself, or the first time after the gap if the clocks skip it on this day; `24:00`, the end of the day,
    /// if the gap reaches into the next day.
    #[must_use]
    pub fn shown_from(&self, time: TimeOfDay) -> TimeOfDay {
        if self.offset.is_some() {
            return time;
        }
        let shown = self.instant(time).naive_local();
        if shown.date() > self.date { TimeOfDay::END } else { shown.time().into() }
    }

    /// Returns the local time this many minutes after midnight, as if the clocks did not change.
    fn shown(&self, minutes: u16) -> NaiveDateTime {
        self.date.and_time(NaiveTime::MIN) + TimeDelta::minutes(minutes.into())
    }

    #[expect(clippy::expect_used, reason = "no zone of the tz database has ever skipped more than a day")]
    fn search(&self, minutes: u16) -> DateTime<FixedOffset> {
        let shown = self.shown(minutes);
        // Clocks usually skip an hour; the longest gap so far was a whole day.
        let mut candidates = (0..=TimeOfDay::END.minutes()).map(|skipped| shown + TimeDelta::minutes(skipped.into()));
        let found = candidates.find_map(|shown| self.timezone.from_local_datetime(&shown).earliest());
        found.expect("a gap is at most a day long").fixed_offset()
    }
}

/// Writes an instant as `2026-03-03T10:00:00-05:00`.
pub(crate) fn iso_8601<S: Serializer>(instant: &DateTime<FixedOffset>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&instant.format("%Y-%m-%dT%H:%M:%S%:z"))
}

#[cfg(test)]
mod tests {
    use chrono::Offset;
    use chrono_tz::{
        Africa::Cairo,
        America::{New_York, Nuuk},
        Pacific::Apia,
    };
    use proptest::prelude::*;

    use super::*;

    fn day(date: &str, timezone: Tz) -> CampusDay {
        CampusDay::new(date.parse().unwrap(), timezone)
    }

    fn time(text: &str) -> TimeOfDay {
        text.parse().unwrap()
    }

    fn shown(day: CampusDay, at: &str) -> String {
        day.instant(time(at)).to_rfc3339()
    }

    #[test]
    fn an_instant_has_the_utc_offset_of_its_hour() {
        let spring = day("2026-03-08", New_York);
        assert_eq!(shown(spring, "01:59"), "2026-03-08T01:59:00-05:00");
        assert_eq!(shown(spring, "03:00"), "2026-03-08T03:00:00-04:00");
        assert_eq!(shown(spring, "24:00"), "2026-03-09T00:00:00-04:00");
        assert_eq!(shown(day("2026-03-03", New_York), "24:00"), "2026-03-04T00:00:00-05:00");
    }

    #[test]
    fn a_skipped_time_is_the_instant_at_which_the_gap_ends() {
        for skipped in ["02:00", "02:01", "02:59", "03:00"] {
            assert_eq!(shown(day("2026-03-08", New_York), skipped), "2026-03-08T03:00:00-04:00", "{skipped}");
        }
        assert_eq!(shown(day("2026-04-24", Cairo), "00:00"), "2026-04-24T01:00:00+03:00");
        assert_eq!(shown(day("2011-12-30", Apia), "12:00"), "2011-12-31T00:00:00+14:00");
    }

    #[test]
    fn a_skipped_time_is_shown_as_the_first_time_after_the_gap_or_the_end_of_the_day() {
        let shown = |date, zone, at: &str| day(date, zone).shown_from(time(at)).to_string();
        for (at, expected) in [("01:59", "01:59"), ("02:00", "03:00"), ("02:59", "03:00"), ("24:00", "24:00")] {
            assert_eq!(shown("2026-03-08", New_York, at), expected);
        }
        for (at, expected) in [("22:59", "22:59"), ("23:00", "24:00"), ("23:30", "24:00"), ("24:00", "24:00")] {
            assert_eq!(shown("2026-03-28", Nuuk, at), expected);
        }
        assert_eq!(shown("2026-04-23", Cairo, "24:00"), "24:00");
        assert_eq!(shown("2026-04-24", Cairo, "00:00"), "01:00");
        assert_eq!(shown("2011-12-30", Apia, "00:00"), "24:00");
        assert_eq!(shown("2026-11-01", New_York, "01:30"), "01:30");
    }

    #[test]
    fn a_repeated_time_is_its_first_occurrence_unless_that_has_passed() {
        let autumn = day("2026-11-01", New_York);
        assert_eq!(shown(autumn, "01:30"), "2026-11-01T01:30:00-04:00");
        assert_eq!(shown(autumn, "02:00"), "2026-11-01T02:00:00-05:00");
        let after = |moment: &str| autumn.instant_after(time("01:30"), moment.parse().unwrap()).to_rfc3339();
        assert_eq!(after("2026-11-01T01:29:00-04:00"), "2026-11-01T01:30:00-04:00");
        assert_eq!(after("2026-11-01T01:30:00-04:00"), "2026-11-01T01:30:00-05:00");
        assert_eq!(after("2026-11-01T01:20:00-05:00"), "2026-11-01T01:30:00-05:00");
        assert_eq!(autumn.time_at("2026-11-01T01:20:59-05:00".parse().unwrap()), time("01:20"));
    }

    proptest! {
        #[test]
        fn instants_follow_the_clocks_on_any_day_in_any_time_zone(
            zone in prop::sample::select(&chrono_tz::TZ_VARIANTS[..]),
            days in 0..20_000_u64,
            is_change in any::<bool>(),
            minutes in 0..=1440_u16,
        ) {
            // From 1990 on: earlier, some offsets had seconds.
            let date = NaiveDate::from_ymd_opt(1990, 1, 1).unwrap() + chrono::Days::new(days);
            // Half of the cases use a day on which the clocks change, if there is one within 400 days.
            let offset = |date: NaiveDate| zone.offset_from_utc_datetime(&date.and_time(NaiveTime::MIN)).fix();
            let changes = |date: &NaiveDate| is_change && offset(*date) != offset(date.succ_opt().unwrap());
            let date = date.iter_days().take(400).find(changes).unwrap_or(date);
            let (day, time) = (CampusDay::new(date, zone), TimeOfDay::from_minutes(minutes).unwrap());
            let instant = day.instant(time);
            prop_assert_eq!(instant, day.search(minutes), "the shortcut should give the same result");
            prop_assert_eq!(instant.naive_utc(), instant.with_timezone(&zone).naive_utc());
            prop_assert_eq!(instant.fixed_offset(), instant.with_timezone(&zone).fixed_offset());
            prop_assert!(instant.naive_local() >= day.shown(minutes));
            if let Some(later) = TimeOfDay::from_minutes(minutes + 1) {
                prop_assert!(day.instant(later) >= instant);
            }
        }
    }
}
