//! `GET /api/health`: for monitoring.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use crate::service::{
    Service,
    health::{Health, Status},
};

/// The health of the service
///
/// For monitoring. It checks the cache, and never asks 25Live.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/health",
    operation_id = "health",
    tag = "service",
    responses(
        (status = 200, description = "Readers get good answers, at least for the rooms that the latest sweep reached.", body = Health),
        (
            status = 503,
            description = "The cache cannot be reached, or its data for today are missing or too old.",
            body = Health,
        ),
    ),
))]
pub(super) async fn health(State(service): State<Service>) -> Response {
    let deps = &service.deps;
    let health = Health::of(&deps.cache, &deps.config.campus, &deps.clock, deps.config.redis_timeout).await;
    let status = match health.status {
        Status::Ok | Status::Incomplete => StatusCode::OK,
        Status::Failing => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(health)).into_response()
}
