//! A campus file.

use std::collections::HashSet;

use emptyclassroom::domain::campus::{Building, Campus};
use toml::{Table, Value};

/// Reads the bytes as a campus file. Whatever is read keeps every rule of such a file, and reads back when written.
///
/// # Panics
/// A promise is broken.
pub fn check(bytes: &[u8]) {
    // Nothing else is handed to the parser: a file that is no text cannot be read at all.
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Campus::parse("campus.toml", text) {
        Ok(campus) => {
            check_rules(&campus);
            check_keys(text);
            let again = Campus::parse("again.toml", &written(&campus)).expect("a campus written again should be read");
            assert_eq!(again, campus);
        }
        Err(error) => check_refusal(&error.to_string(), text),
    }
}

fn check_rules(campus: &Campus) {
    assert!(!campus.name.is_empty() && !campus.buildings.is_empty());
    let mut codes = HashSet::new();
    for building in &campus.buildings {
        assert!(codes.insert(&building.code), "building {} twice", building.code);
        assert!(building.hours.opens() < building.hours.closes());
        assert!(!building.classrooms.is_empty(), "no rooms in {}", building.code);
    }
    let mut ids = HashSet::new();
    for (building, room) in campus.classrooms() {
        assert!(ids.insert(&room.id), "room {} twice", room.id);
        for text in [&building.code, &building.name, &room.id, &room.name] {
            assert!(!text.trim().is_empty() && !text.contains(char::is_control), "{text:?}");
        }
    }
}

/// No key is there that a campus file does not know.
fn check_keys(text: &str) {
    let file: Table = text.parse().expect("a campus file should be TOML");
    let buildings = check_table(&file, &["name", "timezone", "buildings"], "buildings");
    for building in buildings {
        let building = building.as_table().expect("a building should be a table");
        for room in check_table(building, &["code", "name", "opens", "closes", "classrooms"], "classrooms") {
            check_table(room.as_table().expect("a room should be a table"), &["id", "name"], "");
        }
    }
}

fn check_table<'a>(table: &'a Table, known: &[&str], list: &str) -> &'a [Value] {
    assert!(table.keys().all(|key| known.contains(&key.as_str())), "unknown key in {table:?}");
    table.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The same campus as a file. JSON's strings are TOML's, as long as they are free of control characters.
fn written(campus: &Campus) -> String {
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let head = format!("name = {}\ntimezone = {}\n", quoted(&campus.name), quoted(campus.timezone.name()));
    let rooms = |building: &Building| {
        let rooms = building.classrooms.iter();
        rooms
            .map(|room| format!("{{ id = {}, name = {} }},", quoted(&room.id), quoted(&room.name)))
            .collect::<Vec<_>>()
            .concat()
    };
    let buildings = campus.buildings.iter().map(|building| {
        let (code, name, rooms) = (quoted(&building.code), quoted(&building.name), rooms(building));
        let (opens, closes) = (building.hours.opens(), building.hours.closes());
        format!(
            "[[buildings]]\ncode = {code}\nname = {name}\nopens = '{opens}'\ncloses = '{closes}'\nclassrooms = [{rooms}]\n"
        )
    });
    head + &buildings.collect::<String>()
}

/// File, line and reason.
fn check_refusal(refusal: &str, text: &str) {
    let behind = refusal.strip_prefix("campus.toml, line ").expect("a refusal should name the file and a line");
    let (line, reason) = behind.split_once(": ").expect("a reason should follow");
    let line: usize = line.parse().expect("the line should be a number");
    assert!((1..=text.split('\n').count()).contains(&line), "line {line} should be in the file");
    assert!(!reason.is_empty(), "there should be a reason");
}
