//! A function's own binary behind a Runtime API of its own: what it answers, and what it logs. For the tests of the three.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testkit::{AwsApi, Function, Proxy, eventually};

/// Longer than anything here takes: waited out only by a test that fails.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// The event of that name in `events/`.
pub(crate) fn event(name: &str) -> Value {
    let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    serde_json::from_str(&fs::read_to_string(events.join(name).with_extension("json")).unwrap()).unwrap()
}

/// REDIS_TIMEOUT in these tests, in which a call of Redis ends, its retry included.
pub(crate) const REDIS_TIMEOUT: Duration = Duration::from_secs(2);
/// What an answer may take beyond that.
pub(crate) const GRACE: Duration = Duration::from_millis(500);

/// What API Gateway is told to answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u64,
    headers: Value,
    pub(crate) text: String,
}

impl Answer {
    /// A header, empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].as_str().unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// The status and the sentence of an error.
    pub(crate) fn problem(&self) -> (u64, String) {
        assert_eq!(self.header("content-type"), "application/problem+json");
        (self.status, self.json()["detail"].as_str().unwrap().to_owned())
    }
}

/// What the function answers to an event of API Gateway, in payload format 2.0.
pub(crate) async fn answer(function: &Function, event: Value) -> Answer {
    let response = function.invoke(event).await.unwrap();
    assert_eq!((&response["isBase64Encoded"], &response["cookies"]), (&json!(false), &json!([])), "{response}");
    Answer {
        status: response["statusCode"].as_u64().unwrap(),
        headers: response["headers"].clone(),
        text: response["body"].as_str().unwrap_or_default().to_owned(),
    }
}

/// What the function answers to the event of that name.
pub(crate) async fn answer_to(function: &Function, name: &str) -> Answer {
    answer(function, event(name)).await
}

/// The lines of metrics so far: one for each event that did something worth measuring.
pub(crate) fn metrics(function: &Function) -> Vec<Value> {
    lines(function).into_iter().filter(|line| line["_aws"].is_object()).collect()
}

fn lines(function: &Function) -> Vec<Value> {
    let logs = function.logs();
    logs.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line} is no JSON"))).collect()
}

/// All log lines so far, each of which must have a level and, unless a library is only tracing, a message.
pub(crate) fn log_lines(function: &Function) -> Vec<Value> {
    let lines = lines(function).into_iter().filter(|line| !line["_aws"].is_object()).map(|object| {
        let line = object.to_string();
        let level = object["level"].as_str().unwrap_or_else(|| panic!("{line} has no level"));
        assert!(["DEBUG", "TRACE"].contains(&level) || object["message"].is_string(), "{line} has no message");
        object
    });
    lines.collect()
}

/// Waits until the function has logged such a line at this level, and gives it.
pub(crate) async fn logged(function: &Function, level: &str, message: &str) -> Value {
    let look = || log_lines(function).into_iter().find(|line| line["level"] == level && line["message"] == message);
    eventually(&format!("{level} {message} is logged"), SOON, async || look().is_some()).await;
    look().unwrap()
}

/// Starts a function that should stop at once, and gives its one sentence.
pub(crate) async fn refusal(binary: &str, env: &[(&str, &str)]) -> String {
    let function = Function::start(binary, env).await;
    assert_eq!(function.exit().await.code(), Some(1), "with {env:?}");
    match log_lines(&function).as_slice() {
        [line] if line["level"] == "ERROR" && line["message"] == "the function stops" => {
            line["cause"].as_str().unwrap().to_owned()
        }
        lines => panic!("with {env:?} there should have been one sentence: {lines:?}"),
    }
}

/// Freezes a function as Lambda does between two events, for so long that the way to Redis has forgotten its connection; no
/// side is told of it. New connections work.
pub(crate) fn freeze_until_the_connection_is_forgotten(function: &Function, way_to_redis: &Proxy) {
    function.process().pause();
    way_to_redis.cut();
    way_to_redis.restore();
    function.process().resume();
}

/// The answers to that event twice: the first may be slow, within its limit, and the second may not.
pub(crate) async fn one_slow_answer_at_most(function: &Function, name: &str) -> [Answer; 2] {
    let start = Instant::now();
    let first = answer_to(function, name).await;
    assert!(start.elapsed() < REDIS_TIMEOUT + GRACE, "{:?}", start.elapsed());
    let start = Instant::now();
    let second = answer_to(function, name).await;
    // Half of REDIS_TIMEOUT is what a dead connection costs.
    assert!(start.elapsed() < REDIS_TIMEOUT / 2, "{:?}", start.elapsed());
    [first, second]
}

/// A Secrets Manager with this text in each secret.
pub(crate) async fn secrets_manager(text: &str) -> AwsApi {
    let text = text.to_owned();
    AwsApi::start(move |request| (200, json!({"ARN": request["SecretId"], "SecretString": text}))).await
}

/// The ARN of a secret.
pub(crate) const SECRET_ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:emptyclassroom-AbCdEf";
