//! Starts and stops the program: what it prints, and which error it reports if it cannot start.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod program;

use std::{fs, process::Output, time::Duration};

use emptyclassroom::domain::campus::Campus;
use program::{Program, command, folder};
use simulator::{Room, Simulator};
use testkit::{Process, RedisServer, eventually, free_port};

/// Runs the program until it exits, for starts that must fail.
fn run(vars: &[(&str, &str)]) -> Output {
    command(&folder(), vars).output().unwrap()
}

/// The exit code for an invalid configuration; with it, systemd does not restart the service.
const BAD_CONFIGURATION: i32 = 78;

/// The error of a start that fails with this exit code.
fn refusal(code: i32, vars: &[(&str, &str)]) -> String {
    error_of(code, &run(vars))
}

fn error_of(code: i32, output: &Output) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let last = stderr.lines().last().unwrap_or_default();
    last.strip_prefix("emptyclassroom: ")
        .unwrap_or_else(|| panic!("an error should begin with the program's name: {stderr}"))
        .to_owned()
}

async fn get(program: &Program, path: &str) -> String {
    program.http.get(format!("{}{path}", program.url)).send().await.unwrap().text().await.unwrap()
}

/// Stops it like Ctrl-C. Returns whether its exit code is 0, and its whole output.
async fn interrupt(program: &Program) -> (bool, String) {
    program.process.interrupt();
    let status = program.process.exit().await;
    (status.success(), program.process.output())
}

#[tokio::test]
async fn without_any_variable_it_starts_and_ctrl_c_stops_it_cleanly() {
    emptyclassroom::install_tls();
    let running = Program::start(&[]).await;
    for part in
        ["Boston University", "77 rooms", "in this process", "a simulated 25Live", "curl http://127.0.0.1:", "/app\n"]
    {
        assert!(running.process.output().contains(part), "{}", running.process.output());
    }
    let body: serde_json::Value = serde_json::from_str(&get(&running, "/api/open-classrooms").await).unwrap();
    assert_eq!(body["buildings"]["CAS"]["classrooms"].as_array().unwrap().len(), 54);
    eventually("the refresh at the start is done", Duration::from_secs(30), async || {
        get(&running, "/api/cooldown-status").await.contains("true")
    })
    .await;
    let (ended_well, log) = interrupt(&running).await;
    assert!(ended_well && log.contains("sweep published rooms_ok=77 rooms_failed=0"), "{log}");
}

/// If `API_URL` was forgotten, simulated bookings must not look like real ones.
#[tokio::test]
async fn without_an_api_url_it_warns_that_the_bookings_are_simulated_and_so_does_each_answer() {
    emptyclassroom::install_tls();
    let upstream = Simulator::start(rooms()).await.unwrap();
    for (vars, simulated) in [(&[][..], true), (&[("API_URL", upstream.url().as_str())][..], false)] {
        let running = Program::start(vars).await;
        let body: serde_json::Value = serde_json::from_str(&get(&running, "/api/open-classrooms").await).unwrap();
        assert_eq!(body.get("simulated").is_some(), simulated);
        let (_, log) = interrupt(&running).await;
        let warning = log.lines().find(|line| line.contains("API_URL is not set: the bookings are simulated"));
        assert_eq!(warning.map(|line| line.contains("WARN")), simulated.then_some(true), "{log}");
        assert_eq!(log.contains("a simulated 25Live in this process: the bookings are invented"), simulated, "{log}");
    }
}

/// The rooms of the built-in campus in 25Live.
fn rooms() -> Vec<Room> {
    Campus::built_in().classrooms().map(|(_, room)| Room::new(&room.id, &room.name)).collect()
}

#[tokio::test]
async fn it_reads_the_env_file_and_uses_its_redis() {
    emptyclassroom::install_tls();
    let redis = RedisServer::start_with(&["--requirepass", "hunter2"]).await;
    let url = redis.url().replace("redis://", "redis://:hunter2@");
    let folder = folder();
    fs::write(folder.path().join(".env"), format!("REDIS_URL={url}\nRUST_LOG=trace\n")).unwrap();
    let running = Program::start_in(folder, &[]).await;
    assert!(
        running.process.output().contains(&format!("Redis at 127.0.0.1:{}", redis.port())),
        "{}",
        running.process.output()
    );
    eventually("the data is in Redis", Duration::from_secs(30), async || {
        !get(&running, "/api/last-updated").await.contains("null")
    })
    .await;
    let banner = running.process.output();
    let (ended_well, log) = interrupt(&running).await;
    assert!(ended_well && log.contains("DEBUG"), "{log}");
    assert!(!log.contains("hunter2") && !banner.contains("hunter2"), "the password should not appear anywhere");
}

#[tokio::test]
async fn no_admin_token_is_logged_or_sent_at_any_log_level() {
    emptyclassroom::install_tls();
    let program = Program::start(&[("ADMIN_TOKEN", "correct-horse"), ("RUST_LOG", "trace")]).await;
    let invalidate = format!("{}/api/refresh?invalidate_cache=true", program.url);
    for (token, status) in [("correct-horse", 200), ("battery-staple", 401)] {
        let answer = program.http.post(&invalidate).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), status);
        let (headers, body) = (answer.headers().clone(), answer.text().await.unwrap());
        assert!(!format!("{headers:?} {body}").contains(token), "{headers:?} {body}");
    }
    let (ended_well, log) = interrupt(&program).await;
    assert!(ended_well && log.contains("an operator invalidates the cache"), "{log}");
    assert!(
        !log.contains("correct-horse") && !log.contains("battery-staple"),
        "no token should appear anywhere:\n{log}"
    );
}

#[tokio::test]
async fn a_second_start_on_the_same_redis_does_not_sweep() {
    emptyclassroom::install_tls();
    let redis = RedisServer::start().await;
    let url = redis.url();
    let first = Program::start(&[("REDIS_URL", &url)]).await;
    eventually("the data is in Redis", Duration::from_secs(30), async || {
        !get(&first, "/api/last-updated").await.contains("null")
    })
    .await;
    let second = Program::start(&[("REDIS_URL", &url)]).await;
    get(&second, "/api/open-classrooms").await;
    let (_, log) = interrupt(&second).await;
    assert!(!log.contains("sweep published"), "{log}");
}

#[tokio::test]
async fn a_long_sweep_logs_its_progress() {
    emptyclassroom::install_tls();
    let simulator = Simulator::start(rooms()).await.unwrap();
    // 77 rooms, 32 at a time, take three rounds of 2 s, and progress is logged after five seconds.
    simulator.set_latency(Duration::from_secs(2));
    let running = Program::start(&[("API_URL", &simulator.url()), ("UPSTREAM_CONCURRENCY", "32")]).await;
    assert!(running.process.output().contains("25Live at 127.0.0.1"), "{}", running.process.output());
    let is_progress = |line: &str| line.contains("sweeping rooms_done=") && line.ends_with("rooms=77");
    eventually("the progress is logged", Duration::from_secs(30), async || {
        running.process.output().lines().any(is_progress)
    })
    .await;
}

#[test]
fn a_port_in_use_is_reported() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert_eq!(
        refusal(1, &[("PORT", &port)]),
        format!("port {port} of 127.0.0.1 is taken: stop the program that listens there, or set PORT to another port")
    );
}

#[test]
fn an_unreachable_redis_is_retried_and_then_reported() {
    let port = free_port();
    let url = format!("redis://:hunter2@127.0.0.1:{port}");
    let output = run(&[("REDIS_URL", &url), ("PORT", "0"), ("REDIS_TIMEOUT", "0.5")]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr.lines().filter(|line| line.contains("waiting for Redis")).count(), 4, "{stderr}");
    let expected =
        format!("emptyclassroom: Redis at 127.0.0.1:{port} cannot be reached: start it, correct REDIS_URL, or unset");
    assert!(stderr.lines().last().unwrap().starts_with(&expected), "{stderr}");
    assert!(!stderr.contains("hunter2"), "{stderr}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_bad_campus_file_is_reported_with_its_line() {
    let folder = folder();
    let file = folder.path().join("campus.toml");
    fs::write(&file, "name = \"X\"\ntimezone = \"Mars/Olympus\"\n").unwrap();
    let file = file.display().to_string();
    assert_eq!(
        refusal(BAD_CONFIGURATION, &[("CAMPUS_FILE", &file)]),
        format!(
            "CAMPUS_FILE cannot be used: {file}, line 2: `Mars/Olympus` is not a time zone; \
             expected a name in the tz database, such as America/New_York"
        )
    );
}

#[test]
fn a_bad_variable_is_reported_with_its_value() {
    assert_eq!(
        refusal(BAD_CONFIGURATION, &[("PORT", "http")]),
        "PORT is `http`; expected a number between 0 and 65535"
    );
    let host = refusal(1, &[("HOST", "203.0.113.1"), ("PORT", "0")]);
    assert!(host.starts_with("cannot listen on 203.0.113.1:0; correct HOST or PORT"), "{host}");
}

#[test]
fn with_require_api_url_a_start_without_api_url_is_refused() {
    let output = command(&folder(), &[("PORT", "0")]).arg("--require-api-url").output().unwrap();
    let refusal = error_of(BAD_CONFIGURATION, &output);
    assert!(refusal.starts_with("API_URL is not set; expected the http(s) URL of 25Live's"), "{refusal}");
}

/// The logged requests, each as its fields from the method on.
async fn logged(running: &Program, count: usize) -> Vec<String> {
    let lines = || -> Vec<String> {
        let output = running.process.output();
        let requests = output.lines().filter_map(|line| line.split_once(" request method="));
        requests.map(|(_, fields)| fields.to_owned()).collect()
    };
    eventually("the requests are logged", Duration::from_secs(30), async || lines().len() >= count).await;
    lines()
}

#[tokio::test]
async fn each_request_is_logged_without_its_query_and_health_requests_only_at_debug() {
    emptyclassroom::install_tls();
    for (level, health) in [("info", 0), ("debug", 1)] {
        let running = Program::start(&[("RUST_LOG", level)]).await;
        get(&running, "/api/health").await;
        get(&running, "/api/open-classrooms?q=somebodys-name").await;
        get(&running, &format!("/{}", "é".repeat(5000))).await;
        running.http.post(format!("{}/api/refresh", running.url)).send().await.unwrap();
        let lines = logged(&running, 3 + health).await;
        let [rooms, missing, refresh] = &lines[health..] else { panic!("{lines:?}") };
        assert!(rooms.starts_with(r#""GET" path="/api/open-classrooms" status=200 duration_ms="#), "{rooms}");
        assert!(missing.starts_with(r#""GET" path="/%C3"#) && missing.contains(" status=404 "), "{missing}");
        assert!(missing.len() < 300, "{missing}");
        assert!(refresh.starts_with(r#""POST" path="/api/refresh" status="#), "{refresh}");
        assert!(!running.process.output().contains("somebodys-name"), "{}", running.process.output());
    }
}

#[tokio::test]
async fn with_log_format_json_every_line_is_a_json_object() {
    emptyclassroom::install_tls();
    let folder = folder();
    let process = Process::spawn(&mut command(&folder, &[("PORT", "0"), ("LOG_FORMAT", "json")]));
    let lines = || -> Vec<serde_json::Value> {
        process.output().lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
    };
    let line = |message: &str| lines().into_iter().find(|line| line["message"] == message);
    eventually("the server listens", Duration::from_secs(30), async || line("listening").is_some()).await;
    let listening = line("listening").unwrap();
    assert_eq!((&listening["campus"], &listening["rooms"]), (&"Boston University".into(), &77.into()));
    let url = listening["url"].as_str().unwrap();
    reqwest::get(format!("{url}/api/open-classrooms?at=now")).await.unwrap();
    eventually("the request is logged", Duration::from_secs(30), async || line("request").is_some()).await;
    let request = line("request").unwrap();
    assert_eq!((&request["method"], &request["path"]), (&"GET".into(), &"/api/open-classrooms".into()));
    assert!(request["status"] == 200 && request["duration_ms"].as_f64().unwrap() > 0.0, "{request}");
    assert!(request["level"] == "INFO" && request["timestamp"].is_string(), "{request}");
    process.interrupt();
    assert!(process.exit().await.success() && line("stopping").is_some());
}

#[test]
fn an_unknown_log_format_is_refused() {
    assert_eq!(refusal(BAD_CONFIGURATION, &[("LOG_FORMAT", "xml")]), "LOG_FORMAT is `xml`; expected `text` or `json`");
}
