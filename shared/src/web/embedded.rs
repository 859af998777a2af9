//! Texts that are embedded in compressed form, which makes the functions a quarter of a megabyte smaller: a cold start loads the
//! whole binary, and few requests need these texts.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};

/// The page at `/app`, with its placeholders.
pub(super) const APP: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/app.html.gz"));
/// The page at `/docs`.
pub(super) const DOCS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/docs.html.gz"));
/// The OpenAPI document, as `make openapi` writes it.
pub(super) const OPENAPI: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json.gz"));

/// Compresses a text that many requests need, as far as possible.
#[expect(clippy::expect_used, reason = "writing to a Vec cannot fail")]
pub(super) fn pack(text: &str) -> Bytes {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(text.as_bytes()).expect("writing to a Vec cannot fail");
    packed.finish().expect("writing to a Vec cannot fail").into()
}

/// Decompresses a text.
#[expect(clippy::expect_used, reason = "build.rs has compressed a text")]
pub(super) fn unpack(packed: &'static [u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).expect("build.rs has compressed a text");
    text
}
