//! The OpenAPI 3.1 description of the HTTP API. Each operation is described at its handler, each parameter and schema at its type;
//! this module adds what they have in common. `tests/routes/openapi.rs` compares the document with the service's real responses,
//! and writes `openapi.json`.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "no program calls it: a test fails by panicking")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::{
        self,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{
    problem::{Details, ProblemType},
    routes,
};
use crate::service::read::CacheResult;

const ABOUT: &str = "\
Which classroom is free now, and until when.

Times are in campus time. An instant has its offset (`2026-03-03T10:00:00-05:00`); a time without one belongs to the \
`date` and the `timezone` next to it. Only official bookings are known, and a room can be locked.

Errors are problem details (RFC 9457): `type` is for programs, and `detail` is a sentence for people. Besides the errors of \
each operation, any request can get 404 `Not Found` (there is no such path), 405 `Method Not Allowed` with an `Allow` \
header, or, because of a bug, 500 `Internal Server Error`. Each path that supports GET also supports HEAD. A query \
parameter that an operation does not know is ignored. A `Link` header of the response, even of an error, then names it, and \
the parameter that was probably meant.

The examples are from Boston University's campus.";

// Responses of several operations. `tests/routes/openapi.rs` causes each error, and compares the sentence in backquotes.
pub(super) const NOT_MODIFIED: &str = "The client already has the body.";
pub(super) const BAD_DATE: &str = "`` `date` is `tomorrow`; expected a date such as 2026-03-03 ``: a parameter has a bad \
    value, or cannot be combined with the others; the sentence names it.";
pub(super) const NO_SUCH_ROOM: &str = "`Classroom not found`: the campus has no room with this `id`.";
pub(super) const NOT_KEPT: &str = "`No availability is kept for 2020-01-01`: the day is outside the kept days.";
pub(super) const NO_DATA: &str = "`Cache unavailable`: there are no data, and none can be fetched now.";

#[derive(OpenApi)]
#[openapi(
    info(title = "EmptyClassroom", description = ABOUT, license(name = "MIT", identifier = "MIT")),
    servers((url = ".")),
    tags(
        (name = "classrooms", description = "What is free."),
        (name = "refresh", description = "The age of the data, and how to refresh them."),
        (name = "service", description = "The service itself, and its pages."),
    ),
    components(schemas(Details<'_>, ProblemType)),
    modifiers(&AdminToken),
)]
struct Api;

/// The operator's token.
struct AdminToken;

impl Modify for AdminToken {
    fn modify(&self, api: &mut openapi::OpenApi) {
        let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("The operator's ADMIN_TOKEN."));
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("adminToken", SecurityScheme::Http(token.build()));
    }
}

/// Returns the description without examples, which the test adds from real responses.
#[must_use]
pub fn description() -> Value {
    let mut api = Api::openapi();
    let mut functions = BTreeMap::new();
    for (function, routes) in routes::described() {
        functions.extend(routes.paths.paths.keys().map(|path| (path.clone(), function)));
        api.merge(routes);
    }
    let mut api = serde_json::to_value(api).expect("a description is JSON");
    join_lines(&mut api);
    for (path, item) in members(api.get_mut("paths")) {
        for (_, operation) in members(Some(item)) {
            // For deploy/ and `make lambda-watch`: which function serves it.
            operation["x-function"] = functions[path].into();
            apply_conventions(operation);
        }
    }
    flatten_schemas(&mut api);
    name_problem_types(&mut api);
    api
}

/// Returns the members of an object; none if it is absent.
fn members(object: Option<&mut Value>) -> impl Iterator<Item = (&String, &mut Value)> {
    object.and_then(Value::as_object_mut).into_iter().flatten()
}

/// Joins the lines of each paragraph: a doc comment wraps at the source's width, a description must not.
fn join_lines(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(join_lines),
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut("description") {
                let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
                *text = paragraphs.collect::<Vec<_>>().join("\n\n");
            }
            fields.values_mut().for_each(join_lines);
        }
        _ => {}
    }
}

/// Adds what operations have in common, so that no handler repeats it.
fn apply_conventions(operation: &mut Value) {
    let mut parameters = operation["parameters"].as_array().into_iter().flatten();
    if parameters.any(|parameter| parameter["in"] == "query") {
        operation["responses"]["200"]["headers"]["Link"] = json!({});
    }
    let headers_of_200 = operation["responses"]["200"]["headers"].clone();
    for (status, response) in members(operation.get_mut("responses")) {
        if status == "304" {
            response["headers"] = headers_of_200.clone();
        }
        if response["headers"]["X-Cache"].is_object() {
            response["headers"]["Cache-Status"] = json!({});
        }
        members(response.get_mut("headers")).for_each(|(name, header)| *header = described_header(name));
        // An error has problem details, unless its handler says otherwise.
        if status.as_str() >= "400" && response["content"].is_null() {
            let schema = json!({"$ref": reference(&Details::name())});
            response["content"] = json!({"application/problem+json": {"schema": schema}});
        }
    }
    if operation["responses"]["304"].is_object() {
        let condition = json!({
            "name": "If-None-Match",
            "in": "header",
            "description": "The ETag of the body that the client has.",
            "required": false,
            "schema": {"type": "string"},
        });
        let own = operation["parameters"].as_array().into_iter().flatten();
        operation["parameters"] = own.chain([&condition]).cloned().collect();
    }
}

/// Describes a response header, which handlers only name.
fn described_header(name: &str) -> Value {
    let cache_results = [CacheResult::Hit, CacheResult::Miss, CacheResult::Stale].map(CacheResult::as_str);
    let (schema, about) = match name {
        "ETag" => (json!({"type": "string"}), "A digest of the body; weak, because the body may be sent compressed."),
        "Cache-Status" => {
            (json!({"type": "string"}), "The same as X-Cache in the format of RFC 9211, which CDNs do not overwrite.")
        }
        "X-Cache" => (
            json!({"type": "string", "enum": cache_results}),
            "Whether the data came from the cache (HIT) or from a sweep (MISS), or are older than they should be (STALE).",
        ),
        "Content-Security-Policy" => (json!({"type": "string"}), "Allows only the page's own script and style to run."),
        "Link" => (
            json!({"type": "string"}),
            "Names parameters that the operation does not know, and the nearest known ones (RFC 8288, `rel=\"help\"`).",
        ),
        "Retry-After" => (json!({"type": "integer", "minimum": 0}), "After how many seconds to ask again."),
        "Location" => (json!({"type": "string"}), "The URL of the page, relative to this one."),
        "Service-Worker-Allowed" => (
            json!({"type": "string"}),
            "The URL of the page, relative to the service worker's script. Only that script has this header.",
        ),
        "WWW-Authenticate" => (json!({"type": "string", "enum": ["Bearer"]}), "The authentication scheme."),
        _ => unreachable!("no description of the header {name}"),
    };
    json!({"schema": schema, "description": about})
}

fn reference(schema: &str) -> String {
    format!("#/components/schemas/{schema}")
}

/// Adds short names for problem types, such as `BAD_PARAMETER`: client generators would derive long ones from the URIs.
fn name_problem_types(api: &mut Value) {
    let types = &mut api["components"]["schemas"][&*ProblemType::name()];
    let uris = types["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let names = uris.filter_map(|uri| uri.rsplit(':').next()).map(|name| name.replace('-', "_").to_uppercase());
    types["x-enum-varnames"] = names.collect();
}

/// Moves fields that serde flattens into the object around them, and requires nullable fields: they are always present, and null
/// if they are unknown.
fn flatten_schemas(api: &mut Value) {
    let all = api["components"]["schemas"].clone();
    for (_, schema) in members(api.pointer_mut("/components/schemas")) {
        if let Some(parts) = schema.get("allOf") {
            let mut whole = json!({"type": "object", "description": schema["description"]});
            // utoipa puts the fields that are not flattened last.
            parts.as_array().into_iter().flatten().rev().for_each(|part| add_fields(&mut whole, part, true, &all));
            *schema = whole;
        } else if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            schema["required"] =
                properties.keys().map(String::as_str).filter(|name| is_always_there(schema, name)).collect();
        }
    }
    let document = api.to_string();
    if let Some(schemas) = api.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.retain(|name, _| document.contains(&format!("\"{}\"", reference(name))));
    }
}

fn is_always_there(schema: &Value, name: &str) -> bool {
    let property = &schema["properties"][name];
    let is_required = schema["required"].as_array().into_iter().flatten().any(|required| required == name);
    let may_be_null =
        |property: &Value| property["type"] == "null" || property["type"].to_string().contains("\"null\"");
    let choices = property["oneOf"].as_array().into_iter().flatten();
    is_required || may_be_null(property) || choices.into_iter().any(may_be_null)
}

/// Adds the fields of a flattened part to the object around it. Fields of a part that can be absent are not required.
fn add_fields(whole: &mut Value, part: &Value, are_required: bool, all: &Value) {
    if let Some(name) = part["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        add_fields(whole, &all[name], are_required, all);
    }
    part["oneOf"].as_array().into_iter().flatten().for_each(|part| add_fields(whole, part, false, all));
    for (name, property) in part["properties"].as_object().into_iter().flatten() {
        if are_required && is_always_there(part, name) {
            let so_far = whole["required"].as_array().into_iter().flatten();
            whole["required"] = so_far.cloned().chain([name.as_str().into()]).collect();
        }
        whole["properties"][name] = property.clone();
    }
}
