//! `GET /`: a greeting for programs, and a redirect to the page for browsers.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, StatusCode, Uri,
    header::{ACCEPT, VARY},
};
use serde::Serialize;

use super::{pages::redirect, representation::weight};

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) enum Greeting {
    #[serde(rename = "Hello World")]
    HelloWorld,
}

/// A greeting
///
/// Browsers, which ask for `text/html`, are redirected to the page.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/",
    operation_id = "hello",
    tag = "service",
    responses(
        (status = 200, description = "The greeting.", body = inline(Greeting)),
        (status = 303, description = "A redirect to the page, for browsers.", headers(("Location"))),
    ),
))]
pub(super) async fn hello(uri: Uri, request: HeaderMap) -> Response {
    let mut response = if prefers_html(&request) {
        redirect(StatusCode::SEE_OTHER, "app", &uri)
    } else {
        Json(Greeting::HelloWorld).into_response()
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    response
}

/// Whether a client accepts HTML by name, and prefers neither JSON nor anything else. A client that accepts anything gets the
/// greeting.
fn prefers_html(request: &HeaderMap) -> bool {
    let weight = |name| weight(request, &ACCEPT, name);
    let json = weight("application/json").or_else(|| weight("application/*"));
    let anything = weight("*/*").unwrap_or(0.0);
    weight("text/html").is_some_and(|html| html > 0.0 && html > json.unwrap_or(0.0) && html >= anything)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_client_that_prefers_html_is_a_browser() {
        for (accept, is_browser) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", true),
            ("text/html, application/xhtml+xml, */*", true),
            ("text/html", true),
            ("TEXT/HTML; Q=0.9, application/json;q=0.5", true),
            ("*/*", false),
            ("", false),
            ("text/*", false),
            ("application/json", false),
            ("application/json, text/html", false),
            ("application/json, text/plain, */*", false),
            ("text/html;q=0.5, application/json", false),
            ("text/html;q=0.5, */*", false),
            ("text/html;q=0", false),
            ("text/html;q=x", false),
        ] {
            let request = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(prefers_html(&request), is_browser, "{accept}");
        }
        assert!(!prefers_html(&HeaderMap::new()));
    }
}
