//! A campus: its buildings, their opening hours and their classrooms, as a campus file (TOML) lists them.

mod file;

use std::ops::Range;

use chrono::NaiveDate;
use chrono_tz::Tz;

use self::file::{Invalid, RawCampus};
pub use crate::opening_hours::OpeningHours;
use crate::opening_hours::Schedule;

/// The campus that is used when no campus file is given: two buildings of Boston University.
const BUILT_IN: &str = include_str!("../../../../campuses/bu.toml");
const BUILT_IN_NAME: &str = "campuses/bu.toml";

/// More people than any room holds.
pub const LARGEST_CAPACITY: u32 = 1_000_000;
/// How long the text of a feature may be, in characters.
pub const LONGEST_FEATURE: usize = 100;

/// A university as the service shows it. Its only door is [`Campus::parse`], so one that exists is valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Campus {
    /// What people call it.
    pub name: String,
    /// Every time that the service shows is in this zone.
    pub timezone: Tz,
    /// Where people can ask about the rooms: an address that begins with `https://`, `http://` or `mailto:`.
    pub contact: Option<String>,
    /// In the order of the campus file, which is the order shown.
    pub buildings: Vec<Building>,
}

/// A building: its rooms share its opening hours.
#[derive(Clone, Debug, PartialEq)]
pub struct Building {
    /// The short code that stands before a room's name (`CAS`), unique on the campus.
    pub code: String,
    /// The full name.
    pub name: String,
    /// When it is open, with the campus's holidays.
    pub schedule: Schedule,
    /// Where it is.
    pub location: Option<Location>,
    /// In the order of the campus file, which is the order shown.
    pub classrooms: Vec<Classroom>,
}

/// A place on earth (WGS 84).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Location {
    /// Degrees north of the equator, from -90 to 90.
    pub latitude: f64,
    /// Degrees east of Greenwich, from -180 to 180.
    pub longitude: f64,
}

/// A room that 25Live knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classroom {
    /// 25Live's `space_id`, unique on the campus.
    pub id: String,
    /// The room's number or name within its building.
    pub name: String,
    /// How many people it holds, if that is known.
    pub capacity: Option<u32>,
    /// What it has, such as "Projector", in the order of the campus file.
    pub features: Vec<String>,
}

/// Why a campus file was refused, and where.
#[derive(Debug, thiserror::Error)]
#[error("{file}, line {line}: {reason}")]
pub struct CampusError {
    file: String,
    line: usize,
    reason: String,
}

impl Campus {
    /// The built-in campus: Boston University.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the file is part of the program, and a test reads it")]
    pub fn built_in() -> Self {
        Self::parse(BUILT_IN_NAME, BUILT_IN).expect("the built-in campus file keeps the rules")
    }

    /// Reads a campus file. `file` is its name, for the error alone.
    ///
    /// # Errors
    /// Not TOML; an unknown or a missing key; a duplicate building code or room id; a building without opening hours, or that
    /// closes before it opens; an unknown time zone; a value that is none of its key; no rooms.
    pub fn parse(file: &str, text: &str) -> Result<Self, CampusError> {
        let refuse = |span: Range<usize>, reason: String| CampusError {
            file: file.to_owned(),
            line: line_of(text, span.start),
            reason,
        };
        let raw: RawCampus =
            toml::from_str(text).map_err(|error| refuse(error.span().unwrap_or(0..0), error.message().to_owned()))?;
        raw.check().map_err(|Invalid(span, reason)| refuse(span, reason))
    }

    /// Every classroom, with the building it is in, in the order shown.
    pub fn classrooms(&self) -> impl Iterator<Item = (&Building, &Classroom)> {
        self.buildings.iter().flat_map(|building| building.classrooms.iter().map(move |room| (building, room)))
    }
}

impl Building {
    /// When the building is open on a day; `None` if it is closed on it.
    #[must_use]
    pub fn hours_on(&self, date: NaiveDate) -> Option<OpeningHours> {
        self.schedule.on(date)
    }
}

/// The line, from 1, on which the byte at `offset` stands.
fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests;
