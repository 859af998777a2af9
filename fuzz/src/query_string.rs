//! Fuzzes the query string of the routes that read one.

use chrono::{Days, NaiveDate};
use emptyclassroom::web::QUESTION_PARAMETERS as PARAMETERS;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    gateway_event::check_answer,
    service::{Cached, TODAY, answer},
};

/// Sends the bytes as the query string of the route with `date` and of the route with `invalidate_cache`.
///
/// # Panics
/// An invariant is broken.
pub fn check(bytes: &[u8]) {
    // API Gateway passes on text, so a client's bytes become UTF-8.
    let query = String::from_utf8_lossy(bytes);
    // A sweep that fails is slow, so only some inputs cause one.
    let nothing = super::choice(bytes).is_multiple_of(8).then_some(Cached::Nothing);
    for cached in [Cached::Sweep, Cached::Failure].into_iter().chain(nothing) {
        check_day(cached, &query);
        check_operator(cached, &query);
    }
}

fn check_day(cached: Cached, query: &str) {
    let (status, detail) = ask(cached, "GET", "/api/open-classrooms", query);
    let is_refused = |name: &&str| status == 400 && detail.starts_with(&format!("`{name}` is `"));
    if let Some(refused) = PARAMETERS.into_iter().find(is_refused) {
        assert!(!held(query, refused).is_empty(), "{query:?}: {detail}");
        return;
    }
    let are_single =
        PARAMETERS.iter().all(|name| ["building", "feature"].contains(name) || held(query, name).len() < 2);
    assert!(status == 400 || are_single, "{query:?}: {status} {detail}");
    let held = held(query, "date");
    let day = match held.as_slice() {
        [] => Some(TODAY.parse().unwrap()),
        [one] => day(one),
        _ => None,
    };
    let Some(day) = day else {
        assert!(status == 400 && detail.starts_with("`date` is `"), "{query:?}: {status} {detail}");
        return;
    };
    let today: NaiveDate = TODAY.parse().unwrap();
    let expected = match cached {
        // The cache has no past days, and a sweep covers a month ahead.
        _ if day < today || day > today + Days::new(31) => 404,
        Cached::Sweep => 200,
        Cached::Failure | Cached::Nothing => 503,
    };
    assert_eq!(status, expected, "{query:?} on {day}: {detail}");
}

fn check_operator(cached: Cached, query: &str) {
    let (status, detail) = ask(cached, "POST", "/api/refresh", query);
    let held = held(query, "invalidate_cache");
    let values = held.iter().map(|value| value.to_ascii_lowercase()).collect::<Vec<_>>();
    let expected = match (values.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), cached) {
        (["true" | "1"], _) => 401,
        ([] | ["false" | "0"], Cached::Sweep) => 429,
        ([] | ["false" | "0"], Cached::Failure) => 503,
        ([] | ["false" | "0"], Cached::Nothing) => 502,
        _ => 400,
    };
    assert_eq!(status, expected, "{query:?}: {detail}");
    assert!(status != 400 || detail.starts_with("`invalidate_cache` is `"), "{query:?}: {detail}");
}

/// Returns all values of the parameter with this name.
fn held(query: &str, name: &str) -> Vec<String> {
    form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .collect()
}

/// Parses a day in exactly the form YYYY-MM-DD.
fn day(text: &str) -> Option<NaiveDate> {
    let well_formed = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    well_formed.then(|| text.parse().ok()).flatten()
}

/// Returns the status, and the `detail` of an error.
fn ask(cached: Cached, method: &str, path: &str, query: &str) -> (u64, String) {
    let event = json!({
        "version": "2.0", "rawPath": path, "rawQueryString": query, "headers": {"host": "api.example.com"},
        "requestContext": {"http": {"method": method, "path": path}}
    });
    let answer = answer(cached, event.to_string().as_bytes()).expect("a request should not be refused");
    check_answer(&answer);
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default();
    (answer["statusCode"].as_u64().unwrap(), body["detail"].as_str().unwrap_or_default().to_owned())
}
