//! Fuzzes the parser of campus files.

use std::collections::HashSet;

use emptyclassroom::domain::{
    campus::{Campus, Classroom},
    opening_hours::{Schedule, WEEKDAYS},
};
use toml::{Table, Value};

/// Parses the bytes as a campus file. An accepted campus follows every rule of such files, and reads back after it is written.
///
/// # Panics
/// An invariant is broken.
pub fn check(bytes: &[u8]) {
    // The parser takes only text: reading the file already fails if it is not UTF-8.
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Campus::parse("campus.toml", text) {
        Ok(campus) => {
            check_rules(&campus);
            check_keys(text);
            let again = Campus::parse("again.toml", &written(&campus)).expect("a written campus should be read");
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
        let week = WEEKDAYS.iter().filter_map(|weekday| building.schedule.on_weekday(*weekday));
        week.for_each(|hours| assert!(hours.opens() < hours.closes()));
        for days in building.schedule.closed() {
            assert!(days.start() <= days.end() && building.hours_on(*days.start()).is_none());
        }
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

/// Checks that the file has no unknown key.
fn check_keys(text: &str) {
    const HOURS: [&str; 4] = ["opens", "closes", "days", "closed"];
    let file: Table = text.parse().expect("a campus file should be TOML");
    let buildings =
        check_table(&file, &[&["name", "timezone", "contact", "buildings"], &HOURS[..]].concat(), "buildings");
    for building in buildings {
        let building = building.as_table().expect("a building should be a table");
        let known = [&["code", "name", "location", "classrooms"], &HOURS[..]].concat();
        for room in check_table(building, &known, "classrooms") {
            let room = room.as_table().expect("a room should be a table");
            check_table(room, &["id", "name", "capacity", "features"], "");
        }
    }
}

fn check_table<'a>(table: &'a Table, known: &[&str], list: &str) -> &'a [Value] {
    assert!(table.keys().all(|key| known.contains(&key.as_str())), "unknown key in {table:?}");
    table.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Writes the campus as a file. A JSON string without control characters is also a TOML string.
fn written(campus: &Campus) -> String {
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let contact = campus.contact.as_ref().map(|contact| format!("contact = {}\n", quoted(contact)));
    let (name, zone) = (quoted(&campus.name), quoted(campus.timezone.name()));
    let head = format!("name = {name}\ntimezone = {zone}\n{}", contact.unwrap_or_default());
    let room = |room: &Classroom| {
        let features = room.features.iter().map(|feature| quoted(feature)).collect::<Vec<_>>().join(",");
        let capacity = room.capacity.map(|people| format!(", capacity = {people}")).unwrap_or_default();
        format!("{{ id = {}, name = {}{capacity}, features = [{features}] }},", quoted(&room.id), quoted(&room.name))
    };
    let buildings = campus.buildings.iter().map(|building| {
        let (code, name) = (quoted(&building.code), quoted(&building.name));
        let rooms: String = building.classrooms.iter().map(room).collect();
        let (days, closed) = (written_days(&building.schedule), written_closed(&building.schedule));
        let location = building.location.map(|place| format!("location = [{:?}, {:?}]\n", place.latitude, place.longitude));
        format!(
            "[[buildings]]\ncode = {code}\nname = {name}\ndays = {days}\nclosed = [{closed}]\n{}classrooms = [{rooms}]\n",
            location.unwrap_or_default()
        )
    });
    head + &buildings.collect::<String>()
}

fn written_days(schedule: &Schedule) -> String {
    let days = WEEKDAYS.map(|weekday| {
        let hours = schedule.on_weekday(weekday);
        let hours = hours.map_or("closed".to_owned(), |hours| format!("{}-{}", hours.opens(), hours.closes()));
        format!("{} = '{hours}'", weekday.to_string().to_lowercase())
    });
    format!("{{ {} }}", days.join(", "))
}

fn written_closed(schedule: &Schedule) -> String {
    let closed = schedule.closed().iter().map(|days| format!("'{}..{}'", days.start(), days.end()));
    closed.collect::<Vec<_>>().join(", ")
}

/// Checks that a refusal has the file, a line of it and a reason.
fn check_refusal(refusal: &str, text: &str) {
    let behind = refusal.strip_prefix("campus.toml, line ").expect("a refusal should name the file and a line");
    let (line, reason) = behind.split_once(": ").expect("a reason should follow");
    let line: usize = line.parse().expect("the line should be a number");
    assert!((1..=text.split('\n').count()).contains(&line), "line {line} should be in the file");
    assert!(!reason.is_empty(), "there should be a reason");
}
