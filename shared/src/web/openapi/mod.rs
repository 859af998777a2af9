//! The HTTP API as OpenAPI 3.1 describes it. The schemas are those of the types that are sent, the errors are the very
//! `Problem`s; `tests/openapi.rs` holds the routes and their real answers against it, and writes it.

mod operations;
mod parameters;
mod responses;
mod schemas;

use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, ServerBuilder,
    security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    tag::TagBuilder,
};

/// The operator's token, as a security scheme.
const ADMIN_TOKEN: &str = "adminToken";

const ABOUT: &str = "\
Which classroom is free now, and until when.

Times are the campus's own. An instant bears its offset (`2026-03-03T10:00:00-05:00`); a time without one is of the \
`date` and in the `timezone` that stand beside it. Only official bookings are known, and a room can be locked.

Errors are problem details (RFC 9457), whose `detail` is a sentence for people. Besides those that each operation \
names, any request can be answered with 404 `Not Found` (there is no such path), with 405 `Method Not Allowed` and an \
`Allow` header, or, because of a bug, with 500 `Internal Server Error`. Each path that answers GET answers HEAD as well. \
Query parameters that nobody knows are ignored.

The examples are of Boston University's campus.";

/// The description, without examples: those are real answers, which the test adds.
#[must_use]
pub fn description() -> OpenApi {
    let info = InfoBuilder::new()
        .title("EmptyClassroom")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()));
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("What the operator has set as ADMIN_TOKEN."))
        .build();
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas::all())
        .security_scheme(ADMIN_TOKEN, SecurityScheme::Http(token));
    let tag = |name: &str, about: &str| TagBuilder::new().name(name).description(Some(about)).build();
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([ServerBuilder::new().url("/").build()]))
        .tags(Some([
            tag("classrooms", "What is free."),
            tag("refresh", "How old the data are, and newer ones."),
            tag("service", "The service itself, and its pages."),
        ]))
        .paths(operations::paths())
        .components(Some(components.build()))
        .build()
}
