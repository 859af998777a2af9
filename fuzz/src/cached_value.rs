//! Fuzzes the parsers of cached values: a snapshot with its header, its fencing token, and the time of the last refresh.

use std::sync::LazyLock;

use bytes::Bytes;
use emptyclassroom::{
    domain::{campus::Campus, snapshot::Snapshot, timestamp::Timestamp},
    outside::cache::{CachedSnapshot, FencingToken, Fingerprint},
};
use serde_json::value::RawValue;

/// Parses the bytes as a value, as a timestamp, and as the body of a value with a valid header.
///
/// # Panics
/// An invariant is broken.
pub fn check(bytes: &[u8]) {
    static FINGERPRINT: LazyLock<Fingerprint> = LazyLock::new(|| Fingerprint::new(&Campus::built_in(), 28));
    let fingerprint = &*FINGERPRINT;
    let _ = FencingToken::of(bytes);
    if let Some(time) = std::str::from_utf8(bytes).ok().and_then(Timestamp::parse) {
        assert_eq!(Timestamp::parse(&time.to_string()), Some(time), "{time} should read back");
    }
    check_value(&Bytes::copy_from_slice(bytes), fingerprint);
    if let Some(value) = around(bytes, fingerprint) {
        let read = CachedSnapshot::from_value(&value, fingerprint).expect("a valid value should be read");
        check_snapshot(&read);
        check_value(&value, fingerprint);
        check_damage(&value, &read, fingerprint, super::choice(bytes));
    }
}

/// Checks that a value that was read reads back after it is written.
fn check_value(value: &Bytes, fingerprint: &Fingerprint) {
    let Ok(read) = CachedSnapshot::from_value(value, fingerprint) else { return };
    let written = read.to_value();
    assert_eq!(CachedSnapshot::from_value(&written, fingerprint).expect("a written value should be read"), read);
    assert_eq!(FencingToken::of(&written), Some(read.fencing_token));
}

/// Returns a value with these bytes as its body, if they are JSON.
fn around(bytes: &[u8], fingerprint: &Fingerprint) -> Option<Bytes> {
    // A body is one line.
    let body = serde_json::from_slice::<&RawValue>(bytes).ok()?.get().replace(['\n', '\r'], " ");
    let (date, at) = ("2026-03-03".parse().unwrap(), Timestamp::parse("2026-03-03T10:00:00.123456-05:00").unwrap());
    let fencing_token = FencingToken::from_micros(1_772_550_000_123_456);
    Some(CachedSnapshot::new(fencing_token, fingerprint.clone(), date, at, body.into(), Bytes::new()).to_value())
}

/// Checks that a body, which may be any JSON, and its stale copy are either both a snapshot or both not.
fn check_snapshot(read: &CachedSnapshot) {
    let Some(stale) = read.as_stale() else { return };
    assert_eq!((stale.date, stale.last_updated), (read.date, read.last_updated));
    match (read.snapshot(), stale.snapshot()) {
        (Ok(fresh), Ok(stale)) => assert_eq!(stale, Snapshot { stale: true, ..fresh }),
        (fresh, stale) => assert!(fresh.is_err() && stale.is_err(), "only one of the two is a snapshot"),
    }
}

/// Checks that truncation and a changed byte are detected, unless the change is harmless.
fn check_damage(value: &Bytes, read: &CachedSnapshot, fingerprint: &Fingerprint, choice: u64) {
    let at = usize::try_from(choice >> 8).unwrap() % value.len();
    assert!(CachedSnapshot::from_value(&value.slice(..at), fingerprint).is_err(), "truncated at {at}, but accepted");
    let mut changed = value.to_vec();
    changed[at] ^= u8::try_from(choice & 0xff).unwrap().max(1);
    if let Ok(other) = CachedSnapshot::from_value(&changed.into(), fingerprint) {
        assert_eq!(&other, read, "changed at {at}, but accepted");
    }
}
