//! A cached value.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| emptyclassroom_fuzz::cached_value::check(bytes));
