//! `GET /api/open-classrooms`: every room of a day, or those that match a question.

use axum::{extract::State, response::Response};
use http::HeaderMap;

#[cfg(feature = "openapi")]
use domain::question::OpenClassrooms;

use super::{
    cache_control::{Cacheable, Rooms},
    problem::Problem,
    query::{Query, RoomsParameters},
    representation::{Representation, unreadable},
};
#[cfg(feature = "openapi")]
use super::{
    openapi,
    query::{DayParameters, QuestionParameters, SeenParameter},
};
use crate::service::{Service, read::ReadError};

/// The free slots of a day
///
/// Every building and room of the campus with its free slots on a day, including rooms that are never free. Filters select rooms;
/// a room must match all of them. With a time (`at`, or `from` and `to`), each room also shows until when it is free, and for how
/// many minutes.
///
/// A slot stays a minute clear of the bookings around it. Questions about a time do not: if a class begins at 10:00, the room is
/// free until 10:00.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/open-classrooms",
    operation_id = "openClassrooms",
    tag = "classrooms",
    params(DayParameters, QuestionParameters, SeenParameter),
    responses(
        (
            status = 200,
            description = "The rooms.",
            body = OpenClassrooms<'_>,
            headers(("ETag"), ("X-Cache")),
            links(
                ("room" = (
                    operation_id = "classroom",
                    description = "A room of the response.",
                    parameters(
                        ("id" = "$response.body#/buildings/CAS/classrooms/0/id"),
                        ("date" = "$response.body#/date"),
                    ),
                )),
                ("calendar" = (
                    operation_id = "calendar",
                    description = "A room's calendar.",
                    parameters(("id" = "$response.body#/buildings/CAS/classrooms/0/id")),
                )),
            ),
        ),
        (status = 304, description = openapi::NOT_MODIFIED),
        (status = 400, description = openapi::BAD_DATE),
        (status = 404, description = openapi::NOT_KEPT),
        (status = 503, description = openapi::NO_DATA, headers(("Retry-After"))),
    ),
))]
pub(super) async fn open_classrooms(
    State(service): State<Service>,
    Query(RoomsParameters { date, question, minute, now }): Query<RoomsParameters>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let served = service.reader.snapshot(Some(date)).await?;
    let rooms = Rooms {
        cache_result: served.cache_result,
        last_updated: Some(served.snapshot.last_updated),
        date,
        minute,
        asked_at: now,
        answered_at: service.deps.clock.at_campus(),
    };
    let cache_control = Cacheable::Rooms(rooms).cache_control(&service.deps.config);
    let representation = match question {
        None => Representation::cached(served, &headers),
        Some(question) => {
            let snapshot = served.snapshot.parsed().map_err(|error| unreadable(&error))?;
            Representation::json(&question.answer(snapshot, &service.deps.config.campus), served.cache_result)
        }
    };
    Ok(representation.respond_to(&headers, cache_control))
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotKept(date) => Self::date_not_kept(date),
            ReadError::Unavailable { retry_after } => Self::cache_unavailable(retry_after),
        }
    }
}
