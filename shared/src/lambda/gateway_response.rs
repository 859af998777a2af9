//! Responses in the form that API Gateway expects from a function, payload format 2.0. See
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>.
//!
//! `lambda_http` has such a type too, but it sends only the first value of a header, copies a text twice, and links tables of
//! all character encodings.

use std::borrow::Cow;

use axum::{body::to_bytes, response::Response};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, header::CONTENT_ENCODING};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// A route's response as JSON for API Gateway.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct GatewayResponse(Box<RawValue>);

impl GatewayResponse {
    /// Reads a response to its end.
    ///
    /// # Errors
    /// The body breaks off. The bodies of the routes never do.
    pub async fn read(response: Response) -> Result<Self, axum::Error> {
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await?;
        Ok(Self::new(parts.status.as_u16(), &parts.headers, &body))
    }

    /// A text body stays text. A compressed or binary body is encoded as base64.
    #[expect(clippy::expect_used, reason = "it has no map with keys that JSON cannot express")]
    fn new(status_code: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let is_compressed = headers.contains_key(CONTENT_ENCODING);
        let text = if is_compressed { None } else { std::str::from_utf8(body).ok() };
        let written = Written {
            status_code,
            headers: Headers(headers),
            body: text.map_or_else(|| BASE64_STANDARD.encode(body).into(), Cow::from),
            is_base64_encoded: text.is_none(),
            cookies: [],
        };
        Self(to_raw_value(&written).expect("a response can be written as JSON"))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    status_code: u16,
    headers: Headers<'a>,
    body: Cow<'a, str>,
    is_base64_encoded: bool,
    /// No route sets any, but cargo-lambda's emulator needs the list.
    cookies: [(); 0],
}

/// Headers, with all values of each joined into one.
struct Headers<'a>(&'a HeaderMap);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.keys().map(|name| {
            let values: Vec<_> = self.0.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
            (name.as_str(), values.join(", "))
        }))
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use http::header::{CONTENT_TYPE, VARY};
    use serde_json::{Value, json};

    use super::*;

    async fn written(response: impl IntoResponse) -> Value {
        serde_json::to_value(GatewayResponse::read(response.into_response()).await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_text_body_stays_text() {
        let expected = json!({
            "statusCode": 200, "headers": { "content-type": "text/plain; charset=utf-8" }, "body": "\"é\"\n",
            "isBase64Encoded": false, "cookies": [],
        });
        assert_eq!(written("\"é\"\n").await, expected);
        assert_eq!(written(()).await["body"], "");
    }

    #[tokio::test]
    async fn a_compressed_or_binary_body_becomes_base64() {
        for (headers, body) in
            [([(CONTENT_ENCODING, "gzip")], &b"abc"[..]), ([(CONTENT_TYPE, "image/png")], b"\xff\xfe")]
        {
            let response = written((headers, body)).await;
            assert_eq!(response["isBase64Encoded"], true, "{response}");
            assert_eq!(BASE64_STANDARD.decode(response["body"].as_str().unwrap()).unwrap(), body);
        }
    }

    #[tokio::test]
    async fn a_header_keeps_all_its_values() {
        let mut response = ().into_response();
        for name in ["origin", "accept-encoding"] {
            response.headers_mut().append(VARY, name.parse().unwrap());
        }
        assert_eq!(written(response).await["headers"], json!({ "vary": "origin, accept-encoding" }));
    }
}
