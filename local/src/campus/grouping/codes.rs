//! The codes of buildings.

use std::collections::HashSet;

use super::Guess;
use crate::campus::room_name::is_kind;

/// The code for rooms whose building is unknown.
pub(super) const OTHER: &str = "OTHER";
/// The maximum length of a code made from one word.
const CODE_LENGTH: usize = 8;

/// Makes a code unique and removes its commas.
pub(super) fn unique(code: Guess, codes: &mut HashSet<String>) -> Guess {
    let plain = code.value.replace(',', " ").split(' ').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let plain = if plain.is_empty() { OTHER.to_owned() } else { plain };
    let mut free = plain.clone();
    let mut number = 2;
    while !codes.insert(free.to_uppercase()) {
        free = format!("{plain}{number}");
        number += 1;
    }
    let check = match (free == plain, plain == code.value) {
        (false, _) => Some(format!("another building has the code {plain}")),
        (true, false) => Some(format!("the list has {}, but a code cannot contain a comma", code.value)),
        (true, true) => code.check,
    };
    Guess { value: free, check }
}

/// `OMH` for `Old Main Hall`; the first letters of a one-word name.
pub(super) fn initials(name: &str) -> String {
    let words: Vec<_> = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let first = |words: &[&str]| words.iter().filter_map(|word| word.chars().next()).collect::<String>();
    let has_capital = |word: &&str| word.starts_with(|c: char| c.is_uppercase() || c.is_numeric());
    let capitals: Vec<_> = words.iter().copied().filter(has_capital).collect();
    let letters = match words.as_slice() {
        [] => name.chars().take(CODE_LENGTH).collect(),
        [word] => word.chars().take(CODE_LENGTH).collect(),
        words if capitals.is_empty() => first(words),
        _ => first(&capitals),
    };
    letters.to_uppercase()
}

/// Whether a formal name only repeats the code: `OLD 101`, or `Classroom OLD 101`.
pub(super) fn is_code_again(name: &str, code: &str) -> bool {
    let behind_kind =
        || name.rsplit_once(' ').is_some_and(|(kind, last)| is_kind(kind) && last.eq_ignore_ascii_case(code));
    name.eq_ignore_ascii_case(code) && !name.contains(' ') || behind_kind()
}

/// Splits `Old Hall (OLD)` or `OLD - Old Hall` into code and name.
pub(super) fn code_and_name(text: &str) -> Option<(&str, &str)> {
    let is_code =
        |code: &str| !code.contains([' ', '(']) && code.chars().all(|c| c.is_uppercase() || c.is_ascii_digit());
    let behind = || text.strip_suffix(')')?.rsplit_once(" (").map(|(name, code)| (code, name));
    let before = || text.split_once(" - ");
    behind().or_else(before).filter(|(code, name)| is_code(code) && !is_code(name))
}

/// Removes the code from a building's name: `Old Hall` from `OLD - Old Hall`, `Old Hall (OLD)` or `Old Hall OLD`.
pub(super) fn without_code<'a>(name: &'a str, code: &str) -> &'a str {
    let before = name.strip_prefix(code).and_then(|rest| rest.trim_start().strip_prefix(['-', ':']));
    let behind = || name.strip_suffix(')')?.strip_suffix(code)?.strip_suffix('(');
    // `Old Hall of GYM` keeps it.
    let last = || {
        let rest = name.strip_suffix(code)?.strip_suffix(' ')?;
        let (_, word) = rest.rsplit_once(' ')?;
        (word.starts_with(char::is_uppercase) && code.chars().all(char::is_uppercase)).then_some(rest)
    };
    let rest = before.or_else(behind).or_else(last).unwrap_or(name).trim();
    if rest.is_empty() { name } else { rest }
}
