//! The campus file: TOML, parsed with the position of each value, then validated into a [`Campus`].

use std::{
    collections::HashSet,
    ops::{Range, RangeInclusive},
};

use chrono::{NaiveDate, Weekday};
use serde::Deserialize;
use toml::Spanned;

use super::{Building, Campus, Classroom, LARGEST_CAPACITY, LONGEST_FEATURE, Location};
use crate::{
    opening_hours::{OpeningHours, Schedule, WEEKDAYS},
    time_of_day::TimeOfDay,
};

/// The schemes allowed in `contact`: a web page or a mailbox, and nothing that a browser would run.
const CONTACT_SCHEMES: [&str; 3] = ["https://", "http://", "mailto:"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCampus {
    name: Spanned<String>,
    timezone: Spanned<String>,
    contact: Option<Spanned<String>>,
    opens: Option<Spanned<String>>,
    closes: Option<Spanned<String>>,
    #[serde(default)]
    days: RawDays,
    #[serde(default)]
    closed: Vec<Spanned<String>>,
    #[serde(default)]
    buildings: Vec<Spanned<RawBuilding>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBuilding {
    code: Spanned<String>,
    name: Spanned<String>,
    opens: Option<Spanned<String>>,
    closes: Option<Spanned<String>>,
    #[serde(default)]
    days: RawDays,
    #[serde(default)]
    closed: Vec<Spanned<String>>,
    location: Option<Spanned<Vec<f64>>>,
    #[serde(default)]
    classrooms: Vec<RawClassroom>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDays {
    mon: Option<Spanned<String>>,
    tue: Option<Spanned<String>>,
    wed: Option<Spanned<String>>,
    thu: Option<Spanned<String>>,
    fri: Option<Spanned<String>>,
    sat: Option<Spanned<String>>,
    sun: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClassroom {
    id: Spanned<String>,
    name: Spanned<String>,
    capacity: Option<Spanned<u32>>,
    #[serde(default)]
    features: Vec<Spanned<String>>,
}

/// The reason why a TOML value was refused, without Rust's names of types. `held` is that value in the file.
pub(super) fn plain_reason(message: &str, held: &str) -> String {
    let expected = match message.rsplit_once(", expected ").map(|(_, expected)| expected) {
        _ if held.is_empty() => return message.to_owned(),
        Some("a string") => "text in quotes".to_owned(),
        Some("a sequence") if held.starts_with('[') => format!("`[{held}]`"),
        Some("a sequence") => "a list in brackets".to_owned(),
        Some("u32") => format!("a whole number between 1 and {LARGEST_CAPACITY}"),
        Some("f64") => "a number".to_owned(),
        Some(name) if name.starts_with("struct ") => "a table of keys and values".to_owned(),
        _ => return message.to_owned(),
    };
    match held.split_once('\n') {
        Some((line, _)) => format!("found `{line}…`; expected {expected}"),
        None => format!("found `{held}`; expected {expected}"),
    }
}

/// The position in the file and the reason.
pub(super) struct Invalid(pub(super) Range<usize>, pub(super) String);

impl RawCampus {
    pub(super) fn check(self) -> Result<Campus, Invalid> {
        let zone = self.timezone.get_ref();
        let timezone = zone.parse().map_err(|_| {
            let reason =
                format!("`{zone}` is not a time zone; expected a name in the tz database, such as America/New_York");
            Invalid(self.timezone.span(), reason)
        })?;
        if self.buildings.is_empty() {
            return Err(Invalid(0..0, "no rooms; expected at least one [[buildings]] with classrooms".to_owned()));
        }
        let defaults = RawHours::of_campus(&self);
        defaults.check()?;
        let (mut codes, mut ids) = (Unique::new("building code"), Unique::new("room id"));
        let buildings = self.buildings.iter().map(|building| check_building(building, &defaults, &mut codes, &mut ids));
        Ok(Campus {
            buildings: buildings.collect::<Result<_, _>>()?,
            name: text(&self.name, "name")?,
            timezone,
            contact: self.contact.as_ref().map(contact).transpose()?,
        })
    }
}

fn check_building(
    raw: &Spanned<RawBuilding>,
    defaults: &RawHours<'_>,
    codes: &mut Unique,
    ids: &mut Unique,
) -> Result<Building, Invalid> {
    let (span, raw) = (raw.span(), raw.get_ref());
    let code = codes.admit(&raw.code)?;
    if code.contains(',') {
        let reason = format!(
            "the building code `{code}` contains a comma; expected none, because commas separate codes in queries"
        );
        return Err(Invalid(raw.code.span(), reason));
    }
    let schedule = RawHours::of_building(raw, &code).schedule(defaults, span.clone())?;
    if raw.classrooms.is_empty() {
        return Err(Invalid(
            span,
            format!("no rooms in building {code}; expected at least one [[buildings.classrooms]]"),
        ));
    }
    Ok(Building {
        schedule,
        location: raw.location.as_ref().map(location).transpose()?,
        classrooms: raw.classrooms.iter().map(|room| check_room(room, ids)).collect::<Result<_, _>>()?,
        name: text(&raw.name, "name")?,
        code,
    })
}

fn check_room(raw: &RawClassroom, ids: &mut Unique) -> Result<Classroom, Invalid> {
    let capacity = raw.capacity.as_ref().map(|capacity| match capacity.get_ref() {
        people @ 1..=LARGEST_CAPACITY => Ok(*people),
        0 => Err(Invalid(
            capacity.span(),
            "the capacity is 0; expected a number from 1, or no `capacity` if it is unknown".to_owned(),
        )),
        people => Err(Invalid(
            capacity.span(),
            format!("the capacity is {people}; expected a number between 1 and {LARGEST_CAPACITY}"),
        )),
    });
    Ok(Classroom {
        id: ids.admit(&raw.id)?,
        name: text(&raw.name, "name")?,
        capacity: capacity.transpose()?,
        features: raw.features.iter().map(feature).collect::<Result<_, _>>()?,
    })
}

/// The opening-hours keys of a building or of the whole campus. A building inherits the keys that it lacks from the campus.
struct RawHours<'a> {
    /// The building or the campus, for errors.
    whose: String,
    opens: Option<&'a Spanned<String>>,
    closes: Option<&'a Spanned<String>>,
    days: &'a RawDays,
    closed: &'a [Spanned<String>],
}

impl<'a> RawHours<'a> {
    fn of_campus(raw: &'a RawCampus) -> Self {
        let RawCampus { opens, closes, days, closed, .. } = raw;
        Self { whose: "the campus".to_owned(), opens: opens.as_ref(), closes: closes.as_ref(), days, closed }
    }

    fn of_building(raw: &'a RawBuilding, code: &str) -> Self {
        let RawBuilding { opens, closes, days, closed, .. } = raw;
        Self { whose: format!("building {code}"), opens: opens.as_ref(), closes: closes.as_ref(), days, closed }
    }

    /// Checks the campus's keys, because perhaps no building inherits them.
    fn check(&self) -> Result<(), Invalid> {
        self.opens.map(time_of_day).transpose()?;
        self.closes.map(time_of_day).transpose()?;
        if let (Some(opens), Some(closes)) = (self.opens, self.closes) {
            self.hours(opens, closes)?;
        }
        for weekday in WEEKDAYS {
            self.days.on(weekday).map(|day| self.day(day)).transpose()?;
        }
        self.closed.iter().try_for_each(|days| closed_days(days).map(drop))
    }

    /// Builds the schedule, with missing keys taken from the campus. `span` is the position of the building.
    fn schedule(&self, campus: &Self, span: Range<usize>) -> Result<Schedule, Invalid> {
        let hours = match (self.opens.or(campus.opens), self.closes.or(campus.closes)) {
            (Some(opens), Some(closes)) => Some(self.hours(opens, closes)?),
            _ => None,
        };
        let mut schedule = Schedule::default();
        for weekday in WEEKDAYS {
            let hours = match (self.days.on(weekday), campus.days.on(weekday), hours) {
                (Some(day), _, _) | (None, Some(day), _) => self.day(day)?,
                (None, None, Some(hours)) => Some(hours),
                (None, None, None) => {
                    let reason = format!(
                        "{} has no opening hours; expected `opens` and `closes` here or at the top of the file",
                        self.whose
                    );
                    return Err(Invalid(span, reason));
                }
            };
            schedule.set(weekday, hours);
        }
        for days in campus.closed.iter().chain(self.closed) {
            schedule.close(closed_days(days)?);
        }
        Ok(schedule)
    }

    fn hours(&self, opens: &Spanned<String>, closes: &Spanned<String>) -> Result<OpeningHours, Invalid> {
        let times = (time_of_day(opens)?, time_of_day(closes)?);
        self.in_order(times, closes.span())
    }

    /// Parses the hours of a weekday, such as `08:00-19:00`; `None` for `closed`.
    fn day(&self, raw: &Spanned<String>) -> Result<Option<OpeningHours>, Invalid> {
        let held = raw.get_ref();
        if held.trim() == "closed" {
            return Ok(None);
        }
        let times = held.split_once('-').and_then(|(opens, closes)| {
            let time = |text: &str| text.trim().parse::<TimeOfDay>().ok();
            Some((time(opens)?, time(closes)?))
        });
        let times = times.ok_or_else(|| {
            Invalid(
                raw.span(),
                format!("`{held}` is not a range of hours; expected hours such as 08:00-19:00, or closed"),
            )
        })?;
        self.in_order(times, raw.span()).map(Some)
    }

    fn in_order(&self, (opens, closes): (TimeOfDay, TimeOfDay), span: Range<usize>) -> Result<OpeningHours, Invalid> {
        let reason = || format!("{} closes at {closes}; expected a time after {opens}, when it opens", self.whose);
        OpeningHours::new(opens, closes).ok_or_else(|| Invalid(span, reason()))
    }
}

impl RawDays {
    const fn on(&self, weekday: Weekday) -> Option<&Spanned<String>> {
        match weekday {
            Weekday::Mon => self.mon.as_ref(),
            Weekday::Tue => self.tue.as_ref(),
            Weekday::Wed => self.wed.as_ref(),
            Weekday::Thu => self.thu.as_ref(),
            Weekday::Fri => self.fri.as_ref(),
            Weekday::Sat => self.sat.as_ref(),
            Weekday::Sun => self.sun.as_ref(),
        }
    }
}

fn time_of_day(raw: &Spanned<String>) -> Result<TimeOfDay, Invalid> {
    raw.get_ref().parse().map_err(|error| Invalid(raw.span(), format!("{error}")))
}

/// Parses a day such as `2026-11-26`, or an inclusive range such as `2026-12-24..2027-01-01`.
fn closed_days(raw: &Spanned<String>) -> Result<RangeInclusive<NaiveDate>, Invalid> {
    let held = raw.get_ref();
    let refuse =
        |expected: &str| Invalid(raw.span(), format!("`{held}` is not a closed day or range; expected {expected}"));
    let (first, last) = held.split_once("..").unwrap_or((held, held));
    match (date(first), date(last)) {
        (Some(first), Some(last)) if first <= last => Ok(first..=last),
        (Some(_), Some(_)) => Err(refuse("the first day before the last")),
        _ => Err(refuse("a date such as 2026-11-26, or a range such as 2026-12-24..2027-01-01")),
    }
}

fn date(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    // chrono would also accept 2026-3-3 and +2026-03-03.
    text.parse().ok().filter(|date: &NaiveDate| date.to_string() == text)
}

fn location(raw: &Spanned<Vec<f64>>) -> Result<Location, Invalid> {
    match *raw.get_ref().as_slice() {
        [latitude, longitude] if latitude.abs() <= 90.0 && longitude.abs() <= 180.0 => {
            Ok(Location { latitude, longitude })
        }
        ref numbers => {
            let held = numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
            let reason = format!(
                "[{held}] is not a location; expected a latitude from -90 to 90 and a longitude from -180 to 180"
            );
            Err(Invalid(raw.span(), reason))
        }
    }
}

fn contact(raw: &Spanned<String>) -> Result<String, Invalid> {
    let address = text(raw, "contact")?;
    let is_address = |scheme: &str| address.len() > scheme.len() && address.starts_with(scheme);
    if CONTACT_SCHEMES.iter().any(|scheme| is_address(scheme)) && !address.contains(char::is_whitespace) {
        return Ok(address);
    }
    let reason = format!("`{address}` is not a contact; expected a URL that begins with https:// or mailto:");
    Err(Invalid(raw.span(), reason))
}

/// Parses a feature, which is short enough for a query string.
fn feature(raw: &Spanned<String>) -> Result<String, Invalid> {
    let feature = text(raw, "feature")?;
    if feature.chars().count() > LONGEST_FEATURE {
        let reason = format!(
            "the feature is too long; expected at most {LONGEST_FEATURE} characters, because queries repeat it"
        );
        return Err(Invalid(raw.span(), reason));
    }
    Ok(feature)
}

/// Parses a non-empty text that is safe in a URL, a log line and a page.
fn text(raw: &Spanned<String>, what: &str) -> Result<String, Invalid> {
    let text = raw.get_ref();
    if text.is_empty() || text.trim() != text || text.chars().any(char::is_control) {
        let reason = format!("the {what} is {text:?}; expected text without control characters or spaces around it");
        return Err(Invalid(raw.span(), reason));
    }
    Ok(text.clone())
}

/// Keys that must be unique.
struct Unique {
    what: &'static str,
    seen: HashSet<String>,
}

impl Unique {
    fn new(what: &'static str) -> Self {
        Self { what, seen: HashSet::new() }
    }

    fn admit(&mut self, raw: &Spanned<String>) -> Result<String, Invalid> {
        let key = text(raw, self.what)?;
        if self.seen.insert(key.clone()) {
            Ok(key)
        } else {
            Err(Invalid(raw.span(), format!("duplicate {} `{key}`", self.what)))
        }
    }
}
