use chrono::Timelike;
use domain::{
    bookings::{Booking, BookingsByRoom},
    question::{FreeTime, OpenClassrooms, RoomMatch},
    snapshot::Snapshot,
    timestamp::Timestamp,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const CAMPUS: &str = r#"
name = "Small College"
timezone = "America/New_York"
[[buildings]]
code = "CAS"
name = "College of Arts & Sciences"
opens = "07:00"
closes = "23:00"
classrooms = [
    { id = "1", name = "B06A" },
    { id = "2", name = "116", capacity = 40, features = ["IT: Network, Wired", "Projector"] },
    { id = "3", name = "20", capacity = 120, features = ["Projector"] },
    { id = "4", name = "Tsai" },
]
[[buildings]]
code = "night"
name = "Library"
opens = "00:00"
closes = "24:00"
classrooms = [{ id = "5", name = "1" }, { id = "6", name = "2" }]
"#;
const ROOMS: [&str; 6] = ["1", "2", "3", "4", "5", "6"];
const TUESDAY: &str = "2026-03-03";
const SPRING: &str = "2026-03-08";
const AUTUMN: &str = "2026-11-01";
const MIN_GAP: u16 = 28;

fn campus() -> Campus {
    Campus::parse("small.toml", CAMPUS).unwrap()
}

fn minutes(text: &str) -> u16 {
    text.parse::<TimeOfDay>().unwrap().minutes()
}

/// A day with these bookings. Rooms that are not named are unknown.
fn snapshot(date: &str, rooms: &[(&str, Vec<Booking>)]) -> Snapshot {
    let date = date.parse().unwrap();
    let mut by_room = BookingsByRoom::new();
    for (id, bookings) in rooms {
        by_room.entry((*id).to_owned()).or_default().add(date, bookings.clone());
    }
    let at = Timestamp::parse("2026-03-03T06:00:00-05:00").unwrap();
    Snapshot::new(&campus(), MIN_GAP, date, at, &by_room, None)
}

/// A Tuesday: 116 has a class from 10:00 to 11:15, 20 is taken from 09:00 on, B06A is free, and Tsai is unknown.
fn tuesday() -> Snapshot {
    let class = |start, end| vec![Booking { start: minutes(start), end: minutes(end) }];
    let rooms =
        [("1", vec![]), ("2", class("10:00", "11:15")), ("3", class("09:00", "24:00")), ("5", vec![]), ("6", vec![])];
    snapshot(TUESDAY, &rooms)
}

fn parse(query: &str, date: &str, now: &str) -> Result<Option<Question>, BadParameter> {
    let campus = campus();
    let day = CampusDay::new(date.parse().unwrap(), campus.timezone);
    let now = DateTime::parse_from_rfc3339(now).unwrap().with_timezone(&campus.timezone);
    question(&Parameters::parse(query), &campus, day, now)
}

fn answer_of(snapshot: &Snapshot, query: &str, now: &str) -> Value {
    let asked = parse(query, &snapshot.date.to_string(), now).unwrap().unwrap();
    serde_json::to_value(asked.answer(snapshot, &campus())).unwrap()
}

const NOON: &str = "2026-03-03T12:00:00-05:00";

/// The names of the rooms that are found on Tuesday, by building.
fn found(query: &str) -> Value {
    let answer = answer_of(&tuesday(), query, NOON);
    let buildings = answer["buildings"].as_object().unwrap().iter().map(|(code, building)| {
        let rooms = building["classrooms"].as_array().unwrap().iter().map(|room| room["name"].clone());
        (code.clone(), rooms.collect::<Value>())
    });
    buildings.collect()
}

/// A room's name, `free_until` and `free_minutes`.
fn free(snapshot: &Snapshot, query: &str, now: &str) -> Value {
    let answer = answer_of(snapshot, query, now);
    let rooms = answer["buildings"].as_object().unwrap().values().flat_map(|b| b["classrooms"].as_array().unwrap());
    rooms.map(|room| json!([room["name"], room["free_until"], room["free_minutes"]])).collect()
}

#[test]
fn other_parameters_ask_no_question() {
    for query in ["", "date=2026-03-03", "x=1&At=now&BUILDING=CAS"] {
        assert_eq!(parse(query, TUESDAY, NOON), Ok(None), "{query}");
    }
}

#[test]
fn a_class_that_begins_at_ten_makes_the_room_taken_at_ten() {
    assert_eq!(found("at=09:59&q=116"), json!({"CAS": ["116"], "night": []}));
    assert_eq!(found("at=10:00&q=116"), json!({"CAS": [], "night": []}));
    assert_eq!(found("at=11:14&q=116"), json!({"CAS": [], "night": []}));
    assert_eq!(found("at=11:15&q=116"), json!({"CAS": ["116"], "night": []}));
    let tuesday = tuesday();
    assert_eq!(free(&tuesday, "at=09:45&q=116", NOON), json!([["116", "2026-03-03T10:00:00-05:00", 15]]));
    assert_eq!(free(&tuesday, "at=11:15&q=116", NOON), json!([["116", "2026-03-03T23:00:00-05:00", 705]]));
}

#[test]
fn a_room_is_free_from_opening_until_closing_time_and_not_beyond() {
    for (at, rooms) in
        [("06:59", json!([])), ("07:00", json!(["B06A"])), ("22:59", json!(["B06A"])), ("23:00", json!([]))]
    {
        assert_eq!(found(&format!("at={at}&q=b06")), json!({"CAS": rooms, "night": []}), "{at}");
    }
    assert_eq!(
        free(&tuesday(), "at=23:59&building=night", NOON),
        json!([["1", "2026-03-04T00:00:00-05:00", 1], ["2", "2026-03-04T00:00:00-05:00", 1]])
    );
}

#[test]
fn now_is_rounded_down_to_the_minute() {
    let class_begins = |now| free(&tuesday(), "at=now&q=116", now);
    assert_eq!(class_begins("2026-03-03T09:59:59.999-05:00"), json!([["116", "2026-03-03T10:00:00-05:00", 1]]));
    assert_eq!(class_begins("2026-03-03T10:00:00-05:00"), json!([]));
    // In any time zone.
    assert_eq!(class_begins("2026-03-03T23:59:59+09:00"), json!([["116", "2026-03-03T10:00:00-05:00", 1]]));
}

#[test]
fn a_range_must_be_free_from_its_first_minute_to_its_last() {
    for (range, rooms) in [
        ("from=08:00&to=09:00", json!(["B06A", "116", "20"])),
        ("from=08:00&to=09:01", json!(["B06A", "116"])),
        ("from=09:00&to=10:00", json!(["B06A", "116"])),
        ("from=09:00&to=10:01", json!(["B06A"])),
        ("from=11:15&to=23:00", json!(["B06A", "116"])),
        ("from=11:14&to=23:00", json!(["B06A"])),
        ("from=07:00&to=23:01", json!([])),
        ("from=06:59&to=08:00", json!([])),
    ] {
        assert_eq!(found(&format!("{range}&building=CAS")), json!({"CAS": rooms}), "{range}");
    }
    assert_eq!(found("from=00:00&to=24:00"), json!({"CAS": [], "night": ["1", "2"]}));
    assert_eq!(
        free(&tuesday(), "from=08:00&to=09:00&q=20", NOON),
        json!([["20", "2026-03-03T09:00:00-05:00", 60]]),
        "minutes count from the start of the range"
    );
}

#[test]
fn min_minutes_counts_from_the_moment_or_at_any_time_of_the_day() {
    assert_eq!(found("min_minutes=60&at=09:00&building=CAS"), json!({"CAS": ["B06A", "116"]}));
    assert_eq!(found("min_minutes=61&at=09:00&building=CAS"), json!({"CAS": ["B06A"]}));
    assert_eq!(found("min_minutes=120&building=CAS"), json!({"CAS": ["B06A", "116", "20"]}));
    assert_eq!(found("min_minutes=121&building=CAS"), json!({"CAS": ["B06A", "116"]}));
    assert_eq!(found("min_minutes=705&building=CAS"), json!({"CAS": ["B06A", "116"]}));
    assert_eq!(found("min_minutes=706&building=CAS"), json!({"CAS": ["B06A"]}));
    assert_eq!(found("min_minutes=1440"), json!({"CAS": [], "night": ["1", "2"]}));
    assert_eq!(found("min_minutes=120&from=08:00&to=08:30&building=CAS"), json!({"CAS": ["B06A", "116"]}));
    let answer = answer_of(&tuesday(), "min_minutes=1", NOON);
    assert_eq!(answer["buildings"]["CAS"]["classrooms"][0].get("free_until"), None, "no moment was asked about");
}

#[test]
fn an_unknown_room_matches_no_question_about_time() {
    for query in ["at=08:00", "from=08:00&to=08:30", "min_minutes=1"] {
        assert_eq!(found(query)["CAS"], json!(["B06A", "116", "20"]), "{query}");
    }
    assert_eq!(found("q=tsai"), json!({"CAS": ["Tsai"], "night": []}));
    assert_eq!(answer_of(&tuesday(), "q=tsai", NOON)["buildings"]["CAS"]["classrooms"][0]["status"], "unknown");
}

#[test]
fn q_finds_rooms_by_building_code_and_name_or_by_building_name() {
    for q in ["cas116", "CAS+116", "cas%20%20116%20", "s1", "16"] {
        assert_eq!(found(&format!("q={q}")), json!({"CAS": ["116"], "night": []}), "{q}");
    }
    assert_eq!(found("q=b06a"), json!({"CAS": ["B06A"], "night": []}));
    let all = json!(["B06A", "116", "20", "Tsai"]);
    for q in ["cas", "arts%20%26%20sci", "College+of+Arts", "ofarts"] {
        assert_eq!(found(&format!("q={q}")), json!({"CAS": all, "night": []}), "{q}");
    }
    assert_eq!(found("q=LIBR"), json!({"CAS": [], "night": ["1", "2"]}));
    assert_eq!(found("q=nowhere"), json!({"CAS": [], "night": []}));
    assert_eq!(found("q=sciences+116"), json!({"CAS": [], "night": []}), "the text must be in one of the two names");
}

#[test]
fn other_buildings_are_left_out_and_the_requested_ones_keep_their_order() {
    let all = json!(["B06A", "116", "20", "Tsai"]);
    assert_eq!(found("building=CAS"), json!({"CAS": all}));
    assert_eq!(found("building=cas,%20cas"), json!({"CAS": all}));
    assert_eq!(found("building=NIGHT"), json!({"night": ["1", "2"]}));
    let (both, tuesday) = (parse("building=night,CAS", TUESDAY, NOON).unwrap().unwrap(), tuesday());
    assert_eq!(both.answer(&tuesday, &campus()).buildings.keys().collect::<Vec<_>>(), [&"CAS", &"night"]);
    assert_eq!(found("building=night&q=cas"), json!({"night": []}));
}

#[test]
fn rooms_are_in_campus_file_order_or_sorted_by_name_or_longest_free_first() {
    let order = |query: &str| found(query)["CAS"].clone();
    assert_eq!(order("at=07:00"), json!(["B06A", "116", "20"]));
    assert_eq!(order("sort=name"), json!(["20", "116", "B06A", "Tsai"]));
    assert_eq!(order("sort=name&at=07:00"), json!(["20", "116", "B06A"]));
    assert_eq!(order("sort=duration"), json!(["B06A", "116", "20", "Tsai"]));
    for sort in ["free_until", "duration"] {
        assert_eq!(order(&format!("sort={sort}&at=08:00")), json!(["B06A", "116", "20"]));
    }
    let class = |start, end| vec![Booking { start: minutes(start), end: minutes(end) }];
    let rooms = [("1", class("09:00", "10:00")), ("2", class("12:00", "13:00")), ("3", class("09:00", "23:00"))];
    let snapshot = snapshot(TUESDAY, &rooms);
    let order =
        |query| free(&snapshot, query, NOON).as_array().unwrap().iter().map(|room| room[0].clone()).collect::<Value>();
    assert_eq!(order("sort=free_until&at=08:00"), json!(["116", "B06A", "20"]));
    assert_eq!(order("sort=duration&building=CAS"), json!(["B06A", "116", "20", "Tsai"]));
}

#[test]
fn rooms_match_by_capacity_and_by_all_requested_features() {
    let found = |query: &str| {
        let (question, campus) = (parse(query, TUESDAY, NOON).unwrap().unwrap(), campus());
        let snapshot = tuesday();
        let answer = question.answer(&snapshot, &campus);
        let rooms = answer.buildings.values().flat_map(|building| &building.classrooms);
        rooms.map(|room| room.name.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("min_capacity=40"), ["116", "20"], "a room of unknown capacity does not match");
    assert_eq!(found("min_capacity=41"), ["20"]);
    assert_eq!(found("feature=projector"), ["116", "20"]);
    assert_eq!(found("feature=PROJECTOR&feature=it:+network,+wired"), ["116"]);
    assert_eq!(found("feature=Projector&min_capacity=100"), ["20"]);
    assert!(found("feature=Network").is_empty(), "the text must be the whole feature");
    assert_eq!(found("sort=capacity&building=CAS"), ["20", "116", "B06A", "Tsai"]);
    assert_eq!(found("building=cas&building=night"), found("building=CAS,night"));
    assert_eq!(found("building=night&building=night"), ["1", "2"]);
}

#[test]
fn a_bad_capacity_or_feature_is_refused() {
    for query in [
        "min_capacity=0",
        "min_capacity=forty",
        "min_capacity=040",
        "min_capacity=1000001",
        "min_capacity=1&min_capacity=2",
    ] {
        assert_eq!(parse(query, TUESDAY, NOON).unwrap_err().name, "min_capacity", "{query}");
    }
    let (long, many) = ("x".repeat(101), "feature=x&".repeat(21));
    for query in ["feature=", "feature=+", &format!("feature={long}"), &many] {
        assert_eq!(parse(query, TUESDAY, NOON).unwrap_err().name, "feature", "{query}");
    }
    assert_eq!(parse("building=CAS&building=XYZ", TUESDAY, NOON).unwrap_err().name, "building");
}

#[test]
fn a_question_that_every_room_matches_gets_the_body_of_the_day() {
    let (all, snapshot) = (parse("building=night,CAS", TUESDAY, NOON).unwrap().unwrap(), tuesday());
    let campus = campus();
    let answer = serde_json::to_string(&all.answer(&snapshot, &campus)).unwrap();
    assert_eq!(answer, serde_json::to_string(&OpenClassrooms::all(&snapshot, &campus)).unwrap());
}

#[test]
fn each_error_names_the_parameter_its_value_and_what_was_expected() {
    let a_time = "a time from 00:00 to 23:59 such as 14:30";
    let codes = "building codes separated by commas";
    let text = "part of a room's or a building's name, 1 to 100 characters long";
    let number = "a number of minutes from 1 to 1440";
    let long = "x".repeat(101);
    for (query, name, held, expected) in [
        ("building=", "building", "", &*format!("{codes}: CAS,night")),
        ("building=CAS,CGS", "building", "CAS,CGS", &format!("{codes}: CAS,night")),
        ("building=CAS,", "building", "CAS,", &format!("{codes}: CAS,night")),
        ("building=CAS&building=CGS", "building", "CGS", &format!("{codes}: CAS,night")),
        ("at=", "at", "", &format!("`now` or {a_time}")),
        ("at=9:00", "at", "9:00", &format!("`now` or {a_time}")),
        ("at=24:00", "at", "24:00", &format!("`now` or {a_time}")),
        ("at=Now", "at", "Now", &format!("`now` or {a_time}")),
        ("at=now&at=now", "at", "now, now", "`now` or a time, given only once"),
        ("at=now&from=10:00&to=11:00", "at", "now", "either `at`, or `from` and `to`"),
        ("at=10:00&to=11:00", "at", "10:00", "either `at`, or `from` and `to`"),
        ("from=10:00", "from", "10:00", "`to` as well"),
        ("to=10:00", "to", "10:00", "`from` as well"),
        ("from=now&to=11:00", "from", "now", a_time),
        ("from=24:00&to=24:00", "from", "24:00", a_time),
        ("from=10:00&to=10:00", "to", "10:00", "a time after 10:00 and up to 24:00"),
        ("from=10:00&to=24:01", "to", "24:01", "a time after 10:00 and up to 24:00"),
        ("from=10:00&to=", "to", "", "a time after 10:00 and up to 24:00"),
        ("min_minutes=", "min_minutes", "", number),
        ("min_minutes=0", "min_minutes", "0", number),
        ("min_minutes=1441", "min_minutes", "1441", number),
        ("min_minutes=060", "min_minutes", "060", number),
        ("min_minutes=%2B60", "min_minutes", "+60", number),
        ("min_minutes=60.0", "min_minutes", "60.0", number),
        ("min_minutes=99999999999999999999", "min_minutes", "99999999999999999999", number),
        ("q=", "q", "", text),
        ("q=+%09", "q", " \t", text),
        (&format!("q={long}"), "q", &long, text),
        ("q=a&q=b", "q", "a, b", &format!("{text}, given only once")),
        ("sort=", "sort", "", "`name`, `free_until`, `duration` or `capacity`"),
        ("sort=Name", "sort", "Name", "`name`, `free_until`, `duration` or `capacity`"),
        (
            "sort=free_until",
            "sort",
            "free_until",
            "`name`, `duration` or `capacity` (`free_until` needs `at`, or `from` and `to`)",
        ),
    ] {
        assert_eq!(parse(query, TUESDAY, NOON), Err(BadParameter::new(name, held, expected)), "{query}");
    }
    let tomorrow = parse("at=now", "2026-03-04", NOON).unwrap_err();
    assert_eq!(tomorrow.to_string(), format!("`at` is `now`; expected {a_time}, because `date` is not today"));
    assert!(parse(&format!("q=+{}+", "é".repeat(100)), TUESDAY, NOON).is_ok());
    assert!(parse("at=10:00", "2026-03-04", NOON).is_ok());
}

#[test]
fn on_days_of_23_and_25_hours_elapsed_minutes_count() {
    let class = |start, end| vec![Booking { start: minutes(start), end: minutes(end) }];
    let spring = snapshot(SPRING, &[("5", vec![]), ("6", class("04:00", "05:00"))]);
    assert_eq!(
        free(&spring, "at=01:00", NOON),
        json!([["1", "2026-03-09T00:00:00-04:00", 22 * 60], ["2", "2026-03-08T04:00:00-04:00", 120]])
    );
    assert_eq!(free(&spring, "at=02:30", NOON), free(&spring, "at=03:00", NOON), "the clocks skip that time");
    assert_eq!(free(&spring, "from=02:10&to=02:20&q=night2", NOON), json!([["2", "2026-03-08T04:00:00-04:00", 60]]));
    assert_eq!(free(&spring, "min_minutes=1380", NOON), json!([["1", null, null]]));
    assert_eq!(free(&spring, "min_minutes=1381", NOON), json!([]));

    let autumn = snapshot(AUTUMN, &[("5", vec![]), ("6", class("01:30", "02:30"))]);
    assert_eq!(
        free(&autumn, "at=01:00", NOON),
        json!([["1", "2026-11-02T00:00:00-05:00", 24 * 60], ["2", "2026-11-01T01:30:00-04:00", 30]])
    );
    assert_eq!(
        free(&autumn, "at=now&q=night2", "2026-11-01T01:10:59.9-05:00"),
        json!([["2", "2026-11-01T01:30:00-05:00", 20]]),
        "it is the second time that the clocks show ten past one"
    );
}

/// A day, its bookings, and a question about it.
#[derive(Clone, Debug)]
struct Case {
    date: &'static str,
    bookings: Vec<Vec<Booking>>,
    known: Vec<bool>,
    moment: Option<(u16, Option<u16>)>,
    min_minutes: Option<i64>,
    sort: Option<&'static str>,
}

fn case() -> impl Strategy<Value = Case> {
    // Bookings neither begin nor end while the clocks change: ambiguous times are tested above.
    let time = prop_oneof![0..=1440_u16, (0..=48_u16).prop_map(|half_hours| half_hours * 30)];
    let time = time.prop_map(|time| if (61..180).contains(&time) { 180 } else { time });
    let booking = (time, 1..=300_u16).prop_map(|(start, length)| {
        let end = start + length;
        Booking { start, end: if (61..180).contains(&end) { 180 } else { end } }
    });
    let bookings = prop::collection::vec(prop::collection::vec(booking, 0..6), 6);
    let moment = prop::option::of((0..1440_u16, prop::option::of(1..300_u16)))
        .prop_map(|moment| moment.map(|(from, length)| (from, length.map(|length| (from + length).min(1440)))));
    let sort = prop::option::of(prop::sample::select(&["name", "duration", "free_until"][..]));
    let min_minutes = prop::option::of(prop_oneof![1..=200_i64, 1..=1440_i64]);
    let date = prop::sample::select(&[TUESDAY, SPRING, AUTUMN][..]);
    let known = prop::collection::vec(prop::bool::weighted(0.8), 6);
    (date, bookings, known, moment, min_minutes, sort).prop_map(|(date, bookings, known, moment, min_minutes, sort)| {
        let sort = sort.filter(|sort| *sort != "free_until" || moment.is_some());
        Case { date, bookings, known, moment, min_minutes, sort }
    })
}

impl Case {
    fn query(&self) -> String {
        let time = |minutes: u16| TimeOfDay::from_minutes(minutes).unwrap();
        let moment = self.moment.map(|(from, to)| match to {
            Some(to) => format!("from={}&to={}", time(from), time(to)),
            None => format!("at={}", time(from)),
        });
        let min_minutes = self.min_minutes.map(|minutes| format!("min_minutes={minutes}"));
        let sort = self.sort.map(|sort| format!("sort={sort}"));
        let parameters = [moment, min_minutes, sort, Some("building=CAS,night".to_owned())];
        parameters.into_iter().flatten().collect::<Vec<_>>().join("&")
    }

    /// The clock time of each elapsed minute of the day.
    fn minutes(&self) -> Vec<u16> {
        let zone = campus().timezone;
        let date: chrono::NaiveDate = self.date.parse().unwrap();
        let midnight = date.and_hms_opt(0, 0, 0).unwrap().and_local_timezone(zone).unwrap();
        let minutes = (0..).map(|minute| midnight + chrono::TimeDelta::minutes(minute));
        let shown = minutes.take_while(|now| now.date_naive() == date);
        shown.map(|now| u16::try_from(now.hour() * 60 + now.minute()).unwrap()).collect()
    }

    /// For each minute on the clock, whether the room is free then, and for long enough to make a slot.
    fn free(&self, room: usize) -> Vec<bool> {
        let (opens, closes) = if room < 4 { (minutes("07:00"), minutes("23:00")) } else { (0, 1440) };
        let taken = |minute| self.bookings[room].iter().any(|booking| (booking.start..booking.end).contains(&minute));
        let mut free: Vec<_> =
            (0..1440).map(|minute| self.known[room] && (opens..closes).contains(&minute) && !taken(minute)).collect();
        let mut from = 0;
        for stretch in free.chunk_by_mut(|a, b| a == b) {
            let until = from + u16::try_from(stretch.len()).unwrap();
            let neighbors = u16::from(from > opens) + u16::from(until < closes);
            if until - from < MIN_GAP + neighbors {
                stretch.fill(false);
            }
            from = until;
        }
        free
    }

    /// How many minutes the room is free, from the requested moment or at the best time of the day; `None` if it does not match.
    fn expected(&self, minutes: &[u16], room: usize) -> Option<i64> {
        let free = self.free(room);
        let free: Vec<_> = minutes.iter().map(|minute| free[usize::from(*minute)]).collect();
        let found = match self.moment {
            Some((from, to)) => {
                let reached = |time| minutes.iter().position(|minute| *minute >= time);
                let from = reached(from)?;
                let to = to.map_or(from + 1, |to| reached(to).unwrap_or(minutes.len())).max(from + 1);
                let is_free = free[from..to].iter().all(|free| *free);
                is_free.then(|| free[from..].iter().take_while(|free| **free).count())?
            }
            None => free.chunk_by(|a, b| a == b).filter(|run| run[0]).map(<[bool]>::len).max().unwrap_or_default(),
        };
        let found = i64::try_from(found).unwrap();
        (found >= self.min_minutes.unwrap_or_default()).then_some(found)
    }
}

proptest! {
    /// Minute by minute, from the bookings themselves.
    #[test]
    fn the_rooms_found_are_those_that_are_free_minute_by_minute(case in case()) {
        let rooms: Vec<_> = (0..6).filter(|room| case.known[*room]).map(|room| (ROOMS[room], case.bookings[room].clone())).collect();
        let snapshot = snapshot(case.date, &rooms);
        let (query, campus) = (case.query(), campus());
        let question = parse(&query, case.date, NOON).unwrap().unwrap();
        let answer = question.answer(&snapshot, &campus);
        let shown = case.minutes();
        let expected: Vec<_> = (0..6).filter_map(|room| Some((ROOMS[room], case.expected(&shown, room)?))).collect();
        let minutes = |room: &RoomMatch<'_>| expected.iter().find(|(id, _)| *id == room.id).map(|(_, minutes)| *minutes);
        if case.sort.is_some_and(|sort| sort != "name") {
            for building in answer.buildings.values() {
                let longest_first = building.classrooms.iter().map(minutes).is_sorted_by_key(std::cmp::Reverse);
                prop_assert!(longest_first, "{}: {:?}", query, building);
            }
        }
        let mut found: Vec<_> = answer.buildings.values().flat_map(|building| &building.classrooms).collect();
        found.sort_by_key(|room| room.id);
        let ids: Vec<_> = found.iter().map(|room| room.id).collect();
        prop_assert_eq!(ids, expected.iter().map(|(id, _)| *id).collect::<Vec<_>>(), "{}", &query);
        for room in found {
            let (Some(minutes), Some((from, _))) = (minutes(room), case.moment) else {
                prop_assert_eq!(room.free, None);
                continue;
            };
            let from = question.day.instant(TimeOfDay::from_minutes(from).unwrap());
            let until = from + chrono::TimeDelta::minutes(minutes);
            prop_assert_eq!(room.free, Some(FreeTime { until, minutes }), "{}: {}", room.id, &query);
        }
    }

    #[test]
    fn any_query_string_is_a_question_or_none_or_the_error_names_a_parameter(
        pairs in prop::collection::vec((prop_oneof![4 => prop::sample::select(&PARAMETERS[..]).prop_map(str::to_owned), 1 => any::<String>()],
            prop_oneof![Just("now".to_owned()), Just("CAS".to_owned()), "[0-2][0-9]:[0-5][0-9]", "[0-9]{1,4}", "name|duration|free_until|capacity", any::<String>()]), 0..5),
        date in prop::sample::select(&[TUESDAY, SPRING, AUTUMN][..]),
    ) {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let asked = |name: &str| pairs.iter().filter(|(key, _)| key == name).count();
        match parse(&query, date, NOON) {
            Ok(None) => prop_assert!(PARAMETERS.iter().all(|name| asked(name) == 0)),
            Ok(Some(question)) => {
                let may_repeat = |name: &&str| *name == BUILDING || *name == FEATURE;
                prop_assert!(PARAMETERS.iter().all(|name| asked(name) < 2 || may_repeat(name)));
                let _ = question.answer(&snapshot(date, &[("1", vec![]), ("5", vec![])]), &campus());
            }
            Err(bad) => prop_assert!(asked(bad.name) > 0, "{}", bad),
        }
    }
}
