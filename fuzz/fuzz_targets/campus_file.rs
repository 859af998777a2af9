//! A campus file.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| emptyclassroom_fuzz::campus_file::check(bytes));
