//! `GET /api/classrooms/{id}` and `GET /api/classrooms/{id}/calendar.ics`: one room.

use std::time::Duration;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use chrono::NaiveDate;
use domain::{
    calendar::{self, RoomDay},
    campus::{Building, Campus, Classroom},
    campus_day::CampusDay,
    room_facts::RoomFacts,
    slots::Slot,
    snapshot::RoomStatus,
    timestamp::Timestamp,
};
use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_DISPOSITION};
use serde::Serialize;

use super::{
    problem::Problem,
    query::{DayParameters, Query},
    representation::{Representation, unreadable},
};
use crate::service::Service;

/// When it is worth asking again for the calendar of a room of which nothing is known: it takes another sweep.
const UNKNOWN_RETRY_AFTER: Duration = Duration::from_mins(1);

/// The body of `GET /api/classrooms/{id}`.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Classroom))]
pub(super) struct ClassroomBody<'a> {
    /// 25Live's `space_id`.
    id: &'a str,
    /// The room's name within its building.
    name: &'a str,
    /// The building's code.
    building_code: &'a str,
    /// What `availability` is worth.
    status: RoomStatus,
    /// All free slots of the day, in order.
    availability: &'a [Slot],
    /// The day, at the campus.
    date: NaiveDate,
    /// When the sweep ended that the slots came from, at the campus.
    last_updated: Timestamp,
    /// Whether newer data should have been had.
    stale: bool,
    #[serde(flatten)]
    facts: RoomFacts,
}

/// What the path names, if the campus has it.
fn room_named(campus: &Campus, id: Result<Path<String>, PathRejection>) -> Result<(&Building, &Classroom), Problem> {
    let id = id.ok();
    let mut rooms = campus.classrooms();
    rooms.find(|(_, room)| id.as_ref().is_some_and(|Path(id)| room.id == *id)).ok_or_else(Problem::classroom_not_found)
}

pub(super) async fn classroom(
    State(service): State<Service>,
    id: Result<Path<String>, PathRejection>,
    parameters: Result<Query<DayParameters>, Problem>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let campus = &service.deps.config.campus;
    let (building, room) = room_named(campus, id)?;
    let Query(DayParameters { date, now }) = parameters?;
    let served = service.reader.snapshot(Some(date)).await?;
    let snapshot = served.snapshot.snapshot().map_err(|error| unreadable(&error))?;
    let room = snapshot.room(&room.id).ok_or_else(Problem::classroom_not_found)?;
    let body = ClassroomBody {
        id: &room.id,
        name: &room.name,
        building_code: &building.code,
        status: room.status,
        availability: &room.availability,
        date,
        last_updated: snapshot.last_updated,
        stale: snapshot.stale,
        facts: RoomFacts::of(room, building.hours, CampusDay::new(date, campus.timezone), now),
    };
    Ok(Representation::json(&body, served.cache_result).respond_to(&headers))
}

pub(super) async fn calendar(
    State(service): State<Service>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let campus = &service.deps.config.campus;
    let (building, room) = room_named(campus, id)?;
    let (cache_result, snapshots) = service.reader.kept_days().await?;
    let mut days = Vec::new();
    for cached in snapshots {
        let snapshot = cached.snapshot().map_err(|error| unreadable(&error))?;
        let day = CampusDay::new(snapshot.date, campus.timezone);
        let known = snapshot.room(&room.id).cloned();
        days.extend(known.map(|room| RoomDay { day, last_updated: snapshot.last_updated, room }));
    }
    // An empty calendar would say that the room is never free, and subscribers would lose the events that they have.
    if days.iter().all(|day| day.room.status == RoomStatus::Unknown) {
        return Err(Problem::cache_unavailable(UNKNOWN_RETRY_AFTER));
    }
    let text = calendar::calendar(campus, building, room, &days);
    let mut response = Representation::calendar(text, cache_result).respond_to(&headers);
    if response.status() == StatusCode::OK {
        let file = shown_as_file(&format!("{} {}", building.code, room.name));
        response.headers_mut().insert(CONTENT_DISPOSITION, file);
    }
    Ok(response)
}

/// Content-Disposition for a calendar with this name, so that a browser saves it as `CAS-116.ics` (RFC 6266).
#[expect(clippy::expect_used, reason = "it is made of printable ASCII characters")]
fn shown_as_file(name: &str) -> HeaderValue {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
    let mut header = format!("inline; filename=\"{plain}.ics\"");
    if !name.is_ascii() {
        let encoded = name.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
        header = format!("{header}; filename*=UTF-8''{encoded}.ics");
    }
    HeaderValue::try_from(header).expect("printable ASCII characters are a header's value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calendar_is_saved_under_the_name_of_its_room_whatever_is_in_it() {
        for (name, header) in [
            ("CAS 116", "inline; filename=\"CAS-116.ics\""),
            ("A ../\"x\"; y", "inline; filename=\"A-----x---y.ics\""),
            ("A \u{e9}", "inline; filename=\"A--.ics\"; filename*=UTF-8''%41%20%C3%A9.ics"),
        ] {
            assert_eq!(shown_as_file(name), header);
        }
    }
}
