//! Formats the findings of `campus check`. Pure.

use std::{collections::BTreeMap, fmt::Write, ops::RangeInclusive, time::Duration};

use chrono::NaiveDate;
use emptyclassroom::domain::{
    bookings::Bookings,
    campus::{Building, Campus, Classroom},
    opening_hours::WEEKDAYS,
};

use super::{
    file::{CHECK, day_text, is_marked, key_of},
    hours::{Grid, shows_closures},
    terminal::count,
};

/// The maximum number of lines in a list.
const MOST_LINES: usize = 20;
/// The check stops after this many failed rooms if no request was answered.
const HOPELESS: usize = 8;
/// The values of `UPSTREAM_CONCURRENCY` with an estimate.
const CONCURRENCIES: [u32; 3] = [8, 16, 32];
/// The time limit of a scheduled sweep, in seconds: the default of `SWEEP_TIMEOUT`.
const SWEEP_TIMEOUT: u64 = 600;
/// The time limit of a manual refresh, in seconds.
const MANUAL: u64 = 25;

/// The answers of 25Live for the rooms of a campus.
#[derive(Debug, Default)]
pub struct Findings {
    /// The number of rooms of the campus.
    pub rooms: usize,
    /// The number of requested rooms.
    pub asked: usize,
    /// The number of simultaneous requests.
    pub concurrency: usize,
    /// The sum of all response times.
    pub took: Duration,
    /// The answers.
    pub answers: Vec<Bookings>,
    /// The rooms without an answer, with the reason.
    pub failures: Vec<String>,
    /// Whether 25Live asked to sign in.
    pub sign_in: bool,
}

impl Findings {
    /// Adds the answer for a room.
    pub fn add(&mut self, building: &Building, room: &Classroom, bookings: Bookings, today: NaiveDate) {
        if bookings.on(today).is_none() {
            let why = "25Live returned nothing for today; it may not know this id";
            self.fail(building, room, why);
        } else {
            self.answers.push(bookings);
        }
    }

    /// Adds a room without an answer.
    pub fn fail(&mut self, building: &Building, room: &Classroom, why: &str) {
        self.failures.push(format!("{:>6}  {} {}: {why}", room.id, building.code, room.name));
    }

    /// Whether more requests are pointless.
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        self.answers.is_empty() && self.failures.len() >= HOPELESS
    }
}

/// Describes the campus, with one line for each building.
#[must_use]
pub fn campus(file: &str, text: &str, campus: &Campus) -> String {
    let marks = text.lines().filter(|line| is_marked(line)).count();
    let rooms = campus.classrooms().count();
    let buildings = count(campus.buildings.len(), "building");
    let mut text = format!("{file} is a valid campus file.\n");
    if marks > 0 {
        line(&mut text, &format!("Still marked `{CHECK}`: {}.", count(marks, "line")));
    }
    line(&mut text, &format!("{}, {}: {buildings}, {}", campus.name, campus.timezone, count(rooms, "room")));
    let width = campus.buildings.iter().map(|building| building.code.chars().count()).max().unwrap_or_default();
    for building in &campus.buildings {
        let Building { code, name, .. } = building;
        let rooms = count(building.classrooms.len(), "room");
        line(&mut text, &format!("  {code:width$}  {name}: {rooms}, {}", week(building)));
    }
    let closed = closed(campus);
    if !closed.is_empty() {
        line(&mut text, &format!("Closed: {}.", closed.join(", ")));
    }
    text
}

/// The closed days that all buildings share.
fn closed(campus: &Campus) -> Vec<String> {
    let Some((first, rest)) = campus.buildings.split_first() else { return Vec::new() };
    let everywhere = first
        .schedule
        .closed()
        .iter()
        .filter(|days| rest.iter().all(|building| building.schedule.closed().contains(days)));
    let text = |days: &RangeInclusive<NaiveDate>| {
        if days.start() == days.end() {
            days.start().to_string()
        } else {
            format!("{} to {}", days.start(), days.end())
        }
    };
    everywhere.map(text).collect()
}

/// A building's usual hours and the weekdays that differ.
fn week(building: &Building) -> String {
    let days: Vec<_> =
        WEEKDAYS.iter().map(|weekday| (*weekday, day_text(building.schedule.on_weekday(*weekday)))).collect();
    let mut times = BTreeMap::<&str, usize>::new();
    for (_, text) in &days {
        *times.entry(text).or_default() += 1;
    }
    let usual = times.into_iter().max_by_key(|(_, times)| *times).map(|(text, _)| text).unwrap_or_default();
    let others =
        days.iter().filter(|(_, text)| text != usual).map(|(weekday, text)| format!("{} {text}", key_of(*weekday)));
    std::iter::once(usual.to_owned()).chain(others).collect::<Vec<_>>().join(", ")
}

/// Compares the campus with 25Live.
#[must_use]
pub fn against(campus: &Campus, findings: &Findings) -> String {
    let mut text = String::from("\n");
    let answered = findings.answers.len();
    line(&mut text, &format!("25Live answered for {answered} of {}.", count(findings.rooms, "room")));
    if findings.sign_in {
        line(&mut text, "25Live asks guests to sign in to see availability, and EmptyClassroom reads it as a guest.");
    }
    list(&mut text, "Rooms without an answer (id, room, reason):", &findings.failures);
    if findings.asked < findings.rooms {
        line(&mut text, &format!("The check stopped because the first {} rooms all failed.", findings.asked));
    }
    if answered > 0 {
        shown(&mut text, campus, findings);
        estimate(&mut text, findings);
    }
    text
}

fn shown(text: &mut String, campus: &Campus, findings: &Findings) {
    let Some(grid) = Grid::of(findings.answers.iter()) else {
        line(
            text,
            "No room has any booking for a month. That is unlikely: guests may not be able to see bookings here.",
        );
        return;
    };
    line(text, &format!("All bookings and closures are between {} and {}.", grid.from, grid.to));
    let outside: Vec<_> = campus.buildings.iter().filter_map(|building| outside(building, grid)).collect();
    list(
        text,
        "These opening hours extend beyond that. 25Live may show nothing there, so rooms may look free:",
        &outside,
    );
    line(
        text,
        if shows_closures(findings.answers.iter()) {
            "Closures are visible: a closed building is not shown as free."
        } else {
            "No closures are visible: set weekends and holidays in the campus file (`days`, `closed`)."
        },
    );
}

/// The hours of a building, if they extend beyond what 25Live shows.
fn outside(building: &Building, grid: Grid) -> Option<String> {
    let mut hours = WEEKDAYS.iter().filter_map(|weekday| building.schedule.on_weekday(*weekday));
    let is_outside = hours.any(|hours| hours.opens() < grid.from || hours.closes() > grid.to);
    is_outside.then(|| format!("  {}  {}", building.code, week(building)))
}

/// Estimates the duration of a sweep, if simultaneous requests do not slow each other down.
fn estimate(text: &mut String, findings: &Findings) {
    let Ok(asked) = u32::try_from(findings.asked.max(1)) else { return };
    let mean = findings.took / asked;
    let rooms = u32::try_from(findings.rooms).unwrap_or(u32::MAX);
    line(
        text,
        &format!(
            "A room took {:.2} s on average, with {} requests at a time. A sweep would take about:",
            mean.as_secs_f64(),
            findings.concurrency
        ),
    );
    for concurrency in CONCURRENCIES {
        let sweep = mean.saturating_mul(rooms.div_ceil(concurrency));
        let seconds = sweep.as_secs_f64();
        let verdict = match sweep.as_secs() {
            ..MANUAL => "short enough for a manual refresh (25 s)",
            MANUAL..SWEEP_TIMEOUT => "short enough for the daily refresh (600 s), too long for a manual one (25 s)",
            _ => "too long, even for the daily refresh (600 s)",
        };
        line(text, &format!("  {seconds:>6.1} s with UPSTREAM_CONCURRENCY={concurrency}: {verdict}"));
    }
}

fn list(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    line(text, title);
    lines.iter().take(MOST_LINES).for_each(|entry| line(text, entry));
    if let Some(more) = lines.len().checked_sub(MOST_LINES).filter(|more| *more > 0) {
        line(text, &format!("  and {more} more"));
    }
}

fn line(text: &mut String, line: &str) {
    let _: Result<(), _> = writeln!(text, "{line}");
}
