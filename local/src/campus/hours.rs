//! Derives opening hours from the closures of one month. Pure.
//!
//! 25Live has no opening hours, but it has "Closed" items. If guests can see them, what they leave open in most weeks are a
//! building's usual hours. Guests see only the hours of a display grid, to which 25Live clips all items. Nothing is known
//! outside it, so no hours extend beyond the earliest start and the latest end of all items, unless there are too few items
//! to know the grid.

use std::{collections::BTreeSet, ops::RangeInclusive};

use chrono::{Datelike, NaiveDate, Weekday};
use emptyclassroom::domain::{
    bookings::{Booking, Bookings},
    opening_hours::{OpeningHours, WEEKDAYS},
    time_of_day::TimeOfDay,
};

/// The default hours in minutes: 07:00 to 23:00.
const USUAL: (u16, u16) = (7 * 60, 23 * 60);
/// A grid begins by 08:00 and ends at 17:00 or later. Items that span less are just few, and the grid is not known.
const GRID: (u16, u16) = (8 * 60, 17 * 60);
/// In minutes. No shorter time is a slot, so a building that is open for less counts as closed.
const SHORTEST: u16 = 30;
/// A day in minutes.
const DAY: u16 = 24 * 60;

/// The hours of a weekday; `None` if the building is closed.
type Day = Option<OpeningHours>;
/// The hours of a week, from Monday.
type Week = [Day; 7];

/// Opening hours as a campus file writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    /// `opens` and `closes`; `None` if they are inherited from the campus.
    pub usual: Option<OpeningHours>,
    /// `days`: the weekdays that differ.
    pub days: Vec<(Weekday, Option<OpeningHours>)>,
}

/// The drafted hours of one building.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildingHours {
    /// Its own hours; `None` if it has those of the campus.
    pub own: Option<Hours>,
    /// Why they need a review.
    pub check: Option<String>,
}

/// The drafted hours of a campus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The hours of most buildings.
    pub campus: Hours,
    /// Why they are a guess.
    pub check: String,
    /// One for each building.
    pub buildings: Vec<BuildingHours>,
    /// Days on which every requested building is closed.
    pub closed: Vec<RangeInclusive<NaiveDate>>,
}

/// The part of a day in which 25Live shows items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// The earliest start.
    pub from: TimeOfDay,
    /// The latest end, at most the end of the day.
    pub to: TimeOfDay,
}

impl Grid {
    /// The earliest start and the latest end of all items of these rooms; `None` without any.
    pub fn of<'a>(answers: impl Iterator<Item = &'a Bookings>) -> Option<Self> {
        let of_room = |bookings: &'a Bookings| bookings.days().filter_map(|date| bookings.on(date)).flatten();
        let seen = answers.flat_map(of_room).filter(|item| item.start < item.end && item.start < DAY);
        let (from, to) = seen.fold((DAY, 0), |(from, to), item| (from.min(item.start), to.max(item.end.min(DAY))));
        (from < to).then_some(Self { from: TimeOfDay::from_minutes(from)?, to: TimeOfDay::from_minutes(to)? })
    }

    /// The part of a day that guests probably see.
    fn likely(self) -> Self {
        let usual = usual();
        let from = if self.from.minutes() <= GRID.0 { self.from } else { usual.opens() };
        let to = if self.to.minutes() >= GRID.1 { self.to } else { usual.closes() };
        Self { from, to }
    }

    const fn minutes(self) -> (u16, u16) {
        (self.from.minutes(), self.to.minutes())
    }
}

/// Whether any of these rooms has a closure.
pub fn shows_closures<'a>(mut answers: impl Iterator<Item = &'a Bookings>) -> bool {
    let has_one = |bookings: &Bookings, date| bookings.closures_on(date).is_some_and(|closures| !closures.is_empty());
    answers.any(|bookings| bookings.days().any(|date| has_one(bookings, date)))
}

impl Plan {
    /// The default hours, for a campus whose closures are unknown.
    #[must_use]
    pub fn unknown(buildings: usize, why: &str) -> Self {
        Self::usual(None, buildings, why)
    }

    fn usual(grid: Option<Grid>, buildings: usize, why: &str) -> Self {
        let (opens, closes) = grid.map_or((0, DAY), Grid::minutes);
        let clipped = hours(USUAL.0.max(opens), USUAL.1.min(closes));
        Self {
            campus: Hours { usual: Some(clipped.unwrap_or_else(usual)), days: Vec::new() },
            check: why.to_owned(),
            buildings: vec![BuildingHours::default(); buildings],
            closed: Vec::new(),
        }
    }

    /// The hours of a campus from one answer for each building; `None` for a building without an answer.
    #[must_use]
    pub fn of(answers: &[Option<Bookings>]) -> Self {
        let known = || answers.iter().flatten();
        let Some(seen) = Grid::of(known()) else {
            return Self::usual(
                None,
                answers.len(),
                "25Live shows no bookings or closures in the rooms it was asked about",
            );
        };
        let grid = seen.likely();
        if !shows_closures(known()) {
            let why = "25Live shows guests no closures here, so weekends and holidays may look free";
            return Self::usual(Some(grid), answers.len(), why);
        }
        let closed = exceptions(&known().collect::<Vec<_>>(), grid);
        let weeks: Vec<_> = answers.iter().map(|answer| week(answer.as_ref()?, grid, &closed)).collect();
        let open = |week: &&Week| week.iter().any(Option::is_some);
        let open: Vec<_> = weeks.iter().flatten().filter(open).copied().collect();
        let telling = open.iter().filter(|week| !is_never_closed(week, grid)).copied();
        let Some(campus) = most_common(telling).or_else(|| most_common(open.iter().copied())) else {
            return Self::usual(Some(grid), answers.len(), "25Live shows every building closed for a whole month");
        };
        let hours = Hours::of(&campus, None);
        let Grid { from, to } = seen;
        Self {
            buildings: weeks.iter().map(|week| building(week.as_ref(), grid, &campus, &hours)).collect(),
            campus: hours,
            check: format!("from the closures of one month; guests see {from} to {to}"),
            closed: ranges(&closed),
        }
    }
}

/// Whether a building is open for the whole grid all week: 25Live may simply not have its hours.
fn is_never_closed(week: &Week, grid: Grid) -> bool {
    let whole = OpeningHours::new(grid.from, grid.to);
    week.iter().all(|day| *day == whole)
}

fn building(week: Option<&Week>, grid: Grid, campus: &Week, of_campus: &Hours) -> BuildingHours {
    let doubtful = |why: &str| BuildingHours { own: None, check: Some(why.to_owned()) };
    match week {
        None => doubtful("25Live was not asked about this building or did not answer, so it has the campus's hours"),
        Some(week) if week.iter().all(Option::is_none) => {
            doubtful("25Live shows this building closed for a whole month")
        }
        Some(week) if week == campus => BuildingHours::default(),
        Some(week) if is_never_closed(week, grid) => {
            doubtful("25Live shows no closures of this building in a usual week, so it has the campus's hours")
        }
        Some(week) => BuildingHours { own: Some(Hours::of(week, Some(of_campus))), check: None },
    }
}

impl Hours {
    /// The hours of most days, and the days that differ. A building states only what it does not inherit from its campus.
    fn of(week: &Week, campus: Option<&Self>) -> Self {
        let usual = most_common(week.iter().flatten().copied()).unwrap_or_else(usual);
        let of_campus = |weekday| campus?.days.iter().find(|(other, _)| *other == weekday).map(|(_, day)| *day);
        let differs = |(weekday, day): &(Weekday, Day)| *day != of_campus(*weekday).unwrap_or(Some(usual));
        let is_of_campus = campus.is_some_and(|campus| campus.usual == Some(usual));
        Self {
            usual: (!is_of_campus).then_some(usual),
            days: WEEKDAYS.into_iter().zip(*week).filter(differs).collect(),
        }
    }
}

/// The days on which every building is closed although the weekday is otherwise open: at least once for Monday to Friday, at
/// least every second week for Saturday and Sunday.
fn exceptions(answers: &[&Bookings], grid: Grid) -> BTreeSet<NaiveDate> {
    let dates: BTreeSet<_> = answers.iter().flat_map(|bookings| bookings.days()).collect();
    let all_closed = |date: NaiveDate| {
        let days: Vec<_> = answers.iter().filter_map(|bookings| day(bookings, date, grid)).collect();
        !days.is_empty() && days.iter().all(Option::is_none)
    };
    let (closed, open): (Vec<_>, Vec<_>) = dates.into_iter().partition(|date| all_closed(*date));
    let is_exception = |date: &NaiveDate| {
        let same = |dates: &[NaiveDate]| dates.iter().filter(|other| other.weekday() == date.weekday()).count();
        let at_least = if date.weekday().num_days_from_monday() < 5 { 1 } else { same(&closed) };
        same(&open) >= at_least
    };
    closed.iter().filter(|date| is_exception(date)).copied().collect()
}

/// The usual week of a room's building; `None` without answers for any day.
fn week(bookings: &Bookings, grid: Grid, closed: &BTreeSet<NaiveDate>) -> Option<Week> {
    let days: Vec<_> = bookings
        .days()
        .filter(|date| !closed.contains(date))
        .filter_map(|date| Some((date.weekday(), day(bookings, date, grid)?)))
        .collect();
    let usual = most_common(days.iter().map(|(_, day)| *day))?;
    Some(WEEKDAYS.map(|weekday| {
        let same = days.iter().filter(|(other, _)| *other == weekday).map(|(_, day)| *day);
        most_common(same).unwrap_or(usual)
    }))
}

/// The hours that the closures of a day leave open, from first to last; `None` if 25Live returned nothing for the day.
fn day(bookings: &Bookings, date: NaiveDate, grid: Grid) -> Option<Day> {
    let closures = bookings.closures_on(date)?;
    let (from, to) = grid.minutes();
    let opens = closures
        .iter()
        .fold(from, |opens, closure| if closure.start <= opens { opens.max(closure.end) } else { opens });
    let covers_end =
        |closes: u16, closure: &Booking| if closure.end >= closes { closes.min(closure.start) } else { closes };
    let closes = closures.iter().rev().fold(to, covers_end);
    Some(hours(opens, closes).filter(|_| closes - opens >= SHORTEST))
}

fn hours(opens: u16, closes: u16) -> Option<OpeningHours> {
    OpeningHours::new(TimeOfDay::from_minutes(opens)?, TimeOfDay::from_minutes(closes)?)
}

#[expect(clippy::expect_used, reason = "23:00 comes after 07:00")]
fn usual() -> OpeningHours {
    hours(USUAL.0, USUAL.1).expect("the default hours are valid")
}

/// The most common value. In a tie, the one that is open for less, but not closed.
fn most_common<T: Copy + PartialEq + Length>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counted = Vec::<(T, usize)>::new();
    for value in values {
        match counted.iter_mut().find(|(other, _)| *other == value) {
            Some((_, times)) => *times += 1,
            None => counted.push((value, 1)),
        }
    }
    let rank = |(value, times): &(T, usize)| (*times, value.minutes() > 0, u16::MAX - value.minutes());
    counted.into_iter().max_by_key(rank).map(|(value, _)| value)
}

/// How long something is open, in minutes.
trait Length {
    fn minutes(&self) -> u16;
}

impl Length for OpeningHours {
    fn minutes(&self) -> u16 {
        self.closes().minutes() - self.opens().minutes()
    }
}

impl Length for Day {
    fn minutes(&self) -> u16 {
        self.as_ref().map_or(0, Length::minutes)
    }
}

impl Length for Week {
    fn minutes(&self) -> u16 {
        self.iter().map(Length::minutes).sum()
    }
}

/// Merges consecutive dates into ranges.
fn ranges(dates: &BTreeSet<NaiveDate>) -> Vec<RangeInclusive<NaiveDate>> {
    let mut ranges = Vec::<RangeInclusive<NaiveDate>>::new();
    for date in dates {
        match ranges.last_mut() {
            Some(last) if last.end().succ_opt() == Some(*date) => *last = *last.start()..=*date,
            _ => ranges.push(*date..=*date),
        }
    }
    ranges
}

#[cfg(test)]
mod tests;
