//! A snapshot as it lies in the cache: the response body, ready to be handed on, behind a header that tells what it is.
//!
//! The value is one JSON object, `{"version":…,"fence":…,…,"body":{…}}`. A hit checks it and hands on the bytes of `body`
//! as they are: nothing is rendered again.

use bytes::Bytes;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::{
    campus::Campus,
    snapshot::{Snapshot, Timestamp},
};

/// The version of the value's form. A value of another version counts as absent.
const VERSION: u32 = 1;

/// A rank among sweeps: a later holder of the lock has a higher one. Microseconds of the cache's own clock, which every
/// process shares, so that the processes' clocks do not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fence(u64);

/// What slots are computed from besides bookings: the campus and the shortest gap. A value made from others shows other
/// rooms or slots than this process should, and counts as absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Origin(String);

/// A snapshot as bytes, with what must be known to answer with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedSnapshot {
    /// The day it is of.
    pub date: NaiveDate,
    /// When the sweep ended that it came from.
    pub last_updated: Timestamp,
    /// A digest of `body`, in hexadecimal digits.
    pub etag: String,
    /// The response body: a [`Snapshot`] in JSON.
    pub body: Bytes,
}

/// Why a value in the cache counts as absent.
#[derive(Debug, thiserror::Error)]
pub enum UnusableValue {
    /// Not what this service writes: cut off, or somebody else's.
    #[error("it is cut off or corrupt")]
    Malformed(#[source] serde_json::Error),
    /// Well-formed, but not as it was written.
    #[error("its digest does not match its body")]
    Corrupt,
    /// Written by an older or a newer program.
    #[error("its format version is {found}, not {VERSION}")]
    OtherVersion {
        /// The version found.
        found: u64,
    },
    /// Made from another campus file, or with another MIN_GAP_MINUTES.
    #[error("it was made from another campus file or with another MIN_GAP_MINUTES")]
    OtherOrigin,
}

impl Fence {
    /// The rank of a sweep that took the lock at this time.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds of the cache's clock.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// The rank that stands in a cached value's header, if it has one.
    #[must_use]
    pub fn of(value: &[u8]) -> Option<Self> {
        let behind = value.strip_prefix(format!("{{\"version\":{VERSION},\"fence\":").as_bytes())?;
        let digits = behind.split(|byte| !byte.is_ascii_digit()).next()?;
        std::str::from_utf8(digits).ok()?.parse().ok().map(Self)
    }
}

impl Origin {
    /// The origin of everything that a process with this campus and this shortest gap computes.
    #[must_use]
    pub fn new(campus: &Campus, min_gap: u16) -> Self {
        let text = format!("{campus:?} {min_gap}");
        Self(format!("{:016x}", xxh3_64(text.as_bytes())))
    }
}

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    version: u32,
    fence: Fence,
    origin: Origin,
    date: NaiveDate,
    last_updated: Timestamp,
    etag: String,
    #[serde(borrow)]
    body: &'a RawValue,
}

#[derive(Deserialize)]
struct VersionAlone {
    version: u64,
}

impl CachedSnapshot {
    /// Renders a snapshot.
    ///
    /// # Errors
    /// Never in practice: a snapshot has no map with keys that JSON cannot write.
    pub fn render(snapshot: &Snapshot) -> Result<Self, serde_json::Error> {
        let body = Bytes::from(serde_json::to_vec(snapshot)?);
        Ok(Self { date: snapshot.date, last_updated: snapshot.last_updated, etag: digest(&body), body })
    }

    /// The value to keep in the cache.
    ///
    /// # Errors
    /// Never in practice: the body is JSON.
    pub fn to_value(&self, fence: Fence, origin: &Origin) -> Result<Bytes, serde_json::Error> {
        let envelope = Envelope {
            version: VERSION,
            fence,
            origin: origin.clone(),
            date: self.date,
            last_updated: self.last_updated,
            etag: self.etag.clone(),
            body: serde_json::from_slice(&self.body)?,
        };
        serde_json::to_vec(&envelope).map(Bytes::from)
    }

    /// Reads a value of the cache. The body stays where it is.
    ///
    /// # Errors
    /// The value is not one that this program, with this campus, can use.
    pub fn from_value(value: &Bytes, origin: &Origin) -> Result<Self, UnusableValue> {
        let envelope: Envelope<'_> = match serde_json::from_slice(value) {
            Ok(envelope) => envelope,
            Err(error) => return Err(unreadable(value, error)),
        };
        if envelope.version != VERSION {
            return Err(UnusableValue::OtherVersion { found: envelope.version.into() });
        }
        let body = value.slice_ref(envelope.body.get().as_bytes());
        if digest(&body) != envelope.etag {
            return Err(UnusableValue::Corrupt);
        }
        if envelope.origin != *origin {
            return Err(UnusableValue::OtherOrigin);
        }
        Ok(Self { date: envelope.date, last_updated: envelope.last_updated, etag: envelope.etag, body })
    }

    /// The snapshot itself, for whoever needs a part of it.
    ///
    /// # Errors
    /// The body is no snapshot: its digest was right, but another program wrote it under this version.
    pub fn snapshot(&self) -> Result<Snapshot, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// The same data, saying that newer should have been had.
    ///
    /// # Errors
    /// As [`snapshot`](Self::snapshot).
    pub fn as_stale(&self) -> Result<Self, serde_json::Error> {
        Self::render(&Snapshot { stale: true, ..self.snapshot()? })
    }
}

/// A digest of bytes, in hexadecimal digits: for ETags and against corruption, not against forgery.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    format!("{:032x}", xxh3_128(bytes))
}

/// What is wrong with a value that is not this version's envelope.
fn unreadable(value: &[u8], error: serde_json::Error) -> UnusableValue {
    match serde_json::from_slice::<VersionAlone>(value) {
        Ok(VersionAlone { version: found }) if found != u64::from(VERSION) => UnusableValue::OtherVersion { found },
        _ => UnusableValue::Malformed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Answers;

    fn campus() -> Campus {
        Campus::built_in().unwrap()
    }

    fn origin() -> Origin {
        Origin::new(&campus(), 28)
    }

    fn cached() -> CachedSnapshot {
        let date = "2026-03-03".parse().unwrap();
        let at = Timestamp::parse("2026-03-03T10:00:00.123456-05:00").unwrap();
        CachedSnapshot::render(&Snapshot::new(&campus(), 28, date, at, &Answers::new(), None)).unwrap()
    }

    fn value() -> Bytes {
        cached().to_value(Fence(1_772_550_000_123_456), &origin()).unwrap()
    }

    #[test]
    fn a_value_reads_back_and_hands_on_the_very_bytes() {
        let value = value();
        let read = CachedSnapshot::from_value(&value, &origin()).unwrap();
        assert_eq!(read, cached());
        let inside = value.as_ptr_range();
        assert!(inside.contains(&read.body.as_ptr()), "the body should not have been copied");
    }

    #[test]
    fn a_value_is_json_that_an_operator_can_read() {
        let json: serde_json::Value = serde_json::from_slice(&value()).unwrap();
        assert_eq!(json["version"], 1);
        assert_eq!(json["body"]["buildings"]["CAS"]["classrooms"][0]["name"], "116");
    }

    #[test]
    fn the_fence_is_found_in_the_header() {
        assert_eq!(Fence::of(&value()), Some(Fence(1_772_550_000_123_456)));
        for other in
            [&b""[..], b"2026-03-03T10:00:00-05:00", b"{\"version\":1,\"fence\":}", b"{\"version\":2,\"fence\":7}"]
        {
            assert_eq!(Fence::of(other), None);
        }
    }

    #[test]
    fn a_value_that_is_cut_off_anywhere_counts_as_absent() {
        let value = value();
        for length in (0..value.len()).step_by(97).chain([value.len() - 1]) {
            let error = CachedSnapshot::from_value(&value.slice(..length), &origin()).unwrap_err();
            assert!(matches!(error, UnusableValue::Malformed(_)), "{length}: {error}");
        }
    }

    #[test]
    fn a_value_that_was_changed_anywhere_is_noticed() {
        let value = value();
        let body_at = value.windows(7).position(|window| window == b"\"body\":").unwrap() + 7;
        for at in (body_at..value.len() - 1).step_by(61) {
            let mut changed = value.to_vec();
            changed[at] ^= 1;
            assert!(
                CachedSnapshot::from_value(&changed.into(), &origin()).is_err(),
                "a changed byte {at} went unnoticed"
            );
        }
    }

    #[test]
    fn another_version_and_another_campus_count_as_absent() {
        let newer = Bytes::from(r#"{"version":2,"everything":"else"}"#);
        let error = CachedSnapshot::from_value(&newer, &origin()).unwrap_err();
        assert_eq!(error.to_string(), "its format version is 2, not 1");
        let error = CachedSnapshot::from_value(&value(), &Origin::new(&campus(), 29)).unwrap_err();
        assert!(matches!(error, UnusableValue::OtherOrigin));
    }

    #[test]
    fn the_stale_copy_differs_in_that_word_and_in_its_etag() {
        let (fresh, stale) = (cached(), cached().as_stale().unwrap());
        assert_ne!(fresh.etag, stale.etag);
        let expected = String::from_utf8(fresh.body.to_vec()).unwrap().replace("\"stale\":false", "\"stale\":true");
        assert_eq!(stale.body, expected);
    }
}
