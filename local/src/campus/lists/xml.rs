//! `spaces.xml`: the same data as `spaces.json`, with or without namespace prefixes.

use quick_xml::{
    Reader,
    events::{BytesRef, Event},
};

use super::{ListError, Page, RawRoom, joined::Cell, text};

/// The elements that identify a list.
const ROOTS: [&str; 2] = ["spaces", "space"];

/// The state of the parser within a document.
#[derive(Default)]
struct Parser {
    /// The local names of the open elements.
    open: Vec<String>,
    text: String,
    room: RawRoom,
    rooms: Vec<RawRoom>,
    is_list: bool,
}

/// The rooms of a document; `None` if it is not such a list.
///
/// # Errors
/// The document is not valid XML, or it is cut off.
pub(super) fn page(document: &str) -> Result<Option<Page>, ListError> {
    let mut reader = Reader::from_str(document);
    reader.config_mut().allow_dangling_amp = true;
    let mut parser = Parser::default();
    loop {
        match reader.read_event()? {
            Event::Start(start) => parser.open(start.local_name().as_ref()),
            Event::Empty(start) => {
                parser.open(start.local_name().as_ref());
                parser.close();
            }
            Event::End(_) => parser.close(),
            Event::Text(text) => parser.text.push_str(&text),
            Event::CData(text) => parser.text.push_str(&text),
            Event::GeneralRef(reference) => parser.text.push(character(&reference)),
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    if !parser.open.is_empty() {
        return Err(ListError::CutOff);
    }
    Ok(parser.is_list.then(|| Page::of_rooms(parser.rooms.into_iter())))
}

/// Resolves an entity or a character reference; an unknown one becomes a space.
fn character(reference: &BytesRef<'_>) -> char {
    match &**reference {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => reference.resolve_char_ref().ok().flatten().unwrap_or(' '),
    }
}

impl Parser {
    fn open(&mut self, name: &str) {
        self.is_list |= ROOTS.contains(&name);
        if name == "space" && !self.in_room() {
            self.room = RawRoom::default();
        }
        self.text.clear();
        self.open.push(name.to_owned());
    }

    fn close(&mut self) {
        let Some(name) = self.open.pop() else { return };
        let value = text::tidy(&std::mem::take(&mut self.text));
        if name == "space" && !self.in_room() {
            self.rooms.push(std::mem::take(&mut self.room));
        } else if let Some(value) = value {
            self.read(&name, value);
        }
    }

    fn in_room(&self) -> bool {
        self.open.iter().any(|name| name == "space")
    }

    /// Reads an element without child elements.
    fn read(&mut self, name: &str, value: String) {
        let parent = self.open.last().map(String::as_str);
        let room = &mut self.room;
        match (parent, name) {
            (Some("space"), "space_id") => room.id = Some(value),
            (Some("space"), "space_name") => room.name = Some(value),
            (Some("space"), "formal_name") => room.formal_name = Some(value),
            (Some("space"), "max_capacity") => room.capacity = text::people(&value).or(room.capacity),
            (Some("space"), "default_capacity") => room.capacity = room.capacity.or(text::people(&value)),
            (Some("space"), "building_name" | "bldg_name") => room.building = Some(value),
            (Some("space"), "features") => room.features = Cell::Joined(value),
            (Some("space"), "categories") => room.categories = Cell::Joined(value),
            (Some("feature"), "feature_name") | (Some("space" | "features"), "feature") => {
                add(&mut room.features, value);
            }
            (Some("category"), "category_name") | (Some("space" | "categories"), "category") => {
                add(&mut room.categories, value);
            }
            _ => {}
        }
    }
}

fn add(cell: &mut Cell, name: String) {
    match cell {
        Cell::Separate(names) => names.push(name),
        Cell::Joined(_) => *cell = Cell::Separate(vec![name]),
    }
}
