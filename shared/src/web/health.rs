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

pub(super) async fn health(State(service): State<Service>) -> Response {
    let deps = &service.deps;
    let health = Health::of(&deps.cache, &deps.clock, deps.config.redis_timeout).await;
    let status = match health.status {
        Status::Ok => StatusCode::OK,
        Status::Failing => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(health)).into_response()
}
