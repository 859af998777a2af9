//! `GET /`: a greeting.

use axum::Json;
use serde::Serialize;

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) enum Greeting {
    #[serde(rename = "Hello World")]
    HelloWorld,
}

/// A greeting
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/",
    operation_id = "hello",
    tag = "service",
    responses((status = 200, description = "The greeting.", body = inline(Greeting))),
))]
pub(super) async fn hello() -> Json<Greeting> {
    Json(Greeting::HelloWorld)
}
