//! `GET /openapi.json`: what the HTTP API is. `GET /docs` shows it.

use axum::{extract::State, response::Response};
use bytes::Bytes;
use domain::campus::Campus;
use http::HeaderMap;
use serde_json::Value;

#[cfg(feature = "openapi")]
use super::openapi::NOT_MODIFIED;
use super::representation::conditional;
use crate::{outside::cache::checksum, service::Service};

/// As `make openapi` writes it.
const DOCUMENT: &str = include_str!("../../openapi.json");
/// Which parameter of `GET /api/open-classrooms` names the campus's buildings.
const BUILDING: &str = "building";

/// This description, as OpenAPI 3.1
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "service",
    responses(
        (status = 200, description = "The document.", body = Object, content_type = "application/json", headers(("ETag"))),
        (status = 304, description = NOT_MODIFIED),
    ),
))]
pub(super) async fn openapi(State(service): State<Service>, headers: HeaderMap) -> Response {
    let document = document_of(&service.deps.config.campus);
    let etag = checksum(&document);
    conditional(&headers, "application/json", document, &etag)
}

/// The document, which is of Boston University, with the codes of this campus's buildings in it.
fn document_of(campus: &Campus) -> Bytes {
    let own = || {
        let mut document: Value = serde_json::from_str(DOCUMENT).ok()?;
        let parameters = document.pointer_mut("/paths/~1api~1open-classrooms/get/parameters")?.as_array_mut()?;
        let building = parameters.iter_mut().find(|parameter| parameter["name"] == BUILDING)?;
        let codes = campus.buildings.iter().map(|building| building.code.as_str()).collect::<Value>();
        let written = building.pointer_mut("/schema/items/enum").filter(|written| **written != codes)?;
        *written = codes;
        serde_json::to_vec_pretty(&document).ok()
    };
    own().map_or(Bytes::from_static(DOCUMENT.as_bytes()), Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_campus_has_the_document_as_it_is() {
        assert_eq!(document_of(&Campus::built_in()), DOCUMENT);
    }

    #[test]
    fn another_campus_has_its_own_buildings_in_the_document() {
        let mut campus = Campus::built_in();
        campus.buildings[1].code = "LAW".to_owned();
        let document = document_of(&campus);
        let mut own: Value = serde_json::from_slice(&document).unwrap();
        let codes = own.pointer_mut("/paths/~1api~1open-classrooms/get/parameters/1/schema/items/enum").unwrap();
        assert_eq!(*codes, serde_json::json!(["CAS", "LAW"]));
        *codes = serde_json::json!(["CAS", "CGS"]);
        assert_eq!(own, serde_json::from_str::<Value>(DOCUMENT).unwrap(), "nothing else should be another");
    }
}
