//! The campus's offsets from UTC over a range of days, for clients that do not know its time zone.

use std::ops::RangeInclusive;

use chrono::{DateTime, FixedOffset, NaiveDate, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::{
    campus_day::{CampusDay, iso_8601},
    time_of_day::TimeOfDay,
};

/// An offset from UTC, and when it begins to apply at the campus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UtcOffset {
    /// The first instant with this offset; in the first entry, the beginning of the first day that is kept.
    #[serde(serialize_with = "iso_8601")]
    pub from: DateTime<FixedOffset>,
    /// How many minutes the clocks are ahead of UTC; negative west of Greenwich.
    pub minutes: i32,
}

impl UtcOffset {
    /// Returns all offsets of a zone from the beginning of the first day to the end of the last, in order.
    ///
    /// ```
    /// # use domain::utc_offset::UtcOffset;
    /// let days = "2026-03-01".parse()?..="2026-12-31".parse()?;
    /// let offsets = UtcOffset::over(&days, chrono_tz::America::New_York);
    /// let shown: Vec<_> = offsets.iter().map(|offset| (offset.from.to_rfc3339(), offset.minutes)).collect();
    /// assert_eq!(shown[1], ("2026-03-08T03:00:00-04:00".to_owned(), -240));
    /// # Ok::<(), chrono::ParseError>(())
    /// ```
    #[must_use]
    pub fn over(days: &RangeInclusive<NaiveDate>, timezone: Tz) -> Vec<Self> {
        let edge = |date, time| CampusDay::new(date, timezone).instant(time).to_utc();
        let (start, end) = (edge(*days.start(), TimeOfDay::MIDNIGHT), edge(*days.end(), TimeOfDay::END));
        let mut offsets = vec![Self::at(start, timezone)];
        let mut before = start;
        // No zone has ever changed its offset twice within a day.
        while before < end {
            let after = end.min(before + TimeDelta::days(1));
            if offset(before, timezone) != offset(after, timezone) {
                offsets.push(Self::at(change_between(before, after, timezone), timezone));
            }
            before = after;
        }
        offsets
    }

    fn at(instant: DateTime<Utc>, timezone: Tz) -> Self {
        let from = instant.with_timezone(&timezone).fixed_offset();
        Self { from, minutes: from.offset().local_minus_utc() / 60 }
    }
}

fn offset(instant: DateTime<Utc>, timezone: Tz) -> FixedOffset {
    timezone.offset_from_utc_datetime(&instant.naive_utc()).fix()
}

/// Returns the first instant whose offset differs from that of `before`. The offset of `after` must differ.
fn change_between(mut before: DateTime<Utc>, mut after: DateTime<Utc>, timezone: Tz) -> DateTime<Utc> {
    let unchanged = offset(before, timezone);
    while after - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if offset(middle, timezone) == unchanged {
            before = middle;
        } else {
            after = middle;
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use chrono_tz::{
        Africa::Casablanca,
        America::{New_York, Nuuk},
        Etc::UTC,
    };
    use proptest::prelude::*;

    use super::*;

    fn over(first: &str, last: &str, timezone: Tz) -> Vec<String> {
        let offsets = UtcOffset::over(&(first.parse().unwrap()..=last.parse().unwrap()), timezone);
        let shown = offsets.iter().map(|offset| format!("{} {}", offset.from.to_rfc3339(), offset.minutes));
        shown.collect()
    }

    #[test]
    fn each_change_of_the_clocks_is_listed_with_its_instant_and_its_new_offset() {
        let year = over("2026-03-03", "2027-03-03", New_York);
        let expected =
            ["2026-03-03T00:00:00-05:00 -300", "2026-03-08T03:00:00-04:00 -240", "2026-11-01T01:00:00-05:00 -300"];
        assert_eq!(year, expected);
        assert_eq!(
            over("2026-03-28", "2026-03-28", Nuuk),
            ["2026-03-28T00:00:00-02:00 -120", "2026-03-29T00:00:00-01:00 -60"]
        );
        assert_eq!(over("2026-02-01", "2026-03-31", Casablanca).len(), 3, "Ramadan is shorter than a season");
        assert_eq!(over("2026-01-01", "2026-12-31", UTC), ["2026-01-01T00:00:00+00:00 0"]);
    }

    proptest! {
        #[test]
        fn the_offset_of_any_instant_is_the_last_one_that_began_before_it(
            zone in prop::sample::select(&chrono_tz::TZ_VARIANTS[..]),
            first in 0..5_000_u64,
            second in 0..31_536_000_i64,
        ) {
            let first = NaiveDate::from_ymd_opt(2015, 1, 1).unwrap() + chrono::Days::new(first);
            let offsets = UtcOffset::over(&(first..=first + chrono::Days::new(366)), zone);
            let instant = offsets[0].from + TimeDelta::seconds(second);
            let found = offsets.iter().rfind(|offset| offset.from <= instant).unwrap();
            prop_assert_eq!(found.minutes * 60, offset(instant.to_utc(), zone).local_minus_utc());
        }
    }
}
