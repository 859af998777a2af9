//! `GET /api/last-updated`.

use axum::{Json, extract::State};
use domain::timestamp::Timestamp;
use serde::Serialize;

use crate::{error_chain, service::Service};

/// The body of `GET /api/last-updated`.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct LastUpdated {
    /// When the last sweep ended, at the campus; null if none is known.
    last_updated: Option<Timestamp>,
}

/// Never an error: when Redis is down, the time is unknown.
pub(super) async fn last_updated(State(service): State<Service>) -> Json<LastUpdated> {
    let last_refresh = service.deps.cache.last_refresh().await.unwrap_or_else(|error| {
        tracing::error!(cause = error_chain(&error), "the cache is down: no last update is shown");
        None
    });
    Json(LastUpdated { last_updated: last_refresh })
}
