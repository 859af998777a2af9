//! `GET /app` and `GET /docs`: the pages for people, each one self-contained file.

use std::sync::LazyLock;

use axum::{extract::State, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header::CONTENT_SECURITY_POLICY};

#[cfg(feature = "openapi")]
use super::openapi::NOT_MODIFIED;
use super::{cache_control::Answer, representation::conditional};
use crate::{outside::cache::checksum, service::Service};

const HTML: &str = "text/html; charset=utf-8";

/// A page, and what it may do.
struct Page {
    html: &'static str,
    policy: &'static str,
    etag: LazyLock<String>,
}

/// The page's own script and style run, known by their digests, and nothing else does: what 25Live or a campus file
/// holds can be shown, and never becomes code. `build.rs` computes the digests.
macro_rules! policy {
    ($page:literal) => {
        concat!(
            "default-src 'none'; script-src 'sha256-",
            env!(concat!($page, "_SCRIPT_SHA256")),
            "'; style-src 'sha256-",
            env!(concat!($page, "_STYLE_SHA256")),
            "'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; ",
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )
    };
}

const APP_HTML: &str = include_str!(concat!(env!("OUT_DIR"), "/app.html"));
const DOCS_HTML: &str = include_str!("../../../page/docs.html");

/// What is free.
static APP: Page =
    Page { html: APP_HTML, policy: policy!("APP"), etag: LazyLock::new(|| checksum(APP_HTML.as_bytes())) };

/// What the HTTP API is: `/openapi.json`, made readable.
static DOCS: Page =
    Page { html: DOCS_HTML, policy: policy!("DOCS"), etag: LazyLock::new(|| checksum(DOCS_HTML.as_bytes())) };

impl Page {
    /// The page, or 304 if the browser has it. It asks each time, so that after a deployment page and API are of one version; a CDN
    /// keeps neither for longer than the other.
    fn to(&self, request: &HeaderMap, service: &Service) -> Response {
        let html = Bytes::from_static(self.html.as_bytes());
        let mut response =
            conditional(request, Answer::Document.cache_control(&service.deps.config), HTML, html, &self.etag);
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(self.policy));
        response
    }
}

/// What is free, as a page
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/app",
    operation_id = "app",
    tag = "service",
    responses(
        (
            status = 200,
            description = "The page.",
            body = String,
            content_type = HTML,
            headers(("ETag"), ("Content-Security-Policy")),
        ),
        (status = 304, description = NOT_MODIFIED),
    ),
))]
pub(super) async fn app(State(service): State<Service>, request: HeaderMap) -> Response {
    APP.to(&request, &service)
}

/// This description, as a page
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/docs",
    operation_id = "docs",
    tag = "service",
    responses(
        (
            status = 200,
            description = "The page.",
            body = String,
            content_type = HTML,
            headers(("ETag"), ("Content-Security-Policy")),
        ),
        (status = 304, description = NOT_MODIFIED),
    ),
))]
pub(super) async fn docs(State(service): State<Service>, request: HeaderMap) -> Response {
    DOCS.to(&request, &service)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use sha2::{Digest, Sha256};

    use super::*;

    static PAGES: [(&str, &Page, usize); 2] = [("app", &APP, 90_000), ("docs.html", &DOCS, 30_000)];

    /// What stands between two tags of a page, each of which is there once.
    fn between(html: &'static str, open: &str, close: &str) -> &'static str {
        assert_eq!((html.matches(open).count(), html.matches(close).count()), (1, 1), "{open}");
        html.split_once(open).unwrap().1.split_once(close).unwrap().0
    }

    #[test]
    fn the_policies_know_the_pages_scripts_and_styles() {
        for (name, page, _) in PAGES {
            let script = between(page.html, "<script type=\"module\">", "</script>");
            let style = between(page.html, "<style>", "</style>");
            for (directive, text) in [("script-src", script), ("style-src", style)] {
                let expected = format!("{directive} 'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
                assert!(page.policy.contains(&expected), "{name} has changed: its policy should say\n    {expected}");
            }
        }
    }

    #[test]
    fn each_page_is_one_small_file_that_loads_nothing() {
        for (name, page, limit) in PAGES {
            assert!(page.html.len() < limit, "{name}: {} bytes", page.html.len());
            for loaded in ["http://", "https://", "@import", "url(", "innerHTML", "style=\""] {
                assert!(!page.html.contains(loaded), "{name}: {loaded}");
            }
        }
    }
}
