//! A building's name, from the common prefix of its rooms' formal names.

use std::collections::HashMap;

use super::room_name::{
    self, FILLERS, Parts, has_number, is_kind, is_one_of, is_structure, without_room_words, without_room_words_behind,
};

/// Punctuation around words.
const PUNCTUATION: [char; 7] = [',', '-', ':', ';', '#', '(', ')'];
/// Kinds of rooms: a prefix may end with one of these words, but a building's name does not.
const ENDINGS: [&str; 8] =
    ["classroom", "classrooms", "class", "seminar", "lecture", "conference", "office", "computer"];
/// Words that describe a room after `Hall`, but may be part of a name elsewhere.
const TYPES: [&str; 19] = [
    "active",
    "alc",
    "basement",
    "classrm",
    "clsrm",
    "cr",
    "general",
    "instructional",
    "interactive",
    "large",
    "learning",
    "lec",
    "lect",
    "lh",
    "number",
    "purpose",
    "smart",
    "space",
    "teaching",
];
/// Words that name a floor, next to a number.
const FLOORS: [&str; 3] = ["floor", "level", "lvl"];
const ORDINALS: [&str; 7] = ["first", "second", "third", "fourth", "fifth", "ground", "main"];
/// Words that continue a list of numbers: `1 and 2`.
const CONNECTIVES: [&str; 6] = ["&", "+", "and", "or", "through", "to"];
/// Words that are not a name on their own.
const NO_NAMES: [&str; 8] = ["the", "university", "college", "school", "building", "bldg", "center", "department"];

/// A building's name, and whether too many formal names contradict it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Common {
    pub(super) name: String,
    pub(super) is_doubtful: bool,
}

/// Removes the kind of room from the beginning of a formal name: `Classroom, Old Hall`.
fn without_kind<'a, 'b>(words: &'a [&'b str]) -> &'a [&'b str] {
    let ends_part = |word: &&str| word.ends_with([',', ':']) || word.chars().all(|c| PUNCTUATION.contains(&c));
    let Some(end) = words.iter().position(ends_part) else { return words };
    let (kind, rest) = words.split_at(end + 1);
    let says_more = !rest.is_empty() && !is_kind(&rest.join(" "));
    if is_kind(&clean(kind)) && says_more { rest } else { words }
}

/// Removes trailing words that describe a room or name a floor: `Old Hall Lecture Hall`.
fn without_type<'a, 'b>(words: &'a [&'b str]) -> &'a [&'b str] {
    let bare = |word: &&'b str| word.trim_matches(PUNCTUATION);
    let is_type = |words: &[&str]| {
        let has = |known: &[&str]| words.iter().any(|word| is_one_of(known, word));
        let is_floor = has(&FLOORS);
        let is_of_floor = |word: &str| is_one_of(&ORDINALS, word) || word.starts_with(|c: char| c.is_ascii_digit());
        let rest = words.iter().filter(|word| !(is_one_of(&TYPES, word) || is_floor && is_of_floor(word)));
        let rest = rest.copied().collect::<Vec<_>>();
        let is_filler = |word: &&str| is_one_of(&FILLERS, word);
        is_kind(&rest.join(" ")) || has(&TYPES) && rest.iter().all(is_filler)
    };
    let ends_name = |at: &usize| {
        let (name, rest) = words.split_at(*at);
        let rest: Vec<_> = rest.iter().map(bare).filter(|word| !word.is_empty()).collect();
        let is_building = name.last().is_some_and(|word| is_structure(bare(word))) && !is_kind(&name.join(" "));
        is_building && is_type(&rest)
    };
    let end = (2..words.len()).find(ends_name).unwrap_or(words.len());
    words.get(..end).unwrap_or_default()
}

/// The building in a formal name: the words before the room's number, or those after it if only the code or nothing comes
/// before. `None` if the formal name contains no building.
pub(super) fn beginning<'a>(formal: &'a str, parts: Option<&Parts>) -> Option<String> {
    let number = parts.and_then(|parts| parts.room.split(' ').next());
    let behind_hyphen =
        |word: &'a str| word.rsplit_once('-').filter(|(name, last)| !name.is_empty() && number == Some(*last));
    let apart = |word| behind_hyphen(word).map_or_else(|| vec![word], |(name, last)| vec![name, last]);
    let words: Vec<_> = room_name::words(formal).into_iter().flat_map(apart).collect();
    // Some lists have 0232 in one name and 232 in the other.
    let plain = |word: &str| word.trim_matches(PUNCTUATION).trim_start_matches('0').to_lowercase();
    let is_number =
        |word: &&str| number.is_some_and(|number| !plain(number).is_empty() && plain(word) == plain(number));
    let place = words.iter().position(is_number).or_else(|| words.iter().position(|word| has_number(word)));
    let (before, behind) = match place {
        Some(place) => (words.get(..place)?, words.get(place + 1..)?),
        None => (words.as_slice(), [].as_slice()),
    };
    let before = without_kind(before);
    let behind = behind.strip_prefix(&["in"]).unwrap_or(behind);
    let is_no_name = |words: &[&str]| is_kind(&words.join(" "));
    let has_no_name = before.is_empty() || is_no_name(before);
    let before = clean(before);
    let is_code = !behind.is_empty() && parts.is_some_and(|parts| parts.code.eq_ignore_ascii_case(&before));
    let goes_on =
        |words: &[&str]| words.first().is_some_and(|word| CONNECTIVES.contains(&word.to_lowercase().as_str()));
    let name = match has_no_name || before.is_empty() || is_kind(&before) || is_code {
        true if goes_on(behind) || is_no_name(behind) => return None,
        true => clean(without_room_words(behind)),
        false => before,
    };
    let says_something = name.chars().any(char::is_alphabetic) && !is_kind(&name);
    says_something.then_some(name)
}

/// The building's name if the whole formal name is one.
pub(super) fn whole(formal: &str) -> String {
    clean(&room_name::words(formal))
}

/// The name that most prefixes of a building's formal names share.
pub(super) fn common(beginnings: &[String]) -> Option<Common> {
    let mut groups = HashMap::<String, Vec<&str>>::new();
    for beginning in beginnings {
        groups.entry(first_word(beginning)).or_default().push(beginning);
    }
    let group = groups.into_values().max_by_key(Vec::len).filter(|group| group.len() * 2 > beginnings.len())?;
    // A single outlier among many is a room with its own name.
    let is_doubtful = |times: usize| times < beginnings.len() && times * 5 <= beginnings.len() * 4;
    let shared = shared_words(&group);
    // `Old West` and `Old New West` share one word by chance.
    let is_no_chance = shared.contains(' ') || group.iter().any(|text| same_words(text, &shared));
    let top = most_frequent(&group).filter(|(_, times)| times * 3 >= group.len() * 2);
    let common = match top.map(|(name, times)| Common { name: clean_text(name), is_doubtful: is_doubtful(times) }) {
        // With nine `Old Hall` and one `Old Lab`, the shared `Old` is too short.
        Some(top) if top.name.len() > shared.len() && (!shared.contains(' ') || !top.is_doubtful) => top,
        _ => Common { name: shared, is_doubtful: is_doubtful(group.len()) || !is_no_chance },
    };
    let is_name =
        !common.name.is_empty() && !is_kind(&common.name) && !NO_NAMES.contains(&common.name.to_lowercase().as_str());
    is_name.then_some(common)
}

fn first_word(text: &str) -> String {
    text.split(' ').next().unwrap_or_default().to_lowercase()
}

/// The words that all texts begin with, spelled as in the first text with lowercase letters.
fn shared_words(texts: &[&str]) -> String {
    let has_small = |text: &&&str| text.contains(char::is_lowercase);
    let Some(first) = texts.iter().find(has_small).or(texts.first()) else { return String::new() };
    let words: Vec<_> = first.split(' ').collect();
    let shared = texts.iter().fold(words.len(), |shared, text| {
        let same = words.iter().zip(text.split(' ')).take_while(|(one, other)| same_word(one, other)).count();
        shared.min(same)
    });
    clean(words.get(..shared).unwrap_or_default())
}

fn same_word(one: &str, other: &str) -> bool {
    one.trim_end_matches(PUNCTUATION).to_lowercase() == other.trim_end_matches(PUNCTUATION).to_lowercase()
}

fn same_words(one: &str, other: &str) -> bool {
    one.split(' ').count() == other.split(' ').count()
        && one.split(' ').zip(other.split(' ')).all(|(one, other)| same_word(one, other))
}

/// The most frequent text and its count; the alphabetically first one of a tie.
pub(super) fn most_frequent<'a>(texts: &[&'a str]) -> Option<(&'a str, usize)> {
    let mut times = HashMap::<&str, usize>::new();
    for text in texts {
        *times.entry(text).or_default() += 1;
    }
    times.into_iter().max_by(|(one, ones), (other, others)| ones.cmp(others).then_with(|| other.cmp(one)))
}

fn clean_text(text: &str) -> String {
    clean(&text.split(' ').collect::<Vec<_>>())
}

/// Joins words, without surrounding punctuation and without trailing words that describe the room.
fn clean(words: &[&str]) -> String {
    let mut words = without_type(words);
    loop {
        let shorter = without_room_words_behind(words);
        let shorter = match shorter.split_last() {
            Some((last, rest)) if !rest.is_empty() && ENDINGS.contains(&last.to_lowercase().as_str()) => rest,
            _ => shorter,
        };
        if shorter.len() == words.len() {
            break;
        }
        words = shorter;
    }
    let text = words.join(" ");
    let text = text.trim_matches(|c: char| c == ' ' || PUNCTUATION.contains(&c) && c != ')');
    if text.contains('(') { text } else { text.trim_end_matches(')') }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(formal: &str, room: &str) -> Option<String> {
        beginning(formal, Some(&Parts { code: "X".into(), room: room.into() }))
    }

    #[test]
    fn a_formal_name_begins_with_its_building() {
        for formal in [
            "Old Hall 101",
            "Old Hall Room 101",
            "Old Hall Rm 101",
            "Old Hall Rm. 101",
            "Old Hall - 101",
            "Old Hall, 101",
            "Old Hall, Room 101",
            "Old Hall #101",
            "Old Hall - Room - 101",
            "Old Hall (101)",
            "Old Hall Classroom 101",
            "Old Hall",
            "Old Hall Room",
            "Old Hall -",
            "Classroom, Old Hall",
            "Lecture Hall - Old Hall",
            "101 Old Hall",
            "Room 101, Old Hall",
            "Classroom 101 - Old Hall",
            "Old Hall-101",
            "Old Hall Rm.101",
            "Old Hall Room #101",
            "X 101 - Old Hall",
            "X 101 (Old Hall)",
            "Old Hall (Room 101)",
            "Old Hall Lecture Hall 101",
            "Old Hall Lec Hall 101",
            "Old Hall Auditorium 101",
            "Old Hall Computer Lab 101",
            "Old Hall General Purpose Classroom",
            "Old Hall Active Learning Classroom 101",
            "Old Hall LH 101",
            "Old Hall -Lecture Hall",
            "Old Hall, 1st Floor, 101",
            "Old Hall Third Floor 101",
            "Old Hall, Floor 1, Room 101",
            "Lecture Hall, Old Hall 101",
            "Classroom 101 in Old Hall",
        ] {
            assert_eq!(of(formal, "101").as_deref(), Some("Old Hall"), "{formal}");
        }
        assert_eq!(of("Building 12 Room 101", "101").as_deref(), Some("Building 12"));
        assert_eq!(of("Building 12 Room 0101", "101").as_deref(), Some("Building 12"));
        assert_eq!(of("Old Hall 7", "101").as_deref(), Some("Old Hall"));
        assert_eq!(of("Old Hall-B101", "B101").as_deref(), Some("Old Hall"));
        assert_eq!(of("Engineering 2-101", "101").as_deref(), Some("Engineering 2"));
        assert_eq!(of("Engineering II-101", "101").as_deref(), Some("Engineering II"));
        for building in [
            "Old Lecture Hall",
            "Old Hall Annex",
            "Lecture Center",
            "Learning Commons",
            "Music Annex",
            "Science Building 2 Lab",
            "Old Engineering Lab",
        ] {
            assert_eq!(of(&format!("{building} 101"), "101").as_deref(), Some(building));
        }
    }

    #[test]
    fn some_formal_names_contain_no_building() {
        for formal in [
            "OFFICE",
            "101",
            "Room 101",
            "Classroom",
            "General Classroom",
            "X 101 - Computer Lab",
            "Lecture Hall 101",
            "-",
            "101 and 102",
            "101 & 102",
        ] {
            assert_eq!(of(formal, "101"), None, "{formal}");
        }
    }

    fn shared(beginnings: &[&str]) -> Option<(String, bool)> {
        let beginnings: Vec<_> = beginnings.iter().map(|name| (*name).to_owned()).collect();
        common(&beginnings).map(|common| (common.name, common.is_doubtful))
    }

    #[test]
    fn the_building_name_is_the_common_prefix_of_formal_names() {
        assert_eq!(shared(&["OLD HALL", "Old Hall", "Old Hall"]), Some(("Old Hall".into(), false)));
        assert_eq!(shared(&["Old Hall Stage", "Old Hall", "Old Hall Lab"]), Some(("Old Hall".into(), false)));
        assert_eq!(shared(&["Old Hall", "Old Hall", "Old Hall", "New Lab"]), Some(("Old Hall".into(), true)));
        assert_eq!(shared(&["Old Hall", "Old Hall", "Old Gym"]), Some(("Old Hall".into(), true)));
        assert_eq!(shared(&["Old Hall"]), Some(("Old Hall".into(), false)));
        assert_eq!(shared(&["Old Hall Stage", "Old Hall Pit"]), Some(("Old Hall".into(), false)));
        assert_eq!(shared(&["Old West", "Old New West"]), Some(("Old".into(), true)));
    }

    #[test]
    fn one_outlier_among_many_formal_names_does_not_make_the_name_doubtful() {
        for odd in ["New Lab", "Old Lab"] {
            assert_eq!(shared(&[&["Old Hall"; 9][..], &[odd]].concat()), Some(("Old Hall".into(), false)), "{odd}");
        }
    }

    #[test]
    fn formal_names_without_a_common_prefix_give_no_name() {
        assert_eq!(shared(&["Smith Room", "Jones Room"]), None);
        assert_eq!(shared(&["The Pit", "The Lab"]), None);
        assert_eq!(shared(&[]), None);
    }
}
