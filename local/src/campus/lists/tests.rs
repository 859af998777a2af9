use serde_json::json;

use super::*;

fn room(id: &str, name: &str) -> ListedRoom {
    ListedRoom { id: id.into(), name: name.into(), ..ListedRoom::default() }
}

fn read(document: &str) -> RoomList {
    RoomList::of(vec![Page::parse(document.as_bytes()).unwrap()], &[])
}

fn refused(document: &str) -> String {
    Page::parse(document.as_bytes()).unwrap_err().to_string()
}

#[test]
fn spaces_may_be_a_list_one_object_or_none() {
    let one = json!({"space_id": 7, "space_name": "HALL   101"});
    let expected = [room("7", "HALL 101")];
    for document in [
        json!({"spaces": {"space": [one]}}),
        json!({"spaces": {"space": one}}),
        json!({"spaces": [one]}),
        json!({"space": [one]}),
        json!({"r25:spaces": {"r25:space": {"r25:space_id": "7", "r25:space_name": "HALL 101"}}}),
        json!([one]),
        json!(one),
    ] {
        assert_eq!(read(&document.to_string()).rooms, expected, "{document}");
    }
    for document in
        ["{}", r#"{"spaces":{}}"#, r#"{"spaces":null}"#, r#"{"spaces":{"space":null}}"#, r#"{"spaces":[]}"#, "[]"]
    {
        assert_eq!(read(document), RoomList::default(), "{document}");
    }
}

#[test]
fn a_space_may_have_many_or_few_fields() {
    let document = json!({"spaces": {"space": [
        {"space_id": 1, "space_name": "HALL 101", "formal_name": 101, "max_capacity": "40", "building_name": " Old  Hall ",
         "feature": [{"feature_id": 5, "feature_name": "IT: Network, Wired"}, {"feature_name": "Stage"}],
         "category": {"category_name": "Classrooms"}},
        {"space_id": "2", "space_name": "HALL 102", "formal_name": null, "max_capacity": 0, "default_capacity": 12,
         "features": "Stage, Projector", "categories": ["Labs", {"itemName": "Wet"}]},
        {"space_id": 3.0, "space_name": "HALL\t103\u{1}", "max_capacity": null, "features": null, "other": {"a": [1]}},
    ]}});
    let list = read(&document.to_string());
    assert_eq!(
        list.rooms[0],
        ListedRoom {
            formal_name: Some("101".into()),
            capacity: Some(40),
            features: vec!["IT: Network, Wired".into(), "Stage".into()],
            categories: vec!["Classrooms".into()],
            building: Some("Old Hall".into()),
            ..room("1", "HALL 101")
        }
    );
    assert_eq!(
        (list.rooms[1].capacity, &list.rooms[1].features[..]),
        (Some(12), &["Stage".into(), "Projector".into()][..])
    );
    assert_eq!(list.rooms[1].categories, ["Labs", "Wet"]);
    assert_eq!(list.rooms[2], room("3", "HALL 103"));
}

/// A table with its columns in an unusual order.
fn table(rows: &serde_json::Value) -> String {
    json!({"cols": [{"name": "x", "prefname": "Features"}, {"name": "Name"}, {"name": "Title", "prefname": "name"},
        {"prefname": "max_capacity"}, {"prefname": "categories"}, {"prefname": "bldg_name"}, null], "rows": rows})
    .to_string()
}

#[test]
fn the_columns_of_a_table_are_found_by_their_prefname() {
    let list = read(&table(&json!([
        {"contextId": 9, "row": ["Stage, Projector", "wrong", {"itemId": 7, "itemName": "HALL 101"}, "1,200",
            [{"itemId": 2, "itemName": "Labs, Wet"}], {"itemId": 3, "itemName": "Old Hall"}], "pages": 2, "count": "3"},
        {"row": [null, null, {"itemId": "8", "itemName": "HALL 102"}]},
        {"row": [null, null, {"itemName": "no id"}]},
        {"row": null},
        null,
    ])));
    assert_eq!(
        list.rooms,
        [
            ListedRoom {
                capacity: Some(1200),
                features: vec!["Stage".into(), "Projector".into()],
                categories: vec!["Labs, Wet".into()],
                building: Some("Old Hall".into()),
                ..room("7", "HALL 101")
            },
            room("8", "HALL 102"),
        ]
    );
    assert_eq!(list.unreadable, 3);
}

#[test]
fn only_the_first_row_contains_the_page_count() {
    let cell = |id: u8| json!([null, null, {"itemId": id, "itemName": format!("HALL {id}")}]);
    let first = Page::parse(table(&json!([{"row": cell(1), "pages": 2, "count": 2}])).as_bytes()).unwrap();
    let second = Page::parse(table(&json!([{"row": cell(2)}])).as_bytes()).unwrap();
    assert_eq!((first.pages, first.count, second.pages), (Some(2), Some(2), None));
    assert_eq!(RoomList::of(vec![first, second], &[]).rooms, [room("1", "HALL 1"), room("2", "HALL 2")]);
    assert_eq!(read(&table(&json!([]))), RoomList::default());
    assert_eq!(read(r#"{"rows": null}"#), RoomList::default());
    assert!(refused(r#"{"cols": [{"name": "Name"}], "rows": [{"row": []}]}"#).contains("prefname `name`"));
}

#[test]
fn xml_is_read_with_and_without_namespace_prefixes() {
    for prefix in ["r25:", ""] {
        let document = r#"<?xml version="1.0"?><!-- made -->
            <Pspaces xmlns:r25="http://www.collegenet.com/r25" pubdate="now">
              <Pspace status="new" id='5'><Pspace_id>7</Pspace_id><Pspace_name>HALL   101</Pspace_name>
                <Pformal_name>Old Hall &amp; &#65;nnex <![CDATA[<1>]]></Pformal_name><Pmax_capacity>40</Pmax_capacity>
                <Ppartition_name>Main Campus</Ppartition_name>
                <Pfeature><Pfeature_id>1</Pfeature_id><Pfeature_name>IT: Network, Wired</Pfeature_name></Pfeature>
                <Pfeature><Pfeature_name>Stage</Pfeature_name></Pfeature>
                <Pcategory><Pcategory_name>Classrooms</Pcategory_name></Pcategory>
                <Players><Playout><Pmax_capacity>99</Pmax_capacity><Pspace_name>no</Pspace_name></Playout></Players></Pspace>
              <Pspace><Pspace_id>8</Pspace_id><Pspace_name>R&D 102</Pspace_name><Pformal_name/><Pmax_capacity>0</Pmax_capacity></Pspace>
              <Pspace><Pspace_id/></Pspace>
            </Pspaces>"#
            .replace("<P", &format!("<{prefix}"))
            .replace("</P", &format!("</{prefix}"));
        let list = read(&document);
        assert_eq!(
            list.rooms,
            [
                ListedRoom {
                    formal_name: Some("Old Hall & Annex <1>".into()),
                    capacity: Some(40),
                    features: vec!["IT: Network, Wired".into(), "Stage".into()],
                    categories: vec!["Classrooms".into()],
                    ..room("7", "HALL 101")
                },
                room("8", "R&D 102"),
            ]
        );
        assert_eq!(list.unreadable, 1);
    }
    assert_eq!(read("<r25:spaces xmlns:r25='x'/>"), RoomList::default());
}

#[test]
fn a_placeholder_is_not_a_building_or_a_formal_name() {
    for placeholder in ["N/A", "none", "TBD", "-"] {
        let document = json!([{"space_id": 7, "space_name": "HALL 101", "formal_name": placeholder, "building_name": placeholder}]);
        assert_eq!(read(&document.to_string()).rooms, [room("7", "HALL 101")], "{placeholder}");
    }
}

#[test]
fn an_overlong_name_is_cut_off() {
    let document = json!([{"space_id": 7, "space_name": "HALL ".repeat(100), "formal_name": "Old ".repeat(100)}]);
    let room = &read(&document.to_string()).rooms[0];
    let lengths = [&room.name, room.formal_name.as_ref().unwrap()].map(|name| name.chars().count());
    assert!(lengths.iter().all(|length| *length <= LONGEST_NAME), "{lengths:?}");
}

#[test]
fn a_label_before_a_buildings_name_is_removed() {
    for building in ["Building - Old Hall", "Building: Old Hall", "Old Hall"] {
        let document = json!([{"space_id": 7, "space_name": "HALL 101", "building_name": building}]);
        assert_eq!(read(&document.to_string()).rooms[0].building.as_deref(), Some("Old Hall"), "{building}");
    }
}

#[test]
fn a_repeated_id_is_one_room() {
    let list = read(
        r#"{"spaces":{"space":[{"space_id":1,"space_name":"HALL 1","features":["A"]},{"space_id":"1","space_name":"HALL 1 B",
        "max_capacity":9,"features":["A","B"]},{"space_id":2,"space_name":"HALL 1"}]}}"#,
    );
    assert_eq!((list.rooms.len(), list.repeated), (2, 1));
    let first = &list.rooms[0];
    assert_eq!((first.name.as_str(), first.capacity, first.features.len()), ("HALL 1", Some(9), 2));
}

#[test]
fn guessed_names_with_commas_are_reported() {
    let rows = json!([
        {"row": ["IT: Network, Wired, Stage", null, {"itemId": 1, "itemName": "A 1"}]},
        {"row": ["Stage", null, {"itemId": 2, "itemName": "A 2"}]},
    ]);
    assert_eq!(read(&table(&rows)).guessed_names, ["IT: Network, Wired"]);
}

#[test]
fn json_is_read_despite_a_prefix_and_invalid_characters_in_strings() {
    for document in [
        ")]}',\n{\"spaces\":{\"space\":[{\"space_id\":7,\"space_name\":\"HALL 101\"}]}}",
        "\u{feff}\n[{\"space_id\":7,\"space_name\":\"HALL\t101\"}]\n\0",
        "{\"spaces\":{\"space\":{\"space_id\":7,\"space_name\":\"HALL 101\",\"note\":\"\\x \n\"}}}",
    ] {
        assert_eq!(read(document).rooms, [room("7", "HALL 101")], "{document:?}");
    }
}

#[test]
fn pages_concatenated_in_one_file_are_one_list() {
    let json = [7, 8].map(|id| format!(")]}}',\n[{{\"space_id\":{id},\"space_name\":\"HALL {id}\"}}]\n"));
    let xml = [7, 8].map(|id| {
        format!("<?xml version='1.0'?><spaces><space><space_id>{id}</space_id><space_name>HALL {id}</space_name></space></spaces>\n")
    });
    for document in [json.concat(), xml.concat()] {
        assert_eq!(read(&document).rooms, [room("7", "HALL 7"), room("8", "HALL 8")], "{document}");
    }
    assert!(refused(&format!("{}[{{", json.concat())).contains("JSON cannot be read"), "the last page is cut off");
}

#[test]
fn a_document_that_is_not_a_list_is_refused_with_the_reason() {
    for (document, reason) in [
        ("", "empty"),
        (" \n", "empty"),
        ("<!DOCTYPE html><html><body>Sign in</body></html>", "a web page"),
        ("<html lang='en'>{}</html>", "a web page"),
        ("{\"spaces\":{\"space\":[{\"space_id\":7", "JSON cannot be read"),
        ("{\"events\":[]}", "begins with \"{\\\"events\\\":[]}\""),
        ("[1, 2]", "not a 25Live room list"),
        ("<r25:spaces><r25:space><r25:space_id>7</r25:space_id>", "cut off"),
        ("<r25:spaces><r25:space></r25:spaces>", "XML cannot be read"),
        ("<r25:error>no such thing</r25:error>", "not a 25Live room list"),
        ("id,name\n1,HALL", "not a 25Live room list"),
    ] {
        let refusal = refused(document);
        assert!(refusal.contains(reason), "{document}: {refusal}");
    }
}
