//! Property tests: any list becomes a valid campus file.

use std::collections::BTreeSet;

use emptyclassroom::domain::campus::Campus;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    file::Draft,
    grouping::{BuildingFrom, Guess, group},
    hours::Plan,
    lists::{Page, RoomList},
    selection::{Selection, Wanted},
};

/// A text that is typical of lists, or sometimes any text.
fn text() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => "[A-C]{1,3}[ -]{0,2}[0-9]{0,3}[A-B]?".prop_map(Value::from),
        3 => "(Old|New|Room|Rm|Lab|-|,|#|&|[0-9]{1,3})( (Hall|Room|Rm|-|,|/|[0-9]{1,3})){0,4}".prop_map(Value::from),
        2 => any::<String>().prop_map(Value::from),
        1 => any::<i32>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!({"itemId": 7, "itemName": "Old Hall"})),
        1 => Just(json!(["A, B", {"itemName": "C"}, null])),
    ]
}

fn room() -> impl Strategy<Value = Value> {
    let texts = (text(), text(), text(), text(), text());
    (0..30_u32, texts).prop_map(|(id, (name, formal, capacity, features, building))| {
        json!({"space_id": id, "space_name": name, "formal_name": formal, "max_capacity": capacity,
            "features": features, "categories": building, "building_name": building})
    })
}

proptest! {
    #[test]
    fn a_draft_of_any_list_is_a_valid_campus_file(
        rooms in prop::collection::vec(room(), 0..12),
        from in prop::option::of(prop::sample::select(vec![
            BuildingFrom::Name, BuildingFrom::Formal, BuildingFrom::BldgName, BuildingFrom::Category,
        ])),
    ) {
        let document = json!({"spaces": {"space": rooms}}).to_string();
        let list = RoomList::of(vec![Page::parse(document.as_bytes()).unwrap()], &[]);
        let selection = Selection::of(&list, &Wanted { every_room: true, ..Wanted::default() }).unwrap();
        let (_, buildings) = group(&selection.rooms, &list.rooms, &BTreeSet::new(), from);
        let plan = Plan::unknown(buildings.len(), "any");
        let guess = |value: &str| Guess { value: value.to_owned(), check: None };
        let draft = Draft {
            name: guess("Any"),
            timezone: guess("UTC"),
            source: "any".to_owned(),
            date: "2026-03-03".parse().unwrap(),
            notes: list.guessed_names.clone(),
            chosen: &selection.chosen,
            others: &selection.others,
            buildings: &buildings,
            plan: &plan,
        };
        let text = draft.to_toml();
        if selection.rooms.is_empty() {
            prop_assert!(buildings.is_empty());
        } else {
            let campus = Campus::parse("draft", &text).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
            prop_assert_eq!(campus.classrooms().count(), selection.rooms.len());
        }
    }

    #[test]
    fn no_document_makes_the_parser_panic(bytes in any::<Vec<u8>>(), json in "[{\\[][]\\[{}\",:a-z0-9 ]{0,60}", xml in "<[<>/a-z&;:! -]{0,60}") {
        for document in [&bytes[..], json.as_bytes(), xml.as_bytes()] {
            drop(Page::parse(document));
        }
    }
}
