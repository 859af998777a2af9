//! The query string of a URL.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| emptyclassroom_fuzz::query_string::check(bytes));
