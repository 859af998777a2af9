//! The `cooldown-status` function as Lambda starts it: its binary, a real Redis, API Gateway's events.

use std::time::Duration;

use emptyclassroom::{domain::campus::Campus, outside::clock::Clock};
use serde_json::json;
use testkit::{AwsApi, Function, PATIENCE, Proxy, RedisServer, SECRET_ARN, event, eventually};

const BINARY: &str = env!("CARGO_BIN_EXE_cooldown-status");
/// The response body when no refresh is known.
const NO_COOLDOWN: &str = r#"{"in_cooldown":false,"remaining_minutes":0}"#;

async fn start(redis_url: &str, env: &[(&str, &str)]) -> Function {
    Function::start(BINARY, &[&[("REDIS_URL", redis_url), ("REDIS_TIMEOUT", "2")], env].concat()).await
}

/// Stores in Redis that a sweep has just succeeded.
async fn mark_refreshed(redis: &RedisServer) {
    let now = Clock::system(Campus::built_in().timezone).timestamp().to_string();
    assert_eq!(redis.command(&["SET", "classrooms:last_refresh", &now]).await, "OK");
}

#[tokio::test]
async fn cooldown_status_needs_only_redis_and_returns_the_remaining_minutes() {
    let redis = RedisServer::start().await;
    let function = start(&redis.url(), &[]).await;
    let answer = function.answer_to("cooldown-status").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, NO_COOLDOWN));
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");

    mark_refreshed(&redis).await;
    let status = function.answer_to("cooldown-status").await.json();
    let minutes = status["remaining_minutes"].as_f64().unwrap();
    assert!(status["in_cooldown"] == true && minutes > 29.0 && minutes < 30.0, "{status}");

    let other_route = function.answer_to("open-classrooms").await;
    assert_eq!(other_route.problem(), (404, "Not Found".to_owned()), "the function serves only its own route");
}

#[tokio::test]
async fn redis_url_can_be_read_from_secrets_manager() {
    let redis = RedisServer::start().await;
    mark_refreshed(&redis).await;
    let secrets = AwsApi::secrets_manager(&redis.url()).await;
    let env = [
        ("REDIS_URL_SECRET_ARN", SECRET_ARN),
        ("AWS_ENDPOINT_URL", &secrets.url()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let function = start("", &env).await;
    assert_eq!(function.answer_to("cooldown-status").await.json()["in_cooldown"], true);
    assert_eq!(secrets.taken().len(), 1);
}

#[tokio::test]
async fn redis_over_tls_with_a_trusted_certificate_works() {
    let redis = RedisServer::start_tls().await;
    mark_refreshed(&redis).await;
    let function = start(&redis.url(), &[("SSL_CERT_FILE", redis.ca_file().to_str().unwrap())]).await;
    assert_eq!(function.answer_to("cooldown-status").await.json()["in_cooldown"], true);
}

#[tokio::test]
async fn redis_over_tls_with_an_untrusted_certificate_counts_as_down() {
    let redis = RedisServer::start_tls().await;
    mark_refreshed(&redis).await;
    let function = start(&redis.url(), &[]).await;
    assert_eq!(function.answer_to("cooldown-status").await.text, NO_COOLDOWN);
    for message in ["Redis could not be reached at startup", "the cache is down: no cooldown is shown"] {
        let line = function.logged("ERROR", message).await;
        assert!(line["cause"].as_str().unwrap().contains("certificate"), "{line}");
    }
}

#[tokio::test]
async fn the_function_starts_without_redis_and_connects_later() {
    let mut redis = RedisServer::start().await;
    redis.stop().await;
    let function = start(&redis.url(), &[]).await;
    assert!(function.init_time().await < Duration::from_secs(5));
    assert_eq!(function.answer_to("cooldown-status").await.text, NO_COOLDOWN);
    function.logged("ERROR", "Redis could not be reached at startup").await;

    redis.restart().await;
    mark_refreshed(&redis).await;
    assert_eq!(function.answer_to("cooldown-status").await.json()["in_cooldown"], true);
}

#[tokio::test]
async fn a_hanging_redis_delays_the_start_by_at_most_three_seconds() {
    let redis = RedisServer::start_tls().await;
    mark_refreshed(&redis).await;
    let proxy = Proxy::start(redis.addr()).await;
    proxy.cut();
    let url = format!("rediss://localhost:{}", proxy.addr().port());
    let trusted = redis.ca_file().to_str().unwrap();
    let function = start(&url, &[("REDIS_TIMEOUT", "20"), ("SSL_CERT_FILE", trusted)]).await;
    let init = function.init_time().await;
    assert!(init < Duration::from_secs(8), "Lambda's INIT phase may take 10 s: {init:?}");
    function.logged("ERROR", "Redis could not be reached at startup").await;

    proxy.restore();
    assert_eq!(function.answer_to("cooldown-status").await.json()["in_cooldown"], true);
}

#[tokio::test]
async fn a_bad_environment_variable_stops_the_start_with_an_error_that_names_it() {
    let wanted = "REDIS_URL is not set; expected redis://HOST:PORT or rediss://USER:PASSWORD@HOST:PORT";
    assert_eq!(Function::refusal(BINARY, &[]).await, wanted);
    assert_eq!(Function::refusal(BINARY, &[("REDIS_URL", " ")]).await, wanted);
    let refused =
        Function::refusal(BINARY, &[("REDIS_URL", "redis://localhost"), ("REFRESH_COOLDOWN_MINUTES", "half an hour")]);
    assert_eq!(
        refused.await,
        "REFRESH_COOLDOWN_MINUTES is `half an hour`; expected a whole number of minutes between 0 and 1260"
    );
}

#[tokio::test]
async fn an_event_that_is_not_an_http_request_is_an_error_and_the_next_one_is_answered() {
    let redis = RedisServer::start().await;
    let function = start(&redis.url(), &[]).await;
    for event in [json!({}), json!(null), event("schedule")] {
        let error = function.invoke(event.clone()).await.unwrap_err();
        assert!(matches!(error, testkit::InvocationError::Function(_)), "{event}: {error}");
    }
    assert_eq!(function.answer_to("cooldown-status").await.text, NO_COOLDOWN);
}

#[tokio::test]
async fn after_a_freeze_a_dead_redis_connection_slows_at_most_one_cooldown_status() {
    let redis = RedisServer::start().await;
    mark_refreshed(&redis).await;
    let network = Proxy::start(redis.addr()).await;
    let function = start(&format!("redis://{}", network.addr()), &[]).await;
    assert_eq!(function.answer_to("cooldown-status").await.json()["in_cooldown"], true);
    function.freeze_until_redis_connection_is_lost(&network);
    for answer in function.one_slow_answer_at_most("cooldown-status").await {
        assert_eq!((answer.status.as_u16(), &answer.json()["in_cooldown"]), (200, &json!(true)));
    }
}

#[tokio::test]
async fn redis_time_is_in_the_metrics() {
    let redis = RedisServer::start().await;
    let function = start(&redis.url(), &[]).await;
    function.answer_to("cooldown-status").await;
    eventually("the line of metrics is written", PATIENCE, async || function.metrics().len() == 1).await;
    let line = &function.metrics()[0];
    assert!(line["RedisTime"].as_f64().unwrap() > 0.0 && line["ColdStarts"] == 1, "{line}");
}
