//! Computes the digests by which a page's Content-Security-Policy knows the page's own script and style.

#![expect(clippy::panic, reason = "a build script fails by panicking")]

use std::fs;

use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

/// The pages, and the names that `src/web/pages.rs` knows them by.
const PAGES: [(&str, &str); 2] = [("../page/app.html", "APP"), ("../page/docs.html", "DOCS")];
/// The inline parts of a page.
const PARTS: [(&str, &str, &str); 2] =
    [("SCRIPT", "<script type=\"module\">", "</script>"), ("STYLE", "<style>", "</style>")];

fn main() {
    for (file, page) in PAGES {
        println!("cargo::rerun-if-changed={file}");
        let html = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file} cannot be read: {error}"));
        for (part, open, close) in PARTS {
            let (_, rest) = html.split_once(open).unwrap_or_else(|| panic!("{file} has no {open}"));
            let (text, _) = rest.split_once(close).unwrap_or_else(|| panic!("{file} has no {close}"));
            println!("cargo::rustc-env={page}_{part}_SHA256={}", BASE64_STANDARD.encode(Sha256::digest(text)));
        }
    }
}
