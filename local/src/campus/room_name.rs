//! Splits a room's short name into the building's code and the room's own name.
//!
//! Most lists have `HALL 101`; others have `101 HALL`, `HALL101`, `0104-232`, or a building's full name before the number.
//! A single name can be ambiguous ("Ballroom A"), so the other names of the list are used too.

use std::collections::{HashMap, HashSet};

/// Kinds of rooms, which are not building names.
const KINDS: [&str; 46] = [
    "atrium",
    "auditorium",
    "ballroom",
    "breakout",
    "cafe",
    "class",
    "classroom",
    "clinic",
    "collab",
    "computer",
    "common",
    "conference",
    "conf",
    "court",
    "dining",
    "field",
    "floor",
    "foyer",
    "garden",
    "interview",
    "lab",
    "laboratory",
    "lawn",
    "lecture",
    "level",
    "lobby",
    "lot",
    "lounge",
    "lvl",
    "meeting",
    "module",
    "office",
    "parking",
    "patio",
    "plaza",
    "practice",
    "quad",
    "rehearsal",
    "seminar",
    "studio",
    "study",
    "suite",
    "table",
    "terrace",
    "track",
    "tent",
];
/// Words that may be a building name, but not next to a kind: `Dance 3`, but not `Dance Studio 3`.
pub(super) const FILLERS: [&str; 19] = [
    "a", "active", "and", "area", "arena", "dance", "for", "gallery", "general", "gym", "hall", "learning", "music",
    "of", "purpose", "smart", "space", "teaching", "tiered",
];
/// Words that may separate a building from a room's number.
const ROOM_WORDS: [&str; 10] = ["room", "rooms", "rm", "rm.", "#", "no.", "no", "-", ":", "|"];
/// Words that may be attached to the number: `#101`, `Rm.101`.
const GLUED_ROOM_WORDS: [&str; 5] = ["#", "room", "rm.", "rm", "no."];
/// Words that name a building only with a number.
const BUILDING_WORDS: [&str; 4] = ["bldg", "bldg.", "building", "bld"];
/// Last words of building names. After a dash, they mark a building, not a room: `West - Old Hall 101`.
const STRUCTURES: [&str; 13] = [
    "annex",
    "building",
    "center",
    "centre",
    "commons",
    "complex",
    "gymnasium",
    "hall",
    "house",
    "laboratories",
    "library",
    "tower",
    "union",
];
/// Separators between the parts of a name without spaces.
const SEPARATORS: [char; 6] = ['-', '_', '.', '/', ':', '#'];

/// A building's code and the room's name in that building.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) code: String,
    pub(super) room: String,
}

impl Parts {
    /// Removes punctuation that belongs to neither part.
    fn tidy(self) -> Self {
        let bare = |text: &str| text.trim().trim_end_matches([',', ';', ':', '-', ' ']).to_owned();
        let in_brackets = self.room.strip_prefix('(').and_then(|room| room.strip_suffix(')'));
        Self { code: bare(&self.code), room: bare(in_brackets.unwrap_or(&self.room)) }
    }
}

/// What is learned from the names of a whole list.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Whether a single letter before a number is a building: `B101`.
    one_letter: bool,
    /// The codes in unambiguous names, uppercase.
    codes: HashSet<String>,
    /// The codes that follow the room.
    behind: HashSet<String>,
    /// Whether most names have the code after the room. Then `AUD 3 HALL` is in `HALL`.
    mostly_behind: bool,
}

impl Names {
    /// Learns from all names of a list.
    pub(super) fn learn<'a>(names: &(impl Iterator<Item = &'a str> + Clone)) -> Self {
        let one_letter = names.clone().filter(|name| is_letter_and_number(name)).count() * 2 > names.clone().count();
        let mostly_behind = names.clone().filter(|name| is_number_and_code(name)).count() * 2 > names.clone().count();
        let mut learned = Self { one_letter, mostly_behind, ..Self::default() };
        let mut first_words = HashMap::<&str, usize>::new();
        for name in names.clone() {
            if let Some(parts) = learned.regular(name).map(|parts| learned.without_kind(parts)) {
                let code = parts.code.to_uppercase();
                if name.to_uppercase().ends_with(&code) {
                    learned.behind.insert(code.clone());
                }
                learned.codes.insert(code);
            } else if let Some((word, rest)) = name.split_once(' ') {
                let room = without_room_words(&words(rest)).join(" ");
                *first_words.entry(word).or_default() += usize::from(is_code(word) && is_lettered(&room));
            }
        }
        // `HALL A` and `HALL B` have no number, but a repeated code.
        learned.codes.extend(first_words.into_iter().filter(|(_, times)| *times > 1).map(|(word, _)| word.to_owned()));
        learned
    }

    /// The parts of a name; `None` if it contains no building.
    pub(super) fn parts(&self, name: &str) -> Option<Parts> {
        let behind = self.mostly_behind.then(|| self.by_code_behind(name)).flatten();
        behind
            .or_else(|| self.regular(name).map(|parts| self.without_kind(parts)))
            .or_else(|| self.by_known_code(name))
            .or_else(|| self.by_code_behind(name))
    }

    /// If `HALL` is a code, `HALL Lecture Hall 1` is split into `HALL` and `Lecture Hall 1`.
    fn without_kind(&self, parts: Parts) -> Parts {
        let Parts { code, room } = &parts;
        let shorter = code.match_indices(' ').find_map(|(at, _)| {
            let (code, kind) = code.split_at_checked(at)?;
            let is_building = is_code(code) || self.codes.contains(&code.to_uppercase());
            (is_building && is_kind(kind))
                .then(|| Parts { code: code.to_owned(), room: format!("{} {room}", kind.trim()) })
        });
        shorter.unwrap_or(parts)
    }

    /// The parts of a name with a number.
    fn regular(&self, name: &str) -> Option<Parts> {
        let words = words(name);
        let parts = match without_room_words(&words) {
            [] => None,
            [word] if words.len() == 1 => self.in_one_word(word),
            [first, second, ..] if has_number(first) => self.number_first(first, second, without_room_words(&words)),
            _ => code_first(&words),
        };
        parts.map(Parts::tidy).filter(|parts| !parts.code.is_empty() && !parts.room.is_empty() && !is_kind(&parts.code))
    }

    /// `HALL101`, `0104-232`, `101HALL`.
    fn in_one_word(&self, word: &str) -> Option<Parts> {
        if let Some(parts) = at_separator(word) {
            return Some(parts);
        }
        let (letters, rest) = word.split_at(word.find(|c: char| !c.is_alphabetic()).unwrap_or(word.len()));
        let enough = letters.chars().count() > usize::from(!self.one_letter);
        if enough && rest.starts_with(|c: char| c.is_ascii_digit()) {
            return Some(Parts { code: letters.to_owned(), room: rest.to_owned() });
        }
        let (number, code) = word.split_at(word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len()));
        let is_behind = !number.is_empty() && code.chars().count() > 2 && code.chars().all(char::is_alphabetic);
        is_behind.then(|| Parts { code: code.to_owned(), room: number.to_owned() })
    }

    /// `101 HALL`, `B06A HALL`, `0104 232`, `B26 101`, `HALL101 Lab`, `85 Main Street 101`.
    fn number_first(&self, first: &str, second: &str, words: &[&str]) -> Option<Parts> {
        let rest = words.get(1..)?;
        if has_number(second) {
            let is_code_behind = self.mostly_behind && second.starts_with(char::is_alphabetic) && rest.len() == 1;
            let (code, room) = if is_code_behind { (second, first.to_owned()) } else { (first, rest.join(" ")) };
            return Some(Parts { code: code.to_owned(), room });
        }
        let begins_with_digit = first.starts_with(|c: char| c.is_ascii_digit());
        let in_first = if begins_with_digit { at_separator(first) } else { self.in_one_word(first) };
        if let Some(Parts { code, room }) = in_first {
            return Some(Parts { code, room: [&[room.as_str()], rest].concat().join(" ") });
        }
        if !begins_with_digit {
            let [code] = rest else { return None };
            return is_code(code).then(|| Parts { code: (*code).to_owned(), room: first.to_owned() });
        }
        if let Some(number) = rest.iter().position(|word| has_number(word)) {
            let (address, room) = words.split_at(number + 1);
            let address = without_room_words_behind(address);
            return Some(Parts { code: address.join(" "), room: room.join(" ") });
        }
        let code = without_room_words(rest).join(" ");
        let names_a_building = code.chars().filter(|c| c.is_alphabetic()).count() > 1;
        names_a_building.then(|| Parts { code, room: first.to_owned() })
    }

    /// `HALL Lobby`, if other rooms are in `HALL`.
    fn by_known_code(&self, name: &str) -> Option<Parts> {
        let before = ends(name).rev().find_map(|at| {
            let (code, rest) = name.split_at(at);
            self.codes.contains(&code.to_uppercase()).then(|| parts(code, rest))
        });
        before.flatten()
    }

    /// Splits `Lobby HALL` if other rooms are in `HALL`.
    fn by_code_behind(&self, name: &str) -> Option<Parts> {
        ends(name).find_map(|at| {
            let (rest, code) = name.split_at(at);
            let code = code.get(1..)?;
            self.behind.contains(&code.to_uppercase()).then(|| parts(code, rest))?
        })
    }
}

/// The positions at which a word or a part of a name ends.
fn ends(name: &str) -> impl DoubleEndedIterator<Item = usize> {
    name.match_indices(|c: char| c == ' ' || SEPARATORS.contains(&c)).map(|(at, _)| at)
}

fn parts(code: &str, room: &str) -> Option<Parts> {
    let room = room.trim_matches(|c: char| c == ' ' || SEPARATORS.contains(&c));
    let room = without_room_words(&words(room)).join(" ");
    Some(Parts { code: code.to_owned(), room }.tidy()).filter(|parts| !parts.room.is_empty())
}

/// `HALL 101`, `Long Name Hall 101`, `Long Name Hall - Stage 1`.
fn code_first(words: &[&str]) -> Option<Parts> {
    let number = words.iter().position(|word| has_number(word))?;
    let (code, room) = words.split_at(if ends_with_number_of_building(words, number) { number + 1 } else { number });
    if matches!(code, [word] if is_one_of(&BUILDING_WORDS, word)) {
        return numbered_building(code, room);
    }
    let code = without_room_words_behind(code);
    let dash = code.iter().position(|word| *word == "-").filter(|dash| {
        let behind = code.get(dash + 1..).unwrap_or_default();
        let names_a_building = behind.last().is_some_and(|word| is_structure(word));
        *dash > 0 && (!names_a_building || is_kind(&behind.join(" ")))
    });
    let (code, named) = code.split_at(dash.unwrap_or(code.len()));
    let room = [without_room_words(named), room].concat();
    Some(Parts { code: without_room_words_behind(code).join(" "), room: room.join(" ") })
}

/// Whether the first of two numbers belongs to the building: `Research Park 4 101`, but not `HALL 4 101`.
fn ends_with_number_of_building(words: &[&str], number: usize) -> bool {
    let (before, behind) = words.split_at(number);
    let is_name = before.last().is_some_and(|word| word.contains(char::is_lowercase) && !is_one_of(&ROOM_WORDS, word));
    let is_short = |word: &str| word.len() < 3 && word.chars().all(|c| c.is_ascii_digit());
    is_name && !is_kind(&before.join(" ")) && matches!(behind, [first, second] if is_short(first) && has_number(second))
}

/// `Bldg 12 101`, `Building 12 - 101`, `Building 12-101`.
fn numbered_building(building: &[&str], numbers: &[&str]) -> Option<Parts> {
    let (number, behind) = numbers.split_first()?;
    let behind = without_room_words(behind);
    if behind.first().is_some_and(|word| has_number(word)) {
        return Some(Parts { code: [building, &[*number]].concat().join(" "), room: behind.join(" ") });
    }
    let Parts { code, room } = at_separator(number)?;
    let code = [building, &[code.as_str()]].concat().join(" ");
    Some(Parts { code, room: [&[room.as_str()], behind].concat().join(" ") })
}

/// Splits a name into words, and separates what is attached to a room's number: `#101`, `Rm.101`, `Hall-101`.
pub(super) fn words(name: &str) -> Vec<&str> {
    let words: Vec<_> = name.split(' ').filter(|word| !word.is_empty()).collect();
    let is_alone = words.len() == 1;
    let split = |word: &str| {
        let glued = GLUED_ROOM_WORDS.iter().find_map(|known| {
            let (before, number) = word.split_at_checked(known.len())?;
            let is_room_word =
                before.eq_ignore_ascii_case(known) && !(is_alone && before.ends_with(char::is_alphabetic));
            (is_room_word && number.starts_with(|c: char| c.is_ascii_digit())).then_some(known.len())
        });
        let hyphen = || {
            let (before, number) = word.split_once('-')?;
            let is_word = before.chars().all(char::is_alphabetic) && before.contains(char::is_lowercase);
            // `Old Hall-B10`, but not `Sci-B2 101`.
            let is_plain = number.starts_with(|c: char| c.is_ascii_digit());
            let is_number = is_plain || words.last() == Some(&word) && begins_with_number(number);
            (is_word && is_number).then_some(before.len())
        };
        glued.or_else(hyphen)
    };
    words
        .iter()
        .flat_map(|&word| match split(word) {
            Some(at) => {
                vec![word.get(..at).unwrap_or_default(), word.get(at..).unwrap_or_default().trim_start_matches('-')]
            }
            None => vec![word],
        })
        .collect()
}

/// Splits a word at the first separator before a room's number: `0104-232`, `ART-SOC-2203`.
fn at_separator(word: &str) -> Option<Parts> {
    let (at, _) = word.match_indices(SEPARATORS).find(|(at, _)| {
        let piece = word.get(at + 1..).unwrap_or_default().split(SEPARATORS).next().unwrap_or_default();
        has_number(piece)
    })?;
    let (code, room) = word.split_at(at);
    (!code.is_empty()).then(|| Parts { code: code.to_owned(), room: room.get(1..).unwrap_or_default().to_owned() })
}

pub(super) fn without_room_words<'a, 'b>(words: &'a [&'b str]) -> &'a [&'b str] {
    let room_words = words.iter().take_while(|word| is_one_of(&ROOM_WORDS, word)).count();
    words.get(room_words..).unwrap_or_default()
}

pub(super) fn without_room_words_behind<'a, 'b>(words: &'a [&'b str]) -> &'a [&'b str] {
    let is_room_word = |word: &&&str| {
        let word = word.trim_matches([',', '-', ':', '(', '[']);
        word.is_empty() || is_one_of(&ROOM_WORDS, word)
    };
    let room_words = words.iter().rev().take_while(is_room_word).count();
    words.get(..words.len() - room_words).unwrap_or_default()
}

/// Whether a building's name may end with a word: `Hall`.
pub(super) fn is_structure(word: &str) -> bool {
    is_one_of(&STRUCTURES, word)
}

pub(super) fn is_one_of(known: &[&str], word: &str) -> bool {
    known.contains(&word.to_lowercase().as_str())
}

/// Whether a word contains a room's number. An ordinal of a floor ("2nd") does not count.
pub(super) fn has_number(word: &str) -> bool {
    let ordinal = word.trim_start_matches(|c: char| c.is_ascii_digit()).to_lowercase();
    let is_ordinal =
        word.starts_with(|c: char| c.is_ascii_digit()) && ["st", "nd", "rd", "th"].contains(&ordinal.as_str());
    !is_ordinal && word.contains(|c: char| c.is_ascii_digit())
}

/// Whether a word begins with a room number of at most two letters and a digit: `101`, `B101`, `LL16`.
fn begins_with_number(word: &str) -> bool {
    let number = word.trim_start_matches(char::is_uppercase);
    word.len() - number.len() < 3 && number.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a text only describes the kind of a room.
pub(super) fn is_kind(text: &str) -> bool {
    let text = text.to_lowercase();
    let is_one = |word: &str| is_one_of(&ROOM_WORDS, word) || is_one_of(&KINDS, word);
    // A commons is a building.
    let is_kind = |word: &str| is_one(word) || word != "commons" && is_one(word.trim_end_matches('s'));
    let words = text.split([' ', '/', '-']).map(|word| word.trim_matches([',', '(', ')', '&']));
    let mut words = words.filter(|word| !word.is_empty() && !FILLERS.contains(word)).peekable();
    words.peek().is_some() && words.all(is_kind)
}

/// `B101`, but not `B101 HALL`.
fn is_letter_and_number(name: &str) -> bool {
    let mut characters = name.chars();
    let begins =
        characters.next().is_some_and(char::is_alphabetic) && characters.next().is_some_and(|c| c.is_ascii_digit());
    begins && !name.split(' ').nth(1).is_some_and(is_code)
}

/// Whether a name has the room first: `101 HALL`, `B101 HALL2`, but not `HALL101 Lab`.
fn is_number_and_code(name: &str) -> bool {
    let last = name.rsplit(' ').next().unwrap_or_default();
    begins_with_number(name) && name.contains(' ') && last.starts_with(char::is_alphabetic) && !is_kind(last)
}

/// The first word of a name if it may be a code: at least two capital letters.
pub(super) fn first_code(name: &str) -> Option<&str> {
    let (word, _) = name.split_once([' ', '-'])?;
    (word.chars().count() > 1 && word.chars().all(char::is_uppercase)).then_some(word)
}

/// Whether a word looks like a code: capital letters only.
fn is_code(word: &str) -> bool {
    word.chars().count() > 1 && word.chars().all(char::is_uppercase) && !is_kind(word)
}

/// Whether a room's name consists of one or two letters, or of several such names with a sign such as `&`.
fn is_lettered(room: &str) -> bool {
    room.split([' ', '&', '+', '/']).all(|part| part.chars().count() < 3 && part.chars().all(char::is_uppercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(list: &[&str], name: &str) -> Option<(String, String)> {
        let names = Names::learn(&list.iter().copied());
        names.parts(name).map(|parts| (parts.code, parts.room))
    }

    #[test]
    fn a_regular_name_has_a_code_and_a_room() {
        for (name, code, room) in [
            ("HALL 101", "HALL", "101"),
            ("HALL B06A", "HALL", "B06A"),
            ("HALL 101 Lab", "HALL", "101 Lab"),
            ("HALL Room 101", "HALL", "101"),
            ("HALL - 101", "HALL", "101"),
            ("HALL, 101", "HALL", "101"),
            ("HALL (101)", "HALL", "101"),
            ("Room 101 DANE", "DANE", "101"),
            ("101 - DANE", "DANE", "101"),
            ("101, DANE", "DANE", "101"),
            ("85 Main Street 101", "85 Main Street", "101"),
            ("Old Main Hall 101", "Old Main Hall", "101"),
            ("1028 DANE", "DANE", "1028"),
            ("1028B DANE Hall", "DANE Hall", "1028B"),
            ("WELL20", "WELL", "20"),
            ("WELL20A Lab", "WELL", "20A Lab"),
            ("20WELL", "WELL", "20"),
            ("0104-232", "0104", "232"),
            ("0104 232", "0104", "232"),
            ("0104-232 Lab", "0104", "232 Lab"),
            ("0104-232-A", "0104", "232-A"),
            ("B26 101", "B26", "101"),
            ("ART-SOC-2203", "ART-SOC", "2203"),
            ("HALL_101", "HALL", "101"),
            ("Bldg 12 101", "Bldg 12", "101"),
            ("A,B 101", "A,B", "101"),
            ("GYM 1", "GYM", "1"),
            ("HALL #101", "HALL", "101"),
            ("HALL Rm.101", "HALL", "101"),
            ("HALL RM101", "HALL", "101"),
            ("Old Hall-101", "Old Hall", "101"),
            ("HALL B-101", "HALL", "B-101"),
            ("WELL Lecture Hall 1", "WELL", "Lecture Hall 1"),
            ("Old Lecture Hall 1", "Old Lecture Hall", "1"),
            ("B06A HALL", "HALL", "B06A"),
            ("85 Main Street Room 101", "85 Main Street", "101"),
            ("Building 5 - 101", "Building 5", "101"),
            ("Building 5-101", "Building 5", "101"),
            ("Bldg. 12, Room 101", "Bldg. 12", "101"),
            ("Arts - Dane 10", "Arts", "Dane 10"),
            ("Arts - Lecture Hall 10", "Arts", "Lecture Hall 10"),
            ("West - Old Hall 10", "West - Old Hall", "10"),
            ("Old Hall-B10", "Old Hall", "B10"),
            ("Sci-B2 101", "Sci-B2", "101"),
            ("CLAS 101", "CLAS", "101"),
            ("Lecture Center 10", "Lecture Center", "10"),
            ("Conference Center Room 10", "Conference Center", "10"),
            ("Learning Commons 10", "Learning Commons", "10"),
            ("Music Annex 10", "Music Annex", "10"),
            ("Engineering 2 101", "Engineering 2", "101"),
            ("Research Park 4 B10A", "Research Park 4", "B10A"),
            ("HALL 10 1", "HALL", "10 1"),
            ("WELL INTERVIEW ROOM 10", "WELL", "INTERVIEW 10"),
        ] {
            assert_eq!(split(&[name], name), Some((code.into(), room.into())), "{name}");
        }
    }

    #[test]
    fn a_name_without_a_building_has_no_code() {
        for name in [
            "Ballroom",
            "Ballroom 2",
            "Dance Studio 3",
            "Music Practice Rooms 2",
            "Practice Room 4",
            "Parking Lot 5",
            "Room 101",
            "101",
            "101 A",
            "2nd Floor Lounge",
            "LVL 1 Room A",
            "Room #101",
            "General Classroom 2",
            "Building 12",
            "101 Lecture Hall",
            "Class 101",
            "East Lawn",
            "",
            "-",
            "101-",
        ] {
            assert_eq!(split(&[name], name), None, "{name}");
        }
    }

    #[test]
    fn codes_are_learned_from_the_other_names_of_the_list() {
        let list = ["HALL 101", "HALL Lobby", "HALL-Stage", "ODE A", "ODE B", "ODE A & B", "Old Lawn"];
        for (name, room) in [("HALL Lobby", "Lobby"), ("HALL-Stage", "Stage"), ("Hall Lobby", "Lobby")] {
            assert_eq!(split(&list, name).map(|(_, room)| room).as_deref(), Some(room), "{name}");
        }
        assert_eq!(split(&list, "ODE A & B"), Some(("ODE".into(), "A & B".into())));
        assert_eq!(split(&list, "Old Lawn"), None);
        assert_eq!(split(&list, "HALL ,"), None);
        assert_eq!(split(&["ODE Rm A", "ODE Rm B"], "ODE Rm A"), Some(("ODE".into(), "A".into())));
        assert_eq!(split(&["1028 DANE", "Lobby DANE"], "Lobby DANE"), Some(("DANE".into(), "Lobby".into())));
    }

    #[test]
    fn a_known_code_ends_before_the_kind_of_room() {
        let expected = Some(("Dane".into(), "Lecture Hall 2".into()));
        assert_eq!(split(&["Dane 1", "Dane Lecture Hall 2"], "Dane Lecture Hall 2"), expected);
    }

    #[test]
    fn if_most_names_end_with_a_code_a_word_before_the_number_is_not_a_building() {
        let list =
            ["1028 DANE", "1040 DANE", "101, DANE", "AUD 3 WELL", "AUD A DANE", "B118 WELL", "101 DANE2", "102 DANE2"];
        for (name, code, room) in [
            ("AUD 3 WELL", "WELL", "AUD 3"),
            ("AUD A DANE", "DANE", "AUD A"),
            ("1028 DANE", "DANE", "1028"),
            ("101, DANE", "DANE", "101"),
            ("B118 WELL", "WELL", "B118"),
            ("101 DANE2", "DANE2", "101"),
        ] {
            assert_eq!(split(&list, name), Some((code.into(), room.into())), "{name}");
        }
        assert_eq!(
            split(&["HALL 1", "HALL 2", "HALL 3 DANE", "4 DANE"], "HALL 3 DANE"),
            Some(("HALL".into(), "3 DANE".into()))
        );
    }

    #[test]
    fn a_single_letter_is_a_building_if_most_names_begin_with_one() {
        assert_eq!(split(&["A101", "B201", "Lawn"], "B201"), Some(("B".into(), "201".into())));
        assert_eq!(split(&["B201", "HALL 1", "HALL 2"], "B201"), None);
        assert_eq!(split(&["B201 HALL", "B202 HALL", "1 HALL"], "B201 HALL"), Some(("HALL".into(), "B201".into())));
    }
}
