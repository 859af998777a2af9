//! The function's own binary, started as Lambda starts it, over a real Redis and a simulated 25Live.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{fs, time::Duration};

use serde_json::{Value, json};
use simulator::{Room, Simulator};
use testkit::{Function, RedisServer, eventually, free_port};

const BINARY: &str = env!("CARGO_BIN_EXE_read");
/// How long a line may be on its way from the function's log.
const SOON: Duration = Duration::from_secs(10);

fn event(name: &str) -> Value {
    let file = format!("{}/../../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// A 25Live that knows the rooms of the built-in campus, of which the test needs a number and one id.
async fn upstream() -> Simulator {
    let file = format!("{}/../../campuses/bu.toml", env!("CARGO_MANIFEST_DIR"));
    let campus = fs::read_to_string(file).unwrap();
    let ids = campus.lines().filter_map(|line| line.strip_prefix("id = ")).map(|id| id.trim_matches('"'));
    Simulator::start(ids.map(|id| Room::new(id, id)).collect()).await.unwrap()
}

async fn answer(function: &Function, name: &str) -> Value {
    function.invoke(event(name)).await.unwrap()
}

fn body(answer: &Value) -> Value {
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn the_first_reader_causes_a_sweep_and_the_next_gets_the_same_bytes() {
    let (redis, upstream) = (RedisServer::start().await, upstream().await);
    let function = Function::start(BINARY, &[("REDIS_URL", &redis.url()), ("API_URL", &upstream.url())]).await;
    let first = answer(&function, "open-classrooms").await;
    assert_eq!((&first["statusCode"], &first["headers"]["x-cache"]), (&json!(200), &json!("MISS")));
    assert_eq!((&first["isBase64Encoded"], &first["cookies"]), (&json!(false), &json!([])));
    assert_eq!(body(&first)["buildings"]["CAS"]["classrooms"].as_array().unwrap().len(), 54);
    let second = answer(&function, "open-classrooms").await;
    assert_eq!((&second["headers"]["x-cache"], &second["body"]), (&json!("HIT"), &first["body"]));
    assert_eq!(upstream.requests(), 77);

    let mut conditional = event("open-classrooms");
    conditional["headers"]["if-none-match"] = first["headers"]["etag"].clone();
    let known = function.invoke(conditional).await.unwrap();
    assert_eq!((&known["statusCode"], known["body"].as_str().unwrap_or_default()), (&json!(304), ""));

    assert_eq!(body(&answer(&function, "last-updated").await)["last_updated"], body(&first)["last_updated"]);
    let room = body(&answer(&function, "classroom").await);
    assert_eq!((&room["id"], &room["name"], &room["building_code"]), (&json!("342"), &json!("116"), &json!("CAS")));
}

#[tokio::test]
async fn each_refusal_is_a_well_formed_answer() {
    let (redis, upstream) = (RedisServer::start().await, upstream().await);
    let function = Function::start(BINARY, &[("REDIS_URL", &redis.url()), ("API_URL", &upstream.url())]).await;
    assert_eq!(body(&answer(&function, "hello").await), "Hello World");
    for (name, status, detail) in [
        ("open-classrooms-bad-date", 400, "`date` is `tomorrow`, but should be a day, as 2026-03-03"),
        ("open-classrooms-date-not-kept", 404, "No availability is kept for 2020-01-01"),
        ("classroom-not-found", 404, "Classroom not found"),
        ("not-found", 404, "Not Found"),
        ("method-not-allowed", 405, "Method Not Allowed"),
    ] {
        let answer = answer(&function, name).await;
        assert_eq!((&answer["statusCode"], &body(&answer)["detail"]), (&json!(status), &json!(detail)), "{name}");
        assert_eq!(answer["headers"]["content-type"], "application/problem+json", "{name}");
    }
    assert_eq!(upstream.requests(), 0);
}

#[tokio::test]
async fn it_works_over_tls() {
    let (redis, upstream) = (RedisServer::start_tls().await, upstream().await);
    let ca = redis.ca_file().display().to_string();
    let vars = [("REDIS_URL", redis.url()), ("API_URL", upstream.url()), ("SSL_CERT_FILE", ca)];
    let vars = vars.each_ref().map(|(name, value)| (*name, value.as_str()));
    let function = Function::start(BINARY, &vars).await;
    assert_eq!(answer(&function, "open-classrooms").await["headers"]["x-cache"], "MISS");
    assert_eq!(answer(&function, "open-classrooms").await["headers"]["x-cache"], "HIT");
    // Without the authority it refuses the certificate, and lives.
    let wary = Function::start(BINARY, &vars[..2]).await;
    assert_eq!(answer(&wary, "open-classrooms").await["statusCode"], 503);
    eventually("the certificate is refused", SOON, async || wary.logs().contains("certificate")).await;
}

#[tokio::test]
async fn without_redis_it_starts_in_time_answers_503_and_recovers() {
    let upstream = upstream().await;
    let mut redis = RedisServer::start().await;
    let url = redis.url();
    redis.stop().await;
    let function = Function::start(BINARY, &[("REDIS_URL", &url), ("API_URL", &upstream.url())]).await;
    assert!(function.init_time().await < Duration::from_secs(9), "Lambda allows 10 s for a start");
    let refused = answer(&function, "open-classrooms").await;
    assert_eq!((&refused["statusCode"], &body(&refused)["detail"]), (&json!(503), &json!("Cache unavailable")));
    assert_eq!(refused["headers"]["retry-after"], "5");
    assert_eq!(body(&answer(&function, "last-updated").await), json!({"last_updated": null}));
    redis.restart().await;
    assert_eq!(answer(&function, "open-classrooms").await["headers"]["x-cache"], "MISS");
}

#[tokio::test]
async fn its_logs_are_json_and_hold_no_secret_at_any_level() {
    let upstream = upstream().await;
    let redis = RedisServer::start_with(&["--requirepass", "hunter2"]).await;
    let url = redis.url().replace("redis://", "redis://:hunter2@");
    let vars = [
        ("REDIS_URL", url.as_str()),
        ("API_URL", &upstream.url()),
        ("ADMIN_TOKEN", "swordfish"),
        ("RUST_LOG", "trace"),
    ];
    let function = Function::start(BINARY, &vars).await;
    answer(&function, "open-classrooms").await;
    answer(&function, "open-classrooms").await;
    eventually("the hit is logged", SOON, async || function.logs().contains("\"cache\":\"HIT\"")).await;
    let logs = function.logs();
    assert!(logs.contains("sweep published"), "{logs}");
    for line in logs.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| json!({"not JSON": line}));
        assert!(line["level"].is_string() && line["message"].is_string(), "{line}");
    }
    assert!(!logs.contains("hunter2") && !logs.contains("swordfish"), "{logs}");
}

#[tokio::test]
async fn a_bad_configuration_stops_the_start_with_a_sentence() {
    let redis = format!("redis://127.0.0.1:{}", free_port());
    for (vars, cause) in [
        (vec![("API_URL", "http://127.0.0.1:1")], "REDIS_URL is not set, but should be"),
        (vec![("REDIS_URL", redis.as_str()), ("REDIS_TIMEOUT", "0.1")], "API_URL is not set, but should be"),
        (vec![("REDIS_URL", "rediss://localhost/#insecure")], "REDIS_URL is a URL with a `#…` part"),
        (vec![("REDIS_URL", redis.as_str()), ("MIN_GAP_MINUTES", "some")], "MIN_GAP_MINUTES is `some`, but should be"),
        (vec![("REDIS_URL", redis.as_str()), ("CAMPUS_FILE", "/none.toml")], "CAMPUS_FILE cannot be used: /none.toml"),
    ] {
        let mut function = Function::start(BINARY, &vars).await;
        assert!(!function.exit().await.success());
        let logs = function.logs();
        let last: Value = serde_json::from_str(logs.lines().last().unwrap()).unwrap();
        assert!(last["cause"].as_str().unwrap().starts_with(cause), "{last}");
    }
}
