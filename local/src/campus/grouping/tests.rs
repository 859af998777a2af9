use super::*;

/// A room with this name and formal name; its id is the name.
fn room(name: &str, formal: &str) -> ListedRoom {
    let formal_name = (!formal.is_empty()).then(|| formal.to_owned());
    ListedRoom { id: name.to_owned(), name: name.to_owned(), formal_name, ..ListedRoom::default() }
}

fn in_building(name: &str, building: &str) -> ListedRoom {
    ListedRoom { building: Some(building.to_owned()), ..room(name, "") }
}

/// Code, name and rooms of each building; `?` marks what needs a review.
fn grouped_from(rooms: &[ListedRoom], from: Option<BuildingFrom>) -> Vec<String> {
    let all: Vec<_> = rooms.iter().collect();
    let (_, buildings) = group(&all, rooms, &BTreeSet::from(["Classrooms"]), from);
    let guess = |guess: &Guess| format!("{}{}", guess.value, if guess.check.is_some() { "?" } else { "" });
    let names = |building: &DraftBuilding| {
        let mark = |room: &DraftRoom| format!("{}{}", room.name, if room.check.is_some() { "?" } else { "" });
        building.rooms.iter().map(mark).collect::<Vec<_>>().join(", ")
    };
    buildings.iter().map(|b| format!("{} | {} | {}", guess(&b.code), guess(&b.name), names(b))).collect()
}

fn grouped(rooms: &[ListedRoom]) -> Vec<String> {
    grouped_from(rooms, None)
}

#[test]
fn rooms_are_grouped_by_code_and_named_by_the_common_prefix_of_formal_names() {
    let rooms = [
        room("OLD 110", "Old Hall Room 110"),
        room("OLD 9", "Old Hall Rm 9"),
        room("OLD B06A", "Old Hall - B06A"),
        room("OLD 12", "OFFICE"),
        room("OLD 13", "13"),
        room("OLD 14", ""),
        room("NEW 1", "New Center, 1"),
        room("NEW 2", "NEW CENTER 2"),
    ];
    assert_eq!(grouped(&rooms), ["NEW | New Center | 1, 2", "OLD | Old Hall | 9, 12, 13, 14, 110, B06A"]);
}

#[test]
fn every_form_of_room_name_is_grouped() {
    for (names, expected) in [
        (["1028 DANE", "9 DANE", "12 DANE"], "DANE | DANE? | 9, 12, 1028"),
        (["WELL20", "WELL3", "WELL101A"], "WELL | WELL? | 3, 20, 101A"),
        (["0104-232", "0104-9", "0104-10"], "0104 | 0104? | 9, 10, 232"),
        (["Old Main Hall 1", "Old Main Hall 3", "Old Main Hall 2"], "Old Main Hall | Old Main Hall | 1, 2, 3"),
        (["ODE A", "ODE B", "ODE A & B"], "ODE | ODE? | A, A & B?, B"),
        (["Old 1", "OLD 2", "OLD 3"], "OLD | OLD? | 1, 2, 3"),
        (["old 1", "old 2", "OLD 3"], "OLD | OLD? | 1, 2, 3"),
        (["old 1", "old 2", "old 3"], "old | old? | 1, 2, 3"),
        (["Building 5 - 1", "Building 5 - 12", "Building 5 Lobby"], "Building 5 | Building 5 | 1, 12, Lobby"),
        (["OLD AUD", "OLD Lecture Hall 1", "OLD 2"], "OLD | OLD? | 2, AUD, Lecture Hall 1"),
        (["Arts - Dane 1", "Arts - Well 2", "Arts - Lab 3"], "Arts | Arts | Dane 1, Lab 3, Well 2"),
        (["B1 OLD", "B2 OLD", "101 OLD"], "OLD | OLD? | 101, B1, B2"),
        (["Old Hall (OLD) 1", "Old Hall (OLD) 2", "Old Hall (OLD) 3"], "OLD | Old Hall | 1, 2, 3"),
        (["OLD - Old Hall 1", "OLD - Old Hall 2", "OLD - Old Hall 3"], "OLD | Old Hall | 1, 2, 3"),
        (["OLD 1-2", "OLD 1", "OLD 2"], "OLD | OLD? | 1, 1-2?, 2"),
    ] {
        assert_eq!(grouped(&names.map(|name| room(name, ""))), [expected]);
    }
}

#[test]
fn rooms_without_a_building_are_grouped_last() {
    let rooms = [
        room("ZOO 1", "Zoology 1"),
        room("Ballroom", ""),
        room("East Lawn", ""),
        room("ZOO 2", "Zoology 2"),
        room("ZOO 3", "Zoology 3"),
        room("Atrium", "Zoology Atrium"),
    ];
    assert_eq!(grouped(&rooms), ["ZOO | Zoology | 1, 2, 3, Atrium?", "OTHER | Other rooms? | Ballroom, East Lawn"]);
    assert_eq!(grouped(&[room("Ballroom", "")]), ["OTHER | Other rooms? | Ballroom"]);
}

#[test]
fn the_building_column_is_the_preferred_source() {
    let rooms = [
        in_building("1028 DANE", "Dane Library"),
        in_building("9 DANE", "Dane Library"),
        room("12 DANE", ""),
        room("NEW 1", "New Gym 1"),
        in_building("The Pit", "Student Center"),
        in_building("Student Center Lounge", "Student Center"),
    ];
    assert_eq!(
        grouped(&rooms),
        ["DANE | Dane Library | 9, 12, 1028", "NEW | New Gym | 1", "SC? | Student Center | Lounge, The Pit"]
    );
}

#[test]
fn a_building_column_of_codes_or_numbers_does_not_hide_the_names() {
    let rooms = [in_building("Old Hall 1", "OLD"), in_building("Old Hall 2", "OLD"), in_building("New Gym 3", "GYM")];
    assert_eq!(grouped(&rooms), ["GYM | New Gym | 3", "OLD | Old Hall | 1, 2"]);
    let numbered = |building: &str| ListedRoom { building: Some(building.into()), ..room("OLD 1", "Old Hall 1") };
    assert_eq!(grouped(&[numbered("0104")]), ["OLD | Old Hall | 1"]);
    assert_eq!(grouped(&[numbered("0104 - Old Hall")]), ["OLD | Old Hall | 1"]);
    assert_eq!(grouped(&[in_building("OLD 1", "0104")]), ["OLD | 0104? | 1"]);
}

#[test]
fn a_building_column_that_is_empty_for_most_rooms_still_names_the_buildings() {
    let rooms = [
        in_building("OLD 1", "Old Hall"),
        room("OLD 2", ""),
        room("OLD 3", ""),
        in_building("NEW 1", "New Hall"),
        room("NEW 2", ""),
        room("NEW 3", ""),
    ];
    assert_eq!(grouped(&rooms), ["NEW | New Hall | 1, 2, 3", "OLD | Old Hall | 1, 2, 3"]);
}

#[test]
fn formal_names_may_contain_both_the_code_and_the_name() {
    for formal in ["Old Hall (OLD) 1", "OLD - Old Hall 1", "OLD 1 - Old Hall", "OLD: Old Hall 1", "Old Hall OLD 1"] {
        assert_eq!(grouped(&[room("OLD 1", formal)]), ["OLD | Old Hall | 1"], "{formal}");
    }
    assert_eq!(grouped(&[room("B27 1", "Research Building B27 1")]), ["B27 | Research Building B27 | 1"]);
    assert_eq!(grouped(&[room("Old Hall 1", "OLD 1")]), ["OLD | Old Hall | 1"], "the names are swapped");
    assert_eq!(grouped(&[room("Old Hall 1", "Old 1")]), ["Old Hall | Old Hall | 1"], "the formal name is shorter");
}

#[test]
fn a_number_in_a_formal_name_that_several_rooms_share_belongs_to_the_building() {
    for building in ["85 Main Street", "Engineering 2", "Research Park 4"] {
        let rooms = [room("OLD 101", building), room("OLD 102", building), room("OLD 103", building)];
        assert_eq!(grouped(&rooms), [format!("OLD | {building} | 101, 102, 103")]);
    }
    let halves = [room("OLD 101A", "Old Hall 101"), room("OLD 101B", "Old Hall 101")];
    assert_eq!(grouped(&halves), ["OLD | Old Hall | 101A, 101B"]);
}

#[test]
fn a_letter_before_the_number_belongs_to_the_room_if_the_code_occurs_without_it() {
    let rooms = [room("WELL101", "Well Hall 101"), room("WELLB06A", "Well Hall B06A"), room("WELLS1", "Wells Gym 1")];
    assert_eq!(grouped(&rooms), ["WELL | Well Hall | 101, B06A", "WELLS | Wells Gym | 1"]);
}

#[test]
fn formal_names_that_may_describe_a_room_are_marked_for_review() {
    assert_eq!(grouped(&[room("OLD 1", "Ceramics")]), ["OLD | Ceramics? | 1"]);
    let labs = [room("OLD 1", "Wet Lab"), room("OLD 2", "Wet Lab")];
    assert_eq!(grouped(&labs), ["OLD | Wet Lab? | 1, 2"]);
    let halls = [room("OLD 1", "Old Hall"), room("OLD 2", "Old Hall")];
    assert_eq!(grouped(&halls), ["OLD | Old Hall | 1, 2"]);
}

#[test]
fn formal_names_that_repeat_the_code_or_are_the_same_everywhere_are_marked_for_review() {
    for formal in ["OLD 1", "OLD Room 1", "Classroom OLD 1", "old 1"] {
        assert_eq!(grouped(&[room("OLD 1", formal)]), ["OLD | OLD? | 1"], "{formal}");
    }
    let words = [room("PHYSICS 1", "Physics 1"), room("PHYSICS 2", "Physics Rm 2")];
    assert_eq!(grouped(&words), ["PHYSICS | Physics | 1, 2"], "the formal names write the word out");
    let rooms = [room("OLD 1", "General Purpose 1"), room("NEW 1", "General Purpose 1")];
    assert_eq!(grouped(&rooms), ["NEW | General Purpose? | 1", "OLD | General Purpose? | 1"]);
}

#[test]
fn the_code_is_removed_from_a_buildings_name() {
    for building in ["Old Hall", "OLD - Old Hall", "Old Hall (OLD)", "OLD: Old Hall"] {
        let rooms = [in_building("OLD 1", building), in_building("GYM 1", "Gym")];
        assert_eq!(grouped(&rooms)[1], "OLD | Old Hall | 1", "{building}");
    }
}

#[test]
fn a_building_column_with_few_names_for_many_codes_is_ignored() {
    let rooms = ["A1 1", "B1 1", "C1 1"].map(|name| in_building(name, "Main Campus"));
    assert_eq!(grouped(&rooms).len(), 3);
    let campuses = ["AA 1", "BB 1", "CC 1", "DD 1", "EE 1", "FF 1"].iter().zip(["North", "South"].iter().cycle());
    let rooms: Vec<_> = campuses.map(|(name, campus)| in_building(name, campus)).collect();
    assert_eq!(grouped(&rooms).len(), 6, "campuses are not buildings");
}

#[test]
fn rooms_are_grouped_by_formal_name_if_names_lack_a_building() {
    let rooms = [
        room("101", "Old Hall 101"),
        room("102", "Old Hall 102"),
        room("201", "Gym 201"),
        room("Stage", "New Theater"),
        room("Pit", "Old Hall Pit"),
    ];
    assert_eq!(grouped(&rooms), ["GYM? | Gym | 201", "NT? | New Theater | Stage", "OH? | Old Hall | 101, 102, Pit"]);
}

#[test]
fn rooms_whose_names_have_no_code_are_grouped_by_formal_name() {
    let rooms = [
        room("OLD 1", "Old Hall 1"),
        room("OLD 2", "Old Hall 2"),
        room("OLD 3", "Old Hall 3"),
        room("M101", "Martin Center M101"),
        room("M102", "Martin Center M102"),
        room("M201", "Well Center M201"),
    ];
    assert_eq!(
        grouped(&rooms),
        ["MC? | Martin Center | M101, M102", "OLD | Old Hall | 1, 2, 3", "OTHER | Other rooms? | M201"]
    );
}

#[test]
fn a_code_may_occur_only_in_formal_names() {
    let usual = [room("OLD 1", "Old Hall 1"), room("OLD 2", "Old Hall 2"), room("OLD 3", "Old Hall 3")];
    let conference = [room("CONF 1", "Conference Center 1"), room("CONF-2", "Conference Center 2")];
    assert_eq!(
        grouped(&[&usual[..], &conference].concat()),
        ["CONF | Conference Center | 1, 2", "OLD | Old Hall | 1, 2, 3"]
    );
    let named = [room("UNI DANE", "Union Center Dane Auditorium"), room("UNI WELL", "Union Center Well Room")];
    assert_eq!(grouped(&[&usual[..], &named].concat())[1], "UNI | Union Center? | DANE, WELL");
    let others = [room("EAST LAWN", "Lawn, East"), room("EAST COURT", "Court, East")];
    assert_eq!(grouped(&[&usual[..], &others].concat())[1], "OTHER | Other rooms? | EAST COURT, EAST LAWN");
}

#[test]
fn rooms_are_grouped_by_category_on_request() {
    let rooms = [("OLD 1", "Old Hall"), ("OLD 2", "Old Hall"), ("X 1", "Gym, West")].map(|(name, category)| {
        ListedRoom { categories: vec!["Classrooms".into(), category.into()], ..room(name, "") }
    });
    let expected = ["OLD | Old Hall | 1, 2", "X | Gym, West | 1"];
    assert_eq!(grouped_from(&rooms, Some(BuildingFrom::Category)), expected);
}

#[test]
fn codes_are_unique_and_contain_no_comma() {
    let rooms = [
        in_building("A,B 1", "First"),
        in_building("OLD 1", "Second"),
        in_building("OLD 2", "Third"),
        in_building("other 3", ""),
    ];
    assert_eq!(grouped(&rooms[..3]), ["A B? | First | 1", "OLD | Second | 1", "OLD2? | Third | 2"]);
    let taken = [room("OTHER 1", ""), room("Lawn", ""), room("OTHER 2", "")];
    assert_eq!(grouped(&taken), ["OTHER | OTHER? | 1, 2", "OTHER2? | Other rooms? | Lawn"]);
}

#[test]
fn rooms_with_the_same_name_are_marked() {
    let twin = ListedRoom { id: "7".into(), ..room("OLD 1", "") };
    assert_eq!(grouped(&[room("OLD 1", ""), twin, room("OLD 2", "")]), ["OLD | OLD? | 1?, 1?, 2"]);
}

#[test]
fn initials_turn_a_name_into_a_code() {
    for (name, code) in
        [("Old Main Hall", "OMH"), ("Library", "LIBRARY"), ("Center for the Arts", "CA"), ("the pit", "TP"), ("-", "-")]
    {
        assert_eq!(initials(name), code);
    }
}
