//! The routes of the read function. Here: `GET /` and `GET /api/last-updated`.

use axum::{Json, Router, extract::State, routing::get};
use serde::Serialize;

use super::{
    buildings::buildings,
    classroom::{calendar, classroom},
    documentation::openapi,
    health::health,
    open_classrooms::open_classrooms,
    page::{app, docs},
    problem::Problem,
};
use crate::{core::Service, error_chain, read::ReadError, snapshot::Timestamp};

/// The routes of the read function.
pub fn read_routes(service: &Service) -> Router {
    Router::new()
        .route("/", get(async || Json("Hello World")))
        .route("/app", get(app))
        .route("/docs", get(docs))
        .route("/openapi.json", get(openapi))
        .route("/api/open-classrooms", get(open_classrooms))
        .route("/api/classrooms/{id}", get(classroom))
        .route("/api/classrooms/{id}/calendar.ics", get(calendar))
        .route("/api/buildings", get(buildings))
        .route("/api/last-updated", get(last_updated))
        .route("/api/health", get(health))
        .with_state(service.clone())
}

/// The body of `GET /api/last-updated`.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct LastUpdated {
    /// When the last sweep ended, at the campus; null if none is known.
    last_updated: Option<Timestamp>,
}

/// Never an error: when Redis is down, nobody knows.
async fn last_updated(State(service): State<Service>) -> Json<LastUpdated> {
    let last_refresh = service.core.cache.last_refresh().await.unwrap_or_else(|error| {
        tracing::error!(cause = error_chain(&error), "the cache is down: no last update is shown");
        None
    });
    Json(LastUpdated { last_updated: last_refresh })
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotKept(date) => Self::date_not_kept(date),
            ReadError::Unavailable { retry_after } => Self::cache_unavailable(retry_after),
        }
    }
}
