//! Commands in the docs and examples on the page `/docs` must work on any day.

use std::{fs, path::PathBuf};

use chrono::NaiveDate;
use serde_json::Value;

/// A day that is never kept, for examples of refused requests.
const LONG_PAST: &str = "2020-01-01";

fn file(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(name)
}

/// Whether a text contains a date that expires, which every date but `LONG_PAST` does.
fn has_date(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '-');
    let dates = words.filter_map(|word| word.get(..10)).filter(|word| word.parse::<NaiveDate>().is_ok());
    dates.into_iter().any(|date| date != LONG_PAST)
}

#[test]
fn no_command_in_the_docs_has_a_date_that_expires() {
    let pages = fs::read_dir(file("docs")).unwrap().map(|page| page.unwrap().path());
    let pages = pages.filter(|page| page.extension().is_some_and(|extension| extension == "md"));
    let mut commands = 0;
    for page in pages.chain([file("README.md"), file("CONTRIBUTING.md")]) {
        let text = fs::read_to_string(&page).unwrap();
        for line in text.lines().filter(|line| line.trim_start().starts_with("$ ") || line.contains("curl ")) {
            commands += 1;
            assert!(!has_date(line), "{}: {line}", page.display());
        }
    }
    assert!(commands > 20, "found only {commands} commands");
}

#[test]
fn no_parameter_example_has_a_date_that_expires() {
    let document: Value = serde_json::from_str(&fs::read_to_string(file("shared/openapi.json")).unwrap()).unwrap();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let parameters = operations.flat_map(|operation| operation["parameters"].as_array().into_iter().flatten());
    let examples = parameters.map(|parameter| (&parameter["name"], parameter["example"].to_string()));
    for (name, example) in examples {
        assert!(!has_date(&example), "{name}: {example}");
    }
    assert!(!has_date(&fs::read_to_string(file("page/docs.html")).unwrap()));
}
