//! `GET /api/classrooms/{id}`, and its `/days` and `/calendar.ics`: one room.

use std::time::Duration;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use chrono::NaiveDate;
use chrono_tz::Tz;
use domain::{
    calendar,
    campus::{Building, Campus, Classroom},
    campus_day::CampusDay,
    opening_hours::OpeningHours,
    room_days::{RoomDay, RoomDays},
    room_facts::RoomFacts,
    slots::Slot,
    snapshot::RoomStatus,
    time_of_day::TimeOfDay,
    timestamp::Timestamp,
};
use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_DISPOSITION};
use serde::{Deserialize, Serialize};

use super::{
    cache_control::{Cacheable, Minute, Rooms},
    problem::Problem,
    query::{DayParameters, Query},
    representation::{Representation, unreadable},
};
#[cfg(feature = "openapi")]
use super::{openapi, query::SeenParameter};
use crate::service::Service;

/// When to ask again for the calendar of an unknown room: it takes another sweep.
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
    /// How current `availability` is.
    status: RoomStatus,
    /// The number of people it holds, if the campus file has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    capacity: Option<u32>,
    /// Its equipment, such as "Projector", if the campus file has it.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    features: &'a [String],
    /// All free slots of the day, in order.
    availability: &'a [Slot],
    /// The day, at the campus.
    date: NaiveDate,
    /// The campus's time zone. All times are in it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    timezone: Tz,
    /// When the sweep that the slots came from ended, in campus time.
    last_updated: Timestamp,
    /// Whether the data are older than they should be.
    stale: bool,
    /// Whether the bookings are invented for a demonstration. Present only if they are.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    simulated: bool,
    #[serde(flatten)]
    facts: RoomFacts,
}

/// The path parameter.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Path))]
pub(super) struct RoomPath {
    /// 25Live's `space_id` of the room: its `id` in `/api/open-classrooms`.
    #[cfg_attr(feature = "openapi", param(min_length = 1, example = "342"))]
    id: String,
}

/// Returns the room that the path names, or 404.
pub(super) fn room_named(
    campus: &Campus,
    path: Result<Path<RoomPath>, PathRejection>,
) -> Result<(&Building, &Classroom), Problem> {
    let path = path.ok();
    let mut rooms = campus.classrooms();
    let named = |room: &Classroom| path.as_ref().is_some_and(|Path(path)| room.id == path.id);
    rooms.find(|(_, room)| named(room)).ok_or_else(Problem::classroom_not_found)
}

/// One room on a day
///
/// The slots of one room, whether it is free now, when it is free next, and whether it is booked that day. A room without any
/// booking on a day is often locked.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/classrooms/{id}",
    operation_id = "classroom",
    tag = "classrooms",
    params(RoomPath, DayParameters, SeenParameter),
    responses(
        (
            status = 200,
            description = "The room.",
            body = ClassroomBody<'_>,
            headers(("ETag"), ("X-Cache")),
            links(
                ("calendar" = (
                    operation_id = "calendar",
                    description = "Its calendar.",
                    parameters(("id" = "$response.body#/id")),
                )),
                ("building" = (
                    operation_id = "openClassrooms",
                    description = "All rooms of its building on that day.",
                    parameters(("building" = "$response.body#/building_code"), ("date" = "$response.body#/date")),
                )),
            ),
        ),
        (status = 304, description = openapi::NOT_MODIFIED),
        (status = 400, description = openapi::BAD_DATE),
        (status = 404, description = [openapi::NO_SUCH_ROOM, openapi::NOT_KEPT].join("\n\n")),
        (status = 503, description = openapi::NO_DATA, headers(("Retry-After"))),
    ),
))]
pub(super) async fn classroom(
    State(service): State<Service>,
    path: Result<Path<RoomPath>, PathRejection>,
    parameters: Result<Query<DayParameters>, Problem>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let campus = &service.deps.config.campus;
    let (building, room) = room_named(campus, path)?;
    let Query(DayParameters { date, now }) = parameters?;
    let served = service.reader.snapshot(Some(date)).await?;
    let snapshot = served.snapshot.parsed().map_err(|error| unreadable(&error))?;
    let found = snapshot.room(&room.id).ok_or_else(Problem::classroom_not_found)?;
    let body = ClassroomBody {
        id: &room.id,
        name: &room.name,
        building_code: &building.code,
        status: found.status,
        capacity: room.capacity,
        features: &room.features,
        availability: &found.availability,
        date,
        timezone: campus.timezone,
        last_updated: snapshot.last_updated,
        stale: snapshot.stale,
        simulated: snapshot.simulated,
        facts: RoomFacts::of(found, building.hours_on(date), CampusDay::new(date, campus.timezone), now),
    };
    let rooms = Rooms {
        cache_result: served.cache_result,
        last_updated: Some(snapshot.last_updated),
        date,
        minute: if date == now.date_naive() { Minute::FreeRooms } else { Minute::Any },
        asked_at: now,
        answered_at: service.deps.clock.at_campus(),
    };
    let cache_control = Cacheable::Rooms(rooms).cache_control(&service.deps.config);
    Ok(Representation::json(&body, served.cache_result).respond_to(&headers, cache_control))
}

/// The body of `GET /api/classrooms/{id}/days`.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ClassroomDays))]
pub(super) struct DaysBody<'a> {
    /// 25Live's `space_id`.
    id: &'a str,
    /// The room's name within its building.
    name: &'a str,
    /// The building's code.
    building_code: &'a str,
    /// The campus's time zone. All times are in it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    timezone: Tz,
    /// Whether the bookings are invented for a demonstration. Present only if they are.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    simulated: bool,
    /// Every kept day, in order.
    days: Vec<DayBody>,
}

/// A room on one day.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ClassroomDay))]
pub(super) struct DayBody {
    /// The day, at the campus.
    date: NaiveDate,
    /// How current `availability` is.
    status: RoomStatus,
    /// When the building opens on that day; null if it is closed.
    opens: Option<TimeOfDay>,
    /// When the building closes on that day; null if it is closed.
    closes: Option<TimeOfDay>,
    /// When the sweep that the slots came from ended, in campus time.
    last_updated: Timestamp,
    /// All free slots of the day, in order.
    availability: Vec<Slot>,
}

/// One room on all days
///
/// The free slots of one room on every kept day, from up to three days ago to about a month ahead.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/classrooms/{id}/days",
    operation_id = "classroomDays",
    tag = "classrooms",
    params(RoomPath, SeenParameter),
    responses(
        (status = 200, description = "The days.", body = DaysBody<'_>, headers(("ETag"), ("X-Cache"))),
        (status = 304, description = openapi::NOT_MODIFIED),
        (status = 404, description = openapi::NO_SUCH_ROOM),
        (status = 503, description = openapi::NO_DATA, headers(("Retry-After"))),
    ),
))]
pub(super) async fn days(
    State(service): State<Service>,
    path: Result<Path<RoomPath>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let campus = &service.deps.config.campus;
    let (building, room) = room_named(campus, path)?;
    let now = service.deps.clock.at_campus();
    let (cache_result, RoomDays { simulated, days }) = service.reader.room_days(building, room).await?;
    let rooms = Rooms {
        cache_result,
        last_updated: days.iter().map(|day| day.last_updated).max(),
        date: now.date_naive(),
        minute: Minute::Any,
        asked_at: now,
        answered_at: service.deps.clock.at_campus(),
    };
    let cache_control = Cacheable::Rooms(rooms).cache_control(&service.deps.config);
    let day = |RoomDay { date, status, last_updated, slots }| {
        let hours = building.hours_on(date);
        let (opens, closes) = (hours.map(OpeningHours::opens), hours.map(OpeningHours::closes));
        DayBody { date, status, opens, closes, last_updated, availability: slots }
    };
    let body = DaysBody {
        id: &room.id,
        name: &room.name,
        building_code: &building.code,
        timezone: campus.timezone,
        simulated,
        days: days.into_iter().map(day).collect(),
    };
    Ok(Representation::json(&body, cache_result).respond_to(&headers, cache_control))
}

/// A room's free periods as a calendar
///
/// When a room is free on every kept day, as iCalendar (RFC 5545), for calendar programs to subscribe to. Its events are free
/// periods, and do not show the subscriber as busy.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/classrooms/{id}/calendar.ics",
    operation_id = "calendar",
    tag = "classrooms",
    params(RoomPath, SeenParameter),
    responses(
        (
            status = 200,
            description = "The calendar.",
            body = String,
            content_type = "text/calendar; charset=utf-8",
            headers(("ETag"), ("X-Cache")),
        ),
        (status = 304, description = openapi::NOT_MODIFIED),
        (status = 404, description = openapi::NO_SUCH_ROOM),
        (status = 503, description = openapi::NO_DATA, headers(("Retry-After"))),
    ),
))]
pub(super) async fn calendar(
    State(service): State<Service>,
    path: Result<Path<RoomPath>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let campus = &service.deps.config.campus;
    let (building, room) = room_named(campus, path)?;
    let (cache_result, known) = service.reader.room_days(building, room).await?;
    // An empty calendar would mean that the room is never free, and subscribers would lose the events that they have.
    if known.days.iter().all(|day| day.status == RoomStatus::Unknown) {
        return Err(Problem::cache_unavailable(UNKNOWN_RETRY_AFTER));
    }
    let text = calendar::calendar(campus, building, room, &known);
    let cache_control = Cacheable::Calendar(cache_result).cache_control(&service.deps.config);
    let mut response = Representation::calendar(text, cache_result).respond_to(&headers, cache_control);
    if response.status() == StatusCode::OK {
        let file = shown_as_file(&format!("{} {}", building.code, room.name));
        response.headers_mut().insert(CONTENT_DISPOSITION, file);
    }
    Ok(response)
}

/// Returns the Content-Disposition of a calendar with this name, so that a browser saves it as `CAS-116.ics` (RFC 6266).
#[expect(clippy::expect_used, reason = "it is made of printable ASCII characters")]
fn shown_as_file(name: &str) -> HeaderValue {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
    let mut header = format!("inline; filename=\"{plain}.ics\"");
    if !name.is_ascii() {
        let encoded = name.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
        header = format!("{header}; filename*=UTF-8''{encoded}.ics");
    }
    HeaderValue::try_from(header).expect("printable ASCII characters are a valid header value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calendar_is_saved_under_its_rooms_name_whatever_characters_it_has() {
        for (name, header) in [
            ("CAS 116", "inline; filename=\"CAS-116.ics\""),
            ("A ../\"x\"; y", "inline; filename=\"A-----x---y.ics\""),
            ("A \u{e9}", "inline; filename=\"A--.ics\"; filename*=UTF-8''%41%20%C3%A9.ics"),
        ] {
            assert_eq!(shown_as_file(name), header);
        }
    }
}
