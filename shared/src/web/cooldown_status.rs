//! `GET /api/cooldown-status`.

use axum::{Json, extract::State};
use domain::cooldown::Remaining;
use serde_json::{Value, json};

use crate::{error_chain, service::Dependencies};

/// Never an error: when Redis is down, nothing keeps clients from asking for a refresh.
pub(super) async fn cooldown_status(State(deps): State<Dependencies>) -> Json<Value> {
    let last_refresh = deps.cache.last_refresh().await.unwrap_or_else(|error| {
        tracing::error!(cause = error_chain(&error), "the cache is down: no cooldown is shown");
        None
    });
    let left = last_refresh.and_then(|at| deps.config.cooldown.remaining(at.instant().to_utc(), deps.clock.now()));
    Json(match left.map(Remaining::minutes) {
        Some(minutes) => json!({"in_cooldown": true, "remaining_minutes": minutes}),
        None => json!({"in_cooldown": false, "remaining_minutes": 0}),
    })
}
