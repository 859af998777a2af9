//! `POST /api/refresh`.

use std::time::Duration;

use axum::{
    Json, Router,
    body::HttpBody,
    extract::{DefaultBodyLimit, FromRequest, Request, State},
    routing::post,
};
use bytes::Bytes;
use headers::{Authorization, HeaderMapExt, authorization::Bearer};
use http::{HeaderMap, StatusCode, header::AUTHORIZATION};
use serde::Serialize;
use tokio::time::timeout;

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
pub(super) const BODY_LIMIT: usize = 1024;
/// How long it is waited for.
pub(super) const BODY_TIME_LIMIT: Duration = Duration::from_secs(5);
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Refreshed))]
pub(super) struct Done {
    /// A sentence.
    message: &'static str,
    /// When the sweep ended, at the campus.
    timestamp: Timestamp,
}

impl From<Refreshed> for Done {
    fn from(refreshed: Refreshed) -> Self {
        Self { message: "Data refreshed successfully", timestamp: refreshed.timestamp }
    }
}

async fn refresh(State(service): State<Service>, request: Request) -> Result<Json<Done>, Problem> {
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    take_body(request).await?;
    let refreshed = if query::invalidate_cache(&uri)? {
        authorize(&service, &headers)?;
        tracing::info!("an operator drops the cache");
        service.refresher.invalidate_and_refresh().await
    } else {
        service.refresher.refresh().await
    };
    Ok(Json(refreshed?.into()))
}

/// Takes the body that some clients send although none is needed, and passes it over.
async fn take_body(request: Request) -> Result<(), Problem> {
    let too_large = || Problem::content_too_large(BODY_LIMIT);
    if request.body().size_hint().lower() > BODY_LIMIT as u64 {
        return Err(too_large());
    }
    match timeout(BODY_TIME_LIMIT, Bytes::from_request(request, &())).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(too_large()),
        Ok(Err(_)) => Err(Problem::unreadable_content()),
        Err(_) => Err(Problem::content_did_not_come(BODY_TIME_LIMIT)),
    }
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
