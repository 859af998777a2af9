//! A campus: its buildings, their opening hours and their classrooms, as a campus file (TOML) lists them.

mod file;

use std::ops::Range;

use chrono::NaiveDate;
use chrono_tz::Tz;

use self::file::{Invalid, RawCampus, plain_reason};
pub use crate::opening_hours::OpeningHours;
use crate::opening_hours::Schedule;

/// The default campus, without a campus file: two buildings of Boston University.
const BUILT_IN: &str = include_str!("../../../../campuses/bu.toml");
const BUILT_IN_NAME: &str = "campuses/bu.toml";

/// The upper limit of a room's capacity, more than any room holds.
pub const LARGEST_CAPACITY: u32 = 1_000_000;
/// The maximum length of a feature, in characters.
pub const LONGEST_FEATURE: usize = 100;

/// A university as the service shows it. Its only constructor is [`Campus::parse`], so every value is valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Campus {
    /// The name shown to people.
    pub name: String,
    /// The time zone of all times that the service shows.
    pub timezone: Tz,
    /// Where people can ask about the rooms: a URL that begins with `https://`, `http://` or `mailto:`.
    pub contact: Option<String>,
    /// In the order of the campus file, which is the order shown.
    pub buildings: Vec<Building>,
}

/// A building, whose rooms share its opening hours.
#[derive(Clone, Debug, PartialEq)]
pub struct Building {
    /// The short code shown before a room's name (`CAS`), unique on the campus.
    pub code: String,
    /// The full name.
    pub name: String,
    /// Its opening hours and closed days, the campus's holidays included.
    pub schedule: Schedule,
    /// Its position, if known.
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

/// A room in 25Live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classroom {
    /// 25Live's `space_id`, unique on the campus.
    pub id: String,
    /// The room's number or name within its building.
    pub name: String,
    /// The number of people it holds, if known.
    pub capacity: Option<u32>,
    /// Its equipment, such as "Projector", in the order of the campus file.
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
    /// Returns the built-in campus, Boston University.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the file is embedded, and a test parses it")]
    pub fn built_in() -> Self {
        Self::parse(BUILT_IN_NAME, BUILT_IN).expect("the built-in campus file is valid")
    }

    /// Parses a campus file. `file` is its name, for errors only.
    ///
    /// # Errors
    /// Invalid TOML; an unknown or missing key; a duplicate building code or room id; a building without opening hours, or one
    /// that closes before it opens; an unknown time zone; an invalid value; no rooms.
    pub fn parse(file: &str, text: &str) -> Result<Self, CampusError> {
        let refuse = |span: Range<usize>, reason: String| CampusError {
            file: file.to_owned(),
            line: line_of(text, span.start),
            reason,
        };
        let raw: RawCampus = toml::from_str(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            let held = text.get(span.clone()).unwrap_or_default();
            refuse(span, plain_reason(error.message(), held))
        })?;
        raw.check().map_err(|Invalid(span, reason)| refuse(span, reason))
    }

    /// Returns every classroom with its building, in the order shown.
    pub fn classrooms(&self) -> impl Iterator<Item = (&Building, &Classroom)> {
        self.buildings.iter().flat_map(|building| building.classrooms.iter().map(move |room| (building, room)))
    }
}

impl Building {
    /// Returns the opening hours on a day; `None` if the building is closed.
    #[must_use]
    pub fn hours_on(&self, date: NaiveDate) -> Option<OpeningHours> {
        self.schedule.on(date)
    }
}

/// Returns the number, from 1, of the line that contains the byte at `offset`.
fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests;
