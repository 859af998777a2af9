//! Texts that are linked in compressed, which makes the functions a quarter of a megabyte smaller: a cold start loads the whole binary, and
//! few requests ask for these texts.

use std::io::Read;

use flate2::read::GzDecoder;

/// The page at `/app`, with its placeholders.
pub(super) const APP: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/app.html.gz"));
/// The page at `/docs`.
pub(super) const DOCS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/docs.html.gz"));
/// The OpenAPI document, as `make openapi` writes it.
pub(super) const OPENAPI: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json.gz"));

/// The text.
#[expect(clippy::expect_used, reason = "build.rs has compressed it from a text")]
pub(super) fn unpack(packed: &'static [u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).expect("a text that build.rs has compressed");
    text
}
