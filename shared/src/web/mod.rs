//! The HTTP API and the pages: routes, handlers and representations, the same for every deployment.

mod buildings;
mod cache_control;
mod classroom;
mod cooldown_status;
mod documentation;
mod embedded;
mod health;
mod hello;
mod hints;
mod last_updated;
mod open_classrooms;
#[cfg(feature = "openapi")]
pub mod openapi;
mod pages;
mod problem;
mod query;
mod refresh;
mod representation;
mod routes;

use std::{any::Any, time::Duration};

use axum::{
    Router,
    response::{IntoResponse, Response},
};
use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version,
    header::{
        AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LINK, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
    },
};
use tower::util::option_layer;
use tower_http::{
    CompressionLevel,
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{Predicate, SizeAbove},
    },
    cors::{AllowOrigin, CorsLayer},
    set_header::SetResponseHeaderLayer,
};

use self::problem::Problem;
pub use self::query::QUESTION_PARAMETERS;
pub use self::routes::{cooldown_routes, read_routes, refresh_routes};
use crate::{config::AllowedOrigins, outside::cache::SHORTEST_COMPRESSED};

/// HIT, MISS or STALE: see [`CacheResult`](crate::service::read::CacheResult).
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
/// The same in the format of RFC 9211, because CDNs overwrite X-Cache.
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
/// How long browsers may cache the response to a preflight.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_hours(24);

/// Completes the routes with responses to unknown paths and methods, and with the headers that every response has.
pub fn finish(routes: Router, origins: &AllowedOrigins) -> Router {
    // Each call of `layer` costs every request an allocation, so there is only one.
    routes
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer((
            SetResponseHeaderLayer::overriding(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            // Responses without their own Cache-Control, errors included, must not be cached.
            SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, HeaderValue::from_static("no-store")),
            option_layer(cors(origins)),
            CompressionLayer::new()
                .quality(CompressionLevel::Fastest)
                .compress_when(SizeAbove::new(SHORTEST_COMPRESSED).and(has_content)),
            // A panic is a bug, and costs only one response.
            CatchPanicLayer::custom(panicked),
        ))
}

/// A 304 has no content to compress, and no known length.
fn has_content(status: StatusCode, _: Version, _: &HeaderMap, _: &Extensions) -> bool {
    status != StatusCode::NOT_MODIFIED
}

#[expect(clippy::needless_pass_by_value, reason = "the signature is tower-http's")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(cause = text.unwrap_or("a panic without a message"), "a handler panicked");
    Problem::internal().into_response()
}

/// Lets web pages from these origins read the responses; never with credentials, because none are needed.
fn cors(origins: &AllowedOrigins) -> Option<CorsLayer> {
    let origins = match origins {
        AllowedOrigins::Unsaid => return None,
        AllowedOrigins::Any => AllowOrigin::any(),
        AllowedOrigins::List(origins) => AllowOrigin::list(origins.iter().cloned()),
    };
    let cors = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, IF_NONE_MATCH])
        .expose_headers([ETAG, LINK, RETRY_AFTER, X_CACHE, CACHE_STATUS])
        .max_age(PREFLIGHT_MAX_AGE);
    Some(cors)
}
