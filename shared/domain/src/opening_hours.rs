//! Opening hours of a building: of a day and of a week, and the days on which it is closed.

use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate, Weekday};

use crate::time_of_day::TimeOfDay;

/// The opening hours of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpeningHours {
    opens: TimeOfDay,
    closes: TimeOfDay,
}

impl OpeningHours {
    /// Returns opening hours; `None` unless `closes` is after `opens`.
    #[must_use]
    pub fn new(opens: TimeOfDay, closes: TimeOfDay) -> Option<Self> {
        (opens < closes).then_some(Self { opens, closes })
    }

    /// Returns when the building opens.
    #[must_use]
    pub const fn opens(self) -> TimeOfDay {
        self.opens
    }

    /// Returns when the building closes, which is after it opens.
    #[must_use]
    pub const fn closes(self) -> TimeOfDay {
        self.closes
    }
}

/// The opening hours of a building for each day of the week, and the dates on which it is closed.
///
/// ```
/// # use chrono::Weekday;
/// # use domain::opening_hours::{OpeningHours, Schedule};
/// let hours = OpeningHours::new("07:00".parse()?, "23:00".parse()?);
/// let mut schedule = Schedule::default();
/// for weekday in [Weekday::Mon, Weekday::Thu] {
///     schedule.set(weekday, hours);
/// }
/// schedule.close("2026-11-26".parse()?..="2026-11-26".parse()?);
/// assert_eq!(schedule.on("2026-11-19".parse()?), hours);
/// assert_eq!(schedule.on("2026-11-20".parse()?), None, "a Friday");
/// assert_eq!(schedule.on("2026-11-26".parse()?), None, "a holiday");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    mon: Option<OpeningHours>,
    tue: Option<OpeningHours>,
    wed: Option<OpeningHours>,
    thu: Option<OpeningHours>,
    fri: Option<OpeningHours>,
    sat: Option<OpeningHours>,
    sun: Option<OpeningHours>,
    closed: Vec<RangeInclusive<NaiveDate>>,
}

/// The days of the week, in the order of the campus file.
pub const WEEKDAYS: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

impl Schedule {
    /// Sets the hours of a day of the week; `None` if the building is closed.
    pub const fn set(&mut self, weekday: Weekday, hours: Option<OpeningHours>) {
        *match weekday {
            Weekday::Mon => &mut self.mon,
            Weekday::Tue => &mut self.tue,
            Weekday::Wed => &mut self.wed,
            Weekday::Thu => &mut self.thu,
            Weekday::Fri => &mut self.fri,
            Weekday::Sat => &mut self.sat,
            Weekday::Sun => &mut self.sun,
        } = hours;
    }

    /// Closes the building on these days, whatever the day of the week.
    pub fn close(&mut self, days: RangeInclusive<NaiveDate>) {
        self.closed.push(days);
    }

    /// Returns the hours of a date; `None` if the building is closed.
    #[must_use]
    pub fn on(&self, date: NaiveDate) -> Option<OpeningHours> {
        let is_closed = self.closed.iter().any(|days| days.contains(&date));
        if is_closed { None } else { self.on_weekday(date.weekday()) }
    }

    /// Returns the usual hours of a day of the week; `None` if the building is closed.
    #[must_use]
    pub const fn on_weekday(&self, weekday: Weekday) -> Option<OpeningHours> {
        match weekday {
            Weekday::Mon => self.mon,
            Weekday::Tue => self.tue,
            Weekday::Wed => self.wed,
            Weekday::Thu => self.thu,
            Weekday::Fri => self.fri,
            Weekday::Sat => self.sat,
            Weekday::Sun => self.sun,
        }
    }

    /// Returns the hours, if they are the same on every day of the week.
    #[must_use]
    pub fn same_all_week(&self) -> Option<OpeningHours> {
        WEEKDAYS.iter().all(|weekday| self.on_weekday(*weekday) == self.mon).then_some(self.mon)?
    }

    /// Returns the dates on which the building is closed, whatever the day of the week.
    #[must_use]
    pub fn closed(&self) -> &[RangeInclusive<NaiveDate>] {
        &self.closed
    }
}
