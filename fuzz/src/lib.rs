//! The five parsers of foreign input, and the invariants that must hold for any input: one module each, with a `check` that takes
//! any bytes and panics if an invariant is broken. The fuzz targets call nothing else.

pub mod answer;
pub mod cached_value;
pub mod campus_file;
pub mod gateway_event;
pub mod query_string;
mod service;

use std::hash::{DefaultHasher, Hash, Hasher};

/// Derives a number from the input, for random choices. They then need no bytes of the input, so a seed is a realistic file.
fn choice(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
