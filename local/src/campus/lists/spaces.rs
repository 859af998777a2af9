//! `spaces.json`: `{"spaces":{"space":[…]}}`. One room is an object instead of a list; without rooms, the key is missing.

use serde_json::{Map, Value};

use super::{Page, RawRoom, field, names, text};

/// The keys of features, outer before inner.
const FEATURES: [&str; 3] = ["features", "feature", "feature_name"];
/// The keys of categories, outer before inner.
const CATEGORIES: [&str; 3] = ["categories", "category", "category_name"];

/// The rooms of a document; `None` if it is not such a list.
pub(super) fn page(document: &Value) -> Option<Page> {
    let rooms = match document {
        Value::Array(rooms) if rooms.iter().all(is_room) => rooms.as_slice(),
        Value::Object(fields) if fields.is_empty() => &[],
        Value::Object(fields) if is_room(document) => return Some(Page::of_rooms([room(fields)].into_iter())),
        Value::Object(fields) => rooms_in(field(fields, "spaces").or_else(|| field(fields, "space"))?),
        _ => return None,
    };
    Some(Page::of_rooms(rooms.iter().map(|value| value.as_object().map(room).unwrap_or_default())))
}

fn rooms_in(spaces: &Value) -> &[Value] {
    match spaces {
        Value::Array(rooms) => rooms,
        Value::Object(_) if is_room(spaces) => std::slice::from_ref(spaces),
        Value::Object(fields) => field(fields, "space").map_or(&[], rooms_in),
        _ => &[],
    }
}

fn is_room(value: &Value) -> bool {
    value.as_object().is_some_and(|fields| field(fields, "space_id").or_else(|| field(fields, "space_name")).is_some())
}

fn room(fields: &Map<String, Value>) -> RawRoom {
    let text_of = |key| field(fields, key).and_then(text::text);
    let names_of = |keys: &[&str]| keys.iter().find_map(|key| field(fields, key)).map(|value| names(value, keys));
    RawRoom {
        id: text_of("space_id"),
        name: text_of("space_name"),
        formal_name: text_of("formal_name"),
        capacity: ["max_capacity", "default_capacity"].iter().find_map(|key| text::people(&text_of(key)?)),
        features: names_of(&FEATURES).unwrap_or_default(),
        categories: names_of(&CATEGORIES).unwrap_or_default(),
        building: ["building_name", "bldg_name"].iter().find_map(|key| text_of(key)),
    }
}
