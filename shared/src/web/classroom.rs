//! `GET /api/classrooms/{id}` and `GET /api/classrooms/{id}/calendar.ics`: one room.

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
use http::HeaderMap;
use serde::Serialize;

use super::{
    problem::Problem,
    query::{DayParameters, Query},
    representation::{Representation, unreadable},
};
use crate::service::Service;

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
    Ok(Representation::calendar(calendar::calendar(building, room, &days), cache_result).respond_to(&headers))
}
