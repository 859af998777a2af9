//! Instants in the format that the service writes.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, SecondsFormat, SubsecRound, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// An instant with the campus's offset, to the microsecond: `2026-03-03T10:00:00.123456-05:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = DateTime))]
pub struct Timestamp(DateTime<FixedOffset>);

/// The number of decimals of a second in a [`Timestamp`]. More would be lost when it is written.
const MICROSECONDS: u16 = 6;

impl Timestamp {
    /// Returns an instant with the campus's offset.
    #[must_use]
    pub fn at_campus(instant: DateTime<Utc>, timezone: Tz) -> Self {
        Self(instant.with_timezone(&timezone).fixed_offset().trunc_subsecs(MICROSECONDS))
    }

    /// Returns the instant.
    #[must_use]
    pub const fn instant(self) -> DateTime<FixedOffset> {
        self.0
    }

    /// Returns how long ago it was at `now`: zero for an instant in the future, written by a process whose clock is ahead.
    #[must_use]
    pub fn age(self, now: DateTime<Utc>) -> Duration {
        (now - self.0.to_utc()).to_std().unwrap_or_default()
    }

    /// Parses the output of [`Display`](std::fmt::Display), or any ISO 8601 instant with an offset; otherwise `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text.trim()).ok().map(|instant| Self(instant.trunc_subsecs(MICROSECONDS)))
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, false))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an ISO 8601 instant with an offset"))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn a_timestamp_has_the_utc_offset_of_its_season() {
        let summer = chrono::Utc.with_ymd_and_hms(2026, 7, 1, 12, 0, 0).unwrap();
        let written = Timestamp::at_campus(summer, chrono_tz::America::New_York).to_string();
        assert_eq!(written, "2026-07-01T08:00:00.000000-04:00");
        assert_eq!(Timestamp::parse(&written).unwrap().to_string(), written);
        assert_eq!(Timestamp::parse("yesterday"), None);
    }

    #[test]
    fn the_age_of_a_timestamp_is_never_negative() {
        let noon = Timestamp::parse("2026-03-03T12:00:00-05:00").unwrap();
        let age = |now: &str| noon.age(now.parse().unwrap()).as_secs();
        assert_eq!((age("2026-03-03T17:01:30Z"), age("2026-03-03T17:00:00Z"), age("2026-03-03T16:00:00Z")), (90, 0, 0));
    }

    #[test]
    fn a_timestamp_from_a_nanosecond_clock_reads_back_unchanged() {
        let fine =
            chrono::Utc.with_ymd_and_hms(2026, 3, 3, 15, 0, 0).unwrap() + chrono::TimeDelta::nanoseconds(123_456_789);
        let timestamp = Timestamp::at_campus(fine, chrono_tz::America::New_York);
        assert_eq!(Timestamp::parse(&timestamp.to_string()), Some(timestamp));
        assert_eq!(Timestamp::parse("2026-03-03T10:00:00.123456789-05:00"), Some(timestamp));
    }
}
