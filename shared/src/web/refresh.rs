//! `POST /api/refresh`.

use std::time::Duration;

use axum::{
    Json,
    body::HttpBody,
    extract::{DefaultBodyLimit, FromRequest, Request, State},
};
use bytes::Bytes;
use domain::timestamp::Timestamp;
use headers::{Authorization, HeaderMapExt, authorization::Bearer};
use http::{HeaderMap, StatusCode, header::AUTHORIZATION};
use serde::Serialize;
use tokio::time::timeout;

use super::{
    problem::Problem,
    query::{Query, RefreshParameters},
};
use crate::{
    config::same_secret,
    error_chain,
    outside::cache::{BACKOFF, PublishError},
    service::{
        Service,
        refresh::{RefreshError, Refreshed},
    },
};

/// The request needs no body; one that is longer is a mistake or an attack.
const BODY_LIMIT: usize = 1024;
/// How long a request waits for its body.
const BODY_TIME_LIMIT: Duration = Duration::from_secs(5);
/// When a client may ask again after the cache failed, or a sweep did not end.
const SOON: Duration = Duration::from_secs(5);
/// When a client may ask again while a long sweep continues.
const IN_PROGRESS_RETRY_AFTER: Duration = Duration::from_secs(30);

/// The body of a refresh that succeeded.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Refreshed))]
pub(super) struct Done {
    /// A sentence for people.
    message: &'static str,
    /// When the sweep ended, in campus time.
    timestamp: Timestamp,
}

impl From<Refreshed> for Done {
    fn from(refreshed: Refreshed) -> Self {
        Self { message: "Data refreshed successfully", timestamp: refreshed.timestamp }
    }
}

/// Refresh the data
///
/// Asks 25Live for every room, and responds when that is done. Requests that arrive meanwhile get the same result. For 30 minutes
/// afterward, or as long as the operator has set, further requests are refused. No body is needed, and the service ignores one.
#[cfg_attr(feature = "openapi", utoipa::path(
    post,
    path = "/api/refresh",
    operation_id = "refresh",
    tag = "refresh",
    params(RefreshParameters),
    security((), ("adminToken" = [])),
    responses(
        (
            status = 200,
            description = "The data are new.",
            body = Done,
            links(
                ("rooms" = (operation_id = "openClassrooms", description = "The new data.")),
                ("cooldown" = (operation_id = "cooldownStatus", description = "How long further refreshes are refused.")),
            ),
        ),
        (
            status = 400,
            description = "`` `invalidate_cache` is `yes`; expected true or false ``: the parameter has a bad value.\n\n\
                `The request body cannot be read`: the body does not match its headers.",
        ),
        (
            status = 401,
            description = "`Invalid or missing admin token`: only the operator may invalidate the cache.",
            headers(("WWW-Authenticate")),
        ),
        (
            status = 403,
            description = "`Cache invalidation is not enabled`: the operator has set no token.",
        ),
        (status = 408, description = "`The request body did not arrive within 5 s`: a body was announced."),
        (status = 413, description = "`The request body is longer than 1024 bytes`: none is needed."),
        (
            status = 429,
            description = "`Refresh cooldown active. Please wait 15.5 more minutes.`: the last refresh is too recent.",
            headers(("Retry-After")),
        ),
        (
            status = 502,
            description = "`Failed to refresh data`: 25Live failed for more than half of the rooms asked; the old data stay.",
        ),
        (
            status = 503,
            description = "`Cache unavailable`: the cache cannot be reached, or a refresh failed within the last \
                minute.\n\n\
                `Refresh in progress`: another refresh takes longer than a request can wait. `Retry-After` says when to ask \
                again; readers get the new data without another refresh.",
            headers(("Retry-After")),
        ),
    ),
))]
pub(super) async fn refresh(
    State(service): State<Service>,
    parameters: Result<Query<RefreshParameters>, Problem>,
    headers: HeaderMap,
    mut request: Request,
) -> Result<Json<Done>, Problem> {
    DefaultBodyLimit::max(BODY_LIMIT).apply(&mut request);
    take_body(request).await?;
    let Query(RefreshParameters { invalidate_cache }) = parameters?;
    let refreshed = if invalidate_cache {
        authorize(&service, &headers)?;
        tracing::info!("an operator invalidates the cache");
        service.refresher.invalidate_and_refresh().await
    } else {
        service.refresher.refresh().await
    };
    Ok(Json(refreshed?.into()))
}

/// Reads and ignores the body that some clients send although none is needed.
async fn take_body(request: Request) -> Result<(), Problem> {
    let too_large = || Problem::content_too_large(BODY_LIMIT);
    if request.body().size_hint().lower() > BODY_LIMIT as u64 {
        return Err(too_large());
    }
    match timeout(BODY_TIME_LIMIT, Bytes::from_request(request, &())).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(too_large()),
        Ok(Err(_)) => Err(Problem::unreadable_content()),
        Err(_) => Err(Problem::content_timed_out(BODY_TIME_LIMIT)),
    }
}

fn authorize(service: &Service, headers: &HeaderMap) -> Result<(), Problem> {
    let held = service.deps.config.admin_token.as_ref().ok_or_else(Problem::forbidden)?;
    if headers.get_all(AUTHORIZATION).iter().count() != 1 {
        return Err(Problem::unauthorized());
    }
    let given = headers.typed_get::<Authorization<Bearer>>().ok_or_else(Problem::unauthorized)?;
    if same_secret(held, given.token()) { Ok(()) } else { Err(Problem::unauthorized()) }
}

impl From<RefreshError> for Problem {
    /// A sweep has already logged why it failed; other failures are logged here.
    fn from(error: RefreshError) -> Self {
        match &error {
            RefreshError::CoolingDown(left) => return Self::cooling_down(*left),
            RefreshError::BackingOff { left } => return Self::cache_unavailable(*left),
            RefreshError::NotPublished(cause) => {
                return match **cause {
                    PublishError::Store(_) => Self::cache_unavailable(BACKOFF),
                    PublishError::Superseded => Self::refresh_failed(),
                };
            }
            RefreshError::SweepFailed { .. }
            | RefreshError::NothingReached
            | RefreshError::NothingFound
            | RefreshError::FailedElsewhere => {
                return Self::refresh_failed();
            }
            RefreshError::InProgress => return Self::refresh_in_progress(IN_PROGRESS_RETRY_AFTER),
            RefreshError::Cache(_) | RefreshError::NoTimeLeft | RefreshError::Stopping | RefreshError::Panicked => {}
        }
        tracing::error!(cause = error_chain(&error), "a refresh failed");
        if matches!(error, RefreshError::Panicked) { Self::internal() } else { Self::cache_unavailable(SOON) }
    }
}
