//! The `read` function as Lambda starts it: its binary, a real Redis, a simulated 25Live, API Gateway's events.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use emptyclassroom::domain::campus::Campus;
use serde_json::{Value, json};
use simulator::Simulator;
use testkit::{
    AwsApi, Function, GRACE, GatewayEvent, InvocationError, PATIENCE, Proxy, REDIS_TIMEOUT, RedisServer, SECRET_ARN,
    TestResponse, event, eventually, simulate,
};

const BINARY: &str = env!("CARGO_BIN_EXE_read");

/// Starts a simulated 25Live with the built-in campus.
async fn start_25live() -> Simulator {
    simulate(&Campus::built_in()).await
}

async fn start(redis_url: &str, simulator: &Simulator, env: &[(&str, &str)]) -> Function {
    let api_url = simulator.url();
    let common = [("REDIS_URL", redis_url), ("API_URL", &api_url), ("REDIS_TIMEOUT", "2")];
    Function::start(BINARY, &[&common, env].concat()).await
}

/// Reads `/api/open-classrooms` and returns the status and `X-Cache`.
async fn read(function: &Function) -> (u16, String) {
    let answer = function.answer_to("open-classrooms").await;
    (answer.status.as_u16(), answer.header("x-cache").to_owned())
}

fn hit_or_miss(word: &str) -> (u16, String) {
    (200, word.to_owned())
}

fn assert_unavailable(answer: &TestResponse) {
    assert_eq!(answer.problem(), (503, "Cache unavailable".to_owned()));
    assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
}

#[tokio::test]
async fn a_cold_read_sweeps_and_the_next_is_a_hit_with_the_same_bytes() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let function = start(&redis.url(), &simulator, &[]).await;
    assert_eq!(function.answer_to("last-updated").await.text, r#"{"last_updated":null}"#);

    let miss = function.answer_to("open-classrooms").await;
    assert_eq!((miss.status.as_u16(), miss.header("x-cache")), (200, "MISS"));
    assert_eq!((miss.header("content-type"), miss.header("cache-control")), ("application/json", "no-cache"));
    let body = miss.json();
    let rooms = |code: &str| body["buildings"][code]["classrooms"].as_array().unwrap().clone();
    let swept: Vec<_> = rooms("CAS").into_iter().chain(rooms("CGS")).collect();
    assert_eq!(swept.len(), Campus::built_in().classrooms().count());
    assert!(swept.iter().all(|room| room["status"] == "ok"), "{body}");
    assert_eq!(simulator.requests(), swept.len());

    let hit = function.answer_to("open-classrooms").await;
    assert_eq!((hit.status.as_u16(), hit.header("x-cache")), (200, "HIT"));
    assert_eq!((&hit.text, hit.header("etag")), (&miss.text, miss.header("etag")));
    assert_eq!(simulator.requests(), swept.len());
    assert_eq!(function.answer_to("last-updated").await.json()["last_updated"], body["last_updated"]);

    let packed = function.answer(GatewayEvent::named("open-classrooms").header("accept-encoding", "gzip")).await;
    assert_eq!((packed.header("content-encoding"), packed.header("x-cache")), ("gzip", "HIT"));
    assert_eq!(
        (&packed.text, packed.header("etag")),
        (&miss.text, miss.header("etag")),
        "API Gateway decodes the base64 body"
    );
}

#[tokio::test]
async fn each_route_responds_and_each_error_has_its_detail() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let function = start(&redis.url(), &simulator, &[]).await;
    let hello = function.answer_to("hello").await;
    assert_eq!((hello.status.as_u16(), hello.text.as_str()), (200, r#""Hello World""#));
    assert_eq!(hello.header("x-content-type-options"), "nosniff");

    let room = function.answer_to("classroom").await;
    assert_eq!((room.status.as_u16(), room.header("x-cache")), (200, "MISS"));
    assert_eq!((&room.json()["id"], &room.json()["building_code"]), (&json!("342"), &json!("CAS")));

    for (name, status, sentence) in [
        ("classroom-not-found", 404, "Classroom not found"),
        ("open-classrooms-date-not-kept", 404, "No availability is kept for 2020-01-01"),
        ("open-classrooms-bad-date", 400, "`date` is `tomorrow`; expected a date such as 2026-03-03"),
        ("not-found", 404, "Not Found"),
        ("refresh", 404, "Not Found"),
        ("cooldown-status", 404, "Not Found"),
    ] {
        assert_eq!(function.answer_to(name).await.problem(), (status, sentence.to_owned()), "{name}");
    }
    let refused = function.answer_to("method-not-allowed").await;
    assert_eq!(refused.problem(), (405, "Method Not Allowed".to_owned()));
    assert_eq!(refused.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn a_matching_etag_gets_an_empty_304_from_the_function() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let function = start(&redis.url(), &simulator, &[]).await;
    let first = function.answer_to("open-classrooms").await;
    let mut again = event("open-classrooms");
    again["headers"]["if-none-match"] = first.header("etag").into();
    let known = function.answer(again).await;
    assert_eq!((known.status.as_u16(), known.text.as_str()), (304, ""));
    assert_eq!((known.header("x-cache"), known.header("etag")), ("HIT", first.header("etag")));
}

#[tokio::test]
async fn redis_over_tls_with_a_trusted_certificate_works() {
    let (redis, simulator) = (RedisServer::start_tls().await, start_25live().await);
    let env = [("SSL_CERT_FILE", redis.ca_file().to_str().unwrap())];
    let function = start(&redis.url(), &simulator, &env).await;
    assert_eq!(read(&function).await, hit_or_miss("MISS"));
    assert_eq!(read(&function).await, hit_or_miss("HIT"));
    assert_eq!(redis.command(&["EXISTS", "classrooms:availability"]).await, "1");
}

#[tokio::test]
async fn redis_over_tls_with_an_untrusted_certificate_counts_as_down() {
    let (redis, simulator) = (RedisServer::start_tls().await, start_25live().await);
    let function = start(&redis.url(), &simulator, &[]).await;
    assert_unavailable(&function.answer_to("open-classrooms").await);
    assert_eq!(function.answer_to("last-updated").await.text, r#"{"last_updated":null}"#);
    for message in
        ["Redis could not be reached at startup", "the cache is down", "the cache is down: no last update is shown"]
    {
        let line = function.logged("ERROR", message).await;
        assert!(line["cause"].as_str().unwrap().contains("certificate"), "{line}");
    }
}

#[tokio::test]
async fn the_function_starts_without_redis_and_sweeps_once_redis_is_up() {
    let (mut redis, simulator) = (RedisServer::start().await, start_25live().await);
    redis.stop().await;
    let function = start(&redis.url(), &simulator, &[]).await;
    assert!(function.init_time().await < Duration::from_secs(5));
    assert_unavailable(&function.answer_to("open-classrooms").await);
    assert_unavailable(&function.answer_to("classroom").await);
    assert_eq!(function.answer_to("last-updated").await.text, r#"{"last_updated":null}"#);
    assert_eq!(function.answer_to("hello").await.status, 200);
    assert_eq!(simulator.requests(), 0, "no sweep starts without a cache");

    redis.restart().await;
    assert_eq!(read(&function).await, hit_or_miss("MISS"));
    redis.stop().await;
    assert_eq!(read(&function).await, hit_or_miss("STALE"), "the process serves its own copy");
}

#[tokio::test]
async fn a_hanging_redis_delays_a_read_by_at_most_redis_timeout() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let proxy = Proxy::start(redis.addr()).await;
    proxy.cut();
    let function = start(&format!("redis://{}", proxy.addr()), &simulator, &[]).await;
    assert!(function.init_time().await < Duration::from_secs(5));
    assert_unavailable(&function.answer_to("open-classrooms").await);
    let second = Instant::now();
    assert_unavailable(&function.answer_to("open-classrooms").await);
    let waited = second.elapsed();
    assert!(waited < REDIS_TIMEOUT / 2, "the request after a timeout does not wait for Redis again: {waited:?}");

    proxy.restore();
    assert_eq!(read(&function).await, hit_or_miss("MISS"));
}

#[tokio::test]
async fn a_redis_shared_with_the_original_service_gives_hits_and_one_warning() {
    const KEY: &str = "classrooms:availability";
    const ORIGINAL_VALUE: &str = r#"{"342": [{"start": "07:00:00", "end": "23:00:00"}]}"#;
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    redis.command(&["SET", KEY, ORIGINAL_VALUE]).await;
    let function = start(&redis.url(), &simulator, &[]).await;
    assert_eq!(read(&function).await, hit_or_miss("MISS"));
    for _ in 0..2 {
        redis.command(&["SET", KEY, ORIGINAL_VALUE]).await;
        assert_eq!(read(&function).await, hit_or_miss("HIT"));
    }
    let line = function.logged("WARN", "a cached value is unusable").await;
    assert_eq!(line["key"], KEY);
    assert!(line["cause"].as_str().unwrap().contains("set REDIS_PREFIX"), "{line}");
    let times = function.log_lines().iter().filter(|other| other["message"] == line["message"]).count();
    assert_eq!(times, 1, "{}", function.logs());
}

#[tokio::test]
async fn a_function_with_redis_prefix_touches_no_other_keys() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    redis.command(&["SET", "classrooms:availability", "another's"]).await;
    let function = start(&redis.url(), &simulator, &[("REDIS_PREFIX", "second")]).await;
    assert_eq!(read(&function).await, hit_or_miss("MISS"));
    assert_eq!(read(&function).await, hit_or_miss("HIT"));
    assert_eq!(redis.command(&["GET", "classrooms:availability"]).await, "another's");
    let keys = redis.command(&["KEYS", "*"]).await;
    let others: Vec<_> = keys.split_whitespace().filter(|key| !key.starts_with("second:")).collect();
    assert_eq!(others, ["classrooms:availability"]);
}

#[tokio::test]
async fn a_bad_environment_variable_stops_the_start_with_an_error_that_names_it() {
    let redis = RedisServer::start().await;
    let url = redis.url();
    let redis_url = ("REDIS_URL", url.as_str());
    let wanted = "the http(s) URL of 25Live's availabilitydata.json";
    assert_eq!(Function::refusal(BINARY, &[redis_url]).await, format!("API_URL is not set; expected {wanted}"));
    for (name, held, beginning) in [
        ("REDIS_URL", "", "REDIS_URL is not set; expected redis://HOST:PORT"),
        ("REDIS_URL", "http://:hunter2@localhost", "REDIS_URL is a URL with another scheme; expected"),
        ("REDIS_URL", "rediss://:hunter2@localhost/#insecure", "REDIS_URL is "),
        ("API_URL", "25live.example.edu", "API_URL is `25live.example.edu`; expected the http(s) URL"),
        ("CAMPUS_FILE", "/no/such.toml", "CAMPUS_FILE cannot be used: /no/such.toml cannot be read: No such file"),
        ("MIN_GAP_MINUTES", "half", "MIN_GAP_MINUTES is `half`; expected a whole number of minutes between 1 and 1440"),
        ("UPSTREAM_CONCURRENCY", "0", "UPSTREAM_CONCURRENCY is `0`; expected a whole number between 1 and 64"),
        (
            "ALLOWED_ORIGINS",
            "example.edu",
            "ALLOWED_ORIGINS is `example.edu`; expected `*`, or comma-separated origins",
        ),
    ] {
        let sentence = Function::refusal(BINARY, &[redis_url, ("API_URL", "http://localhost/x"), (name, held)]).await;
        assert!(sentence.starts_with(beginning) && !sentence.contains("hunter2"), "{name}={held}: {sentence}");
    }
}

#[tokio::test]
async fn a_read_that_waits_for_a_sweep_is_logged_as_one_json_line() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let function = start(&redis.url(), &simulator, &[]).await;
    let last_updated = function.answer_to("open-classrooms").await.json()["last_updated"].clone();
    let sweep = function.logged("INFO", "sweep published").await;
    assert_eq!((&sweep["rooms_ok"], &sweep["rooms_failed"]), (&json!(simulator.requests()), &json!(0)));
    let line = function.logged("INFO", "read").await;
    assert_eq!((&line["cache"], &line["last_updated"]), (&json!("MISS"), &last_updated));
    assert!(line["timestamp"].is_string());
}

#[tokio::test]
async fn a_hit_returns_the_gzip_body_that_the_sweep_compressed() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let function = start(&redis.url(), &simulator, &[]).await;
    assert_eq!(read(&function).await, hit_or_miss("MISS"));
    let value = redis.command(&["GET", "classrooms:availability"]).await;
    let details: Value = serde_json::from_str(value.lines().nth(2).unwrap()).unwrap();
    let event = GatewayEvent::named("open-classrooms").header("accept-encoding", "gzip");
    let hit = function.invoke(event.into()).await.unwrap();
    assert_eq!((&hit["headers"]["x-cache"], &hit["isBase64Encoded"]), (&json!("HIT"), &json!(true)));
    assert_eq!(hit["body"], details["gzip"]);
}

#[tokio::test]
async fn each_read_emits_one_line_of_metrics() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let function = start(&redis.url(), &simulator, &[]).await;
    assert_eq!((read(&function).await, read(&function).await), (hit_or_miss("MISS"), hit_or_miss("HIT")));
    function.answer_to("hello").await;
    eventually("both reads have a line of metrics", PATIENCE, async || function.metrics().len() == 2).await;
    let lines = function.metrics();
    let (miss, hit) = (&lines[0], &lines[1]);
    assert_eq!(
        (&miss["FunctionName"], &miss["ColdStarts"], &miss["Misses"]),
        (&json!("under-test"), &json!(1), &json!(1))
    );
    assert_eq!((&miss["SweepsPublished"], &miss["RoomsOk"], &miss["RoomsFailed"]), (&json!(1), &json!(77), &json!(0)));
    assert!(miss["UpstreamTime"].as_f64().unwrap() > 0.0 && miss["DataAge"].as_f64().unwrap() < 60.0, "{miss}");
    assert_eq!((&hit["Hits"], &hit["ColdStarts"], &hit["UpstreamTime"]), (&json!(1), &Value::Null, &Value::Null));
    assert!(hit["RedisTime"].as_f64().unwrap() > 0.0, "{hit}");
}

#[tokio::test]
async fn the_redis_password_is_not_logged_at_any_level() {
    let redis = RedisServer::start_with(&["--requirepass", "correct-horse"]).await;
    let simulator = start_25live().await;
    // With the right password and with a wrong one.
    for (password, outcome) in [("correct-horse", (200, "MISS")), ("hunter2-hunter2", (503, ""))] {
        let url = redis.url().replace("redis://", &format!("redis://:{password}@"));
        let function = start(&url, &simulator, &[("RUST_LOG", "trace")]).await;
        assert_eq!(read(&function).await, (outcome.0, outcome.1.to_owned()));
        let last = if outcome.0 == 200 { ("INFO", "read") } else { ("ERROR", "the cache is down") };
        function.logged(last.0, last.1).await;
        assert!(function.log_lines().iter().any(|line| line["level"] == "DEBUG"), "{}", function.logs());
        for secret in ["correct-horse", "hunter2"] {
            assert!(!function.logs().contains(secret), "{}", function.logs());
        }
    }
}

#[tokio::test]
async fn an_event_that_is_not_an_http_request_is_an_error_and_the_next_one_is_answered() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let function = start(&redis.url(), &simulator, &[]).await;
    for event in [json!({}), Value::Null, event("schedule")] {
        let error = function.invoke(event.clone()).await.unwrap_err();
        assert!(matches!(error, InvocationError::Function(_)), "{event}: {error}");
    }
    assert_eq!(function.answer_to("hello").await.status, 200);
}

#[tokio::test]
async fn malformed_requests_that_api_gateway_passes_on_get_a_response() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let function = start(&redis.url(), &simulator, &[]).await;
    for (path, query, status) in [
        ("/api/open-classrooms", "date=|^`{}\\", 400),
        ("/api/open-classrooms", "date=\u{1F3EB}", 400),
        ("/api/classrooms/\u{1F3EB} <>\"", "", 404),
        ("//api//open-classrooms", "", 404),
        ("", "", 200),
        ("/api/open-classrooms", "date=2026 03 03", 400),
        ("/api/open-classrooms", "date=<\"'>", 400),
        ("/api/open-classrooms", "q=cas 116&x=\u{0}\r\n", 200),
        ("/#/?x", "", 404),
        ("/\\ ..", "", 404),
    ] {
        let mut strange = event("hello");
        strange["headers"]["host"] = "no host at all:::".into();
        strange["headers"]["x-forwarded-proto"] = "<>".into();
        strange["headers"]["x-\u{1F3EB}"] = "\u{1}".into();
        strange["headers"]["if-none-match"] = "W/\"\u{e9}".into();
        strange["rawPath"] = path.into();
        strange["rawQueryString"] = query.into();
        assert_eq!(function.answer(strange).await.status, status, "{path}?{query}");
    }
}

#[tokio::test]
async fn after_a_freeze_a_dead_redis_connection_slows_at_most_one_request() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let network = Proxy::start(redis.addr()).await;
    let function = start(&format!("redis://{}", network.addr()), &simulator, &[]).await;
    assert_eq!(read(&function).await, hit_or_miss("MISS"));
    function.freeze_until_redis_connection_is_lost(&network);
    for answer in function.one_slow_answer_at_most("open-classrooms").await {
        assert_eq!((answer.status.as_u16(), answer.header("x-cache")), (200, "HIT"));
    }
}

#[tokio::test]
async fn after_a_freeze_with_redis_unreachable_the_last_good_copy_is_served_within_the_timeout() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let network = Proxy::start(redis.addr()).await;
    let function = start(&format!("redis://{}", network.addr()), &simulator, &[]).await;
    assert_eq!(read(&function).await, hit_or_miss("MISS"));
    function.process().pause();
    network.cut();
    function.process().resume();
    let start = Instant::now();
    assert_eq!(read(&function).await, hit_or_miss("STALE"));
    assert!(start.elapsed() < REDIS_TIMEOUT + GRACE, "{:?}", start.elapsed());
    network.restore();
    assert_eq!(read(&function).await, hit_or_miss("HIT"));
}

/// The environment of a function that reads REDIS_URL from a secret.
fn secret_redis_url(endpoint: &str) -> [(&str, &str); 5] {
    [
        ("REDIS_URL", ""),
        ("REDIS_URL_SECRET_ARN", SECRET_ARN),
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI"),
    ]
}

#[tokio::test]
async fn redis_url_is_read_from_secrets_manager_once_and_never_logged() {
    let redis = RedisServer::start_with(&["--requirepass", "correct-horse"]).await;
    let simulator = start_25live().await;
    let url = redis.url().replace("redis://", "redis://:correct-horse@");
    // A secret typed into a console often ends with a line break.
    let secrets = AwsApi::secrets_manager(&format!("{url}\n")).await;
    let endpoint = secrets.url();
    let env = [&secret_redis_url(&endpoint)[..], &[("RUST_LOG", "trace")]].concat();
    let function = start("", &simulator, &env).await;
    assert_eq!([read(&function).await, read(&function).await], [hit_or_miss("MISS"), hit_or_miss("HIT")]);
    let expected = ("secretsmanager.GetSecretValue".to_owned(), json!({"SecretId": SECRET_ARN}));
    assert_eq!(secrets.taken(), [expected]);
    assert!(function.log_lines().iter().any(|line| line["level"] == "DEBUG"), "{}", function.logs());
    for secret in ["correct-horse", "wJalrXUtnFEMI"] {
        assert!(!function.logs().contains(secret), "{secret} is in:\n{}", function.logs());
    }
}

#[tokio::test]
async fn an_unreadable_secret_stops_the_start_with_its_reason() {
    let refusing = AwsApi::start(|_| {
        (400, json!({"__type": "AccessDeniedException", "message": "not authorized to perform secretsmanager:GetSecretValue"}))
    })
    .await;
    let sentence = Function::refusal(BINARY, &secret_redis_url(&refusing.url())).await;
    assert!(
        sentence.starts_with("the secret of REDIS_URL_SECRET_ARN could not be read: check that it exists"),
        "{sentence}"
    );
    assert!(sentence.contains("AccessDeniedException"), "{sentence}");

    let binary = AwsApi::start(|_| (200, json!({"SecretBinary": "AAEC"}))).await;
    let sentence = Function::refusal(BINARY, &secret_redis_url(&binary.url())).await;
    assert!(sentence.starts_with("the secret of REDIS_URL_SECRET_ARN is binary"), "{sentence}");

    let wrong = AwsApi::secrets_manager("hunter2").await;
    let sentence = Function::refusal(BINARY, &secret_redis_url(&wrong.url())).await;
    assert!(sentence.starts_with("REDIS_URL is not a URL") && !sentence.contains("hunter2"), "{sentence}");
}

#[tokio::test]
async fn a_throttled_secrets_manager_request_is_retried() {
    let (redis, simulator) = (RedisServer::start().await, start_25live().await);
    let (redis_url, asked) = (redis.url(), Arc::new(AtomicUsize::new(0)));
    let aws = AwsApi::start(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => (400, json!({"__type": "ThrottlingException", "message": "Rate exceeded"})),
        _ => (200, json!({ "SecretString": redis_url.clone() })),
    })
    .await;
    let (aws_url, api_url) = (aws.url(), simulator.url());
    let variables = [&secret_redis_url(&aws_url)[..], &[("API_URL", api_url.as_str())]].concat();
    let function = Function::start(BINARY, &variables).await;
    assert_eq!(read(&function).await, hit_or_miss("MISS"));
    assert_eq!(aws.taken().len(), 2);
}

#[tokio::test]
async fn a_hanging_secrets_manager_stops_the_start_within_seconds() {
    let secrets = AwsApi::secrets_manager("redis://localhost").await;
    let network = Proxy::start(secrets.addr()).await;
    network.cut();
    let start = Instant::now();
    let sentence = Function::refusal(BINARY, &secret_redis_url(&format!("http://{}", network.addr()))).await;
    assert!(sentence.starts_with("the secret of REDIS_URL_SECRET_ARN could not be read"), "{sentence}");
    // Lambda's INIT phase may take 10 s.
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_secret_needs_an_arn_and_cannot_be_combined_with_the_plain_variable() {
    let arn = ("REDIS_URL_SECRET_ARN", SECRET_ARN);
    for (env, sentence) in [
        (
            vec![("REDIS_URL", "redis://localhost"), arn],
            "REDIS_URL and REDIS_URL_SECRET_ARN are both set: unset one of them",
        ),
        (
            vec![("REDIS_URL_SECRET_ARN", "redis-url")],
            "REDIS_URL_SECRET_ARN is `redis-url`; expected arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME",
        ),
    ] {
        assert_eq!(Function::refusal(BINARY, &env).await, sentence);
    }
}
