//! Fencing tokens, which keep an older sweep from replacing a newer one.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How far ahead of the cache's clock a credible token may be.
const TOLERANCE_MICROS: u64 = 60_000_000;

/// The rank of a sweep: each holder of the lock has a higher token than all earlier holders. It is the time at which the sweep
/// took the lock, in microseconds of the cache's own clock, which all processes share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FencingToken(u64);

impl FencingToken {
    /// Returns the token of a sweep that took the lock at this time of the cache's clock.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Returns the token of a lock that is taken at `now`; 0 before 1970.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(u64::try_from(now.timestamp_micros()).unwrap_or_default())
    }

    /// Returns the microseconds of the cache's clock.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Returns whether this lock was taken less than `time` after the lock with the token `earlier`.
    #[must_use]
    pub fn is_within(self, time: Duration, earlier: Self) -> bool {
        u128::from(self.0) < u128::from(earlier.0) + time.as_micros()
    }

    /// Returns whether a lock can have this token when the cache's clock shows `now`. A token far in the future comes from a
    /// damaged value or another machine's clock, and must not block sweeps.
    #[must_use]
    pub const fn is_credible(self, now: Self) -> bool {
        self.0 <= now.0.saturating_add(TOLERANCE_MICROS)
    }

    /// Parses the token in the header of a cached value of any version; `None` if there is none.
    #[must_use]
    pub fn of(value: &[u8]) -> Option<Self> {
        let (_version, rest) = leading_number(value.strip_prefix(br#"{"version":"#)?)?;
        let (token, _) = leading_number(rest.strip_prefix(br#","fence":"#)?)?;
        Some(Self(token))
    }
}

/// Splits off the number at the beginning of some bytes.
fn leading_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = bytes.split_at_checked(digits)?;
    Some((std::str::from_utf8(number).ok()?.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_in_the_header_of_any_version() {
        assert_eq!(
            FencingToken::of(br#"{"version":1,"fence":1772550000123456,"origin"#),
            Some(FencingToken(1_772_550_000_123_456))
        );
        assert_eq!(FencingToken::of(br#"{"version":22,"fence":7}"#), Some(FencingToken(7)));
        let without_token: [&[u8]; 6] = [
            b"",
            b"2026-03-03T10:00:00-05:00",
            br#"{"version":1,"fence":}"#,
            br#"{"version":,"fence":7}"#,
            br#"{"version":1,"fence":99999999999999999999}"#,
            br#"{"342":[]}"#,
        ];
        for value in without_token {
            assert_eq!(FencingToken::of(value), None);
        }
    }
}
