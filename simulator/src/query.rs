//! The required parameters of a request for availability.

use chrono::NaiveDate;

/// The parameters with a fixed value.
const FIXED: [(&str, &str); 4] = [
    ("comptype", "availability_daily"),
    ("compsubject", "location"),
    ("include", "closed blackouts pending related empty"),
    ("caller", "pro-AvailService.getData"),
];

/// The parameters with any number as value.
const NUMBERS: [&str; 2] = ["obj_cache_accl", "page_size"];

/// A valid request for the days of one room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Query {
    /// The `space_id`, known or not.
    pub(crate) room_id: String,
    /// The day of `start_dt`.
    pub(crate) start: NaiveDate,
}

impl Query {
    /// Parses decoded parameters.
    ///
    /// # Errors
    ///
    /// A message that names the first parameter that is missing, given twice, or invalid.
    pub(crate) fn parse(parameters: &[(String, String)]) -> Result<Self, String> {
        for (name, wanted) in FIXED {
            let value = only(parameters, name)?;
            if value != wanted {
                return Err(format!("{name}: is {value:?}; expected {wanted:?}"));
            }
        }
        for name in NUMBERS {
            let value = only(parameters, name)?;
            value.parse::<u32>().map_err(|_| format!("{name}: is {value:?}; expected a number"))?;
        }
        Ok(Self { room_id: only(parameters, "space_id")?.to_owned(), start: midnight(only(parameters, "start_dt")?)? })
    }
}

/// The value of a parameter that must occur exactly once.
fn only<'a>(parameters: &'a [(String, String)], name: &str) -> Result<&'a str, String> {
    let mut values = parameters.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value),
        (None, _) => Err(format!("{name}: missing")),
        (Some(_), Some(_)) => Err(format!("{name}: given twice")),
    }
}

/// The day of exactly `YYYY-MM-DDT00:00:00`. chrono alone would accept `2026-2-1` too.
fn midnight(text: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(text, "%Y-%m-%dT00:00:00")
        .ok()
        .filter(|day| crate::document::at_midnight(*day) == text)
        .ok_or_else(|| format!("start_dt: is {text:?}; expected YYYY-MM-DDT00:00:00"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parameters;

    fn with(name: &str, value: &str) -> Result<Query, String> {
        let mut all = parameters("342", "2026-02-01");
        all.iter_mut().filter(|(key, _)| key == name).for_each(|(_, old)| value.clone_into(old));
        Query::parse(&all)
    }

    #[test]
    fn a_good_request_gives_room_and_day() {
        let start = NaiveDate::from_ymd_opt(2026, 2, 1).unwrap();
        let query = Query::parse(&parameters("342", "2026-02-01"));
        assert_eq!(query, Ok(Query { room_id: "342".to_owned(), start }));
    }

    #[test]
    fn a_missing_parameter_is_named() {
        let all = parameters("342", "2026-02-01");
        assert_eq!(all.len(), 8);
        for (name, _) in &all {
            let rest: Vec<_> = all.iter().filter(|(key, _)| key != name).cloned().collect();
            assert_eq!(Query::parse(&rest), Err(format!("{name}: missing")));
        }
    }

    #[test]
    fn a_parameter_with_a_wrong_value_is_refused() {
        for name in ["comptype", "compsubject", "include", "caller", "obj_cache_accl", "page_size", "start_dt"] {
            let refusal = with(name, "else").unwrap_err();
            assert!(refusal.starts_with(name), "{refusal}");
        }
    }

    #[test]
    fn start_dt_must_be_a_midnight_in_full_form() {
        for invalid in ["2026-02-01", "2026-2-1T00:00:00", "2026-02-01T00:00:01", "2026-02-30T00:00:00", ""] {
            assert!(with("start_dt", invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        let mut all = parameters("342", "2026-02-01");
        all.push(("space_id".to_owned(), "344".to_owned()));
        assert_eq!(Query::parse(&all), Err("space_id: given twice".to_owned()));
    }
}
