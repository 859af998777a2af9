//! `GET /api/health`: for whoever watches over the service.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use crate::{
    core::Service,
    health::{Health, Status},
};

pub(super) async fn health(State(service): State<Service>) -> Response {
    let core = &service.core;
    let health = Health::of(&core.cache, &core.clock, core.config.redis_timeout).await;
    let status = match health.status {
        Status::Ok => StatusCode::OK,
        Status::Failing => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(health)).into_response()
}
