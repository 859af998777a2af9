//! `GET /api/cooldown-status`.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::cooldown::Remaining;
use http::header::CACHE_CONTROL;
use serde::{Serialize, Serializer};

use super::cache_control::Cacheable;
#[cfg(feature = "openapi")]
use super::query::SeenParameter;
use crate::{
    error_chain,
    service::{Dependencies, cooldown::CooldownState},
};

/// The body of `GET /api/cooldown-status`.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct CooldownStatus {
    /// Whether a refresh would be refused because the last one is too recent.
    in_cooldown: bool,
    /// The remaining minutes of the cooldown, not rounded; 0 if it is not active.
    #[cfg_attr(feature = "openapi", schema(value_type = f64, minimum = 0))]
    #[serde(serialize_with = "zero_without_decimals")]
    remaining_minutes: f64,
}

/// Whether the cooldown is active, and for how long
///
/// Never an error: false and 0 if that is unknown.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/cooldown-status",
    operation_id = "cooldownStatus",
    tag = "refresh",
    params(SeenParameter),
    responses((status = 200, description = "The cooldown.", body = CooldownStatus)),
))]
pub(super) async fn cooldown_status(State(deps): State<Arc<Dependencies>>) -> Response {
    let state = CooldownState::look(&deps.cache, deps.config.cooldown, &deps.clock).await;
    let cache_control = Cacheable::CooldownStatus { is_known: state.is_ok() }.cache_control(&deps.config);
    let left = match state {
        Ok(state) => state.left,
        Err(error) => {
            tracing::error!(cause = error_chain(&error), "the cache is down: no cooldown is shown");
            None
        }
    };
    let status =
        CooldownStatus { in_cooldown: left.is_some(), remaining_minutes: left.map_or(0.0, Remaining::minutes) };
    ([(CACHE_CONTROL, cache_control)], Json(status)).into_response()
}

/// The original service sends `0`, not `0.0`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn zero_without_decimals<S: Serializer>(minutes: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if *minutes > 0.0 { serializer.serialize_f64(*minutes) } else { serializer.serialize_u8(0) }
}
