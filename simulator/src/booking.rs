//! The bookings of a room, in 25Live's terms.

use serde::Serialize;

/// An hour of the day as 25Live writes it: decimal, truncated (not rounded) to six decimals, a JSON string or a number.
///
/// The recorded responses use both forms within one item, so both are supported. An hour may be 24 or later: the
/// booking then ends after midnight.
///
/// ```
/// use simulator::Hours;
///
/// assert_eq!(Hours::text(9 * 60 + 5), Hours::from("9.083333"));
/// assert_eq!(Hours::number(9 * 60 + 55), Hours::from(9.916666)); // not …667
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Hours {
    /// A JSON string, written unchanged: `"9.000000"`, or even `"abc"`.
    Text(String),
    /// A JSON number: `9.833333`.
    Number(f64),
}

impl Hours {
    /// This many minutes after midnight, as a string.
    #[must_use]
    pub fn text(minutes: u32) -> Self {
        let millionths = millionths(minutes);
        Self::Text(format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000))
    }

    /// This many minutes after midnight, as a number.
    #[must_use]
    pub fn number(minutes: u32) -> Self {
        Self::Number(f64::from(millionths(minutes)) / 1e6)
    }

    /// The decimal hours, or `None` for a text that is not a number.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Text(text) => text.parse().ok(),
            Self::Number(number) => Some(*number),
        }
    }
}

/// Millionths of an hour, truncated. One minute has 1 000 000 / 60 = 50 000 / 3 of them.
fn millionths(minutes: u32) -> u32 {
    minutes.saturating_mul(50_000) / 3
}

impl From<&str> for Hours {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for Hours {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

/// The kind of booking: 25Live's `type_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A class, an exam, a meeting: 1.
    Event,
    /// The room is temporarily out of service: 2.
    Blackout,
    /// The building is closed: 3.
    Closed,
}

impl Kind {
    /// The `type_id` in the document.
    #[must_use]
    pub fn type_id(self) -> u8 {
        match self {
            Self::Event => 1,
            Self::Blackout => 2,
            Self::Closed => 3,
        }
    }
}

/// One item of a room's day.
#[derive(Clone, Debug, PartialEq)]
pub struct Booking {
    /// The start.
    pub start: Hours,
    /// The end, as an hour of the day on which it starts.
    pub end: Hours,
    /// The kind.
    pub kind: Kind,
    /// Whether its details are hidden from guests. Such an item has the `itemId` 0 and still occupies the room.
    pub private: bool,
}

impl Booking {
    /// A public booking. The hours can be given in the document's form:
    ///
    /// ```
    /// use simulator::{Booking, Kind};
    ///
    /// let class = Booking::new("9.000000", 9.833333, Kind::Event);
    /// ```
    pub fn new(start: impl Into<Hours>, end: impl Into<Hours>, kind: Kind) -> Self {
        Self { start: start.into(), end: end.into(), kind, private: false }
    }

    /// Clips the booking to these hours of the day; `None` if nothing is left. Hours that are not numbers stay unchanged.
    pub(crate) fn clipped(self, from: u8, to: u8) -> Option<Self> {
        let (Some(start), Some(end)) = (self.start.value(), self.end.value()) else { return Some(self) };
        let (from, to) = (f64::from(from), f64::from(to));
        if end <= from || start >= to {
            return None;
        }
        let start = if start < from { Hours::Number(from) } else { self.start };
        let end = if end > to { Hours::Number(to) } else { self.end };
        Some(Self { start, end, ..self })
    }

    /// The same booking, but private.
    #[must_use]
    pub fn private(self) -> Self {
        Self { private: true, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(hours: &Hours) -> String {
        serde_json::to_string(hours).unwrap()
    }

    #[test]
    fn hours_are_truncated_to_six_decimals_not_rounded() {
        assert_eq!(json(&Hours::text(9 * 60 + 55)), r#""9.916666""#);
        assert_eq!(json(&Hours::number(9 * 60 + 55)), "9.916666");
        assert_eq!(json(&Hours::text(7 * 60 + 40)), r#""7.666666""#);
    }

    #[test]
    fn whole_hours_keep_their_six_decimals_as_text() {
        assert_eq!(json(&Hours::text(0)), r#""0.000000""#);
        assert_eq!(json(&Hours::text(24 * 60)), r#""24.000000""#);
    }

    #[test]
    fn every_minute_of_the_day_survives_rounding() {
        for minute in 0..=25 * 60 {
            for hours in [Hours::text(minute), Hours::number(minute)] {
                let back = (hours.value().unwrap() * 60.0).round();
                assert!((back - f64::from(minute)).abs() < 0.5, "{minute}: {hours:?}");
            }
        }
    }

    #[test]
    fn a_text_that_is_not_a_number_has_no_value() {
        assert_eq!(Hours::from("abc").value(), None);
    }
}
