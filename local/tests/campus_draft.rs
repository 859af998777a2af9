//! Runs `emptyclassroom campus draft` against a simulated 25Live.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod commands;
mod program;

use std::{fs, io::Write, time::Duration};

use chrono::Weekday;
use commands::{Ran, run, run_in};
use emptyclassroom::domain::{campus::Campus, opening_hours::OpeningHours};
use flate2::{Compression, write::GzEncoder};
use program::Program;
use simulator::{Fault, Room, Simulator};

/// The rooms of a college with regular names.
fn college() -> Vec<Room> {
    let class = |id: u32, name: &str, formal: &str| {
        Room::new(id.to_string(), name)
            .formal_name(formal)
            .category("Classrooms - General Use")
            .open(7, 22)
            .closed_on(Weekday::Sun)
    };
    vec![
        class(11, "OLD 110", "Old Main Hall Room 110").capacity(40).feature("Projector").feature("Whiteboard"),
        class(12, "OLD 9", "Old Main Hall Rm 9").capacity(0).feature("Projector"),
        class(13, "OLD B06A", "OFFICE").feature("IT: Network, Wired").feature("Projector"),
        class(21, "LIB 2", "Library, 2").open_on(Weekday::Sat, 10, 18).capacity(12),
        class(22, "LIB 1", "Library - 1").open_on(Weekday::Sat, 10, 18).feature("Whiteboard"),
        class(31, "GYM 1", "Gymnasium 1"),
        Room::new("41", "Parking Lot 5").category("Parking, Visitors").capacity(90),
        Room::new("42", "East Lawn"),
        class(43, "OLD 7 (not used)", "Old Main Hall 7"),
    ]
}

async fn draft(simulator: &Simulator, arguments: &[&str]) -> Ran {
    let server = format!("http://{}", simulator.addr());
    run(&[&["campus", "draft", "--institution", "example", "--server", &server], arguments].concat()).await
}

fn parsed(ran: &Ran) -> Campus {
    Campus::parse("draft", &ran.stdout).unwrap_or_else(|error| panic!("{error}\n{}", ran.stdout))
}

/// Code, name and rooms of each building.
fn shape(campus: &Campus) -> Vec<(&str, &str, Vec<&str>)> {
    let rooms = |building: &'_ emptyclassroom::domain::campus::Building| building.classrooms.len();
    assert!(campus.buildings.iter().all(|building| rooms(building) > 0));
    campus
        .buildings
        .iter()
        .map(|b| (b.code.as_str(), b.name.as_str(), b.classrooms.iter().map(|room| room.name.as_str()).collect()))
        .collect()
}

#[tokio::test]
async fn a_draft_of_regular_names_needs_no_edit() {
    let simulator = Simulator::start(college()).await.unwrap();
    let ran = draft(&simulator, &["--name", "Example College", "--timezone", "America/Chicago"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let campus = parsed(&ran);
    assert_eq!((campus.name.as_str(), campus.timezone), ("Example College", chrono_tz::America::Chicago));
    assert_eq!(
        shape(&campus),
        [
            ("GYM", "Gymnasium", vec!["1"]),
            ("LIB", "Library", vec!["1", "2"]),
            ("OLD", "Old Main Hall", vec!["9", "110", "B06A"])
        ]
    );
    let old = &campus.buildings[2].classrooms;
    assert_eq!(
        old.iter().map(|room| (room.id.as_str(), room.capacity)).collect::<Vec<_>>(),
        [("12", None), ("11", Some(40)), ("13", None)]
    );
    assert_eq!(old[2].features, ["IT: Network, Wired", "Projector"]);
    let hours = |opens: &str, closes: &str| OpeningHours::new(opens.parse().unwrap(), closes.parse().unwrap());
    for (building, saturday) in [(0, ("07:00", "22:00")), (1, ("10:00", "18:00"))] {
        let schedule = &campus.buildings[building].schedule;
        assert_eq!(schedule.on_weekday(Weekday::Tue), hours("07:00", "22:00"));
        assert_eq!(schedule.on_weekday(Weekday::Sat), hours(saturday.0, saturday.1));
        assert_eq!(schedule.on_weekday(Weekday::Sun), None);
    }
}

#[tokio::test]
async fn the_summary_says_what_was_left_out_and_what_to_do_next() {
    let simulator = Simulator::start(college()).await.unwrap();
    let ran = draft(&simulator, &[]).await;
    for part in [
        "Drafted 3 buildings with 6 rooms.",
        "1 room in other categories",
        "1 room without a category",
        "1 room not in use: OLD 7 (not used)",
        "campus check FILE --against http",
        "# check",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    assert!(!ran.stderr.contains('\u{1b}'), "colors are for terminals: {:?}", ran.stderr);
    assert!(
        ran.stdout.contains("#      1  Parking, Visitors\n") || ran.stdout.contains("#      1  Parking\n"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("name = \"example\" # check"), "{}", ran.stdout);
    assert!(ran.stdout.contains("timezone = \"America/New_York\" # check"), "{}", ran.stdout);
}

#[tokio::test]
async fn a_draft_sends_few_requests_with_our_user_agent() {
    let simulator = Simulator::start(college()).await.unwrap();
    draft(&simulator, &[]).await;
    assert_eq!((simulator.list_requests(), simulator.requests()), (1, 3), "one list, and one room of each building");
    let agents = [simulator.user_agents(), simulator.list_user_agents()].concat();
    assert!(agents.iter().all(|agent| agent.starts_with("EmptyClassroom/")), "{agents:?}");
    let buildings = (0..200).map(|id| Room::new(id.to_string(), format!("B{id:03} 1"))).collect();
    let large = Simulator::start(buildings).await.unwrap();
    large.set_latency(Duration::from_millis(20));
    let ran = draft(&large, &[]).await;
    assert_eq!(parsed(&ran).buildings.len(), 200);
    assert!(large.requests() + large.list_requests() <= 60, "{}", large.requests());
    assert!(large.peak_in_flight() <= 4);
}

#[tokio::test]
async fn categories_can_be_chosen() {
    let simulator = Simulator::start(college()).await.unwrap();
    let ran = draft(&simulator, &["--category", "Parking, Visitors"]).await;
    assert_eq!(shape(&parsed(&ran)), [("OTHER", "Other rooms", vec!["Parking Lot 5"])]);
    let all = draft(&simulator, &["--every-room"]).await;
    assert_eq!(parsed(&all).classrooms().count(), 8);
    let none = draft(&simulator, &["--category", "Pools"]).await;
    assert_eq!((none.code, none.stdout.as_str()), (Some(1), ""));
    assert!(
        none.stderr.contains("no category matches `Pools`; the list has: Classrooms - General Use (7)"),
        "{}",
        none.stderr
    );
}

#[tokio::test]
async fn all_pages_of_a_long_list_are_read() {
    let rooms = (0..2345).map(|id| Room::new(id.to_string(), format!("HALL {id}")).category("Classroom")).collect();
    let simulator = Simulator::start(rooms).await.unwrap();
    let campus = parsed(&draft(&simulator, &[]).await);
    assert_eq!((campus.classrooms().count(), simulator.list_requests()), (2345, 3));
    assert_eq!(campus.buildings[0].classrooms[10].name, "10");
}

#[tokio::test]
async fn every_form_of_room_name_is_drafted() {
    for (names, code, rooms) in [
        (["1028 DANE", "9 DANE"], "DANE", ["9", "1028"]),
        (["WELL20", "WELL101"], "WELL", ["20", "101"]),
        (["0104-232", "0104-12"], "0104", ["12", "232"]),
        (["Lawn", "Aquarium"], "OTHER", ["Aquarium", "Lawn"]),
        (["Café, Hall 1", "Café, Hall 2"], "Café Hall", ["1", "2"]),
    ] {
        let rooms_of = names.iter().zip(1..).map(|(name, id)| Room::new(id.to_string(), *name).formal_number(id));
        let simulator = Simulator::start(rooms_of.collect()).await.unwrap();
        let campus = parsed(&draft(&simulator, &[]).await);
        assert_eq!(
            shape(&campus).iter().map(|(code, _, rooms)| (*code, rooms.clone())).collect::<Vec<_>>(),
            [(code, rooms.to_vec())]
        );
    }
}

#[tokio::test]
async fn the_building_column_is_used_unless_another_source_is_chosen() {
    let rooms = [("HALL 1", "Old Hall"), ("HALL 2", "Old Hall"), ("GYM 1", "New Gym")];
    let rooms =
        rooms.iter().zip(1..).map(|((name, building), id)| Room::new(id.to_string(), *name).building(*building));
    let simulator = Simulator::start(rooms.collect()).await.unwrap();
    let campus = parsed(&draft(&simulator, &[]).await);
    assert_eq!(shape(&campus), [("GYM", "New Gym", vec!["1"]), ("HALL", "Old Hall", vec!["1", "2"])]);
    let by_name = parsed(&draft(&simulator, &["--building-from", "name"]).await);
    assert_eq!(shape(&by_name)[0], ("GYM", "GYM", vec!["1"]));
}

#[tokio::test]
async fn spaces_json_is_used_if_listdata_json_is_unavailable() {
    let simulator = Simulator::start(college()).await.unwrap();
    for fault in [Fault::Status(403), Fault::Html, Fault::Status(404), Fault::Redirect, Fault::Body("{}".into())] {
        simulator.misbehave_list("listdata.json", fault.clone());
        let ran = draft(&simulator, &[]).await;
        assert_eq!((ran.code, parsed(&ran).classrooms().count()), (Some(0), 8), "{fault:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("spaces.json is used instead"), "{}", ran.stderr);
        assert!(ran.stdout.contains("# check: the list has no categories"), "{}", ran.stdout);
    }
}

#[tokio::test]
async fn compressed_and_prefixed_lists_are_read() {
    let simulator = Simulator::start(college()).await.unwrap();
    for fault in [Fault::Gzip, Fault::Prefixed] {
        simulator.misbehave_lists(fault.clone());
        let ran = draft(&simulator, &[]).await;
        assert_eq!((ran.code, parsed(&ran).classrooms().count()), (Some(0), 6), "{fault:?}: {}", ran.stderr);
    }
}

#[tokio::test]
async fn a_list_that_is_too_long_or_cut_off_is_refused() {
    let simulator = Simulator::start(college()).await.unwrap();
    for (fault, reason) in [
        (Fault::Huge(64 << 20), "is longer than"),
        (Fault::GzipBomb(64 << 20), "is longer than"),
        (Fault::CutOff, "its JSON cannot be read"),
        (Fault::Status(400), "answered 400 Bad Request"),
    ] {
        simulator.misbehave_lists(fault.clone());
        let ran = draft(&simulator, &[]).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{fault:?}");
        assert!(ran.stderr.contains(reason), "{fault:?}: {}", ran.stderr);
    }
}

#[tokio::test]
async fn a_list_behind_a_sign_in_page_is_reported_and_no_draft_is_written() {
    let simulator = Simulator::start(college()).await.unwrap();
    for fault in [Fault::Html, Fault::Status(401), Fault::Status(403), Fault::Redirect] {
        simulator.misbehave_lists(fault.clone());
        let ran = draft(&simulator, &[]).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{fault:?}");
        assert!(ran.stderr.contains("25Live of example asks guests to sign in"), "{fault:?}: {}", ran.stderr);
    }
}

#[tokio::test]
async fn availability_behind_a_sign_in_page_is_reported_with_the_draft() {
    let simulator = Simulator::start(college()).await.unwrap();
    for fault in [Fault::Html, Fault::Status(401), Fault::Redirect] {
        simulator.misbehave(fault.clone());
        let ran = draft(&simulator, &[]).await;
        assert_eq!((ran.code, parsed(&ran).classrooms().count()), (Some(1), 6), "{fault:?}");
        assert!(ran.stderr.contains("asks guests to sign in before it shows a room's availability"), "{}", ran.stderr);
        assert!(ran.stdout.contains("opens = \"07:00\" # check"), "{}", ran.stdout);
    }
    assert_eq!(simulator.requests(), 3, "one request for each draft is enough");
}

#[tokio::test]
async fn without_visible_closures_the_hours_are_marked_for_review() {
    let rooms = (1..4).map(|id| Room::new(id.to_string(), format!("HALL {id}"))).collect();
    let simulator = Simulator::start(rooms).await.unwrap();
    simulator.set_display_hours(8, 21);
    let ran = draft(&simulator, &[]).await;
    let hours = parsed(&ran).buildings[0].schedule.on_weekday(Weekday::Mon).unwrap();
    assert!(hours.opens() >= "08:00".parse().unwrap() && hours.closes() <= "21:00".parse().unwrap(), "{hours:?}");
    assert!(ran.stdout.contains("# check: "), "{}", ran.stdout);
}

#[tokio::test]
async fn without_availability_the_default_hours_are_marked_for_review() {
    let simulator = Simulator::start(college()).await.unwrap();
    simulator.misbehave(Fault::Status(404));
    let ran = draft(&simulator, &[]).await;
    assert_eq!((ran.code, parsed(&ran).classrooms().count()), (Some(0), 6));
    assert!(ran.stderr.contains("25Live returned no availability"), "{}", ran.stderr);
    assert_eq!(simulator.requests(), 3);
}

#[tokio::test]
async fn a_list_is_read_from_a_url() {
    let simulator = Simulator::start(college()).await.unwrap();
    let base = format!("http://{}/25live/data/example/run", simulator.addr());
    for (list, rooms) in [("spaces.json", 8), ("spaces.xml", 8), ("list/listdata.json?page=1&page_size=4", 6)] {
        let ran = run(&["campus", "draft", "--from", &format!("{base}/{list}")]).await;
        assert_eq!((ran.code, parsed(&ran).classrooms().count()), (Some(0), rooms), "{list}: {}", ran.stderr);
        assert!(!ran.stdout.contains("Partition"), "{}", ran.stdout);
        assert!(ran.stdout.contains("closes = \"22:00\""), "it also requests closures: {}", ran.stdout);
    }
}

#[tokio::test]
async fn a_list_is_read_from_saved_files() {
    let simulator = Simulator::start(college()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let save = async |name: &str, path: &str| {
        let url = format!("http://{}/25live/data/example/run/{path}", simulator.addr());
        fs::write(folder.path().join(name), reqwest::get(url).await.unwrap().bytes().await.unwrap()).unwrap();
    };
    emptyclassroom::install_tls();
    save("spaces.json", "spaces.json").await;
    save("spaces.xml", "spaces.xml").await;
    save("1.json", "list/listdata.json?page=1&page_size=5").await;
    save("2.json", "list/listdata.json?page=2&page_size=5").await;
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&fs::read(folder.path().join("spaces.json")).unwrap()).unwrap();
    fs::write(folder.path().join("packed.json"), packed.finish().unwrap()).unwrap();
    for (from, rooms) in [
        (&["--from", "spaces.json"][..], 8),
        (&["--from", "packed.json"], 8),
        (&["--from", "spaces.xml"], 8),
        (&["--from", "1.json", "--from", "2.json"], 6),
    ] {
        let ran = run_in(folder.path(), &[&["campus", "draft"], from].concat()).await;
        let campus = parsed(&ran);
        assert_eq!((ran.code, campus.classrooms().count()), (Some(0), rooms), "{from:?}: {}", ran.stderr);
        assert!(ran.stdout.contains("opens = \"07:00\" # check: 25Live was not asked"), "{}", ran.stdout);
    }
    let half = run_in(folder.path(), &["campus", "draft", "--from", "1.json"]).await;
    assert!(half.stderr.contains("4 rooms that the list reports but does not contain"), "{}", half.stderr);
    assert_eq!(simulator.requests(), 0);
}

#[tokio::test]
async fn a_list_of_one_room_is_drafted_and_an_empty_one_is_refused() {
    for (rooms, code) in [(vec![Room::new("1", "HALL 1")], 0), (vec![], 1)] {
        let simulator = Simulator::start(rooms).await.unwrap();
        let from = format!("http://{}/25live/data/example/run/spaces.json", simulator.addr());
        let ran = run(&["campus", "draft", "--from", &from]).await;
        assert_eq!(ran.code, Some(code), "{}", ran.stderr);
        assert_eq!(ran.stderr.contains("has no rooms"), code == 1, "{}", ran.stderr);
    }
}

#[tokio::test]
async fn an_unreadable_source_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("page.json"), "<!DOCTYPE html><title>Sign in</title>").unwrap();
    for (from, sentence) in [
        ("none.json", "none.json cannot be read"),
        ("page.json", "page.json cannot be used: it is a web page, perhaps a sign-in page"),
        ("http://127.0.0.1:1/25live/data/x/run/spaces.json", "could not be reached"),
    ] {
        let ran = run_in(folder.path(), &["campus", "draft", "--from", from]).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
        assert!(ran.stderr.starts_with("emptyclassroom: ") && ran.stderr.contains(sentence), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn an_unedited_draft_can_be_served() {
    emptyclassroom::install_tls();
    let simulator = Simulator::start(college()).await.unwrap();
    let ran = draft(&simulator, &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("campus.toml");
    fs::write(&file, &ran.stdout).unwrap();
    let (file, url) = (file.display().to_string(), simulator.url());
    let checked = run(&["campus", "check", &file, "--against", &url]).await;
    assert_eq!(checked.code, Some(0), "{}{}", checked.stdout, checked.stderr);
    let serving = Program::start(&[("CAMPUS_FILE", &file), ("API_URL", &url)]).await;
    assert!(serving.process.output().contains("3 buildings, 6 rooms"), "{}", serving.process.output());
    let body =
        serving.http.get(format!("{}/api/open-classrooms", serving.url)).send().await.unwrap().text().await.unwrap();
    assert!(body.contains("Old Main Hall"), "{body}");
}
