//! A time of day, in whole minutes.

use std::{fmt, str::FromStr};

use chrono::{NaiveTime, Timelike};
use serde::{Deserialize, Serialize, de};

/// A time of day in whole minutes since midnight, from `00:00` to `24:00` (the end of the day).
///
/// ```
/// # use domain::time_of_day::TimeOfDay;
/// let closes: TimeOfDay = "21:30".parse()?;
/// assert_eq!(closes.minutes(), 1290);
/// assert_eq!(closes.to_string(), "21:30");
/// # Ok::<(), domain::time_of_day::NotATimeOfDay>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(description = "A time of day: `HH:MM`, from `00:00` to `24:00`, the end of the day.", value_type = String, pattern = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"))]
pub struct TimeOfDay(u16);

/// Why a text is not a [`TimeOfDay`].
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a time of day; expected HH:MM from 00:00 to 24:00")]
pub struct NotATimeOfDay(String);

impl TimeOfDay {
    /// The beginning of the day, `00:00`.
    pub const MIDNIGHT: Self = Self(0);
    /// The end of the day, `24:00`.
    pub const END: Self = Self(24 * 60);

    /// Returns the time this many minutes after midnight; `None` after `24:00`.
    #[must_use]
    pub const fn from_minutes(minutes: u16) -> Option<Self> {
        if minutes <= Self::END.0 { Some(Self(minutes)) } else { None }
    }

    /// Returns the minutes since midnight, 0 to 1440.
    #[must_use]
    pub const fn minutes(self) -> u16 {
        self.0
    }

    /// Returns the time this many minutes later, at most `24:00`.
    #[must_use]
    pub const fn plus_minutes(self, minutes: u16) -> Self {
        let later = self.0.saturating_add(minutes);
        if later < Self::END.0 { Self(later) } else { Self::END }
    }

    /// Returns the time one minute later, at most `24:00`.
    #[must_use]
    pub const fn next_minute(self) -> Self {
        self.plus_minutes(1)
    }

    /// Returns the time one minute earlier, at least `00:00`.
    #[must_use]
    pub const fn previous_minute(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl From<NaiveTime> for TimeOfDay {
    /// Drops the seconds.
    #[expect(clippy::cast_possible_truncation, reason = "an hour is at most 23 and a minute at most 59")]
    fn from(time: NaiveTime) -> Self {
        Self((time.hour() * 60 + time.minute()) as u16)
    }
}

impl FromStr for TimeOfDay {
    type Err = NotATimeOfDay;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let two_digits = |part: &str| {
            let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse::<u16>().ok()).flatten()
        };
        text.split_once(':')
            .and_then(|(hours, minutes)| Some((two_digits(hours)?, two_digits(minutes)?)))
            .filter(|&(_, minutes)| minutes < 60)
            .and_then(|(hours, minutes)| Self::from_minutes(hours * 60 + minutes))
            .ok_or_else(|| NotATimeOfDay(text.to_owned()))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_minute_of_the_day_reads_back_as_written() {
        for minutes in 0..=1440 {
            let time = TimeOfDay::from_minutes(minutes).unwrap();
            assert_eq!(time.to_string().parse::<TimeOfDay>().unwrap(), time);
        }
    }

    #[test]
    fn arithmetic_stops_at_the_first_and_the_last_minute_of_the_day() {
        assert_eq!(TimeOfDay::MIDNIGHT.previous_minute(), TimeOfDay::MIDNIGHT);
        assert_eq!(TimeOfDay::MIDNIGHT.next_minute().to_string(), "00:01");
        assert_eq!(TimeOfDay::END.previous_minute().to_string(), "23:59");
        assert_eq!(TimeOfDay::END.next_minute(), TimeOfDay::END);
    }

    #[test]
    fn a_clock_time_loses_its_seconds() {
        let last = NaiveTime::from_hms_nano_opt(23, 59, 59, 1_999_999_999).unwrap();
        assert_eq!(TimeOfDay::from(last).to_string(), "23:59");
    }

    #[test]
    fn an_invalid_time_of_day_is_refused() {
        for text in ["", "7:00", "07:60", "24:01", "25:00", "07:00:00", "0700", "-1:00", "+7:00", "07: 0", "٠٧:٠٠"]
        {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
        assert_eq!(TimeOfDay::from_minutes(1441), None);
    }
}
