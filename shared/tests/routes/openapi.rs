//! Compares the OpenAPI document with the routes and their real responses. `make openapi` writes the document.
//!
//! A tour requests every documented response of every operation. A documented response that never occurs fails the test, and so
//! does an undocumented one. The responses become the examples of the document.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs, io,
    time::Duration,
};

use axum::body::{Body, Bytes};
use emptyclassroom::web::openapi::description;
use futures_util::stream;
use http::Request;
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use simulator::Fault;
use testkit::{Backend, GatewayEvent, TestApp, TestResponse};
use tower::ServiceExt;

const CHECKED_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
/// The table of routes on this page is generated from the document too.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/API.md");
const DICTIONARY: &str = include_str!("../../../fuzz/dictionaries/query_string");
const TABLE: &str = "<!-- `make openapi` writes this table. -->\n";
const TOKEN: (&str, &str) = ("ADMIN_TOKEN", "test-admin-token");

/// The document, and the responses so far.
struct Tour {
    document: Value,
    /// The header names seen so far, by operation and status.
    seen: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Tour {
    fn new() -> Self {
        Self { document: description(), seen: BTreeMap::new() }
    }

    /// The document's path for a request target.
    fn path_of(&self, target: &str) -> String {
        let path = target.split('?').next().unwrap();
        let matches = |template: &&String| {
            let (mut actual, mut expected) = (path.split('/'), template.split('/'));
            let mut pairs = actual.by_ref().zip(expected.by_ref());
            pairs.all(|(actual, expected)| expected.starts_with('{') || actual == expected)
                && path.matches('/').count() == template.matches('/').count()
        };
        self.document["paths"].as_object().unwrap().keys().find(matches).unwrap().clone()
    }

    /// Sends a request and checks the status, headers, content type and body of the response against the document. The response
    /// becomes the example `name`.
    async fn ask(
        &mut self,
        app: &TestApp,
        name: &str,
        method: &str,
        target: &str,
        header: Option<(&str, &str)>,
    ) -> TestResponse {
        let mut event = GatewayEvent::new(method, target);
        if let Some((header, value)) = header {
            event = event.header(header, value);
        }
        self.take(name, method, target, app.answer(event).await)
    }

    fn take(&mut self, name: &str, method: &str, target: &str, answer: TestResponse) -> TestResponse {
        let place = format!("{method} {target} answered {}", answer.status);
        let path = self.path_of(target);
        let validators = &self.document["components"];
        let operation = &self.document["paths"][&path][method.to_lowercase()];
        let status = answer.status.as_str().to_owned();
        let response = &operation["responses"][&status];
        assert!(response.is_object(), "{place}, which is not documented");
        let documented: BTreeSet<_> = names(&response["headers"]).iter().map(|name| name.to_lowercase()).collect();
        let sent = [
            "etag",
            "x-cache",
            "cache-status",
            "link",
            "retry-after",
            "www-authenticate",
            "allow",
            "content-security-policy",
            "location",
            "service-worker-allowed",
        ];
        let sent: BTreeSet<_> =
            sent.iter().filter(|name| answer.headers.contains_key(**name)).map(|name| (*name).to_owned()).collect();
        match &response["content"] {
            Value::Object(content) => {
                let kinds: Vec<_> = content.keys().map(String::as_str).collect();
                assert!(kinds.contains(&answer.header("content-type")), "{place}: {kinds:?}");
                let schema = &content[answer.header("content-type")]["schema"];
                let body = body_of(&answer);
                let errors =
                    validator(schema, validators).iter_errors(&body).map(|error| error.to_string()).collect::<Vec<_>>();
                assert!(errors.is_empty(), "{place}: {body}: {errors:?}");
            }
            _ => assert_eq!(answer.text, "", "{place} with an undocumented body"),
        }
        // A response may lack a header that other responses with its status have.
        assert!(sent.is_subset(&documented), "{place} with the headers {sent:?}; documented are {documented:?}");
        let seen = (operation["operationId"].as_str().unwrap().to_owned(), status.clone());
        self.seen.entry(seen).or_default().extend(sent);
        let content = self.document.pointer_mut(&pointer(&[
            "paths",
            &path,
            &method.to_lowercase(),
            "responses",
            &status,
            "content",
        ]));
        let is_example = path.starts_with("/api/") || path == "/" || answer.header("content-type").contains("problem");
        if let Some(Value::Object(content)) = content.filter(|_| is_example) {
            let examples =
                content[answer.header("content-type")].as_object_mut().unwrap().entry("examples").or_insert(json!({}));
            examples
                .as_object_mut()
                .unwrap()
                .entry(name)
                .or_insert(json!({"summary": target_of(method, target), "value": body_of(&answer)}));
        }
        answer
    }

    /// Fails if the document has a response, a header or an error detail that never occurred.
    fn end(self) -> Value {
        for (operation, status, response) in responses(&self.document) {
            let seen = self.seen.get(&(operation.to_owned(), status.to_owned()));
            assert!(
                seen.is_some(),
                "{operation} never answered {status}, which is documented: add a request for it to `toured`"
            );
            let documented: BTreeSet<_> =
                names(&response["headers"]).iter().map(|header| header.to_lowercase()).collect();
            assert_eq!(seen, Some(&documented), "{operation} answered {status} with other headers than documented");
            let Some(problem) = response["content"].get("application/problem+json") else { continue };
            let examples = problem["examples"].as_object().unwrap().values();
            let answered: BTreeSet<_> = examples.map(|example| example["value"]["detail"].as_str().unwrap()).collect();
            for sentence in sentences(response["description"].as_str().unwrap()) {
                assert!(
                    answered.contains(sentence),
                    "{operation} answered {status} with {answered:?}, but never with the documented {sentence}"
                );
            }
        }
        self.document
    }
}

/// Each operation's id with each of its responses.
fn responses(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    operations.flat_map(|operation| {
        let id = operation["operationId"].as_str().unwrap();
        let responses = operation["responses"].as_object().unwrap();
        responses.iter().map(move |(status, response)| (id, status.as_str(), response))
    })
}

/// The details in an error's description. Each has a paragraph, which begins with the detail as code.
fn sentences(description: &str) -> impl Iterator<Item = &str> {
    description.split("\n\n").map(|paragraph| {
        let code = paragraph.strip_prefix("`` ").and_then(|rest| rest.split_once(" ``: "));
        let code = code.or_else(|| paragraph.strip_prefix('`').and_then(|rest| rest.split_once("`: ")));
        // A paragraph without a detail is returned whole, so that the check fails.
        code.map_or(paragraph, |(sentence, _)| sentence)
    })
}

fn target_of(method: &str, target: &str) -> String {
    format!("{method} {target}")
}

fn names(object: &Value) -> Vec<String> {
    object.as_object().map(|object| object.keys().cloned().collect()).unwrap_or_default()
}

fn pointer(tokens: &[&str]) -> String {
    let escaped = tokens.iter().map(|token| token.replace('~', "~0").replace('/', "~1"));
    format!("/{}", escaped.collect::<Vec<_>>().join("/"))
}

fn body_of(answer: &TestResponse) -> Value {
    if answer.header("content-type").ends_with("json") { answer.json() } else { answer.text.clone().into() }
}

/// A validator that also checks formats and rejects undocumented fields.
fn validator(schema: &Value, components: &Value) -> Validator {
    let mut strict = components.clone();
    for schema in strict["schemas"].as_object_mut().unwrap().values_mut().filter(|schema| schema["type"] == "object") {
        schema["additionalProperties"] = false.into();
    }
    let mut whole = schema.as_object().cloned().unwrap_or_else(Map::new);
    whole.insert("components".to_owned(), strict);
    jsonschema::draft202012::options().should_validate_formats(true).build(&whole.into()).unwrap()
}

/// A refresh that waits in vain for the sweep of another process. The paused clock makes the wait instant.
async fn refresh_beside_another(tour: &mut Tour, app: &TestApp) {
    let (store, key, token) = (&app.store.store, "classrooms:refresh_lock", "another process");
    store.lock(key, token, Duration::from_mins(1)).await.unwrap();
    tokio::time::pause();
    tour.ask(app, "inProgress", "POST", "/api/refresh", None).await;
    tokio::time::resume();
    store.unlock(key, token).await.unwrap();
}

/// The document with its examples, after every documented response has occurred.
async fn toured() -> Value {
    let mut tour = Tour::new();
    let app = TestApp::start(Backend::Memory).await;
    let read = async |tour: &mut Tour, name: &str, target: &str| tour.ask(&app, name, "GET", target, None).await;

    // Before the first sweep.
    app.simulator.misbehave(Fault::Html);
    read(&mut tour, "failing", "/api/health").await;
    read(&mut tour, "never", "/api/last-updated").await;
    read(&mut tour, "none", "/api/cooldown-status").await;
    read(&mut tour, "unknown", "/api/buildings").await;
    read(&mut tour, "noData", "/api/open-classrooms").await;
    read(&mut tour, "noData", "/api/classrooms/342").await;
    read(&mut tour, "noData", "/api/classrooms/342/calendar.ics").await;
    read(&mut tour, "noData", "/api/classrooms/342/days").await;
    tour.ask(&app, "failedBefore", "POST", "/api/refresh", None).await;
    app.advance(61_000);
    tour.ask(&app, "failed", "POST", "/api/refresh", None).await;
    app.advance(61_000);
    app.simulator.behave();
    refresh_beside_another(&mut tour, &app).await;

    // With data.
    tour.ask(&app, "refreshed", "POST", "/api/refresh", None).await;
    app.advance(870_000);
    tour.ask(&app, "tooSoon", "POST", "/api/refresh", None).await;
    for (name, target) in [
        ("allRooms", "/api/open-classrooms"),
        ("freeNow", "/api/open-classrooms?at=now&min_minutes=60&sort=free_until"),
        ("freeForAnHour", "/api/open-classrooms?building=CAS&from=14:00&to=15:00"),
        ("badDate", "/api/open-classrooms?date=tomorrow"),
        ("badRange", "/api/open-classrooms?from=14:00&to=13:00"),
        ("notKept", "/api/open-classrooms?date=2020-01-01"),
        ("room", "/api/classrooms/342"),
        ("badDate", "/api/classrooms/342?date=tomorrow"),
        ("noSuchRoom", "/api/classrooms/1"),
        ("notKept", "/api/classrooms/342?date=2020-01-01"),
        ("calendar", "/api/classrooms/719/calendar.ics"),
        ("noSuchRoom", "/api/classrooms/1/calendar.ics"),
        ("days", "/api/classrooms/719/days"),
        ("noSuchRoom", "/api/classrooms/1/days"),
        ("buildings", "/api/buildings"),
        ("updated", "/api/last-updated"),
        ("running", "/api/cooldown-status"),
        ("ok", "/api/health"),
        ("hello", "/"),
        ("page", "/app"),
        ("page", "/app/"),
        ("page", "/app/rooms/342"),
        ("noSuchRoom", "/app/rooms/1"),
        ("manifest", "/app/manifest.webmanifest"),
        ("serviceWorker", "/app/sw.js"),
        ("icon", "/app/icon.svg"),
        ("icon", "/app/icon-192.png"),
        ("noSuchFile", "/app/icon.gif"),
        ("icon", "/favicon.ico"),
        ("rules", "/robots.txt"),
        ("page", "/docs"),
        ("document", "/openapi.json"),
    ] {
        let answer = read(&mut tour, name, target).await;
        let etag = answer.header("etag");
        if !etag.is_empty() {
            tour.ask(&app, "known", "GET", target, Some(("if-none-match", etag))).await;
        }
        // Again with an unknown parameter, for the Link header.
        if answer.status == 200 {
            let target = format!("{target}{}unknown", if target.contains('?') { '&' } else { '?' });
            read(&mut tour, name, &target).await;
            if !etag.is_empty() {
                tour.ask(&app, "known", "GET", &target, Some(("if-none-match", etag))).await;
            }
        }
    }

    tour.ask(&app, "browser", "GET", "/", Some(("accept", "text/html"))).await;

    // With only the reserve left.
    app.advance(60_000);
    app.simulator.misbehave(Fault::Html);
    for key in ["classrooms:availability", "classrooms:last_refresh"] {
        app.store.store.delete(key).await.unwrap();
    }
    assert_eq!(read(&mut tour, "stale", "/api/open-classrooms?building=CGS").await.outcome(), (200, "STALE"));

    tour.ask(&app, "notABoolean", "POST", "/api/refresh?invalidate_cache=yes", None).await;
    tour.ask(&app, "notEnabled", "POST", "/api/refresh?invalidate_cache=true", None).await;
    let long = app.answer(GatewayEvent::post("/api/refresh").body(&"x".repeat(1025))).await;
    tour.take("tooLong", "POST", "/api/refresh", long);
    let with_token = TestApp::start_with(Backend::Memory, &[TOKEN]).await;
    tour.ask(&with_token, "refreshed", "POST", "/api/refresh?unknown", None).await;
    tour.ask(&with_token, "noToken", "POST", "/api/refresh?invalidate_cache=true", None).await;

    // With bodies that break off or never arrive.
    let broken = Body::from_stream(stream::iter([Err::<Bytes, _>(io::Error::other("the client is gone"))]));
    let unreadable = refresh_with(&app, broken).await;
    tour.take("unreadable", "POST", "/api/refresh", unreadable);
    tokio::time::pause();
    let late = refresh_with(&app, Body::from_stream(stream::pending::<io::Result<Bytes>>())).await;
    tour.take("late", "POST", "/api/refresh", late);

    tour.end()
}

async fn refresh_with(app: &TestApp, body: Body) -> TestResponse {
    let request = Request::post("/api/refresh").body(body).unwrap();
    TestResponse::read(app.routes.clone().oneshot(request).await.unwrap()).await
}

/// Returns docs/API.md with an updated table of routes.
fn page_with(document: &Value, page: &str) -> String {
    let mut table = vec!["| route | what | errors |".to_owned(), "|---|---|---|".to_owned()];
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let mut errors = names(&operation["responses"]);
            errors.retain(|status| status.as_str() >= "400");
            let errors = if errors.is_empty() { "none".to_owned() } else { errors.join(", ") };
            let summary = operation["summary"].as_str().unwrap();
            table.push(format!("| `{} {path}` | {summary} | {errors} |", method.to_uppercase()));
        }
    }
    let (before, rest) = page.split_once(TABLE).unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    format!("{before}{TABLE}{}\n\n{after}", table.join("\n"))
}

#[tokio::test]
async fn the_checked_in_openapi_document_matches_the_services_responses() {
    let document = toured().await;
    let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
    let page = page_with(&document, &fs::read_to_string(PAGE).unwrap());
    if env::var_os("WRITE_OPENAPI").is_some() {
        fs::write(CHECKED_IN, &text).unwrap();
        fs::write(PAGE, &page).unwrap();
    }
    for (file, expected) in [(CHECKED_IN, text), (PAGE, page)] {
        assert!(fs::read_to_string(file).unwrap() == expected, "{file} is not up to date: run `make openapi`");
    }
}

#[tokio::test]
async fn the_openapi_document_lists_exactly_the_routes_and_their_methods() {
    let app = TestApp::start(Backend::Memory).await;
    // axum has no list of routes, but the Debug output contains their paths.
    let shown = format!("{:?}", app.routes);
    let routes: BTreeSet<_> = shown.split('"').filter(|text| text.starts_with('/') && !text.contains('*')).collect();
    let document = description();
    assert_eq!(routes, document["paths"].as_object().unwrap().keys().map(String::as_str).collect());
    for (path, item) in document["paths"].as_object().unwrap() {
        let wrong =
            app.answer(GatewayEvent::new("DELETE", &path.replace("{id}", "342").replace("{file}", "icon.svg"))).await;
        assert_eq!(wrong.problem(), (405, "Method Not Allowed".to_owned()), "{path}");
        let documented =
            names(item).iter().map(|method| method.to_uppercase().replace("GET", "GET,HEAD")).collect::<Vec<_>>();
        assert_eq!(wrong.header("allow"), documented.join(","), "{path}");
    }
}

/// Each operation hints at the parameters that it does not document, and at no others.
#[tokio::test]
async fn every_query_parameter_of_an_operation_is_documented() {
    let app = TestApp::start(Backend::Memory).await;
    let document = description();
    let name = |parameter: &Value| parameter["name"].as_str().unwrap().to_owned();
    let queries = |operation: &Value| {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        parameters.filter(|parameter| parameter["in"] == "query").map(name).collect::<BTreeSet<_>>()
    };
    let operations = document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, operation)| (path, method, operation))
    });
    let all: BTreeSet<_> = operations.clone().flat_map(|(_, _, operation)| queries(operation)).collect();
    assert!(all.len() > 11, "{all:?}");
    for (path, method, operation) in operations {
        let known = queries(operation);
        for name in all.iter().map(String::as_str).chain(["unknown_parameter"]) {
            let target = format!("{}?{name}", path.replace("{id}", "342"));
            let link = app.answer(GatewayEvent::new(&method.to_uppercase(), &target)).await.header("link").to_owned();
            // The page /docs has an anchor for the operation's id; the link is relative to the request's path.
            let id = operation["operationId"].as_str().unwrap();
            let docs = format!("<{}docs#{id}>; rel=\"help\";", "../".repeat(path.matches('/').count() - 1));
            let is_hinted_at = !known.is_empty() && !known.contains(name);
            assert_eq!(link.starts_with(&docs), is_hinted_at, "{method} {target}: {link}");
            assert_eq!(link.is_empty(), !is_hinted_at, "{method} {target}: {link}");
        }
    }
}

/// The fuzzer finds a long name only in its dictionary.
#[test]
fn every_query_parameter_is_in_the_fuzz_dictionary() {
    let document = description();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let parameters = operations.flat_map(|operation| operation["parameters"].as_array().into_iter().flatten());
    let queries = parameters.filter(|parameter| parameter["in"] == "query");
    let names: BTreeSet<_> = queries.map(|parameter| parameter["name"].as_str().unwrap()).collect();
    let missing: Vec<_> = names.into_iter().filter(|name| !DICTIONARY.contains(&format!("\"&{name}=\"\n"))).collect();
    assert!(missing.is_empty(), "fuzz/dictionaries/query_string lacks {missing:?}");
}

/// docs/API.md lists the same problem types as the document.
#[test]
fn every_problem_type_is_listed_in_the_docs() {
    let document = description();
    let types = document["components"]["schemas"]["ProblemType"]["enum"].as_array().unwrap();
    let page = fs::read_to_string(PAGE).unwrap();
    let (_, errors) = page.split_once("\n## Errors\n").unwrap();
    let (_, errors) = errors.split_once("\n|---|").unwrap();
    let (errors, _) = errors.split_once("\n\n").unwrap();
    let rows = errors.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name));
    let listed: BTreeSet<_> = rows.map(|name| format!("urn:emptyclassroom:problem:{name}")).collect();
    assert_eq!(listed, types.iter().map(|name| name.as_str().unwrap().to_owned()).collect());
}
