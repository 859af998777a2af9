use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::time_of_day::TimeOfDay;

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

fn room(id: &str, name: &str) -> Classroom {
    Classroom { id: id.into(), name: name.into(), capacity: None, features: Vec::new() }
}

/// The opening hours of a building that has the same ones all week.
fn usual(building: &Building) -> OpeningHours {
    building.schedule.same_all_week().unwrap()
}

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
        .map(|b| (b.code.as_str(), usual(b).opens().to_string(), usual(b).closes().to_string(), b.classrooms.len()))
        .collect();
    assert_eq!(buildings, [("CAS", "07:00".into(), "23:00".into(), 54), ("CGS", "07:00".into(), "21:30".into(), 23)]);
    let ids: Vec<u32> = campus.buildings[0].classrooms.iter().map(|room| room.id.parse().unwrap()).collect();
    assert!(ids.is_sorted());
    assert_eq!(campus.classrooms().next().unwrap().1, &room("342", "116"));
}

#[test]
fn a_building_may_close_at_midnight() {
    let campus = Campus::parse("small.toml", SMALL).unwrap();
    assert_eq!(usual(&campus.buildings[0]).closes(), TimeOfDay::END);
    assert_eq!(campus.classrooms().count(), 2);
}

#[test]
fn each_refusal_names_file_line_and_reason() {
    let cases = [
        (
            "opens = \"08:00\"",
            "opens = \"24:00\"",
            "small.toml, line 9: building A closes at 24:00; expected a time after 24:00, when it opens",
        ),
        ("id = \"2\"", "id = \"1\"", "small.toml, line 16: duplicate room id `1`"),
        (
            "code = \"A\"",
            "code = \"A,B\"",
            "small.toml, line 6: the building code `A,B` contains a comma; expected none",
        ),
        ("Europe/Berlin", "Europe/Bärlin", "small.toml, line 3: `Europe/Bärlin` is not a time zone"),
        ("opens = \"08:00\"", "opens = \"8\"", "small.toml, line 8: `8` is not a time of day"),
        ("name = \"102\"", "nmae = \"102\"", "small.toml, line 17: unknown field `nmae`"),
        ("name = \"102\"", "name = \"\"", "small.toml, line 17: the name is \"\"; expected text"),
        ("name = \"102\"", "name = 102", "small.toml, line 17: found `102`; expected text in quotes"),
        ("opens = \"08:00\"", "opens = 08:00", "small.toml, line 8: found `08:00`; expected text in quotes"),
    ];
    for (from, to, expected) in cases {
        let refusal = refused(&SMALL.replace(from, to));
        assert!(refusal.starts_with(expected), "{refusal} should start with {expected}");
    }
}

#[test]
fn a_duplicate_building_code_is_refused() {
    let twice = format!("{SMALL}\n[[buildings]]\ncode = \"A\"\nname = \"B\"\nopens = \"08:00\"\ncloses = \"09:00\"\n");
    assert_eq!(refused(&twice), "small.toml, line 20: duplicate building code `A`");
}

#[test]
fn a_campus_without_rooms_is_refused() {
    assert!(refused("name = \"X\"\ntimezone = \"UTC\"").contains("line 1: no rooms"));
    let empty = SMALL.split("[[buildings.classrooms]]").next().unwrap();
    assert!(refused(empty).starts_with("small.toml, line 5: no rooms in building A"), "{}", refused(empty));
}
/// A building in a campus file: its code, its opening and closing hour, and the ids of its rooms.
type Written = (String, (u16, u16), Vec<String>);

/// Few codes, ids and times, so that they often clash, and some invalid ones.
fn written() -> impl Strategy<Value = Vec<Written>> {
    let text = |pattern| prop_oneof![8 => pattern, 1 => any::<String>()];
    let hours = prop_oneof![(0..15_u16, 10..25_u16), (0..26_u16, 0..26_u16)];
    let rooms = prop::collection::vec(text("[0-9]{3}"), 0..5);
    prop::collection::vec((text("[A-Z]{2}"), hours, rooms), 0..4)
}

fn file(buildings: &[Written]) -> String {
    // A JSON string is a TOML string, except for a control character that no name may have anyway.
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let buildings = buildings.iter().map(|(code, (opens, closes), ids)| {
        let rooms = ids.iter().map(|id| format!("{{ id = {}, name = '1' }},", quoted(id))).collect::<Vec<_>>().concat();
        let hours = format!("opens = '{opens:02}:00'\ncloses = '{closes:02}:00'");
        format!("[[buildings]]\ncode = {}\nname = 'A'\n{hours}\nclassrooms = [{rooms}]\n", quoted(code))
    });
    format!("name = 'Small'\ntimezone = 'UTC'\n{}", buildings.collect::<Vec<_>>().concat())
}

/// Whether the campus follows the rules of campus files.
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

/// A campus file with a piece cut out or overwritten.
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
    fn a_campus_file_is_accepted_exactly_if_it_follows_the_rules(written in written()) {
        match Campus::parse("any.toml", &file(&written)) {
            Err(refusal) => prop_assert!(!is_campus(&written), "{}", refusal),
            Ok(campus) => {
                prop_assert!(is_campus(&written));
                let read = campus.buildings.into_iter().map(|building| {
                    let hours = (usual(&building).opens().minutes() / 60, usual(&building).closes().minutes() / 60);
                    (building.code, hours, building.classrooms.into_iter().map(|room| room.id).collect())
                });
                prop_assert_eq!(read.collect::<Vec<Written>>(), written);
            }
        }
    }

    #[test]
    fn a_damaged_campus_file_is_refused_with_a_line_number_or_is_still_valid(text in damaged()) {
        match Campus::parse("any.toml", &text) {
            Ok(campus) => prop_assert!(campus.classrooms().count() > 0),
            Err(CampusError { line, reason, .. }) => {
                prop_assert!((1..=text.split('\n').count()).contains(&line) && !reason.is_empty());
            }
        }
    }
}

/// Every optional key.
const HOURS: &str = r#"
name = "Small College"
timezone = "America/New_York"
opens = "07:00"
closes = "23:00"
days = { sun = "closed" }
closed = ["2026-11-26", "2026-12-24..2027-01-01"]
contact = "https://example.edu/rooms"

[[buildings]]
code = "A"
name = "Says nothing"
classrooms = [{ id = "1", name = "101", capacity = 40, features = ["IT: Network, Wired", "Projector"] }]

[[buildings]]
code = "B"
name = "Says all"
opens = "08:00"
closes = "22:00"
days = { sat = "09:00 - 24:00", sun = "10:00-18:00" }
closed = ["2027-03-08..2027-03-12"]
location = [42.3504, -71]
classrooms = [{ id = "2", name = "102" }]
"#;

#[test]
fn a_building_inherits_missing_opening_hours_from_the_campus() {
    let campus = Campus::parse("hours.toml", HOURS).unwrap();
    let [says_nothing, says_all] = campus.buildings.as_slice() else { panic!("{campus:?}") };
    let hours = |building: &Building, date: &str| {
        let hours = building.hours_on(date.parse().unwrap());
        hours.map_or_else(|| "closed".to_owned(), |hours| format!("{}-{}", hours.opens(), hours.closes()))
    };
    for (date, nothing, all) in [
        ("2026-11-25", "07:00-23:00", "08:00-22:00"),
        ("2026-11-26", "closed", "closed"),
        ("2026-11-28", "07:00-23:00", "09:00-24:00"),
        ("2026-11-29", "closed", "10:00-18:00"),
        ("2026-12-23", "07:00-23:00", "08:00-22:00"),
        ("2026-12-24", "closed", "closed"),
        ("2027-01-01", "closed", "closed"),
        ("2027-01-02", "07:00-23:00", "09:00-24:00"),
        ("2027-03-08", "07:00-23:00", "closed"),
        ("2027-03-12", "07:00-23:00", "closed"),
        ("2027-03-13", "07:00-23:00", "09:00-24:00"),
    ] {
        assert_eq!((hours(says_nothing, date).as_str(), hours(says_all, date).as_str()), (nothing, all), "{date}");
    }
}

#[test]
fn contact_location_capacity_and_features_are_read() {
    let campus = Campus::parse("hours.toml", HOURS).unwrap();
    assert_eq!(campus.contact.as_deref(), Some("https://example.edu/rooms"));
    assert_eq!(campus.buildings[0].location, None);
    assert_eq!(campus.buildings[1].location, Some(Location { latitude: 42.3504, longitude: -71.0 }));
    let features = vec!["IT: Network, Wired".to_owned(), "Projector".to_owned()];
    assert_eq!(campus.buildings[0].classrooms, [Classroom { capacity: Some(40), features, ..room("1", "101") }]);
    assert_eq!(campus.buildings[1].classrooms, [room("2", "102")]);
}

#[test]
fn a_building_needs_no_opens_and_closes_when_every_day_of_the_week_has_hours() {
    let days = r#"days = { mon = "08:00-20:00", tue = "08:00-20:00", wed = "closed", thu = "08:00-20:00", fri = "08:00-20:00", sat = "closed", sun = "closed" }"#;
    let text = SMALL.replace("opens = \"08:00\"\ncloses = \"24:00\"", days);
    let building = &Campus::parse("small.toml", &text).unwrap().buildings[0];
    assert_eq!(building.hours_on("2026-11-25".parse().unwrap()), None, "a Wednesday");
    assert!(building.hours_on("2026-11-27".parse().unwrap()).is_some(), "a Friday");
}

#[test]
fn each_bad_optional_value_is_refused_with_line_and_reason() {
    let long = format!("\"{}\"", "x".repeat(101));
    let cases = [
        ("opens = \"07:00\"\n", "", "line 9: building A has no opening hours; expected `opens` and `closes`"),
        (
            "closes = \"23:00\"",
            "closes = \"06:00\"",
            "line 5: the campus closes at 06:00; expected a time after 07:00, when it opens",
        ),
        (
            "sun = \"closed\"",
            "sun = \"close\"",
            "line 6: `close` is not a range of hours; expected hours such as 08:00-19:00, or closed",
        ),
        ("sun = \"closed\"", "sunday = \"closed\"", "line 6: unknown field `sunday`"),
        (
            "sun = \"10:00-18:00\"",
            "sun = \"10:00-08:00\"",
            "line 20: building B closes at 08:00; expected a time after 10:00, when it opens",
        ),
        (
            "\"2026-11-26\"",
            "\"26.11.2026\"",
            "line 7: `26.11.2026` is not a closed day or range; expected a date such as 2026-11-26",
        ),
        (
            "2027-03-08..",
            "2027-03-28..",
            "line 21: `2027-03-28..2027-03-12` is not a closed day or range; expected the first day before",
        ),
        (
            "https://example.edu/rooms",
            "javascript:alert(1)",
            "line 8: `javascript:alert(1)` is not a contact; expected",
        ),
        ("[42.3504, -71]", "[-71, 242]", "line 22: [-71, 242] is not a location; expected a latitude"),
        ("[42.3504, -71]", "[nan, 0]", "line 22: [NaN, 0] is not a location"),
        ("capacity = 40", "capacity = 0", "line 13: the capacity is 0; expected a number from 1, or no `capacity`"),
        (
            "capacity = 40",
            "capacity = 1000001",
            "line 13: the capacity is 1000001; expected a number between 1 and 1000000",
        ),
        ("\"Projector\"", long.as_str(), "line 13: the feature is too long; expected at most 100 characters"),
        ("[42.3504, -71]", "[42.3504, -71, 3]", "line 22: [42.3504, -71, 3] is not a location"),
        ("[42.3504, -71]", "[42.3504]", "line 22: [42.3504] is not a location"),
        ("capacity = 40", "capacity = -4", "line 13: found `-4`; expected a whole number between 1 and 1000000"),
        ("capacity = 40", "capacity = 4.5", "line 13: found `4.5`; expected a whole number between 1 and 1000000"),
        ("capacity = 40", "capacity = 99999999999", "line 13: found `99999999999`; expected a whole number"),
        ("\"2026-11-26\"", "2026-11-26", "line 7: found `2026-11-26`; expected text in quotes"),
        (
            "features = [\"IT: Network, Wired\", \"Projector\"]",
            "features = \"A, B\"",
            "line 13: found `\"A, B\"`; expected a list in brackets",
        ),
        ("\"Projector\"", "\" \"", "line 13: the feature is \" \"; expected text"),
        ("[42.3504, -71]", "[\"42.3504\", -71]", "line 22: found `\"42.3504\"`; expected a number"),
        ("days = { sun = \"closed\" }", "days = \"closed\"", "line 6: found `\"closed\"`; expected a table"),
        ("capacity = 40", "capacity = [\n40]", "line 13: found `[…`; expected a whole number"),
    ];
    for (from, to, expected) in cases {
        assert!(HOURS.contains(from), "{from}");
        let refusal = refused(&HOURS.replacen(from, to, 1));
        assert!(refusal.contains(expected), "{refusal} should contain {expected}");
    }
    let table = refused("name = \"X\"\ntimezone = \"UTC\"\n[buildings]\n");
    assert!(table.contains("line 3: found `[buildings]`; expected `[[buildings]]`"), "{table}");
}
