//! The function's own binary, started as Lambda starts it, over a real Redis.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, time::Duration};

use serde_json::{Value, json};
use testkit::{Function, RedisServer, eventually, free_port};

const BINARY: &str = env!("CARGO_BIN_EXE_cooldown-status");
/// How long a line may be on its way from the function's log.
const SOON: Duration = Duration::from_secs(10);

fn event(name: &str) -> Value {
    let file = format!("{}/../../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

async fn status(function: &Function) -> Value {
    let answer = function.invoke(event("cooldown-status")).await.unwrap();
    assert_eq!(answer["statusCode"], 200);
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn it_tells_how_long_the_cooldown_lasts() {
    let redis = RedisServer::start().await;
    let function = Function::start(BINARY, &[("REDIS_URL", &redis.url())]).await;
    assert_eq!(status(&function).await, json!({"in_cooldown": false, "remaining_minutes": 0}));
    // Far in the future, as a clock that is ahead writes it: the whole cooldown, and no more.
    redis.command(&["SET", "classrooms:last_refresh", "2999-01-01T00:00:00+00:00"]).await;
    assert_eq!(status(&function).await, json!({"in_cooldown": true, "remaining_minutes": 30.0}));
    redis.command(&["SET", "classrooms:last_refresh", "2026-03-03T10:00:00.123456-05:00"]).await;
    assert_eq!(status(&function).await, json!({"in_cooldown": false, "remaining_minutes": 0}));
}

#[tokio::test]
async fn the_answer_is_what_api_gateway_expects() {
    let redis = RedisServer::start().await;
    let function = Function::start(BINARY, &[("REDIS_URL", &redis.url())]).await;
    let answer = function.invoke(event("cooldown-status")).await.unwrap();
    assert_eq!((&answer["isBase64Encoded"], &answer["cookies"]), (&json!(false), &json!([])));
    assert_eq!(answer["headers"]["content-type"], "application/json");
    assert_eq!(answer["headers"]["x-content-type-options"], "nosniff");
    let elsewhere = function.invoke(event("not-found")).await.unwrap();
    assert_eq!(elsewhere["statusCode"], 404);
}

#[tokio::test]
async fn over_tls_it_trusts_whom_it_was_told_to_and_nobody_else() {
    let redis = RedisServer::start_tls().await;
    redis.command(&["SET", "classrooms:last_refresh", "2999-01-01T00:00:00+00:00"]).await;
    let ca = redis.ca_file().display().to_string();
    let trusting = Function::start(BINARY, &[("REDIS_URL", &redis.url()), ("SSL_CERT_FILE", &ca)]).await;
    assert_eq!(status(&trusting).await["in_cooldown"], true);
    let wary = Function::start(BINARY, &[("REDIS_URL", &redis.url())]).await;
    assert_eq!(status(&wary).await["in_cooldown"], false);
    eventually("the certificate is refused", SOON, async || wary.logs().contains("certificate")).await;
}

#[tokio::test]
async fn without_redis_it_starts_in_time_and_keeps_nobody_from_refreshing() {
    let url = format!("redis://:hunter2@127.0.0.1:{}", free_port());
    let function = Function::start(BINARY, &[("REDIS_URL", &url), ("RUST_LOG", "trace")]).await;
    assert!(function.init_time().await < Duration::from_secs(9), "Lambda allows 10 s for a start");
    assert_eq!(status(&function).await, json!({"in_cooldown": false, "remaining_minutes": 0}));
    eventually("Redis is missed", SOON, async || function.logs().contains("no Redis at the start")).await;
    assert!(!function.logs().contains("hunter2"), "{}", function.logs());
}

#[tokio::test]
async fn it_does_not_start_without_the_url_of_redis() {
    let mut function = Function::start(BINARY, &[]).await;
    assert!(!function.exit().await.success());
    let last: Value = serde_json::from_str(function.logs().lines().last().unwrap()).unwrap();
    assert_eq!((&last["level"], &last["message"]), (&json!("ERROR"), &json!("the function stops")));
    assert!(last["cause"].as_str().unwrap().starts_with("REDIS_URL is not set, but should be"), "{last}");
}
