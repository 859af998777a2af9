//! The parameters of `GET /api/open-classrooms` that ask a question.

use std::{ops::RangeInclusive, str::FromStr};

use chrono::DateTime;
use chrono_tz::Tz;
use domain::{
    campus::{Campus, LARGEST_CAPACITY, LONGEST_FEATURE},
    campus_day::CampusDay,
    question::{Moment, Question, Search, Sort},
    time_of_day::TimeOfDay,
};

use super::parameters::{BadParameter, Parameters};

const BUILDING: &str = "building";
const AT: &str = "at";
const NOW: &str = "now";
const FROM: &str = "from";
const TO: &str = "to";
const MIN_MINUTES: &str = "min_minutes";
const MIN_CAPACITY: &str = "min_capacity";
const FEATURE: &str = "feature";
const SEARCH: &str = "q";
const SORT: &str = "sort";
/// The parameters that ask a question.
pub const PARAMETERS: [&str; 9] = [BUILDING, AT, FROM, TO, MIN_MINUTES, MIN_CAPACITY, FEATURE, SEARCH, SORT];

/// Their description in the OpenAPI document. Schemathesis sends all examples in one request, so together they must be a valid
/// question: `at` has an example, so `from` and `to` have none.
#[cfg(feature = "openapi")]
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the functions below read them")]
pub(in crate::web) struct QuestionParameters {
    /// Only these buildings: their codes in any case, separated by commas or in repeated parameters.
    #[param(inline, required = false, min_items = 1, explode = true, example = json!(["CAS"]))]
    building: Vec<BuildingCode>,
    /// Only rooms that are free at this time on the `date`: `HH:MM`, or `now` if the date is today. Cannot be combined with
    /// `from` and `to`.
    #[param(required = false, pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9]|now)$", example = "14:30")]
    at: String,
    /// Only rooms that are free on the `date` from this time until `to`.
    #[param(required = false, pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9])$")]
    from: String,
    /// The end of the range that starts at `from`; at the latest `24:00`.
    #[param(required = false, pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
    to: String,
    /// Only rooms that are free for at least this many minutes, from the requested time on or, without one, at any time of the
    /// day.
    #[param(required = false, minimum = 1, maximum = 1440, example = 60)]
    min_minutes: usize,
    /// Only rooms for at least this many people. A room of unknown capacity does not match.
    #[param(required = false, minimum = 1, maximum = 1_000_000)]
    min_capacity: usize,
    /// Only rooms with this feature: its full text, in any case. If repeated, a room must have every feature.
    #[param(inline, required = false, min_items = 1, max_items = 20, explode = true)]
    feature: Vec<FeatureText>,
    /// Only rooms with this text in their building's code followed by their name, or in their building's name. Case and spaces
    /// are ignored.
    #[param(required = false, min_length = 1, max_length = 100, pattern = r"\S", example = "cas 116")]
    q: String,
    /// The order of the rooms in each building: by `name`; longest free first, which is `duration` or, with a requested time,
    /// `free_until`; or largest first, which is `capacity`. Default: the campus file's order.
    #[param(inline, required = false, example = "name")]
    sort: Order,
}

/// A building code of the built-in campus. `GET /openapi.json` replaces the codes with those of its own campus.
#[cfg(feature = "openapi")]
struct BuildingCode;

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for BuildingCode {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let codes = Campus::built_in().buildings.into_iter().map(|building| building.code);
        let code = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String);
        code.enum_values(Some(codes)).into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for BuildingCode {}

#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "`sort` below reads it")]
enum Order {
    Name,
    FreeUntil,
    Duration,
    Capacity,
}

/// The text of a feature.
#[cfg(feature = "openapi")]
struct FeatureText;

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for FeatureText {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let text = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String);
        text.min_length(Some(1)).max_length(Some(LONGEST_TEXT)).pattern(Some(r"\S")).into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for FeatureText {}

/// How long `q` and `feature` may be, in characters.
const LONGEST_TEXT: usize = LONGEST_FEATURE;
/// How many features a question may ask for.
const MOST_FEATURES: usize = 20;
const A_TIME: &str = "a time from 00:00 to 23:59 such as 14:30";

/// Reads the question about the rooms of `day`, at campus time `now`; `None` if there is none.
///
/// # Errors
/// A parameter has a bad value, or cannot be combined with the others.
pub(super) fn question(
    parameters: &Parameters<'_>,
    campus: &Campus,
    day: CampusDay,
    now: DateTime<Tz>,
) -> Result<Option<Question>, BadParameter> {
    let moment = moment(parameters, day, now)?;
    let question = Question {
        day,
        buildings: buildings(parameters, campus)?,
        moment,
        min_minutes: min_minutes(parameters)?.unwrap_or_default(),
        min_capacity: min_capacity(parameters)?,
        features: features(parameters)?,
        search: search(parameters)?,
        sort: sort(parameters, moment.is_some())?,
    };
    Ok((question != Question::about(day)).then_some(question))
}

/// Whether the answer to the question depends on the current minute.
pub(super) fn is_about_now(parameters: &Parameters<'_>) -> bool {
    parameters.all(AT).any(|held| held == NOW)
}

fn buildings(parameters: &Parameters<'_>, campus: &Campus) -> Result<Option<Vec<String>>, BadParameter> {
    let known = || campus.buildings.iter().map(|building| building.code.as_str());
    let expected = || format!("building codes separated by commas: {}", known().collect::<Vec<_>>().join(","));
    let mut asked = Vec::new();
    for held in parameters.all(BUILDING) {
        for code in held.split(',').map(|code| code.trim().to_lowercase()) {
            if known().all(|known| known.to_lowercase() != code) {
                return Err(BadParameter::new(BUILDING, held, expected()));
            }
            asked.push(code);
        }
    }
    if asked.is_empty() {
        return Ok(None);
    }
    Ok(Some(known().filter(|code| asked.contains(&code.to_lowercase())).map(str::to_owned).collect()))
}

fn moment(parameters: &Parameters<'_>, day: CampusDay, now: DateTime<Tz>) -> Result<Option<Moment>, BadParameter> {
    let at = parameters.get(AT, "`now` or a time")?;
    let (from, to) = (parameters.get(FROM, A_TIME)?, parameters.get(TO, "a time")?);
    match (at, from, to) {
        (None, None, None) => Ok(None),
        (Some(NOW), None, None) => match Moment::now(day, now) {
            Some(moment) => Ok(Some(moment)),
            None => Err(BadParameter::new(AT, NOW, format!("{A_TIME}, because `date` is not today"))),
        },
        (Some(held), None, None) => match time(held) {
            Some(at) => Ok(Some(Moment::at(day, at))),
            None => Err(BadParameter::new(AT, held, format!("`now` or {A_TIME}"))),
        },
        (None, Some(from), Some(to)) => range(day, from, to).map(Some),
        (None, Some(held), None) => Err(BadParameter::new(FROM, held, "`to` as well")),
        (None, None, Some(held)) => Err(BadParameter::new(TO, held, "`from` as well")),
        (Some(held), ..) => Err(BadParameter::new(AT, held, "either `at`, or `from` and `to`")),
    }
}

fn range(day: CampusDay, from: &str, to: &str) -> Result<Moment, BadParameter> {
    let start = time(from).ok_or_else(|| BadParameter::new(FROM, from, A_TIME))?;
    let end: Option<TimeOfDay> = to.parse().ok();
    match end.filter(|end| *end > start) {
        Some(end) => Ok(Moment::range(day, start, end)),
        None => Err(BadParameter::new(TO, to, format!("a time after {start} and up to 24:00"))),
    }
}

/// Parses a start time: any but 24:00.
fn time(held: &str) -> Option<TimeOfDay> {
    held.parse().ok().filter(|time| *time < TimeOfDay::END)
}

fn min_minutes(parameters: &Parameters<'_>) -> Result<Option<u16>, BadParameter> {
    number(parameters, MIN_MINUTES, 1..=1440, "a number of minutes from 1 to 1440")
}

fn min_capacity(parameters: &Parameters<'_>) -> Result<Option<u32>, BadParameter> {
    let expected = format!("a number of people from 1 to {LARGEST_CAPACITY}");
    number(parameters, MIN_CAPACITY, 1..=LARGEST_CAPACITY, &expected)
}

fn number<T: FromStr + PartialOrd + ToString>(
    parameters: &Parameters<'_>,
    name: &'static str,
    range: RangeInclusive<T>,
    expected: &str,
) -> Result<Option<T>, BadParameter> {
    let Some(held) = parameters.get(name, expected)? else { return Ok(None) };
    // Rust would also accept 060 and +60.
    let number = held.parse().ok().filter(|number: &T| range.contains(number) && number.to_string() == held);
    number.map(Some).ok_or_else(|| BadParameter::new(name, held, expected))
}

/// Returns the features in lower case. A feature may contain commas, so a comma does not separate two of them.
fn features(parameters: &Parameters<'_>) -> Result<Vec<String>, BadParameter> {
    let expected = || format!("the text of a feature, 1 to {LONGEST_TEXT} characters long");
    let asked = parameters.all(FEATURE).map(|held| {
        let text = held.trim();
        let is_text = (1..=LONGEST_TEXT).contains(&text.chars().count());
        is_text.then(|| text.to_lowercase()).ok_or_else(|| BadParameter::new(FEATURE, held, expected()))
    });
    let asked: Vec<_> = asked.collect::<Result<_, _>>()?;
    if asked.len() > MOST_FEATURES {
        return Err(BadParameter::new(FEATURE, asked.join(", "), format!("at most {MOST_FEATURES} features")));
    }
    Ok(asked)
}

fn search(parameters: &Parameters<'_>) -> Result<Option<Search>, BadParameter> {
    let expected = format!("part of a room's or a building's name, 1 to {LONGEST_TEXT} characters long");
    let Some(held) = parameters.get(SEARCH, &expected)? else { return Ok(None) };
    let search = Search::new(held).filter(|_| held.trim().chars().count() <= LONGEST_TEXT);
    search.map(Some).ok_or_else(|| BadParameter::new(SEARCH, held, expected))
}

fn sort(parameters: &Parameters<'_>, has_moment: bool) -> Result<Option<Sort>, BadParameter> {
    const EXPECTED: &str = "`name`, `free_until`, `duration` or `capacity`";
    match parameters.get(SORT, EXPECTED)? {
        None => Ok(None),
        Some("name") => Ok(Some(Sort::Name)),
        Some("duration") => Ok(Some(Sort::Longest)),
        Some("capacity") => Ok(Some(Sort::Largest)),
        Some("free_until") if has_moment => Ok(Some(Sort::Longest)),
        Some(held @ "free_until") => Err(BadParameter::new(
            SORT,
            held,
            "`name`, `duration` or `capacity` (`free_until` needs `at`, or `from` and `to`)",
        )),
        Some(held) => Err(BadParameter::new(SORT, held, EXPECTED)),
    }
}

#[cfg(test)]
mod tests;
