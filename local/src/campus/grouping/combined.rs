//! Recognizes combined rooms, such as `101AB`, which consists of `101A` and `101B`.

/// Signs between the names of combined rooms.
const SIGNS: [char; 5] = ['&', '+', '/', ',', '-'];
/// Words between the names of combined rooms.
const WORDS: [&str; 3] = [" and ", " to ", " through "];

/// Whether a name is that of several rooms: it has an unambiguous sign (`A & B`, `101/102`), or its parts are rooms of the
/// building (`101-102`, `101AB`). All names are lowercase.
pub(super) fn is_combined(name: &str, is_room: impl Fn(&str) -> bool) -> bool {
    let has_number = |part: &str| part.contains(|c: char| c.is_ascii_digit());
    let two_numbers = || name.split_once('/').is_some_and(|(one, other)| has_number(one) && has_number(other));
    name.contains(['&', '+'])
        || two_numbers()
        || halves(name).is_some_and(|halves| halves.iter().all(|half| is_room(half)))
}

/// The first and the last room that a name may combine.
fn halves(name: &str) -> Option<[String; 2]> {
    let by_word = || WORDS.iter().find_map(|word| name.split_once(word));
    let (first, last) = match name.split_once(SIGNS).or_else(by_word) {
        Some((first, last)) => (first.trim(), last.trim()),
        // `101AB`
        None => name
            .split_at_checked(name.len().checked_sub(1)?)
            .filter(|(first, _)| first.ends_with(char::is_alphabetic))?,
    };
    let number = first.trim_end_matches(char::is_alphabetic);
    let is_letter = !last.is_empty() && last.chars().all(char::is_alphabetic) && last.len() < 3;
    let last = if is_letter && number != first { format!("{number}{last}") } else { last.to_owned() };
    Some([first.to_owned(), last])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combined_rooms_are_recognized_by_a_sign_or_by_their_parts() {
        let rooms = ["101", "102", "101a", "101b", "a", "b"];
        for (name, expected) in [
            ("a & b", true),
            ("201+202", true),
            ("201/202", true),
            ("101-102", true),
            ("101, 102", true),
            ("101 and 102", true),
            ("101a/b", true),
            ("101ab", true),
            ("a/b", true),
            ("201-202", false),
            ("101-a lab", false),
            ("101a", false),
            ("101", false),
            ("", false),
            ("é", false),
        ] {
            assert_eq!(is_combined(name, |part| rooms.contains(&part)), expected, "{name}");
        }
    }
}
