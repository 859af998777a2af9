//! A response from a router or from a function.

use std::io::Read;

use axum::{body::to_bytes, response::Response};
use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::read::GzDecoder;
use http::{
    HeaderMap, HeaderName, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use serde_json::{Value, json};

/// A complete response.
#[derive(Debug)]
pub struct TestResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub text: String,
}

/// The text of a body, which may be compressed. Each byte of an image becomes a character.
fn text(headers: &HeaderMap, body: &[u8]) -> String {
    if headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "image/png" || kind == "image/x-icon") {
        return body.iter().copied().map(char::from).collect();
    }
    let mut text = String::new();
    match headers.get(CONTENT_ENCODING) {
        None => text.push_str(std::str::from_utf8(body).unwrap()),
        Some(encoding) => {
            assert_eq!(encoding, "gzip");
            GzDecoder::new(body).read_to_string(&mut text).unwrap();
        }
    }
    text
}

impl TestResponse {
    /// Reads a router's response to its end.
    pub async fn read(response: Response) -> Self {
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Self { status: head.status, text: text(&head.headers, &body), headers: head.headers }
    }

    /// Parses a function's response to API Gateway in payload format 2.0.
    #[must_use]
    pub fn of_gateway(response: &Value) -> Self {
        assert_eq!(response["cookies"], json!([]), "{response}");
        let headers = response["headers"].as_object().unwrap().iter();
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.as_str().unwrap().parse().unwrap()));
        let (headers, body) = (headers.collect(), response["body"].as_str().unwrap_or_default());
        let is_base64 = response["isBase64Encoded"].as_bool().unwrap();
        let body = if is_base64 { BASE64_STANDARD.decode(body).unwrap() } else { body.as_bytes().to_vec() };
        Self {
            status: StatusCode::from_u16(response["statusCode"].as_u64().unwrap().try_into().unwrap()).unwrap(),
            text: text(&headers, &body),
            headers,
        }
    }

    /// A header, or an empty string if it is missing. Panics if it occurs twice.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name.parse::<HeaderName>().unwrap()).iter();
        let value = values.next().map_or("", |value| value.to_str().unwrap());
        assert!(values.next().is_none(), "{name} occurs twice: {:?}", self.headers);
        value
    }

    /// The status and X-Cache.
    #[must_use]
    pub fn outcome(&self) -> (u16, &str) {
        (self.status.as_u16(), self.header("x-cache"))
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The `detail` of an error.
    #[must_use]
    pub fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap().to_owned()
    }

    /// The `type` of an error.
    #[must_use]
    pub fn problem_type(&self) -> String {
        let problem_type = self.json()["type"].as_str().unwrap().to_owned();
        assert!(problem_type.starts_with("urn:emptyclassroom:problem:"), "{self:?}");
        problem_type
    }

    /// The status and the `detail` of an error, which must be a complete problem document.
    #[must_use]
    pub fn problem(&self) -> (u16, String) {
        let (status, detail) = (self.status.as_u16(), self.detail());
        let title = self.status.canonical_reason();
        assert_eq!(
            self.json(),
            json!({"type": self.problem_type(), "title": title, "status": status, "detail": detail})
        );
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        (status, detail)
    }

    /// A room's status and its slots, such as `07:00-09:04`.
    #[must_use]
    pub fn room(&self, id: &str) -> (String, Vec<String>) {
        let json = self.json();
        let rooms = json["buildings"].as_object().unwrap().values().flat_map(|b| b["classrooms"].as_array().unwrap());
        let room = rooms.into_iter().find(|room| room["id"] == id).unwrap();
        let slots = room["availability"]
            .as_array()
            .unwrap()
            .iter()
            .map(|slot| format!("{}-{}", slot["start_time"].as_str().unwrap(), slot["end_time"].as_str().unwrap()));
        (room["status"].as_str().unwrap().to_owned(), slots.collect())
    }
}
