//! The service's metrics, and the log line from which CloudWatch reads them (embedded metric format).
//!
//! A function handles one event at a time, so the measurements since the last line belong to this event, and no context has to
//! be passed through the calls. See
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

/// The CloudWatch namespace of all metrics.
const NAMESPACE: &str = "EmptyClassroom";

/// Collects measurements. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Mutex<Measured>>);

/// The measurements since the last line; `None` if there are none.
#[derive(Debug, Default)]
struct Measured {
    hits: Option<u32>,
    misses: Option<u32>,
    stale_answers: Option<u32>,
    data_age: Option<Duration>,
    redis_time: Option<Duration>,
    upstream_time: Option<Duration>,
    rooms_ok: Option<usize>,
    rooms_failed: Option<usize>,
    rooms_unreached: Option<usize>,
    sweeps_published: Option<u32>,
    sweeps_failed: Option<u32>,
    cold_starts: Option<u32>,
}

impl Metrics {
    /// Records the start of a process.
    pub fn cold_start(&self) {
        count(&mut self.measured().cold_starts);
    }

    /// Records a response with fresh data of this age.
    pub fn hit(&self, age: Duration) {
        let mut measured = self.measured();
        count(&mut measured.hits);
        measured.data_age = Some(age);
    }

    /// Records a response with data of a sweep that the reader waited for.
    pub fn miss(&self, age: Duration) {
        let mut measured = self.measured();
        count(&mut measured.misses);
        measured.data_age = Some(age);
    }

    /// Records a response with a stale copy of this age.
    pub fn stale(&self, age: Duration) {
        let mut measured = self.measured();
        count(&mut measured.stale_answers);
        measured.data_age = Some(age);
    }

    /// Records time spent waiting for Redis.
    pub fn redis(&self, time: Duration) {
        *self.measured().redis_time.get_or_insert_default() += time;
    }

    /// Records how long a sweep asked 25Live, and its room counts.
    pub fn swept(&self, time: Duration, rooms_ok: usize, rooms_failed: usize, rooms_unreached: usize) {
        let mut measured = self.measured();
        *measured.upstream_time.get_or_insert_default() += time;
        measured.rooms_ok = Some(rooms_ok);
        measured.rooms_failed = Some(rooms_failed);
        measured.rooms_unreached = Some(rooms_unreached);
    }

    /// Records whether a sweep was published.
    pub fn sweep_ended(&self, published: bool) {
        let mut measured = self.measured();
        count(if published { &mut measured.sweeps_published } else { &mut measured.sweeps_failed });
    }

    fn measured(&self) -> MutexGuard<'_, Measured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the line with the measurements of `function` since the last one, with a line break; `None` if there are none.
    #[must_use]
    #[expect(clippy::expect_used, reason = "all map keys are strings")]
    pub fn line(&self, function: &str, now: DateTime<Utc>) -> Option<Vec<u8>> {
        let values = std::mem::take(&mut *self.measured()).values();
        if values.is_empty() {
            return None;
        }
        let metrics = values.iter().map(|(name, unit, _)| Metric { name, unit }).collect();
        let line = Line {
            aws: Aws {
                timestamp: now.timestamp_millis(),
                cloud_watch_metrics: [Directive { namespace: NAMESPACE, dimensions: [["FunctionName"]], metrics }],
            },
            function_name: function,
            level: "INFO",
            timestamp: now.to_rfc3339_opts(SecondsFormat::Micros, true),
            values: values.iter().map(|(name, _, value)| (*name, *value)).collect(),
        };
        let mut line = serde_json::to_vec(&line).expect("a line always serializes");
        line.push(b'\n');
        Some(line)
    }
}

/// A line in CloudWatch's embedded metric format, with a level and a timestamp like every other log line.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "_aws")]
    aws: Aws,
    #[serde(rename = "FunctionName")]
    function_name: &'a str,
    level: &'static str,
    timestamp: String,
    #[serde(flatten)]
    values: BTreeMap<&'static str, Number>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Aws {
    timestamp: i64,
    cloud_watch_metrics: [Directive; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    dimensions: [[&'static str; 1]; 1],
    metrics: Vec<Metric>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: &'static str,
    unit: &'static str,
}

/// A metric's value.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
enum Number {
    Count(u32),
    Time(f64),
}

impl Measured {
    /// Returns the name, unit and value of each metric.
    fn values(self) -> Vec<(&'static str, &'static str, Number)> {
        let rooms = |number: Option<usize>| number.and_then(|rooms| rooms.try_into().ok());
        let counts = [
            ("Hits", self.hits),
            ("Misses", self.misses),
            ("StaleAnswers", self.stale_answers),
            ("RoomsOk", rooms(self.rooms_ok)),
            ("RoomsFailed", rooms(self.rooms_failed)),
            ("RoomsUnreached", rooms(self.rooms_unreached)),
            ("SweepsPublished", self.sweeps_published),
            ("SweepsFailed", self.sweeps_failed),
            ("ColdStarts", self.cold_starts),
        ];
        let times = [
            ("DataAge", "Seconds", self.data_age.map(|time| time.as_secs_f64())),
            ("RedisTime", "Milliseconds", self.redis_time.map(|time| time.as_secs_f64() * 1000.0)),
            ("UpstreamTime", "Milliseconds", self.upstream_time.map(|time| time.as_secs_f64() * 1000.0)),
        ];
        let counts = counts.into_iter().filter_map(|(name, value)| Some((name, "Count", Number::Count(value?))));
        let times = times.into_iter().filter_map(|(name, unit, value)| Some((name, unit, Number::Time(value?))));
        counts.chain(times).collect()
    }
}

fn count(what: &mut Option<u32>) {
    *what.get_or_insert_default() += 1;
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn line(metrics: &Metrics) -> Value {
        let now = "2026-03-03T10:00:00.123Z".parse().unwrap();
        serde_json::from_slice(&metrics.line("read", now).unwrap()).unwrap()
    }

    #[test]
    fn a_line_is_in_embedded_metric_format_with_a_value_for_each_metric() {
        let metrics = Metrics::default();
        metrics.hit(Duration::from_secs(90));
        metrics.redis(Duration::from_millis(2));
        metrics.clone().redis(Duration::from_micros(500));
        let line = line(&metrics);
        assert_eq!(line["_aws"]["Timestamp"], 1_772_532_000_123_u64);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(
            (&directive["Namespace"], &directive["Dimensions"]),
            (&json!("EmptyClassroom"), &json!([["FunctionName"]]))
        );
        assert_eq!(
            directive["Metrics"],
            json!([
                {"Name": "Hits", "Unit": "Count"},
                {"Name": "DataAge", "Unit": "Seconds"},
                {"Name": "RedisTime", "Unit": "Milliseconds"},
            ])
        );
        assert_eq!((&line["FunctionName"], &line["Hits"], &line["DataAge"]), (&json!("read"), &json!(1), &json!(90.0)));
        assert_eq!(line["RedisTime"], 2.5);
        assert_eq!((&line["level"], &line["timestamp"]), (&json!("INFO"), &json!("2026-03-03T10:00:00.123000Z")));
    }

    #[test]
    fn a_line_has_only_the_measurements_since_the_last_one() {
        let metrics = Metrics::default();
        metrics.swept(Duration::from_secs(3), 70, 7, 0);
        metrics.sweep_ended(true);
        metrics.miss(Duration::ZERO);
        let first = line(&metrics);
        let values =
            ["UpstreamTime", "RoomsOk", "RoomsFailed", "SweepsPublished", "Misses"].map(|name| first[name].clone());
        assert_eq!(values, [json!(3000.0), json!(70), json!(7), json!(1), json!(1)]);
        assert_eq!(metrics.line("read", Utc::now()), None);
        metrics.sweep_ended(false);
        metrics.stale(Duration::from_secs(5));
        let second = line(&metrics);
        assert_eq!(
            (&second["SweepsFailed"], &second["StaleAnswers"], &second["RoomsOk"]),
            (&json!(1), &json!(1), &Value::Null)
        );
    }
}
