//! `GET /`, `GET /api/open-classrooms`, `GET /api/classrooms/{id}`, `GET /api/last-updated`.

use axum::{
    Json, Router,
    extract::{Path, State, rejection::PathRejection},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use chrono::NaiveDate;
use headers::{ETag, HeaderMapExt, IfNoneMatch};
use http::{
    HeaderMap, HeaderValue, StatusCode, Uri,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{X_CACHE, problem::Problem, query};
use crate::{
    cached_snapshot::digest,
    core::Service,
    error_chain,
    read::{ReadError, Source},
    slots::Slot,
    snapshot::{RoomStatus, Snapshot, Timestamp},
};

/// The routes of the read function.
pub fn read_routes(service: &Service) -> Router {
    Router::new()
        .route("/", get(async || Json("Hello World")))
        .route("/app", get(super::page::page))
        .route("/api/open-classrooms", get(open_classrooms))
        .route("/api/classrooms/{id}", get(classroom))
        .route("/api/last-updated", get(last_updated))
        .with_state(service.clone())
}

async fn open_classrooms(State(service): State<Service>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let answer = service.reader.snapshot(query::date(&uri)?).await?;
    Ok(conditional(&headers, &answer.snapshot.etag, answer.snapshot.body, answer.source))
}

/// The body of `GET /api/classrooms/{id}`.
#[derive(Serialize)]
struct Classroom<'a> {
    id: &'a str,
    name: &'a str,
    building_code: &'a str,
    status: RoomStatus,
    availability: &'a [Slot],
    date: NaiveDate,
    last_updated: Timestamp,
    stale: bool,
}

impl<'a> Classroom<'a> {
    fn of(snapshot: &'a Snapshot, id: &str) -> Option<Self> {
        let mut rooms = snapshot
            .buildings
            .values()
            .flat_map(|building| building.classrooms.iter().map(move |room| (building, room)));
        let (building, room) = rooms.find(|(_, room)| room.id == id)?;
        Some(Self {
            id: &room.id,
            name: &room.name,
            building_code: &building.code,
            status: room.status,
            availability: &room.availability,
            date: snapshot.date,
            last_updated: snapshot.last_updated,
            stale: snapshot.stale,
        })
    }
}

async fn classroom(
    State(service): State<Service>,
    id: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Ok(Path(id)) = id else { return Err(Problem::classroom_not_found()) };
    if service.core.config.campus.classrooms().all(|(_, room)| room.id != id) {
        return Err(Problem::classroom_not_found());
    }
    let answer = service.reader.snapshot(query::date(&uri)?).await?;
    let body = answer.snapshot.snapshot().and_then(|snapshot| {
        let room = Classroom::of(&snapshot, &id);
        room.map(|room| serde_json::to_vec(&room)).transpose()
    });
    let body = body.map_err(|error| {
        tracing::error!(cause = error_chain(&error), "a room could not be taken from its snapshot");
        Problem::internal()
    })?;
    let body = Bytes::from(body.ok_or_else(Problem::classroom_not_found)?);
    Ok(conditional(&headers, &digest(&body), body, answer.source))
}

/// Never an error: when Redis is down, nobody knows.
async fn last_updated(State(service): State<Service>) -> Json<Value> {
    let last_refresh = service.core.cache.last_refresh().await.unwrap_or_else(|error| {
        tracing::error!(cause = error_chain(&error), "the cache is down: no last update is shown");
        None
    });
    Json(json!({"last_updated": last_refresh}))
}

/// The body, or 304 if the client has it. Clients ask each time (`no-cache`), so that one that has just refreshed sees the
/// new data at once.
fn conditional(request: &HeaderMap, etag: &str, body: Bytes, source: Source) -> Response {
    let quoted = format!("\"{etag}\"");
    let known = match (request.typed_get::<IfNoneMatch>(), quoted.parse::<ETag>()) {
        (Some(condition), Ok(etag)) => !condition.precondition_passes(&etag),
        _ => false,
    };
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(X_CACHE, HeaderValue::from_static(source.as_str()));
    if let Ok(etag) = HeaderValue::try_from(quoted) {
        headers.insert(ETAG, etag);
    }
    response
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotKept(date) => Self::date_not_kept(date),
            ReadError::Unavailable { retry_after } => Self::cache_unavailable(retry_after),
        }
    }
}
