//! The configuration: environment variables, read once into one typed value.

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
    /// A Lambda function: it needs a Redis, and browsers' origins are API Gateway's affair.
    Lambda,
    /// The local server: what is not given is embedded.
    Local,
}

/// All that can be set. Every field has been checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the program runs.
    pub deployment: Deployment,
    /// `REDIS_URL`.
    pub redis_url: Option<SecretString>,
    /// `REDIS_PREFIX`: what every key begins with.
    pub redis_prefix: String,
    /// `API_URL`.
    pub api_url: Option<Url>,
    /// Whether `api_url` is that of a simulated 25Live. No variable sets it: the local server does when it starts one.
    pub simulated: bool,
    /// What `CAMPUS_FILE` holds, or Boston University.
    pub campus: Campus,
    /// `REDIS_TIMEOUT`: every call of Redis ends within it.
    pub redis_timeout: Duration,
    /// `CACHE_EXPIRY`: how long today's snapshot is good for.
    pub cache_expiry: Duration,
    /// `REFRESH_COOLDOWN_MINUTES`.
    pub cooldown: Cooldown,
    /// `MIN_GAP_MINUTES`: the shortest slot shown.
    pub min_gap: u16,
    /// `UPSTREAM_CONCURRENCY`: requests to 25Live at once.
    pub upstream_concurrency: usize,
    /// `UPSTREAM_TIMEOUT`: how long each may take.
    pub upstream_timeout: Duration,
    /// `SWEEP_TIMEOUT`: how long a sweep may take that nobody waits for.
    pub sweep_timeout: Duration,
    /// `ALLOWED_ORIGINS`: which web pages may read the answers.
    pub allowed_origins: AllowedOrigins,
    /// `ADMIN_TOKEN`: what lets an operator drop the cache.
    pub admin_token: Option<SecretString>,
    /// `EVENT_BUS_NAME`: where the refresh function tells what became of a sweep.
    pub event_bus_name: Option<String>,
    /// `EDGE_SECONDS`: how long a CDN may keep an answer; 0 if there is no CDN.
    pub edge_seconds: u32,
    /// `REFRESH_TIMES`: when the local server refreshes by itself, by the clocks of the campus; at least one time.
    pub refresh_times: BTreeSet<TimeOfDay>,
    /// `LOG_FORMAT`: what the local server writes its logs as.
    pub log_format: logs::Format,
    /// `HOST`: the address the local server listens on.
    pub host: String,
    /// `PORT`: its port.
    pub port: u16,
}

/// The origins that browsers may call from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// No header is sent: somebody else sends it, or nobody is allowed.
    Unsaid,
    /// Every origin, without credentials.
    Any,
    /// These.
    List(Vec<HeaderValue>),
}

/// Why the program does not start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A variable holds something else than it should.
    #[error("{name} is {held}, but should be {expected}")]
    Bad {
        /// The variable.
        name: &'static str,
        /// What it holds, in backquotes; of a secret, only what kind of thing it is.
        held: String,
        /// What it should be.
        expected: String,
    },
    /// A variable that this program needs is not set.
    #[error("{name} is not set, but should be {expected}")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A variable is set, and also said to be a secret.
    #[error("{name} and {arn_name} are both set: unset one of them")]
    Twice {
        /// The variable.
        name: &'static str,
        /// What names its secret.
        arn_name: &'static str,
    },
    /// The campus file cannot be used.
    #[error("CAMPUS_FILE cannot be used: {reason}")]
    Campus {
        /// Why.
        reason: String,
    },
}

/// Or the daily refresh would find itself within the cooldown of the last: two of them are 22 hours apart where clocks jump
/// by two hours, and the last one may have come late.
const LONGEST_COOLDOWN: u32 = 21 * 60;

/// A Lambda function has 900 s, and a minute of them is for publishing.
const LONGEST_SWEEP: f64 = 840.0;

/// For so long a CDN may show readers older data after a refresh.
const LONGEST_EDGE: u32 = 60;

/// Five past midnight: by then the day has begun even on clocks that are a little slow.
const REFRESH_AT: TimeOfDay = TimeOfDay::MIDNIGHT.plus_minutes(5);

/// The prefix of the original service, whose operators know its keys.
const REDIS_PREFIX: &str = "classrooms";
const REDIS_URL: &str = "redis://HOST:PORT or rediss://USER:PASSWORD@HOST:PORT";
const API_URL: &str = "the http(s) URL of 25Live's availabilitydata.json";

impl Config {
    /// Reads the variables through `var`. One that is empty counts as not set.
    ///
    /// # Errors
    /// The first variable that is bad or missing, or what is wrong with the campus file.
    pub fn from_vars(deployment: Deployment, var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let vars = Vars { var: &var };
        let seconds = |name, default, most| vars.number::<f64>(name, default, 0.1..=most).map(Duration::from_secs_f64);
        Ok(Self {
            deployment,
            redis_url: vars.get("REDIS_URL").map(redis_url).transpose()?,
            redis_prefix: vars.get("REDIS_PREFIX").map_or_else(|| Ok(REDIS_PREFIX.to_owned()), redis_prefix)?,
            api_url: vars.get("API_URL").as_deref().map(api_url).transpose()?,
            simulated: false,
            campus: campus(vars.get("CAMPUS_FILE").as_deref())?,
            redis_timeout: seconds("REDIS_TIMEOUT", 5.0, 25.0)?,
            cache_expiry: Duration::from_secs(vars.number("CACHE_EXPIRY", 86_400, 1..=RESERVE_EXPIRY.as_secs())?),
            cooldown: Cooldown::from_minutes(vars.number("REFRESH_COOLDOWN_MINUTES", 30, 0..=LONGEST_COOLDOWN)?),
            min_gap: vars.number("MIN_GAP_MINUTES", 28, 1..=1440)?,
            upstream_concurrency: vars.number("UPSTREAM_CONCURRENCY", 16, 1..=64)?,
            upstream_timeout: seconds("UPSTREAM_TIMEOUT", 10.0, 25.0)?,
            sweep_timeout: seconds("SWEEP_TIMEOUT", 600.0, LONGEST_SWEEP)?,
            allowed_origins: allowed_origins(deployment, vars.get("ALLOWED_ORIGINS"))?,
            admin_token: vars.get("ADMIN_TOKEN").map(admin_token).transpose()?,
            event_bus_name: vars.get("EVENT_BUS_NAME"),
            edge_seconds: vars.number("EDGE_SECONDS", 0, 0..=LONGEST_EDGE)?,
            refresh_times: vars
                .get("REFRESH_TIMES")
                .map_or_else(|| Ok([REFRESH_AT].into()), |list| refresh_times(&list))?,
            log_format: vars.get("LOG_FORMAT").map_or(Ok(logs::Format::Text), |format| log_format(&format))?,
            host: vars.get("HOST").unwrap_or_else(|| "127.0.0.1".to_owned()),
            port: vars.number("PORT", 8000, 0..=u16::MAX)?,
        })
    }

    /// The URL of Redis, for whoever cannot do without.
    ///
    /// # Errors
    /// `REDIS_URL` is not set.
    pub fn required_redis_url(&self) -> Result<&SecretString, ConfigError> {
        self.redis_url.as_ref().ok_or(ConfigError::Missing { name: "REDIS_URL", expected: REDIS_URL })
    }

    /// The URL of 25Live, for whoever cannot do without.
    ///
    /// # Errors
    /// `API_URL` is not set.
    pub fn required_api_url(&self) -> Result<Url, ConfigError> {
        self.api_url.clone().ok_or(ConfigError::Missing { name: "API_URL", expected: API_URL })
    }
}

/// A variable of the environment. What is no text is no value that any variable may have, and not "unset".
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// What a variable holds. One that is empty counts as not set.
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

    fn number<T>(&self, name: &'static str, default: T, range: RangeInclusive<T>) -> Result<T, ConfigError>
    where
        T: FromStr + PartialOrd + fmt::Display,
    {
        let Some(held) = self.get(name) else { return Ok(default) };
        let number = held.parse().ok().filter(|number| range.contains(number));
        number
            .ok_or_else(|| ConfigError::bad(name, &held, format!("a number from {} to {}", range.start(), range.end())))
    }
}

impl ConfigError {
    /// A variable that holds something else than it should, and no secret.
    pub(crate) fn bad(name: &'static str, held: &str, expected: impl Into<String>) -> Self {
        Self::Bad { name, held: format!("`{held}`"), expected: expected.into() }
    }
}

/// A token that a client can send in a header. Errors never show it.
fn admin_token(text: String) -> Result<SecretString, ConfigError> {
    if text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Ok(SecretString::from(text));
    }
    let held = "a text with characters that no header can hold".to_owned();
    Err(ConfigError::Bad { name: "ADMIN_TOKEN", held, expected: "letters, digits and marks of ASCII".to_owned() })
}

/// A URL of Redis whose TLS, if any, verifies the server. Errors never show it: it holds the password.
fn redis_url(text: String) -> Result<SecretString, ConfigError> {
    let refuse =
        |held: &str| ConfigError::Bad { name: "REDIS_URL", held: held.to_owned(), expected: REDIS_URL.to_owned() };
    let url = Url::parse(&text).map_err(|_| refuse("no URL"))?;
    if !matches!(url.scheme(), "redis" | "rediss") {
        return Err(refuse("a URL of another kind"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(refuse("a URL without a host"));
    }
    // The redis crate takes `#insecure` for "do not verify the certificate".
    if url.fragment().is_some() {
        return Err(refuse("a URL with a `#…` part, which would turn off the verification of the server"));
    }
    if url.query().is_some() {
        return Err(refuse("a URL with a `?…` part"));
    }
    let database = url.path().trim_start_matches('/');
    if !database.is_empty() && database.parse::<u16>().is_err() {
        return Err(refuse("a URL whose path is no number of a database"));
    }
    Ok(SecretString::from(text))
}

/// A prefix that reads well in `redis-cli`.
fn redis_prefix(text: String) -> Result<String, ConfigError> {
    if text.len() <= 100 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text);
    }
    Err(ConfigError::bad("REDIS_PREFIX", &text, "at most 100 letters, digits and marks of ASCII, without spaces"))
}

fn api_url(text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    // Before an @ there may be a password.
    let shown = text.rsplit_once('@').map_or(text.to_owned(), |(_, rest)| format!("…@{rest}"));
    let url = url.ok_or_else(|| ConfigError::bad("API_URL", &shown, API_URL))?;
    if url.query().is_some() || url.fragment().is_some() {
        // A parameter there could win over ours, and every room would show the bookings of one.
        return Err(ConfigError::bad("API_URL", &shown, format!("{API_URL}, without `?` or `#` and what follows")));
    }
    Ok(url)
}

/// Times of the day, in their order, each once.
fn refresh_times(list: &str) -> Result<BTreeSet<TimeOfDay>, ConfigError> {
    let time = |time: &str| time.trim().parse().ok().filter(|time| *time < TimeOfDay::END);
    list.split(',').map(time).collect::<Option<_>>().ok_or_else(|| {
        ConfigError::bad(
            "REFRESH_TIMES",
            list,
            "times of day from 00:00 to 23:59, such as 00:05,12:30, separated by commas",
        )
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
            ConfigError::bad("ALLOWED_ORIGINS", &list, "`*`, or origins as https://example.edu, separated by commas")
        })
    });
    origins.collect::<Result<_, _>>().map(AllowedOrigins::List)
}

/// An origin as browsers send it: scheme, host and port, and nothing behind them.
fn origin_of(text: &str) -> Option<HeaderValue> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let origin = url.origin().ascii_serialization();
    (origin == text.trim_end_matches('/') && !origin.contains('*')).then(|| HeaderValue::from_str(&origin).ok())?
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
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
    fn with_nothing_set_the_local_server_has_its_defaults() {
        let config = config(Deployment::Local, &[("API_URL", ""), ("REDIS_URL", " ")]).unwrap();
        assert!(config.redis_url.is_none() && config.api_url.is_none() && config.admin_token.is_none());
        assert_eq!(config.campus.name, "Boston University");
        assert_eq!((config.redis_timeout, config.cache_expiry), (Duration::from_secs(5), Duration::from_hours(24)));
        assert_eq!((config.cooldown, config.min_gap), (Cooldown::from_minutes(30), 28));
        assert_eq!((config.upstream_concurrency, config.upstream_timeout), (16, Duration::from_secs(10)));
        assert_eq!(config.sweep_timeout, Duration::from_mins(10));
        assert_eq!(config.redis_prefix, "classrooms", "the original's keys begin with it");
        assert_eq!(config.edge_seconds, 0, "there is no CDN");
        assert_eq!(config.refresh_times.iter().map(ToString::to_string).collect::<Vec<_>>(), ["00:05"]);
        assert_eq!(config.log_format, logs::Format::Text);
        assert_eq!((config.host.as_str(), config.port), ("127.0.0.1", 8000));
        assert_eq!(config.allowed_origins, AllowedOrigins::Any);
    }

    #[test]
    fn what_a_function_cannot_do_without_is_asked_for_and_nothing_is_said_of_origins() {
        let config = config(Deployment::Lambda, &[]).unwrap();
        assert_eq!(
            config.required_redis_url().unwrap_err().to_string(),
            "REDIS_URL is not set, but should be redis://HOST:PORT or rediss://USER:PASSWORD@HOST:PORT"
        );
        assert!(config.required_api_url().unwrap_err().to_string().starts_with("API_URL is not set, but should be"));
        assert_eq!(config.allowed_origins, AllowedOrigins::Unsaid);
    }

    #[test]
    fn a_bad_value_is_refused_with_its_name_what_it_held_and_what_it_should() {
        let cases = [
            ("PORT", "eighty", "PORT is `eighty`, but should be a number from 0 to 65535"),
            (
                "REDIS_PREFIX",
                "my campus",
                "REDIS_PREFIX is `my campus`, but should be at most 100 letters, digits and marks of ASCII, without spaces",
            ),
            ("REDIS_TIMEOUT", "0", "REDIS_TIMEOUT is `0`, but should be a number from 0.1 to 25"),
            ("SWEEP_TIMEOUT", "900", "SWEEP_TIMEOUT is `900`, but should be a number from 0.1 to 840"),
            ("UPSTREAM_TIMEOUT", "NaN", "UPSTREAM_TIMEOUT is `NaN`, but should be a number from 0.1 to 25"),
            ("CACHE_EXPIRY", "-1", "CACHE_EXPIRY is `-1`, but should be a number from 1 to 259200"),
            ("EDGE_SECONDS", "61", "EDGE_SECONDS is `61`, but should be a number from 0 to 60"),
            ("EDGE_SECONDS", "0.5", "EDGE_SECONDS is `0.5`, but should be a number from 0 to 60"),
            ("MIN_GAP_MINUTES", "0", "MIN_GAP_MINUTES is `0`, but should be a number from 1 to 1440"),
            (
                "API_URL",
                "ftp://x",
                "API_URL is `ftp://x`, but should be the http(s) URL of 25Live's availabilitydata.json",
            ),
            (
                "API_URL",
                "https://25live.example/availabilitydata.json?space_id=342",
                "API_URL is `https://25live.example/availabilitydata.json?space_id=342`, but should be the http(s) URL of \
                 25Live's availabilitydata.json, without `?` or `#` and what follows",
            ),
            (
                "REFRESH_TIMES",
                "00:05,24:00",
                "REFRESH_TIMES is `00:05,24:00`, but should be times of day from 00:00 to 23:59, such as 00:05,12:30, \
                 separated by commas",
            ),
            ("REFRESH_TIMES", "00:05,", "REFRESH_TIMES is `00:05,`, but should be times of day from 00:00 to 23:59"),
            ("REFRESH_TIMES", "6:30", "REFRESH_TIMES is `6:30`, but should be times of day from 00:00 to 23:59"),
            ("LOG_FORMAT", "JSON", "LOG_FORMAT is `JSON`, but should be `text` or `json`"),
            (
                "ALLOWED_ORIGINS",
                "https://a.edu/x",
                "ALLOWED_ORIGINS is `https://a.edu/x`, but should be `*`, or origins",
            ),
            ("CAMPUS_FILE", "/no/such.toml", "CAMPUS_FILE cannot be used: /no/such.toml cannot be read: No such file"),
        ];
        for (name, held, expected) in cases {
            let refusal = config(Deployment::Local, &[(name, held)]).unwrap_err();
            assert!(refusal.starts_with(expected), "{refusal} should start with {expected}");
        }
    }

    #[test]
    fn refresh_times_are_sorted_and_each_stands_once() {
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
        assert_eq!(
            refusal,
            "ADMIN_TOKEN is a text with characters that no header can hold, but should be letters, digits and marks of ASCII"
        );
        let refusal = config(Deployment::Local, &[("API_URL", "http://me:hunter2@localhost:99999/x")]).unwrap_err();
        assert!(refusal.starts_with("API_URL is `…@localhost:99999/x`, but should be"), "{refusal}");
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
        let AllowedOrigins::List(origins) = config.unwrap().allowed_origins else { panic!("should be a list") };
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
