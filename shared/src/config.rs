//! The configuration: environment variables, parsed once into one typed value.

use std::{collections::BTreeSet, fmt, fs, ops::RangeInclusive, str::FromStr, time::Duration};

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use domain::kept_days::RESERVE_EXPIRY;
use domain::{campus::Campus, cooldown::Cooldown, time_of_day::TimeOfDay};

use crate::logs;

/// Where the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deployment {
    /// A Lambda function: requires Redis, and by default leaves CORS to API Gateway.
    Lambda,
    /// The local server: embeds what is not configured.
    Local,
}

/// The settings. Every field is valid.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the program runs.
    pub deployment: Deployment,
    /// `REDIS_URL`.
    pub redis_url: Option<SecretString>,
    /// `REDIS_PREFIX`: the prefix of every key.
    pub redis_prefix: String,
    /// `API_URL`.
    pub api_url: Option<Url>,
    /// Whether `api_url` is a simulated 25Live. The local server sets it when it starts one; no variable does.
    pub simulated: bool,
    /// The campus in `CAMPUS_FILE`, or Boston University.
    pub campus: Campus,
    /// `REDIS_TIMEOUT`: the time limit of each Redis call.
    pub redis_timeout: Duration,
    /// `CACHE_EXPIRY`: how long today's snapshot is valid.
    pub cache_expiry: Duration,
    /// `REFRESH_COOLDOWN_MINUTES`.
    pub cooldown: Cooldown,
    /// `MIN_GAP_MINUTES`: the shortest slot shown.
    pub min_gap: u16,
    /// `UPSTREAM_CONCURRENCY`: the maximum number of simultaneous requests to 25Live.
    pub upstream_concurrency: usize,
    /// `UPSTREAM_TIMEOUT`: the time limit of each of them.
    pub upstream_timeout: Duration,
    /// `SWEEP_TIMEOUT`: the time limit of a sweep that no request waits for.
    pub sweep_timeout: Duration,
    /// `ALLOWED_ORIGINS`: the web pages that may read the responses.
    pub allowed_origins: AllowedOrigins,
    /// `ADMIN_TOKEN`: the token with which an operator can drop the cache.
    pub admin_token: Option<SecretString>,
    /// `EVENT_BUS_NAME`: the bus to which the refresh function sends an event after each sweep.
    pub event_bus_name: Option<String>,
    /// `EDGE_SECONDS`: how long a CDN may cache a response; 0 if there is no CDN.
    pub edge_seconds: u32,
    /// `REFRESH_TIMES`: the campus times at which the local server refreshes automatically; at least one.
    pub refresh_times: BTreeSet<TimeOfDay>,
    /// `LOG_FORMAT`: the log format of the local server.
    pub log_format: logs::Format,
    /// `HOST`: the address the local server listens on.
    pub host: String,
    /// `PORT`: its port.
    pub port: u16,
}

/// The origins that browsers may call from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// Not configured: no CORS header is sent. API Gateway may send one.
    Unsaid,
    /// Every origin, without credentials.
    Any,
    /// These origins only.
    List(Vec<HeaderValue>),
}

/// Why the program does not start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A variable has an invalid value.
    #[error("{name} is {held}; expected {expected}")]
    Bad {
        /// The variable.
        name: &'static str,
        /// The value in backquotes; for a secret, only a description of it.
        held: String,
        /// What was expected.
        expected: String,
    },
    /// A variable that this program needs is not set.
    #[error("{name} is not set; expected {expected}")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// A variable and the ARN of its secret are both set.
    #[error("{name} and {arn_name} are both set: unset one of them")]
    Twice {
        /// The variable.
        name: &'static str,
        /// The variable with the ARN of its secret.
        arn_name: &'static str,
    },
    /// The campus file cannot be used.
    #[error("CAMPUS_FILE cannot be used: {reason}")]
    Campus {
        /// Why.
        reason: String,
    },
}

/// Longer, and the daily refresh could fall within the cooldown of the previous one: the two are only 22 hours apart where
/// clocks jump by two hours, and the previous one may have been late.
const LONGEST_COOLDOWN: u32 = 21 * 60;

/// A Lambda function has 900 s, of which a minute is reserved for publishing.
const LONGEST_SWEEP: f64 = 840.0;

/// After a refresh, a CDN may show older data for this long.
const LONGEST_EDGE: u32 = 60;

/// Five past midnight: by then the new day has begun even on clocks that are a little slow.
const REFRESH_AT: TimeOfDay = TimeOfDay::MIDNIGHT.plus_minutes(5);

/// The original service's prefix, because operators know its keys.
const REDIS_PREFIX: &str = "classrooms";
const REDIS_URL: &str = "redis://HOST:PORT or rediss://USER:PASSWORD@HOST:PORT";
const API_URL: &str = "the http(s) URL of 25Live's availabilitydata.json";
const SECONDS: &str = "whole number of seconds";
const MINUTES: &str = "whole number of minutes";

impl Config {
    /// Reads the variables through `var`. An empty value counts as not set.
    ///
    /// # Errors
    /// The first invalid variable, or the reason why the campus file is invalid.
    pub fn from_vars(deployment: Deployment, var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let vars = Vars { var: &var };
        let seconds = |name, default, most| {
            vars.number::<f64>(name, "number of seconds", default, 0.1..=most).map(Duration::from_secs_f64)
        };
        Ok(Self {
            deployment,
            redis_url: vars.get("REDIS_URL").map(redis_url).transpose()?,
            redis_prefix: vars.get("REDIS_PREFIX").map_or_else(|| Ok(REDIS_PREFIX.to_owned()), redis_prefix)?,
            api_url: vars.get("API_URL").as_deref().map(api_url).transpose()?,
            simulated: false,
            campus: campus(vars.get("CAMPUS_FILE").as_deref())?,
            redis_timeout: seconds("REDIS_TIMEOUT", 5.0, 25.0)?,
            cache_expiry: Duration::from_secs(vars.number(
                "CACHE_EXPIRY",
                SECONDS,
                86_400,
                1..=RESERVE_EXPIRY.as_secs(),
            )?),
            cooldown: Cooldown::from_minutes(vars.number(
                "REFRESH_COOLDOWN_MINUTES",
                MINUTES,
                30,
                0..=LONGEST_COOLDOWN,
            )?),
            min_gap: vars.number("MIN_GAP_MINUTES", MINUTES, 28, 1..=1440)?,
            upstream_concurrency: vars.number("UPSTREAM_CONCURRENCY", "whole number", 16, 1..=64)?,
            upstream_timeout: seconds("UPSTREAM_TIMEOUT", 10.0, 25.0)?,
            sweep_timeout: seconds("SWEEP_TIMEOUT", 600.0, LONGEST_SWEEP)?,
            allowed_origins: allowed_origins(deployment, vars.get("ALLOWED_ORIGINS"))?,
            admin_token: vars.get("ADMIN_TOKEN").map(admin_token).transpose()?,
            event_bus_name: vars.get("EVENT_BUS_NAME"),
            edge_seconds: vars.number("EDGE_SECONDS", SECONDS, 0, 0..=LONGEST_EDGE)?,
            refresh_times: vars
                .get("REFRESH_TIMES")
                .map_or_else(|| Ok([REFRESH_AT].into()), |list| refresh_times(&list))?,
            log_format: vars.get("LOG_FORMAT").map_or(Ok(logs::Format::Text), |format| log_format(&format))?,
            host: vars.get("HOST").unwrap_or_else(|| "127.0.0.1".to_owned()),
            port: vars.number("PORT", "number", 8000, 0..=u16::MAX)?,
        })
    }

    /// Returns the URL of Redis, for a program that requires it.
    ///
    /// # Errors
    /// `REDIS_URL` is not set.
    pub fn required_redis_url(&self) -> Result<&SecretString, ConfigError> {
        self.redis_url.as_ref().ok_or(ConfigError::Missing { name: "REDIS_URL", expected: REDIS_URL })
    }

    /// Returns the URL of 25Live, for a program that requires it.
    ///
    /// # Errors
    /// `API_URL` is not set.
    pub fn required_api_url(&self) -> Result<Url, ConfigError> {
        self.api_url.clone().ok_or(ConfigError::Missing { name: "API_URL", expected: API_URL })
    }
}

/// Returns an environment variable. A value that is not UTF-8 is converted lossily, so that it does not count as unset.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Trims the value of a variable. An empty one counts as not set.
pub(crate) fn set(value: Option<String>) -> Option<String> {
    value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

struct Vars<'a> {
    var: &'a dyn Fn(&str) -> Option<String>,
}

impl Vars<'_> {
    fn get(&self, name: &str) -> Option<String> {
        set((self.var)(name))
    }

    /// Parses a number. `what` names it in errors: `whole number of seconds`.
    fn number<T>(&self, name: &'static str, what: &str, default: T, range: RangeInclusive<T>) -> Result<T, ConfigError>
    where
        T: FromStr + PartialOrd + fmt::Display,
    {
        let Some(held) = self.get(name) else { return Ok(default) };
        let number = held.parse().ok().filter(|number| range.contains(number));
        let expected = || format!("a {what} between {} and {}", range.start(), range.end());
        number.ok_or_else(|| ConfigError::bad(name, &held, expected()))
    }
}

impl ConfigError {
    /// Returns the error for a variable that is not secret.
    pub(crate) fn bad(name: &'static str, held: &str, expected: impl Into<String>) -> Self {
        Self::Bad { name, held: format!("`{held}`"), expected: expected.into() }
    }
}

/// Checks that a client can send the token in a header. Errors never show it.
fn admin_token(text: String) -> Result<SecretString, ConfigError> {
    if text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Ok(SecretString::from(text));
    }
    let held = "a text that no HTTP header can carry".to_owned();
    Err(ConfigError::Bad { name: "ADMIN_TOKEN", held, expected: "printable ASCII characters".to_owned() })
}

/// Checks the URL of Redis, and that its TLS, if any, verifies the server. Errors never show the URL: it contains the password.
fn redis_url(text: String) -> Result<SecretString, ConfigError> {
    let refuse =
        |held: &str| ConfigError::Bad { name: "REDIS_URL", held: held.to_owned(), expected: REDIS_URL.to_owned() };
    let url = Url::parse(&text).map_err(|_| refuse("not a URL"))?;
    if !matches!(url.scheme(), "redis" | "rediss") {
        return Err(refuse("a URL with another scheme"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(refuse("a URL without a host"));
    }
    // To the redis crate, `#insecure` means that the certificate is not verified.
    if url.fragment().is_some() {
        return Err(refuse("a URL with a fragment (`#…`), which could turn off the verification of the server"));
    }
    if url.query().is_some() {
        return Err(refuse("a URL with a query (`?…`)"));
    }
    let database = url.path().trim_start_matches('/');
    if !database.is_empty() && database.parse::<u16>().is_err() {
        return Err(refuse("a URL whose path is not a database number"));
    }
    Ok(SecretString::from(text))
}

/// Checks that the prefix is readable in `redis-cli`.
fn redis_prefix(text: String) -> Result<String, ConfigError> {
    if text.len() <= 100 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text);
    }
    Err(ConfigError::bad("REDIS_PREFIX", &text, "at most 100 printable ASCII characters, without spaces"))
}

fn api_url(text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    // A password may precede an @.
    let shown = text.rsplit_once('@').map_or(text.to_owned(), |(_, rest)| format!("…@{rest}"));
    let url = url.ok_or_else(|| ConfigError::bad("API_URL", &shown, API_URL))?;
    if url.query().is_some() || url.fragment().is_some() {
        // A parameter there could override ours, and every room would show the bookings of one.
        return Err(ConfigError::bad(
            "API_URL",
            &shown,
            format!("{API_URL}, without a query (`?…`) or fragment (`#…`)"),
        ));
    }
    Ok(url)
}

/// Parses comma-separated times of day into a sorted set.
fn refresh_times(list: &str) -> Result<BTreeSet<TimeOfDay>, ConfigError> {
    let time = |time: &str| time.trim().parse().ok().filter(|time| *time < TimeOfDay::END);
    list.split(',').map(time).collect::<Option<_>>().ok_or_else(|| {
        ConfigError::bad("REFRESH_TIMES", list, "comma-separated times from 00:00 to 23:59, such as 00:05,12:30")
    })
}

fn log_format(format: &str) -> Result<logs::Format, ConfigError> {
    match format {
        "text" => Ok(logs::Format::Text),
        "json" => Ok(logs::Format::Json),
        _ => Err(ConfigError::bad("LOG_FORMAT", format, "`text` or `json`")),
    }
}

fn campus(file: Option<&str>) -> Result<Campus, ConfigError> {
    let campus = match file {
        None => return Ok(Campus::built_in()),
        Some(file) => {
            let text = fs::read_to_string(file)
                .map_err(|error| ConfigError::Campus { reason: format!("{file} cannot be read: {error}") })?;
            Campus::parse(file, &text)
        }
    };
    campus.map_err(|error| ConfigError::Campus { reason: error.to_string() })
}

fn allowed_origins(home: Deployment, list: Option<String>) -> Result<AllowedOrigins, ConfigError> {
    let Some(list) = list else {
        return Ok(if home == Deployment::Local { AllowedOrigins::Any } else { AllowedOrigins::Unsaid });
    };
    if list == "*" {
        return Ok(AllowedOrigins::Any);
    }
    let origins = list.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(|origin| {
        origin_of(origin).ok_or_else(|| {
            ConfigError::bad("ALLOWED_ORIGINS", &list, "`*`, or comma-separated origins such as https://example.edu")
        })
    });
    origins.collect::<Result<_, _>>().map(AllowedOrigins::List)
}

/// Parses an origin as browsers send it: scheme, host and port, and nothing after them.
fn origin_of(text: &str) -> Option<HeaderValue> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let origin = url.origin().ascii_serialization();
    (origin == text.trim_end_matches('/') && !origin.contains('*')).then(|| HeaderValue::from_str(&origin).ok())?
}

/// Compares two secrets in constant time, so that timing does not reveal where they differ.
#[must_use]
pub fn same_secret(held: &SecretString, given: &str) -> bool {
    subtle::ConstantTimeEq::ct_eq(held.expose_secret().as_bytes(), given.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(home: Deployment, vars: &[(&str, &str)]) -> Result<Config, String> {
        let var = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Config::from_vars(home, var).map_err(|error| error.to_string())
    }

    #[test]
    fn without_variables_the_local_server_has_its_defaults() {
        let config = config(Deployment::Local, &[("API_URL", ""), ("REDIS_URL", " ")]).unwrap();
        assert!(config.redis_url.is_none() && config.api_url.is_none() && config.admin_token.is_none());
        assert_eq!(config.campus.name, "Boston University");
        assert_eq!((config.redis_timeout, config.cache_expiry), (Duration::from_secs(5), Duration::from_hours(24)));
        assert_eq!((config.cooldown, config.min_gap), (Cooldown::from_minutes(30), 28));
        assert_eq!((config.upstream_concurrency, config.upstream_timeout), (16, Duration::from_secs(10)));
        assert_eq!(config.sweep_timeout, Duration::from_mins(10));
        assert_eq!(config.redis_prefix, "classrooms", "the original service's prefix");
        assert_eq!(config.edge_seconds, 0, "there is no CDN");
        assert_eq!(config.refresh_times.iter().map(ToString::to_string).collect::<Vec<_>>(), ["00:05"]);
        assert_eq!(config.log_format, logs::Format::Text);
        assert_eq!((config.host.as_str(), config.port), ("127.0.0.1", 8000));
        assert_eq!(config.allowed_origins, AllowedOrigins::Any);
    }

    #[test]
    fn a_function_requires_its_urls_and_sends_no_cors_header_by_default() {
        let config = config(Deployment::Lambda, &[]).unwrap();
        assert_eq!(
            config.required_redis_url().unwrap_err().to_string(),
            "REDIS_URL is not set; expected redis://HOST:PORT or rediss://USER:PASSWORD@HOST:PORT"
        );
        assert!(config.required_api_url().unwrap_err().to_string().starts_with("API_URL is not set; expected"));
        assert_eq!(config.allowed_origins, AllowedOrigins::Unsaid);
    }

    #[test]
    fn an_invalid_value_is_refused_with_its_name_the_value_and_what_was_expected() {
        let cases = [
            ("PORT", "eighty", "PORT is `eighty`; expected a number between 0 and 65535"),
            (
                "REDIS_PREFIX",
                "my campus",
                "REDIS_PREFIX is `my campus`; expected at most 100 printable ASCII characters, without spaces",
            ),
            ("REDIS_TIMEOUT", "0", "REDIS_TIMEOUT is `0`; expected a number of seconds between 0.1 and 25"),
            ("SWEEP_TIMEOUT", "900", "SWEEP_TIMEOUT is `900`; expected a number of seconds between 0.1 and 840"),
            ("UPSTREAM_TIMEOUT", "NaN", "UPSTREAM_TIMEOUT is `NaN`; expected a number of seconds between 0.1 and 25"),
            ("CACHE_EXPIRY", "-1", "CACHE_EXPIRY is `-1`; expected a whole number of seconds between 1 and 259200"),
            ("EDGE_SECONDS", "61", "EDGE_SECONDS is `61`; expected a whole number of seconds between 0 and 60"),
            ("EDGE_SECONDS", "0.5", "EDGE_SECONDS is `0.5`; expected a whole number of seconds between 0 and 60"),
            ("MIN_GAP_MINUTES", "0", "MIN_GAP_MINUTES is `0`; expected a whole number of minutes between 1 and 1440"),
            ("API_URL", "ftp://x", "API_URL is `ftp://x`; expected the http(s) URL of 25Live's availabilitydata.json"),
            (
                "API_URL",
                "https://25live.example/availabilitydata.json?space_id=342",
                "API_URL is `https://25live.example/availabilitydata.json?space_id=342`; expected the http(s) URL of \
                 25Live's availabilitydata.json, without a query (`?…`) or fragment (`#…`)",
            ),
            (
                "REFRESH_TIMES",
                "00:05,24:00",
                "REFRESH_TIMES is `00:05,24:00`; expected comma-separated times from 00:00 to 23:59, such as 00:05,12:30",
            ),
            (
                "REFRESH_TIMES",
                "00:05,",
                "REFRESH_TIMES is `00:05,`; expected comma-separated times from 00:00 to 23:59",
            ),
            ("REFRESH_TIMES", "6:30", "REFRESH_TIMES is `6:30`; expected comma-separated times from 00:00 to 23:59"),
            ("LOG_FORMAT", "JSON", "LOG_FORMAT is `JSON`; expected `text` or `json`"),
            (
                "ALLOWED_ORIGINS",
                "https://a.edu/x",
                "ALLOWED_ORIGINS is `https://a.edu/x`; expected `*`, or comma-separated origins",
            ),
            ("CAMPUS_FILE", "/no/such.toml", "CAMPUS_FILE cannot be used: /no/such.toml cannot be read: No such file"),
        ];
        for (name, held, expected) in cases {
            let refusal = config(Deployment::Local, &[(name, held)]).unwrap_err();
            assert!(refusal.starts_with(expected), "{refusal} should start with {expected}");
        }
    }

    #[test]
    fn refresh_times_are_sorted_without_duplicates() {
        let config = config(Deployment::Local, &[("REFRESH_TIMES", "18:30, 00:05,07:00 ,18:30")]).unwrap();
        assert_eq!(
            config.refresh_times.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["00:05", "07:00", "18:30"]
        );
    }

    #[test]
    fn a_redis_url_is_refused_without_being_shown() {
        for url in [
            "rediss://:hunter2@redis.example:6380/#insecure",
            "https://:hunter2@redis.example",
            "hunter2",
            "redis://",
            "hunter2:x@redis.example",
            "redis://:hunter2@redis.example/one",
            "rediss://:hunter2@redis.example?insecure=true",
        ] {
            let refusal = config(Deployment::Local, &[("REDIS_URL", url)]).unwrap_err();
            assert!(refusal.starts_with("REDIS_URL is ") && !refusal.contains("hunter2"), "{refusal}");
        }
    }

    #[test]
    fn a_bad_secret_is_refused_without_being_shown() {
        let refusal = config(Deployment::Local, &[("ADMIN_TOKEN", "hunter2\u{e9}")]).unwrap_err();
        assert_eq!(refusal, "ADMIN_TOKEN is a text that no HTTP header can carry; expected printable ASCII characters");
        let refusal = config(Deployment::Local, &[("API_URL", "http://me:hunter2@localhost:99999/x")]).unwrap_err();
        assert!(refusal.starts_with("API_URL is `…@localhost:99999/x`; expected"), "{refusal}");
    }

    #[test]
    fn secrets_are_not_shown_in_debug_output() {
        let secrets = [("REDIS_URL", "redis://:hunter2@localhost"), ("ADMIN_TOKEN", "correct horse")];
        let shown = format!("{:?}", config(Deployment::Local, &secrets).unwrap());
        assert!(!shown.contains("hunter2") && !shown.contains("correct horse"), "{shown}");
    }

    #[test]
    fn origins_are_listed_as_browsers_send_them() {
        let config = config(
            Deployment::Lambda,
            &[
                ("REDIS_URL", "redis://localhost"),
                ("ALLOWED_ORIGINS", "https://rooms.example.edu, http://localhost:5173/"),
            ],
        );
        let AllowedOrigins::List(origins) = config.unwrap().allowed_origins else { panic!("expected a list") };
        assert_eq!(origins, ["https://rooms.example.edu", "http://localhost:5173"]);
    }

    #[test]
    fn secrets_are_compared_whole() {
        let held = SecretString::from("correct horse");
        assert!(same_secret(&held, "correct horse"));
        for given in ["", "correct hors", "correct horse ", "Correct horse"] {
            assert!(!same_secret(&held, given));
        }
    }
}
