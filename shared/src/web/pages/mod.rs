//! `GET /app`, `GET /app/rooms/{id}` and `GET /docs`: the pages for people, each a self-contained file; and their other files.

mod files;
mod head;

use std::sync::{Arc, LazyLock, OnceLock};

use axum::{
    extract::{Path, State, rejection::PathRejection},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, StatusCode, Uri,
    header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION},
};

pub(super) use self::files::{favicon, file, robots};
// `routes!` names a handler's description by the handler's path.
#[cfg(feature = "openapi")]
pub(super) use self::files::{__path_favicon, __path_file, __path_robots};
use self::head::Head;
#[cfg(feature = "openapi")]
use super::openapi::NOT_MODIFIED;
use super::{
    cache_control::Cacheable,
    classroom::{RoomPath, room_named},
    embedded::{self, pack, unpack},
    representation::{accepts_gzip, conditional},
};
use crate::{config::Config, outside::cache::checksum, service::Service};

const HTML: &str = "text/html; charset=utf-8";

/// A page with its placeholders, and its Content-Security-Policy.
struct Page {
    html: LazyLock<String>,
    policy: &'static str,
}

/// Only the page's own script and style run, identified by their digests: text from 25Live or a campus file can be shown, but never
/// becomes code. `build.rs` computes the digests.
macro_rules! policy {
    ($page:literal, $more:literal) => {
        concat!(
            "default-src 'none'; script-src 'sha256-",
            env!(concat!($page, "_SCRIPT_SHA256")),
            "'; style-src 'sha256-",
            env!(concat!($page, "_STYLE_SHA256")),
            "'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; ",
            "require-trusted-types-for 'script'; ",
            $more
        )
    };
}

/// The page of what is free, which `build.rs` assembles from `page/app`. A browser accepts the URL of a service worker only from a
/// Trusted Types policy.
static APP: Page = Page {
    html: LazyLock::new(|| unpack(embedded::APP)),
    policy: policy!(
        "APP",
        "img-src 'self' data:; manifest-src 'self'; worker-src 'self'; trusted-types emptyclassroom"
    ),
};

/// The page of the HTTP API: `/openapi.json` in readable form.
static DOCS: Page = Page {
    html: LazyLock::new(|| unpack(embedded::DOCS)),
    policy: policy!("DOCS", "img-src data:; trusted-types 'none'"),
};

/// The text of a page.
struct Text {
    html: Bytes,
    /// The same compressed: a quarter smaller than if each response compressed it.
    gzip: Bytes,
    etag: String,
}

impl Text {
    fn new(html: String) -> Self {
        Self { etag: checksum(html.as_bytes()), gzip: pack(&html), html: html.into() }
    }
}

impl Page {
    /// Responds with the page, or 304 if the browser has it. Browsers revalidate it each time, so that page and API have the same
    /// version after a deployment; a CDN caches neither for longer than the other.
    fn to(&self, request: &HeaderMap, config: &Config, text: &Text) -> Response {
        let gzip = accepts_gzip(request).then(|| text.gzip.clone());
        let cache_control = Cacheable::Document.cache_control(config);
        self.restricted(conditional(request, cache_control, HTML, text.html.clone(), gzip, &text.etag))
    }

    fn restricted(&self, mut response: Response) -> Response {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(self.policy));
        response
    }
}

/// The page of one service at `/app`. It is created for the first request, so that a cold start does not wait for it.
#[derive(Clone)]
pub(super) struct AppPage {
    config: Arc<Config>,
    made: Arc<OnceLock<Text>>,
}

impl AppPage {
    pub(super) fn of(service: &Service) -> Self {
        Self { config: Arc::clone(&service.deps.config), made: Arc::default() }
    }
}

/// What is free, as a web page
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
pub(super) async fn app(State(AppPage { config, made }): State<AppPage>, request: HeaderMap) -> Response {
    let text = made.get_or_init(|| Text::new(Head::of_app(&config.campus).fill(&APP.html)));
    APP.to(&request, &config, text)
}

/// A redirect to the page
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/app/",
    operation_id = "appSlash",
    tag = "service",
    responses((status = 308, description = "The page is at `/app`. The query string is kept.", headers(("Location")))),
))]
pub(super) async fn slash(uri: Uri) -> Response {
    redirect(StatusCode::PERMANENT_REDIRECT, "../app", &uri)
}

/// Redirects to a path relative to this one, because the service may run behind a path prefix that it does not know. Keeps the
/// query string.
pub(super) fn redirect(status: StatusCode, path: &'static str, from: &Uri) -> Response {
    let location = from.query().map(|query| HeaderValue::try_from(format!("{path}?{query}")));
    let location = location.and_then(Result::ok).unwrap_or(HeaderValue::from_static(path));
    (status, [(LOCATION, location)]).into_response()
}

/// One room, as a web page
///
/// The same page for one room: when it is free, day by day. For an unknown room, the page is sent with the status 404.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/app/rooms/{id}",
    operation_id = "roomPage",
    tag = "service",
    params(RoomPath),
    responses(
        (
            status = 200,
            description = "The page.",
            body = String,
            content_type = HTML,
            headers(("ETag"), ("Content-Security-Policy")),
        ),
        (status = 304, description = NOT_MODIFIED),
        (
            status = 404,
            description = "The page, for an `id` that the campus does not have.",
            body = String,
            content_type = HTML,
            headers(("Content-Security-Policy")),
        ),
    ),
))]
pub(super) async fn room(
    State(service): State<Service>,
    path: Result<Path<RoomPath>, PathRejection>,
    request: HeaderMap,
) -> Response {
    let config = &service.deps.config;
    let Ok((building, room)) = room_named(&config.campus, path) else {
        let html = Head::of_no_room(&config.campus).fill(&APP.html);
        let content_type = HeaderValue::from_static(HTML);
        return APP.restricted((StatusCode::NOT_FOUND, [(CONTENT_TYPE, content_type)], html).into_response());
    };
    let html = Head::of_room(&config.campus, building, room).fill(&APP.html);
    APP.to(&request, config, &Text::new(html))
}

/// This description, as a web page
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
    static TEXT: LazyLock<Text> = LazyLock::new(|| Text::new(DOCS.html.clone()));
    DOCS.to(&request, &service.deps.config, &TEXT)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use sha2::{Digest, Sha256};

    use super::*;

    static PAGES: [(&str, &Page, usize); 2] = [("app", &APP, 90_000), ("docs", &DOCS, 30_000)];

    /// Returns the text between two tags, each of which a page has once.
    fn between(html: &'static str, open: &str, close: &str) -> &'static str {
        assert_eq!((html.matches(open).count(), html.matches(close).count()), (1, 1), "{open}");
        html.split_once(open).unwrap().1.split_once(close).unwrap().0
    }

    #[test]
    fn each_policy_has_the_digests_of_the_pages_script_and_style() {
        for (name, page, _) in PAGES {
            let script = between(&page.html, "<script type=\"module\">", "</script>");
            let style = between(&page.html, "<style>", "</style>");
            for (directive, text) in [("script-src", script), ("style-src", style)] {
                let expected = format!("{directive} 'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
                assert!(
                    page.policy.contains(&expected),
                    "{name} has changed; expected its policy to have\n    {expected}"
                );
            }
        }
    }

    #[test]
    fn no_script_or_style_has_a_placeholder() {
        for (name, page, _) in PAGES {
            let script = between(&page.html, "<script type=\"module\">", "</script>");
            let style = between(&page.html, "<style>", "</style>");
            for placeholder in ["{{title}}", "{{description}}", "{{campus}}", "{{base}}"] {
                assert!(!script.contains(placeholder) && !style.contains(placeholder), "{name}: {placeholder}");
            }
        }
        let campus = crate::domain::campus::Campus::built_in();
        let filled = Head::of_app(&campus).fill(&APP.html);
        for (open, close) in [("<script type=\"module\">", "</script>"), ("<style>", "</style>")] {
            let part = filled.split_once(open).unwrap().1.split_once(close).unwrap().0;
            assert_eq!(part, between(&APP.html, open, close), "the policy would block it");
        }
    }

    #[test]
    fn each_page_is_one_small_file_that_loads_nothing() {
        for (name, page, limit) in PAGES {
            assert!(page.html.len() < limit, "{name}: {} bytes", page.html.len());
            assert!(pack(&page.html).len() < 25_000, "{name}: {} bytes compressed", pack(&page.html).len());
            for loaded in ["src=\"", "@import", "url(", "innerHTML", "style=\""] {
                assert!(!page.html.contains(loaded), "{name}: {loaded}");
            }
        }
    }
}
