//! 25Live's answer for a room.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| emptyclassroom_fuzz::answer::check(bytes));
