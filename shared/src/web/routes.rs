//! The routes of each function. The local server mounts all of them.

use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

use super::{
    buildings::buildings,
    classroom::{calendar, classroom},
    cooldown_status::cooldown_status,
    documentation::openapi,
    health::health,
    last_updated::last_updated,
    open_classrooms::open_classrooms,
    pages::{app, docs},
    refresh::{BODY_LIMIT, refresh},
};
use crate::service::{Dependencies, Service};

/// The routes of the `read` function.
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

/// The routes of the `refresh` function.
pub fn refresh_routes(service: &Service) -> Router {
    Router::new()
        .route("/api/refresh", post(refresh))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(service.clone())
}

/// The routes of the `cooldown-status` function.
pub fn cooldown_routes(deps: &Dependencies) -> Router {
    Router::new().route("/api/cooldown-status", get(cooldown_status)).with_state(deps.clone())
}
