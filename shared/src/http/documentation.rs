//! `GET /openapi.json`: what the HTTP API is, for programs. `GET /docs`: the same as a page, for people.

use std::sync::{Arc, LazyLock, OnceLock};

use axum::{Router, extract::State, response::Response, routing::get};
use http::HeaderMap;
use serde_json::Value;

use super::fixed::Fixed;
use crate::{campus::Campus, config::Config};

/// As `make openapi` writes it.
const DOCUMENT: &str = include_str!("../../openapi.json");
/// Where it names the buildings of the campus.
const BUILDING_CODES: &str = "/paths/~1api~1open-classrooms/get/parameters/1/schema/items/enum";

const PAGE: &str = include_str!("../../../page/docs.html");
/// The page's own script and style run, known by their digests, and nothing else does.
const POLICY: &str = concat!(
    "default-src 'none'; ",
    "script-src 'sha256-'; ",
    "style-src 'sha256-'; ",
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; ",
    "require-trusted-types-for 'script'; trusted-types 'none'"
);

/// The routes of both.
pub(super) fn documentation_routes(config: &Arc<Config>) -> Router {
    static DOCS: LazyLock<Fixed> = LazyLock::new(|| Fixed::new("text/html; charset=utf-8", PAGE, Some(POLICY)));
    let document = Arc::new(OnceLock::new());
    Router::new()
        .route("/docs", get(async |headers: HeaderMap| DOCS.to(&headers)))
        .route("/openapi.json", get(openapi))
        .with_state((Arc::clone(config), document))
}

async fn openapi(
    State((config, document)): State<(Arc<Config>, Arc<OnceLock<Fixed>>)>,
    headers: HeaderMap,
) -> Response {
    document.get_or_init(|| Fixed::new("application/json", document_of(&config.campus), None)).to(&headers)
}

/// The document, which is of Boston University's campus, with this campus's buildings in it.
fn document_of(campus: &Campus) -> String {
    let codes: Value = campus.buildings.iter().map(|building| building.code.as_str()).collect();
    match serde_json::from_str::<Value>(DOCUMENT) {
        Ok(mut document) if document.pointer(BUILDING_CODES).is_some_and(|written| *written != codes) => {
            if let Some(written) = document.pointer_mut(BUILDING_CODES) {
                *written = codes;
            }
            document.to_string()
        }
        _ => DOCUMENT.to_owned(),
    }
}
