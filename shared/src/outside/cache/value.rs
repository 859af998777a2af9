//! The format of a cached snapshot: a header line in JSON, a line with the response body, and a line with details that are not
//! part of the body, including the body compressed with gzip and encoded in base64.
//!
//! ```text
//! {"version":2,"fence":1772550000123456,"fingerprint":"998a651a781ca6ee","date":"2026-03-03","last_updated":"…","checksum":"…"}
//! {"buildings":{…},"last_updated":"…",…}
//! {"gzip":"H4sI…","items":4711,"booked":["342","345"],"unreached":["349"],"answered":{"349":"2026-03-02T00:05:31.5-05:00"}}
//! ```
//!
//! A hit sends the body, or decodes the compressed one from base64: nothing is parsed, rendered or compressed again. Values of
//! earlier releases and those with a short body have no `gzip`, and earlier releases ignore it.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::Write,
    sync::{Arc, OnceLock},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use chrono::NaiveDate;
use domain::{
    campus::Campus,
    question::{OpenClassrooms, mark_stale},
    snapshot::{RoomAvailability, RoomStatus, Snapshot},
    timestamp::Timestamp,
};
use flate2::{Compression, write::GzEncoder};
use memchr::memchr;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::{fencing::FencingToken, fingerprint::Fingerprint, version_1};

/// The version of the format. Values of version 1 are read too, because processes of both versions share the cache during a
/// deployment; any other version counts as absent.
const VERSION: u32 = 2;
/// The minimum length of a body to compress, in bytes. Below it, compression would save less than a packet.
pub const SHORTEST_COMPRESSED: u16 = 1024;

/// A rendered snapshot, with what a reader needs to serve it.
#[derive(Clone, Debug)]
pub struct CachedSnapshot {
    /// The fencing token of its sweep.
    pub fencing_token: FencingToken,
    /// The fingerprint of the settings from which its slots were computed.
    pub fingerprint: Fingerprint,
    /// Its day.
    pub date: NaiveDate,
    /// When its sweep ended.
    pub last_updated: Timestamp,
    /// The response body: an [`OpenClassrooms`] in JSON, from which a [`Snapshot`] reads back.
    pub body: Bytes,
    /// [`Details`] in JSON; empty in values of version 1.
    details: Bytes,
    /// A checksum of all of the above in hexadecimal digits, also the body's ETag.
    pub checksum: String,
    made: Arc<Made>,
}

/// Lazily decoded parts of a snapshot. Clones share them.
#[derive(Debug, Default)]
struct Made {
    gzip: OnceLock<Bytes>,
    snapshot: OnceLock<Snapshot>,
}

impl PartialEq for CachedSnapshot {
    fn eq(&self, other: &Self) -> bool {
        self.checksum == other.checksum
    }
}

impl Eq for CachedSnapshot {}

/// Why a value in the cache counts as absent.
#[derive(Debug, thiserror::Error)]
pub enum UnusableValue {
    /// Not in the format of any version: truncated, or written by another program.
    #[error("it is cut off or corrupt")]
    Malformed(#[source] Option<serde_json::Error>),
    /// Well-formed, but damaged.
    #[error("its checksum does not match its header and body")]
    Corrupt,
    /// Written by the service that this one replaces.
    #[error(
        "the original EmptyClassroom service wrote it; stop that service, or set REDIS_PREFIX so that each has its own keys"
    )]
    Original,
    /// Written by an older or newer release.
    #[error("its format version is {found}, not {VERSION}")]
    OtherVersion {
        /// The version found.
        found: u64,
    },
    /// Computed from another campus file or with another MIN_GAP_MINUTES.
    #[error("it was computed from another campus file or with another MIN_GAP_MINUTES")]
    OtherFingerprint,
}

/// The first line.
#[derive(Deserialize)]
struct Header {
    version: u32,
    fence: FencingToken,
    fingerprint: Fingerprint,
    date: NaiveDate,
    last_updated: Timestamp,
    checksum: String,
}

/// The third line.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Details {
    /// The body compressed with gzip, in base64; empty if the body is short. It comes first, so that [`GZIP`] finds it, and is
    /// never deserialized with the rest.
    #[serde(skip_deserializing, skip_serializing_if = "String::is_empty")]
    gzip: String,
    /// The number of items of any kind that the sweep found, in all rooms and on all days.
    items: usize,
    /// The rooms with an event within the day's opening hours.
    booked: Vec<String>,
    /// The rooms that the sweep did not reach in time.
    #[serde(default, skip_serializing_if = "HashSet::is_empty")]
    unreached: HashSet<String>,
    /// When 25Live last answered for rooms whose slots are older than the sweep.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    answered: BTreeMap<String, Timestamp>,
}

/// The beginning of the third line if there is a compressed body.
const GZIP: &[u8] = br#"{"gzip":""#;

impl Details {
    fn of(snapshot: &Snapshot, items: usize) -> Self {
        let ids = |rooms: &dyn Fn(&RoomAvailability) -> bool| -> Vec<String> {
            snapshot.rooms().filter(|room| rooms(room)).map(|room| room.id.clone()).collect()
        };
        let older = snapshot.rooms().filter(|room| room.status == RoomStatus::Stale);
        Self {
            gzip: String::new(),
            items,
            booked: ids(&|room| room.booked == Some(true)),
            unreached: ids(&|room| room.is_unreached).into_iter().collect(),
            answered: older.filter_map(|room| Some((room.id.clone(), room.answered?))).collect(),
        }
    }

    /// Sets the fields of a room that are not in the body. `swept` is when the sweep ended.
    fn complete(&self, room: &mut RoomAvailability, booked: &HashSet<&str>, swept: Timestamp) {
        room.is_unreached = self.unreached.contains(&room.id);
        room.answered = match room.status {
            RoomStatus::Ok => Some(swept),
            RoomStatus::Stale => self.answered.get(&room.id).copied(),
            RoomStatus::Unknown => None,
        };
        if room.status != RoomStatus::Unknown {
            room.booked = Some(booked.contains(room.id.as_str()));
        }
    }
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u64,
}

impl CachedSnapshot {
    /// Renders a snapshot of a sweep with this fencing token, which found `items` items.
    #[must_use]
    pub fn render(
        snapshot: &Snapshot,
        campus: &Campus,
        items: usize,
        fencing_token: FencingToken,
        fingerprint: &Fingerprint,
    ) -> Self {
        let body = json(&OpenClassrooms::all(snapshot, campus));
        let details = json(&Details { gzip: compressed(&body), ..Details::of(snapshot, items) });
        Self::new(fencing_token, fingerprint.clone(), snapshot.date, snapshot.last_updated, body, details)
    }

    /// Returns a snapshot with an already rendered body.
    #[must_use]
    pub fn new(
        fencing_token: FencingToken,
        fingerprint: Fingerprint,
        date: NaiveDate,
        last_updated: Timestamp,
        body: Bytes,
        details: Bytes,
    ) -> Self {
        let (checksum, made) = (String::new(), Arc::default());
        let unsealed = Self { fencing_token, fingerprint, date, last_updated, body, details, checksum, made };
        let checksum = checksum_of(unsealed.header().as_bytes(), &unsealed.lines());
        Self { checksum, ..unsealed }
    }

    /// Returns what follows the header.
    fn lines(&self) -> [&[u8]; 3] {
        [&self.body, b"\n", &self.details]
    }

    /// Returns the body compressed with gzip; `None` if the value has only the plain body.
    #[must_use]
    pub fn gzip(&self) -> Option<Bytes> {
        let made = &self.made.gzip;
        if let Some(gzip) = made.get() {
            return Some(gzip.clone());
        }
        let base64 = self.details.strip_prefix(GZIP)?;
        let gzip = BASE64_STANDARD.decode(base64.get(..memchr(b'"', base64)?)?).ok()?;
        Some(made.get_or_init(|| gzip.into()).clone())
    }

    /// Returns a clone without lazily decoded parts, which may take more memory than the bytes.
    #[must_use]
    pub fn to_keep(&self) -> Self {
        Self { made: Arc::default(), ..self.clone() }
    }

    /// Returns the header up to the checksum.
    fn header(&self) -> String {
        let Self { fencing_token, fingerprint, date, last_updated, .. } = self;
        let (token, fingerprint) = (fencing_token.micros(), fingerprint.as_str());
        // The publishing script of every version depends on the name `fence` and its position.
        format!(
            r#"{{"version":{VERSION},"fence":{token},"fingerprint":"{fingerprint}","date":"{date}","last_updated":"{last_updated}""#
        )
    }

    /// Returns the value to store in the cache.
    #[must_use]
    pub fn to_value(&self) -> Bytes {
        let header = format!("{}{}\n", self.header(), checksum_member(&self.checksum));
        [&[header.as_bytes()], &self.lines()[..]].concat().concat().into()
    }

    /// Parses a cached value without copying the body.
    ///
    /// # Errors
    /// A process with these settings cannot use the value.
    pub fn from_value(value: &Bytes, fingerprint: &Fingerprint) -> Result<Self, UnusableValue> {
        let read = match memchr(b'\n', value) {
            Some(end) => Self::from_lines(value, end)?,
            None => version_1::read(value).map_err(|error| unreadable(value, error))??,
        };
        if read.fingerprint != *fingerprint {
            return Err(UnusableValue::OtherFingerprint);
        }
        Ok(read)
    }

    /// Parses a value whose first line ends at `end`.
    fn from_lines(value: &Bytes, end: usize) -> Result<Self, UnusableValue> {
        let (line, rest) = (value.slice(..end), value.slice(end + 1..));
        let header: Header = match serde_json::from_slice(&line) {
            Ok(header) => header,
            // A header of another version. Otherwise another program's value, which may also have several lines.
            Err(error) if line.starts_with(br#"{"version":"#) => return Err(unreadable(&line, error)),
            Err(error) => return Err(unreadable(value, error)),
        };
        if header.version != VERSION {
            return Err(UnusableValue::OtherVersion { found: header.version.into() });
        }
        let Header { fence: fencing_token, fingerprint, date, last_updated, checksum, .. } = header;
        let signed = line.strip_suffix(checksum_member(&checksum).as_bytes()).ok_or(UnusableValue::Malformed(None))?;
        if checksum_of(signed, &[&rest]) != checksum {
            return Err(UnusableValue::Corrupt);
        }
        let end = memchr(b'\n', &rest).ok_or(UnusableValue::Malformed(None))?;
        let (body, details, made) = (rest.slice(..end), rest.slice(end + 1..), Arc::default());
        Ok(Self { fencing_token, fingerprint, date, last_updated, body, details, checksum, made })
    }

    /// Returns the snapshot, parsed once for all clones.
    ///
    /// # Errors
    /// The body is not a snapshot: the checksum is right, but another program wrote the value with this version.
    pub fn parsed(&self) -> Result<&Snapshot, serde_json::Error> {
        match self.made.snapshot.get() {
            Some(snapshot) => Ok(snapshot),
            None => self.snapshot().map(|snapshot| self.made.snapshot.get_or_init(|| snapshot)),
        }
    }

    /// Parses the snapshot, for callers that change it or read many.
    ///
    /// # Errors
    /// Those of [`Self::parsed`].
    pub fn snapshot(&self) -> Result<Snapshot, serde_json::Error> {
        let mut snapshot: Snapshot = serde_json::from_slice(&self.body)?;
        if let Some(details) = self.details() {
            let booked: HashSet<_> = details.booked.iter().map(String::as_str).collect();
            let rooms = snapshot.buildings.values_mut().flat_map(|building| &mut building.classrooms);
            rooms.for_each(|room| details.complete(room, &booked, self.last_updated));
        }
        Ok(snapshot)
    }

    /// Returns the number of items of any kind that the sweep found, in all rooms and on all days; `None` if it is not recorded.
    #[must_use]
    pub fn items(&self) -> Option<usize> {
        self.details().map(|details| details.items)
    }

    fn details(&self) -> Option<Details> {
        serde_json::from_slice(&self.details).ok()
    }

    /// Returns the same data marked as stale, without a compressed body; `None` if another program wrote the body.
    #[must_use]
    pub fn as_stale(&self) -> Option<Self> {
        let body = mark_stale(&self.body)?.into();
        let details = self.details().map_or_else(Bytes::new, |details| json(&details));
        let Self { fencing_token, fingerprint, date, last_updated, .. } = self.clone();
        Some(Self::new(fencing_token, fingerprint, date, last_updated, body, details))
    }
}

#[expect(clippy::expect_used, reason = "all map keys are strings")]
fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).expect("the value always serializes").into()
}

/// Returns a body compressed with gzip, in base64; empty if the body is too short.
#[expect(clippy::expect_used, reason = "writing to a Vec cannot fail")]
fn compressed(body: &[u8]) -> String {
    if body.len() < SHORTEST_COMPRESSED.into() {
        return String::new();
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).expect("writing to a Vec cannot fail");
    BASE64_STANDARD.encode(encoder.finish().expect("writing to a Vec cannot fail"))
}

/// Returns the end of the header.
fn checksum_member(checksum: &str) -> String {
    format!(r#","checksum":"{checksum}"}}"#)
}

fn checksum_of(header: &[u8], rest: &[&[u8]]) -> String {
    let mut hash = Xxh3::new();
    hash.update(header);
    for part in rest {
        hash.update(part);
    }
    format!("{:032x}", hash.digest128())
}

/// Returns a checksum of bytes in hexadecimal digits. It serves as an ETag and detects corruption, not forgery.
#[must_use]
pub fn checksum(bytes: &[u8]) -> String {
    format!("{:032x}", xxh3_128(bytes))
}

/// A slot in the original service's value, which is a JSON object with a list of slots for each room id.
#[derive(Deserialize)]
struct OriginalSlot {
    #[serde(rename = "start")]
    _start: IgnoredAny,
    #[serde(rename = "end")]
    _end: IgnoredAny,
}

/// Classifies an unreadable header or value: another version, the original service's, or malformed.
fn unreadable(header: &[u8], error: serde_json::Error) -> UnusableValue {
    match serde_json::from_slice::<VersionOnly>(header) {
        Ok(VersionOnly { version: found }) if found != u64::from(VERSION) && found != version_1::VERSION => {
            UnusableValue::OtherVersion { found }
        }
        _ if serde_json::from_slice::<HashMap<String, Vec<OriginalSlot>>>(header).is_ok() => UnusableValue::Original,
        _ => UnusableValue::Malformed(Some(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use domain::bookings::{Booking, BookingsByRoom};
    use serde_json::value::RawValue;

    use super::*;

    const TOKEN: FencingToken = FencingToken::from_micros(1_772_550_000_123_456);

    fn campus() -> Campus {
        Campus::built_in()
    }

    fn fingerprint() -> Fingerprint {
        Fingerprint::new(&campus(), 28)
    }

    fn cached() -> CachedSnapshot {
        let date = "2026-03-03".parse().unwrap();
        let at = Timestamp::parse("2026-03-03T10:00:00.123456-05:00").unwrap();
        let snapshot = Snapshot::new(&campus(), 28, date, at, &BookingsByRoom::new(), None);
        CachedSnapshot::render(&snapshot, &campus(), 0, TOKEN, &fingerprint())
    }

    fn value() -> Bytes {
        cached().to_value()
    }

    /// A value short enough to test every byte: its fingerprint, its snapshot and its bytes.
    fn short() -> (Fingerprint, CachedSnapshot, Bytes) {
        let file = concat!(
            "name = 'A'\ntimezone = 'UTC'\n[[buildings]]\ncode = 'A'\nname = 'A'\nopens = '08:00'\n",
            "closes = '24:00'\nclassrooms = [{ id = '1', name = '101' }]"
        );
        let campus = Campus::parse("short.toml", file).unwrap();
        let at = Timestamp::parse("2026-03-03T10:00:00.123456Z").unwrap();
        let snapshot = Snapshot::new(&campus, 28, "2026-03-03".parse().unwrap(), at, &BookingsByRoom::new(), None);
        let fingerprint = Fingerprint::new(&campus, 28);
        let cached = CachedSnapshot::render(&snapshot, &campus, 0, TOKEN, &fingerprint);
        let value = cached.to_value();
        (fingerprint, cached, value)
    }

    #[test]
    fn a_value_reads_back_without_copying_the_body() {
        let value = value();
        let read = CachedSnapshot::from_value(&value, &fingerprint()).unwrap();
        assert_eq!(read, cached());
        let inside = value.as_ptr_range();
        assert!(inside.contains(&read.body.as_ptr()), "the body was copied");
    }

    #[test]
    fn a_value_is_lines_of_json_that_an_operator_can_read() {
        let value = value();
        let mut lines = std::str::from_utf8(&value).unwrap().lines();
        let (header, body) = (lines.next().unwrap(), lines.next().unwrap());
        assert!(header.starts_with(
            r#"{"version":2,"fence":1772550000123456,"fingerprint":"998a651a781ca6ee","date":"2026-03-03","#
        ));
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["buildings"]["CAS"]["classrooms"][0]["name"], "116");
        let details = lines.next().unwrap();
        assert!(
            details.starts_with(r#"{"gzip":"H4sI"#) && details.ends_with(r#"","items":0,"booked":[]}"#),
            "{details}"
        );
        assert_eq!(lines.next(), None);
        assert_eq!(FencingToken::of(value.as_ref()), Some(TOKEN));
    }

    /// During a deployment, and after a rollback, processes of the earlier release read values of this one.
    #[test]
    fn the_earlier_release_reads_details_beside_the_compressed_body() {
        #[derive(Deserialize)]
        struct Earlier {
            items: usize,
            booked: Vec<String>,
        }
        let value = value();
        let details = value.splitn(3, |byte| *byte == b'\n').nth(2).unwrap();
        let Earlier { items, booked } = serde_json::from_slice(details).unwrap();
        assert_eq!((items, booked.len()), (0, 0));
    }

    #[test]
    fn simulated_bookings_are_marked_and_the_earlier_release_ignores_the_mark() {
        #[derive(Deserialize)]
        struct Earlier {
            buildings: HashMap<String, serde_json::Value>,
            stale: bool,
        }
        let simulated = Snapshot { simulated: true, ..cached().snapshot().unwrap() };
        let rendered = CachedSnapshot::render(&simulated, &campus(), 0, TOKEN, &fingerprint());
        let cached_copy = CachedSnapshot::from_value(&rendered.to_value(), &fingerprint()).unwrap();
        for copy in [&cached_copy, &cached_copy.as_stale().unwrap()] {
            assert!(copy.body.starts_with(br#"{"campus":"Boston University","simulated":true,"buildings":"#));
            assert!(copy.snapshot().unwrap().simulated);
        }
        let Earlier { buildings, stale } = serde_json::from_slice(&cached_copy.body).unwrap();
        assert_eq!((buildings.len(), stale), (2, false));
        let real = cached();
        assert!(memchr::memmem::find(&real.body, b"simulated").is_none() && !real.snapshot().unwrap().simulated);
    }

    #[test]
    fn a_long_body_is_also_stored_compressed_and_a_short_one_is_not() {
        let read = CachedSnapshot::from_value(&value(), &fingerprint()).unwrap();
        let mut unpacked = Vec::new();
        GzDecoder::new(read.gzip().unwrap().as_ref()).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, read.body);
        assert_eq!((read.as_stale().unwrap().gzip(), short().1.gzip()), (None, None));
    }

    #[test]
    fn the_details_record_the_booked_rooms_and_survive_a_stale_copy() {
        let (campus, date) = (campus(), "2026-03-03".parse().unwrap());
        let mut bookings = BookingsByRoom::new();
        bookings.entry("342".to_owned()).or_default().add(date, [Booking { start: 600, end: 660 }]);
        bookings.entry("344".to_owned()).or_default().add_closures(date, [Booking { start: 0, end: 1440 }]);
        let at = Timestamp::parse("2026-03-03T10:00:00.123456-05:00").unwrap();
        let snapshot = Snapshot::new(&campus, 28, date, at, &bookings, None);
        let rendered = CachedSnapshot::render(&snapshot, &campus, 17, TOKEN, &fingerprint());
        let read = CachedSnapshot::from_value(&rendered.to_value(), &fingerprint()).unwrap();
        for copy in [&rendered, &read, &read.as_stale().unwrap()] {
            assert_eq!(copy.items(), Some(17));
            let snapshot = copy.snapshot().unwrap();
            let booked = ["342", "344", "345"].map(|id| snapshot.room(id).unwrap().booked);
            assert_eq!(booked, [Some(true), Some(false), None]);
        }
    }

    #[test]
    fn a_value_of_an_earlier_release_is_read_and_can_be_marked_as_stale() {
        let (fingerprint, cached, _) = short();
        let body = concat!(
            r#"{"buildings":{"A":{"code":"A","name":"A","classrooms":[{"id":"1","name":"101","status":"unknown","#,
            r#""availability":[]}]}},"last_updated":"2026-03-03T10:00:00.123456+00:00","date":"2026-03-03","#,
            r#""timezone":"UTC","stale":false}"#
        );
        let details = r#"{"items":0,"booked":[]}"#;
        let CachedSnapshot { date, last_updated, .. } = cached;
        let earlier =
            CachedSnapshot::new(TOKEN, fingerprint.clone(), date, last_updated, body.into(), details.into()).to_value();
        let read = CachedSnapshot::from_value(&earlier, &fingerprint).unwrap();
        assert_eq!(read.snapshot().unwrap(), cached.snapshot().unwrap());
        assert!(read.as_stale().unwrap().snapshot().unwrap().stale);
    }

    #[test]
    fn the_details_record_the_unreached_rooms_and_when_they_last_answered() {
        let (campus, date) = (campus(), "2026-03-03".parse().unwrap());
        let at = |text| Timestamp::parse(text).unwrap();
        let (first, second) = (at("2026-03-03T10:00:00.123456-05:00"), at("2026-03-03T11:00:00-05:00"));
        let mut bookings = BookingsByRoom::new();
        bookings.entry("342".to_owned()).or_default().add(date, []);
        let last_good = Snapshot::new(&campus, 28, date, first, &bookings, None);
        let none = BookingsByRoom::new();
        let unreached = ["342", "344"].map(str::to_owned).into();
        let snapshot = Snapshot::new(&campus, 28, date, second, &none, Some(&last_good)).with_unreached(&unreached);
        let rendered = CachedSnapshot::render(&snapshot, &campus, 17, TOKEN, &fingerprint());
        let read = CachedSnapshot::from_value(&rendered.to_value(), &fingerprint()).unwrap();
        assert_eq!(read.snapshot().unwrap(), snapshot);
        let room = |id| snapshot.room(id).unwrap().clone();
        assert_eq!((room("342").answered, room("342").is_unreached), (Some(first), true));
        assert_eq!((room("344").answered, room("344").is_unreached), (None, true));
        assert_eq!((room("345").answered, room("345").is_unreached), (None, false));
    }

    #[test]
    fn a_value_truncated_anywhere_counts_as_absent() {
        let (fingerprint, _, value) = short();
        for length in 0..value.len() {
            let error = CachedSnapshot::from_value(&value.slice(..length), &fingerprint).unwrap_err();
            assert!(matches!(error, UnusableValue::Malformed(_) | UnusableValue::Corrupt), "{length}: {error}");
        }
    }

    #[test]
    fn a_changed_bit_anywhere_in_a_value_is_detected_or_harmless() {
        let (fingerprint, cached, value) = short();
        for (at, bit) in (0..value.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut changed = value.to_vec();
            changed[at] ^= 1 << bit;
            if let Ok(read) = CachedSnapshot::from_value(&changed.into(), &fingerprint) {
                assert_eq!(read, cached, "the change of bit {bit} of byte {at} was not detected");
            }
        }
    }

    #[test]
    fn a_changed_header_is_detected_even_if_the_body_is_intact() {
        let value = String::from_utf8(value().to_vec()).unwrap();
        for (written, changed) in [
            (r#""date":"2026-03-03","last"#, r#""date":"2026-03-04","last"#),
            (r#""last_updated":"2026-03-03T10"#, r#""last_updated":"2026-03-03T12"#),
            (r#""fence":1772550000123456"#, r#""fence":1772550000123457"#),
        ] {
            assert!(value.contains(written), "{value}");
            let error =
                CachedSnapshot::from_value(&value.replacen(written, changed, 1).into(), &fingerprint()).unwrap_err();
            assert!(matches!(error, UnusableValue::Corrupt), "{changed}: {error}");
        }
    }

    #[test]
    fn a_value_of_another_version_or_campus_counts_as_absent() {
        for newer in [r#"{"version":3,"everything":"else"}"#, "{\"version\":3,\"everything\":\"else\"}\n{}"] {
            let error = CachedSnapshot::from_value(&newer.into(), &fingerprint()).unwrap_err();
            assert_eq!(error.to_string(), "its format version is 3, not 2");
        }
        let error = CachedSnapshot::from_value(&value(), &Fingerprint::new(&campus(), 29)).unwrap_err();
        assert!(matches!(error, UnusableValue::OtherFingerprint));
    }

    #[test]
    fn the_value_of_the_original_service_is_recognized() {
        for value in [
            r#"{"342": [{"start": "07:00:00", "end": "09:04:00"}], "344": []}"#,
            "{\n  \"342\": [{\"start\": \"07:00:00\", \"end\": \"09:04:00\"}]\n}",
            "{}",
        ] {
            let error = CachedSnapshot::from_value(&value.into(), &fingerprint()).unwrap_err();
            assert!(matches!(error, UnusableValue::Original), "{value}: {error}");
        }
        for value in [r#"{"342": [{"start": "07:00:00"}]}"#, r#"{"342": 7}"#, "[]", r#"{"342": [{"start"#] {
            let error = CachedSnapshot::from_value(&value.into(), &fingerprint()).unwrap_err();
            assert!(matches!(error, UnusableValue::Malformed(_)), "{value}: {error}");
        }
    }

    #[test]
    fn a_stale_copy_differs_only_in_the_stale_field_and_its_etag() {
        let (fresh, stale) = (cached(), cached().as_stale().unwrap());
        assert_ne!(fresh.checksum, stale.checksum);
        let expected = String::from_utf8(fresh.body.to_vec()).unwrap().replace("\"stale\":false", "\"stale\":true");
        assert_eq!(stale.body, expected);
    }

    /// A body that another program wrote: JSON that is a snapshot, or nearly one.
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
        fn random_bytes_are_refused(value in any::<Vec<u8>>()) {
            let _ = FencingToken::of(&value);
            prop_assert!(CachedSnapshot::from_value(&value.into(), &short().0).is_err());
        }

        #[test]
        fn an_overwritten_piece_of_a_value_is_detected_or_harmless(at in any::<prop::sample::Index>(), piece in any::<Vec<u8>>()) {
            let (fingerprint, cached, value) = short();
            let at = at.index(value.len());
            let mut changed = value.to_vec();
            changed.splice(at..(at + piece.len()).min(value.len()), piece);
            if let Ok(read) = CachedSnapshot::from_value(&changed.into(), &fingerprint) {
                prop_assert_eq!(read, cached);
            }
        }

        #[test]
        fn a_body_of_another_program_is_read_completely_or_refused(body in body()) {
            let (fingerprint, cached, _) = short();
            let Ok(body) = serde_json::from_str::<&RawValue>(&body) else { return Ok(()) };
            let body = Bytes::copy_from_slice(body.get().as_bytes());
            let CachedSnapshot { fencing_token, date, last_updated, .. } = cached;
            let value = CachedSnapshot::new(fencing_token, fingerprint.clone(), date, last_updated, body, Bytes::new()).to_value();
            let read = CachedSnapshot::from_value(&value, &fingerprint).unwrap();
            let stale = read.as_stale().expect("it should end like a body");
            match (read.snapshot(), stale.snapshot()) {
                (Ok(fresh), Ok(stale)) => prop_assert_eq!(stale, Snapshot { stale: true, ..fresh }),
                (fresh, stale) => prop_assert!(fresh.is_err() && stale.is_err()),
            }
        }
    }
}
