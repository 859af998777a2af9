//! What each route returns for a building that is closed on a day or has other hours.

use std::fs;

use serde_json::{Value, json};
use simulator::{Booking, Kind};
use tempfile::NamedTempFile;
use testkit::Backend;

use crate::support::{TestServer, day};

/// The rooms of the small campus. Today is a Tuesday.
const CAMPUS: &str = r#"
name = "Small College"
timezone = "America/New_York"
opens = "07:00"
closes = "23:00"
closed = ["2026-03-05"]
contact = "https://example.edu/rooms"

[[buildings]]
code = "CAS"
name = "Closed on Tuesdays"
days = { tue = "closed", wed = "09:00-13:00" }
location = [42.35, -71.1]
classrooms = [{ id = "342", name = "116", capacity = 40, features = ["Projector"] }, { id = "344", name = "201" }]

[[buildings]]
code = "CGS"
name = "Open"
classrooms = [{ id = "719", name = "129" }, { id = "723", name = "311" }]
"#;

async fn start() -> (TestServer, NamedTempFile) {
    let file = NamedTempFile::new().unwrap();
    fs::write(file.path(), CAMPUS).unwrap();
    let app = TestServer::start_with(Backend::Memory, &[("CAMPUS_FILE", file.path().to_str().unwrap())]).await;
    for date in ["2026-03-03", "2026-03-04", "2026-03-05"] {
        let class = || vec![Booking::new(10.0, 11.0, Kind::Event)];
        app.simulator.set_bookings("342", day(date), class());
        app.simulator.set_bookings("344", day(date), vec![]);
        app.simulator.set_bookings("719", day(date), class());
        app.simulator.set_bookings("723", day(date), vec![]);
    }
    (app, file)
}

/// A building's hours and the free slots of its first room.
fn hours(answer: &Value, code: &str) -> Value {
    let building = &answer["buildings"][code];
    let slots = building["classrooms"][0]["availability"].as_array().unwrap().iter();
    let times: Vec<_> = slots.map(|slot| [&slot["start_time"], &slot["end_time"]]).collect();
    json!([building["opens"], building["closes"], times])
}

#[tokio::test]
async fn rooms_of_a_closed_building_are_neither_free_nor_booked() {
    let (app, _file) = start().await;
    let today = app.open_classrooms().await.json();
    assert_eq!(hours(&today, "CAS"), json!([null, null, []]));
    assert_eq!(hours(&today, "CGS"), json!(["07:00", "23:00", [["07:00", "09:59"], ["11:01", "23:00"]]]));
    let room = app.get("/api/classrooms/342").await.json();
    assert_eq!(
        (&room["status"], &room["free_now"], &room["next_free"], &room["booked_today"]),
        (&json!("ok"), &json!(false), &json!(null), &json!(false)),
        "the class is outside the opening hours"
    );
    let free = app.get("/api/open-classrooms?at=12:00").await.json();
    assert!(free["buildings"]["CAS"]["classrooms"].as_array().unwrap().is_empty());
    let buildings = app.get("/api/buildings").await.json();
    let building = |place: usize| &buildings["buildings"][place];
    assert_eq!((&building(0)["opens"], &building(0)["free_now"]), (&json!(null), &json!(0)));
    assert_eq!((&building(1)["opens"], &building(1)["free_now"]), (&json!("07:00"), &json!(2)));
}

#[tokio::test]
async fn a_day_has_the_hours_of_its_weekday_and_a_holiday_has_none() {
    let (app, _file) = start().await;
    let wednesday = app.get("/api/open-classrooms?date=2026-03-04").await.json();
    assert_eq!(hours(&wednesday, "CAS"), json!(["09:00", "13:00", [["09:00", "09:59"], ["11:01", "13:00"]]]));
    let holiday = app.get("/api/open-classrooms?date=2026-03-05").await.json();
    assert_eq!((hours(&holiday, "CAS"), hours(&holiday, "CGS")), (json!([null, null, []]), json!([null, null, []])));
    let calendar = app.get("/api/classrooms/344/calendar.ics").await.text;
    let has = |start: &str| calendar.contains(&format!("DTSTART:{start}"));
    assert!(has("20260304T140000Z"), "Wednesday, 09:00 in New York");
    assert!(
        !calendar.contains("DTSTART:20260303") && !calendar.contains("DTSTART:20260305"),
        "it is closed on these days"
    );
}

#[tokio::test]
async fn responses_include_the_campus_files_details_of_campus_buildings_and_rooms() {
    let (app, _file) = start().await;
    let today = app.open_classrooms().await.json();
    let rooms = &today["buildings"]["CAS"]["classrooms"];
    assert_eq!(today["campus"], "Small College");
    assert_eq!((&rooms[0]["capacity"], &rooms[0]["features"]), (&json!(40), &json!(["Projector"])));
    assert!(rooms[1].get("capacity").is_none() && rooms[1].get("features").is_none());
    let room = app.get("/api/classrooms/342").await.json();
    assert_eq!((&room["capacity"], &room["features"]), (&json!(40), &json!(["Projector"])));
    let buildings = app.get("/api/buildings").await.json();
    assert_eq!(
        (&buildings["campus"], &buildings["contact"]),
        (&json!("Small College"), &json!("https://example.edu/rooms"))
    );
    assert_eq!(buildings["buildings"][0]["location"], json!([42.35, -71.1]));
    assert!(buildings["buildings"][1].get("location").is_none());
    let large = app.get("/api/open-classrooms?min_capacity=30&feature=projector").await.json();
    assert_eq!(large["buildings"]["CAS"]["classrooms"][0]["id"], "342");
    assert!(large["buildings"]["CGS"]["classrooms"].as_array().unwrap().is_empty());
}
