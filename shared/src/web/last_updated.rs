//! `GET /api/last-updated`.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::timestamp::Timestamp;
use http::header::CACHE_CONTROL;
use serde::Serialize;

use super::cache_control::Cacheable;
#[cfg(feature = "openapi")]
use super::query::SeenParameter;
use crate::{error_chain, service::Service};

/// The body of `GET /api/last-updated`.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = LastUpdate))]
pub(super) struct LastUpdated {
    /// When the last sweep ended, in campus time; null if that is unknown.
    last_updated: Option<Timestamp>,
}

/// When the data were last updated
///
/// Never an error: null if that is unknown.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/last-updated",
    operation_id = "lastUpdated",
    tag = "refresh",
    params(SeenParameter),
    responses((status = 200, description = "The time.", body = LastUpdated)),
))]
pub(super) async fn last_updated(State(service): State<Service>) -> Response {
    let last_refresh = service.deps.cache.last_refresh().await.unwrap_or_else(|error| {
        tracing::error!(cause = error_chain(&error), "the cache is down: no last update is shown");
        None
    });
    let cache_control = Cacheable::LastUpdated { is_known: last_refresh.is_some() }.cache_control(&service.deps.config);
    ([(CACHE_CONTROL, cache_control)], Json(LastUpdated { last_updated: last_refresh })).into_response()
}
