//! `listdata.json`: a table in pages. Its columns depend on the institution and are identified by their `prefname`.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{ListError, Page, RawRoom, field, joined::Cell, names, text};

/// The keys of a cell's names.
const NAMES: [&str; 2] = ["itemName", "name"];

/// The position of each column, by its lowercase `prefname`.
struct Columns(HashMap<String, usize>);

/// The rooms of a document; `None` if it is not a table.
pub(super) fn page(document: &Value) -> Option<Result<Page, ListError>> {
    let fields = document.as_object()?;
    if field(fields, "rows").is_none() && field(fields, "cols").is_none() {
        return None;
    }
    let rows = list(field(fields, "rows"));
    let columns = Columns::of(list(field(fields, "cols")));
    if !rows.is_empty() && !columns.0.contains_key("name") {
        return Some(Err(ListError::NoNames));
    }
    let said = |key| rows.iter().chain([document]).find_map(|row| number(row.as_object()?, key));
    let page = Page::of_rooms(rows.iter().map(|row| columns.room(row)));
    Some(Ok(Page { pages: said("pages"), count: said("count"), ..page }))
}

impl Columns {
    fn of(columns: &[Value]) -> Self {
        let named = columns.iter().enumerate().filter_map(|(place, column)| {
            let prefname = text::text(column.get("prefname")?)?.to_lowercase();
            Some((prefname, place))
        });
        // Of several columns with the same name, the first counts.
        Self(named.collect::<Vec<_>>().into_iter().rev().collect())
    }

    fn room(&self, row: &Value) -> RawRoom {
        let cells = row.as_array().map_or_else(|| list(row.get("row")), Vec::as_slice);
        let cell = |prefname: &str| self.0.get(prefname).and_then(|place| cells.get(*place));
        let text_of = |prefname: &str| cell(prefname).and_then(text::text);
        let names_of = |prefname: &str| cell(prefname).map_or_else(Cell::default, |value| names(value, &NAMES));
        RawRoom {
            id: cell("name").and_then(|name| text::text(name.get("itemId")?)),
            name: text_of("name"),
            formal_name: text_of("formal_name"),
            capacity: ["max_capacity", "default_capacity"].iter().find_map(|key| text::people(&text_of(key)?)),
            features: names_of("features"),
            categories: names_of("categories"),
            building: ["bldg_name", "building_name"].iter().find_map(|key| text_of(key)),
        }
    }
}

fn list(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(parts)) => parts,
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        _ => &[],
    }
}

fn number(fields: &Map<String, Value>, key: &str) -> Option<usize> {
    text::text(fields.get(key)?)?.parse().ok()
}
