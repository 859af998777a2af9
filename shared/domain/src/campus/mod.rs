//! A campus: its buildings, their opening hours and their classrooms, as a campus file (TOML) lists them.

use std::{collections::HashSet, ops::Range};

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::time_of_day::TimeOfDay;

/// The campus that is used when no campus file is given: two buildings of Boston University.
const BUILT_IN: &str = include_str!("../../../campuses/bu.toml");
const BUILT_IN_NAME: &str = "campuses/bu.toml";

/// A university as the service shows it. Its only door is [`Campus::parse`], so one that exists is valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Campus {
    /// What people call it.
    pub name: String,
    /// Every time that the service shows is in this zone.
    pub timezone: Tz,
    /// In the order of the campus file, which is the order shown.
    pub buildings: Vec<Building>,
}

/// A building: its rooms share its opening hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Building {
    /// The short code that stands before a room's name (`CAS`), unique on the campus.
    pub code: String,
    /// The full name.
    pub name: String,
    /// When one can be inside.
    pub hours: OpeningHours,
    /// In the order of the campus file, which is the order shown.
    pub classrooms: Vec<Classroom>,
}

/// The opening hours of a building, the same every day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct OpeningHours {
    opens: TimeOfDay,
    closes: TimeOfDay,
}

/// A room that 25Live knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Classroom {
    /// 25Live's `space_id`, unique on the campus.
    pub id: String,
    /// The room's number or name within its building.
    pub name: String,
}

/// Why a campus file was refused, and where.
#[derive(Debug, thiserror::Error)]
#[error("{file}, line {line}: {reason}")]
pub struct CampusError {
    file: String,
    line: usize,
    reason: String,
}

impl OpeningHours {
    /// Opening hours, unless closing does not come after opening.
    #[must_use]
    pub fn new(opens: TimeOfDay, closes: TimeOfDay) -> Option<Self> {
        (opens < closes).then_some(Self { opens, closes })
    }

    /// When the building opens.
    #[must_use]
    pub const fn opens(self) -> TimeOfDay {
        self.opens
    }

    /// When the building closes, later than it opens.
    #[must_use]
    pub const fn closes(self) -> TimeOfDay {
        self.closes
    }
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
    /// Not TOML; an unknown or a missing key; a duplicate building code or room id; a building that closes before it
    /// opens; an unknown time zone; no rooms.
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

/// The line, from 1, on which the byte at `offset` stands.
fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCampus {
    name: Spanned<String>,
    timezone: Spanned<String>,
    #[serde(default)]
    buildings: Vec<Spanned<RawBuilding>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBuilding {
    code: Spanned<String>,
    name: Spanned<String>,
    opens: Spanned<String>,
    closes: Spanned<String>,
    #[serde(default)]
    classrooms: Vec<RawClassroom>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClassroom {
    id: Spanned<String>,
    name: Spanned<String>,
}

/// Where in the file, and why.
struct Invalid(Range<usize>, String);

impl RawCampus {
    fn check(self) -> Result<Campus, Invalid> {
        let zone = self.timezone.get_ref();
        let timezone = zone.parse().map_err(|_| {
            let reason =
                format!("`{zone}` is not a time zone: it should be a name of the tz database, as America/New_York");
            Invalid(self.timezone.span(), reason)
        })?;
        if self.buildings.is_empty() {
            return Err(Invalid(
                0..0,
                "no rooms: there should be at least one [[buildings]] with classrooms".to_owned(),
            ));
        }
        let (mut codes, mut ids) = (Unique::new("building code"), Unique::new("room id"));
        let buildings = self.buildings.into_iter().map(|building| check_building(building, &mut codes, &mut ids));
        Ok(Campus { name: text(&self.name, "name")?, timezone, buildings: buildings.collect::<Result<_, _>>()? })
    }
}

fn check_building(raw: Spanned<RawBuilding>, codes: &mut Unique, ids: &mut Unique) -> Result<Building, Invalid> {
    let span = raw.span();
    let raw = raw.into_inner();
    let code = codes.admit(&raw.code)?;
    if code.contains(',') {
        let reason = format!("the building code `{code}` should have no comma: questions put commas between codes");
        return Err(Invalid(raw.code.span(), reason));
    }
    let (opens, closes) = (time_of_day(&raw.opens)?, time_of_day(&raw.closes)?);
    let hours = OpeningHours::new(opens, closes).ok_or_else(|| {
        Invalid(
            raw.closes.span(),
            format!("building {code} closes at {closes}, which is not after it opens at {opens}"),
        )
    })?;
    if raw.classrooms.is_empty() {
        return Err(Invalid(
            span,
            format!("no rooms: building {code} should have at least one [[buildings.classrooms]]"),
        ));
    }
    let classrooms = raw
        .classrooms
        .iter()
        .map(|room| Ok(Classroom { id: ids.admit(&room.id)?, name: text(&room.name, "name")? }))
        .collect::<Result<_, _>>()?;
    Ok(Building { code, name: text(&raw.name, "name")?, hours, classrooms })
}

fn time_of_day(raw: &Spanned<String>) -> Result<TimeOfDay, Invalid> {
    raw.get_ref().parse().map_err(|error| Invalid(raw.span(), format!("{error}")))
}

/// A text that says something and that can stand in a URL, a log line and a page.
fn text(raw: &Spanned<String>, what: &str) -> Result<String, Invalid> {
    let text = raw.get_ref();
    if text.is_empty() || text.trim() != text || text.chars().any(char::is_control) {
        let reason = format!("the {what} should be a text, without control characters or spaces around it");
        return Err(Invalid(raw.span(), reason));
    }
    Ok(text.clone())
}

/// Keys that must differ from each other.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMALL: &str = r#"
name = "Small College"
timezone = "Europe/Berlin"

[[buildings]]
code = "A"
name = "Hall A"
opens = "08:00"
closes = "24:00"

[[buildings.classrooms]]
id = "1"
name = "101"

[[buildings.classrooms]]
id = "2"
name = "102"
"#;

    fn refused(text: &str) -> String {
        Campus::parse("small.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn the_built_in_campus_has_its_two_buildings_and_77_rooms_in_order() {
        let campus = Campus::built_in();
        assert_eq!(campus.timezone, chrono_tz::America::New_York);
        let buildings: Vec<_> = campus
            .buildings
            .iter()
            .map(|b| (b.code.as_str(), b.hours.opens().to_string(), b.hours.closes().to_string(), b.classrooms.len()))
            .collect();
        assert_eq!(
            buildings,
            [("CAS", "07:00".into(), "23:00".into(), 54), ("CGS", "07:00".into(), "21:30".into(), 23)]
        );
        let ids: Vec<u32> = campus.buildings[0].classrooms.iter().map(|room| room.id.parse().unwrap()).collect();
        assert!(ids.is_sorted());
        assert_eq!(campus.classrooms().next().unwrap().1, &Classroom { id: "342".into(), name: "116".into() });
    }

    #[test]
    fn a_building_may_close_at_midnight() {
        let campus = Campus::parse("small.toml", SMALL).unwrap();
        assert_eq!(campus.buildings[0].hours.closes(), TimeOfDay::END);
        assert_eq!(campus.classrooms().count(), 2);
    }

    #[test]
    fn each_refusal_names_file_line_and_reason() {
        let cases = [
            (
                "opens = \"08:00\"",
                "opens = \"24:00\"",
                "small.toml, line 9: building A closes at 24:00, which is not after it opens at 24:00",
            ),
            ("id = \"2\"", "id = \"1\"", "small.toml, line 16: duplicate room id `1`"),
            ("code = \"A\"", "code = \"A,B\"", "small.toml, line 6: the building code `A,B` should have no comma"),
            ("Europe/Berlin", "Europe/Bärlin", "small.toml, line 3: `Europe/Bärlin` is not a time zone"),
            ("opens = \"08:00\"", "opens = \"8\"", "small.toml, line 8: `8` is not a time of day"),
            ("name = \"102\"", "nmae = \"102\"", "small.toml, line 17: unknown field `nmae`"),
            ("name = \"102\"", "name = \"\"", "small.toml, line 17: the name should be a text"),
            ("name = \"102\"", "name = 102", "small.toml, line 17: invalid type: integer `102`, expected a string"),
        ];
        for (from, to, expected) in cases {
            let refusal = refused(&SMALL.replace(from, to));
            assert!(refusal.starts_with(expected), "{refusal} should start with {expected}");
        }
    }

    #[test]
    fn a_duplicate_building_code_is_refused() {
        let twice =
            format!("{SMALL}\n[[buildings]]\ncode = \"A\"\nname = \"B\"\nopens = \"08:00\"\ncloses = \"09:00\"\n");
        assert_eq!(refused(&twice), "small.toml, line 20: duplicate building code `A`");
    }

    #[test]
    fn a_campus_without_rooms_is_refused() {
        assert!(refused("name = \"X\"\ntimezone = \"UTC\"").contains("line 1: no rooms"));
        let empty = SMALL.split("[[buildings.classrooms]]").next().unwrap();
        assert!(refused(empty).starts_with("small.toml, line 5: no rooms: building A"), "{}", refused(empty));
    }
    /// A building as it is written: code, opening and closing time, the rooms' ids.
    type Written = (String, (u16, u16), Vec<String>);

    /// Few codes, ids and times, so that they often clash; and some texts that are none.
    fn written() -> impl Strategy<Value = Vec<Written>> {
        let text = |pattern| prop_oneof![8 => pattern, 1 => any::<String>()];
        let hours = prop_oneof![(0..15_u16, 10..25_u16), (0..26_u16, 0..26_u16)];
        let rooms = prop::collection::vec(text("[0-9]{3}"), 0..5);
        prop::collection::vec((text("[A-Z]{2}"), hours, rooms), 0..4)
    }

    fn file(buildings: &[Written]) -> String {
        // JSON's strings are TOML's, but for a control character that no name may have anyway.
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        let buildings = buildings.iter().map(|(code, (opens, closes), ids)| {
            let rooms =
                ids.iter().map(|id| format!("{{ id = {}, name = '1' }},", quoted(id))).collect::<Vec<_>>().concat();
            let hours = format!("opens = '{opens:02}:00'\ncloses = '{closes:02}:00'");
            format!("[[buildings]]\ncode = {}\nname = 'A'\n{hours}\nclassrooms = [{rooms}]\n", quoted(code))
        });
        format!("name = 'Small'\ntimezone = 'UTC'\n{}", buildings.collect::<Vec<_>>().concat())
    }

    /// Whether a campus may be so, by the rules of campus files.
    fn is_campus(buildings: &[Written]) -> bool {
        let is_text = |text: &&String| !text.is_empty() && text.trim() == *text && !text.contains(char::is_control);
        let differ = |texts: &[&String]| texts.iter().collect::<HashSet<_>>().len() == texts.len();
        let codes: Vec<_> = buildings.iter().map(|(code, ..)| code).collect();
        let ids: Vec<_> = buildings.iter().flat_map(|(_, _, ids)| ids).collect();
        !buildings.is_empty()
            && buildings.iter().all(|(_, (opens, closes), ids)| opens < closes && *closes <= 24 && !ids.is_empty())
            && codes.iter().chain(&ids).all(is_text)
            && codes.iter().all(|code| !code.contains(','))
            && differ(&codes)
            && differ(&ids)
    }

    /// A campus file of which a piece was cut out or written over.
    fn damaged() -> impl Strategy<Value = String> {
        let at = || any::<prop::sample::Index>();
        (at(), at(), prop_oneof![Just(String::new()), any::<String>()]).prop_map(|(from, length, piece)| {
            let characters: Vec<_> = SMALL.chars().collect();
            let from = from.index(characters.len());
            let to = from + length.index(characters.len() - from);
            characters[..from].iter().copied().chain(piece.chars()).chain(characters[to..].iter().copied()).collect()
        })
    }

    proptest! {
        #[test]
        fn a_campus_is_read_exactly_if_it_keeps_the_rules(written in written()) {
            match Campus::parse("any.toml", &file(&written)) {
                Err(refusal) => prop_assert!(!is_campus(&written), "{}", refusal),
                Ok(campus) => {
                    prop_assert!(is_campus(&written));
                    let read = campus.buildings.into_iter().map(|building| {
                        let hours = (building.hours.opens().minutes() / 60, building.hours.closes().minutes() / 60);
                        (building.code, hours, building.classrooms.into_iter().map(|room| room.id).collect())
                    });
                    prop_assert_eq!(read.collect::<Vec<Written>>(), written);
                }
            }
        }

        #[test]
        fn a_damaged_campus_file_is_refused_with_a_line_of_it_or_is_another_campus(text in damaged()) {
            match Campus::parse("any.toml", &text) {
                Ok(campus) => prop_assert!(campus.classrooms().count() > 0),
                Err(CampusError { line, reason, .. }) => {
                    prop_assert!((1..=text.split('\n').count()).contains(&line) && !reason.is_empty());
                }
            }
        }
    }
}
