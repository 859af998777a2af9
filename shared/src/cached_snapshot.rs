//! A snapshot as it lies in the cache: the response body, ready to be handed on, behind a header that tells what it is.
//!
//! The value is one JSON object, `{"version":…,"fence":…,…,"body":{…}}`. A hit checks it and hands on the bytes of `body`
//! as they are: nothing is rendered again.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
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
    /// The rank of the sweep that it came from.
    pub fence: Fence,
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
    #[error("its digests do not match its header and its body")]
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

    /// The rank that a lock would have that is taken at this time.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(u64::try_from(now.timestamp_micros()).unwrap_or_default())
    }

    /// Microseconds of the cache's clock.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Whether a lock was taken at this rank less than `time` after one at `earlier`.
    #[must_use]
    pub fn is_within(self, time: Duration, earlier: Self) -> bool {
        u128::from(self.0) < u128::from(earlier.0) + time.as_micros()
    }

    /// Whether a lock can have been taken at that rank, when the cache's clock shows `now`. A rank that lies ahead stands in a
    /// damaged value, or comes from the clock of another machine that the cache has lived on; it holds nobody up.
    #[must_use]
    pub const fn is_credible(self, now: Self) -> bool {
        self.0 <= now.0.saturating_add(60_000_000)
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
    /// A digest of the header, as `etag` is one of the body.
    seal: String,
    #[serde(borrow)]
    body: &'a RawValue,
}

impl Envelope<'_> {
    /// What `seal` should be.
    fn seal(&self) -> String {
        let Self { version, fence: Fence(fence), origin: Origin(origin), date, last_updated, etag, .. } = self;
        format!("{:016x}", xxh3_64(format!("{version} {fence} {origin} {date} {last_updated} {etag}").as_bytes()))
    }
}

#[derive(Deserialize)]
struct VersionAlone {
    version: u64,
}

impl CachedSnapshot {
    /// Renders a snapshot of the sweep of this rank.
    ///
    /// # Errors
    /// Never in practice: a snapshot has no map with keys that JSON cannot write.
    pub fn render(snapshot: &Snapshot, fence: Fence) -> Result<Self, serde_json::Error> {
        let body = Bytes::from(serde_json::to_vec(snapshot)?);
        Ok(Self { fence, date: snapshot.date, last_updated: snapshot.last_updated, etag: digest(&body), body })
    }

    /// The value to keep in the cache.
    ///
    /// # Errors
    /// Never in practice: the body is JSON.
    pub fn to_value(&self, origin: &Origin) -> Result<Bytes, serde_json::Error> {
        let mut envelope = Envelope {
            version: VERSION,
            fence: self.fence,
            origin: origin.clone(),
            date: self.date,
            last_updated: self.last_updated,
            etag: self.etag.clone(),
            seal: String::new(),
            body: serde_json::from_slice(&self.body)?,
        };
        envelope.seal = envelope.seal();
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
        if digest(&body) != envelope.etag || envelope.seal() != envelope.seal {
            return Err(UnusableValue::Corrupt);
        }
        if envelope.origin != *origin {
            return Err(UnusableValue::OtherOrigin);
        }
        Ok(Self {
            fence: envelope.fence,
            date: envelope.date,
            last_updated: envelope.last_updated,
            etag: envelope.etag,
            body,
        })
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
        Self::render(&Snapshot { stale: true, ..self.snapshot()? }, self.fence)
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
    use proptest::prelude::*;

    use super::*;
    use crate::snapshot::Answers;

    const FENCE: Fence = Fence(1_772_550_000_123_456);

    fn campus() -> Campus {
        Campus::built_in().unwrap()
    }

    fn origin() -> Origin {
        Origin::new(&campus(), 28)
    }

    fn cached() -> CachedSnapshot {
        let date = "2026-03-03".parse().unwrap();
        let at = Timestamp::parse("2026-03-03T10:00:00.123456-05:00").unwrap();
        CachedSnapshot::render(&Snapshot::new(&campus(), 28, date, at, &Answers::new(), None), FENCE).unwrap()
    }

    fn value() -> Bytes {
        cached().to_value(&origin()).unwrap()
    }

    /// A value so short that every byte of it can be tried: its origin, what it says, and the bytes.
    fn short() -> (Origin, CachedSnapshot, Bytes) {
        let file = concat!(
            "name = 'A'\ntimezone = 'UTC'\n[[buildings]]\ncode = 'A'\nname = 'A'\nopens = '08:00'\n",
            "closes = '24:00'\nclassrooms = [{ id = '1', name = '101' }]"
        );
        let campus = Campus::parse("short.toml", file).unwrap();
        let at = Timestamp::parse("2026-03-03T10:00:00.123456Z").unwrap();
        let snapshot = Snapshot::new(&campus, 28, "2026-03-03".parse().unwrap(), at, &Answers::new(), None);
        let (origin, cached) = (Origin::new(&campus, 28), CachedSnapshot::render(&snapshot, FENCE).unwrap());
        let value = cached.to_value(&origin).unwrap();
        (origin, cached, value)
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
        let (origin, _, value) = short();
        for length in 0..value.len() {
            let error = CachedSnapshot::from_value(&value.slice(..length), &origin).unwrap_err();
            assert!(matches!(error, UnusableValue::Malformed(_)), "{length}: {error}");
        }
    }

    #[test]
    fn a_value_that_was_changed_anywhere_is_refused_or_says_the_same() {
        let (origin, cached, value) = short();
        for (at, bit) in (0..value.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut changed = value.to_vec();
            changed[at] ^= 1 << bit;
            if let Ok(read) = CachedSnapshot::from_value(&changed.into(), &origin) {
                assert_eq!(read, cached, "a changed bit {bit} of byte {at} went unnoticed");
            }
        }
    }

    #[test]
    fn a_header_that_was_changed_is_noticed_although_the_body_is_whole() {
        let value = String::from_utf8(value().to_vec()).unwrap();
        for (written, changed) in [
            (r#""date":"2026-03-03","last"#, r#""date":"2026-03-04","last"#),
            (r#""last_updated":"2026-03-03T10"#, r#""last_updated":"2026-03-03T12"#),
            (r#""fence":1772550000123456"#, r#""fence":1772550000123457"#),
        ] {
            assert!(value.contains(written), "{value}");
            let error = CachedSnapshot::from_value(&value.replacen(written, changed, 1).into(), &origin()).unwrap_err();
            assert!(matches!(error, UnusableValue::Corrupt), "{changed}: {error}");
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

    /// What a body may be that another program wrote: JSON that is, or nearly is, a snapshot.
    fn body() -> impl Strategy<Value = String> {
        let time = prop_oneof!["[0-2][0-9]:[0-5][0-9]", "[0-9:]{0,6}"];
        let slot =
            (time.clone(), time).prop_map(|(start, end)| format!(r#"{{"start_time":"{start}","end_time":"{end}"}}"#));
        let slots = prop::collection::vec(slot, 0..4).prop_map(|slots| slots.join(","));
        let at = prop_oneof![
            "[0-9]{4}-(0[1-9]|1[0-2])-[0-3][0-9]T23:59:(59|60)(\\.[0-9]{1,12})?(Z|[+-]23:59)",
            "[-0-9TZ:]{0,30}"
        ];
        let date = prop_oneof![Just("2026-03-03".to_owned()), "[+-]?[0-9]{1,6}-[0-9]{1,2}-[0-9]{1,2}"];
        (slots, at, date, "ok|stale|unknown|[a-z]{0,3}", any::<String>()).prop_map(|(slots, at, date, status, name)| {
            let name = serde_json::to_string(&name).unwrap();
            let room = format!(r#"{{"id":"1","name":{name},"status":"{status}","availability":[{slots}]}}"#);
            let building = format!(r#"{{"code":"A","name":"A","classrooms":[{room}]}}"#);
            let rest = format!(r#""last_updated":"{at}","date":"{date}","timezone":"UTC","stale":false"#);
            format!(r#"{{"buildings":{{"A":{building}}},{rest}}}"#)
        })
    }

    proptest! {
        #[test]
        fn bytes_that_this_program_did_not_write_are_refused(value in any::<Vec<u8>>()) {
            let _ = Fence::of(&value);
            prop_assert!(CachedSnapshot::from_value(&value.into(), &short().0).is_err());
        }

        #[test]
        fn a_piece_of_a_value_that_was_written_over_is_noticed(at in any::<prop::sample::Index>(), piece in any::<Vec<u8>>()) {
            let (origin, cached, value) = short();
            let at = at.index(value.len());
            let mut changed = value.to_vec();
            changed.splice(at..(at + piece.len()).min(value.len()), piece);
            if let Ok(read) = CachedSnapshot::from_value(&changed.into(), &origin) {
                prop_assert_eq!(read, cached);
            }
        }

        #[test]
        fn a_body_that_another_program_wrote_is_read_to_the_end_or_refused(body in body()) {
            let (origin, cached, _) = short();
            let Ok(body) = serde_json::from_str::<&RawValue>(&body) else { return Ok(()) };
            let body = Bytes::copy_from_slice(body.get().as_bytes());
            let value = CachedSnapshot { etag: digest(&body), body, ..cached }.to_value(&origin).unwrap();
            let read = CachedSnapshot::from_value(&value, &origin).unwrap();
            match (read.snapshot(), read.as_stale()) {
                (Ok(snapshot), Ok(stale)) => {
                    prop_assert_eq!(stale.snapshot().unwrap(), Snapshot { stale: true, ..snapshot });
                }
                (fresh, stale) => prop_assert!(fresh.is_err() && stale.is_err()),
            }
        }
    }
}
