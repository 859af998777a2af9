//! Version 1 of the cached value, which earlier releases write: one JSON object that contains the body, with a digest of each.
//!
//! This version is only read: during a deployment old and new processes share the cache, and a new process that could not read
//! an old value would sweep again. Releases after the next do not need this module.

use bytes::Bytes;
use chrono::NaiveDate;
use domain::timestamp::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    fencing::FencingToken,
    fingerprint::Fingerprint,
    value::{CachedSnapshot, UnusableValue, checksum},
};

/// The version number.
pub(super) const VERSION: u64 = 1;

#[derive(Deserialize)]
struct Envelope<'a> {
    version: u64,
    fence: FencingToken,
    origin: Fingerprint,
    date: NaiveDate,
    last_updated: Timestamp,
    /// A digest of the body.
    etag: String,
    /// A digest of the rest.
    seal: String,
    #[serde(borrow)]
    body: &'a RawValue,
}

impl Envelope<'_> {
    fn expected_seal(&self) -> String {
        let Self { version, fence, origin, date, last_updated, etag, .. } = self;
        let header = format!("{version} {} {} {date} {last_updated} {etag}", fence.micros(), origin.as_str());
        format!("{:016x}", xxh3_64(header.as_bytes()))
    }
}

/// Parses a value.
///
/// # Errors
/// Outer: the value is not in this format. Inner: it has another version, or is damaged.
pub(super) fn read(value: &Bytes) -> Result<Result<CachedSnapshot, UnusableValue>, serde_json::Error> {
    let envelope: Envelope<'_> = serde_json::from_slice(value)?;
    if envelope.version != VERSION {
        return Ok(Err(UnusableValue::OtherVersion { found: envelope.version }));
    }
    let body = value.slice_ref(envelope.body.get().as_bytes());
    if checksum(&body) != envelope.etag || envelope.expected_seal() != envelope.seal {
        return Ok(Err(UnusableValue::Corrupt));
    }
    let Envelope { fence, origin, date, last_updated, .. } = envelope;
    Ok(Ok(CachedSnapshot::new(fence, origin, date, last_updated, body, Bytes::new())))
}

#[cfg(test)]
mod tests {
    use domain::{bookings::BookingsByRoom, campus::Campus, snapshot::Snapshot};

    use super::*;

    /// A value that version 1 wrote.
    const VALUE: &str = concat!(
        r#"{"version":1,"fence":1772550000123456,"origin":"7c49d285b87df78b","date":"2026-03-03","#,
        r#""last_updated":"2026-03-03T10:00:00.123456+01:00","etag":"ae98f1185417e33a553e9552758e75de","#,
        r#""seal":"e0b51c3767c3b31c","body":{"buildings":{"A":{"code":"A","name":"Hall A","classrooms":["#,
        r#"{"id":"1","name":"101","status":"unknown","availability":[]},"#,
        r#"{"id":"2","name":"102","status":"unknown","availability":[]}]}},"#,
        r#""last_updated":"2026-03-03T10:00:00.123456+01:00","date":"2026-03-03","timezone":"Europe/Berlin","#,
        r#""stale":false}}"#
    );

    fn campus() -> Campus {
        let file = concat!(
            "name = \"Q \\\"x\\\" \\\\ é 'y'\"\ntimezone = 'Europe/Berlin'\n[[buildings]]\ncode = 'A'\nname = 'Hall A'\n",
            "opens = '08:00'\ncloses = '24:00'\nclassrooms = [{ id = '1', name = '101' }, { id = '2', name = '102' }]"
        );
        Campus::parse("version 1", file).unwrap()
    }

    fn read_with(value: &str, fingerprint: &Fingerprint) -> Result<CachedSnapshot, UnusableValue> {
        CachedSnapshot::from_value(&Bytes::copy_from_slice(value.as_bytes()), fingerprint)
    }

    #[test]
    fn a_value_of_version_1_is_still_read() {
        let fingerprint = Fingerprint::new(&campus(), 30);
        let at = Timestamp::parse("2026-03-03T10:00:00.123456+01:00").unwrap();
        let snapshot = Snapshot::new(&campus(), 30, "2026-03-03".parse().unwrap(), at, &BookingsByRoom::new(), None);
        let token = FencingToken::from_micros(1_772_550_000_123_456);
        let read = read_with(VALUE, &fingerprint).unwrap();
        assert_eq!(read.snapshot().unwrap(), snapshot);
        assert_eq!((read.fencing_token, read.date, read.last_updated), (token, snapshot.date, at));
        assert_eq!(read.items(), None, "version 1 has no details");
    }

    #[test]
    fn a_damaged_value_of_version_1_is_detected() {
        let fingerprint = Fingerprint::new(&campus(), 30);
        for (written, damaged) in [("\"101\"", "\"107\""), ("-03\",\"last", "-04\",\"last"), ("123456,", "123457,")] {
            assert!(VALUE.contains(written));
            let error = read_with(&VALUE.replacen(written, damaged, 1), &fingerprint).unwrap_err();
            assert!(matches!(error, UnusableValue::Corrupt), "{damaged}: {error}");
        }
        assert!(matches!(
            read_with(VALUE, &Fingerprint::new(&campus(), 31)).unwrap_err(),
            UnusableValue::OtherFingerprint
        ));
    }
}
