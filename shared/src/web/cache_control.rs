//! Cache-Control: how long a CDN in front of the service may cache a response.
//!
//! Without a CDN (`EDGE_SECONDS` is 0), browsers cache a response and revalidate it each time. With one, they still revalidate each
//! time (`max-age=0`), and the CDN answers them for at most `s-maxage` seconds.

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Timelike};
use chrono_tz::Tz;
use domain::{campus_day::CampusDay, time_of_day::TimeOfDay, timestamp::Timestamp};
use http::HeaderValue;

use crate::{config::Config, service::read::CacheResult};

/// A stale response: newer data may arrive at any moment.
const STALE: i64 = 5;
/// A past day: its data are final.
const PAST_DAY: i64 = 3600;
/// A calendar: calendar programs ask once an hour.
const CALENDAR: i64 = 300;
const LAST_UPDATED: i64 = 15;
const COOLDOWN_STATUS: i64 = 10;

/// Browsers and CDNs cache an icon for a day.
const ICON: &str = "public, max-age=86400";

/// How long a CDN may serve a response while the service fails: as long as today's snapshot is valid.
const A_DAY: u32 = 86_400;
/// Not at all. Sent explicitly, because CloudFront would otherwise serve an expired response.
const NEVER: u32 = 0;

/// A kind of response, with the facts that decide how long it may be cached.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cacheable {
    /// Rooms of a day, or data derived from them.
    Rooms(Rooms),
    /// A room's calendar.
    Calendar(CacheResult),
    /// When the last sweep ended. Unknown before the first one and while the cache is down.
    LastUpdated {
        /// Whether it is known.
        is_known: bool,
    },
    /// What is left of the cooldown. Unknown while the cache is down.
    CooldownStatus {
        /// Whether it is known.
        is_known: bool,
    },
    /// A page, one of its files, or the OpenAPI document. It changes with a deployment.
    Document,
    /// An icon. It rarely changes, and an old one does no harm.
    Icon,
}

/// Rooms of a day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rooms {
    /// Where they came from.
    pub(super) cache_result: CacheResult,
    /// When the sweep behind them ended; `None` without data.
    pub(super) last_updated: Option<Timestamp>,
    /// The day.
    pub(super) date: NaiveDate,
    /// How they depend on the current minute.
    pub(super) minute: Minute,
    /// When the request was read: the response is about that day and that minute.
    pub(super) asked_at: DateTime<Tz>,
    /// When it was answered, which is later if it waited for a sweep.
    pub(super) answered_at: DateTime<Tz>,
}

/// How a response depends on the current minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Minute {
    /// It holds at any time of the day.
    Any,
    /// It lists rooms that are free now. An hour later, it would send people to a room that is taken.
    FreeRooms,
    /// It counts the rooms that are free now, and has facts about the campus that the page needs.
    Count,
}

impl Cacheable {
    /// The value of the Cache-Control header.
    pub(super) fn cache_control(self, config: &Config) -> HeaderValue {
        let limit = i64::from(config.edge_seconds);
        if limit == 0 {
            return self.without_cdn();
        }
        match self {
            Self::Rooms(rooms) => rooms.cache_control(config, limit),
            Self::Calendar(CacheResult::Stale) => kept_for(STALE.min(limit), A_DAY),
            Self::Calendar(CacheResult::Hit | CacheResult::Miss) => kept_for(CALENDAR, A_DAY),
            Self::LastUpdated { is_known: true } => kept_for(LAST_UPDATED.min(limit), A_DAY),
            Self::CooldownStatus { is_known: true } => kept_for(COOLDOWN_STATUS.min(limit), NEVER),
            Self::LastUpdated { is_known: false } | Self::CooldownStatus { is_known: false } => no_store(),
            Self::Document => kept_for(limit, A_DAY),
            Self::Icon => HeaderValue::from_static(ICON),
        }
    }

    const fn without_cdn(self) -> HeaderValue {
        match self {
            Self::Rooms(_) | Self::Calendar(_) | Self::Document => HeaderValue::from_static("no-cache"),
            Self::Icon => HeaderValue::from_static(ICON),
            Self::LastUpdated { .. } | Self::CooldownStatus { .. } => no_store(),
        }
    }
}

impl Rooms {
    fn cache_control(self, config: &Config, limit: i64) -> HeaderValue {
        let if_error = if self.minute == Minute::FreeRooms { NEVER } else { A_DAY };
        let is_stale = self.cache_result == CacheResult::Stale;
        if self.date < self.asked_at.date_naive() && !is_stale {
            return kept_for(PAST_DAY, if_error);
        }
        let minute_ends = (self.minute != Minute::Any).then(|| self.minute_ends());
        // A stale copy has already expired.
        let fresh_until = self.last_updated.filter(|_| !is_stale);
        let expires = fresh_until.map(|sweep| sweep.instant() + expiry(config));
        let ends = [Some(self.day_ends()), minute_ends, expires].into_iter().flatten();
        let left = ends.map(|end| (end - self.answered_at.fixed_offset()).num_seconds().max(0));
        let limit = if is_stale { STALE.min(limit) } else { limit };
        kept_for(left.fold(limit, i64::min), if_error)
    }

    /// The midnight after the request.
    fn day_ends(self) -> DateTime<FixedOffset> {
        CampusDay::new(self.asked_at.date_naive(), self.asked_at.timezone()).instant(TimeOfDay::END)
    }

    /// The beginning of the next minute after the request.
    fn minute_ends(self) -> DateTime<FixedOffset> {
        let into_minute = TimeDelta::seconds(self.asked_at.second().into())
            + TimeDelta::nanoseconds(self.asked_at.nanosecond().into());
        self.asked_at.fixed_offset() - into_minute + TimeDelta::minutes(1)
    }
}

#[expect(clippy::expect_used, reason = "the configuration allows three days at most")]
fn expiry(config: &Config) -> TimeDelta {
    TimeDelta::from_std(config.cache_expiry).expect("chrono can express three days")
}

/// Lets a CDN cache the response for `seconds`, and for `if_error` more while the service fails. With 0 it may still store the
/// response, but revalidates it each time, as browsers do.
#[expect(clippy::expect_used, reason = "words and numbers are a valid header value")]
fn kept_for(seconds: i64, if_error: u32) -> HeaderValue {
    let value = format!("public, max-age=0, s-maxage={seconds}, stale-if-error={if_error}");
    HeaderValue::try_from(value).expect("words and numbers are a valid header value")
}

const fn no_store() -> HeaderValue {
    HeaderValue::from_static("no-store")
}

#[cfg(test)]
mod tests {
    use CacheResult::{Hit, Miss, Stale};
    use chrono::TimeZone;
    use chrono_tz::{
        Africa::Cairo,
        America::{New_York, Nuuk},
    };

    use super::*;
    use crate::config::Deployment;

    fn config(edge_seconds: &str) -> Config {
        let var = |name: &str| (name == "EDGE_SECONDS").then(|| edge_seconds.to_owned());
        Config::from_vars(Deployment::Local, var).unwrap()
    }

    fn at(zone: Tz, instant: &str) -> DateTime<Tz> {
        instant.parse::<DateTime<FixedOffset>>().unwrap().with_timezone(&zone)
    }

    /// Rooms of that day from a sweep two hours ago, requested and answered at that instant.
    fn rooms(date: &str, now: DateTime<Tz>) -> Rooms {
        Rooms {
            cache_result: Hit,
            last_updated: Some(Timestamp::at_campus(now.to_utc() - TimeDelta::hours(2), now.timezone())),
            date: date.parse().unwrap(),
            minute: Minute::Any,
            asked_at: now,
            answered_at: now,
        }
    }

    fn today(now: &str) -> Rooms {
        let now = at(New_York, now);
        rooms(&now.date_naive().to_string(), now)
    }

    fn kept(seconds: u32) -> String {
        format!("public, max-age=0, s-maxage={seconds}, stale-if-error=86400")
    }

    fn kept_but_not_on_errors(seconds: u32) -> String {
        format!("public, max-age=0, s-maxage={seconds}, stale-if-error=0")
    }

    fn assert_all(cases: &[(&str, Cacheable, &str, String)]) {
        for (about, answer, edge_seconds, expected) in cases {
            let value = answer.cache_control(&config(edge_seconds));
            assert_eq!(value.to_str().unwrap(), expected, "{about}, EDGE_SECONDS={edge_seconds}");
        }
    }

    #[test]
    fn without_a_cdn_browsers_revalidate_each_time_and_times_are_not_stored() {
        let no_cache = [
            Cacheable::Rooms(today("2026-03-03T10:00:00-05:00")),
            Cacheable::Rooms(Rooms { minute: Minute::FreeRooms, ..today("2026-03-03T10:00:00-05:00") }),
            Cacheable::Calendar(Hit),
            Cacheable::Calendar(Stale),
            Cacheable::Document,
        ];
        let no_store = [Cacheable::LastUpdated { is_known: true }, Cacheable::CooldownStatus { is_known: true }];
        for (answers, expected) in [(&no_cache[..], "no-cache"), (&no_store[..], "no-store")] {
            for answer in answers {
                assert_eq!(answer.cache_control(&config("0")), expected, "{answer:?}");
            }
        }
    }

    #[test]
    fn a_day_is_cached_for_edge_seconds_and_what_changes_sooner_for_less() {
        let ten = today("2026-03-03T10:00:20.7-05:00");
        let minute = |minute| Rooms { minute, ..ten };
        assert_all(&[
            ("a hit", Cacheable::Rooms(ten), "60", kept(60)),
            ("a hit", Cacheable::Rooms(ten), "1", kept(1)),
            ("a miss", Cacheable::Rooms(Rooms { cache_result: Miss, ..ten }), "60", kept(60)),
            ("a stale copy", Cacheable::Rooms(Rooms { cache_result: Stale, ..ten }), "60", kept(5)),
            ("a stale copy", Cacheable::Rooms(Rooms { cache_result: Stale, ..ten }), "2", kept(2)),
            ("free now", Cacheable::Rooms(minute(Minute::FreeRooms)), "60", kept_but_not_on_errors(39)),
            ("free now", Cacheable::Rooms(minute(Minute::FreeRooms)), "30", kept_but_not_on_errors(30)),
            (
                "free now, from a stale copy",
                Cacheable::Rooms(Rooms { cache_result: Stale, ..minute(Minute::FreeRooms) }),
                "60",
                kept_but_not_on_errors(5),
            ),
            ("the buildings", Cacheable::Rooms(minute(Minute::Count)), "60", kept(39)),
            (
                "the buildings with the cache down",
                Cacheable::Rooms(Rooms { cache_result: Stale, last_updated: None, ..minute(Minute::Count) }),
                "60",
                kept(5),
            ),
            ("tomorrow", Cacheable::Rooms(rooms("2026-03-04", ten.asked_at)), "60", kept(60)),
            ("yesterday", Cacheable::Rooms(rooms("2026-03-02", ten.asked_at)), "60", kept(3600)),
            ("yesterday", Cacheable::Rooms(rooms("2026-03-02", ten.asked_at)), "2", kept(3600)),
            (
                "yesterday, from a stale copy",
                Cacheable::Rooms(Rooms { cache_result: Stale, ..rooms("2026-03-02", ten.asked_at) }),
                "60",
                kept(5),
            ),
            ("a calendar", Cacheable::Calendar(Hit), "60", kept(300)),
            ("a calendar", Cacheable::Calendar(Miss), "2", kept(300)),
            ("a stale calendar", Cacheable::Calendar(Stale), "60", kept(5)),
            ("the last update", Cacheable::LastUpdated { is_known: true }, "60", kept(15)),
            ("the last update", Cacheable::LastUpdated { is_known: true }, "4", kept(4)),
            ("no last update", Cacheable::LastUpdated { is_known: false }, "60", "no-store".to_owned()),
            ("the cooldown", Cacheable::CooldownStatus { is_known: true }, "60", kept_but_not_on_errors(10)),
            ("the cooldown", Cacheable::CooldownStatus { is_known: true }, "4", kept_but_not_on_errors(4)),
            ("no cooldown known", Cacheable::CooldownStatus { is_known: false }, "60", "no-store".to_owned()),
            ("a page", Cacheable::Document, "60", kept(60)),
        ]);
    }

    #[test]
    fn nothing_is_cached_past_its_expiry_its_midnight_or_its_minute() {
        let ten = today("2026-03-03T10:00:20.7-05:00");
        let swept = |ago| Some(Timestamp::at_campus(ten.asked_at.to_utc() - ago, New_York));
        let of_sweep = |ago| Cacheable::Rooms(Rooms { last_updated: swept(ago), ..ten });
        let late = today("2026-03-03T23:59:30.5-05:00");
        let waited = |minute, seconds| {
            Cacheable::Rooms(Rooms { minute, answered_at: late.asked_at + TimeDelta::seconds(seconds), ..late })
        };
        assert_all(&[
            ("expiry in 10 s", of_sweep(TimeDelta::seconds(86_390)), "60", kept(10)),
            ("expiry in half a second", of_sweep(TimeDelta::milliseconds(86_399_500)), "60", kept(0)),
            ("expired", of_sweep(TimeDelta::seconds(86_410)), "60", kept(0)),
            ("swept by a clock that is ahead", of_sweep(TimeDelta::seconds(-10)), "60", kept(60)),
            ("half a minute before midnight", waited(Minute::Any, 0), "60", kept(29)),
            ("tomorrow, which will be today", Cacheable::Rooms(rooms("2026-03-04", late.asked_at)), "60", kept(29)),
            ("a sweep later", waited(Minute::Any, 25), "60", kept(4)),
            ("answered after midnight", waited(Minute::Any, 40), "60", kept(0)),
            ("free now, answered in the next minute", waited(Minute::FreeRooms, 40), "60", kept_but_not_on_errors(0)),
            (
                "the buildings at the last moment of a minute",
                Cacheable::Rooms(Rooms { minute: Minute::Count, ..today("2026-03-03T10:00:59.999-05:00") }),
                "60",
                kept(0),
            ),
            (
                "the buildings at the first moment of a minute",
                Cacheable::Rooms(Rooms { minute: Minute::Count, ..today("2026-03-03T10:01:00-05:00") }),
                "60",
                kept(60),
            ),
        ]);
    }

    #[test]
    fn midnight_is_in_campus_time_on_days_of_23_and_25_hours() {
        for (zone, now, left) in [
            // The clocks change in the small hours.
            (New_York, "2026-03-08T23:59:40-04:00", 20),
            (New_York, "2026-11-01T23:59:40-05:00", 20),
            // In daylight saving time, which has ended: the campus's midnight is an hour and 20 seconds away.
            (New_York, "2026-11-01T23:59:40-04:00", 60),
            // The clocks skip midnight: the next day begins at 1:00.
            (Cairo, "2026-04-23T23:59:40+02:00", 20),
            // The clocks skip the day's last hour.
            (Nuuk, "2026-03-28T22:59:40-02:00", 20),
        ] {
            let now = at(zone, now);
            let answer = Cacheable::Rooms(rooms(&now.date_naive().to_string(), now));
            assert_eq!(answer.cache_control(&config("60")), kept(left).as_str(), "{now}");
        }
        let midnight = New_York.with_ymd_and_hms(2026, 3, 3, 0, 0, 0).unwrap();
        assert_eq!(Cacheable::Rooms(rooms("2026-03-03", midnight)).cache_control(&config("60")), kept(60).as_str());
    }
}
