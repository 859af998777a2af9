//! The parameters of a query string. Unknown ones are ignored.

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use http::Uri;

use super::problem::Problem;
use crate::{
    campus::Campus,
    campus_day::CampusDay,
    parameters::{BadParameter, Parameters},
    question::Question,
};

/// `?date=YYYY-MM-DD`.
pub(super) fn date(uri: &Uri) -> Result<Option<NaiveDate>, Problem> {
    const EXPECTED: &str = "a day, as 2026-03-03";
    let parameters = parameters(uri);
    let Some(held) = parameters.get("date", EXPECTED)? else { return Ok(None) };
    // chrono would also take 2026-3-3, +2026-03-03 and, of the year 12026, +12026-03-03.
    let date =
        held.parse().ok().filter(|date: &NaiveDate| held.len() == "YYYY-MM-DD".len() && date.to_string() == held);
    Ok(Some(date.ok_or_else(|| BadParameter::new("date", held, EXPECTED))?))
}

/// What is asked about the rooms of a day, besides which day it is.
pub(super) fn question(
    uri: &Uri,
    campus: &Campus,
    date: NaiveDate,
    now: DateTime<Tz>,
) -> Result<Option<Question>, Problem> {
    Ok(Question::parse(&parameters(uri), campus, CampusDay::new(date, campus.timezone), now)?)
}

/// `?invalidate_cache=true`.
pub(super) fn invalidate_cache(uri: &Uri) -> Result<bool, Problem> {
    const EXPECTED: &str = "true or false";
    let parameters = parameters(uri);
    let Some(held) = parameters.get("invalidate_cache", EXPECTED)? else { return Ok(false) };
    match held.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(BadParameter::new("invalidate_cache", held, EXPECTED).into()),
    }
}

fn parameters(uri: &Uri) -> Parameters<'_> {
    Parameters::parse(uri.query().unwrap_or_default())
}

impl From<BadParameter> for Problem {
    fn from(bad: BadParameter) -> Self {
        Self::bad_parameter(bad)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::form_urlencoded;

    use super::*;

    fn uri(query: &str) -> Uri {
        format!("/api/open-classrooms?{query}").parse().unwrap()
    }

    #[test]
    fn a_day_is_read_and_unknown_parameters_are_ignored() {
        assert_eq!(date(&uri("x=1&date=2026-03-03&y")).unwrap(), Some(NaiveDate::from_ymd_opt(2026, 3, 3).unwrap()));
        assert_eq!(date(&uri("Date=nonsense")).unwrap(), None);
        assert_eq!(date(&"/api/open-classrooms".parse().unwrap()).unwrap(), None);
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for held in [
            "",
            "today",
            "2026-02-29",
            "2026-3-03",
            "+026-03-03",
            "%2B12026-03-03",
            "-0001-03-03",
            "2026-03-03T00:00:00",
            "20260303",
            "%FF",
            "2026-03-03&date=2026-03-03",
        ] {
            assert!(date(&uri(&format!("date={held}"))).is_err(), "{held}");
        }
    }

    #[test]
    fn a_yes_or_no_is_read_whatever_its_case() {
        for (held, expected) in [("true", true), ("True", true), ("1", true), ("false", false), ("0", false)] {
            assert_eq!(invalidate_cache(&uri(&format!("invalidate_cache={held}"))).unwrap(), expected);
        }
        assert!(invalidate_cache(&uri("invalidate_cache=")).is_err());
        assert!(invalidate_cache(&uri("invalidate_cache=yes")).is_err());
    }
    /// What somebody may write behind the question mark: names and values, right ones among them.
    fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
        let name = prop_oneof![3 => "date|invalidate_cache", 1 => "Date|date |x", 1 => any::<String>()];
        let value = prop_oneof!["[0-9]{4}-(0[1-9]|1[0-2])-[0-3][0-9]", "true|FALSE|1|0", any::<String>()];
        prop::collection::vec((name, value), 0..4)
    }

    fn uri_of(pairs: &[(String, String)]) -> Uri {
        uri(&form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
    }

    fn held<'a>(pairs: &'a [(String, String)], name: &str) -> Vec<&'a str> {
        pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    fn is_about(name: &str, problem: &Problem) -> bool {
        format!("{problem:?}").contains(&format!("detail: \"`{name}` is `"))
    }

    proptest! {
        #[test]
        fn a_query_string_holds_one_day_or_none_or_its_refusal_names_the_parameter(pairs in pairs()) {
            let day = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
            match (held(&pairs, "date").as_slice(), date(&uri_of(&pairs))) {
                ([], read) => prop_assert_eq!(read, Ok(None)),
                ([one], Ok(read)) => prop_assert!(read.is_some() && read == day(one)),
                ([one], Err(_)) if day(one).is_some() => prop_assert!(false, "{} was refused", one),
                (_, Ok(read)) => prop_assert!(false, "{:?} was taken for {:?}", pairs, read),
                (_, Err(problem)) => prop_assert!(is_about("date", &problem)),
            }
        }

        #[test]
        fn a_query_string_says_yes_or_no_or_its_refusal_names_the_parameter(pairs in pairs()) {
            let words = held(&pairs, "invalidate_cache").iter().map(|word| word.to_lowercase()).collect::<Vec<_>>();
            let read = invalidate_cache(&uri_of(&pairs));
            match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["true" | "1"] => prop_assert_eq!(read, Ok(true)),
                [] | ["false" | "0"] => prop_assert_eq!(read, Ok(false)),
                _ => prop_assert!(is_about("invalidate_cache", &read.unwrap_err())),
            }
        }

        #[test]
        fn any_bytes_that_are_a_query_string_are_read_or_refused(query in any::<Vec<u8>>()) {
            let target = [b"/api/open-classrooms?".as_slice(), &query].concat();
            let Ok(uri) = Uri::from_maybe_shared(bytes::Bytes::from(target)) else { return Ok(()) };
            let _ = (date(&uri), invalidate_cache(&uri));
        }
    }
}
