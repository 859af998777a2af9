//! Runs `emptyclassroom campus check` against a simulated 25Live, and tests the command line itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod commands;

use std::{fs, process::Stdio};

use chrono::Weekday;
use commands::{Ran, command, run, run_in};
use simulator::{Fault, Room, Simulator};
use tempfile::TempDir;

const CAMPUS: &str = r#"
name = "Example College"
timezone = "America/New_York"
opens = "07:00"
closes = "23:00"
days = { sun = "closed" }

[[buildings]]
code = "OLD"
name = "Old Hall"
classrooms = [{ id = "1", name = "101" }, { id = "2", name = "102" }]

[[buildings]]
code = "LIB"
name = "Library"
opens = "06:00"
classrooms = [{ id = "3", name = "1" }]
"#;

fn folder(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("campus.toml"), text).unwrap();
    folder
}

async fn check(text: &str, arguments: &[&str]) -> Ran {
    run_in(folder(text).path(), &[&["campus", "check", "campus.toml"], arguments].concat()).await
}

async fn simulator(ids: impl Iterator<Item = u32>) -> Simulator {
    let rooms = ids.map(|id| Room::new(id.to_string(), format!("HALL {id}")).open(7, 22).closed_on(Weekday::Sun));
    let simulator = Simulator::start(rooms.collect()).await.unwrap();
    simulator.set_display_hours(7, 23);
    simulator
}

#[tokio::test]
async fn a_valid_file_is_summarized() {
    let ran = check(CAMPUS, &[]).await;
    let expected = "campus.toml is a valid campus file.\nExample College, America/New_York: 2 buildings, 3 rooms\n  \
        OLD  Old Hall: 2 rooms, 07:00-23:00, sun closed\n  LIB  Library: 1 room, 06:00-23:00, sun closed\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), expected, ""));
}

#[tokio::test]
async fn an_invalid_file_is_reported_with_its_line() {
    let ran = check(&CAMPUS.replace("\"23:00\"", "\"06:00\""), &[]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.contains("campus.toml, line 5: "), "{}", ran.stderr);
    let none = run(&["campus", "check", "no-such.toml"]).await;
    assert_eq!(none.code, Some(1));
    assert!(none.stderr.contains("no-such.toml cannot be read"), "{}", none.stderr);
}

#[tokio::test]
async fn every_room_is_requested_once_and_the_findings_are_reported() {
    let simulator = simulator(1..=3).await;
    let ran = check(CAMPUS, &["--against", &simulator.url(), "--concurrency", "2"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    assert_eq!(simulator.requests(), 3);
    for part in [
        "25Live answered for 3 of 3 rooms.",
        "All bookings and closures are between 07:00 and 23:00.",
        "These opening hours extend beyond that.",
        "  LIB  06:00-23:00, sun closed\n",
        "Closures are visible",
        "with UPSTREAM_CONCURRENCY=16: short enough for a manual refresh (25 s)",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("OLD  07:00"), "25Live shows its hours: {}", ran.stdout);
}

#[tokio::test]
async fn rooms_without_an_answer_are_listed_with_the_reason() {
    let simulator = simulator(1..=2).await;
    simulator.misbehave_for("2", Fault::Status(404));
    let ran = check(CAMPUS, &["--against", &simulator.url()]).await;
    assert_eq!(ran.code, Some(1));
    for part in [
        "25Live answered for 1 of 3 rooms.",
        "2  OLD 102: 25Live answered 404",
        "3  LIB 1: 25Live returned nothing for today",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
}

#[tokio::test]
async fn closures_hidden_from_guests_are_reported() {
    let simulator = Simulator::start((1..=3).map(|id| Room::new(id.to_string(), "HALL")).collect()).await.unwrap();
    simulator.set_display_hours(9, 18);
    let today = chrono::Utc::now().date_naive();
    for (room, day) in ["1", "2", "3"].into_iter().flat_map(|room| (0..40).map(move |day| (room, day))) {
        let item = simulator::Booking::new("9.000000", 10.0, simulator::Kind::Event);
        simulator.set_bookings(room, today - chrono::Days::new(1) + chrono::Days::new(day), vec![item]);
    }
    let ran = check(CAMPUS, &["--against", &simulator.url()]).await;
    assert!(ran.stdout.contains("No closures are visible"), "{}", ran.stdout);
}

#[tokio::test]
async fn a_sign_in_page_ends_the_check_early() {
    let rooms: Vec<_> = (3..=200).map(|id| format!("{{ id = \"{id}\", name = \"{id}\" }}")).collect();
    let campus = CAMPUS.replace("{ id = \"3\", name = \"1\" }", &rooms.join(", "));
    for fault in [Fault::Html, Fault::Redirect, Fault::Status(401)] {
        let simulator = simulator(1..=3).await;
        simulator.misbehave(fault);
        let ran = check(&campus, &["--against", &simulator.url()]).await;
        assert_eq!(ran.code, Some(1));
        assert!(ran.stdout.contains("25Live asks guests to sign in"), "{}", ran.stdout);
        assert!(simulator.requests() < 20, "{}", simulator.requests());
    }
}

#[tokio::test]
async fn help_and_version_go_to_standard_output() {
    for (arguments, part) in [
        (&["--help"][..], "Usage: emptyclassroom"),
        (&["-h"], "campus"),
        (&["campus", "draft", "--help"], "--institution"),
    ] {
        let ran = run(arguments).await;
        assert_eq!(ran.code, Some(0));
        assert!(ran.stdout.contains(part), "{}", ran.stdout);
    }
    let version = run(&["--version"]).await;
    assert_eq!(
        (version.code, version.stdout.as_str()),
        (Some(0), concat!("emptyclassroom ", env!("CARGO_PKG_VERSION"), "\n"))
    );
}

#[tokio::test]
async fn invalid_arguments_are_a_usage_error() {
    for arguments in [
        &["--port", "80"][..],
        &["run"],
        &["campus", "draft"],
        &["campus", "draft", "--institution", "a b"],
        &["campus", "draft", "--institution", "x", "--timezone", "Mars"],
        &["campus", "draft", "--institution", "x", "--building-from", "stars"],
        &["campus", "check", "x", "--against", "file.json"],
        &["campus", "check", "x", "--concurrency", "0"],
    ] {
        let ran = run(arguments).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn a_closed_output_pipe_is_not_an_error() {
    let folder = folder(CAMPUS);
    let mut child = command(folder.path(), &["campus", "check", "campus.toml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}
