//! The query string: one extractor, which parses it once into the route's own type. Unknown parameters are ignored here;
//! `hints` names them.

mod parameters;
mod question;

use axum::extract::FromRequestParts;
use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use domain::{campus_day::CampusDay, question::Question};
use http::request::Parts;

pub(super) use self::parameters::BadParameter;
use self::parameters::Parameters;
pub use self::question::PARAMETERS as QUESTION_PARAMETERS;
#[cfg(feature = "openapi")]
pub(super) use self::question::QuestionParameters;
use super::{cache_control::Minute, problem::Problem};
use crate::service::Service;

const DATE: &str = "date";
const INVALIDATE_CACHE: &str = "invalidate_cache";
/// Only for CDNs. No handler reads it.
const SEEN: &str = "seen";

/// The names of the parameters that a route knows, in groups.
pub(super) type Names = &'static [&'static [&'static str]];
/// The parameters of a route without its own.
pub(super) const SEEN_PARAMETER: Names = &[&[SEEN]];
/// The parameters of a route that shows one room on one day.
pub(super) const DAY_PARAMETERS: Names = &[&[DATE, SEEN]];
/// The parameters of the route that shows the rooms of a day.
pub(super) const ROOMS_PARAMETERS: Names = &[&[DATE, SEEN], &QUESTION_PARAMETERS];
/// The parameters of a refresh.
pub(super) const REFRESH_PARAMETERS: Names = &[&[INVALIDATE_CACHE]];

/// Extracts the parameters of a route, and rejects bad ones with 400.
pub(super) struct Query<T>(pub(super) T);

/// The parameters of a route.
pub(super) trait FromParameters: Sized {
    /// Reads the parameters of a request to this service.
    ///
    /// # Errors
    /// A parameter has a bad value.
    fn read(parameters: &Parameters<'_>, service: &Service) -> Result<Self, BadParameter>;
}

impl<T: FromParameters> FromRequestParts<Service> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        let parameters = Parameters::parse(parts.uri.query().unwrap_or_default());
        Ok(Self(T::read(&parameters, service)?))
    }
}

impl From<BadParameter> for Problem {
    fn from(bad: BadParameter) -> Self {
        Self::bad_parameter(bad)
    }
}

/// The parameters of a route that shows one room on one day.
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub(super) struct DayParameters {
    /// The day, from three days ago to about a month ahead. Default: today, at the campus.
    #[cfg_attr(feature = "openapi", param(required = false))]
    pub(super) date: NaiveDate,
    /// The time at the campus when the request was read.
    #[cfg_attr(feature = "openapi", param(ignore))]
    pub(super) now: DateTime<Tz>,
}

impl FromParameters for DayParameters {
    fn read(parameters: &Parameters<'_>, service: &Service) -> Result<Self, BadParameter> {
        let now = service.deps.clock.at_campus();
        Ok(Self { date: date(parameters)?.unwrap_or_else(|| now.date_naive()), now })
    }
}

/// The parameter of every route whose responses a CDN may cache. No handler reads it.
#[cfg(feature = "openapi")]
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only CDNs and the OpenAPI document use it")]
pub(super) struct SeenParameter {
    /// The `timestamp` of a refresh. The service ignores it, but a CDN caches each value separately, so a client that has just
    /// refreshed gets the new data immediately.
    #[param(required = false)]
    seen: String,
}

/// The parameters of the route that shows the rooms of a day.
pub(super) struct RoomsParameters {
    /// `date`, by default today.
    pub(super) date: NaiveDate,
    /// The question about the rooms of that day; `None` to show all of them.
    pub(super) question: Option<Question>,
    /// How the response depends on the current minute.
    pub(super) minute: Minute,
    /// The time at the campus when the request was read.
    pub(super) now: DateTime<Tz>,
}

impl FromParameters for RoomsParameters {
    fn read(parameters: &Parameters<'_>, service: &Service) -> Result<Self, BadParameter> {
        let DayParameters { date, now } = DayParameters::read(parameters, service)?;
        let campus = &service.deps.config.campus;
        let question = question::question(parameters, campus, CampusDay::new(date, campus.timezone), now)?;
        let minute = if question::is_about_now(parameters) { Minute::FreeRooms } else { Minute::Any };
        Ok(Self { date, question, minute, now })
    }
}

/// The parameters of a refresh.
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub(super) struct RefreshParameters {
    /// `true` drops the cache and refreshes regardless of the cooldown. Requires the operator's token.
    #[cfg_attr(feature = "openapi", param(required = false, default = false))]
    pub(super) invalidate_cache: bool,
}

impl FromParameters for RefreshParameters {
    fn read(parameters: &Parameters<'_>, _: &Service) -> Result<Self, BadParameter> {
        Ok(Self { invalidate_cache: invalidate_cache(parameters)? })
    }
}

fn date(parameters: &Parameters<'_>) -> Result<Option<NaiveDate>, BadParameter> {
    const EXPECTED: &str = "a date such as 2026-03-03";
    let Some(held) = parameters.get(DATE, EXPECTED)? else { return Ok(None) };
    // chrono would also accept 2026-3-3, +2026-03-03 and +12026-03-03. A year that does not have four digits is a mistake, and
    // years that do are far from the ends of chrono's calendar.
    let date =
        held.parse().ok().filter(|date: &NaiveDate| held.len() == "YYYY-MM-DD".len() && date.to_string() == held);
    date.map(Some).ok_or_else(|| BadParameter::new(DATE, held, EXPECTED))
}

fn invalidate_cache(parameters: &Parameters<'_>) -> Result<bool, BadParameter> {
    const EXPECTED: &str = "true or false";
    let Some(held) = parameters.get(INVALIDATE_CACHE, EXPECTED)? else { return Ok(false) };
    match held.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(BadParameter::new(INVALIDATE_CACHE, held, EXPECTED)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::form_urlencoded;

    use super::*;

    fn date_in(query: &str) -> Result<Option<NaiveDate>, BadParameter> {
        date(&Parameters::parse(query))
    }

    fn invalidate_cache_in(query: &str) -> Result<bool, BadParameter> {
        invalidate_cache(&Parameters::parse(query))
    }

    #[test]
    fn a_date_is_read_and_unknown_parameters_are_ignored() {
        assert_eq!(date_in("x=1&date=2026-03-03&y").unwrap(), Some(NaiveDate::from_ymd_opt(2026, 3, 3).unwrap()));
        assert_eq!(date_in("Date=nonsense").unwrap(), None);
        assert_eq!(date_in("").unwrap(), None);
    }

    #[test]
    fn a_bad_date_is_refused() {
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
            assert!(date_in(&format!("date={held}")).is_err(), "{held}");
        }
    }

    #[test]
    fn a_boolean_is_read_in_any_case() {
        for (held, expected) in [("true", true), ("True", true), ("1", true), ("false", false), ("0", false)] {
            assert_eq!(invalidate_cache_in(&format!("invalidate_cache={held}")).unwrap(), expected);
        }
        assert!(invalidate_cache_in("invalidate_cache=").is_err());
        assert!(invalidate_cache_in("invalidate_cache=yes").is_err());
    }

    /// Names and values of a query string, valid ones among them.
    fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
        let name = prop_oneof![3 => "date|invalidate_cache", 1 => "Date|date |x", 1 => any::<String>()];
        let value = prop_oneof!["[0-9]{4}-(0[1-9]|1[0-2])-[0-3][0-9]", "true|FALSE|1|0", any::<String>()];
        prop::collection::vec((name, value), 0..4)
    }

    fn query_of(pairs: &[(String, String)]) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    fn held<'a>(pairs: &'a [(String, String)], name: &str) -> Vec<&'a str> {
        pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    proptest! {
        #[test]
        fn a_query_string_has_at_most_one_date_or_the_error_names_the_parameter(pairs in pairs()) {
            let day = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
            match (held(&pairs, "date").as_slice(), date_in(&query_of(&pairs))) {
                ([], read) => prop_assert_eq!(read, Ok(None)),
                ([one], Ok(read)) => prop_assert!(read.is_some() && read == day(one)),
                ([one], Err(_)) if day(one).is_some() => prop_assert!(false, "{} was refused", one),
                (_, Ok(read)) => prop_assert!(false, "{:?} was read as {:?}", pairs, read),
                (_, Err(bad)) => prop_assert_eq!(bad.name, "date"),
            }
        }

        #[test]
        fn a_query_string_has_at_most_one_boolean_or_the_error_names_the_parameter(pairs in pairs()) {
            let words = held(&pairs, "invalidate_cache").iter().map(|word| word.to_lowercase()).collect::<Vec<_>>();
            let read = invalidate_cache_in(&query_of(&pairs));
            match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["true" | "1"] => prop_assert_eq!(read, Ok(true)),
                [] | ["false" | "0"] => prop_assert_eq!(read, Ok(false)),
                _ => prop_assert_eq!(read.unwrap_err().name, "invalidate_cache"),
            }
        }

        #[test]
        fn any_text_is_read_or_rejected(query in any::<String>()) {
            let _ = (date_in(&query), invalidate_cache_in(&query));
        }
    }
}
