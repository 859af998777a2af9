//! `GET /app`: the page for people, one self-contained file.

use std::sync::LazyLock;

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header::CONTENT_SECURITY_POLICY};

use super::shown::conditional;
use crate::cached_snapshot::digest;

const PAGE: &str = include_str!("../../../page/app.html");

/// The page's own script and style run, known by their digests, and nothing else does: what 25Live or a campus file
/// holds can be shown, and never becomes code.
const POLICY: &str = concat!(
    "default-src 'none'; ",
    "script-src 'sha256-IEYJxxWM4QdVU2M+eRAuFLb3HoXN8x2aWHxxRp5wscs='; ",
    "style-src 'sha256-YItIdSB0MfaAcFQUltF55xuBwohhaMF9BhQP0sOpGyI='; ",
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; ",
    "require-trusted-types-for 'script'; trusted-types 'none'"
);

static PAGE_ETAG: LazyLock<String> = LazyLock::new(|| digest(PAGE.as_bytes()));

/// The page, or 304 if the browser has it. It asks each time, so that after a deployment page and API are of one version.
pub(super) async fn page(request: HeaderMap) -> Response {
    let mut response =
        conditional(&request, "text/html; charset=utf-8", Bytes::from_static(PAGE.as_bytes()), &PAGE_ETAG);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use sha2::{Digest, Sha256};

    use super::*;

    /// What stands between two tags of the page, each of which is there once.
    fn between(open: &str, close: &str) -> &'static str {
        assert_eq!((PAGE.matches(open).count(), PAGE.matches(close).count()), (1, 1), "{open}");
        PAGE.split_once(open).unwrap().1.split_once(close).unwrap().0
    }

    #[test]
    fn the_policy_knows_the_pages_script_and_style() {
        let (script, style) = (between("<script type=\"module\">", "</script>"), between("<style>", "</style>"));
        for (directive, text) in [("script-src", script), ("style-src", style)] {
            let expected = format!("{directive} 'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
            assert!(POLICY.contains(&expected), "the page has changed: POLICY should say\n    {expected}");
        }
    }

    #[test]
    fn the_page_is_one_file_of_less_than_60_kb_that_loads_nothing() {
        assert!(PAGE.len() < 60_000, "{} bytes", PAGE.len());
        for loaded in ["http://", "https://", "@import", "url(", "innerHTML", "style=\""] {
            assert!(!PAGE.contains(loaded), "{loaded}");
        }
    }
}
