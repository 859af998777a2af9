use emptyclassroom::domain::campus::Campus;

use super::*;

fn guess(value: &str, check: Option<&str>) -> Guess {
    Guess { value: value.into(), check: check.map(str::to_owned) }
}

fn room(id: &str, name: &str) -> DraftRoom {
    DraftRoom { id: id.into(), name: name.into(), capacity: None, features: Vec::new(), check: None }
}

fn hours(opens: &str, closes: &str) -> OpeningHours {
    OpeningHours::new(opens.parse().unwrap(), closes.parse().unwrap()).unwrap()
}

fn draft(buildings: &[DraftBuilding], plan: &Plan) -> String {
    let (chosen, others) = (BTreeMap::from([("Classrooms", 2)]), BTreeMap::from([("Lawns\n", 1), ("Labs", 40)]));
    Draft {
        name: guess("School", Some("the name")),
        timezone: guess("America/New_York", Some("the zone")),
        source: "a list".into(),
        date: "2026-11-02".parse().unwrap(),
        notes: vec!["check: a note".into()],
        chosen: &chosen,
        others: &others,
        buildings,
        plan,
    }
    .to_toml()
}

#[test]
fn a_draft_is_written_with_its_guesses_marked() {
    let rooms = vec![
        DraftRoom { capacity: Some(40), features: vec!["IT: Network, Wired".into()], ..room("7", "101") },
        DraftRoom { check: Some("odd".into()), ..room("8", "A & B") },
    ];
    let buildings = [
        DraftBuilding { code: guess("OLD", None), name: guess("Old Hall", None), rooms },
        DraftBuilding { code: guess("NEW", None), name: guess("NEW", Some("no name")), rooms: vec![room("9", "1")] },
    ];
    let own = Hours { usual: Some(hours("08:00", "24:00")), days: vec![(Weekday::Sun, Some(hours("10:00", "20:00")))] };
    let plan = Plan {
        campus: Hours { usual: Some(hours("07:00", "22:00")), days: vec![(Weekday::Sat, None), (Weekday::Sun, None)] },
        check: "one month".into(),
        buildings: vec![BuildingHours::default(), BuildingHours { own: Some(own), check: None }],
        closed: vec![
            "2026-11-26".parse().unwrap()..="2026-11-26".parse().unwrap(),
            "2026-12-24".parse().unwrap()..="2027-01-01".parse().unwrap(),
        ],
    };
    let expected = r#"# Drafted by `emptyclassroom campus draft` on 2026-11-02 from a list.
# Review each line marked `# check`, correct it, and delete the mark.
# check: a note
#
# Categories whose rooms are in this file:
#      2  Classrooms
#
# Other categories; --category adds the rooms of one:
#     40  Labs
#      1  Lawns

name = "School" # check: the name
timezone = "America/New_York" # check: the zone
opens = "07:00" # check: one month
closes = "22:00" # check
days = { sat = "closed", sun = "closed" }
closed = ["2026-11-26", "2026-12-24..2027-01-01"] # check: 25Live shows every building closed

[[buildings]]
code = "OLD"
name = "Old Hall"
classrooms = [
    { id = "7", name = "101", capacity = 40, features = ["IT: Network, Wired"] },
    { id = "8", name = "A & B" }, # check: odd
]

[[buildings]]
code = "NEW"
name = "NEW" # check: no name
opens = "08:00"
closes = "24:00"
days = { sun = "10:00-20:00" }
classrooms = [
    { id = "9", name = "1" },
]
"#;
    let text = draft(&buildings, &plan);
    assert_eq!(text, expected);
    Campus::parse("draft", &text).unwrap();
}

#[test]
fn any_text_can_be_quoted() {
    let odd = ["\"", "'", "\"\"\"'''", "\\", "# check", "{x = 1}", "é\u{202e}", "1", "a\tb"];
    for text in odd {
        let value: toml::Table = toml::from_str(&format!("x = {}", quoted(text))).unwrap();
        assert_eq!(value["x"].as_str(), Some(text));
    }
}
