//! The `refresh` function as Lambda starts it: its binary, a real Redis, a simulated 25Live, a small EventBridge, and
//! the events of API Gateway and of the schedule.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use emptyclassroom::domain::campus::Campus;
use futures_util::future::join_all;
use serde_json::{Value, json};
use simulator::{Fault, Simulator};
use testkit::{
    AwsApi, Certificate, Function, InvocationError, OldTls, PATIENCE, Proxy, RedisServer, SECRET_ARN, TestResponse,
    TlsProxy, event, eventually, simulate,
};
use tokio::net::TcpSocket;

const BINARY: &str = env!("CARGO_BIN_EXE_refresh");
/// The token that `refresh-invalidate-cache.json` sends.
const TOKEN: (&str, &str) = ("ADMIN_TOKEN", "test-admin-token");
const ROOMS: usize = 77;

/// Starts a simulated 25Live with the built-in campus.
async fn start_25live() -> Simulator {
    simulate(&Campus::built_in()).await
}

async fn start(redis_url: &str, simulator: &Simulator, env: &[(&str, &str)]) -> Function {
    let api_url = simulator.url();
    let common = [
        ("REDIS_URL", redis_url),
        ("API_URL", &api_url),
        ("REDIS_TIMEOUT", "2"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    Function::start(BINARY, &[&common, env].concat()).await
}

fn assert_refreshed(answer: &TestResponse) {
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"), "{answer:?}");
    assert_eq!(answer.json()["message"], "Data refreshed successfully");
}

fn assert_unavailable(answer: &TestResponse) {
    assert_eq!(answer.problem(), (503, "Cache unavailable".to_owned()));
    assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
}

/// The error that a failed scheduled invocation returns to Lambda.
async fn failed_scheduled_refresh(function: &Function) -> String {
    match function.invoke(event("schedule")).await.unwrap_err() {
        InvocationError::Function(error) => {
            assert_eq!(error["errorType"], "RefreshFailed");
            error["errorMessage"].as_str().unwrap().to_owned()
        }
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_second_refresh_within_the_cooldown_gets_429() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let function = start(&redis.url(), &simulator, &[]).await;
    let refreshed = function.answer_to("refresh").await;
    assert_refreshed(&refreshed);
    assert_eq!(redis.command(&["GET", "classrooms:last_refresh"]).await, refreshed.json()["timestamp"]);
    assert_eq!(redis.command(&["EXISTS", "classrooms:availability", "classrooms:refresh_lock"]).await, "1");

    let refused = function.answer_to("refresh").await;
    let (status, sentence) = refused.problem();
    let minutes = sentence
        .strip_prefix("Refresh cooldown active. Please wait ")
        .and_then(|rest| rest.strip_suffix(" more minutes."))
        .unwrap();
    assert!(status == 429 && ["29.8", "29.9", "30.0"].contains(&minutes), "{sentence}");
    let retry_after: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1780..=1800).contains(&retry_after), "{retry_after}");
    assert_eq!(simulator.requests(), ROOMS);
}

#[tokio::test]
async fn the_schedule_refreshes_and_a_repeated_delivery_is_skipped() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let function = start(&redis.url(), &simulator, &[]).await;
    let outcome = function.invoke(event("schedule")).await.unwrap();
    let timestamp = redis.command(&["GET", "classrooms:last_refresh"]).await;
    assert_eq!(outcome, json!({"outcome": "refreshed", "timestamp": timestamp}));
    assert_eq!(function.invoke(event("schedule")).await.unwrap(), json!({"outcome": "skipped"}));
    assert_eq!(simulator.requests(), ROOMS);
    function.logged("INFO", "scheduled refresh skipped: a sweep has just succeeded").await;
}

#[tokio::test]
async fn a_failed_sweep_is_502_to_clients_and_fails_the_scheduled_invocation() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let function = start(&redis.url(), &simulator, &[]).await;
    simulator.misbehave(Fault::Html);
    assert_eq!(function.answer_to("refresh").await.problem(), (502, "Failed to refresh data".to_owned()));
    assert_unavailable(&function.answer_to("refresh").await);
    assert_eq!(failed_scheduled_refresh(&function).await, "a sweep failed less than a minute ago");
    assert_eq!(simulator.requests(), ROOMS);
    let line = function.logged("ERROR", "sweep failed").await;
    assert_eq!((&line["rooms_ok"], &line["rooms_failed"]), (&json!(0), &json!(ROOMS)));
}

#[tokio::test]
async fn each_sweep_emits_one_line_of_metrics_whether_requested_or_scheduled() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let function = start(&redis.url(), &simulator, &[("REFRESH_COOLDOWN_MINUTES", "0")]).await;
    assert_refreshed(&function.answer_to("refresh").await);
    simulator.misbehave(Fault::Html);
    let failure = failed_scheduled_refresh(&function).await;
    assert_eq!(failure, "77 of the 77 rooms asked failed, so the sweep is not published");
    eventually("both sweeps have a line of metrics", PATIENCE, async || function.metrics().len() == 2).await;
    let lines = function.metrics();
    assert_eq!((&lines[0]["SweepsPublished"], &lines[0]["RoomsOk"]), (&json!(1), &json!(ROOMS)));
    assert_eq!((&lines[1]["SweepsFailed"], &lines[1]["RoomsFailed"]), (&json!(1), &json!(ROOMS)));
}

#[tokio::test]
async fn each_error_of_refresh_has_its_status_and_detail() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let function = start(&redis.url(), &simulator, &[TOKEN]).await;
    let too_large = function.answer_to("refresh-too-large").await;
    assert_eq!(too_large.problem(), (413, "The request body is longer than 1024 bytes".to_owned()));
    assert_eq!(function.answer_to("open-classrooms").await.problem(), (404, "Not Found".to_owned()));

    let mut get = event("refresh");
    get["requestContext"]["http"]["method"] = "GET".into();
    let refused = function.answer(get).await;
    assert_eq!((refused.problem().0, refused.header("allow")), (405, "POST"));

    let mut wrong_token = event("refresh-invalidate-cache");
    wrong_token["headers"]["authorization"] = "Bearer wrong".into();
    let refused = function.answer(wrong_token).await;
    assert_eq!((refused.problem().0, refused.header("www-authenticate")), (401, "Bearer"));
    assert_eq!(simulator.requests(), 0);
}

#[tokio::test]
async fn a_refresh_with_the_admin_token_ignores_the_cooldown() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let function = start(&redis.url(), &simulator, &[TOKEN]).await;
    assert_refreshed(&function.answer_to("refresh").await);
    assert_refreshed(&function.answer_to("refresh-invalidate-cache").await);
    assert_eq!(simulator.requests(), 2 * ROOMS);
}

#[tokio::test]
async fn the_admin_token_can_be_read_from_secrets_manager() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let secrets = AwsApi::secrets_manager(TOKEN.1).await;
    let endpoint = secrets.url();
    let env = [("ADMIN_TOKEN_SECRET_ARN", SECRET_ARN), ("AWS_ENDPOINT_URL", &endpoint)];
    let function = start(&redis.url(), &simulator, &env).await;
    assert_refreshed(&function.answer_to("refresh-invalidate-cache").await);
    assert_eq!(secrets.taken().len(), 1);
}

#[tokio::test]
async fn redis_over_tls_with_a_trusted_certificate_works() {
    let (redis, simulator) = (RedisServer::start_tls().await, start_25live().await);
    let env = [("SSL_CERT_FILE", redis.ca_file().to_str().unwrap())];
    let function = start(&redis.url(), &simulator, &env).await;
    assert_refreshed(&function.answer_to("refresh").await);
}

#[tokio::test]
async fn redis_over_tls_with_an_untrusted_certificate_counts_as_down() {
    let (redis, simulator) = (RedisServer::start_tls().await, start_25live().await);
    let function = start(&redis.url(), &simulator, &[]).await;
    assert_unavailable(&function.answer_to("refresh").await);
    for message in ["Redis could not be reached at startup", "a refresh failed"] {
        let line = function.logged("ERROR", message).await;
        assert!(line["cause"].as_str().unwrap().contains("certificate"), "{line}");
    }
    assert_eq!(simulator.requests(), 0);
}

#[tokio::test]
async fn the_function_starts_without_redis_and_refreshes_once_redis_is_up() {
    let (mut redis, simulator) = (RedisServer::start().await, start_25live().await);
    redis.stop().await;
    let function = start(&redis.url(), &simulator, &[]).await;
    assert!(function.init_time().await < Duration::from_secs(5));
    assert_unavailable(&function.answer_to("refresh").await);
    assert!(failed_scheduled_refresh(&function).await.starts_with("the cache failed: "));
    assert_eq!(simulator.requests(), 0, "no sweep starts without a cache");

    redis.restart().await;
    assert_refreshed(&function.answer_to("refresh").await);
}

#[tokio::test]
async fn a_bad_environment_variable_stops_the_start_with_an_error_that_names_it() {
    let redis = RedisServer::start().await;
    let url = redis.url();
    let redis_url = ("REDIS_URL", url.as_str());
    for (env, beginning) in [
        (vec![("API_URL", "http://localhost/x")], "REDIS_URL is not set; expected redis://HOST:PORT"),
        (vec![redis_url], "API_URL is not set; expected the http(s) URL"),
        (vec![redis_url, ("API_URL", "ftp://x")], "API_URL is `ftp://x`; expected the http(s) URL"),
        (
            vec![redis_url, ("UPSTREAM_TIMEOUT", "soon")],
            "UPSTREAM_TIMEOUT is `soon`; expected a number of seconds between 0.1",
        ),
        (vec![redis_url, ("REFRESH_COOLDOWN_MINUTES", "-1")], "REFRESH_COOLDOWN_MINUTES is `-1`; expected"),
    ] {
        let sentence = Function::refusal(BINARY, &env).await;
        assert!(sentence.starts_with(beginning), "{env:?}: {sentence}");
    }
}

#[tokio::test]
async fn an_event_that_is_neither_request_nor_schedule_is_an_error_and_the_next_one_is_answered() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let function = start(&redis.url(), &simulator, &[]).await;
    let mut other = event("schedule");
    other["detail-type"] = "Object Created".into();
    for event in [json!({}), Value::Null, json!([1]), json!("refresh"), other] {
        match function.invoke(event.clone()).await.unwrap_err() {
            InvocationError::Function(error) => assert!(
                error["errorMessage"]
                    .as_str()
                    .unwrap()
                    .contains("neither an API Gateway v2 request nor a \"Scheduled Event\""),
                "{event}: {error}"
            ),
            error => panic!("{event}: {error}"),
        }
    }
    assert_eq!(simulator.requests(), 0);
    assert_refreshed(&function.answer_to("refresh").await);
}

/// Starts an EventBridge that accepts every event.
async fn event_bus() -> AwsApi {
    AwsApi::start(|_| {
        (200, json!({"FailedEntryCount": 0, "Entries": [{"EventId": "11710aed-b79e-4468-a20b-bb3c0c3b4860"}]}))
    })
    .await
}

/// Returns the only event published so far and its parsed detail.
fn published(bus: &AwsApi) -> (Value, Value) {
    let taken = bus.taken();
    let [(target, request)] = taken.as_slice() else { panic!("expected one request: {taken:?}") };
    assert_eq!(target, "AWSEvents.PutEvents");
    let entries = request["Entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "{request}");
    let detail = serde_json::from_str(entries[0]["Detail"].as_str().unwrap()).unwrap();
    (entries[0].clone(), detail)
}

/// Starts a function that publishes to the EventBridge at this address.
async fn start_with_event_bus(bus: SocketAddr, redis: &RedisServer, simulator: &Simulator) -> Function {
    let endpoint = format!("http://{bus}");
    let env = [("EVENT_BUS_NAME", "campus-events"), ("AWS_ENDPOINT_URL", &endpoint)];
    start(&redis.url(), simulator, &env).await
}

#[tokio::test]
async fn a_successful_refresh_publishes_an_event_to_eventbridge() {
    let (redis, simulator, bus) = (RedisServer::start().await, start_25live().await, event_bus().await);
    let function = start_with_event_bus(bus.addr(), &redis, &simulator).await;
    simulator.misbehave_for("342", Fault::Html);
    let answer = function.answer_to("refresh").await;
    assert_refreshed(&answer);
    let (entry, detail) = published(&bus);
    assert_eq!(
        (&entry["Source"], &entry["DetailType"], &entry["EventBusName"]),
        (&json!("emptyclassroom"), &json!("Availability Refreshed"), &json!("campus-events"))
    );
    assert_eq!((&detail["rooms_ok"], &detail["rooms_failed"]), (&json!(ROOMS - 1), &json!(1)));
    assert_eq!(detail["timestamp"], answer.json()["timestamp"]);
    assert!(detail["timestamp"].as_str().unwrap().starts_with(detail["date"].as_str().unwrap()), "{detail}");
    assert!(detail["duration_ms"].is_u64(), "{detail}");

    // A refused or skipped refresh publishes no event.
    assert_eq!(function.answer_to("refresh").await.status, 429);
    assert_eq!(function.invoke(event("schedule")).await.unwrap(), json!({"outcome": "skipped"}));
    assert_eq!(bus.taken().len(), 1);
}

#[tokio::test]
async fn a_failed_refresh_publishes_an_event_to_eventbridge() {
    let (redis, simulator, bus) = (RedisServer::start().await, start_25live().await, event_bus().await);
    let function = start_with_event_bus(bus.addr(), &redis, &simulator).await;
    simulator.misbehave(Fault::Html);
    failed_scheduled_refresh(&function).await;
    let (entry, detail) = published(&bus);
    assert_eq!(
        (&entry["Source"], &entry["DetailType"]),
        (&json!("emptyclassroom"), &json!("Availability Refresh Failed"))
    );
    assert_eq!((&detail["rooms_ok"], &detail["rooms_failed"]), (&json!(0), &json!(ROOMS)));
}

#[tokio::test]
async fn a_failing_eventbridge_is_only_logged() {
    let refusal = json!({"ErrorCode": "NotAuthorized", "ErrorMessage": "The bus is full of bees"});
    let refusing = AwsApi::start(move |_| (200, json!({"FailedEntryCount": 1, "Entries": [refusal]}))).await;
    // Bound but not listening, so that no other program takes the port.
    let closed = TcpSocket::new_v4().unwrap();
    closed.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let down = closed.local_addr().unwrap();
    for (bus, reason) in [(refusing.addr(), "The bus is full of bees"), (down, "Connection refused")] {
        let (redis, simulator) = (RedisServer::start().await, start_25live().await);
        let function = start_with_event_bus(bus, &redis, &simulator).await;
        assert_refreshed(&function.answer_to("refresh").await);
        let line = function.logged("WARN", "an event was not published").await;
        assert!(line["cause"].as_str().unwrap().contains("Availability Refreshed"), "{line}");
        assert!(line["cause"].as_str().unwrap().contains(reason), "{line}");
        assert_eq!(redis.command(&["EXISTS", "classrooms:availability", "classrooms:refresh_lock"]).await, "1");
    }
}

#[tokio::test]
async fn a_hanging_eventbridge_delays_the_response_by_two_seconds_and_holds_no_lock() {
    let (redis, simulator, bus) = (RedisServer::start().await, start_25live().await, event_bus().await);
    let proxy = Proxy::start(bus.addr()).await;
    proxy.cut();
    let function = start_with_event_bus(proxy.addr(), &redis, &simulator).await;
    let free = eventually("the sweep is published and the lock is released", PATIENCE, async || {
        redis.command(&["EXISTS", "classrooms:last_refresh"]).await == "1"
            && redis.command(&["EXISTS", "classrooms:refresh_lock"]).await == "0"
    });
    let freed_at = async {
        free.await;
        Instant::now()
    };
    let answered_at = async {
        assert_refreshed(&function.answer_to("refresh").await);
        Instant::now()
    };
    let (freed_at, answered_at) = tokio::join!(freed_at, answered_at);
    assert!(freed_at < answered_at, "the lock is released before the event is sent");
    assert!(answered_at - freed_at < Duration::from_secs(4), "{:?}", answered_at - freed_at);
    function.logged("WARN", "an event was not published").await;
}

#[tokio::test]
async fn no_secret_is_logged_at_any_level() {
    let redis = RedisServer::start_with(&["--requirepass", "correct-horse"]).await;
    let (simulator, bus) = (start_25live().await, event_bus().await);
    let (url, endpoint) =
        (redis.url().replace("redis://", "redis://:correct-horse@"), format!("http://{}", bus.addr()));
    let env = [
        TOKEN,
        ("RUST_LOG", "trace"),
        ("EVENT_BUS_NAME", "campus-events"),
        ("AWS_ENDPOINT_URL", &endpoint),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI"),
        ("AWS_SESSION_TOKEN", "IQoJb3JpZ2lu"),
    ];
    let function = start(&url, &simulator, &env).await;
    assert_refreshed(&function.answer_to("refresh-invalidate-cache").await);
    let mut wrong_token = event("refresh-invalidate-cache");
    wrong_token["headers"]["authorization"] = "Bearer a-guessed-token".into();
    assert_eq!(function.answer(wrong_token).await.status, 401);
    published(&bus);
    function.logged("INFO", "sweep published").await;
    assert!(function.log_lines().iter().any(|line| line["level"] == "DEBUG"), "{}", function.logs());
    for secret in ["correct-horse", TOKEN.1, "a-guessed-token", "wJalrXUtnFEMI", "IQoJb3JpZ2lu"] {
        assert!(!function.logs().contains(secret), "{secret} is in:\n{}", function.logs());
    }
}

#[tokio::test]
async fn after_a_freeze_a_dead_redis_connection_slows_at_most_one_request() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let network = Proxy::start(redis.addr()).await;
    let function = start(&format!("redis://{}", network.addr()), &simulator, &[]).await;
    assert_refreshed(&function.answer_to("refresh").await);
    function.freeze_until_redis_connection_is_lost(&network);
    for answer in function.one_slow_answer_at_most("refresh").await {
        assert_eq!(answer.status.as_u16(), 429);
    }
    // The same for a request that sweeps.
    redis.command(&["DEL", "classrooms:last_refresh"]).await;
    function.freeze_until_redis_connection_is_lost(&network);
    assert_refreshed(&function.answer_to("refresh").await);
    assert_eq!(simulator.requests(), 2 * ROOMS);
}

/// Starts a function whose 25Live is behind TLS with this certificate.
async fn start_over_tls(certificate: Certificate, redis: &RedisServer, simulator: &Simulator) -> (Function, TlsProxy) {
    let tls = TlsProxy::start(simulator.addr(), certificate).await;
    let url = simulator.url().replace(&format!("http://{}", simulator.addr()), &format!("https://{}", tls.addr()));
    let env = [("API_URL", url.as_str()), ("SSL_CERT_FILE", tls.ca_file().to_str().unwrap())];
    (start(&redis.url(), simulator, &env).await, tls)
}

#[tokio::test]
async fn a_25live_with_a_trusted_certificate_is_swept_over_tls() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let (function, _tls) = start_over_tls(Certificate::Good, &redis, &simulator).await;
    assert_refreshed(&function.answer_to("refresh").await);
    assert_eq!(simulator.requests(), ROOMS);
}

#[tokio::test]
async fn no_request_is_sent_to_a_25live_with_a_bad_certificate() {
    for (certificate, reason) in [
        (Certificate::Impostor, "BadSignature"),
        (Certificate::Expired, "certificate expired"),
        (Certificate::OtherHost, "certificate not valid for name"),
    ] {
        let (redis, simulator) = (RedisServer::start().await, start_25live().await);
        let (function, _tls) = start_over_tls(certificate, &redis, &simulator).await;
        let refused = function.answer_to("refresh").await;
        assert_eq!(refused.problem(), (502, "Failed to refresh data".to_owned()), "{certificate:?}");
        let line = function.logged("WARN", "rooms failed").await;
        assert!(line["cause"].as_str().unwrap().contains(reason), "{line}");
        assert_eq!(simulator.requests(), 0, "{certificate:?}");
        assert_eq!(redis.command(&["EXISTS", "classrooms:availability"]).await, "0");
    }
}

/// The alert with which clients refuse a TLS version (RFC 8446): fatal, protocol_version.
const VERSION_REFUSED: (u8, u8) = (2, 70);

#[tokio::test]
async fn tls_1_1_connections_to_25live_and_redis_are_refused() {
    let (redis, simulator, old) = (RedisServer::start().await, start_25live().await, OldTls::start().await);
    let url = format!("https://{}/availabilitydata.json", old.addr());
    let function = start(&redis.url(), &simulator, &[("API_URL", &url), ("UPSTREAM_CONCURRENCY", "64")]).await;
    assert_eq!(function.answer_to("refresh").await.status, 502);
    assert_eq!(old.alert().await, VERSION_REFUSED);

    let old = OldTls::start().await;
    let function = start(&format!("rediss://{}", old.addr()), &simulator, &[]).await;
    assert_unavailable(&function.answer_to("refresh").await);
    assert_eq!(old.alert().await, VERSION_REFUSED);
}

#[tokio::test]
async fn huge_25live_answers_neither_exhaust_memory_nor_replace_good_data() {
    let zeros = Fault::Body(format!(r#"{{"subjects":[{}0]}}"#, "0,".repeat(1_000_000)));
    for (fault, faulty_rooms) in [
        (Fault::Huge(60_000_000), ROOMS),
        (Fault::GzipBomb(1 << 30), ROOMS),
        (Fault::ManyItems(1_000_000), ROOMS),
        // Both have the maximum response size. They are parsed, which is slow in a debug build.
        (Fault::ManyItems(90_000), 16),
        (zeros, 8),
    ] {
        let (redis, simulator) = (RedisServer::start().await, start_25live().await);
        let env = [("UPSTREAM_CONCURRENCY", "64"), ("REFRESH_COOLDOWN_MINUTES", "0")];
        let function = start(&redis.url(), &simulator, &env).await;
        assert_refreshed(&function.answer_to("refresh").await);
        let good = redis.command(&["GET", "classrooms:availability"]).await;
        let campus = Campus::built_in();
        for (_, room) in campus.classrooms().take(faulty_rooms) {
            simulator.misbehave_for(&room.id, fault.clone());
        }
        let answer = function.answer_to("refresh").await;
        if faulty_rooms < ROOMS {
            assert_refreshed(&answer);
        } else {
            assert_eq!(answer.problem(), (502, "Failed to refresh data".to_owned()));
            assert_eq!(redis.command(&["GET", "classrooms:availability"]).await, good);
        }
        let peak = function.process().peak_memory();
        assert!(peak < 128_000_000, "peak memory of {peak} bytes with {:.40}", format!("{fault:?}"));
    }
}

#[tokio::test]
async fn simultaneous_refreshes_of_several_functions_share_one_sweep_and_its_result() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    simulator.set_latency(Duration::from_millis(300));
    let mut functions = Vec::new();
    for _ in 0..6 {
        let function = start(&redis.url(), &simulator, &[]).await;
        function.init_time().await;
        functions.push(function);
    }
    let answers = join_all(functions.iter().map(|function| function.answer_to("refresh"))).await;
    answers.iter().for_each(assert_refreshed);
    let mut timestamps: Vec<_> = answers.iter().map(|answer| answer.json()["timestamp"].clone()).collect();
    timestamps.dedup();
    assert_eq!((timestamps.len(), simulator.requests()), (1, ROOMS));
}
