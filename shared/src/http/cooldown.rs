//! `GET /api/cooldown-status`.

use axum::{Json, Router, extract::State, routing::get};
use serde_json::{Value, json};

use crate::{cooldown::Remaining, core::Core, error_chain};

/// The route of the cooldown-status function.
pub fn cooldown_routes(core: &Core) -> Router {
    Router::new().route("/api/cooldown-status", get(cooldown_status)).with_state(core.clone())
}

/// Never an error: when Redis is down, nothing keeps anybody from asking for a refresh.
async fn cooldown_status(State(core): State<Core>) -> Json<Value> {
    let last_refresh = core.cache.last_refresh().await.unwrap_or_else(|error| {
        tracing::error!(cause = error_chain(&error), "the cache is down: no cooldown is shown");
        None
    });
    let left = last_refresh.and_then(|at| core.config.cooldown.remaining(at.instant().to_utc(), core.clock.now()));
    Json(match left.map(Remaining::minutes) {
        Some(minutes) => json!({"in_cooldown": true, "remaining_minutes": minutes}),
        None => json!({"in_cooldown": false, "remaining_minutes": 0}),
    })
}
