//! `POST /api/refresh`.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    routing::post,
};
use bytes::Bytes;
use headers::{Authorization, HeaderMapExt, authorization::Bearer};
use http::{HeaderMap, StatusCode, Uri, header::AUTHORIZATION};
use serde::Serialize;

use super::{problem::Problem, query};
use crate::{
    cache::{BACKOFF, PublishError},
    config::same_secret,
    core::Service,
    error_chain,
    refresh::{RefreshError, Refreshed},
    snapshot::Timestamp,
};

/// The request needs no body; one that is longer is a mistake or an attack.
const BODY_LIMIT: usize = 1024;
/// When a client may ask again after the cache failed, or a sweep did not end.
const SOON: Duration = Duration::from_secs(5);

/// The route of the refresh function.
pub fn refresh_routes(service: &Service) -> Router {
    Router::new()
        .route("/api/refresh", post(refresh))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(service.clone())
}

/// The body of a refresh that succeeded.
#[derive(Serialize)]
struct Done {
    message: &'static str,
    timestamp: Timestamp,
}

impl From<Refreshed> for Done {
    fn from(refreshed: Refreshed) -> Self {
        Self { message: "Data refreshed successfully", timestamp: refreshed.timestamp }
    }
}

async fn refresh(
    State(service): State<Service>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Done>, Problem> {
    if body.is_err_and(|rejection| rejection.status() == StatusCode::PAYLOAD_TOO_LARGE) {
        return Err(Problem::content_too_large(BODY_LIMIT));
    }
    let refreshed = if query::invalidate_cache(&uri)? {
        authorize(&service, &headers)?;
        tracing::info!("an operator drops the cache");
        service.refresher.invalidate_and_refresh().await
    } else {
        service.refresher.refresh().await
    };
    Ok(Json(refreshed?.into()))
}

fn authorize(service: &Service, headers: &HeaderMap) -> Result<(), Problem> {
    let held = service.core.config.admin_token.as_ref().ok_or_else(Problem::forbidden)?;
    if headers.get_all(AUTHORIZATION).iter().count() != 1 {
        return Err(Problem::unauthorized());
    }
    let given = headers.typed_get::<Authorization<Bearer>>().ok_or_else(Problem::unauthorized)?;
    if same_secret(held, given.token()) { Ok(()) } else { Err(Problem::unauthorized()) }
}

impl From<RefreshError> for Problem {
    /// The sweep itself has logged why it failed; what failed around it is logged here.
    fn from(error: RefreshError) -> Self {
        match &error {
            RefreshError::CoolingDown(left) => return Self::cooling_down(*left),
            RefreshError::BackingOff { left } => return Self::cache_unavailable(*left),
            RefreshError::NotPublished(cause) => {
                return match **cause {
                    PublishError::Store(_) => Self::cache_unavailable(BACKOFF),
                    PublishError::Superseded | PublishError::Render(_) => Self::refresh_failed(),
                };
            }
            RefreshError::SweepFailed { .. } | RefreshError::FailedElsewhere => return Self::refresh_failed(),
            RefreshError::Cache(_) | RefreshError::NoTimeLeft | RefreshError::Stopping | RefreshError::Panicked => {}
        }
        tracing::error!(cause = error_chain(&error), "a refresh failed");
        if matches!(error, RefreshError::Panicked) { Self::internal() } else { Self::cache_unavailable(SOON) }
    }
}
