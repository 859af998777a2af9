//! `GET /openapi.json`: the OpenAPI document, which the page at `/docs` shows.

use std::sync::{Arc, OnceLock};

use axum::{extract::State, response::Response};
use bytes::Bytes;
use domain::campus::Campus;
use http::HeaderMap;
use serde_json::Value;

#[cfg(feature = "openapi")]
use super::openapi::NOT_MODIFIED;
use super::{
    cache_control::Cacheable,
    embedded::{OPENAPI, unpack},
    representation::conditional,
};
use crate::{config::Config, outside::cache::checksum, service::Service};

/// The document of one service. It is created for the first request, so that a cold start does not wait for it.
#[derive(Clone)]
pub(super) struct Document {
    config: Arc<Config>,
    /// The body and its ETag.
    made: Arc<OnceLock<(Bytes, String)>>,
}

impl Document {
    pub(super) fn of(service: &Service) -> Self {
        Self { config: Arc::clone(&service.deps.config), made: Arc::default() }
    }
}

/// This description, as OpenAPI 3.1
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "service",
    responses(
        (status = 200, description = "The document.", body = std::collections::BTreeMap<String, Value>, content_type = "application/json", headers(("ETag"))),
        (status = 304, description = NOT_MODIFIED),
    ),
))]
pub(super) async fn openapi(State(document): State<Document>, headers: HeaderMap) -> Response {
    let (body, etag) = document.made.get_or_init(|| {
        let body = document_of(&document.config.campus);
        let etag = checksum(&body);
        (body, etag)
    });
    let cache_control = Cacheable::Document.cache_control(&document.config);
    conditional(&headers, cache_control, "application/json", body.clone(), None, etag)
}

/// Returns the document, which describes the built-in campus, with this campus's building codes.
#[expect(clippy::expect_used, reason = "the document is part of the program, and the tests below read it")]
fn document_of(campus: &Campus) -> Bytes {
    let text = unpack(OPENAPI);
    let mut document: Value = serde_json::from_str(&text).expect("`make openapi` writes JSON");
    let written = written_codes(&mut document).expect("the parameter `building` lists the built-in campus's codes");
    let codes = campus.buildings.iter().map(|building| building.code.as_str()).collect::<Value>();
    if *written == codes {
        return text.into();
    }
    *written = codes;
    serde_json::to_vec_pretty(&document).expect("a JSON value can be written").into()
}

/// Returns the document's list of building codes.
fn written_codes(document: &mut Value) -> Option<&mut Value> {
    let parameters = document.pointer_mut("/paths/~1api~1open-classrooms/get/parameters")?.as_array_mut()?;
    parameters.iter_mut().find(|parameter| parameter["name"] == "building")?.pointer_mut("/schema/items/enum")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_campus_gets_the_document_unchanged() {
        assert_eq!(document_of(&Campus::built_in()), include_str!("../../openapi.json"));
    }

    #[test]
    fn another_campus_gets_its_own_building_codes_in_the_document() {
        let mut campus = Campus::built_in();
        campus.buildings[1].code = "LAW".to_owned();
        let document = document_of(&campus);
        let mut own: Value = serde_json::from_slice(&document).unwrap();
        let codes = own.pointer_mut("/paths/~1api~1open-classrooms/get/parameters/1/schema/items/enum").unwrap();
        assert_eq!(*codes, serde_json::json!(["CAS", "LAW"]));
        *codes = serde_json::json!(["CAS", "CGS"]);
        assert_eq!(
            own,
            serde_json::from_str::<Value>(include_str!("../../openapi.json")).unwrap(),
            "nothing else may differ"
        );
    }
}
