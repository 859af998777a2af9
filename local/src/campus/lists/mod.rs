//! Parses the room lists of 25Live in all their formats into [`ListedRoom`]s.
//!
//! # Layout
//!
//! * `table`: `listdata.json`, a table whose columns depend on the institution.
//! * `spaces`: `spaces.json`; `xml`: `spaces.xml`.
//! * `joined`: texts of several names, with commas between and within names.
//! * `text`: encodings, whitespace, numbers.
//!
//! 25Live requires only a room's id and name, so any other value may be missing or malformed without affecting the rest.

mod joined;
mod spaces;
mod table;
mod text;
mod xml;

use std::collections::{BTreeMap, HashMap, HashSet};

use emptyclassroom::{domain::campus::LONGEST_FEATURE, outside::twenty_five_live::mended};
use serde_json::{Map, Value};

use self::joined::{Cell, Names};
pub use self::text::tidy;

/// Placeholders for an empty field, lowercase.
const PLACEHOLDERS: [&str; 8] = ["-", "n/a", "none", "null", "tba", "tbd", "undefined", "unknown"];
/// Labels that some lists put before each building's name.
const BUILDING_LABELS: [&str; 2] = ["Building - ", "Building: "];
/// The maximum number of characters read from a name. 25Live's names have fewer than 100.
const LONGEST_NAME: usize = 200;
/// How much of a document an error quotes.
const BEGINNING: usize = 60;

/// A room as a list describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedRoom {
    /// 25Live's `space_id`.
    pub id: String,
    /// The short name, such as `HALL 101`.
    pub name: String,
    /// The long name, if the list has one.
    pub formal_name: Option<String>,
    /// How many people it holds, if known.
    pub capacity: Option<u32>,
    /// Its features.
    pub features: Vec<String>,
    /// Its categories.
    pub categories: Vec<String>,
    /// The name of its building, if the list has one.
    pub building: Option<String>,
}

/// All rooms of a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RoomList {
    /// In the order of the list, without duplicate ids.
    pub rooms: Vec<ListedRoom>,
    /// Entries without an id or a name.
    pub unreadable: usize,
    /// Entries with the id of an earlier entry.
    pub repeated: usize,
    /// Names with a comma that were guessed from a text of several names.
    pub guessed_names: Vec<String>,
}

/// One document of a list; `listdata.json` has several.
#[derive(Debug, Default)]
pub struct Page {
    rooms: Vec<RawRoom>,
    unreadable: usize,
    /// How many pages the whole list has, if the document says so.
    pub pages: Option<usize>,
    /// How many rooms the whole list has, if the document says so.
    pub count: Option<usize>,
}

/// Why a document is not a room list.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The document is empty.
    #[error("it is empty")]
    Empty,
    /// The document is a web page.
    #[error("it is a web page, perhaps a sign-in page, not a room list")]
    WebPage,
    /// The document is not valid JSON.
    #[error("its JSON cannot be read")]
    Json(#[from] serde_json::Error),
    /// The document is not valid XML.
    #[error("its XML cannot be read")]
    Xml(#[from] quick_xml::Error),
    /// The XML ends too early.
    #[error("its XML is cut off")]
    CutOff,
    /// The table has no column of names.
    #[error("its table has no column with the prefname `name`")]
    NoNames,
    /// The document is something else.
    #[error("it is not a 25Live room list (spaces.json, spaces.xml or listdata.json); it begins with {0:?}")]
    Other(String),
}

/// A room whose texts are not split into names yet.
#[derive(Debug, Default)]
struct RawRoom {
    id: Option<String>,
    name: Option<String>,
    formal_name: Option<String>,
    capacity: Option<u32>,
    features: Cell,
    categories: Cell,
    building: Option<String>,
}

impl Page {
    /// Parses a document in any of the formats.
    ///
    /// # Errors
    /// The document has none of them.
    pub fn parse(bytes: &[u8]) -> Result<Self, ListError> {
        let document = text::decoded(bytes);
        if document.trim().is_empty() {
            return Err(ListError::Empty);
        }
        if text::is_web_page(&document) {
            return Err(ListError::WebPage);
        }
        if let Some(json) = text::json_part(&document) {
            let mut page = Self::default();
            for value in json_values(json)? {
                page.append(Self::of_json(&value).unwrap_or_else(|| Err(other(&document)))?);
            }
            return Ok(page);
        }
        if document.trim_start().starts_with('<') {
            return xml::page(&document)?.ok_or_else(|| other(&document));
        }
        Err(other(&document))
    }

    fn of_json(document: &Value) -> Option<Result<Self, ListError>> {
        table::page(document).or_else(|| spaces::page(document).map(Ok))
    }

    fn of_rooms(rooms: impl Iterator<Item = RawRoom>) -> Self {
        let (rooms, rest): (Vec<_>, Vec<_>) = rooms.partition(|room| room.id.is_some() && room.name.is_some());
        Self { rooms, unreadable: rest.len(), ..Self::default() }
    }

    /// Adds a page that was saved after this one in the same file.
    fn append(&mut self, next: Self) {
        self.rooms.extend(next.rooms);
        self.unreadable += next.unreadable;
        self.pages = self.pages.or(next.pages);
        self.count = self.count.or(next.count);
    }

    /// Its number of entries.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rooms.len() + self.unreadable
    }

    /// Whether it has no entries.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The id of the first room.
    #[must_use]
    pub fn first_id(&self) -> Option<&str> {
        self.rooms.first()?.id.as_deref()
    }
}

impl RoomList {
    /// Combines the pages of a list. Known categories help to split texts of several names.
    #[must_use]
    pub fn of(pages: Vec<Page>, known_categories: &[String]) -> Self {
        let mut list = Self { unreadable: pages.iter().map(|page| page.unreadable).sum(), ..Self::default() };
        let rooms: Vec<_> = pages.into_iter().flat_map(|page| page.rooms).collect();
        let features = Names::of_features(rooms.iter().map(|room| &room.features));
        let categories = Names::of_categories(rooms.iter().map(|room| &room.categories), known_categories);
        let mut places = HashMap::new();
        for raw in rooms {
            list.guessed_names.extend(features.guesses(&raw.features).chain(categories.guesses(&raw.categories)));
            let Some(room) = raw.read(&features, &categories) else { continue };
            if let Some(first) = places.get(&room.id).and_then(|place: &usize| list.rooms.get_mut(*place)) {
                list.repeated += 1;
                first.complete(room);
            } else {
                places.insert(room.id.clone(), list.rooms.len());
                list.rooms.push(room);
            }
        }
        list.guessed_names.sort_unstable();
        list.guessed_names.dedup();
        list
    }

    /// Each category with its number of rooms, alphabetically.
    #[must_use]
    pub fn categories(&self) -> BTreeMap<&str, usize> {
        let mut categories = BTreeMap::new();
        for category in self.rooms.iter().flat_map(|room| &room.categories) {
            *categories.entry(category.as_str()).or_default() += 1;
        }
        categories
    }
}

impl ListedRoom {
    /// Fills in missing values from another entry of the same room.
    fn complete(&mut self, other: Self) {
        self.formal_name = self.formal_name.take().or(other.formal_name);
        self.capacity = self.capacity.or(other.capacity);
        self.building = self.building.take().or(other.building);
        add_missing(&mut self.features, other.features);
        add_missing(&mut self.categories, other.categories);
    }
}

fn add_missing(names: &mut Vec<String>, more: Vec<String>) {
    let seen: HashSet<_> = names.iter().cloned().collect();
    names.extend(more.into_iter().filter(|name| !seen.contains(name)));
}

impl RawRoom {
    fn read(self, features: &Names, categories: &Names) -> Option<ListedRoom> {
        let Self { id, name, formal_name, capacity, features: has, categories: is, building } = self;
        let says_something = |text: &String| !PLACEHOLDERS.contains(&text.to_lowercase().as_str());
        let name = name.as_deref().and_then(beginning);
        let formal_name = formal_name.as_deref().and_then(beginning).filter(says_something);
        let building = building.as_deref().map(without_label).and_then(beginning).filter(says_something);
        let (mut features, categories) = (features.of(has), categories.of(is));
        // A campus file does not accept longer ones.
        features.retain(|feature| feature.chars().count() <= LONGEST_FEATURE);
        Some(ListedRoom { id: id?, name: name?, formal_name, capacity, features, categories, building })
    }
}

/// Removes the label from a building's name: `Old Hall` from `Building - Old Hall`.
fn without_label(building: &str) -> &str {
    BUILDING_LABELS.iter().find_map(|label| building.strip_prefix(label)).unwrap_or(building)
}

/// Cuts a name off at [`LONGEST_NAME`] and tidies it.
fn beginning(name: &str) -> Option<String> {
    tidy(&name.chars().take(LONGEST_NAME).collect::<String>())
}

fn other(document: &str) -> ListError {
    ListError::Other(document.trim_start().chars().take(BEGINNING).collect())
}

/// Parses the JSON documents in a text, usually one. If that fails, retries with repaired strings.
fn json_values(json: &str) -> Result<Vec<Value>, serde_json::Error> {
    let all = |text: &str| {
        let (mut values, mut rest) = (Vec::new(), Some(text));
        while let Some(text) = rest {
            let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Value>();
            values.push(documents.next().unwrap_or_else(|| serde_json::from_str(text))?);
            rest = text.get(documents.byte_offset()..).and_then(text::json_part);
        }
        Ok(values)
    };
    all(json).or_else(|_: serde_json::Error| all(&mended(json.as_bytes())))
}

/// The value of a key, with any namespace prefix.
fn field<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let local = |key: &str| key.rsplit(':').next() == Some(name);
    fields.get(name).or_else(|| fields.iter().find(|(key, _)| local(key)).map(|(_, value)| value))
}

/// The names in a value: a text of several names, a list of texts or objects, or one object.
fn names(value: &Value, keys: &[&str]) -> Cell {
    match value {
        Value::String(joined) => text::tidy(joined).map_or_else(Cell::default, Cell::Joined),
        Value::Array(parts) => Cell::Separate(parts.iter().filter_map(|part| name_in(part, keys)).collect()),
        Value::Object(fields) => match keys.iter().find_map(|key| field(fields, key)) {
            Some(inner @ (Value::Array(_) | Value::Object(_))) => names(inner, keys),
            _ => Cell::Separate(name_in(value, keys).into_iter().collect()),
        },
        _ => Cell::default(),
    }
}

fn name_in(part: &Value, keys: &[&str]) -> Option<String> {
    let named = part.as_object().and_then(|fields| keys.iter().find_map(|key| text::text(field(fields, key)?)));
    named.or_else(|| text::text(part))
}

#[cfg(test)]
mod tests;
