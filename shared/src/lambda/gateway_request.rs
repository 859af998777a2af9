//! Turns API Gateway's request events, payload format 2.0, into requests for the routes.
//!
//! A client controls most of such an event, and `lambda_http` trusts it: an invalid Host header or a raw space in a query
//! string makes it panic, and an invalid header fails the invocation. So this module reads events leniently, and routes get a
//! valid request whatever the client sent.

use std::{borrow::Cow, fmt};

use axum::{body::Body, extract::Request};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

/// A client's request, as API Gateway passes it on.
///
/// Only what API Gateway itself writes must be valid: an event without a method in its `requestContext` is not a request. See
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>.
#[derive(Clone, Debug)]
pub struct GatewayRequest {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// The parts of the event that routes need.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GatewayEvent {
    #[serde(default)]
    raw_path: Value,
    #[serde(default)]
    raw_query_string: Value,
    #[serde(default)]
    headers: Value,
    #[serde(default)]
    body: Value,
    #[serde(default)]
    is_base64_encoded: Value,
    request_context: RequestContext,
    #[serde(default)]
    route_key: Value,
    #[serde(default)]
    path_parameters: Value,
}

#[derive(Deserialize)]
struct RequestContext {
    http: HttpContext,
    #[serde(default)]
    stage: Value,
}

#[derive(Deserialize)]
struct HttpContext {
    method: String,
}

/// API Gateway lets 10,240 bytes through, each of which may take three when it is encoded; `http` accepts 65,534.
const LONGEST_URI: usize = 60_000;

impl<'de> Deserialize<'de> for GatewayRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let refuse = |reason: &dyn fmt::Display| {
            de::Error::custom(format!("not an API Gateway request in payload format 2.0: {reason}"))
        };
        let event = GatewayEvent::deserialize(deserializer).map_err(|error| refuse(&error))?;
        let method = event.request_context.http.method.parse().map_err(|error| refuse(&error))?;
        let uri = uri(&path(&event), text(&event.raw_query_string)).map_err(|reason| refuse(&reason))?;
        let body = text(&event.body);
        let is_encoded = event.is_base64_encoded == Value::Bool(true);
        let decoded = if is_encoded { BASE64_STANDARD.decode(body).ok() } else { None };
        Ok(Self { method, uri, headers: headers(&event.headers), body: decoded.unwrap_or_else(|| body.into()) })
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// What must be encoded in a query: everything but letters, digits, percent signs (of existing escapes) and the marks of RFC 3986.
const QUERY: &AsciiSet = &PATH.remove(b'?');
/// What must be encoded in a raw text that becomes one segment of a path: percent signs and slashes as well.
const SEGMENT: &AsciiSet = &PATH.add(b'%').add(b'/');
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'%')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b'/')
    .remove(b':')
    .remove(b'@');

/// Returns the path that the routes know.
///
/// API Gateway decodes `rawPath` once, so that a room's id in it may have slashes and percent signs, and prefixes it with the
/// stage, unless that is `$default`; according to AWS's documentation, the key of a custom domain's mapping is not in it. The
/// route that API Gateway chose shows which part is which. Without one (`$default`, and emulators), the path is `rawPath`
/// without the stage.
fn path(event: &GatewayEvent) -> Cow<'_, str> {
    let raw_path = text(&event.raw_path);
    let route = text(&event.route_key).split_once(' ').map(|(_, route)| route);
    let of_route = route.and_then(|route| path_of_route(route, raw_path, &event.path_parameters));
    of_route.unwrap_or_else(|| {
        let stage = Some(text(&event.request_context.stage)).filter(|stage| !stage.is_empty() && *stage != "$default");
        let behind = stage.and_then(|stage| raw_path.strip_prefix('/')?.strip_prefix(stage));
        behind.filter(|path| path.is_empty() || path.starts_with('/')).unwrap_or(raw_path).into()
    })
}

/// Returns the route's own path with its parameter, if it has one; `None` if `raw_path` does not end with it. A greedy parameter
/// (`{proxy+}`) matches all that follows.
fn path_of_route<'a>(route: &'a str, raw_path: &'a str, parameters: &Value) -> Option<Cow<'a, str>> {
    let Some((before, (name, behind))) =
        route.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    else {
        return (route != "/" && raw_path.ends_with(route)).then_some(route.into());
    };
    if name.ends_with('+') {
        let start = raw_path.rfind(before).filter(|_| before != "/")?;
        return raw_path.get(start..).map(Cow::from);
    }
    let (_, rest) = raw_path.split_once(before)?;
    let given = parameters[name].as_str();
    let value = given.or_else(|| rest.strip_suffix(behind)).filter(|value| !value.is_empty())?;
    Some(format!("{before}{}{behind}", utf8_percent_encode(value, SEGMENT)).into())
}

/// Joins path and query, and encodes only what a URI must not contain. The `url` crate is unsuitable: it drops tabs and line
/// breaks, and turns backslashes into slashes, which makes another path.
fn uri(path: &str, query: &str) -> Result<Uri, String> {
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mark = if query.is_empty() { "" } else { "?" };
    let (path, query) = (utf8_percent_encode(path, PATH), utf8_percent_encode(query, QUERY));
    let uri = format!("{slash}{path}{mark}{query}");
    if uri.len() > LONGEST_URI {
        return Err(format!("its URI is longer than {LONGEST_URI} bytes"));
    }
    Uri::builder().path_and_query(uri).build().map_err(|error| error.to_string())
}

/// Returns the valid headers. No route could read the others.
fn headers(given: &Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in given.as_object().into_iter().flatten() {
        let header = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(text(value)).ok());
        if let Some((name, value)) = header {
            // The map is full after 24,576 headers; API Gateway lets a few hundred through.
            let _ = headers.try_insert(name, value);
        }
    }
    headers
}

impl From<GatewayRequest> for Request {
    fn from(GatewayRequest { method, uri, headers, body }: GatewayRequest) -> Self {
        let mut request = Self::new(Body::from(body));
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (method, uri, headers);
        request
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, response::IntoResponse, routing::get};
    use http::Uri;
    use proptest::prelude::*;
    use serde_json::json;
    use tower::ServiceExt;

    use super::*;

    fn event(path: &str, query: &str, headers: &Value, body: Option<&str>) -> Value {
        json!({
            "version": "2.0", "rawPath": path, "rawQueryString": query, "headers": headers, "body": body,
            "requestContext": {"http": {"method": "GET", "path": path}, "stage": "$default"}
        })
    }

    fn request(event: Value) -> Request {
        let request: GatewayRequest = serde_json::from_value(event).unwrap();
        request.into()
    }

    fn uri(path: &str, query: &str) -> String {
        request(event(path, query, &json!({}), None)).uri().to_string()
    }

    #[test]
    fn what_a_uri_must_not_contain_is_encoded_and_the_rest_is_kept() {
        assert_eq!(
            uri("/api/classrooms/342", "date=2026-03-03&x=%20+%C3%A9"),
            "/api/classrooms/342?date=2026-03-03&x=%20+%C3%A9"
        );
        assert_eq!(
            uri("/api/open-classrooms", "q=cas 116\"<>#\u{e9}"),
            "/api/open-classrooms?q=cas%20116%22%3C%3E%23%C3%A9"
        );
        assert_eq!(uri("/a b/\u{1F3EB}?#", ""), "/a%20b/%F0%9F%8F%AB%3F%23");
        assert_eq!(uri("/api/open-classrooms\n", "da\tte=\r"), "/api/open-classrooms%0A?da%09te=%0D");
        assert_eq!(uri("/api\\a/%2F%zz%", "q=%zz\\"), "/api%5Ca/%2F%zz%?q=%zz%5C");
        assert_eq!((uri("", ""), uri("api", ""), uri("//api//x", "")), ("/".into(), "/api".into(), "//api//x".into()));
    }

    /// Returns the path for an event with that route, stage and rawPath, and with the id in its pathParameters, if it has one.
    fn path(route: &str, stage: &str, raw_path: &str, id: Option<&str>) -> String {
        let mut event = event(raw_path, "x=/y", &json!({}), None);
        event["routeKey"] = route.into();
        event["requestContext"]["stage"] = stage.into();
        if let Some(id) = id {
            event["pathParameters"] = json!({ "id": id });
        }
        let uri = request(event).uri().clone();
        assert_eq!(uri.query(), Some("x=/y"));
        uri.path().to_owned()
    }

    const ROOM: &str = "GET /api/classrooms/{id}";
    const CALENDAR: &str = "GET /api/classrooms/{id}/calendar.ics";

    #[test]
    fn a_room_id_that_api_gateway_has_decoded_stays_one_segment() {
        for (id, encoded) in [
            ("342", "342"),
            ("A B", "A%20B"),
            ("A%20B", "A%2520B"),
            ("50%", "50%25"),
            ("a/b", "a%2Fb"),
            ("a/days", "a%2Fdays"),
            ("/", "%2F"),
            ("\u{e9}\u{1F3EB}", "%C3%A9%F0%9F%8F%AB"),
            ("a?b#c", "a%3Fb%23c"),
            ("api/classrooms/1/calendar.ics", "api%2Fclassrooms%2F1%2Fcalendar.ics"),
        ] {
            for given in [Some(id), None] {
                let (room, calendar) = (format!("/api/classrooms/{id}"), format!("/api/classrooms/{id}/calendar.ics"));
                assert_eq!(path(ROOM, "$default", &room, given), format!("/api/classrooms/{encoded}"));
                let encoded = format!("/api/classrooms/{encoded}/calendar.ics");
                assert_eq!(path(CALENDAR, "$default", &calendar, given), encoded);
                assert_eq!(path(CALENDAR, "prod", &format!("/prod{calendar}"), given), encoded);
                assert_eq!(path(CALENDAR, "prod", &format!("/rooms/v1{calendar}"), given), encoded);
            }
        }
        // API Gateway cuts the path off at a question mark that it has decoded, and still sends the id.
        assert_eq!(path(ROOM, "$default", "/api/classrooms/a", Some("a?b")), "/api/classrooms/a%3Fb");
    }

    #[test]
    fn the_stage_and_the_mapping_key_are_not_part_of_the_path() {
        const OPEN: &str = "GET /api/open-classrooms";
        const FILE: &str = "GET /app/{proxy+}";
        for (route, stage, raw_path, expected) in [
            (OPEN, "$default", "/api/open-classrooms", "/api/open-classrooms"),
            (OPEN, "prod", "/prod/api/open-classrooms", "/api/open-classrooms"),
            // Behind a custom domain, rawPath may lack the stage or have the mapping's key.
            (OPEN, "prod", "/api/open-classrooms", "/api/open-classrooms"),
            (OPEN, "prod", "/rooms/api/open-classrooms", "/api/open-classrooms"),
            (OPEN, "$default", "/rooms/v1/api/open-classrooms", "/api/open-classrooms"),
            ("GET /", "prod", "/prod/", "/"),
            ("GET /", "prod", "/prod", "/"),
            ("GET /app", "app", "/app/app", "/app"),
            ("GET /app", "app", "/app", "/app"),
            (FILE, "$default", "/app/icon.svg", "/app/icon.svg"),
            (FILE, "$default", "/app/", "/app/"),
            (FILE, "prod", "/prod/app/icon.svg", "/app/icon.svg"),
            (FILE, "prod", "/rooms/v1/app/icon.svg", "/app/icon.svg"),
            (FILE, "app", "/app/app/", "/app/"),
            ("$default", "prod", "/prod/api/open-classrooms", "/api/open-classrooms"),
            ("$default", "prod", "/product", "/product"),
            ("$default", "$default", "/$default/app", "/$default/app"),
            ("ANY /{proxy+}", "prod", "/prod/api/classrooms/a b", "/api/classrooms/a%20b"),
            // If the route does not match the path, the path is what the client requested.
            ("GET /", "$default", "/api/health", "/api/health"),
            (ROOM, "$default", "/api/health", "/api/health"),
            (OPEN, "$default", "/api/open-classroomsx", "/api/open-classroomsx"),
            (OPEN, "$default", "", "/"),
        ] {
            assert_eq!(path(route, stage, raw_path, None), expected, "{route} {stage} {raw_path}");
        }
    }

    #[test]
    fn invalid_headers_are_dropped_and_the_others_are_kept() {
        let headers = json!({
            "Authorization": "Bearer x", "x-\u{e9}": "1", "x y": "2", "x-break": "a\r\nb", "x-number": 3, "x-null": null,
            "Host": "not a host", "X-Forwarded-Proto": "::", "x-latin": "\u{e9}"
        });
        let request = request(event("/", "", &headers, None));
        let names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(request.headers()["authorization"], "Bearer x");
        assert_eq!(names.len(), 6, "{names:?}");
        assert!(["host", "x-number", "x-null", "x-latin"].iter().all(|name| names.contains(name)), "{names:?}");
    }

    #[test]
    fn a_body_is_decoded_if_it_is_base64() {
        for (body, says_encoded, length) in [("Zm9v", true, 3), ("Zm9v", false, 4), ("no base64!", true, 10)] {
            let mut event = event("/", "", &json!({}), Some(body));
            event["isBase64Encoded"] = says_encoded.into();
            let request: GatewayRequest = serde_json::from_value(event).unwrap();
            assert_eq!(request.body.len(), length, "{body}");
        }
    }

    #[test]
    fn an_event_that_is_not_a_request_is_refused_with_a_reason() {
        let long = event(&"/x".repeat(LONGEST_URI), "", &json!({}), None);
        for (event, reason) in [
            (json!({}), "missing field `requestContext`"),
            (json!([]), "invalid length 5"),
            (json!("refresh"), "invalid type: string"),
            (json!({"requestContext": {"http": {"method": "GE T"}}}), "invalid HTTP method"),
            (long, "its URI is longer than 60000 bytes"),
        ] {
            let refusal = serde_json::from_value::<GatewayRequest>(event).unwrap_err().to_string();
            assert!(refusal.starts_with("not an API Gateway request in payload format 2.0: "), "{refusal}");
            assert!(refusal.contains(reason), "{refusal}");
        }
    }

    /// Decodes the escapes in a text.
    fn decoded(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((&byte, behind)) = rest.split_first() {
            let digits = behind.get(..2).filter(|digits| byte == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
            bytes.push(
                digits.map_or(byte, |digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap()),
            );
            rest = if digits.is_some() { &behind[2..] } else { behind };
        }
        bytes
    }

    proptest! {
        #[test]
        fn an_encoded_text_decodes_to_the_same_bytes_and_is_valid_in_a_uri(text in prop_oneof![any::<String>(), "[ -~\t\r\n]*"]) {
            let encoded = utf8_percent_encode(&text, QUERY).to_string();
            prop_assert_eq!(decoded(&encoded), decoded(&text));
            prop_assert!(format!("/{encoded}?{encoded}").parse::<Uri>().is_ok(), "{}", encoded);
        }

        #[test]
        fn any_client_input_becomes_a_request_that_routes_answer(
            path in any::<String>(),
            query in any::<String>(),
            headers in prop::collection::hash_map(any::<String>(), any::<String>(), 0..8),
            host in any::<String>(),
            body in any::<Option<String>>(),
            encoded in any::<bool>(),
            id in any::<Option<String>>(),
        ) {
            let mut headers = json!(headers);
            headers["host"] = host.into();
            let mut event = event(&path, &query, &headers, body.as_deref());
            if let Some(id) = id {
                event["routeKey"] = ROOM.into();
                event["rawPath"] = format!("/api/classrooms/{path}").into();
                event["pathParameters"] = json!({ "id": id });
            }
            event["isBase64Encoded"] = encoded.into();
            let request = request(event);
            let seen = request.uri().clone();
            let routes = Router::new().route("/{*path}", get(async |uri: Uri| uri.to_string().into_response()));
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let answer = runtime.block_on(routes.oneshot(request.map(|_| Body::empty()))).unwrap();
            prop_assert!(seen.path().starts_with('/'), "{}", seen);
            prop_assert!([200, 404].contains(&answer.status().as_u16()));
        }
    }
}
