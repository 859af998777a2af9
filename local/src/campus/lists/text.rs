//! Decodes and cleans up the texts of a room list.

use emptyclassroom::domain::campus::LARGEST_CAPACITY;
use emptyclassroom::outside::twenty_five_live::LONGEST_PREFIX;
use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use quick_xml::escape::unescape;
use serde_json::Value;

/// How much of a document is searched for its format.
const HEAD: usize = 1024;

/// Decodes a list: UTF-8, UTF-16 (some programs save it), or Windows-1252 for the bytes that are neither.
pub(super) fn decoded(bytes: &[u8]) -> String {
    match bytes {
        // With a byte order mark, or with a first character that is ASCII.
        [0xff, 0xfe, ..] | [b')' | b'[' | b'{' | b'<', 0, ..] => UTF_16LE.decode_with_bom_removal(bytes).0.into_owned(),
        [0xfe, 0xff, ..] | [0, b')' | b'[' | b'{' | b'<', ..] => UTF_16BE.decode_with_bom_removal(bytes).0.into_owned(),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => utf_8(rest),
    }
}

fn utf_8(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.push_str(&WINDOWS_1252.decode_without_bom_handling(chunk.invalid()).0);
    }
    text
}

/// The JSON of a document, after a possible prefix; `None` if there is none.
pub(super) fn json_part(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let start = text.bytes().take(LONGEST_PREFIX).position(|byte| matches!(byte, b'{' | b'['))?;
    if text.starts_with('<') { None } else { text.get(start..) }
}

/// Whether a document is a web page, such as 25Live's sign-in page.
pub(super) fn is_web_page(text: &str) -> bool {
    let head: String = text.trim_start().chars().take(HEAD).collect::<String>().to_ascii_lowercase();
    let has_markup = ["<html", "<head", "<body", "<script"].iter().any(|tag| head.contains(tag));
    head.starts_with("<!doctype html") || (head.starts_with('<') && has_markup)
}

/// Normalizes a text: no control characters, single spaces, none at the ends, ASCII dashes and apostrophes, no XML entities.
/// `None` if nothing is left.
pub fn tidy(text: &str) -> Option<String> {
    let unescaped = if text.contains('&') { unescape(text).unwrap_or(text.into()) } else { text.into() };
    let blank = |character: char| character.is_whitespace() || character.is_control();
    let shown: String = unescaped.chars().filter(|character| !is_invisible(*character)).map(plain).collect();
    let words: Vec<_> = shown.split(blank).filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// Whether a character only controls how others are laid out: byte order marks, joiners, directions, soft hyphens.
const fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Replaces typographic dashes and apostrophes by ASCII, because lists mix both in `O'Neil` and `101-102`.
const fn plain(character: char) -> char {
    match character {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2018}' | '\u{2019}' => '\'',
        character => character,
    }
}

/// The text of a JSON value: a string, a number, or an object with a name.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => tidy(text),
        Value::Number(number) => Some(whole(&number.to_string())),
        Value::Object(fields) => ["itemName", "name", "#text"].iter().find_map(|key| text(fields.get(*key)?)),
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

/// Removes a zero fraction, because some programs write every number like `342.0`.
fn whole(number: &str) -> String {
    number.strip_suffix(".0").unwrap_or(number).to_owned()
}

/// Parses a capacity. `None` if it is invalid or 0, which means unknown.
pub(super) fn people(text: &str) -> Option<u32> {
    let digits = whole(&text.replace(',', ""));
    digits.parse().ok().filter(|people| (1..=LARGEST_CAPACITY).contains(people))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn runs_of_blanks_control_characters_and_entities_become_plain_text() {
        for (odd, plain) in [
            ("  HALL   101 ", Some("HALL 101")),
            ("HALL\u{a0}101\t\u{1}", Some("HALL 101")),
            ("Arts &amp; Sciences &#38; more", Some("Arts & Sciences & more")),
            ("R&D; Labs", Some("R&D; Labs")),
            ("O\u{2019}Dane \u{2013} 101\u{2011}102", Some("O'Dane - 101-102")),
            ("HALL \u{202e}101\u{2069}", Some("HALL 101")),
            ("\u{feff}\u{200b}", None),
            (" \n ", None),
        ] {
            assert_eq!(tidy(odd).as_deref(), plain, "{odd:?}");
        }
    }

    #[test]
    fn a_text_may_be_a_number_or_an_object_with_a_name() {
        for (value, plain) in [
            (json!("101"), Some("101")),
            (json!(101), Some("101")),
            (json!(101.0), Some("101")),
            (json!({"itemId": 7, "itemName": "Hall"}), Some("Hall")),
            (json!(null), None),
            (json!([1]), None),
        ] {
            assert_eq!(text(&value).as_deref(), plain, "{value}");
        }
    }

    #[test]
    fn a_capacity_that_is_0_or_invalid_is_unknown() {
        for (text, capacity) in
            [("40", Some(40)), ("1,200", Some(1200)), ("40.0", Some(40)), ("0", None), ("-1", None), ("many", None)]
        {
            assert_eq!(people(text), capacity, "{text}");
        }
    }

    #[test]
    fn saved_lists_are_decoded_from_utf_16_and_latin_1_too() {
        let utf_16: Vec<u8> = [0xfeff].into_iter().chain("Café".encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(decoded(&utf_16), "Café");
        assert_eq!(decoded(b"\xef\xbb\xbf{}"), "{}");
        let latin_1 = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>Caf\xe9</a>";
        assert!(decoded(latin_1).ends_with("<a>Café</a>"));
        assert_eq!(decoded(b"{\"Caf\xe9\": \"O\x92Dane \x96 1\"}"), "{\"Café\": \"O\u{2019}Dane \u{2013} 1\"}");
        let windows = b"<?xml version='1.0' encoding='windows-1252'?><a>O\x92Dane</a>";
        assert!(decoded(windows).ends_with("<a>O\u{2019}Dane</a>"));
        assert_eq!(decoded("{\"Café\"".as_bytes()), "{\"Café\"");
        for unit in [u16::to_le_bytes, u16::to_be_bytes] {
            let unmarked: Vec<u8> = "{Café}".encode_utf16().flat_map(unit).collect();
            assert_eq!(decoded(&unmarked), "{Café}");
        }
    }

    #[test]
    fn json_is_distinguished_from_web_pages() {
        for prefix in ["", ")]}',\n", "  \n"] {
            assert_eq!(json_part(&format!("{prefix}{{}}")), Some("{}"));
        }
        assert_eq!(json_part("<a>{}</a>"), None);
        assert_eq!(json_part("Seventeen letters{}"), None);
        assert!(is_web_page("\n<!DOCTYPE html><p>Sign in") && is_web_page("<?xml version='1'?><html xmlns=''>"));
        assert!(!is_web_page("<r25:spaces/>"));
    }
}
