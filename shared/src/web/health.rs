//! `GET /api/health`: for whoever watches over the service.

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

/// How the service is
///
/// For whoever watches over the service. It looks at the cache, and never asks 25Live.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/health",
    operation_id = "health",
    tag = "service",
    responses(
        (status = 200, description = "Readers get good answers.", body = Health),
        (
            status = 503,
            description = "The cache cannot be reached, or has no data of today, or old ones.",
            body = Health,
        ),
    ),
))]
pub(super) async fn health(State(service): State<Service>) -> Response {
    let deps = &service.deps;
    let health = Health::of(&deps.cache, &deps.clock, deps.config.redis_timeout).await;
    let status = match health.status {
        Status::Ok => StatusCode::OK,
        Status::Failing => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(health)).into_response()
}
