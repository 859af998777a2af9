//! The lists of rooms, `spaces.json`, `spaces.xml` and `list/listdata.json`, with the oddities of real ones.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use crate::document::Document;
use crate::fault::{Fault, FaultContext, JSON, gzipped};
use crate::gzip;
use crate::room::{FormalName, Room};

/// The columns of the table. Readers must not rely on their order.
const COLUMNS: [(&str, &str); 7] = [
    ("Categories", "categories"),
    ("Max Cap", "max_capacity"),
    ("Name", "name"),
    ("Layouts", "layouts"),
    ("Title", "formal_name"),
    ("Features", "features"),
    ("Building", "bldg_name"),
];
/// The index of the last column, which some institutions do not have.
const BUILDING: usize = 6;

/// A list of 25Live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    Json,
    Xml,
    Table,
}

impl List {
    /// The list at a path.
    pub(crate) fn at(path: &str) -> Option<Self> {
        match path.rsplit_once("/run/")?.1 {
            "spaces.json" => Some(Self::Json),
            "spaces.xml" => Some(Self::Xml),
            "list/listdata.json" => Some(Self::Table),
            _ => None,
        }
    }

    /// Its file name.
    pub(crate) const fn file(self) -> &'static str {
        match self {
            Self::Json => "spaces.json",
            Self::Xml => "spaces.xml",
            Self::Table => "listdata.json",
        }
    }

    /// Returns the list of these rooms, or the requested page of it, with this fault. Faults of a room's availability do not
    /// affect lists.
    pub(crate) async fn respond(
        self,
        rooms: &[Room],
        parameters: &[(String, String)],
        fault: Option<(Fault, FaultContext)>,
    ) -> Response {
        let (kind, list) = self.of(rooms, parameters);
        match fault {
            Some((Fault::Prefixed, _)) => typed(kind, format!(")]}}',\n{list}")),
            Some((Fault::Gzip, _)) => gzipped(gzip::pack(list.as_bytes())),
            Some((Fault::CutOff, _)) => typed(kind, list.chars().take(list.chars().count() / 2).collect()),
            Some((fault, context)) if fault.is_of_message() => {
                fault.respond(Document::new(NaiveDate::default(), Vec::new()), context).await
            }
            _ => typed(kind, list),
        }
    }

    fn of(self, rooms: &[Room], parameters: &[(String, String)]) -> (&'static str, String) {
        match self {
            Self::Json => (JSON, spaces(rooms).to_string()),
            Self::Xml => ("text/xml;charset=UTF-8", xml(rooms)),
            Self::Table => (JSON, table(rooms, parameters).to_string()),
        }
    }
}

fn typed(kind: &'static str, list: String) -> Response {
    ([(header::CONTENT_TYPE, kind)], list).into_response()
}

/// A single room is an object instead of a list, and an empty list has no key.
fn spaces(rooms: &[Room]) -> Value {
    match rooms {
        [] => json!({ "spaces": {} }),
        [room] => json!({ "spaces": { "space": space(room) } }),
        rooms => json!({ "spaces": { "space": rooms.iter().map(space).collect::<Vec<_>>() } }),
    }
}

fn space(room: &Room) -> Value {
    let mut fields = Map::from_iter([
        ("space_id".to_owned(), id(room)),
        // Real names contain runs of blanks.
        ("space_name".to_owned(), json!(room.name.replace(' ', "  "))),
        ("max_capacity".to_owned(), json!(room.capacity.unwrap_or_default())),
    ]);
    if let Some(name) = &room.formal_name {
        fields.insert("formal_name".to_owned(), json!(name));
    }
    if let Some(building) = &room.building {
        fields.insert("building_name".to_owned(), json!(building));
    }
    Value::Object(fields)
}

/// A number, as in real lists; a text if a test uses another id.
fn id(room: &Room) -> Value {
    room.id.parse::<u64>().map_or_else(|_| json!(room.id), |number| json!(number))
}

/// A page of the table. Only its first row has the numbers of pages and rooms.
fn table(rooms: &[Room], parameters: &[(String, String)]) -> Value {
    let number = |name: &str, default: usize| {
        let value = parameters.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.parse().ok());
        value.filter(|number| *number > 0).unwrap_or(default)
    };
    let (page, size) = (number("page", 1), number("page_size", 25));
    // Some institutions have no column for buildings.
    let columns = if rooms.iter().any(|room| room.building.is_some()) { COLUMNS.len() } else { BUILDING };
    let of_page = rooms.iter().skip((page - 1).saturating_mul(size)).take(size);
    let mut rows: Vec<_> = of_page.map(|room| json!({ "contextId": 0, "row": row(room, columns) })).collect();
    if let Some(Value::Object(first)) = rows.first_mut() {
        first.insert("pages".to_owned(), json!(rooms.len().div_ceil(size)));
        first.insert("count".to_owned(), json!(rooms.len()));
    }
    let columns = COLUMNS.iter().take(columns).map(|(name, prefname)| json!({ "name": name, "prefname": prefname }));
    json!({ "page": page, "page_size": size, "cacheId": "1", "cols": columns.collect::<Vec<_>>(), "rows": rows })
}

fn row(room: &Room, columns: usize) -> Vec<Value> {
    let cells = [
        json!(room.categories.join(", ")),
        json!(room.capacity.unwrap_or_default()),
        json!({ "itemId": id(room), "itemName": room.name.replace(' ', "  "), "itemTypeId": 4 }),
        Value::Null,
        json!(room.formal_name),
        json!(room.features.join(", ")),
        room.building.as_ref().map_or(Value::Null, |building| json!({ "itemId": 1, "itemName": building })),
    ];
    cells.into_iter().take(columns).collect()
}

fn xml(rooms: &[Room]) -> String {
    let spaces = rooms.iter().map(|room| {
        let element = |name: &str, value: &str| format!("    <r25:{name}>{}</r25:{name}>\n", escaped(value));
        let formal = match &room.formal_name {
            Some(FormalName::Text(name)) => name.clone(),
            Some(FormalName::Number(number)) => number.to_string(),
            None => String::new(),
        };
        let capacity = room.capacity.unwrap_or_default().to_string();
        let partition = format!("Partition of {}", room.id);
        let fields = [
            ("space_id", room.id.as_str()),
            ("space_name", &room.name),
            ("formal_name", &formal),
            ("partition_name", &partition),
            ("max_capacity", &capacity),
        ];
        let fields = fields.iter().map(|(name, value)| element(name, value)).collect::<String>();
        format!("  <r25:space crc=\"00000000\" status=\"est\">\n{fields}  </r25:space>\n")
    });
    let spaces = spaces.collect::<String>();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <r25:spaces xmlns:r25=\"http://www.collegenet.com/r25\" pubdate=\"2026-02-01T00:00:00\">\n{spaces}</r25:spaces>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Simulator;
    use crate::testing::{TestResponse, get};

    fn rooms() -> Vec<Room> {
        vec![
            Room::new("1", "HALL 101")
                .formal_name("Old Hall & Annex")
                .capacity(40)
                .category("Labs, Wet")
                .category("Class"),
            Room::new("2", "HALL 102").formal_number(102).feature("Projector").building("Old Hall"),
            Room::new("3", "HALL 103"),
        ]
    }

    async fn list(rooms: Vec<Room>, path: &str) -> TestResponse {
        let simulator = Simulator::start(rooms).await.unwrap();
        get(&simulator, &format!("/25live/data/any/run/{path}")).await
    }

    #[tokio::test]
    async fn spaces_have_double_blanks_numeric_formal_names_and_a_capacity_of_0() {
        let list = list(rooms(), "spaces.json").await.json();
        assert_eq!(
            list["spaces"]["space"][1],
            json!({ "space_id": 2, "space_name": "HALL  102", "formal_name": 102, "max_capacity": 0, "building_name": "Old Hall" })
        );
    }

    #[tokio::test]
    async fn a_single_room_is_an_object_and_an_empty_list_has_no_key() {
        let one = list(vec![Room::new("1", "HALL 101")], "spaces.json").await.json();
        assert_eq!(one["spaces"]["space"]["space_id"], 1);
        assert_eq!(list(vec![], "spaces.json").await.json(), json!({ "spaces": {} }));
    }

    #[tokio::test]
    async fn a_table_is_paged_and_only_its_first_row_has_the_counts() {
        let first = list(rooms(), "list/listdata.json?page=1&page_size=2").await.json();
        assert_eq!((&first["rows"][0]["pages"], &first["rows"][0]["count"]), (&json!(2), &json!(3)));
        assert_eq!((first["rows"].as_array().unwrap().len(), first["rows"][1].get("pages")), (2, None));
        assert_eq!(first["rows"][0]["row"][0], "Labs, Wet, Class");
        assert_eq!(first["cols"][6]["prefname"], "bldg_name");
        let second = list(rooms(), "list/listdata.json?page=2&page_size=2").await.json();
        assert_eq!(second["rows"][0]["row"][2], json!({ "itemId": 3, "itemName": "HALL  103", "itemTypeId": 4 }));
        let plain = list(vec![Room::new("1", "HALL 101")], "list/listdata.json").await.json();
        assert_eq!(
            (plain["cols"].as_array().unwrap().len(), plain["rows"][0]["row"].as_array().unwrap().len()),
            (6, 6)
        );
    }

    #[tokio::test]
    async fn the_xml_has_a_namespace_prefix_and_partitions() {
        let list = list(rooms(), "spaces.xml").await;
        for part in [
            "<r25:space_id>1</r25:space_id>",
            "Old Hall &amp; Annex",
            "<r25:partition_name>Partition of 3</r25:partition_name>",
        ] {
            assert!(list.text().contains(part), "{}", list.text());
        }
    }

    #[tokio::test]
    async fn faults_of_lists_do_not_affect_rooms() {
        let simulator = Simulator::start(rooms()).await.unwrap();
        for (fault, status) in [(Fault::Html, 200), (Fault::Status(403), 403), (Fault::Redirect, 302)] {
            simulator.misbehave_lists(fault);
            assert_eq!(get(&simulator, "/25live/data/any/run/spaces.json").await.status, status);
        }
        assert_eq!(crate::testing::ask(&simulator, "1").await.status, 200);
        simulator.misbehave_lists(Fault::Prefixed);
        assert!(get(&simulator, "/25live/data/any/run/spaces.json").await.text().starts_with(")]}',\n{"));
        simulator.misbehave_lists(Fault::Gzip);
        let packed = get(&simulator, "/25live/data/any/run/spaces.json").await;
        assert_eq!(packed.header("content-encoding"), Some("gzip"));
        simulator.behave();
        simulator.misbehave_list("listdata.json", Fault::Status(401));
        assert_eq!(get(&simulator, "/25live/data/any/run/list/listdata.json").await.status, 401);
        assert_eq!(get(&simulator, "/25live/data/any/run/spaces.json").await.status, 200);
        assert_eq!((simulator.requests(), simulator.list_requests()), (1, 7));
    }
}
