//! What strangers may write, and what must hold whatever they write: one module for each of the five parsers, with one
//! `check` that takes any bytes at all and panics when a promise is broken. The fuzz targets call nothing else.

pub mod answer;
pub mod cached_value;
pub mod campus_file;
pub mod gateway_event;
pub mod query_string;
mod service;

use std::hash::{DefaultHasher, Hash, Hasher};

/// A number that follows from the input: for choices that need no place in it, so that a seed is a file as it really comes.
fn choice(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
