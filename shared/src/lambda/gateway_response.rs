//! Responses in the form in which API Gateway takes them from a function, payload format 2.0. See
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>.
//!
//! `lambda_http` has such a type too. It would send only the first value of a header, copy a text twice, and link tables of
//! all the world's character encodings.

use axum::{
    body::{Bytes, to_bytes},
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, header::CONTENT_ENCODING};
use serde::{Serialize, Serializer, ser::SerializeStruct};

/// A response of a route, for API Gateway. Its body is a text, or in base64 if it is none.
#[derive(Clone, Debug)]
pub struct GatewayResponse {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl GatewayResponse {
    /// Reads a response to its end.
    ///
    /// # Errors
    /// The body breaks off. No route's does.
    pub async fn read(response: Response) -> Result<Self, axum::Error> {
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await?;
        Ok(Self { status: parts.status.as_u16(), headers: parts.headers, body })
    }
}

impl Serialize for GatewayResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_compressed = self.headers.contains_key(CONTENT_ENCODING);
        let text = if is_compressed { None } else { std::str::from_utf8(&self.body).ok() };
        let mut response = serializer.serialize_struct("GatewayResponse", 5)?;
        response.serialize_field("statusCode", &self.status)?;
        response.serialize_field("headers", &Headers(&self.headers))?;
        match text {
            Some(text) => response.serialize_field("body", text)?,
            None => response.serialize_field("body", &BASE64_STANDARD.encode(&self.body))?,
        }
        response.serialize_field("isBase64Encoded", &text.is_none())?;
        // No route sets any, but cargo-lambda's emulator cannot do without the list.
        response.serialize_field("cookies", &[(); 0])?;
        response.end()
    }
}

/// Headers, each with all its values in one.
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
    async fn a_text_stays_a_text() {
        let expected = json!({
            "statusCode": 200, "headers": { "content-type": "text/plain; charset=utf-8" }, "body": "\"é\"\n",
            "isBase64Encoded": false, "cookies": [],
        });
        assert_eq!(written("\"é\"\n").await, expected);
        assert_eq!(written(()).await["body"], "");
    }

    #[tokio::test]
    async fn what_is_compressed_or_no_text_goes_in_base64() {
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
