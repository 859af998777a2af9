//! An API Gateway event.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| emptyclassroom_fuzz::gateway_event::check(bytes));
