//! Groups the rooms of a list into buildings. Pure.

mod codes;
mod combined;
mod formal_names;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use self::codes::{code_and_name, initials, is_code_again, unique, without_code};
use super::{
    building_name::{self, most_frequent},
    lists::ListedRoom,
    room_name::{Names, Parts, has_number, is_kind, without_room_words},
};

/// The building name for rooms whose building is unknown.
const OTHER_NAME: &str = "Other rooms";

/// A building column with one name for this many room codes contains campuses, not buildings.
const CODES_OF_A_BUILDING: usize = 3;
/// The reason for the mark on a code that is in no list.
const MADE_CODE: &str = "a code made from the name";

/// Where a room's building comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum BuildingFrom {
    /// The room's name: HALL in "HALL 101"
    Name,
    /// The room's formal name: Old Hall in "Old Hall Room 101"
    Formal,
    /// The list's building column
    BldgName,
    /// The room's first category other than the chosen ones
    Category,
}

/// A value, and why it needs a review if it is a guess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    /// The value.
    pub value: String,
    /// Why it is a guess.
    pub check: Option<String>,
}

/// A building of the draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftBuilding {
    /// Unique, without commas.
    pub code: Guess,
    /// Its name.
    pub name: Guess,
    /// Its rooms, in natural order.
    pub rooms: Vec<DraftRoom>,
}

/// A room of the draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftRoom {
    /// 25Live's `space_id`.
    pub id: String,
    /// Its name within the building.
    pub name: String,
    /// Its capacity, in people.
    pub capacity: Option<u32>,
    /// Its features.
    pub features: Vec<String>,
    /// Why it needs a review.
    pub check: Option<String>,
}

impl Guess {
    fn sure(value: impl Into<String>) -> Self {
        Self { value: value.into(), check: None }
    }

    fn doubtful(value: impl Into<String>, why: impl Into<String>) -> Self {
        Self { value: value.into(), check: Some(why.into()) }
    }
}

/// The rooms of one building while they are grouped.
#[derive(Default)]
struct Group<'a> {
    spellings: Vec<String>,
    rooms: Vec<&'a ListedRoom>,
}

/// The prefixes of the formal names of the rooms with one code.
#[derive(Default)]
struct Beginnings {
    names: Vec<String>,
    /// Whether one of the formal names has a number, and so does not just describe its room.
    has_number: bool,
}

/// Groups rooms.
struct Grouper<'a> {
    names: Names,
    /// Codes whose last letter belongs to the room: `HALLB` of `HALLB101`, if there is `HALL`.
    with_letter: HashSet<String>,
    /// Codes and formal names whose number belongs to the building: `Research Park 4`.
    numbered: HashSet<(String, String)>,
    /// The prefixes of the formal names, by the code in the room's name.
    beginnings: HashMap<String, Beginnings>,
    chosen: &'a BTreeSet<&'a str>,
    from: BuildingFrom,
}

/// Groups rooms into buildings by the given source, or else by the best source in the list. The names of buildings are
/// learned from all rooms of the list. `chosen` are the categories that are not buildings.
#[must_use]
pub fn group(
    rooms: &[&ListedRoom],
    all: &[ListedRoom],
    chosen: &BTreeSet<&str>,
    from: Option<BuildingFrom>,
) -> (BuildingFrom, Vec<DraftBuilding>) {
    let names = Names::learn(&all.iter().map(|room| room.name.as_str()));
    let mut grouper = Grouper {
        names,
        with_letter: HashSet::new(),
        numbered: HashSet::new(),
        beginnings: HashMap::new(),
        chosen,
        from: BuildingFrom::Name,
    };
    grouper.learn_numbered(all);
    grouper.learn_beginnings(all);
    grouper.learn_with_letter();
    // Some rooms have another code now.
    grouper.learn_beginnings(all);
    grouper.from = from.unwrap_or_else(|| grouper.best(rooms));
    (grouper.from, grouper.buildings(rooms))
}

impl<'a> Grouper<'a> {
    fn learn_beginnings(&mut self, all: &[ListedRoom]) {
        let mut beginnings = HashMap::<String, Beginnings>::new();
        for room in all {
            if let (Some(parts), Some(name)) = (self.parts(room), self.formal_beginning(room)) {
                let of_code = beginnings.entry(parts.code.to_uppercase()).or_default();
                of_code.names.push(name);
                of_code.has_number |= room.formal_name.as_deref().is_some_and(has_number);
            }
        }
        self.beginnings = beginnings;
    }

    /// If several rooms of a building have the same formal name, its number is not theirs.
    fn learn_numbered(&mut self, all: &[ListedRoom]) {
        let mut rooms = HashMap::<(String, String), HashSet<String>>::new();
        for room in all {
            let (Some(Parts { code, room }), Some(formal)) = (self.parts(room), &room.formal_name) else { continue };
            let mut numbers = formal.split(' ').filter(|word| has_number(word)).peekable();
            if numbers.peek().is_some() && numbers.all(|number| !room.contains(number)) {
                rooms.entry((code.to_uppercase(), formal.clone())).or_default().insert(room);
            }
        }
        self.numbered = rooms.into_iter().filter(|(_, rooms)| rooms.len() > 1).map(|(name, _)| name).collect();
    }

    /// `HALLB101` is in `HALL` if that is a code with the same formal names.
    fn learn_with_letter(&mut self) {
        let name = |code: &str| Some(building_name::common(&self.beginnings.get(code)?.names)?.name);
        let has_letter = |code: &&String| {
            let shorter = code.strip_suffix(char::is_alphabetic).filter(|shorter| shorter.chars().count() > 1);
            shorter.and_then(name).is_some_and(|of_shorter| name(code) == Some(of_shorter))
        };
        self.with_letter = self.beginnings.keys().filter(has_letter).cloned().collect();
    }

    fn parts(&self, room: &ListedRoom) -> Option<Parts> {
        let parts = self.names.parts(&room.name)?;
        let Parts { code, room: number } = &parts;
        let is_in_one_word =
            || room.name.strip_prefix(code.as_str()).is_some_and(|rest| rest.starts_with(number.as_str()));
        if self.with_letter.contains(&code.to_uppercase())
            && is_in_one_word()
            && let Some((at, _)) = code.char_indices().next_back()
        {
            let (code, letter) = code.split_at(at);
            return Some(Parts { code: code.to_owned(), room: format!("{letter}{number}") });
        }
        Some(parts)
    }

    fn building_of(&self, room: &ListedRoom, from: BuildingFrom) -> Option<String> {
        match from {
            BuildingFrom::Name => self.parts(room).map(|parts| parts.code),
            BuildingFrom::Formal => self.formal_beginning(room),
            BuildingFrom::BldgName => room.building.clone(),
            BuildingFrom::Category => room.categories.iter().find(|name| !self.chosen.contains(name.as_str())).cloned(),
        }
    }

    fn formal_beginning(&self, room: &ListedRoom) -> Option<String> {
        let formal = room.formal_name.as_deref().filter(|formal| *formal != room.name)?;
        let parts = self.parts(room);
        let code = parts.as_ref().map(|parts| parts.code.to_uppercase());
        if code.is_some_and(|code| self.numbered.contains(&(code, formal.to_owned()))) {
            return Some(building_name::whole(formal));
        }
        building_name::beginning(formal, parts.as_ref())
    }

    /// The building column, even if it is empty for some rooms, unless it has few names for many codes, like a column of
    /// campuses. Otherwise the names; or the formal names, if they give more rooms a building, and the names give one to less
    /// than half.
    fn best(&self, rooms: &[&ListedRoom]) -> BuildingFrom {
        let with_building = |from| rooms.iter().filter(|room| self.building_of(room, from).is_some()).count();
        let in_column: Vec<_> = rooms.iter().filter(|room| room.building.is_some()).collect();
        let different = |from| {
            let buildings = in_column.iter().filter_map(|room| self.building_of(room, from));
            buildings.map(|name| name.to_uppercase()).collect::<HashSet<_>>().len()
        };
        let names_buildings = different(BuildingFrom::BldgName) * CODES_OF_A_BUILDING > different(BuildingFrom::Name);
        let names = with_building(BuildingFrom::Name);
        if !in_column.is_empty() && names_buildings {
            BuildingFrom::BldgName
        } else if names * 2 < rooms.len() && with_building(BuildingFrom::Formal) > names {
            BuildingFrom::Formal
        } else {
            BuildingFrom::Name
        }
    }

    fn buildings(&self, rooms: &[&'a ListedRoom]) -> Vec<DraftBuilding> {
        let by_code = self.keys_by_code(rooms);
        let formal = self.formal_names(rooms);
        let mut groups = BTreeMap::<String, Group<'a>>::new();
        let mut others = Vec::new();
        for room in rooms {
            let by_code = || {
                let code = self.parts(room)?.code;
                Some(by_code.get(&code.to_uppercase()).cloned().unwrap_or(code))
            };
            match self.building_of(room, self.from).map(|name| shorter(&formal, name)).or_else(by_code) {
                Some(building) => {
                    let group = groups.entry(building.to_uppercase()).or_default();
                    group.spellings.push(building);
                    group.rooms.push(room);
                }
                None => others.push(*room),
            }
        }
        let mut codes = HashSet::new();
        let mut buildings: Vec<_> = groups.into_values().map(|group| self.building(&group, &mut codes)).collect();
        mark_same_names(&mut buildings);
        let others = self.add_by_formal_name(others, &mut buildings);
        let others = self.group_by_formal_name(others, &mut buildings, &mut codes);
        buildings.sort_by(|one, other| alphanumeric_sort::compare_str(&one.code.value, &other.code.value));
        if !others.is_empty() {
            buildings.push(Self::without_building(&others, &mut codes));
        }
        for building in &mut buildings {
            finish(&mut building.rooms);
        }
        buildings
    }

    /// The prefixes of the formal names, if buildings come from them.
    fn formal_names(&self, rooms: &[&ListedRoom]) -> BTreeSet<String> {
        match self.from {
            BuildingFrom::Formal => rooms.iter().filter_map(|room| self.formal_beginning(room)).collect(),
            _ => BTreeSet::new(),
        }
    }

    /// The building of most rooms with the same code, for rooms without a building in the list.
    fn keys_by_code(&self, rooms: &[&ListedRoom]) -> HashMap<String, String> {
        let mut keys = HashMap::<String, Vec<String>>::new();
        for room in rooms {
            if let (Some(parts), Some(key)) = (self.parts(room), self.building_of(room, self.from)) {
                keys.entry(parts.code.to_uppercase()).or_default().push(key);
            }
        }
        keys.into_iter().filter_map(|(code, keys)| Some((code, most_usual(&keys)?))).collect()
    }

    /// Adds rooms to the buildings in their formal names. Returns the remaining rooms.
    fn add_by_formal_name(&self, rooms: Vec<&'a ListedRoom>, buildings: &mut [DraftBuilding]) -> Vec<&'a ListedRoom> {
        let mut rest = Vec::new();
        let names: HashMap<_, _> =
            buildings.iter().enumerate().map(|(place, building)| (building.name.value.to_uppercase(), place)).collect();
        for room in rooms {
            let beginning = self.formal_beginning(room).unwrap_or_default().to_uppercase();
            let ends = beginning.match_indices(' ').map(|(at, _)| at).chain([beginning.len()]);
            let place = ends.rev().find_map(|end| names.get(beginning.get(..end)?));
            match place.and_then(|place| buildings.get_mut(*place)) {
                Some(building) => {
                    let check = Some("placed in this building by its formal name".to_owned());
                    building.rooms.push(DraftRoom { check, ..draft(room, room.name.clone()) });
                }
                None => rest.push(room),
            }
        }
        rest
    }

    fn building(&self, group: &Group<'a>, codes: &mut HashSet<String>) -> DraftBuilding {
        let key = most_usual(&group.spellings).unwrap_or_default();
        let (code, name) = self.code_and_name(&key, group);
        let rooms = group.rooms.iter().map(|room| draft(room, self.room_name(room, &[&code.value, &key, &name.value])));
        DraftBuilding { rooms: rooms.collect(), code: unique(code, codes), name }
    }

    fn code_and_name(&self, key: &str, group: &Group<'a>) -> (Guess, Guess) {
        let code = self.code(key, group);
        if let Some((of_key, name)) = code_and_name(key) {
            // People know the code in the rooms' names: `OLD 101` in `0104 - Old Hall`.
            let is_known = self.from != BuildingFrom::Name && code.check.is_none();
            return (if is_known { code } else { Guess::sure(of_key) }, Guess::sure(name));
        }
        let name = self.name(key, &code.value);
        // Some lists have the code in the formal name or in the column, and the building's name in the name.
        let is_shorter = self.from == BuildingFrom::Name || name.value.len() < code.value.len();
        let is_swapped = is_shorter && is_name(&code.value) && !is_name(&name.value);
        if is_swapped {
            let check = name.check.filter(|_| self.from == BuildingFrom::Name);
            (Guess { check, ..name }, code)
        } else {
            (code, name)
        }
    }

    fn code(&self, key: &str, group: &Group<'a>) -> Guess {
        if self.from == BuildingFrom::Name {
            return Guess::sure(key);
        }
        let codes: Vec<_> = group.rooms.iter().filter_map(|room| Some(self.parts(room)?.code)).collect();
        let Some(code) = most_usual(&codes) else { return Guess::doubtful(initials(key), MADE_CODE) };
        match codes.iter().filter(|other| other.eq_ignore_ascii_case(&code)).count() {
            times if times * 2 > group.rooms.len() => Guess::sure(code),
            _ => Guess::doubtful(initials(key), MADE_CODE),
        }
    }

    fn name(&self, key: &str, code: &str) -> Guess {
        let is_number = !key.contains(char::is_alphabetic);
        let is_code = is_number || key.eq_ignore_ascii_case(code) && !key.contains(char::is_lowercase);
        if self.from != BuildingFrom::Name && !is_code {
            return Guess::sure(without_code(key, code));
        }
        let Some(beginnings) = self.beginnings.get(&code.to_uppercase()) else { return Self::code_as_name(key) };
        match building_name::common(&beginnings.names) {
            // `Physics` for `PHYSICS`.
            Some(common) if common.name.eq_ignore_ascii_case(code) && is_name(&common.name) => Guess::sure(common.name),
            Some(common) if is_code_again(&common.name, code) || is_short_for(&common.name, key) => {
                Self::code_as_name(key)
            }
            Some(common) => {
                let name = without_code(&common.name, code);
                let ends_with_kind = name.rsplit(' ').next().is_some_and(is_kind);
                if common.is_doubtful {
                    Guess::doubtful(name, "the formal names of its rooms differ")
                } else if !beginnings.has_number && (beginnings.names.len() == 1 || ends_with_kind) {
                    Guess::doubtful(name, "from a formal name, which may describe a room instead")
                } else {
                    Guess::sure(name)
                }
            }
            None => Self::code_as_name(key),
        }
    }

    /// Uses the code as the building's name; a guess if the code is an abbreviation.
    fn code_as_name(code: &str) -> Guess {
        if is_name(code) { Guess::sure(code) } else { Guess::doubtful(code, "the list has no full name") }
    }

    /// A room's name without its building, which has one of these names.
    fn room_name(&self, room: &ListedRoom, buildings: &[&str]) -> String {
        if let Some(parts) = self.parts(room)
            && buildings.iter().any(|building| parts.code.eq_ignore_ascii_case(building))
        {
            return parts.room;
        }
        let behind = buildings.iter().find_map(|building| {
            let (begins, rest) = room.name.split_at_checked(building.len())?;
            (begins.eq_ignore_ascii_case(building) && rest.starts_with([' ', '-']))
                .then(|| rest.trim_start_matches(['-', ' ']))
        });
        let words: Vec<_> = behind.unwrap_or(&room.name).split([' ']).filter(|word| !word.is_empty()).collect();
        let short = without_room_words(&words).join(" ");
        if short.is_empty() { room.name.clone() } else { short }
    }

    fn without_building(rooms: &[&ListedRoom], codes: &mut HashSet<String>) -> DraftBuilding {
        let why = "the list does not say which building these rooms are in";
        DraftBuilding {
            code: unique(Guess::sure(codes::OTHER), codes),
            name: Guess::doubtful(OTHER_NAME, why),
            rooms: rooms.iter().map(|room| draft(room, room.name.clone())).collect(),
        }
    }
}

fn draft(room: &ListedRoom, name: String) -> DraftRoom {
    let ListedRoom { id, capacity, features, .. } = room;
    DraftRoom { id: id.clone(), name, capacity: *capacity, features: features.clone(), check: None }
}

/// Sorts rooms naturally, and marks the names that need a review.
fn finish(rooms: &mut [DraftRoom]) {
    rooms.sort_by(|one, other| {
        alphanumeric_sort::compare_str(&one.name, &other.name)
            .then_with(|| alphanumeric_sort::compare_str(&one.id, &other.id))
    });
    let mut times = HashMap::<String, usize>::new();
    for room in &*rooms {
        *times.entry(room.name.to_lowercase()).or_default() += 1;
    }
    for room in rooms {
        let name = room.name.to_lowercase();
        if times.get(&name).is_some_and(|times| *times > 1) {
            room.check = Some("another room has the same name".to_owned());
        } else if combined::is_combined(&name, |part| times.contains_key(part)) {
            room.check = Some("may be several rooms combined".to_owned());
        }
    }
}

/// The most frequent spelling, preferably one that does not begin with a lowercase letter.
fn most_usual(spellings: &[String]) -> Option<String> {
    let begins_small = |text: &&str| text.starts_with(char::is_lowercase);
    let (small, others): (Vec<_>, Vec<_>) = spellings.iter().map(String::as_str).partition(begins_small);
    most_frequent(if others.is_empty() { &small } else { &others }).map(|(text, _)| text.to_owned())
}

/// Whether a text is more than a code: it has several words, or lowercase letters after a capital.
fn is_name(text: &str) -> bool {
    text.contains(' ') || text.contains(char::is_lowercase) && text.contains(char::is_uppercase)
}

/// Whether a name is a prefix of another: `Old` of `Old Hall`, but not the code `OLD`.
fn is_short_for(name: &str, other: &str) -> bool {
    is_name(name) && other.to_lowercase().starts_with(&format!("{} ", name.to_lowercase()))
}

/// The shortest of these names, of two words or more, that is a prefix of a name: `Old Hall` for `Old Hall Stage`.
fn shorter(names: &BTreeSet<String>, name: String) -> String {
    let ends = name.match_indices(' ').map(|(at, _)| at).skip(1);
    let shorter = ends.filter_map(|at| name.get(..at)).find(|begins| names.contains(*begins)).map(str::to_owned);
    shorter.unwrap_or(name)
}

/// Marks names that several buildings have, such as "General Purpose": formal names like that contain no building.
fn mark_same_names(buildings: &mut [DraftBuilding]) {
    let names: Vec<_> = buildings.iter().map(|building| building.name.value.to_lowercase()).collect();
    let mut times = HashMap::<&str, usize>::new();
    for name in &names {
        *times.entry(name).or_default() += 1;
    }
    for (building, name) in buildings.iter_mut().zip(&names) {
        if times.get(name.as_str()).is_some_and(|times| *times > 1) {
            building.name.check = Some("another building has the same name".to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
