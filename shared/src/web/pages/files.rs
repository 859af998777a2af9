//! The page's files: `/app/{file}`, which make it installable, `/favicon.ico` and `/robots.txt`.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::json;

#[cfg(feature = "openapi")]
use crate::web::openapi::NOT_MODIFIED;
use crate::{
    config::Config,
    domain::campus::Campus,
    outside::cache::checksum,
    service::Service,
    web::{cache_control::Cacheable, problem::Problem, representation::conditional},
};

/// The light background of the page.
const BACKGROUND: &str = "#f6f7f5";
const SERVICE_WORKER_ALLOWED: HeaderName = HeaderName::from_static("service-worker-allowed");
/// Search engines may index the page, but not the API's responses.
const ROBOTS: &str = "User-agent: *\nAllow: /app\nDisallow: /api/\n";

/// The path parameter.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Path))]
pub(in crate::web) struct FilePath {
    /// The name of the file.
    #[cfg_attr(feature = "openapi", param(inline))]
    file: File,
}

/// The files of `/app/{file}`.
#[derive(Clone, Copy, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
enum File {
    #[serde(rename = "manifest.webmanifest")]
    Manifest,
    #[serde(rename = "sw.js")]
    ServiceWorker,
    #[serde(rename = "icon.svg")]
    Icon,
    #[serde(rename = "icon-192.png")]
    Icon192,
    #[serde(rename = "icon-512.png")]
    Icon512,
    #[serde(rename = "apple-touch-icon.png")]
    AppleTouchIcon,
}

/// A file and how it is sent.
struct Sendable {
    content_type: &'static str,
    bytes: Bytes,
    /// Whether it may be cached for a day: an outdated icon does no harm.
    is_icon: bool,
}

impl Sendable {
    const fn new(content_type: &'static str, bytes: Bytes) -> Self {
        Self { content_type, bytes, is_icon: false }
    }

    const fn icon(content_type: &'static str, bytes: &'static [u8]) -> Self {
        Self { content_type, bytes: Bytes::from_static(bytes), is_icon: true }
    }

    fn respond_to(self, request: &HeaderMap, config: &Config) -> Response {
        let cache_control = if self.is_icon { Cacheable::Icon } else { Cacheable::Document }.cache_control(config);
        let etag = checksum(&self.bytes);
        conditional(request, cache_control, self.content_type, self.bytes, None, &etag)
    }
}

impl File {
    fn sendable(self, campus: &Campus) -> Sendable {
        match self {
            Self::Manifest => Sendable::new("application/manifest+json", manifest(campus)),
            Self::ServiceWorker => {
                let script = include_str!("../../../../page/app/sw.js").as_bytes();
                Sendable::new("text/javascript; charset=utf-8", Bytes::from_static(script))
            }
            Self::Icon => Sendable::icon("image/svg+xml", include_bytes!("../../../../page/icons/icon.svg")),
            Self::Icon192 => Sendable::icon("image/png", include_bytes!("../../../../page/icons/icon-192.png")),
            Self::Icon512 => Sendable::icon("image/png", include_bytes!("../../../../page/icons/icon-512.png")),
            Self::AppleTouchIcon => {
                Sendable::icon("image/png", include_bytes!("../../../../page/icons/apple-touch-icon.png"))
            }
        }
    }
}

/// Returns the web app manifest. Its URLs are relative to its own, because the service may run behind a path prefix. It has no
/// `id`: a browser resolves that against the host alone, so several campuses on one host would be one app; without it, `start_url`
/// identifies the app.
fn manifest(campus: &Campus) -> Bytes {
    let png = |name, sizes| json!({"src": name, "sizes": sizes, "type": "image/png", "purpose": "any maskable"});
    let manifest = json!({
        "name": format!("Free classrooms · {}", campus.name),
        "short_name": "Classrooms",
        "start_url": "../app",
        "scope": "../app",
        "display": "standalone",
        "theme_color": BACKGROUND,
        "background_color": BACKGROUND,
        "icons": [
            {"src": "icon.svg", "sizes": "any", "type": "image/svg+xml"},
            png("icon-192.png", "192x192"),
            png("icon-512.png", "512x512"),
        ],
    });
    manifest.to_string().into()
}

/// A file of the page
///
/// The page's web app manifest with the campus's name, its service worker and its icons.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/app/{file}",
    operation_id = "appFile",
    tag = "service",
    params(FilePath),
    responses(
        (
            status = 200,
            description = "The file.",
            content(
                (Object = "application/manifest+json"),
                (String = "text/javascript; charset=utf-8"),
                (String = "image/svg+xml"),
                (String = "image/png"),
            ),
            headers(("ETag"), ("Service-Worker-Allowed")),
        ),
        (status = 304, description = NOT_MODIFIED),
        (status = 404, description = "`Not Found`: there is no such file."),
    ),
))]
pub(in crate::web) async fn file(
    State(service): State<Service>,
    path: Result<Path<FilePath>, PathRejection>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let Ok(Path(FilePath { file })) = path else { return Err(Problem::not_found()) };
    let config = &service.deps.config;
    let mut response = file.sendable(&config.campus).respond_to(&request, config);
    if let File::ServiceWorker = file {
        // Without it, the service worker could control only the paths next to its script, and not the page itself.
        response.headers_mut().insert(SERVICE_WORKER_ALLOWED, HeaderValue::from_static("../app"));
    }
    Ok(response)
}

/// The icon, for browsers that request it by default
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/favicon.ico",
    operation_id = "favicon",
    tag = "service",
    responses(
        (status = 200, description = "The icon.", body = String, content_type = "image/x-icon", headers(("ETag"))),
        (status = 304, description = NOT_MODIFIED),
    ),
))]
pub(in crate::web) async fn favicon(State(service): State<Service>, request: HeaderMap) -> Response {
    let icon = Sendable::icon("image/x-icon", include_bytes!("../../../../page/icons/favicon.ico"));
    icon.respond_to(&request, &service.deps.config)
}

/// Rules for search engines
///
/// They may index the pages, but not the API.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/robots.txt",
    operation_id = "robots",
    tag = "service",
    responses(
        (
            status = 200,
            description = "The rules.",
            body = String,
            content_type = "text/plain; charset=utf-8",
            headers(("ETag")),
        ),
        (status = 304, description = NOT_MODIFIED),
    ),
))]
pub(in crate::web) async fn robots(State(service): State<Service>, request: HeaderMap) -> Response {
    let rules = Sendable::new("text/plain; charset=utf-8", Bytes::from_static(ROBOTS.as_bytes()));
    rules.respond_to(&request, &service.deps.config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::embedded::{self, unpack};

    #[test]
    fn the_manifest_has_the_colors_of_the_page() {
        let page = unpack(embedded::APP);
        let light = format!("media=\"(prefers-color-scheme: light)\" content=\"{BACKGROUND}\"");
        assert!(page.contains(&light) && page.contains(&format!("--page:light-dark({BACKGROUND},")));
    }

    #[test]
    fn icons_are_small_and_have_their_declared_size() {
        let icons: [(&[u8], u32); 3] = [
            (include_bytes!("../../../../page/icons/icon-192.png"), 192),
            (include_bytes!("../../../../page/icons/icon-512.png"), 512),
            (include_bytes!("../../../../page/icons/apple-touch-icon.png"), 180),
        ];
        for (icon, width) in icons {
            assert!(icon.starts_with(b"\x89PNG\r\n\x1a\n") && icon.len() < 2_000, "{width}: {} bytes", icon.len());
            assert_eq!((&icon[16..20], &icon[20..24]), (&width.to_be_bytes()[..], &width.to_be_bytes()[..]));
        }
    }
}
