//! A question about a day's rooms: which buildings, free when, for how long, of which name, in which order.
//!
//! [`Question::parse`] is its only door, so one that exists makes sense; [`Question::answer`] picks the rooms out of a
//! snapshot. Time is counted as it passes: an hour that the clocks skip is no hour, and one that they repeat is two.

mod answer;

use chrono::{DateTime, FixedOffset, Timelike};
use chrono_tz::Tz;

pub use self::answer::{Answer, BuildingAnswer, FreeTime, RoomAnswer};
use crate::{
    campus::Campus,
    campus_day::CampusDay,
    parameters::{BadParameter, Parameters},
    time_of_day::TimeOfDay,
};

const BUILDING: &str = "building";
const AT: &str = "at";
const FROM: &str = "from";
const TO: &str = "to";
const MIN_MINUTES: &str = "min_minutes";
const SEARCH: &str = "q";
const SORT: &str = "sort";
/// The parameters that make a question.
pub const PARAMETERS: [&str; 7] = [BUILDING, AT, FROM, TO, MIN_MINUTES, SEARCH, SORT];

/// What `q` may hold, in characters.
const LONGEST_SEARCH: usize = 100;
const A_TIME: &str = "a time from 00:00 to 23:59, as 14:30";

/// A question about the rooms of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    day: CampusDay,
    /// The codes of the buildings asked for; all, if none is named.
    buildings: Option<Vec<String>>,
    moment: Option<Moment>,
    /// How long a room must be free; 0 where that was not said.
    min_minutes: i64,
    search: Option<Search>,
    sort: Option<Sort>,
}

/// The time asked about: a minute, or a range of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment {
    from: TimeOfDay,
    /// The first minute behind it.
    until: TimeOfDay,
    /// When `from` is.
    instant: DateTime<FixedOffset>,
}

/// The order of the rooms within a building; the campus file's where none is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// By name, numbers by what they count.
    Name,
    /// Those that are free for longest first. With a moment these are also the ones that are free until latest.
    Longest,
}

/// A part of a room's name with its building's code before it, or of its building's name: in lower case and without spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Search(String);

impl Question {
    /// The question that a query string asks about the rooms of `day`, when the clocks at the campus show `now`; `None` if it
    /// asks none.
    ///
    /// # Errors
    /// A parameter does not hold what it should, or does not go with the others.
    pub fn parse(
        parameters: &Parameters<'_>,
        campus: &Campus,
        day: CampusDay,
        now: DateTime<Tz>,
    ) -> Result<Option<Self>, BadParameter> {
        let moment = moment(parameters, day, now)?;
        let question = Self {
            day,
            buildings: buildings(parameters, campus)?,
            moment,
            min_minutes: min_minutes(parameters)?.unwrap_or_default(),
            search: search(parameters)?,
            sort: sort(parameters, moment.is_some())?,
        };
        let nothing = Self { day, buildings: None, moment: None, min_minutes: 0, search: None, sort: None };
        Ok((question != nothing).then_some(question))
    }
}

fn buildings(parameters: &Parameters<'_>, campus: &Campus) -> Result<Option<Vec<String>>, BadParameter> {
    let known = || campus.buildings.iter().map(|building| building.code.as_str());
    let expected =
        || format!("codes of buildings, with commas between them: {}", known().collect::<Vec<_>>().join(","));
    let Some(held) = parameters.get(BUILDING, "codes of buildings, with commas between them")? else { return Ok(None) };
    let asked: Vec<_> = held.split(',').map(|code| code.trim().to_lowercase()).collect();
    if asked.iter().any(|asked| known().all(|code| code.to_lowercase() != *asked)) {
        return Err(BadParameter::new(BUILDING, held, expected()));
    }
    Ok(Some(known().filter(|code| asked.contains(&code.to_lowercase())).map(str::to_owned).collect()))
}

fn moment(parameters: &Parameters<'_>, day: CampusDay, now: DateTime<Tz>) -> Result<Option<Moment>, BadParameter> {
    let at = parameters.get(AT, "a time, or `now`")?;
    let (from, to) = (parameters.get(FROM, A_TIME)?, parameters.get(TO, "a time")?);
    match (at, from, to) {
        (None, None, None) => Ok(None),
        (Some("now"), None, None) => Ok(Some(Moment::now(day, now)?)),
        (Some(held), None, None) => match time(held) {
            Some(at) => Ok(Some(Moment::range(day, at, at))),
            None => Err(BadParameter::new(AT, held, format!("`now`, or {A_TIME}"))),
        },
        (None, Some(from), Some(to)) => range(day, from, to).map(Some),
        (None, Some(held), None) => Err(BadParameter::new(FROM, held, "there together with `to`")),
        (None, None, Some(held)) => Err(BadParameter::new(TO, held, "there together with `from`")),
        (Some(held), ..) => Err(BadParameter::new(AT, held, "there without `from` and `to`")),
    }
}

fn range(day: CampusDay, from: &str, to: &str) -> Result<Moment, BadParameter> {
    let start = time(from).ok_or_else(|| BadParameter::new(FROM, from, A_TIME))?;
    let end: Option<TimeOfDay> = to.parse().ok();
    match end.filter(|end| *end > start) {
        Some(end) => Ok(Moment::range(day, start, end)),
        None => Err(BadParameter::new(TO, to, format!("a time after `from`, {start}, and up to 24:00"))),
    }
}

/// A time at which something can begin.
fn time(held: &str) -> Option<TimeOfDay> {
    held.parse().ok().filter(|time| *time < TimeOfDay::END)
}

impl Moment {
    fn now(day: CampusDay, now: DateTime<Tz>) -> Result<Self, BadParameter> {
        if now.date_naive() != day.date() {
            return Err(BadParameter::new(AT, "now", format!("{A_TIME}, on a day that is not today")));
        }
        // With the offset fixed first: a time that the clocks show twice could not be set.
        let now = now.fixed_offset();
        let instant = now.with_second(0).and_then(|now| now.with_nanosecond(0)).unwrap_or(now);
        let from = day.time_at(instant);
        Ok(Self { from, until: minute_after(from), instant })
    }

    /// From one time up to the other, and at least for a minute. Times that the clocks skip are the first one behind them.
    fn range(day: CampusDay, from: TimeOfDay, until: TimeOfDay) -> Self {
        let instant = day.instant(from);
        let from = day.time_at(instant);
        Self { from, until: until.max(minute_after(from)), instant }
    }
}

fn minute_after(time: TimeOfDay) -> TimeOfDay {
    TimeOfDay::from_minutes(time.minutes() + 1).unwrap_or(TimeOfDay::END)
}

fn min_minutes(parameters: &Parameters<'_>) -> Result<Option<i64>, BadParameter> {
    const EXPECTED: &str = "a number of minutes from 1 to 1440";
    let Some(held) = parameters.get(MIN_MINUTES, EXPECTED)? else { return Ok(None) };
    // Rust would also take 060 and +60.
    let minutes = held.parse().ok().filter(|minutes: &i64| (1..=1440).contains(minutes) && minutes.to_string() == held);
    minutes.map(Some).ok_or_else(|| BadParameter::new(MIN_MINUTES, held, EXPECTED))
}

fn search(parameters: &Parameters<'_>) -> Result<Option<Search>, BadParameter> {
    let expected = format!("a part of a room's or a building's name, of 1 to {LONGEST_SEARCH} characters");
    let Some(held) = parameters.get(SEARCH, &expected)? else { return Ok(None) };
    if (1..=LONGEST_SEARCH).contains(&held.trim().chars().count()) {
        Ok(Some(Search(squeezed(held))))
    } else {
        Err(BadParameter::new(SEARCH, held, expected))
    }
}

/// In lower case and without spaces.
fn squeezed(text: &str) -> String {
    text.split_whitespace().flat_map(str::chars).flat_map(char::to_lowercase).collect()
}

fn sort(parameters: &Parameters<'_>, has_moment: bool) -> Result<Option<Sort>, BadParameter> {
    const EXPECTED: &str = "`name`, `free_until` or `duration`";
    match parameters.get(SORT, EXPECTED)? {
        None => Ok(None),
        Some("name") => Ok(Some(Sort::Name)),
        Some("duration") => Ok(Some(Sort::Longest)),
        Some("free_until") if has_moment => Ok(Some(Sort::Longest)),
        Some(held @ "free_until") => {
            Err(BadParameter::new(SORT, held, "`name` or `duration`, where neither `at` nor `from` and `to` are there"))
        }
        Some(held) => Err(BadParameter::new(SORT, held, EXPECTED)),
    }
}

#[cfg(test)]
mod tests;
